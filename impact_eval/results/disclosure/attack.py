"""What an attacker can compute from what is published: the judge of every rule of this folder.

The attacker knows each published number, to the unit it is rounded to, every sum that links them,
that counts are whole and not negative, and which people are in which group. Linear programming,
in whole numbers where they are counts, gives the least and the greatest value that a hidden number
can then have: nothing else bounds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_UNBOUNDED, _SOLVED = 3, 0  # what scipy.optimize.milp answers
_NODES = 10_000  # a limit in work and not in seconds: the same answer on every machine
_ALMOST = 1e-6  # the solver's answers are this close
_LARGE = 1e8  # above, numbers are scaled for the solver's absolute tolerances


def attacker_bounds(
    counts: FloatArray,
    withheld: BoolArray,
    equations: FloatArray,
    cell: int,
    *,
    known: tuple[FloatArray, FloatArray] | None = None,
    whole: bool = False,
) -> tuple[float, float]:
    r"""Return what an attacker knows of a hidden count: the least and greatest value it can have.

    Minimise and maximise :math:`x_j` subject to :math:`A x = 0`, :math:`x \ge 0` and x equal to
    what is published, or within what its rounding leaves.

    Parameters
    ----------
    counts : (n,) array
        True counts, totals included.
    withheld : (n,) bool
        Which are not published.
    equations : (m, n) array
        Each row is a known sum: ones for parts, minus one for their total.
    cell : int
        Position of the cell attacked.
    known : two (n,) arrays, optional
        What is known of published cells instead of their exact counts: the least and greatest
        count that gives the number shown. Entries of withheld cells are not read.
    whole : bool
        Whether the attacker also uses that counts are whole numbers. In a table and its totals
        this adds nothing; where cells overlap it can.

    Returns
    -------
    low, high : float
        `high` is infinite when nothing bounds the cell. Both are the true count when the programme
        cannot be solved: what cannot be judged is taken as known.

    Examples
    --------
    >>> counts = np.array([3.0, 20.0, 40.0, 63.0])  # three cells and their total
    >>> hidden = np.array([True, True, False, False])
    >>> attacker_bounds(counts, hidden, np.array([[1.0, 1.0, 1.0, -1.0]]), 0)
    (0.0, 23.0)
    """
    counts = np.asarray(counts, dtype=np.float64)
    hidden = np.asarray(withheld, dtype=bool)
    low, high = (counts, counts) if known is None else known
    least = np.where(hidden, 0.0, np.maximum(low, 0.0))
    most = np.where(hidden, np.inf, high)
    found = _range(least, most, equations, cell, whole=whole)
    return found if found is not None else (float(counts[cell]), float(counts[cell]))


def leaves_range(
    counts: FloatArray, withheld: BoolArray, equations: FloatArray, cell: int, *, width: float
) -> bool:
    """Whether an attacker who knows that counts are whole is left with a range that wide.

    Parameters
    ----------
    counts, withheld, equations, cell
        As for `attacker_bounds`.
    width : float

    Returns
    -------
    bool
        False when the programme cannot be solved: what cannot be judged is taken as known.

    Examples
    --------
    >>> counts = np.array([3.0, 20.0, 40.0, 63.0])
    >>> hidden = np.array([True, True, False, False])
    >>> leaves_range(counts, hidden, np.array([[1.0, 1.0, 1.0, -1.0]]), 0, width=11)
    True
    """
    hidden = np.asarray(withheld, dtype=bool)
    if not hidden[cell]:
        return width <= 0
    least, most = np.where(hidden, 0.0, counts), np.where(hidden, np.inf, counts)
    programme = _programme(least, most, equations, cell)
    high = programme.end(1, whole=True)
    if high is None or high < width:  # the least is not negative
        return False
    if high - counts[cell] >= width:  # nor is it above the true count
        return True
    low = programme.end(-1, whole=True)
    return low is not None and high - max(low, 0.0) >= width


def rounded_interval(counts: FloatArray, base: int) -> tuple[FloatArray, FloatArray]:
    """Return the least and greatest count that each published, rounded count may stand for.

    Parameters
    ----------
    counts : (n,) array
        As published: multiples of `base`.
    base : int
        1 when nothing is rounded.

    Returns
    -------
    low, high : (n,) arrays
        For `known` of `attacker_bounds`.

    Examples
    --------
    >>> low, high = rounded_interval(np.array([0.0, 25.0]), 5)
    >>> low.tolist(), high.tolist()
    ([0.0, 23.0], [2.0, 27.0])
    """
    shown = np.asarray(counts, dtype=np.float64)
    half = np.full(shown.shape, float(base // 2))
    if base % 2 == 0:  # ties go to even multiples
        half -= np.round(shown / base) % 2
    return np.maximum(shown - half, 0.0), shown + half


@dataclass(frozen=True, slots=True)
class PublishedMean:
    """A mean that was published, and what the attacker knows of the people behind it.

    Attributes
    ----------
    mean : float
        As published.
    unit : float
        What it is rounded to: the true mean is within half of it. 0 when it is exact.
    members : frozenset of int
        The people it is about, by any numbers of the attacker's own.
    least_n, most_n : int, optional
        What is known of how many people answered, when it is not that all members did.
    """

    mean: float
    unit: float
    members: frozenset[int]
    least_n: int | None = None
    most_n: int | None = None

    def sum_range(self) -> tuple[float, float]:
        """Return the least and greatest sum that the mean and its count allow.

        Examples
        --------
        >>> PublishedMean(10.0, 1.0, frozenset({1, 2})).sum_range()
        (19.0, 21.0)
        """
        counts = (
            len(self.members) if self.least_n is None else self.least_n,
            len(self.members) if self.most_n is None else self.most_n,
        )
        means = (self.mean - self.unit / 2, self.mean + self.unit / 2)
        corners = [n * mean for n in counts for mean in means]
        return min(corners), max(corners)


def value_bounds(
    published: Sequence[PublishedMean],
    person: int,
    *,
    low: float = 0.0,
    high: float = np.inf,
) -> tuple[float, float]:
    r"""Return what an attacker knows of one person's value from means of groups of people.

    Minimise and maximise :math:`x_i` subject to :math:`\sum_{j \in S} x_j` within what each mean,
    its rounding and its count leave, and every :math:`x_j` within `[low, high]`.

    Parameters
    ----------
    published : sequence of PublishedMean
    person : int
        One of the members.
    low, high : float
        What anybody's value can be: incomes are not negative, an answer is 0 to 4.

    Returns
    -------
    low, high : float
        The whole range when the means contradict each other.

    Examples
    --------
    Two incomes of three people, then of two of them, to the cent:

    >>> everybody = PublishedMean(1300.0, 0.0, frozenset({1, 2, 3}))
    >>> without_one = PublishedMean(1000.0, 0.0, frozenset({1, 2}))
    >>> value_bounds([everybody, without_one], 3)
    (1900.0, 1900.0)
    """
    people = sorted(frozenset().union(*(p.members for p in published)) | {person})
    n, m = len(people), len(published)
    at = {name: i for i, name in enumerate(people)}
    # one more variable a mean: the sum of its members, within what is known of it
    equations = np.zeros((m, n + m))
    least, most = np.full(n + m, float(low)), np.full(n + m, float(high))
    for row, mean in enumerate(published):
        equations[row, [at[name] for name in mean.members]] = 1.0
        equations[row, n + row] = -1.0
        least[n + row], most[n + row] = mean.sum_range()
    found = _range(least, most, equations, at[person], whole=False)
    return found if found is not None else (float(low), float(high))


@dataclass(frozen=True, slots=True)
class PublishedTotal:
    """A total, or a mean times its count: `unit` is what it is known to, 0 when exact."""

    total: float
    n: int
    unit: float = 0.0


@dataclass(frozen=True, slots=True)
class Subtraction:
    """Two totals whose difference is about few people.

    Attributes
    ----------
    larger, smaller : int
        Positions of the two totals.
    people : int
        How many people the difference is about, if the smaller group is part of the larger.
    low, high : float
        What the sum of their values lies between.
    """

    larger: int
    smaller: int
    people: int
    low: float
    high: float


def sum_attack(totals: Sequence[PublishedTotal], *, threshold: int) -> tuple[Subtraction, ...]:
    """Return every pair of totals whose difference rests on 1 to `threshold - 1` people.

    Parameters
    ----------
    totals : sequence of PublishedTotal
        Of the same quantity, about groups that may be parts of each other.
    threshold : int

    Returns
    -------
    tuple of Subtraction
        In the order of the pairs.

    Examples
    --------
    >>> kept = PublishedTotal(35_000.0, 29)
    >>> sum_attack([PublishedTotal(36_250.0, 30), kept], threshold=11)
    (Subtraction(larger=0, smaller=1, people=1, low=1250.0, high=1250.0),)
    """
    found: list[Subtraction] = []
    for i, one in enumerate(totals):
        for j in range(i + 1, len(totals)):
            larger, smaller = (i, j) if one.n >= totals[j].n else (j, i)
            people = totals[larger].n - totals[smaller].n
            if not 0 < people < threshold:
                continue
            gap = totals[larger].total - totals[smaller].total
            half = (totals[larger].unit + totals[smaller].unit) / 2
            found.append(Subtraction(larger, smaller, people, gap - half, gap + half))
    return tuple(found)


def _range(
    least: FloatArray, most: FloatArray, equations: FloatArray, at: int, *, whole: bool
) -> tuple[float, float] | None:
    """Return the least and greatest x[at] with A x = 0 within bounds; None when not solved."""
    if least[at] == most[at]:
        return float(least[at]), float(most[at])
    programme = _programme(least, most, equations, at)
    low, high = programme.end(-1, whole=whole), programme.end(1, whole=whole)
    if low is None or high is None:
        return None
    return max(low, float(least[at])), min(high, float(most[at]))


def _programme(least: FloatArray, most: FloatArray, equations: FloatArray, at: int) -> _Programme:
    """Pose A x = 0 within bounds, for one unknown.

    What is exactly known is carried to the right-hand side, and only the variables linked to the
    one attacked are given to the solver: the others say nothing about it.
    """
    free = least != most
    variables, rows = _linked(equations, free, at)
    fixed = equations[np.ix_(rows, ~free)] @ least[~free]
    largest = max(map(_largest, (least[variables], most[variables], fixed)))
    scale = largest if largest > _LARGE else 1.0
    return _Programme(
        (variables == at).astype(np.float64),
        equations[np.ix_(rows, variables)],
        -fixed / scale,
        least[variables] / scale,
        most[variables] / scale,
        scale,
    )


@dataclass(frozen=True, slots=True)
class _Programme:
    """The ends of goal · x with A x = b and low <= x <= high, all divided by `scale`."""

    goal: FloatArray
    equations: FloatArray
    sums: FloatArray
    low: FloatArray
    high: FloatArray
    scale: float

    def end(self, sign: int, *, whole: bool) -> float | None:
        """Return the greatest value (sign 1) or the least (-1); None when there is none."""
        relaxed = self._solve(-sign * self.goal, whole=False)
        if relaxed is None:
            return None
        if not whole or np.isinf(relaxed[0]):  # unbounded: in whole numbers too
            return -sign * relaxed[0] * self.scale
        if self.scale > 1:  # too large for whole numbers to be told apart: taken inwards
            return float(-sign * np.ceil(relaxed[0] * self.scale))
        if (np.abs(relaxed[1] - np.round(relaxed[1])) < _ALMOST).all():
            return float(-sign * np.round(relaxed[0]))  # its corner is whole: none is better
        exact = self._solve(-sign * self.goal, whole=True)
        # when the search is cut, the relaxed answer still bounds what whole numbers can be
        best = np.ceil(relaxed[0] - _ALMOST) if exact is None else np.round(exact[0])
        return float(-sign * best)

    def _solve(self, goal: FloatArray, *, whole: bool) -> tuple[float, FloatArray] | None:
        from scipy.optimize import Bounds, LinearConstraint, milp

        rules = [LinearConstraint(self.equations, self.sums, self.sums)] if self.sums.size else []
        for presolve in (True, False):  # presolve may say only « unbounded or impossible »
            found = milp(
                goal,
                constraints=rules,
                bounds=Bounds(self.low, self.high),
                integrality=np.full(self.goal.size, int(whole)),
                options={"presolve": presolve, "node_limit": _NODES},
            )
            if found.status == _SOLVED and found.fun is not None and found.x is not None:
                return float(found.fun), np.asarray(found.x, dtype=np.float64)
            if found.status == _UNBOUNDED:
                return -np.inf, np.empty(0)
        return None


def _linked(equations: FloatArray, free: BoolArray, at: int) -> tuple[NDArray[np.intp], BoolArray]:
    """Return the unknowns that equations link to one, and those equations."""
    reached = np.zeros(free.size, dtype=bool)
    reached[at] = True
    involved = equations != 0
    while True:
        rows = involved[:, reached].any(axis=1)
        wider = reached | (free & involved[rows].any(axis=0))
        if (wider == reached).all():
            return np.flatnonzero(reached), rows
        reached = wider


def _largest(numbers: FloatArray) -> float:
    """Return the largest finite size among numbers; 0 when there is none."""
    finite = np.abs(numbers[np.isfinite(numbers)])
    return float(finite.max(initial=0.0))
