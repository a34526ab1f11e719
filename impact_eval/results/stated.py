"""What may be told of leaves beside themselves: a closed list of functions that a reader can redo.

A report prints leaves, rounded, or per 100. All else that it prints is one of these functions, of
leaves that have passed the gate; it computes nothing itself, and a test reads its code. What is
kept back stays so: a function of a leaf that is empty is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TypeVar

from impact_eval.core.vocabulary import Direction
from impact_eval.results.estimates import FlowRecord

N = TypeVar("N", int, float)


def sum_or_none(values: Iterable[N | None]) -> N | None:
    """Return a sum; None when one of its parts was kept back.

    Examples
    --------
    >>> sum_or_none([12, 76, 0]), sum_or_none([12, None])
    (88, None)
    """
    parts = list(values)
    known = [value for value in parts if value is not None]
    return sum(known) if len(known) == len(parts) else None


def share(part: float, whole: float) -> float:
    """Return a part in a whole; zero when there is nothing."""
    return part / whole if whole else 0.0


def shares(counts: Sequence[int]) -> tuple[float | None, ...]:
    """Return each count in their total; none when they are all zero."""
    whole = sum(counts)
    return tuple(count / whole if whole else None for count in counts)


def favourable(questions: Sequence[Sequence[int]]) -> float:
    """Return the share of favourable answers, a mean over the questions.

    Parameters
    ----------
    questions : sequence of sequence of int
        For each question the people who gave each answer, from the least favourable; the upper half
        of the answers is favourable.

    Examples
    --------
    >>> favourable([(1, 0, 3), (2, 1, 1)])
    0.5
    """
    upper = [counts[len(counts) - len(counts) // 2 :] for counts in questions]
    parts = [share(sum(u), sum(counts)) for u, counts in zip(upper, questions, strict=True)]
    return share(sum(parts), len(parts))


def of_the_same_sign(values: Sequence[float], reference: float) -> float:
    """Return the share of values that lie on the side of zero of a reference."""
    return share(len([v for v in values if (v > 0) == (reference > 0)]), len(values))


def balance(gains: float, pays: float) -> float:
    """Return gains less payments."""
    return gains - pays


def received(step: FlowRecord) -> int | None:
    """Return the rows that entered a step: those kept and those left out."""
    return sum_or_none((step.n, step.dropped))


def units_received(step: FlowRecord) -> int | None:
    """Return the people or territories that entered a step: those left and those who left."""
    return sum_or_none((step.units, step.units_dropped))


def lost(start: int, end: int) -> int:
    """Return how many left between two steps."""
    return start - end


def observed(n_treated: int | None, n_comparison: int | None, n_units: int | None) -> int | None:
    """Return how many were observed in both groups, those who served in both counted once."""
    known = [n for n in (n_treated, n_comparison) if n is not None]
    return min(sum(known), n_units or sum(known)) if known else None


class AgainstSmallest(StrEnum):
    """What the interval of a mean change says of the smallest change that matters to people."""

    ABOVE = "above"  # all the interval is beyond it, the right way
    BELOW = "below"  # all the interval is within it, both ways
    HARM = "harm"  # all the interval is beyond it, the wrong way
    WRONG = "wrong"  # all the interval is the wrong way, on both sides of it
    UNSURE = "unsure"


def against_smallest(
    low: float, high: float, smallest: float, direction: Direction
) -> AgainstSmallest:
    """Set the interval of a mean change against the smallest change that matters.

    Parameters
    ----------
    low, high : float
        Ends of the interval.
    smallest : float
        Positive.
    direction : Direction
        Which way is better.

    Examples
    --------
    >>> against_smallest(2.1, 4.0, 2.0, Direction.HIGHER).value
    'above'
    >>> against_smallest(2.1, 4.0, 2.0, Direction.LOWER).value
    'harm'
    >>> against_smallest(1.2, 4.0, 2.0, Direction.LOWER).value
    'wrong'
    """
    if direction is Direction.LOWER:
        low, high = -high, -low
    sided = direction is not Direction.NEITHER  # else no way is wrong: only the size is told
    if low >= smallest or (high <= -smallest and not sided):
        return AgainstSmallest.ABOVE
    if high <= -smallest:
        return AgainstSmallest.HARM
    if -smallest < low and high < smallest:
        return AgainstSmallest.BELOW
    return AgainstSmallest.WRONG if high < 0 and sided else AgainstSmallest.UNSURE
