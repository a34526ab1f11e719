"""Questionnaires as records: scores, their precision, their change, what people answered."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from impact_eval.core.vocabulary import Direction, RowsAre, ScoreGroup, Unit
from impact_eval.data.labels import MissingKind
from impact_eval.results.finding_records import FindingRecord, RefusalRecord
from impact_eval.results.parts import (
    BilingualRecord,
    at_most,
    on_the_scale,
    within,
)
from impact_eval.results.record_base import (
    CODE,
    FREE,
    INSIDE,
    Code,
    CodeOrNone,
    Flag,
    FreeOrNone,
    LabelOrNone,
    LevelOf,
    NumberOrNone,
    People,
    PeopleList,
    PositiveRatio,
    Probability,
    Ratio,
    Record,
    StandardError,
    Statistic,
    Things,
    ordered,
)
from impact_eval.results.score_change import ChangeReading
from impact_eval.results.score_facts import (
    AgreementRecord,
    ErrorRecord,
    LostRecord,
    NormRecord,
    ResponseRecord,
    ScoreBandRecord,
    ScoreEffectRecord,
    SmallestRecord,
)
from impact_eval.stats.scales.invariance_chain import InvarianceLevel, InvarianceVerdict
from impact_eval.survey.answer_codes import ReadBy
from impact_eval.survey.invariance import InvarianceScope


class AlphaRecord(Record):
    """Cronbach's alpha with its interval."""

    alpha: Annotated[Ratio, Field(le=1)]
    """Internal consistency."""
    conf_low: Ratio
    """Lower end."""
    conf_high: Ratio
    """Upper end."""
    n: People
    """People it was computed on."""
    n_items: Things
    """Questions."""

    @property
    def rests_on(self) -> tuple[int | None, ...]:
        """The counts of people that it rests on."""
        return (self.n,)


class LevelRecord(Record):
    """Where a group stands at one date."""

    mean: LevelOf
    """Mean score."""
    sd: StandardError
    """Standard deviation."""
    n: People
    """People with a score."""
    fewest: Annotated[int | None, Field(ge=0), INSIDE]
    """At most how many are away from one end of their scores; 0 when all have the same."""

    @property
    def rests_on(self) -> tuple[int | None, ...]:
        """The counts of people that it rests on."""
        return (self.n,)


class ScoreChange(Record):
    """The mean change of those seen at both dates."""

    estimate: Statistic
    """Mean change, in points."""
    std_error: StandardError
    """Standard error."""
    conf_low: Statistic
    """Lower end."""
    conf_high: Statistic
    """Upper end."""
    p_value: Probability
    """Two-sided."""
    n: People
    """People seen at both dates."""
    p_corrected: Probability = None
    """The same, corrected for the other scales of the study."""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        within(self.estimate, self.conf_low, self.conf_high)
        return self

    @property
    def rests_on(self) -> tuple[int | None, ...]:
        """The counts of people that it rests on."""
        return (self.n,)


class PeopleChanged(Record):
    """How many changed by more than the error of the measure."""

    improved: People
    """For the better."""
    stable: People
    """Not beyond the error."""
    worsened: People
    """For the worse."""


class BinRecord(Record):
    """People in a class of the score, at each date."""

    low: Annotated[float, FREE]
    """From."""
    high: Annotated[float, FREE]
    """To."""
    before: People
    """People at the first date."""
    after: People
    """People at the second date."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        ordered(self.low, self.high)
        return self


class FavourableEnd(StrEnum):
    """Which end of the answers to a question is better for the person."""

    FIRST = "first"
    LAST = "last"
    NONE = "none"


class ItemRecord(Record):
    """How many ticked each answer to one question, at each date, in the order of the answers."""

    label: BilingualRecord
    """The question, where rights allow, or its number."""
    before: PeopleList
    """People by answer at the first date."""
    after: PeopleList
    """People by answer at the second date."""
    better: FavourableEnd = FavourableEnd.LAST
    """Which end of the answers is better for the person."""
    answers: tuple[BilingualRecord, ...] = ()
    """Its own answers, where they are not those of the other questions."""


class InvarianceStepRecord(Record):
    """One level of a test that a scale measures alike."""

    level: InvarianceLevel
    """Level."""
    accepted: Flag
    """Whether it holds."""
    cfi_change: Ratio
    """Loss of fit."""
    rmsea_change: Ratio
    """Loss of fit."""
    chi_square: PositiveRatio
    """Of the model."""
    df: NumberOrNone
    """Of the model."""


class InvarianceRecord(Record):
    """Whether a scale measures alike on both sides of a comparison."""

    comparison: InvarianceScope
    """Between groups or dates."""
    verdict: InvarianceVerdict
    """Holds, fragile, or not testable."""
    reached: InvarianceLevel | None
    """Last level accepted."""
    n: PeopleList
    """People of each side."""
    reason: RefusalRecord | None
    """Why it cannot be tested."""
    steps: tuple[InvarianceStepRecord, ...]
    """Levels tested."""


class QualityRecord(Record):
    """How far a scale can be trusted here."""

    readings: tuple[FindingRecord, ...]
    """One plain sentence by statistic."""
    invariance: tuple[InvarianceRecord, ...]
    """Whether it measures alike at both dates."""


class CategoryCode(Record):
    """Answers that the gate joined, by the code of their name."""

    code: Annotated[Literal["answer_low", "answer_middle", "answer_high"], CODE]
    """Unfavourable, in between, or favourable."""


class CodeRowRecord(Record):
    """What one code of a file was taken for."""

    code: LabelOrNone
    """As the file has it; empty where the file has words."""
    label: LabelOrNone
    """Its label in the file."""
    answer: BilingualRecord | None
    """The answer of the scale that it is."""
    points: NumberOrNone
    """What it counts in the score."""
    missing: MissingKind | None
    """Why it counts as no answer."""


class CodeTableRecord(Record):
    """What the codes of one question were taken for."""

    label: BilingualRecord
    """The question, where rights allow, or its number."""
    by: ReadBy
    """Whether the file's labels decided, or its words, or its codes alone."""
    rows: tuple[CodeRowRecord, ...]
    """Its codes: the answers from the lowest, then what is no answer."""
    answers: PeopleList
    """Answers to each code that is one, of those who answered every question."""


