"""What is asked of the draws, checked at the door: words, never an exception of the language."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, ImpactEvalError, nearest

LARGEST = 1e100  # beyond it, the product of two numbers and a price has no double


def check_whole(option: str, value: object, *, least: int = 1) -> None:
    """Refuse a count or a seed that is no whole number, or is under the least.

    Raises
    ------
    ImpactEvalError
        `whole_number_needed`, `option_out_of_range`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ImpactEvalError(Finding.error("whole_number_needed", option=option, found=str(value)))
    if int(value) < least:
        raise ImpactEvalError(
            Finding.error(
                "option_out_of_range", option=option, value=int(value), low=least, high=None
            )
        )


def check_level(level: object) -> None:
    """Refuse the level of an interval that is not strictly between 0 and 1.

    Raises
    ------
    ImpactEvalError
        `level_not_between`.
    """
    number = level if isinstance(level, (int, float)) and not isinstance(level, bool) else 0
    if not 0 < number < 1:
        raise ImpactEvalError(Finding.error("level_not_between", found=str(level)))


def check_known(names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse the names of numbers that the account does not have.

    Raises
    ------
    ImpactEvalError
        `unknown_number`, one by name.
    """
    faults = [
        Finding.error("unknown_number", name=name, nearest=nearest(name, known), known=tuple(known))
        for name in names
        if name not in known
    ]
    if faults:
        raise ImpactEvalError(faults)


def finite_row(option: str, values: object) -> NDArray[np.float64]:
    """Return numbers as an array; refuse none at all, or one that is not finite or is beyond 1e100.

    Raises
    ------
    ImpactEvalError
        `numbers_needed`.
    """
    try:
        row = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        row = np.array([math.nan])
    if row.ndim != 1 or not row.size or not (np.abs(row) <= LARGEST).all():
        raise ImpactEvalError(Finding.error("numbers_needed", option=option))
    return row
