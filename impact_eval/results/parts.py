"""Parts that several records share: words in both languages, an interval, a matrix, a period."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Self, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from impact_eval.results.record_base import (
    FREE,
    LABEL,
    STATISTIC,
    Probability,
    Record,
    StandardError,
    Statistic,
    ordered,
    slack,
)
from impact_eval.results.value_names import Value

Period: TypeAlias = Annotated[float | str | None, FREE]
Matrix: TypeAlias = Annotated[tuple[tuple[float | None, ...], ...], STATISTIC]
_PAST_THE_END = 0.05  # of the width of a scale


Said: TypeAlias = Annotated[str | None, Field(pattern=r"\S"), LABEL]


class BilingualRecord(Record):
    """What the study's authors wrote, in one language or both."""

    fr: Said
    """French."""
    en: Said
    """English."""

    @model_validator(mode="after")
    def _said(self) -> Self:
        if not (self.fr or self.en):
            raise PydanticCustomError("one_language_at_least", "one_language_at_least", {})
        return self


def within(value: float | None, low: float | None, high: float | None) -> None:
    """Refuse an estimate that lies outside its own interval, and an interval that is crossed."""
    ordered(low, high)
    if value is None:
        return
    under = low is not None and value < low - slack(value, low)
    if under or (high is not None and value > high + slack(value, high)):
        raise PydanticCustomError("outside_its_interval", "outside_its_interval", {"found": value})


def on_the_scale(mean: float | None, low: float | None, high: float | None) -> None:
    """Refuse a mean that a scale cannot give; what leaves is rounded, perhaps past its end."""
    if low is not None and high is not None:
        within(mean, low - _PAST_THE_END * (high - low), high + _PAST_THE_END * (high - low))


def at_most(whole: int | None, *parts: int | None) -> None:
    """Refuse a part that counts more than the whole it is of."""
    if whole is not None and any(part is not None and part > whole for part in parts):
        raise PydanticCustomError("part_over_whole", "part_over_whole", {"expected": whole})


def refuse_no_covariance(matrix: Matrix, size: int) -> None:
    """Refuse what is no covariance: not square, not symmetric, a variance below zero."""
    if len(matrix) != size or any(len(row) != size for row in matrix):
        raise PydanticCustomError("not_square", "not_square", {"expected": size})
    if any((row[i] or 0.0) < 0 for i, row in enumerate(matrix)):
        raise PydanticCustomError("negative_variance", "negative_variance", {})
    if not all(_same(matrix[i][j], matrix[j][i]) for i in range(size) for j in range(i)):
        raise PydanticCustomError("not_symmetric", "not_symmetric", {})


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= slack(one, other)


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
        within(self.estimate, self.conf_low, self.conf_high)
        return self


def finite(value: float | None) -> float | None:
    """Return a number, or None when it is missing or not finite."""
    return None if value is None or not math.isfinite(value) else float(value)


def finite_rows(rows: Iterable[Iterable[float]]) -> tuple[tuple[float | None, ...], ...]:
    """Return a matrix whose cells without value are empty."""
    return tuple(tuple(finite(cell) for cell in row) for row in rows)


def option_value(value: object) -> Value:
    """Return an option as JSON holds it: a scalar, a list of them, or its own short text."""
    if value is None or isinstance(value, (bool, str, int, float)):
        return value
    if isinstance(value, (tuple, list)):
        return tuple(
            v if isinstance(v, (bool, str, int, float)) or v is None else str(v) for v in value
        )
    return str(value)