class ScoreRecord(Record):
    """A scored questionnaire."""

    id: Code
    """Identifier in the study file."""
    instrument: Code
    """Name of the scale."""
    scale: Code
    """Name of the scale."""
    version: FreeOrNone
    """Version of the scale."""
    name: BilingualRecord | None
    """Name of the outcome it serves."""
    counted: RowsAre
    """Whether those who answer are people."""
    unit: Unit
    """Unit of the score."""
    direction: Direction
    """Which way is better."""
    low: NumberOrNone
    """Lowest score possible."""
    high: NumberOrNone
    """Highest score possible."""
    n: People
    """Scores, all dates together."""
    reliability: AlphaRecord | RefusalRecord
    """Internal consistency."""
    local: Flag
    """Whether the scale is the study's own."""
    withheld: Flag
    """Whether the gate kept its numbers back."""
    quality: QualityRecord | None
    """How far it can be trusted."""
    before: LevelRecord | None
    """Level at the first date."""
    after: LevelRecord | None
    """Level at the second date."""
    change: ScoreChange | None
    """Mean change."""
    detectable_change: StandardError
    """Smallest change of one person beyond the error of the measure."""
    people: PeopleChanged | None
    """How many changed."""
    reading: ChangeReading | None
    """The change in full, for whoever computes further."""
    bins: tuple[BinRecord, ...]
    """Distribution at both dates."""
    categories: tuple[BilingualRecord | CategoryCode, ...]
    """Answers, in the order of their codes; from the least favourable once joined."""
    items: tuple[ItemRecord, ...]
    """Answers to each question."""
    codes: tuple[CodeTableRecord, ...]
    """What each code of each question was taken for."""
    findings: tuple[FindingRecord, ...]
    """What was noticed."""
    group: ScoreGroup = ScoreGroup.EVERYONE
    """Whose answers they are."""
    part: CodeOrNone = None
    """Part of the scale, when it is one."""
    weighted: Flag = False
    """Whether means follow the weights of people."""
    level: LevelRecord | None = None
    """Level, when there is one date."""
    error: ErrorRecord | RefusalRecord | None = None
    """Error of one person's score."""
    smallest: tuple[SmallestRecord, ...] = ()
    """Smallest change that matters, as published or declared."""
    bands: tuple[ScoreBandRecord, ...] = ()
    """Published bands, with the people in each."""
    norms: tuple[NormRecord, ...] = ()
    """Published means."""
    lost: LostRecord | None = None
    """Who was asked at one date only."""
    agreement: tuple[AgreementRecord, ...] = ()
    """How far two ratings of the same people agree, question by question."""
    response: ResponseRecord | RefusalRecord | None = None
    """Weights for those who were lost, where the study asks for them."""
    selected_by: FreeOrNone = None
    """Where the mean and the correlation of a selection come from."""
    effect: ScoreEffectRecord | None = None
    """Effect of a comparison on this score, where one was estimated."""
    heaviest: Annotated[float | None, Field(ge=0, le=1), INSIDE] = None
    """Share of the weights that the two heaviest people hold."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        """Refuse a mean that the scale cannot give, and numbers said to be kept back."""
        ordered(self.low, self.high)
        changed = None if self.change is None else self.change.n
        numbers = [None if self.change is None else self.change.estimate]
        for level in (self.before, self.after):
            if level is not None:
                on_the_scale(level.mean, self.low, self.high)
                at_most(self.n, level.n)
                at_most(level.n, changed)
                numbers.append(level.mean)
        if self.withheld and any(number is not None for number in numbers):
            raise PydanticCustomError("withheld_and_there", "withheld_and_there", {})
        return self

    @property
    def rests_on(self) -> tuple[int | None, ...]:
        """The counts of people that it rests on."""
        return (self.n,)
