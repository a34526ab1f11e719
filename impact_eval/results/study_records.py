"""What results say of the study itself: the declaration, the data, what made them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from impact_eval.core.dates import first_day, iso_date, last_day
from impact_eval.core.vocabulary import Pillar, RowsAre
from impact_eval.results.checks_of_places import MarginRow
from impact_eval.results.estimates import FlowRecord, narrowing
from impact_eval.results.finding_records import FindingRecord
from impact_eval.results.parts import BilingualRecord, IntervalRecord, at_most
from impact_eval.results.record_base import (
    CODE,
    FREE,
    INSIDE,
    LABEL,
    Clusters,
    Code,
    Codes,
    Flag,
    FreeOrNone,
    Hash,
    HashOrNone,
    Label,
    LabelOrNone,
    People,
    PositiveRatio,
    Probability,
    Record,
    Things,
)

Texts: TypeAlias = tuple[BilingualRecord, ...]


def _day(value: str) -> str:
    if iso_date(value) != value:
        raise PydanticCustomError("not_a_date", "not_a_date", {})
    return value


def _moment(value: str) -> str:
    """Refuse what is no moment; it is empty where two runs must print the same."""
    try:
        known = not value or dt.datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        known = False
    if not known:
        raise PydanticCustomError("not_a_moment", "not_a_moment", {})
    return value


Day: TypeAlias = Annotated[
    str, Field(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"), AfterValidator(_day)
]
Moment: TypeAlias = Annotated[
    str,
    Field(pattern=r"^($|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})"),
    AfterValidator(_moment),
    FREE,
]


class LogicRecord(Record):
    """The logic model, from resources to impacts."""

    inputs: Texts
    """Resources."""
    activities: Texts
    """What is done."""
    outputs: Texts
    """What is delivered."""
    outcomes: Texts
    """What should change for people."""
    impacts: Texts
    """What should change in the end."""


class PrivacyRecord(Record):
    """The rule that protects people, as declared."""

    threshold: Annotated[int, Field(ge=1, le=1000), FREE]
    """Least number of people a published cell may count."""
    profile: Code
    """Rule of the data's producer."""
    rows_are: RowsAre
    """Whether a row of the main table is a person or a territory."""
    reason: BilingualRecord | None
    """Why the threshold is lower than the producer's."""
    internal_edition: Flag
    """Whether the operator asked for an edition of his own."""
    keep_until: Annotated[Day | None, FREE] = None
    """Last day, month or year when the data about people may be kept."""


class ProtocolRecord(Record):
    """What was decided before looking, and what changed since."""

    notes: BilingualRecord | None
    """Anything decided before looking at the results."""
    smallest_effect: Annotated[float | None, Field(gt=0), FREE]
    """Smallest effect that would matter, for the primary outcome."""
    draw_record: LabelOrNone
    """File of the draw."""
    frozen_on: Annotated[Day | None, FREE]
    """Day the protocol was frozen; empty when it was not."""
    frozen_sha256: HashOrNone
    """Hash of what was frozen."""
    intact: Annotated[bool | None, CODE]
    """Whether the frozen file is as it was written."""
    readable: Annotated[bool | None, CODE]
    """Whether the frozen file can be read at all."""
    changed: Annotated[tuple[str, ...], LABEL]
    """Keys of the study file that changed since."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        """Refuse what is said of a frozen file that was not, or that cannot be read."""
        told = self.intact is not None or self.frozen_sha256 is not None or self.changed
        if told and not self.readable:
            raise PydanticCustomError("not_frozen", "not_frozen", {})
        return self


class StudyRecord(Record):
    """The declaration, without the roles of its data."""

    id: Code
    """Short name."""
    title: BilingualRecord
    """Title of the report."""
    territory: Annotated[str, Field(min_length=1, max_length=32), LABEL]
    """Code of the territory."""
    territory_name: BilingualRecord | None
    """Its name."""
    contract: LabelOrNone
    """Contract or programme that funds the action."""
    pillar: Pillar
    """Pillar of the contract."""
    action: BilingualRecord
    """What the action does."""
    public: BilingualRecord | None
    """The people concerned."""
    period: Annotated[tuple[Day, Day], FREE]
    """First and last period: a year, a month or a day."""
    operator: LabelOrNone
    """Who carries the action."""
    emblematic: Flag
    """Whether it was chosen for an in-depth study."""
    question: BilingualRecord | None
    """The question the study answers."""
    comparison: BilingualRecord | None
    """Whom the beneficiaries are compared with."""
    randomised: Flag
    """Whether they were drawn by lot."""
    logic: LogicRecord
    """The logic model."""
    protocol: ProtocolRecord
    """What was decided before looking."""
    privacy: PrivacyRecord
    """The rule that protects people."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        start, end = self.period
        if first_day(start) > last_day(end):
            raise PydanticCustomError("period_reversed", "period_reversed", {})
        return self


class LinesRecord(Record):
    """What the lines of a file are, besides those read as rows: none of them is anybody."""

    titles: Things
    """Titles above the heading."""
    headings: Things
    """Lines of the heading."""
    technical: Things
    """Rows of a survey tool under the heading."""
    continued: Things
    """Lines that carry on a cell of the line above."""
    blank: Things
    """Blank lines."""
    repeated: Things
    """Headings that come again, with the title of their page."""
    totals: Things
    """Totals and means."""
    notes: Things
    """Notes, sources, marks of a page."""
    stray: Things
    """Cells alone outside the table."""

    @classmethod
    def of(cls, counted: object) -> LinesRecord | None:
        """Return the record of a count of lines, when the file has a heading of its own."""
        if not isinstance(counted, Mapping) or not counted.get("headings"):
            return None
        return cls.model_validate({name: counted.get(name, 0) for name in cls.model_fields})


