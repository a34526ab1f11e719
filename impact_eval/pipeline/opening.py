"""What `check` sees: the tables of a study opened as the run opens them, and all that it refuses.

Nothing is written and no effect is told: each design is asked for an answer, which is thrown away,
so that what would stop a run is known before it. Names of columns and counts are for the screen of
whoever holds the file; the label of a person is in none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from impact_eval.core.findings import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    Place,
    Severity,
)
from impact_eval.core.vocabulary import RowsAre
from impact_eval.data.measures import read_outcome
from impact_eval.data.roles import column_of
from impact_eval.data.sample import Sample
from impact_eval.data.waves import missing
from impact_eval.designs.base import treated_and_comparison
from impact_eval.pipeline.keeping import keeping_noticed
from impact_eval.pipeline.methods_declared import make_design, without_comparison
from impact_eval.pipeline.nothing_opened import has_a_map, told_once
from impact_eval.pipeline.outcome_unit import refuse_beyond_share
from impact_eval.pipeline.score_outcome import (
    column_of_score,
    of_accompanied,
    with_roles_of_study,
)
from impact_eval.pipeline.scored_table import ScoredTable, scored_table
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import DataPart, InstrumentPart, OutcomePart
from impact_eval.pipeline.study_tables import SeenTable, StudyTables, read_tables, sample_of
from impact_eval.pipeline.wave_proposal import Proposal, propose

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OpenedSample:
    """Who a table follows: counts of units at each date, helped or not, by date of entry.

    Attributes
    ----------
    rows_are : RowsAre
    rows, units : int
    followed : bool
        Whether rows are more than units.
    dates : tuple of (str, int)
        Each date and the units seen there.
    treated, comparison : int or None
    cohorts : tuple of (str or None, int)
        Each date of entry and its units; None for never.
    """

    rows_are: RowsAre
    rows: int
    units: int
    followed: bool
    dates: tuple[tuple[str, int], ...]
    treated: int | None
    comparison: int | None
    cohorts: tuple[tuple[str | None, int], ...]


@dataclass(frozen=True, slots=True)
class OpenedOutcome:
    """What an outcome rests on: its rows and units once what is not measured is left out."""

    part: OutcomePart
    method: str
    rows: int
    units: int | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A study opened: its tables, its samples, its outcomes, what is noticed and what is refused.

    Attributes
    ----------
    tables : tuple of (DataPart, tuple of SeenTable, OpenedSample or None)
    outcomes : tuple of OpenedOutcome
    noticed, faults : tuple of Finding
    proposals : tuple of Proposal
        Declarations that the tables look like, to paste.
    """

    tables: tuple[tuple[DataPart, tuple[SeenTable, ...], OpenedSample | None], ...]
    outcomes: tuple[OpenedOutcome, ...]
    noticed: tuple[Finding, ...]
    faults: tuple[Finding, ...]
    proposals: tuple[Proposal, ...]


def open_study(study: Study, declared: Sequence[Finding] = ()) -> Opened:
    """Open the tables of a study and ask each design what it refuses.

    Parameters
    ----------
    study : Study
    declared : sequence of Finding
        Faults of its declaration, told with those of its tables.

    Returns
    -------
    Opened
        With every fault: a table that cannot be read does not hide those of the others, nor those
        of the value map.
    """
    noticed_of_map, refused_of_map = _by_weight(_found_in_map(study))
    faults = FindingCollector()
    faults.add(*declared)
    try:
        tables = read_tables(study, signed=False)
    except ImpactEvalError as error:
        faults.add(*error.findings)
        refused = (*told_once(faults.findings), *refused_of_map)
        return Opened((), (), noticed_of_map, refused, ())
    opened = _Opening(study, tables, faults)
    outcomes = tuple(opened.outcomes())
    seen = tuple(
        (part, data.tables, _counted(opened.samples.get(id(part)))) for part, data in tables.tables
    )
    noticed = [*keeping_noticed(study)]
    noticed += [f for _, data in tables.tables for table in data.tables for f in table.noticed]
    noticed += [f for sample in opened.samples.values() if sample for f in sample.findings]
    first = [table for _, data in tables.tables[:1] for table in data.tables]
    told, refused = _by_weight(faults.findings)
    return Opened(
        tuple(seen),
        outcomes,
        # a cell of the map is told wherever it stands: two rows may lack the same one
        (*told_once((*noticed, *told)), *noticed_of_map),
        (*told_once(refused), *refused_of_map),
        propose(study, first),
    )


def _found_in_map(study: Study) -> tuple[Finding, ...]:
    """Return what is found in the value map of a study; nothing where no map is there."""
    if not has_a_map(study):
        return ()
    from impact_eval.pipeline.map_checked import check_study_map

    return check_study_map(study)


