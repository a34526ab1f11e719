"""The cells that are not what a role needs: how many, which, in which rows of the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.data.labels import as_text
from impact_eval.data.source_rows import SourceRows

BoolArray = NDArray[np.bool_]
SHOWN = 3  # how many offending rows and values a message shows
LONGEST = 80  # signs of a cell that a message quotes


def rows_seen(
    table: pd.Series[Any] | pd.DataFrame, mask: BoolArray, column: str | None = None
) -> list[int]:
    """Return the first rows where a mask is true, as whoever holds the file counts them."""
    return SourceRows.of(table).file_rows(mask, column, most=SHOWN)


def place_seen(
    table: pd.Series[Any] | pd.DataFrame, mask: BoolArray, column: str | None = None
) -> Place:
    """Return where the first row stands where a mask is true: file, sheet, row, cell."""
    return SourceRows.of(table).place(mask, column)


def refuse_empty_cells(
    table: pd.Series[Any] | pd.DataFrame,
    missing: BoolArray,
    faults: FindingCollector,
    *,
    role: str,
    column: str,
) -> None:
    """Refuse rows that lack the value of a role: they cannot be attached to anything.

    Parameters
    ----------
    table : Series or DataFrame
        Of the rows: it says which ones of the file they are.
    missing : (n,) array of bool
    faults : FindingCollector
        Receives `missing_role_values` when any is missing.
    role, column : str
    """
    if not missing.any():
        return
    seen = SourceRows.of(table)
    rows = seen.file_rows(missing, column, most=SHOWN)
    place, n = seen.place(missing, column), seen.count(missing, column)
    faults.add(
        Finding.error("missing_role_values", place, role=role, column=column, n=n, rows=rows)
    )


@dataclass(frozen=True, slots=True)
class OddCells:
    """Some cells of a column, named for whoever holds the table.

    Attributes
    ----------
    place : Place
        The first of them.
    n : int
    examples : tuple of str
        Their first distinct texts: for a terminal, never for a results file.
    rows : tuple of int
        Their first rows.
    """

    place: Place
    n: int
    examples: tuple[str, ...]
    rows: tuple[int, ...]

    @classmethod
    def of(cls, column: pd.Series[Any], odd: BoolArray) -> OddCells:
        """Return the cells of a column where a mask is true.

        Examples
        --------
        >>> column = pd.Series(["30,4", "abs", "29,6", "abs"], name="taux")
        >>> found = OddCells.of(column, np.array([False, True, False, True]))
        >>> found.n, found.examples, found.rows
        (2, ('abs',), (2, 4))
        """
        seen, name = SourceRows.of(column), str(column.name)
        texts = (as_text(cell).strip() or str(cell) for cell in column[odd])
        rows = seen.file_rows(odd, name, most=SHOWN)
        return cls(
            seen.place(odd, name), seen.count(odd, name), _first_distinct(texts), tuple(rows)
        )


def contradicting_answer(
    column: pd.Series[Any], against: BoolArray, answers: NDArray[np.float64]
) -> Finding:
    """Return the refusal of « 0 - Oui »: a number that says another answer than its word."""
    name, odd = str(column.name), OddCells.of(column, against)
    answer = as_text(float(answers[np.argmax(against)]))
    return Finding.error("number_beside_label", odd.place, column=name, n=odd.n,
                         found=odd.examples[0], answer=answer)  # fmt: skip


def _first_distinct(texts: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in texts:
        found.setdefault(text[:LONGEST])
        if len(found) == SHOWN:
            break
    return tuple(found)
