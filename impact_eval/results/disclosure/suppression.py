"""Which counts to withhold, so that no small one is shown nor can be computed back.

A count of few people is withheld (primary suppression). What is left must not give it back: an
attacker who knows every published count, every sum among counts and that counts are whole numbers
must be left with a range at least `threshold` wide. Other counts are withheld until this holds
(secondary suppression). The attacker of `attack` judges, never a rule of thumb.

One mark stands for both kinds: a mark that said which counts are small would itself bound them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.results.disclosure.attack import leaves_range

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Suppression:
    """Which cells are withheld.

    Attributes
    ----------
    primary, secondary : (n,) bool
        Withheld because they count few people; withheld to protect those, shown or not.
    """

    primary: BoolArray
    secondary: BoolArray

    @property
    def withheld(self) -> BoolArray:
        """Cells withheld for either reason, (n,) bool."""
        return self.primary | self.secondary


def protect(
    counts: FloatArray,
    equations: FloatArray,
    *,
    threshold: int,
    published: BoolArray | None = None,
    sensitive: BoolArray | None = None,
    cost: FloatArray | None = None,
) -> Suppression:
    r"""Withhold small counts and whatever would allow them to be computed back.

    Each sensitive cell is taken in turn: while the attacker's range of it is too narrow, the
    cheapest published cell that is linked to it is withheld; those that turn out not to be needed
    are given back, the dearest first. Withholding only widens ranges, so that no cell needs a
    second look. It ends protected: with nothing published that is linked to a cell of x > 0
    people, every multiple of the true counts is possible, and x may be any number.

    Parameters
    ----------
    counts : (n,) array
        Cells, totals, and differences that a reader could compute.
    equations : (m, n) array
        Known sums among them, each equal to zero: :math:`A x = 0`.
    threshold : int
        Least count that may be published, and least width of what is known of a hidden one.
    published : (n,) bool, optional
        Cells that would be shown; all by default. The others exist and are protected when
        sensitive (people lost = people read - people kept), but cannot be withheld.
    sensitive : (n,) bool, optional
        Cells to protect; those of 1 to `threshold - 1` people by default. Give it to add zeros,
        or to leave out what does not count people.
    cost : (n,) array, optional
        What is lost with each cell: the cheapest goes first. By default cells go before their
        totals, small ones first.

    Returns
    -------
    Suppression
        Of published cells only.

    Raises
    ------
    ImpactEvalError
        `counts_do_not_add`: the counts do not satisfy the equations.

    Notes
    -----
    Fischetti and Salazar (2001), Solving the cell suppression problem on tabular data with linear
    constraints, Management Science 47(7), doi:10.1287/mnsc.47.7.1008.9805.

    Examples
    --------
    >>> counts = np.array([3.0, 20.0, 40.0, 63.0])  # three cells and their total
    >>> found = protect(counts, np.array([[1.0, 1.0, 1.0, -1.0]]), threshold=11)
    >>> found.primary.tolist(), found.secondary.tolist()
    ([True, False, False, False], [False, True, False, False])

    Of 120 rows read 117 are kept; the 3 lost are shown nowhere, and the rows read cost less:

    >>> counts, known = np.array([120.0, 117.0, 3.0]), np.array([[1.0, -1.0, -1.0]])
    >>> shown, cost = np.array([True, True, False]), np.array([1.0, 5.0, 0.0])
    >>> protect(counts, known, threshold=11, published=shown, cost=cost).withheld.tolist()
    [True, False, False]
    """
    counts = np.asarray(counts, dtype=np.float64)
    system = np.asarray(equations, dtype=np.float64).reshape(-1, counts.size)
    _check_sums(counts, system)
    shown = np.ones(counts.size, dtype=bool) if published is None else np.array(published, bool)
    small = (counts > 0) & (counts < threshold) if sensitive is None else np.array(sensitive, bool)
    table = _System(counts, system, threshold, small, _preference(counts, system, cost))
    primary = small & shown
    fixed = primary | ~shown
    hidden = fixed.copy()
    for cell in np.flatnonzero(small):
        before = hidden.copy()
        while not table.safe(hidden, int(cell)):
            extra = table.accomplice(hidden, int(cell))
            if extra is None:
                break
            hidden[extra] = True
        hidden = table.given_back(hidden, before, np.arange(counts.size) == cell)
    hidden = table.given_back(hidden, fixed, small)
    return Suppression(primary, hidden & ~fixed)


def _check_sums(counts: FloatArray, equations: FloatArray) -> None:
    """Refuse counts that are no counts, or that contradict the sums said to link them."""
    gap = np.abs(equations @ counts)
    if not np.isfinite(counts).all() or (counts < 0).any() or (gap > 1e-6).any():
        wrong = int((gap > 1e-6).sum() + (counts < 0).sum() + (~np.isfinite(counts)).sum())
        raise ImpactEvalError(Finding.error("counts_do_not_add", n=wrong))


def _preference(
    counts: FloatArray, equations: FloatArray, cost: FloatArray | None
) -> NDArray[np.intp]:
    """Return each cell's place in the order of withholding: cheap, then parts, then small."""
    price = np.zeros(counts.size) if cost is None else np.asarray(cost, dtype=np.float64)
    is_total = (equations < 0).any(axis=0)
    order = np.lexsort((np.arange(counts.size), counts, counts == 0, is_total, price))
    place = np.empty(counts.size, dtype=np.intp)
    place[order] = np.arange(counts.size)
    return place


