"""What the cells of a column look like, so that a row can be told from what is not one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from impact_eval.data.labels import as_text, missing_kind
from impact_eval.data.written import parse_number

_FEWEST = 3  # answers, to say anything
_FEW_VALUES = 12  # distinct values of a column of choices
_FEW_SHAPES = 2


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """What a column shows: numbers, a few values, or codes of one shape.

    Attributes
    ----------
    place : int
        Position of the column.
    numbers : bool
    values : frozenset of str
        Its values, when they are few.
    shapes : frozenset of str
        The shapes of its cells, when they are one or two.
    """

    place: int
    numbers: bool
    values: frozenset[str]
    shapes: frozenset[str]

    @classmethod
    def of(cls, place: int, cells: Sequence[Any]) -> Self:
        """Return what these cells show."""
        texts = [as_text(cell).strip() for cell in cells]
        values = frozenset(text for text in frozenset(texts) if missing_kind(text) is None)
        told = [text for text in texts if text in values]
        shapes = frozenset(map(shape_of, values))  # each value once: a column repeats a few
        numbers = len(told) >= _FEWEST and all(parse_number(text) is not None for text in values)
        few = len(values) <= _FEW_VALUES and len(values) * 3 <= len(told)
        one = len(shapes) <= _FEW_SHAPES and len(told) >= _FEWEST
        return cls(place, numbers, values if few else frozenset(), shapes if one else frozenset())

    @property
    def tells(self) -> bool:
        """Whether the column shows anything that a stray cell would not fit."""
        return bool(self.numbers or self.values or self.shapes)

    def fits(self, cell: Any) -> bool:
        """Whether a cell may stand in the column."""
        text = as_text(cell).strip()
        if missing_kind(text) is not None:
            return True
        if self.numbers:
            return parse_number(text) is not None
        return text in self.values or shape_of(text) in self.shapes


def shapes_of(rows: Sequence[Sequence[Any]]) -> list[ColumnShape]:
    """Return the columns of these rows that show something.

    Parameters
    ----------
    rows : sequence of sequences of cells
        All of one length.

    Examples
    --------
    >>> found = shapes_of([["P1", "Zoé", 3], ["P2", "un ami", 4], ["P3", "Lou-Ann", 2]])
    >>> [(column.place, column.fits("P19"), column.fits("texte")) for column in found]
    [(0, True, False), (2, False, False)]
    """
    width = len(rows[0]) if rows else 0
    found = [ColumnShape.of(i, [row[i] for row in rows]) for i in range(width)]
    return [column for column in found if column.tells]


def shape_of(text: str) -> str:
    """Return the shape of a written code: letters, figures, and the signs between them.

    Examples
    --------
    >>> shape_of("P019"), shape_of("ben-12"), shape_of("Zoé Martin")
    ('a9', 'a-9', 'a a')
    """
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", text))
