"""`diff`: what changed between two editions of a study, and why.

First the causes: data, study file, options, template, versions, seed. Then what became of the
results: headline effects, level of evidence, checks, findings. Then the files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.core.limits import NOTEBOOK_MB
from impact_eval.core.machine_faults import machine_faults_told
from impact_eval.core.plain_files import read_plain_text
from impact_eval.pipeline.crate import FILE as CRATE
from impact_eval.pipeline.difference_records import safe_name, shown_value
from impact_eval.pipeline.differences import NOTHING, json_changes
from impact_eval.pipeline.own_folder import checksum
from impact_eval.pipeline.states import STATUS
from impact_eval.pipeline.verification import output_folder
from impact_eval.report.blocks import SayValue, Words, say
from impact_eval.report.wording import finding_code, pick, result_of, said, spoken
from impact_eval.results.checks import CheckRecord
from impact_eval.results.estimates import EstimateRecord
from impact_eval.results.faults import Json, parsed
from impact_eval.results.finding_records import NoticedRecord
from impact_eval.results.records import StudyResults, comparable

_NOT_OUTPUTS = frozenset({STATUS, CRATE})  # they tell of the others
_Pair = tuple[StudyResults, StudyResults]


class About(StrEnum):
    """What a change is about."""

    CAUSES = "causes"
    RESULTS = "results"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class EditionChange:
    """One change between two editions, in words that each language writes.

    Attributes
    ----------
    about : About
    words : Words
        A code, and the values that its sentence needs.
    """

    about: About
    words: Words

    def __str__(self) -> str:
        values = {name: str(value) for name, value in self.words.values.items()}
        return f"{self.about.value}: {self.words.code.removeprefix('diff.')} {json.dumps(values)}"

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON."""
        return {"about": self.about.value, **self.words.model_dump(mode="json")}


