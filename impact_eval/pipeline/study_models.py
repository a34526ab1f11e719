"""The tables and keys of `study.toml`, as frozen models that refuse what they do not know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    Strict,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError

from impact_eval.core.vocabulary import Correction, Direction, Pillar, Unit
from impact_eval.pipeline.date_type import Date
from impact_eval.report.languages.language import language_codes

if TYPE_CHECKING:
    from impact_eval.results.parts import BilingualRecord

SCHEMA = "impact-eval/study/1"
LEAST_WITHOUT_REASON = 3  # a threshold of 1 or 2 protects nobody: someone must have decided it


class Part(BaseModel):
    """A table of the study file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", value):
        raise PydanticCustomError("bad_identifier", "bad_identifier", {"found": value})
    return value


def _text_only(value: Any) -> Any:
    """Refuse a territory code written as a number: 01 would have become 1."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise PydanticCustomError("code_not_text", "code_not_text", {"found": str(value)})
    return value


def _known_language(value: Any) -> Any:
    """Refuse a language that nobody registered, as any choice among others is refused."""
    known = language_codes()
    if value not in known:
        expected = ", ".join(f"'{code}'" for code in known)
        raise PydanticKnownError("literal_error", {"expected": expected})
    return value


class _Choices:
    """The languages known when the schema is written, not when this module is read."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"enum": list(language_codes()), "type": "string"}


LanguageCode = Annotated[str, BeforeValidator(_known_language), _Choices()]
Identifier = Annotated[str, AfterValidator(_identifier)]
Code = Annotated[str, BeforeValidator(_text_only), Field(min_length=1, max_length=32)]
# What TOML writes as a text is no number and no yes: "1" and "true" are refused where one is asked.
YesNo = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Size = Annotated[float, Strict()]


Words = Annotated[str, Field(min_length=1, pattern=r"\S")]


class AuthorText(Part):
    """A text in both languages."""

    fr: Words
    en: Words | None = None


Text: TypeAlias = Words | AuthorText


def in_both_languages(text: Text) -> BilingualRecord:
    """Return a text of the study file in both languages, as results hold it."""
    from impact_eval.results.parts import BilingualRecord

    if isinstance(text, AuthorText):
        return BilingualRecord(fr=text.fr, en=text.en)
    return BilingualRecord(fr=text, en=text)


def in_both_if_any(text: Text | None) -> BilingualRecord | None:
    """Return a text of the study file in both languages, when there is one."""
    return None if text is None else in_both_languages(text)


class StudyPart(Part):
    """What is evaluated, where, when and by whom."""

    id: Identifier
    """Short name of the study, in lower-case letters, digits, - and _; names its outputs."""
    title: Text
    """Title of the report, in one language or both."""
    territory: Code
    """Code of the territory, always as text: "01", "2A", "69D"."""
    territory_name: Text | None = None
    """Name of the territory as the report writes it."""
    contract: str | None = None
    """Contract or programme that funds the action."""
    pillar: Pillar
    """Pillar of the contract."""
    action: Text
    """What the action does, in one sentence."""
    period: tuple[Date, Date]
    """First and last year, month or day of the action, such as ["2024-01", "2024-12"]."""
    operator: str | None = None
    """Who carries the action."""
    emblematic: YesNo = False
    """Whether the action was chosen for an in-depth study."""
    public: Text | None = None
    """The people concerned, in a few words."""
    seed: Whole = Field(default=20240101, ge=0)
    """Seed of every random draw: the same seed gives the same bytes."""


class ProtocolPart(Part):
    """What was decided before looking: the question, the comparison, the hypotheses."""

    question: Text | None = None
    """The question the study answers."""
    comparison: Text | None = None
    """Whom the beneficiaries are compared with, in words."""
    frozen_on: Date | None = None
    """Day the protocol was frozen (`impact-eval plan` records the hash)."""
    randomised: YesNo = False
    """Whether the beneficiaries were drawn by lot; opens evidence level 4."""
    draw_record: str | None = None
    """File of the draw (seed, list, minutes) that others can check."""
    smallest_effect: Size | None = Field(default=None, gt=0)
    """Smallest effect that would matter, in the unit of the primary outcome."""
    correction: Correction | None = None
    """How the p-values of a family of outcomes are corrected; Holm's by default."""
    notes: Text | None = None
    """Anything decided before looking at the results."""


