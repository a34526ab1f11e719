"""Columns that are measured: outcomes, covariates, weights. One odd cell never hides the others.

Pure functions on one column each, as in `roles`: what is wrong goes to the `FindingCollector`, and
the array returned always has the right shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place
from impact_eval.data.labels import as_text, missing_kind
from impact_eval.data.number_cells import NumberColumn, number_column, number_of
from impact_eval.data.odd_cells import (
    OddCells,
    contradicting_answer,
    place_seen,
    refuse_empty_cells,
    rows_seen,
)
from impact_eval.data.source_rows import SourceRows
from impact_eval.data.value_labels import suspected_finding
from impact_eval.data.yes_no import is_tick, read_yes_no

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MAX_LEVELS = 20  # a text covariate with more levels than this is an identifier, not a covariate
MOST = 6  # cells that show two scales
WORDS_TOLD = 12  # marks and words that a message lists


def numbers_or_refused(column: pd.Series[Any]) -> FloatArray:
    """Return a column as (n,) float64, NaN where missing.

    Raises
    ------
    ImpactEvalError
        `column_not_number`, `several_scales`.
    """
    found = number_column(column)
    if found.is_number:
        return found.values
    if not found.odd.any():
        raise ImpactEvalError(_several_scales(column))
    odd, name = OddCells.of(column, found.odd), str(column.name)
    raise ImpactEvalError(
        Finding.error(
            "column_not_number", odd.place, column=name, n=odd.n, examples=odd.examples,
            rows=odd.rows,
        )
    )  # fmt: skip


def _refuse_weights(column: pd.Series[Any], found: NumberColumn, faults: FindingCollector) -> None:
    """Add the fault of weights that are not all numbers: the odd cells, and not the others."""
    if not found.odd.any():
        faults.add(_several_scales(column))
        return
    odd, name = OddCells.of(column, found.odd), str(column.name)
    faults.add(
        Finding.error(
            "text_column", odd.place, role="weights", column=name, n=odd.n, examples=odd.examples,
            rows=odd.rows,
        )
    )  # fmt: skip


def _several_scales(column: pd.Series[Any]) -> Finding:
    """Return the refusal, with two cells of each unit and two of those without any."""
    shown: dict[str | None, list[str]] = {}
    marked = []
    for cell in column.dropna().unique():
        text = as_text(cell).strip()
        number = number_of(cell, text)
        if number is not None:
            shown.setdefault(number[1], []).append(text)
            marked += [cell] if number[1] is not None else []
    told = [
        text for unit in sorted(shown, key=lambda unit: unit is None) for text in shown[unit][:2]
    ]
    name = str(column.name)
    place = place_seen(column, column.isin(marked).to_numpy(dtype=bool), name)
    return Finding.error("several_scales", place, column=name, examples=told[:MOST])


def _tell_marks(found: NumberColumn, name: str, faults: FindingCollector) -> None:
    """Tell the cells that a mark makes missing, and the numbers written with a comma or a unit."""
    place = Place(column=name)
    n = int(found.marked.sum())
    if n:
        words = found.words[:WORDS_TOLD]
        faults.add(Finding.info("missing_words", place, column=name, n=n, words=words))
    if found.written:
        faults.add(Finding.info("numbers_written_as_text", place, column=name, n=found.written))


def read_outcome(column: pd.Series[Any], faults: FindingCollector) -> FloatArray:
    """Read an outcome: numbers, yes and no as 1 and 0; NaN where missing, marks included.

    A cell that is neither is refused by name, and so are infinities, an outcome without a value and
    one that never changes.
    """
    name = str(column.name)
    found = number_column(column)
    values = found.values
    if found.is_number:
        _tell_marks(found, name, faults)
        asked = (
            None
            if SourceRows.of(column).known
            else suspected_finding(pd.Series(values, name=name), (), Place(column=name))
        )  # a table of Python's: reading a file asked already
        faults.add(*([] if asked is None else [asked]))
    elif found.several_scales and not found.odd.any():
        faults.add(_several_scales(column))
        return np.full(len(column), np.nan)
    else:
        read = _yes_no_outcome(column, found, faults)
        if read is None:
            return np.full(len(column), np.nan)
        values = read
    infinite = np.isinf(values)
    if infinite.any():
        faults.add(_infinite(column, infinite, "outcome"))
    observed = values[np.isfinite(values)]
    if observed.size == 0:
        faults.add(Finding.error("empty_outcome", Place(column=name), column=name))
    elif observed.size > 1 and observed.min() == observed.max():
        faults.add(
            Finding.error(
                "constant_outcome", Place(column=name), column=name, value=float(observed[0])
            )
        )
    return values


def _yes_no_outcome(
    column: pd.Series[Any], found: NumberColumn, faults: FindingCollector
) -> FloatArray | None:
    """Read yes and no as 1 and 0; None, and the odd cells named, when something else is there."""
    name = str(column.name)
    answers, missing, ticked, against = _answers(column)
    if against.any():
        faults.add(contradicting_answer(column, against, answers))
        return None
    strange = np.isnan(answers) & ~missing
    if not strange.any() and ticked and not (answers == 0).any():
        faults.add(Finding.error("ticks_only", Place(column=name), column=name, examples=ticked))
        return None
    if not strange.any():
        faults.add(Finding.info("yes_no_read", Place(column=name), column=name))
        return answers
    both = bool((answers == 0).any() and (answers == 1).any())
    odd = OddCells.of(column, strange if both and not found.mostly_numbers else found.odd)
    faults.add(
        Finding.error(
            "text_outcome", odd.place, column=name, n=odd.n, examples=odd.examples, rows=odd.rows
        )
    )
    return None


def _answers(column: pd.Series[Any]) -> tuple[FloatArray, BoolArray, list[str], BoolArray]:
    """Return answers as 1, 0 or NaN, the rows that are missing, ticks, and contradictions."""
    if column.dtype.kind in "mMc" or isinstance(column.dtype, pd.PeriodDtype):
        gone = column.isna().to_numpy(dtype=bool)
        return np.full(len(column), np.nan), gone, [], np.zeros(len(column), dtype=bool)
    codes, distinct = pd.factorize(column.astype(object), use_na_sentinel=True)
    texts = [as_text(cell).strip() for cell in distinct]
    said = read_yes_no(texts)
    read = np.array([np.nan if answer is None else answer for answer in said.answers] + [np.nan])
    gone = np.array([missing_kind(text) is not None for text in texts] + [True], dtype=bool)
    gone[list(said.missing)] = True
    ticks = [text for text in texts if is_tick(text)]
    against = np.isin(codes, said.contradicting)
    return read[codes], gone[codes] & np.isnan(read[codes]), ticks, against


def read_weights(column: pd.Series[Any], faults: FindingCollector) -> FloatArray:
    """Read sampling weights: numbers, none missing, none negative, not all zero."""
    name = str(column.name)
    found = number_column(column)
    if not found.is_number:
        _refuse_weights(column, found, faults)
        return np.ones(len(column))
    _tell_marks(found, name, faults)
    numbers = found.values
    bad = ~np.isfinite(numbers)
    refuse_empty_cells(column, bad, faults, role="weights", column=name)
    negative = numbers < 0
    if negative.any():
        rows = rows_seen(column, negative, name)
        faults.add(
            Finding.error(
                "negative_weights",
                place_seen(column, negative, name),
                column=name,
                n=int(negative.sum()),
                rows=rows,
            )
        )
    if not bad.any() and not negative.any() and numbers.sum() <= 0:
        faults.add(Finding.error("zero_sum_weights", Place(column=name), column=name))
    return np.where(bad, 0.0, numbers)


def covariate_numbers(column: pd.Series[Any], faults: FindingCollector) -> FloatArray | None:
    """Return a covariate as numbers, or None when it is made of classes.

    A word among numbers (« abs ») is refused by name: it would make a class of each number. Classes
    that hold figures (« 3 et plus ») are classes, and so is a text declared as categories.
    """
    if _is_declared_text(column):
        return None
    found = number_column(column)
    if found.is_number:
        _tell_marks(found, str(column.name), faults)
        return found.values
    if not found.odd.any():
        faults.add(_several_scales(column))
        return found.values
    if not found.mostly_numbers or _are_classes(column, found.odd):
        return None
    odd, name = OddCells.of(column, found.odd), str(column.name)
    faults.add(
        Finding.error(
            "text_covariate", odd.place, column=name, n=odd.n, examples=odd.examples, rows=odd.rows
        )
    )
    return found.values


def _is_declared_text(column: pd.Series[Any]) -> bool:
    """Whether somebody made categories of texts: 1, 2 and 3 are then names."""
    dtype = column.dtype
    return isinstance(dtype, pd.CategoricalDtype) and not pd.api.types.is_numeric_dtype(
        dtype.categories.dtype
    )


def _are_classes(column: pd.Series[Any], odd: BoolArray) -> bool:
    """Whether the odd cells are classes among few: figures in each, as in « 3 et plus » or 2A."""
    texts = [as_text(cell) for cell in pd.unique(column.dropna().astype(object))]
    words = [as_text(cell) for cell in pd.unique(column[odd].astype(object))]
    return len(texts) <= MAX_LEVELS and all(any(c.isdigit() for c in word) for word in words)


def read_covariate(
    column: pd.Series[Any], faults: FindingCollector
) -> tuple[tuple[str, ...], FloatArray]:
    """Read a covariate: numbers as they are, a text as indicators of its levels but the first.

    Returns
    -------
    names : tuple of str
        `age`, or `sexe=H`…
    values : (n, len(names)) array
        NaN where missing.
    """
    name = str(column.name)
    numbers = covariate_numbers(column, faults)
    if numbers is not None:
        infinite = np.isinf(numbers)
        if infinite.any():
            faults.add(_infinite(column, infinite, "covariate"))
        return (name,), np.where(infinite, np.nan, numbers)[:, None]
    codes, levels = pd.factorize(column.astype("string").str.strip(), sort=True)
    if len(levels) == 1:
        faults.add(
            Finding.error(
                "constant_covariate", Place(column=name), column=name, value=str(levels[0])
            )
        )
    if len(levels) > MAX_LEVELS:
        faults.add(
            Finding.error(
                "too_many_levels", Place(column=name), column=name, n=len(levels), most=MAX_LEVELS
            )
        )
        return (), np.empty((len(column), 0))
    indicators = (codes[:, None] == np.arange(1, len(levels))).astype(np.float64)
    indicators[codes < 0] = np.nan
    return tuple(f"{name}={level}" for level in levels[1:]), indicators


def _infinite(column: pd.Series[Any], mask: BoolArray, role: str) -> Finding:
    name = str(column.name)
    rows = rows_seen(column, mask, name)
    return Finding.error(
        "infinite_values",
        place_seen(column, mask, name),
        role=role,
        column=name,
        n=int(mask.sum()),
        rows=rows,
    )
