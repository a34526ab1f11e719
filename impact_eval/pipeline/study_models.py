"""The tables and keys of `study.toml`, as frozen models that refuse what they do not know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from impact_eval.core.vocabulary import Direction, Language, Pillar, Unit

SCHEMA = "impact-eval/study/1"


class Part(BaseModel):
    """A table of the study file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_enum_values=False)


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", value):
        raise PydanticCustomError("bad_identifier", "bad_identifier", {"found": value})
    return value


def _text_only(value: Any) -> Any:
    """Refuse a territory code written as a number: 01 would have become 1."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise PydanticCustomError("code_not_text", "code_not_text", {"found": str(value)})
    return value


Identifier = Annotated[str, AfterValidator(_identifier)]
Code = Annotated[str, BeforeValidator(_text_only), Field(min_length=1, max_length=32)]


class Bilingual(Part):
    """A text in both languages."""

    fr: str = Field(min_length=1)
    en: str | None = None

    def say(self, language: str) -> str:
        """Return the text in a language; the French stands in for a missing English."""
        return self.en if language == Language.ENGLISH and self.en else self.fr


Text: TypeAlias = str | Bilingual


class StudyPart(Part):
    """What is evaluated, where, when and by whom."""

    id: Identifier
    title: Text
    territory: Code
    territory_name: Text | None = None
    contract: str | None = None
    pillar: Pillar
    action: Text
    period: tuple[str, str]
    operator: str | None = None
    emblematic: bool = False
    public: Text | None = None
    seed: int = Field(default=20240101, ge=0)


class ProtocolPart(Part):
    """What was decided before looking: the question, the comparison, the hypotheses."""

    question: Text | None = None
    comparison: Text | None = None
    frozen_on: str | None = None
    randomised: bool = False
    smallest_effect: float | None = Field(default=None, gt=0)
    notes: Text | None = None


class LogicPart(Part):
    """The logic model, from resources to impacts."""

    inputs: tuple[Text, ...] = ()
    activities: tuple[Text, ...] = ()
    outputs: tuple[Text, ...] = ()
    outcomes: tuple[Text, ...] = ()
    impacts: tuple[Text, ...] = ()


class RolesPart(Part):
    """Which column plays which role."""

    unit: str | None = None
    time: str | None = None
    cohort: str | None = None
    treatment: str | None = None
    covariates: tuple[str, ...] = ()
    cluster: str | tuple[str, ...] | None = None
    strata: str | None = None
    weights: str | None = None


class WavesPart(Part):
    """A table kept with its waves side by side: for each outcome, its column at each wave."""

    names: tuple[str, ...] = Field(min_length=2)
    columns: Mapping[str, tuple[str, ...]]


class DataPart(Part):
    """A table of the study folder and the roles of its columns."""

    file: str
    sheet: str | int | None = None
    roles: RolesPart = RolesPart()
    waves: WavesPart | None = None
    text_columns: tuple[str, ...] = ()


class MethodPart(Part):
    """A design by its registry name, its options, and the covariance of its errors."""

    name: str
    options: Mapping[str, str | int | float | bool | tuple[str | int | float, ...]] = Field(
        default_factory=dict
    )
    covariance: Literal["HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR2", "CR3"] | None = None


class OutcomePart(Part):
    """One outcome: a column of the table or an instrument, its unit, and how it is estimated."""

    id: Identifier
    label: Text
    column: str | None = None
    instrument: Identifier | None = None
    unit: Unit
    direction: Direction = Direction.HIGHER
    primary: bool = False
    smallest_effect: float | None = Field(default=None, gt=0)
    method: MethodPart | None = None

    @model_validator(mode="after")
    def _one_source(self) -> OutcomePart:
        if (self.column is None) == (self.instrument is None):
            raise PydanticCustomError("column_or_instrument", "column_or_instrument", {})
        return self


class InstrumentPart(Part):
    """A questionnaire scored on a table of answers, at one or two waves."""

    id: Identifier
    scale: str
    data: DataPart
    items: Mapping[str, str] = Field(default_factory=dict)
    wave: str | None = None
    waves: tuple[str, str] | None = None
    licence_declared: bool = False
    definition: str | None = None


class ValuePart(Part):
    """The value map, and the people concerned by the effect."""

    map: str
    people: int | None = Field(default=None, gt=0)


class PrivacyPart(Part):
    """What may leave: cells under the threshold are withheld."""

    threshold: int = Field(default=11, ge=1, le=1000)
    profile: Literal["menages", "caf", "sante", "interne"] = "menages"
    rows_are: Literal["people", "territories"] = "people"


class ReportPart(Part):
    """Languages and formats of the report."""

    languages: tuple[Language, ...] = (Language.FRENCH, Language.ENGLISH)
    formats: tuple[Literal["html", "pdf", "docx"], ...] = ("html",)


class StudyFile(Part):
    """The whole study file."""

    schema_: Literal["impact-eval/study/1"] = Field(alias="schema")
    study: StudyPart
    protocol: ProtocolPart = ProtocolPart()
    logic: LogicPart = LogicPart()
    data: DataPart
    outcomes: tuple[OutcomePart, ...] = Field(min_length=1)
    method: MethodPart | None = None
    instruments: tuple[InstrumentPart, ...] = ()
    value: ValuePart | None = None
    privacy: PrivacyPart = PrivacyPart()
    report: ReportPart = ReportPart()

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a study file, for editors and for the docs."""
    schema = StudyFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}