@dataclass(frozen=True, slots=True)
class EditionDiff:
    """What changed between two editions of a study.

    Attributes
    ----------
    study : str
        Identifier of the study.
    changes : tuple of EditionChange
        Causes first, then results, then files; empty when the editions say the same.
    """

    study: str
    changes: tuple[EditionChange, ...]

    @property
    def same(self) -> bool:
        """Whether nothing changed but the moment of the run."""
        return not self.changes

    def of(self, about: About) -> tuple[EditionChange, ...]:
        """Return the changes about one thing."""
        return tuple(change for change in self.changes if change.about is about)

    def to_dict(self) -> dict[str, Any]:
        """Return the changes as JSON."""
        return {
            "study": self.study,
            "same": self.same,
            "changes": [change.to_dict() for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class _Edition:
    results: StudyResults
    inputs: Mapping[str, str]
    files: Mapping[str, str] | None


def edition_diff(before: str | Path, after: str | Path) -> EditionDiff:
    """Return what changed between two editions of a study, and why.

    Parameters
    ----------
    before, after : str or Path
        Output folders, study folders, or `results.json` files.

    Returns
    -------
    EditionDiff

    Raises
    ------
    ImpactEvalError
        `results_not_found` and what a damaged `results.json` is refused for; `diff_other_study`
        when the two are of different studies.

    Examples
    --------
    >>> edition_diff("avant/sortie", "mon-action/sortie").same  # doctest: +SKIP
    False
    """
    with machine_faults_told():
        one, other = _read(Path(before)), _read(Path(after))
    pair = (one.results, other.results)
    if pair[0].study.id != pair[1].study.id:
        raise ImpactEvalError(
            Finding.error("diff_other_study", found=pair[1].study.id, expected=pair[0].study.id)
        )
    told = {
        About.CAUSES: [*_causes(pair), *_inputs(one.inputs, other.inputs)],
        About.RESULTS: [*_headlines(pair), *_checks(pair), *_findings(pair)],
        About.FILES: list(_files(one.files, other.files)),
    }
    if not told[About.RESULTS]:
        told[About.RESULTS] = list(_elsewhere(pair))
    changes = tuple(EditionChange(about, words) for about, found in told.items() for words in found)
    return EditionDiff(pair[0].study.id, changes)


def _read(path: Path) -> _Edition:
    if path.is_file():
        return _Edition(StudyResults.read(path), MappingProxyType({}), None)
    folder = output_folder(path)
    return _Edition(StudyResults.read(folder), _job_inputs(folder), _checksums(folder))


def _job_inputs(folder: Path) -> Mapping[str, str]:
    """Return the checksum of each input of a run, where `status.json` tells them."""
    try:
        status: Json = parsed(read_plain_text(folder / STATUS, NOTEBOOK_MB))
    except (OSError, ValueError, RecursionError, ImpactEvalError):
        return {}
    job = status.get("job") if isinstance(status, dict) else None
    inputs = job.get("inputs") if isinstance(job, dict) else None
    if not isinstance(inputs, dict):
        return {}
    return {name: digest for name, digest in inputs.items() if isinstance(digest, str)}


def _checksums(folder: Path) -> Mapping[str, str]:
    """Return the checksum of what each file tells."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink() and name not in _NOT_OUTPUTS:
            found[safe_name(name)] = checksum(path)
    return found


# -- why ------------------------------------------------------------------------------------------


def _causes(pair: _Pair) -> Iterator[Words]:
    one, other = (results.provenance for results in pair)
    if one.data_sha256 != other.data_sha256:
        yield _data(pair)
    if one.study_sha256 != other.study_sha256:
        keys = _declared_keys(pair)
        yield say("diff.study", keys=list(keys)) if keys else say("diff.study_other")
    yield from _options(pair)
    if one.template_sha256 != other.template_sha256:
        yield say("diff.template")
    for name in sorted(one.versions.keys() | other.versions.keys()):
        was, is_ = one.versions.get(name), other.versions.get(name)
        if was != is_:
            yield say("diff.version", name=name, before=was or "—", after=is_ or "—")
    if one.seed != other.seed:
        yield say("diff.seed", before=one.seed, after=other.seed)


def _data(pair: _Pair) -> Words:
    one, other = (results.data for results in pair)
    counts = (one.n_rows, other.n_rows, one.n_units, other.n_units)
    if any(n is None for n in counts):
        return say("diff.data")
    code = "diff.data_same_size" if counts[0::2] == counts[1::2] else "diff.data_counts"
    return say(
        code, rows_before=one.n_rows, rows=other.n_rows, before=one.n_units, after=other.n_units
    )


def _declared_keys(pair: _Pair) -> tuple[str, ...]:
    """Return the keys of the study file that differ, as far as results hold the declaration."""
    one, other = (results.study.model_dump(mode="json") for results in pair)
    found = [f"study.{d.path}" for d in json_changes(one, other)]
    outcomes = [{r.outcome: _declared(r) for r in results.headlines} for results in pair]
    found += [f"outcomes.{d.path}" for d in json_changes(outcomes[0], outcomes[1])]
    columns = [sorted(results.data.columns) for results in pair]
    if columns[0] != columns[1] or pair[0].data.file != pair[1].data.file:
        found.append("data")
    return tuple(dict.fromkeys(found))


def _declared(record: EstimateRecord) -> Json:
    return {
        "label": record.label.model_dump(mode="json"),
        "unit": record.unit.value,
        "direction": record.direction.value,
        "primary": record.primary,
    }


def _options(pair: _Pair) -> Iterator[Words]:
    one, other = ({r.outcome: r for r in results.headlines} for results in pair)
    for outcome in sorted(one.keys() & other.keys()):
        label = said(other[outcome].label)
        was, is_ = one[outcome].estimate.method, other[outcome].estimate.method
        if was.name != is_.name:
            yield say(
                "diff.method", outcome=label, before=_method(was.name), after=_method(is_.name)
            )
            continue
        options = [method.model_dump(mode="json") for method in (was, is_)]
        for found in json_changes(options[0], options[1]):
            name = found.path.removeprefix("options.")
            yield say("diff.option", outcome=label, name=name, before=_told(found.one),
                      after=_told(found.other))  # fmt: skip


def _method(name: str) -> Words:
    return pick(f"method.{name}.name", f"label.{name}")


def _told(value: object) -> SayValue:
    return "—" if value is NOTHING else shown_value(value)


def _inputs(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Words]:
    """Yield the inputs that came, went or changed; nothing when one edition tells none."""
    if not (before and after):
        return
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield say("diff.input_added", file=name)
        elif name not in after:
            yield say("diff.input_lost", file=name)
        elif before[name] != after[name]:
            yield say("diff.input_changed", file=name)


# -- what became of the results ----------------------------------------------------------------


def _headlines(pair: _Pair) -> Iterator[Words]:
    one, other = ({r.outcome: r for r in results.headlines} for results in pair)
    for outcome in [*other, *(name for name in one if name not in other)]:
        if outcome not in one or outcome not in other:
            code = "diff.outcome_added" if outcome in other else "diff.outcome_lost"
            yield say(code, outcome=said((other if outcome in other else one)[outcome].label))
            continue
        yield from _headline(one[outcome], other[outcome])


def _headline(before: EstimateRecord, after: EstimateRecord) -> Iterator[Words]:
    label = said(after.label)
    if before.headline != after.headline:
        yield say("diff.headline", outcome=label, before=_effect(before), after=_effect(after))
    was, is_ = (result_of(record).level for record in (before, after))
    if was != is_:
        yield say("diff.level", outcome=label, before=was, after=is_)


def _effect(record: EstimateRecord) -> Words:
    result = result_of(record)
    if result.effect.estimate is None:
        return say("diff.kept_back") if record.withheld else say("diff.no_number")
    if result.effect.conf_low is None or result.effect.conf_high is None:
        return result.change()
    return say("diff.with_interval", change=result.change(), interval=result.interval())


def _checks(pair: _Pair) -> Iterator[Words]:
    one, other = ({(c.outcome, c.check.code): c for c in results.checks} for results in pair)
    labels = {r.outcome: said(r.label) for results in pair for r in results.estimates}
    for key in dict.fromkeys((*other, *one)):
        was, is_ = (_status(checks.get(key)) for checks in (one, other))
        if was != is_:
            code = key[1]
            name = pick(f"check.{code}.name", f"check.{code}", f"label.{code}")
            yield say("diff.check", check=name, outcome=labels[key[0]], before=was, after=is_)


def _status(record: CheckRecord | None) -> Words:
    return say("diff.absent") if record is None else say(f"checks.{record.check.status.value}")


def _findings(pair: _Pair) -> Iterator[Words]:
    one, other = ({f.code: f for f in results.findings} for results in pair)
    for code in sorted(other.keys() - one.keys()):
        yield say("diff.finding_added", finding=_noticed(other[code]))
    for code in sorted(one.keys() - other.keys()):
        yield say("diff.finding_lost", finding=_noticed(one[code]))


def _noticed(record: NoticedRecord) -> Words:
    code = finding_code(record.code, record.values)
    return say(code, **spoken(record.code, record.values))


def _elsewhere(pair: _Pair) -> Iterator[Words]:
    """Yield how many values of the results moved, when nothing that is shown first did."""
    one, other = (comparable(results) for results in pair)
    paths = [d.path for d in json_changes(one, other) if not d.path.startswith("provenance.")]
    if paths:
        yield say("diff.values", n=len(paths), first=paths[0])


def _files(before: Mapping[str, str] | None, after: Mapping[str, str] | None) -> Iterator[Words]:
    if before is None or after is None:
        return
    yield from (say("diff.file_added", file=name) for name in sorted(set(after) - set(before)))
    yield from (say("diff.file_lost", file=name) for name in sorted(set(before) - set(after)))
    changed = [name for name in sorted(set(before) & set(after)) if before[name] != after[name]]
    if changed:
        yield say("diff.files_changed", n=len(changed), names=changed)