class LogicPart(Part):
    """The logic model, from resources to impacts."""

    inputs: tuple[Text, ...] = ()
    """Resources."""
    activities: tuple[Text, ...] = ()
    """What is done."""
    outputs: tuple[Text, ...] = ()
    """What is delivered."""
    outcomes: tuple[Text, ...] = ()
    """What should change for people."""
    impacts: tuple[Text, ...] = ()
    """What should change in the end."""


class RolesPart(Part):
    """Which column plays which role."""

    unit: str | None = None
    """Column that identifies a person or a territory followed over time."""
    time: str | None = None
    """Column of the period: year, quarter, wave, date."""
    cohort: str | None = None
    """Column of the first treated period; empty, 0 or « jamais » means never."""
    treatment: str | None = None
    """Column yes/no (1/0): who benefits."""
    covariates: tuple[str, ...] = ()
    """Characteristics measured before the action, to compare like with like."""
    cluster: str | tuple[str, ...] | None = None
    """Level at which the action was decided (basin, structure), when above the unit."""
    strata: str | None = None
    """Blocks within which the draw was made."""
    weights: str | None = None
    """Survey weights."""


class WavesPart(Part):
    """Waves side by side in one table, or one table per wave: a sheet each, or a file each."""

    names: tuple[str, ...] = Field(min_length=2)
    """Names of the waves, in order."""
    columns: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """For each outcome, its column at each wave; with a table per wave, those named otherwise."""
    sheets: tuple[str | int, ...] = ()
    """For one sheet per wave, the sheet of each, in order."""
    files: tuple[str, ...] = ()
    """For one file per wave, the file of each, in order; the first is that of `file`."""


class LinkPart(Part):
    """Codes that people make up themselves: matched from one wave to the next, slips included."""

    support: tuple[str, ...] = ()
    """Columns that do not change (sex, year of birth): they forbid a wrong match."""


class DataPart(Part):
    """A table of the study folder and the roles of its columns."""

    file: str
    """File of the study folder: CSV, Excel, Parquet, SPSS, Stata…"""
    sheet: str | int | None = None
    """Sheet of a workbook, by name or number; the first by default."""
    codes: str | None = None
    """File of the study folder that says what the codes mean: a LimeSurvey `.lss`, an XLSForm, a \
codebook; `<table>.codes.toml` beside the table is read by itself."""
    roles: RolesPart = RolesPart()
    """Which column plays which role."""
    waves: WavesPart | None = None
    """For waves that are not one above the other: side by side, or in a table each."""
    treated_from: str | int | float | None = None
    """First period at which those of the role `treatment` are helped, when its column only says \
who, over three dates or more."""
    text_columns: tuple[str, ...] = ()
    """Columns to keep as text (codes such as 01); such a characteristic is made of classes."""
    labels_alike: Literal["same", "different"] | None = None
    """Whether labels that differ by case, accents or dashes alone are one label or two; a table \
that has some is refused while nobody says."""

    @property
    def tables(self) -> tuple[tuple[str, str | int | None], ...]:
        """File and sheet of each table read: one, or one per wave."""
        waves = self.waves
        if waves is not None and waves.files:
            return tuple((file, self.sheet) for file in waves.files)
        if waves is not None and waves.sheets:
            return tuple((self.file, sheet) for sheet in waves.sheets)
        return ((self.file, self.sheet),)

    link: LinkPart | None = None
    """For people followed by a code that they make up: waves are matched by likeness of the \
codes, in doubt by nobody."""
    rows_are: Literal["people", "territories"] | None = None
    """What a row of this table is; `privacy.rows_are` for `data`, people for a questionnaire."""


