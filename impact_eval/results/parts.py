"""Parts that several records share: words in both languages, an interval, a matrix, a period."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Self, TypeAlias

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from impact_eval.results.base import (
    FREE,
    STATISTIC,
    LabelOrNone,
    Probability,
    Record,
    StandardError,
    Statistic,
)
from impact_eval.results.value_names import Value

Period: TypeAlias = Annotated[float | str | None, FREE]
Matrix: TypeAlias = Annotated[tuple[tuple[float | None, ...], ...], STATISTIC]
_SLACK = 1e-9


class BilingualRecord(Record):
    """What the study's authors wrote, in one language or both."""

    fr: LabelOrNone
    """French."""
    en: LabelOrNone
    """English."""

    @model_validator(mode="after")
    def _said(self) -> Self:
        if not (self.fr or self.en):
            raise PydanticCustomError("one_language_at_least", "one_language_at_least", {})
        return self


def ordered(low: float | None, high: float | None) -> None:
    """Refuse an interval whose ends are crossed."""
    if low is not None and high is not None and low > high + _SLACK * max(abs(low), abs(high)):
        raise PydanticCustomError(
            "interval_crossed", "interval_crossed", {"low": low, "high": high}
        )


class IntervalRecord(Record):
    """An estimate with its interval: what several records share."""

    estimate: Statistic
    """In the unit of the outcome."""
    std_error: StandardError
    """Standard error; empty when it is not known."""
    conf_low: Statistic
    """Lower end of the interval."""
    conf_high: Statistic
    """Upper end of the interval."""
    p_value: Probability
    """Two-sided."""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        ordered(self.conf_low, self.conf_high)
        return self


def finite(value: float | None) -> float | None:
    """Return a number, or None when it is missing or not finite."""
    return None if value is None or not math.isfinite(value) else float(value)


def matrix_of(rows: Iterable[Iterable[float]]) -> tuple[tuple[float | None, ...], ...]:
    """Return a matrix whose cells without value are empty."""
    return tuple(tuple(finite(cell) for cell in row) for row in rows)


def plain(value: object) -> Value:
    """Return an option as JSON holds it: a scalar, a list of them, or its own short text."""
    if value is None or isinstance(value, (bool, str, int, float)):
        return value
    if isinstance(value, (tuple, list)):
        return tuple(
            v if isinstance(v, (bool, str, int, float)) or v is None else str(v) for v in value
        )
    return str(value)