class ReadingRecord(Record):
    """How a table was read: codes and counts, no cell, no heading that the study does not use."""

    file: Label
    """Name of the file, without its folder."""
    format: Code
    """Kind of file."""
    encoding: FreeOrNone
    """Encoding of a text file."""
    separator: FreeOrNone
    """Separator of a text file."""
    rows_in: People
    """Rows of the file."""
    rows_out: People
    """Rows read."""
    log: tuple[FindingRecord, ...]
    """What was recoded or dropped."""
    lines: LinesRecord | None
    """What the other lines of the file are; empty when it declares its rows, or when the rows read
    are not published."""


class DataRecord(Record):
    """What the numbers were computed on: a fingerprint and the flow, never the rows."""

    file: Label
    """Name of the file, without its folder."""
    sha256: Hash
    """Fingerprint of the content: row and column order do not matter."""
    counted: RowsAre
    """Whether its rows are people or territories."""
    columns: Annotated[tuple[str, ...], LABEL]
    """Columns that the study uses."""
    flow: tuple[FlowRecord, ...]
    """How many rows were left at each step, and why."""
    n_rows: People
    """Rows used."""
    n_units: People
    """People or territories."""
    n_periods: Things
    """Periods."""
    shape: Annotated[Literal["cross_section", "panel", "repeated_cross_section"], CODE]
    """How the rows lie in time."""
    times: Annotated[tuple[str, ...], FREE]
    """The periods, in order."""
    reading: ReadingRecord | None
    """What the reader changed."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        """Refuse more people than rows, more periods than counted, a flow that grows."""
        at_most(self.n_rows, self.n_units)
        at_most(self.n_periods, len(self.times))
        narrowing(self.flow)
        return self


class InferenceRecord(Record):
    """The margins of error computed where territories are few."""

    n_clusters: Clusters
    """Independent territories."""
    n_treated: Clusters
    """Those concerned."""
    exact: Flag
    """Whether all deals were compared."""
    n_draws: Things
    """Deals compared."""
    false_positive: Probability
    """How often the usual margin cries wolf."""
    rows: tuple[MarginRow, ...]
    """One by method, the one printed first."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        at_most(self.n_clusters, self.n_treated)
        return self


class CurveRecord(IntervalRecord):
    """The answer of another design."""

    label: Code
    """Name of the variant."""
    design: Code
    """Registry name of the design."""
    refusal: Codes
    """Why it refuses these data."""


class HiddenRecord(Record):
    """How strong something unobserved would have to be to cancel a difference nobody drew."""

    robustness: PositiveRatio
    """Share of what is left of treatment and outcome that it would have to explain."""
    doubt: PositiveRatio
    """The same, for the effect to no longer differ from zero."""
    delta: PositiveRatio
    """Times more than the covariates that it would have to matter."""
    opposed: Flag
    """Whether it would have to pull the other way than they do."""
    e_value: PositiveRatio
    """Risk ratio with treatment and outcome that brings the effect to nothing."""
    e_value_interval: PositiveRatio
    """The same, for the nearer end of the interval; 1 when it holds no effect already."""


class DossierRecord(Record):
    """What surrounds the headline of one outcome."""

    inference: InferenceRecord | None
    """Margins of error with few territories."""
    curve: tuple[CurveRecord, ...]
    """The other designs."""
    hidden: HiddenRecord | None
    """What would cancel the result, where nobody drew the groups."""


class Provenance(Record):
    """What made the result."""

    versions: Annotated[dict[str, str], FREE]
    """Python and the packages that computed."""
    seed: Annotated[int, Field(ge=0), FREE]
    """Seed of every random draw."""
    data_sha256: Hash
    """Fingerprint of the table."""
    study_sha256: Hash
    """Hash of the declaration."""
    template_sha256: HashOrNone
    """Hash of the notebook that was executed."""
    run_at: Moment
    """When; the only key in which two runs may differ."""


class KeptBack(Record):
    """One line of the disclosure log: where, by which rule, how many leaves were kept back."""

    place: Label
    """Part of the results."""
    rule: Code
    """Rule applied."""
    withheld: Things
    """Leaves kept back."""


class DisclosureRecord(Record):
    """What the gate did: nothing yet, or the rule and what was kept back."""

    released: Flag
    """Whether the gate was passed."""
    edition: Annotated[Literal["publication", "internal"], CODE]
    """For publication, or for the operator alone."""
    profile: Code
    """Profile of the producer."""
    threshold: Annotated[int, Field(ge=1), FREE]
    """Least number of people a published cell counts."""
    withheld: Things
    """Leaves kept back in all."""
    log: tuple[KeptBack, ...]
    """By part and rule; never which cell, nor its value."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        """Refuse a log that does not add up, or one of a gate that was not passed."""
        logged = sum(line.withheld for line in self.log)
        if (self.log and logged != self.withheld) or (self.withheld and not self.released):
            raise PydanticCustomError("log_does_not_add_up", "log_does_not_add_up", {})
        return self


class ReleasedCount(Record):
    """A count of people that an earlier edition published; it never leaves."""

    key: Annotated[str, INSIDE]
    """Where it stood."""
    count: Annotated[int, Field(ge=0), INSIDE]
    """What it was."""
    same_source: Annotated[bool, INSIDE]
    """Whether that edition was made from the same data and study file."""