def _by_weight(findings: Sequence[Finding]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return what is noticed, then what refuses."""
    refused = tuple(f for f in findings if f.severity is Severity.ERROR)
    return tuple(f for f in findings if f.severity is not Severity.ERROR), refused


class _Opening:
    """The samples of a study, each built once, and the faults as they are met."""

    def __init__(self, study: Study, tables: StudyTables, faults: FindingCollector) -> None:
        self.study, self.tables, self.faults = study, tables, faults
        self.samples: dict[int, Sample | None] = {}

    def outcomes(self) -> Iterator[OpenedOutcome]:
        """Yield what each outcome rests on; what it is refused for joins the faults."""
        declared = self.study.declaration
        scored = {part.id: (part, self._scored(part)) for part in declared.instruments}
        main = self._sample(declared.data, self.tables.of(declared.data).frame)
        for part in declared.outcomes:
            if part.instrument is None:
                frame = self.tables.of(declared.data).frame
                found = self._outcome(part, main, frame, part.column or "")
            else:
                instrument, table = scored[part.instrument]
                if table is None or self.study.method_of(part) is None:
                    continue  # described, not estimated; or its faults are told
                found = self._of_score(part, instrument, table)
            if found is not None:
                yield found

    def _sample(self, part: DataPart, frame: pd.DataFrame) -> Sample | None:
        sample = self._asked(None, lambda: sample_of(self.study, frame, part))
        self.samples[id(part)] = sample
        return sample

    def _scored(self, part: InstrumentPart) -> ScoredTable | None:
        frame = self.tables.of(part.data).frame
        return self._asked(f"instruments.{part.id}", lambda: scored_table(self.study, part, frame))

    def _of_score(
        self, part: OutcomePart, instrument: InstrumentPart, table: ScoredTable
    ) -> OpenedOutcome | None:
        """Return what an outcome measured by a questionnaire rests on."""
        declared = self.study.declaration
        column = self._asked(
            f"outcomes.{part.id}",
            lambda: column_of_score(part, table.instrument, table.columns),
        )
        if column is None:
            return None
        main = self.tables.of(declared.data).frame
        frame, roles = with_roles_of_study(table.frame, instrument, main, declared.data)
        sample = self._asked(None, lambda: sample_of(self.study, frame, roles))
        self.samples[id(instrument.data)] = sample
        if without_comparison(self.study.method_of(part)):
            alone = of_accompanied(table.frame, instrument, main, declared.data)
            if alone is not None:
                frame, roles = alone
                sample = self._asked(None, lambda: sample_of(self.study, frame, roles))
        return self._outcome(part, sample, frame, column)

    def _outcome(
        self, part: OutcomePart, sample: Sample | None, frame: pd.DataFrame, column: str
    ) -> OpenedOutcome | None:
        key, known = f"outcomes.{part.id}", [str(name) for name in frame.columns]
        if column not in known:
            self.faults.add(missing(key, column, known))
            return None
        method = self.study.method_of(part)
        if sample is None:  # its roles are refused: what the cells of the outcome hold is told too
            self._asked(key, lambda: _read_alone(frame, column))
            return None
        if method is None:
            return None
        self._asked(key, lambda: refuse_beyond_share(part, sample, column))
        flow = self._asked(key, lambda: make_design(method).fit(sample, column).flow)
        if flow is None:
            return None
        return OpenedOutcome(part, method.name, flow[-1].n, flow[-1].units)

    def _asked(self, key: str | None, ask: Callable[[], T]) -> T | None:
        """Return an answer; what is refused is kept, in the labels of the user's own file."""
        try:
            with self.tables.refusals_by_name():
                return ask()
        except ImpactEvalError as error:
            for finding in error.findings:
                place = finding.place or (None if key is None else Place(key=key))
                self.faults.add(Finding(finding.code, finding.severity, finding.values, place))
            return None


def _read_alone(frame: pd.DataFrame, column: str) -> None:
    faults = FindingCollector()
    read_outcome(column_of(frame, column), faults)
    faults.raise_if_errors()


def _counted(sample: Sample | None) -> OpenedSample | None:
    """Return the counts of a sample."""
    if sample is None:
        return None
    units = sample.unit_codes if sample.unit_codes is not None else np.arange(sample.n)
    dates: list[tuple[str, int]] = []
    if sample.time_codes is not None:
        dates = [
            (_label(label), int(np.unique(units[sample.time_codes == code]).size))
            for code, label in enumerate(sample.time_labels)
        ]
    treated = comparison = None
    if sample.treated is not None:
        treated, comparison = treated_and_comparison(sample)
    followed = sample.unit_codes is not None and sample.n > sample.n_units
    return OpenedSample(
        sample.rows_are, sample.n, sample.n_units, followed, tuple(dates), treated, comparison,
        tuple(_cohorts(sample, units)) if sample.cohort is not None else (),
    )  # fmt: skip


def _cohorts(
    sample: Sample, units: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> Iterator[tuple[str | None, int]]:
    assert sample.cohorts is not None
    for start in np.unique(sample.cohorts):
        n = int(np.unique(units[sample.cohorts == start]).size)
        yield (_label(sample.period_label(float(start))) if np.isfinite(start) else None), n


def _label(label: object) -> str:
    """Return a date as people write it."""
    if isinstance(label, (float, np.floating)) and float(label).is_integer():
        return str(int(label))
    return str(label)[:10] if isinstance(label, np.datetime64) else str(label)