class CovariancePart(Part):
    """A covariance by its registry name, with its options: the columns it reads, its correction."""

    name: str
    """Registry name of the covariance: the page of the method lists those that it takes."""
    options: Mapping[str, str | int | float | bool | tuple[str | int | float, ...]] = Field(
        default_factory=dict
    )
    """Options of the covariance, such as the columns of latitude and longitude."""


class MethodPart(Part):
    """A design by its registry name, its options, and the covariance of its errors."""

    name: str
    """Registry name of the method: see `impact-eval methods`."""
    options: Mapping[str, str | int | float | bool | tuple[str | int | float, ...]] = Field(
        default_factory=dict
    )
    """Options of the method, as its page lists them."""
    covariance: str | CovariancePart | None = None
    """How errors are computed: `HC2` by person, `CR2` by cluster, the name of a covariance, or a \
table with its options; the method's own by default."""


class OutcomePart(Part):
    """One outcome: a column of the table or an instrument, its unit, and how it is estimated."""

    id: Identifier
    """Short name of the outcome; two studies that use the same name can be pooled."""
    label: Text
    """Name of the outcome as the report writes it."""
    column: str | None = None
    """Column of the table that holds it (or `instrument`)."""
    instrument: Identifier | None = None
    """Identifier of an instrument declared below (or `column`)."""
    part: Identifier | None = None
    """Part of the scale, for a scale that has parts; its total by default."""
    unit: Unit
    """How a number of it is read aloud."""
    direction: Direction = Direction.HIGHER
    """Which way is better for the people concerned."""
    primary: YesNo = False
    """The one outcome the study is judged on."""
    smallest_effect: Size | None = Field(default=None, gt=0)
    """Smallest effect that would matter, in the unit of this outcome."""
    family: Identifier | None = None
    """Name shared by outcomes that answer one question: their p-values are corrected together."""
    method: MethodPart | None = None
    """A method of its own, instead of the study's."""

    @model_validator(mode="after")
    def _one_source(self) -> OutcomePart:
        if (self.column is None) == (self.instrument is None):
            raise PydanticCustomError("column_or_instrument", "column_or_instrument", {})
        return self


class RetestPart(Part):
    """A published study of people asked twice, without any action between: both its numbers."""

    reliability: Annotated[float, Strict(), Field(gt=0, lt=1)]
    """Correlation between both dates."""
    sd: Annotated[float, Strict(), Field(gt=0)]
    """Standard deviation of the same people, in points of the score."""
    source: Words
    """The study: authors, year, DOI."""


class SmallestChangePart(Part):
    """The smallest change that matters to people, and who says so."""

    value: Annotated[float, Strict(), Field(gt=0)]
    """Points of the score."""
    source: Words
    """Who says so: a study, or the people concerned."""


class SelectionPart(Part):
    """People were chosen because their score was low (or high): part of the change is a drift."""

    mean: Size
    """Mean score of the people among whom they were chosen."""
    correlation: Annotated[float, Strict(), Field(gt=0, lt=1)]
    """Correlation of two measures without any action between."""
    source: Words
    """Where both numbers come from."""


