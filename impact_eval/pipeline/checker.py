"""The checker's page: what each output is, which rules it obeys, and whether it may leave.

`controle.json` and its page in each language are made for whoever authorises a publication (a data
protection officer, a producer of data). The outcomes are those that disclosure checkers know from
ACRO (`pass`, `fail`, `review`) and each is found by attacking the outputs again (`leaks`), not by
believing the gate. ACRO asks for a person as soon as a cell was suppressed, for it does not look
whether the others give it back; here the attack does, and what it does not find passes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from impact_eval.pipeline.content import content_checksum
from impact_eval.pipeline.leak_files import unpack
from impact_eval.pipeline.leak_numbers import number_leaks, table_leaks
from impact_eval.pipeline.leak_report import Leak, LeakKind
from impact_eval.pipeline.leaks import text_leaks
from impact_eval.report.check_page import CheckPage, CheckRow, render_check_page
from impact_eval.report.languages.language import formats_of, language_codes
from impact_eval.report.texts import Texts
from impact_eval.report.wording import said
from impact_eval.results.disclosure.profiles import ProfileMark, profile
from impact_eval.results.records import StudyResults
from impact_eval.results.study_records import DisclosureRecord

FILE = "controle.json"
SCHEMA: Final = "impact-eval/outputs/1"
ALWAYS = ("threshold", "difference", "secondary", "dominance", "homogeneous_group",
          "few_changed", "share_of_few", "degrees_of_freedom", "rounding")  # fmt: skip
_UNLISTED = frozenset({FILE, "ro-crate-metadata.json", "status.json"})
_WITHHELD = "withheld"  # what a table says in place of a number
# The words of ACRO 0.4 (`acro_tables.get_summary`) for rules that it has too; the others keep ours.
_ACRO: Mapping[str, str] = MappingProxyType(
    {"homogeneous_group": "all-values-are-same", "dominance": "nk-rule, p-ratio"}
)
# What a sharer of data on people must look at, which no file can settle alone.
_TEXT_KINDS = frozenset({LeakKind.EMAIL, LeakKind.PHONE})

ReviewReason: TypeAlias = Literal["lowered_threshold", "unconfirmed_rules", "internal_edition"]
Digest: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Status: TypeAlias = Literal["pass", "fail", "review"]
OutputKind: TypeAlias = Literal[
    "results", "report", "notebook", "table", "figure", "workbook", "other"
]


class _CheckedPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class RuleOfEdition(_CheckedPart):
    """A rule that an edition obeys, with what it kept back."""

    rule: str
    """Code of the rule."""
    suppressed: Annotated[int, Field(ge=0)]
    """Numbers that it kept back in the whole edition."""


class FoundLeak(_CheckedPart):
    """Something that an output tells and should not: its kind and how many, never itself."""

    kind: LeakKind
    """What leaks."""
    n: Annotated[int, Field(ge=1)]
    """Different ones."""
    where: tuple[str, ...]
    """Parts of the file, or keys of the results; three at most."""


class CheckedOutput(_CheckedPart):
    """One output: what it is, the rules it obeys, its outcome."""

    name: str
    """Path from the output folder."""
    kind: OutputKind
    """What it is."""
    status: Status
    """`pass`: it may leave; `fail`: it must not; `review`: a person must look at it."""
    summary: str
    """The outcome in the words of disclosure checkers."""
    rules: tuple[str, ...]
    """Rules applied to what it tells."""
    suppressed: Annotated[int, Field(ge=0)]
    """Numbers kept back in it: those of the edition, or of the table alone."""
    found: tuple[FoundLeak, ...]
    """What the attack found in it."""
    sha256: Digest
    """Of its content: without the moment of the run, for `results.json` and workbooks."""


class CheckedOutputs(_CheckedPart):
    """All the outputs of an edition, in the order of their names."""

    schema_: Literal["impact-eval/outputs/1"] = Field(default=SCHEMA, alias="schema")
    """Version of this format."""
    study: str
    """Identifier of the study."""
    edition: Literal["publication", "internal"]
    """For publication, or for the operator alone."""
    profile: str
    """Rules of the producer of the data."""
    threshold: Annotated[int, Field(ge=1)]
    """Least number of people that a published count tells."""
    suppressed: Annotated[int, Field(ge=0)]
    """Numbers kept back in all."""
    rules: tuple[RuleOfEdition, ...]
    """Every rule of the edition, those that had nothing to keep back included."""
    reasons: tuple[ReviewReason, ...]
    """Why a person must look at the whole edition, when one must."""
    data_sha256: Digest
    """Fingerprint of the data."""
    outputs: tuple[CheckedOutput, ...]
    """One by file."""

    def to_json(self) -> str:
        """Return the text of `controle.json`."""
        data = self.model_dump(mode="json", by_alias=True)
        return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def page_names(languages: Iterable[str]) -> tuple[str, ...]:
    """Return the files that `write_checker_page` writes."""
    return (FILE, *(formats_of(language).check_file() for language in languages))


def _unlisted() -> frozenset[str]:
    """Return the files that say what the others are: in no list of outputs."""
    return _UNLISTED | set(page_names(language_codes()))


def write_checker_page(
    folder: Path, results: StudyResults, languages: Sequence[str]
) -> CheckedOutputs:
    """Write `controle.json` and the page to be signed, in each language.

    Parameters
    ----------
    folder : Path
        The output folder, all other outputs written.
    results : StudyResults
        As published.
    languages : sequence of str
        Of the report.

    Returns
    -------
    CheckedOutputs
    """
    checked = checked_outputs(folder, results)
    (folder / FILE).write_text(checked.to_json(), encoding="utf-8", newline="\n")
    for language in languages:
        text = _page(checked, results, language)
        path = folder / formats_of(language).check_file()
        path.write_text(text, encoding="utf-8", newline="\n")
    return checked


def checked_outputs(folder: Path, results: StudyResults) -> CheckedOutputs:
    """Return what each output of a folder is and whether it may leave.

    Parameters
    ----------
    folder : Path
    results : StudyResults
        As published.
    """
    disclosure = results.disclosure
    unpacked = unpack(folder, skip=_unlisted())
    leaks = [
        *(Leak(LeakKind.CLOSED, name) for name in unpacked.closed),
        *text_leaks(unpacked.texts, ()),
        *number_leaks(results),
        *table_leaks(unpacked.texts, results),
    ]
    return CheckedOutputs(
        study=results.study.id,
        edition=disclosure.edition,
        profile=disclosure.profile,
        threshold=disclosure.threshold,
        suppressed=disclosure.withheld,
        rules=tuple(
            RuleOfEdition(rule=r, suppressed=n) for r, n in _edition_rules(disclosure).items()
        ),
        reasons=_reasons(disclosure),
        data_sha256=results.provenance.data_sha256,
        outputs=tuple(
            _checked(folder, name, results, [leak for leak in leaks if leak.file == name])
            for name in unpacked.files
        ),
    )


# -- one output -----------------------------------------------------------------------------


def _checked(
    folder: Path, name: str, results: StudyResults, leaks: Sequence[Leak]
) -> CheckedOutput:
    kind = output_kind(name)
    rules, suppressed = _rules(folder / name, kind, results.disclosure)
    status = _status(results.disclosure, leaks)
    return CheckedOutput(
        name=name,
        kind=kind,
        status=status,
        summary=_summary(status, rules, suppressed, leaks),
        rules=tuple(rules),
        suppressed=suppressed,
        found=tuple(
            FoundLeak(kind=leak.kind, n=max(leak.n, 1), where=leak.where[:3]) for leak in leaks
        ),
        sha256=content_checksum(folder / name),
    )


def output_kind(name: str) -> OutputKind:
    """Return what an output is, by its name."""
    suffix = name.rsplit(".", 1)[-1]
    stem = name.rsplit("/", 1)[-1]
    if name == "results.json":
        return "results"
    if suffix == "ipynb":
        return "notebook"
    if suffix == "xlsx":
        return "workbook"
    if stem.startswith("figure-") or suffix in ("png", "svg"):
        return "figure"
    if suffix == "csv":
        return "table"
    reports = {formats_of(code).report_file(suffix) for code in language_codes()}
    return "report" if stem in reports else "other"


def _edition_rules(disclosure: DisclosureRecord) -> dict[str, int]:
    """Return every rule of an edition, with what each kept back."""
    counts = dict.fromkeys(ALWAYS, 0)
    for line in disclosure.log:
        counts[line.rule] = counts.get(line.rule, 0) + line.withheld
    return counts


def _rules(
    path: Path, kind: OutputKind, disclosure: DisclosureRecord
) -> tuple[dict[str, int], int]:
    """Return the rules applied to an output, with what each kept back, and how much in all.

    A table says where a number is kept back and not why: its rules are those of the edition.
    """
    if kind in ("table", "figure") and path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as stream:
            kept = sum(cell == _WITHHELD for row in csv.reader(stream) for cell in row)
        return dict.fromkeys(ALWAYS, 0), kept
    return _edition_rules(disclosure), disclosure.withheld


def _reasons(disclosure: DisclosureRecord) -> tuple[ReviewReason, ...]:
    """Return why a person must look at an edition whatever its files say."""
    declared = profile(disclosure.profile)
    held: tuple[tuple[ReviewReason, bool], ...] = (
        ("lowered_threshold", disclosure.threshold < declared.threshold),
        ("unconfirmed_rules", declared.mark is ProfileMark.UNCONFIRMED),
        ("internal_edition", disclosure.edition != "publication"),
    )
    return tuple(reason for reason, holds in held if holds)


def _status(disclosure: DisclosureRecord, leaks: Sequence[Leak]) -> Status:
    """Return the outcome; rules that nobody could confirm, or lowered, ask for a person."""
    if any(leak.kind not in _TEXT_KINDS for leak in leaks):
        return "fail"
    return "review" if leaks or _reasons(disclosure) else "pass"


def _summary(
    status: Status, rules: Mapping[str, int], suppressed: int, leaks: Sequence[Leak]
) -> str:
    """Return the outcome as ACRO writes it: the status, then each rule that acted."""
    parts: list[str] = [status]
    if any(rules.values()):
        parts += [
            f"{_ACRO.get(rule, rule)}: {n} cells suppressed" for rule, n in rules.items() if n
        ]
    elif suppressed:
        parts.append(f"{suppressed} cells suppressed")
    parts += [f"{leak.kind.value}: {leak.n} found" for leak in leaks]
    return "; ".join(parts)


def _page(checked: CheckedOutputs, results: StudyResults, language: str) -> str:
    page = CheckPage(
        title=Texts(language).words(said(results.study.title)),
        profile=checked.profile,
        threshold=checked.threshold,
        withheld=checked.suppressed,
        rules=[(rule.rule, rule.suppressed) for rule in checked.rules],
        reasons=checked.reasons,
        rows=[
            CheckRow(
                name=output.name,
                kind=output.kind,
                status=output.status,
                withheld=output.suppressed,
                of_edition=output.kind not in ("table", "figure"),
                found=[(leak.kind.value, leak.n, ", ".join(leak.where)) for leak in output.found],
                sha256=output.sha256,
            )
            for output in checked.outputs
        ],
    )
    return render_check_page(page, language)
