"""What every record of a study shares: strict, frozen, and each leaf says what it discloses.

A record is a pydantic model in strict mode: no key is optional, none is unknown, no text becomes a
number. A leaf is declared with one of the types below; each carries a `Rule`, which the gate reads.
A leaf without a rule cannot be declared: the class itself is refused when it is defined, so that
nothing is published because somebody forgot to think about it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

_SLACK = 1e-8
_NOTHING = 1e-12  # below it a number is the dust of a computation
_ENDS = ("conf_low", "conf_high")  # what every record calls the ends of its interval


class Rule(StrEnum):
    """What a leaf discloses, and so what the gate does with it."""

    PEOPLE = "people"  # a count of people: passes the threshold, and what surrounds it
    SHARE = "share"  # a share of people: the count behind it passes the threshold
    LEVEL = "level"  # a mean of people: a share of them when the outcome is yes or no
    STATISTIC = "statistic"  # in the unit of an outcome; rests on the people of its record
    ERROR = "error"  # a standard error or a deviation, in the unit of an outcome
    RATIO = "ratio"  # without unit (a p-value, a statistic); rests on people too
    AMOUNT = "amount"  # computed from published effects and declared prices: leaves with them
    THINGS = "things"  # a count of what are not people: items, periods, draws, clusters
    CLUSTERS = "clusters"  # a count of independent units: of people when people are the units
    UNIT = "unit"  # the name of a unit: leaves when units are territories
    COLUMN = "column"  # the name of a column: leaves when the study uses it
    VALUES = "values"  # the values of a finding, each under its own rule
    LABEL = "label"  # words that the study's authors wrote
    CODE = "code"  # of a closed list, or a stable code
    FREE = "free"  # about nobody: a setting, a version, a fingerprint
    INSIDE = "inside"  # never leaves


@dataclass(frozen=True, slots=True)
class Discloses:
    """The rule of a leaf, as metadata of its type."""

    rule: Rule


PEOPLE = Discloses(Rule.PEOPLE)
SHARE = Discloses(Rule.SHARE)
LEVEL = Discloses(Rule.LEVEL)
STATISTIC = Discloses(Rule.STATISTIC)
ERROR = Discloses(Rule.ERROR)
RATIO = Discloses(Rule.RATIO)
AMOUNT = Discloses(Rule.AMOUNT)
THINGS = Discloses(Rule.THINGS)
UNIT = Discloses(Rule.UNIT)
CLUSTERS = Discloses(Rule.CLUSTERS)
VALUES = Discloses(Rule.VALUES)
COLUMN = Discloses(Rule.COLUMN)
LABEL = Discloses(Rule.LABEL)
CODE = Discloses(Rule.CODE)
FREE = Discloses(Rule.FREE)
INSIDE = Discloses(Rule.INSIDE)

# Leaves that the gate may withhold are empty then: they are all nullable.
People: TypeAlias = Annotated[int | None, Field(ge=0), PEOPLE]
PeopleList: TypeAlias = Annotated[tuple[Annotated[int, Field(ge=0)], ...] | None, PEOPLE]
Share: TypeAlias = Annotated[float | None, Field(ge=0, le=1), SHARE]
Statistic: TypeAlias = Annotated[float | None, STATISTIC]
LevelOf: TypeAlias = Annotated[float | None, LEVEL]
StandardError: TypeAlias = Annotated[float | None, Field(ge=0), ERROR]
Ratio: TypeAlias = Annotated[float | None, RATIO]
PositiveRatio: TypeAlias = Annotated[float | None, Field(ge=0), RATIO]
Probability: TypeAlias = Annotated[float | None, Field(ge=0, le=1), RATIO]
Amount: TypeAlias = Annotated[float | None, AMOUNT]
Exact: TypeAlias = Annotated[str | None, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$"), AMOUNT]
Things: TypeAlias = Annotated[int, Field(ge=0), THINGS]
ThingsOrNone: TypeAlias = Annotated[int | None, Field(ge=0), THINGS]
Clusters: TypeAlias = Annotated[int | None, Field(ge=0), CLUSTERS]
Label: TypeAlias = Annotated[str, LABEL]
LabelOrNone: TypeAlias = Annotated[str | None, LABEL]
Code: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.\-]*$", max_length=80), CODE]
CodeOrNone: TypeAlias = Annotated[
    str | None, Field(pattern=r"^[a-z0-9][a-z0-9_.\-]*$", max_length=80), CODE
]
Codes: TypeAlias = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.\-]*$", max_length=80)], ...], CODE
]
Flag: TypeAlias = Annotated[bool, CODE]
FlagOrNone: TypeAlias = Annotated[bool | None, CODE]
Free: TypeAlias = Annotated[str, FREE]
FreeOrNone: TypeAlias = Annotated[str | None, FREE]
Number: TypeAlias = Annotated[float, FREE]
NumberOrNone: TypeAlias = Annotated[float | None, FREE]
Whole: TypeAlias = Annotated[int, FREE]
Hash: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), FREE]
HashOrNone: TypeAlias = Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$"), FREE]
UnitName: TypeAlias = Annotated[str | None, UNIT]
Level: TypeAlias = Annotated[int, Field(ge=0, le=4), CODE]


def ordered(low: float | None, high: float | None) -> None:
    """Refuse an interval whose ends are crossed."""
    if low is not None and high is not None and low > high + slack(low, high):
        raise PydanticCustomError(
            "interval_crossed", "interval_crossed", {"low": low, "high": high}
        )


def slack(one: float, other: float) -> float:
    """Return how far apart rounding may bring two equal numbers."""
    return max(_SLACK * max(abs(one), abs(other)), _NOTHING)


class Record(BaseModel):
    """One part of what a study found: frozen, strict, nothing unknown, nothing infinite.

    Attributes
    ----------
    rules : mapping of str to Rule
        The rule of each leaf, read from its type; parts that are records have their own.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, populate_by_name=True
    )
    rules: ClassVar[Mapping[str, Rule]] = types.MappingProxyType({})

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Read the rule of each field; a field that declares nothing is refused."""
        found: dict[str, Rule] = {}
        for name, info in cls.model_fields.items():
            declared = [item for item in info.metadata if isinstance(item, Discloses)]
            declared += _declared(info.annotation)
            if declared:
                found[name] = declared[0].rule
            elif _is_closed_list(info.annotation):
                found[name] = Rule.CODE
            elif not holds_records(info.annotation):
                message = f"{cls.__name__}.{name}: no disclosure rule"
                raise TypeError(message)
        cls.rules = types.MappingProxyType(found)

    @model_validator(mode="after")
    def _ends_in_order(self) -> Self:
        """Refuse a crossed interval, in every record that has one."""
        low, high = (self.__dict__.get(end) for end in _ENDS)
        if isinstance(low, float) and isinstance(high, float):
            ordered(low, high)
        return self


def _declared(annotation: object) -> list[Discloses]:
    """Return the rules written inside a type: of a member of a union, of the items of a tuple."""
    found = [i for i in getattr(annotation, "__metadata__", ()) if isinstance(i, Discloses)]
    for part in typing.get_args(annotation):
        found += _declared(part)
    return found


def _is_closed_list(annotation: object) -> bool:
    """Whether a type is an enumeration or a choice of literals: a code by nature."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return True
    parts = [p for p in typing.get_args(annotation) if p is not type(None)]
    if typing.get_origin(annotation) is typing.Literal:
        return True
    return bool(parts) and all(_is_closed_list(part) for part in parts)


def holds_records(annotation: object) -> bool:
    """Whether a type is a record, or a list, a table or a choice of records."""
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return issubclass(annotation, Record)
    parts = [p for p in typing.get_args(annotation) if p is not type(None) and p is not Ellipsis]
    if typing.get_origin(annotation) is dict or typing.get_origin(annotation) is Mapping:
        parts = parts[1:]
    return bool(parts) and any(holds_records(part) for part in parts)