@dataclass(frozen=True, slots=True)
class _System:
    """The counts of a release, what links them, and the order in which they would be given up."""

    counts: FloatArray
    equations: FloatArray
    threshold: int
    small: BoolArray
    preference: NDArray[np.intp]

    def safe(self, hidden: BoolArray, cell: int) -> bool:
        """Whether an attacker is left with a range wide enough."""
        return leaves_range(self.counts, hidden, self.equations, cell, width=self.threshold)

    def reached(self, hidden: BoolArray, cell: int) -> BoolArray:
        """Return the hidden cells that sums link to one, itself included."""
        found = np.zeros(self.counts.size, dtype=bool)
        found[cell] = True
        while True:
            rows = (self.equations[:, found] != 0).any(axis=1)
            wider = found | (hidden & (self.equations[rows] != 0).any(axis=0))
            if (wider == found).all():
                return found
            found = wider

    def accomplice(self, hidden: BoolArray, cell: int) -> int | None:
        """Return the next cell to withhold for one that is known too well; None when all are."""
        linked = self.reached(hidden, cell)
        rows = (self.equations[:, linked] != 0).any(axis=1)
        free = np.flatnonzero(~hidden & (self.equations[rows] != 0).any(axis=0))
        if not free.size:
            return None
        return int(free[np.argmin(self.preference[free])])

    def given_back(self, hidden: BoolArray, fixed: BoolArray, guarded: BoolArray) -> BoolArray:
        """Show again, dearest first, what protects none of the cells to guard."""
        kept = hidden.copy()
        extra = np.flatnonzero(hidden & ~fixed)
        for cell in extra[np.argsort(-self.preference[extra])]:
            linked = self.reached(kept, int(cell))
            kept[cell] = False
            others = np.flatnonzero(guarded & linked)
            if not all(self.safe(kept, int(other)) for other in others):
                kept[cell] = True
        return kept


def table_equations(rows: int, columns: int, *, total_row: bool, total_column: bool) -> FloatArray:
    """Return the sums that a two-way table publishes, for cells read row by row.

    Parameters
    ----------
    rows, columns : int
        Size of the table, totals included.
    total_row, total_column : bool
        Whether its last row (column) is the sum of the others.

    Returns
    -------
    (m, rows * columns) array

    Examples
    --------
    >>> table_equations(1, 3, total_row=False, total_column=True).tolist()
    [[1.0, 1.0, -1.0]]
    """
    out: list[FloatArray] = []
    grid = np.arange(rows * columns).reshape(rows, columns)
    if total_row:
        out += [_sum_row(grid[:-1, j], grid[-1, j], rows * columns) for j in range(columns)]
    if total_column:
        out += [_sum_row(grid[i, :-1], grid[i, -1], rows * columns) for i in range(rows)]
    return np.array(out).reshape(len(out), rows * columns)


def _sum_row(parts: NDArray[np.int64], total: int, size: int) -> FloatArray:
    row = np.zeros(size)
    row[parts] = 1.0
    row[total] = -1.0
    return row


class ArmCounts(NamedTuple):
    """How many people one published result is about: in each arm, and in all.

    A count that is not published is None.
    """

    treated: int | None = None
    comparison: int | None = None
    everyone: int | None = None

    def completed(self) -> ArmCounts:
        """Return the counts with the one that the other two give.

        Examples
        --------
        >>> ArmCounts(40, 35).completed().everyone, ArmCounts(40, everyone=75).completed()[1]
        (75, 35)
        """
        treated, comparison, everyone = self
        if treated is not None and comparison is not None:
            return ArmCounts(treated, comparison, treated + comparison)
        if everyone is not None and treated is not None:
            return ArmCounts(treated, everyone - treated, everyone)
        if everyone is not None and comparison is not None:
            return ArmCounts(everyone - comparison, comparison, everyone)
        return self


def far_apart(one: int, other: int, *, threshold: int) -> bool:
    """Whether two counts of the same kind of people may both be published.

    Equal, or at least `threshold` apart: else their difference counts few people, and the
    difference of two sums is about them.

    Examples
    --------
    >>> far_apart(60, 60, threshold=11), far_apart(60, 59, threshold=11)
    (True, False)
    """
    return one == other or abs(one - other) >= threshold


def close_counts(
    candidates: Sequence[ArmCounts], *, threshold: int, kept: Sequence[ArmCounts] = ()
) -> tuple[bool, ...]:
    """Return which results' counts to withhold because others are within a few people of them.

    Counts that differ between outcomes of the same people, between waves, between editions: the
    first in the order of priority stays, a later one goes when any of its counts, or their sum,
    is 1 to `threshold - 1` away from the same count of one that stays.

    Parameters
    ----------
    candidates : sequence of ArmCounts
        Counts of the same kind of people (same arms, same table), in the order of priority.
    threshold : int
    kept : sequence of ArmCounts
        Already published, in this edition or an earlier one.

    Returns
    -------
    tuple of bool
        True for a candidate whose counts are all to be withheld.

    Notes
    -----
    Equal counts may be about different people, which no count tells: rounding what rests on them
    protects those (see `rounding`).

    Examples
    --------
    >>> close_counts([ArmCounts(30, 30), ArmCounts(30, 29), ArmCounts(30, 30)], threshold=11)
    (False, True, False)
    """
    staying = [counts.completed() for counts in kept]
    out: list[bool] = []
    for counts in map(ArmCounts.completed, candidates):
        near = any(_close(counts, other, threshold) for other in staying)
        out.append(near)
        if not near:
            staying.append(counts)
    return tuple(out)


def _close(one: ArmCounts, other: ArmCounts, threshold: int) -> bool:
    """Whether a pair of the same count is within a few people."""
    return any(
        a is not None and b is not None and not far_apart(a, b, threshold=threshold)
        for a, b in zip(one, other, strict=True)
    )