class InstrumentPart(Part):
    """A questionnaire scored on a table of answers, at one or two waves."""

    id: Identifier
    """Short name, used by `outcomes.instrument`."""
    scale: str
    """Name of the scale: see `impact-eval instruments`."""
    data: DataPart
    """The table of answers and its roles."""
    items: Mapping[str, str] = Field(default_factory=dict)
    """For each item of the scale, the column that holds its answers."""
    wave: str | None = None
    """Column that says the wave."""
    waves: tuple[str, str] | None = None
    """Values of the first and second wave."""
    licence_declared: YesNo = False
    """Whether the operator holds the licence that the scale needs."""
    definition: str | None = None
    """TOML file of a local scale, in the study folder."""
    wording: Mapping[str, Text] = Field(default_factory=dict)
    """For each item of the scale, the question as it was asked, where you may print it."""
    retrospective: Mapping[str, str] = Field(default_factory=dict)
    """For each item, the column where people say, at the second wave, how they were at the first \
(a then-test): set beside the change, never in its place."""
    second_rating: Mapping[str, str] = Field(default_factory=dict)
    """For each item, the column of a second rating of the same people at the same date (another \
worker, the person and the worker): how far both agree is told."""
    retest: RetestPart | None = None
    """A study of people asked twice, for the error of one person's score; the answers of this \
group give it by default."""
    smallest_change: SmallestChangePart | None = None
    """Smallest change that matters to people; the published one by default."""
    selection: SelectionPart | None = None
    """For people chosen on a low score: what is needed to tell the drift that follows."""
    nonresponse: tuple[str, ...] = ()
    """Characteristics at entry that say who answers again: the change is then weighted for those \
who were lost."""


class ValuePart(Part):
    """The value map, and the people concerned by the effect."""

    map: str
    """TOML file of the value map, in the study folder."""
    people: Whole | None = Field(default=None, gt=0)
    """Number of people concerned by the effect."""


class PrivacyPart(Part):
    """What may leave: cells under the threshold are withheld."""

    threshold: Whole | None = Field(default=None, ge=1, le=1000)
    """Least number of people a published cell may count; the profile's own by default."""
    reason: Text | None = Field(default=None, validate_default=True)
    """Why a threshold of 1 or 2 is right here: recorded, and asked for below 3."""
    profile: Literal["menages", "caf", "sante", "entreprises", "interne"] = "menages"
    """Rule of the data's producer."""
    rows_are: Literal["people", "territories"] = "people"
    """What a row of the table `data` is, when `data.rows_are` does not say; territories are not
    withheld."""
    internal_edition: YesNo = False
    """Whether the operator's own edition, not to be shared, is written beside the published one."""
    keep_until: Date | None = None
    """Last day, month or year when the data about people may be kept; after it, `check` and `run`
    say so, and `impact-eval forget --all` tells what is to be deleted."""

    @field_validator("reason")
    @classmethod
    def _reasoned(cls, reason: Text | None, info: ValidationInfo) -> Text | None:
        threshold = info.data.get("threshold")
        if reason is None and threshold is not None and threshold < LEAST_WITHOUT_REASON:
            raise PydanticCustomError(
                "threshold_needs_reason", "threshold_needs_reason", {"found": threshold}
            )
        return reason

    @property
    def own_threshold(self) -> int | None:
        """The threshold the study declares, or None when it leaves it to the profile."""
        return self.threshold


class ReportPart(Part):
    """Languages and formats of the report."""

    languages: tuple[LanguageCode, ...] = Field(default=("fr", "en"), min_length=1)
    """Languages of the report."""
    formats: tuple[Literal["html", "pdf", "docx"], ...] = Field(default=("html",), min_length=1)
    """Formats of the report."""


class StudyFile(Part):
    """The whole study file."""

    schema_: Literal["impact-eval/study/1"] = Field(alias="schema")
    """Version of this format."""
    study: StudyPart
    """What is evaluated, where, when and by whom."""
    protocol: ProtocolPart = ProtocolPart()
    """What was decided before looking."""
    logic: LogicPart = LogicPart()
    """The logic model, from resources to impacts."""
    data: DataPart
    """The table and the roles of its columns."""
    outcomes: tuple[OutcomePart, ...] = Field(min_length=1)
    """The outcomes, one of them primary."""
    method: MethodPart | None = None
    """The method of every outcome that has none of its own."""
    instruments: tuple[InstrumentPart, ...] = ()
    """The questionnaires to score."""
    value: ValuePart | None = None
    """What the effect is worth."""
    privacy: PrivacyPart = PrivacyPart()
    """What may leave."""
    report: ReportPart = ReportPart()
    """Languages and formats."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True
    )
