"""`StudyResults`: all that a study found, the content of `results.json`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, ValuesView
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.limits import LEVELS, MILLION, RESULTS_MB
from impact_eval.core.provenance import stable
from impact_eval.core.shown import Shown, one_line
from impact_eval.core.vocabulary import RowsAre
from impact_eval.core.whole_files import write_whole
from impact_eval.results.account_records import ValueSection
from impact_eval.results.added_leaves import with_added_leaves
from impact_eval.results.checks import CheckRecord
from impact_eval.results.estimates import CovarianceRecord, EstimateRecord, Role
from impact_eval.results.faults import Json, TwiceInFile, depth, fault_places, parsed, refuse_hidden
from impact_eval.results.finding_records import NoticedRecord
from impact_eval.results.migration import SCHEMA_1, from_schema_1
from impact_eval.results.record_base import CODE, Record, Rule
from impact_eval.results.score_records import ScoreRecord
from impact_eval.results.study_records import (
    DataRecord,
    DisclosureRecord,
    DossierRecord,
    Provenance,
    ReleasedCount,
    StudyRecord,
)

SCHEMA: Literal["impact-eval/results/2"] = "impact-eval/results/2"
UNREPEATABLE = ("run_at",)  # the only key in which two runs on the same inputs differ
_MOST_FAULTS = 10


class StudyResults(Shown, Record):
    """All that a study found: the content of `results.json`.

    Examples
    --------
    >>> StudyResults.read("sortie/results.json")  # doctest: +SKIP
    """

    schema_: Annotated[Literal["impact-eval/results/2"], CODE] = Field(alias="schema")
    """Version of this format."""
    study: StudyRecord
    """The declaration."""
    data: DataRecord
    """What the numbers were computed on, never its rows."""
    estimates: tuple[EstimateRecord, ...]
    """One record per outcome and role."""
    covariance: CovarianceRecord
    """Joint covariance of the headline effects."""
    checks: tuple[CheckRecord, ...]
    """One record per outcome and check."""
    scores: tuple[ScoreRecord, ...]
    """Scales: reliability, change, distribution."""
    value: ValueSection | None
    """The account: what the effect is worth, to whom, paid by whom."""
    dossier: dict[str, DossierRecord]
    """By outcome: the other margins of error, the other designs."""
    findings: tuple[NoticedRecord, ...]
    """What was noticed."""
    disclosure: DisclosureRecord
    """What was withheld, and by which rule."""
    provenance: Provenance
    """What made the result."""
    earlier: tuple[ReleasedCount, ...]
    """What earlier editions published; in memory only, empty once published."""

    def _line(self) -> str:
        edition = self.disclosure.edition if self.disclosure.released else None
        outcomes = tuple(record.outcome for record in self.headlines)
        level = self.evidence_level
        return one_line("StudyResults", self.study.id, edition, outcomes=outcomes, level=level)

    @model_validator(mode="after")
    def _one_study(self) -> Self:
        """Refuse parts that speak of what is not there, and what stands twice."""
        known = {record.outcome for record in self.estimates}
        named = {c.outcome for c in self.checks} | set(self.dossier)
        named |= {o for finding in self.findings for o in finding.outcomes}
        if named - known:
            names = sorted(named - known)
            raise PydanticCustomError("unknown_outcome", "unknown_outcome", {"names": names})
        _once(f"estimates/{record.outcome}/{record.role}" for record in self.estimates)
        _once(f"checks/{record.outcome}/{record.check.code}" for record in self.checks)
        _once(f"scores/{score.id}" for score in self.scores)
        primary = {record.outcome for record in self.estimates if record.primary}
        if len(primary) > 1:
            raise PydanticCustomError("primary_twice", "primary_twice", {"names": sorted(primary)})
        scales = {record.question.instrument for record in self.estimates} - {None}
        unknown = sorted(map(str, scales - {score.id for score in self.scores}))
        if unknown:
            raise PydanticCustomError("unknown_scale", "unknown_scale", {"names": unknown})
        return self

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        """Refuse a published record that holds what never leaves, or that says two rules."""
        gate, declared = self.disclosure, self.study.privacy
        published = gate.edition == "publication"
        if gate.profile != declared.profile or (published and gate.threshold != declared.threshold):
            raise PydanticCustomError("two_rules", "two_rules", {})
        inside = sorted(set(_inside(self, "")))
        if gate.released and inside:
            raise PydanticCustomError("inside_published", "inside_published", {"names": inside})
        return self

    def of(self, outcome: str, role: Role | str = "main") -> EstimateRecord:
        """Return the estimate of an outcome in a role; refused by name when there is none."""
        for record in self.estimates:
            if record.outcome == outcome and record.role == role:
                return record
        known = [f"{record.outcome}/{record.role}" for record in self.estimates]
        raise ImpactEvalError(
            Finding.error(
                "unknown_name", kind="estimate", name=f"{outcome}/{role}", nearest=None, known=known
            )
        )

    @property
    def threshold(self) -> int:
        """Least number of people a published cell may count; territories are not people."""
        people = self.data.counted is RowsAre.PEOPLE
        return self.disclosure.threshold if people else 1

    @property
    def headlines(self) -> tuple[EstimateRecord, ...]:
        """The headline estimates, the primary outcome first, in the order of the study file."""
        main = [record for record in self.estimates if record.role is Role.MAIN]
        return tuple(sorted(main, key=lambda record: not record.primary))

    @property
    def primary(self) -> EstimateRecord:
        """The headline estimate of the primary outcome; refused when nothing was estimated."""
        for record in self.headlines:
            if record.primary:
                return record
        raise ImpactEvalError(Finding.error("nothing_estimated", study=self.study.id))

    @property
    def evidence_level(self) -> int:
        """Evidence level of the primary outcome; 0 when nothing was estimated."""
        levels = [r.evidence.level for r in self.headlines if r.primary and r.evidence]
        return levels[0] if levels else 0

    def estimate(self, outcome: str) -> Estimate:
        """Return the headline estimate of an outcome."""
        return self.of(outcome).to_estimate()

    def with_template(self, digest: str) -> StudyResults:
        """Return the results with the hash of the template that made them."""
        provenance = self.provenance.model_copy(update={"template_sha256": digest})
        return self.model_copy(update={"provenance": provenance})

    def to_dict(self) -> dict[str, Json]:
        """Return the content of `results.json`: no NaN, and no digit that a machine could move."""
        data: dict[str, Json] = stable(self.model_dump(mode="json", by_alias=True))
        return data

    def to_json(self) -> str:
        """Return the text of `results.json`."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    def write(self, path: str | Path) -> Path:
        """Write `results.json` whole or not at all."""
        target = Path(path)
        target = target / "results.json" if target.is_dir() else target
        write_whole(target, self.to_json())
        return target

    @classmethod
    def read(cls, path: str | Path) -> StudyResults:
        """Read a `results.json`, or the folder that holds it.

        Raises
        ------
        ImpactEvalError
            `results_not_found`, `results_not_json`, `results_key_twice`, `results_schema`,
            `results_invalid`, `beyond_limit`, `hidden_in_file`.
        """
        file = Path(path)
        file = file / "results.json" if file.is_dir() else file
        place = Place(file=file.name)
        if not file.is_file():
            raise ImpactEvalError(Finding.error("results_not_found", place, path=str(path)))
        try:
            RESULTS_MB.refuse_beyond(file.stat().st_size // MILLION, file.name)
            data = parsed(file.read_text(encoding="utf-8-sig"))
            LEVELS.refuse_beyond(depth(data), file.name)
            refuse_hidden(data, place)
        except TwiceInFile as error:
            twice = Finding.error("results_key_twice", place, name=str(error)[:60])
            raise ImpactEvalError(twice) from None
        except (OSError, ValueError, RecursionError):
            raise ImpactEvalError(Finding.error("results_not_json", place)) from None
        return cls.from_dict(data, place)

    @classmethod
    def from_dict(cls, data: object, place: Place | None = None) -> StudyResults:
        """Validate the content of a `results.json`; the former version is brought to this one.

        Raises
        ------
        ImpactEvalError
            `results_schema`, `results_invalid` with the place and the fault of each leaf.
        """
        found = data.get("schema") if isinstance(data, Mapping) else None
        if found == SCHEMA_1 and isinstance(data, Mapping):
            data = from_schema_1(data, place)
        elif found == SCHEMA and isinstance(data, Mapping):
            data = with_added_leaves(data)
        elif found != SCHEMA:
            shown = found[:60] if isinstance(found, str) else None
            raise ImpactEvalError(
                Finding.error("results_schema", place, found=shown, expected=SCHEMA)
            )
        try:
            return cls.model_validate_json(json.dumps(data, allow_nan=False))
        except ValidationError as error:
            keys, faults = fault_places(error, data, cls)
        except (TypeError, ValueError, RecursionError):
            keys, faults = ("results.json",), ("wanted.number",)
        raise ImpactEvalError(
            Finding.error(
                "results_invalid",
                place,
                n=len(keys),
                keys=keys[:_MOST_FAULTS],
                faults=faults[:_MOST_FAULTS],
            )
        )


def _inside(part: Record, place: str) -> Iterator[str]:
    """Yield the places of a record that hold what never leaves."""
    for name, value in part:
        here = f"{place}.{name}" if place else name
        parts = value.values() if isinstance(value, dict) else value
        for item in parts if isinstance(parts, (tuple, ValuesView)) else (parts,):
            if isinstance(item, Record):
                yield from _inside(item, here)
            elif item is not None and part.rules.get(name) is Rule.INSIDE:
                yield here


def _once(names: Iterable[str]) -> None:
    """Refuse a thing that stands twice: a reader would take the first and forget the other."""
    counts = Counter(names)
    twice = [name for name, n in counts.items() if n > 1]
    if twice:
        raise PydanticCustomError("stands_twice", "stands_twice", {"names": twice})


def untimed(results: StudyResults) -> StudyResults:
    """Return results without when they were made: two runs print the same pages."""
    provenance = results.provenance.model_copy(update=dict.fromkeys(UNREPEATABLE, ""))
    return results.model_copy(update={"provenance": provenance})


def comparable(results: StudyResults) -> dict[str, Json]:
    """Return the content of results without what two runs may differ in, to compare them."""
    return untimed(results).to_dict()
