"""Nothing leaves that identifies a person: small counts, and what would give them away.

A count of 1 to `threshold - 1` people is withheld (primary suppression). What is left must not
allow it to be computed back: an attacker who knows every published cell, every total and that
counts are not negative must be left with an interval at least `threshold` wide for each withheld
cell. Other cells are withheld until this holds (secondary suppression). Minimum and maximum are
never published: they are one person's value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

DEFAULT_THRESHOLD = 11
EXTREMES = frozenset({"min", "max", "minimum", "maximum"})
_SLACK = 1e-6  # linear programmes answer within this


@dataclass(frozen=True, slots=True)
class Suppression:
    """Which cells are withheld.

    Attributes
    ----------
    primary, secondary : (n,) bool
        Withheld because they count few people; withheld to protect those.
    """

    primary: BoolArray
    secondary: BoolArray

    @property
    def withheld(self) -> BoolArray:
        """Cells withheld for either reason, (n,) bool."""
        return self.primary | self.secondary


def attacker_bounds(
    counts: FloatArray, withheld: BoolArray, equations: FloatArray, cell: int
) -> tuple[float, float]:
    r"""Return what an attacker knows of a withheld cell: the least and greatest value it can have.

    Minimise and maximise :math:`x_j` subject to :math:`A x = 0`, :math:`x \ge 0` and x equal to
    what is published.

    Parameters
    ----------
    counts : (n,) array
        True counts, totals included.
    withheld : (n,) bool
    equations : (m, n) array
        Each row is a known sum: ones for parts, minus one for their total.
    cell : int
        Position of the cell attacked.

    Returns
    -------
    low, high : float
        `high` is infinite when nothing bounds the cell.
    """
    from scipy.optimize import linprog

    unknown = np.flatnonzero(withheld)
    live = np.abs(equations[:, unknown]).sum(axis=1) > 0
    known_sum = -(equations[:, ~withheld] @ counts[~withheld])
    target = (unknown == cell).astype(float)
    bounds = []
    for sign in (1.0, -1.0):
        found = linprog(
            sign * target,
            A_eq=equations[np.ix_(live, unknown)] if live.any() else None,
            b_eq=known_sum[live] if live.any() else None,
            bounds=(0, None),
            method="highs",
        )
        bounds.append(sign * float(found.fun or 0.0) if found.success else np.inf)
    low, high = bounds
    return float(low), float(high)


def protect(counts: FloatArray, equations: FloatArray, *, threshold: int) -> Suppression:
    """Withhold small counts and whatever would allow them to be computed back.

    Parameters
    ----------
    counts : (n,) array
        Cells and totals.
    equations : (m, n) array
        Known sums among them, each equal to zero.
    threshold : int
        Least count that may be published.

    Returns
    -------
    Suppression

    Examples
    --------
    >>> import numpy as np
    >>> counts = np.array([3.0, 20.0, 40.0, 63.0])  # three cells and their total
    >>> found = protect(counts, np.array([[1.0, 1.0, 1.0, -1.0]]), threshold=11)
    >>> found.primary.tolist(), found.secondary.tolist()
    ([True, False, False, False], [False, True, False, False])
    """
    counts = np.asarray(counts, dtype=np.float64)
    primary = (counts > 0) & (counts < threshold)
    withheld = primary.copy()
    for _ in range(counts.size):
        weak = _weakest(counts, withheld, equations, threshold)
        if weak is None:
            break
        extra = _accomplice(counts, withheld, equations, weak)
        if extra is None:
            break
        withheld[extra] = True
    return Suppression(primary, withheld & ~primary)


def _weakest(
    counts: FloatArray, withheld: BoolArray, equations: FloatArray, threshold: int
) -> int | None:
    """Return a withheld cell that an attacker knows too well; None when there is none."""
    for cell in np.flatnonzero(withheld):
        low, high = attacker_bounds(counts, withheld, equations, int(cell))
        if high - low < threshold - _SLACK:
            return int(cell)
    return None


def _accomplice(
    counts: FloatArray, withheld: BoolArray, equations: FloatArray, weak: int
) -> int | None:
    """Return the cell to withhold with a weak one: the smallest that shares an equation with it.

    Equations that the withheld cells already reach count too; a total is taken last.
    """
    reached = np.zeros(counts.size, dtype=bool)
    reached[weak] = True
    while True:
        touched = (equations[:, reached] != 0).any(axis=1)
        wider = reached | (withheld & (equations[touched] != 0).any(axis=0))
        if (wider == reached).all():
            break
        reached = wider
    # first the equations of the weak cell itself, then those it reaches
    for rows in ((equations[:, weak] != 0), touched):
        free = np.flatnonzero(~withheld & (equations[rows] != 0).any(axis=0))
        if free.size:
            is_total = (equations[:, free] < 0).any(axis=0)
            order = np.lexsort((counts[free], counts[free] == 0, is_total))
            return int(free[order[0]])
    return None


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
    """
    out: list[FloatArray] = []
    grid = np.arange(rows * columns).reshape(rows, columns)
    if total_row:
        for column in range(columns):
            out.append(_sum_row(grid[:-1, column], grid[-1, column], rows * columns))
    if total_column:
        for row in range(rows):
            out.append(_sum_row(grid[row, :-1], grid[row, -1], rows * columns))
    return np.array(out).reshape(len(out), rows * columns)


def _sum_row(parts: NDArray[np.int64], total: int, size: int) -> FloatArray:
    row = np.zeros(size)
    row[parts] = 1.0
    row[total] = -1.0
    return row


@dataclass(frozen=True, slots=True)
class Withholding:
    """One line of the log: where, and how many numbers of each kind were kept back."""

    place: str
    primary: int
    secondary: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the line as JSON; it never says which cell, nor its value."""
        return {"place": self.place, "primary": self.primary, "secondary": self.secondary}


@dataclass(frozen=True, slots=True)
class Gate:
    """What every table, figure, number and result passes before it leaves.

    Parameters
    ----------
    threshold : int
        Least number of people a published cell may count; 1 lets everything through.

    Examples
    --------
    >>> Gate().small(4), Gate().small(11), Gate().small(0)
    (True, False, False)
    """

    threshold: int = DEFAULT_THRESHOLD

    def small(self, n: float | None) -> bool:
        """Whether a count is of few people; nobody is not few."""
        return n is not None and 0 < n < self.threshold

    def list_of_counts(self, counts: Sequence[float], *, total: float | None = None) -> list[bool]:
        """Return which counts of a list to withhold; its total, when given, comes last."""
        cells = np.array([*counts, *([] if total is None else [total])], dtype=np.float64)
        equations = np.zeros((0, cells.size))
        if total is not None:
            equations = np.ones((1, cells.size))
            equations[0, -1] = -1.0
        found: list[bool] = protect(cells, equations, threshold=self.threshold).withheld.tolist()
        return found

    def table(
        self, counts: FloatArray, *, total_row: bool = False, total_column: bool = False
    ) -> Suppression:
        """Return which cells of a two-way table to withhold, read row by row.

        Parameters
        ----------
        counts : (r, c) array
            Totals included, last.
        total_row, total_column : bool
            Whether the last row (column) is the sum of the others.
        """
        rows, columns = counts.shape
        equations = table_equations(rows, columns, total_row=total_row, total_column=total_column)
        return protect(counts.ravel(), equations, threshold=self.threshold)

    def results(self, results: Mapping[str, Any]) -> Released:
        """Pass the content of `results.json`.

        Counts of answers, of classes and of people who changed are withheld when small (with what
        protects them); an effect that rests on few people is withheld with its interval; minimum
        and maximum are removed.

        Parameters
        ----------
        results : mapping
            As `StudyResults.to_dict()` returns it; not changed.

        Returns
        -------
        Released
            The content that may leave, and the log.
        """
        log: list[Withholding] = []
        out = dict(results)
        for section in ("data", "checks", "scores"):
            if section in out:
                out[section] = without_extremes(out[section])
        out["scores"] = [self._score(score, log) for score in out.get("scores", ())]
        out["estimates"] = [self._estimate(record, log) for record in out.get("estimates", ())]
        out["disclosure"] = self.log(log, out.get("disclosure"))
        return Released(out, tuple(log))

    def log(
        self, lines: Iterable[Withholding], before: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the disclosure log as JSON, with what an earlier pass wrote."""
        told = [*(before or {}).get("log", ()), *(line.to_dict() for line in lines)]
        return {
            "threshold": self.threshold,
            "withheld": sum(line["primary"] + line["secondary"] for line in told),
            "log": told,
        }

    def _score(self, score: Mapping[str, Any], log: list[Withholding]) -> dict[str, Any]:
        out = dict(score)
        place = f"scores.{score.get('instrument', '')}"
        if score.get("people"):
            out["people"] = self._parts(score["people"], f"{place}.people", log)
        if score.get("items"):
            out["items"], out["categories"] = self._items(score, f"{place}.items", log)
        if score.get("bins"):
            out["bins"] = self._bins(score["bins"], f"{place}.bins", log)
        return out

    def _items(
        self, score: Mapping[str, Any], place: str, log: list[Withholding]
    ) -> tuple[list[Any], list[Any]]:
        """Fold answers into unfavourable and favourable when some are few; then drop what is."""
        items, categories = list(score["items"]), list(score.get("categories", ()))
        if not any(self.small(n) for item in items for n in _answers(item)):
            return items, categories
        folded = [_folded(item) for item in items]
        kept = [item for item in folded if not any(self.small(n) for n in _answers(item))]
        few = sum(self.small(n) for item in items for n in _answers(item))
        log.append(Withholding(place, few, len(items) - len(kept)))
        middle = len(categories) % 2
        return kept, [f"answer_{name}" for name in ("low", "middle", "high")[:: 1 if middle else 2]]

    def _bins(
        self, bins: Sequence[Mapping[str, Any]], place: str, log: list[Withholding]
    ) -> list[dict[str, Any]]:
        """Join neighbouring classes until none counts few people; fewer than three tell nothing."""
        joined: list[dict[str, Any]] = []
        for row in bins:
            last = joined[-1] if joined else None
            if last is not None and (self.small(last["before"]) or self.small(last["after"])):
                joined[-1] = _joined(last, row)
            else:
                joined.append(dict(row))
        while len(joined) > 1 and any(self.small(joined[-1][w]) for w in ("before", "after")):
            joined[-2:] = [_joined(joined[-2], joined[-1])]
        if len(joined) < len(bins):
            few = sum(self.small(row[w]) for row in bins for w in ("before", "after"))
            log.append(Withholding(place, few, 0))
        return joined if len(joined) > 2 else []

    def _parts(
        self, parts: Mapping[str, Any], place: str, log: list[Withholding]
    ) -> dict[str, Any]:
        shown = self._counts(list(parts.values()), place, log)
        return dict(zip(parts, shown, strict=True))

    def _counts(
        self, counts: Sequence[int], place: str, log: list[Withholding]
    ) -> list[int | None]:
        """Withhold small counts of a list whose total is known elsewhere."""
        cells = np.array([*counts, sum(counts)], dtype=np.float64)
        equations = np.ones((1, cells.size))
        equations[0, -1] = -1.0
        found = protect(cells, equations, threshold=self.threshold)
        if not found.primary.any():
            return list(counts)
        log.append(Withholding(place, int(found.primary.sum()), int(found.secondary.sum())))
        if found.withheld[-1]:  # the total is known anyway: nothing of the list may leave
            return [None] * len(counts)
        return [None if hide else n for n, hide in zip(counts, found.withheld, strict=False)]

    def _estimate(self, record: Mapping[str, Any], log: list[Withholding]) -> dict[str, Any]:
        estimate = record["estimate"]
        hide = [
            self.small(row.get("n_treated")) or self.small(row.get("n_comparison"))
            for row in estimate["effects"]
        ]
        if not any(hide):
            return dict(record)
        place = f"estimates.{record['outcome']}.{record.get('role', 'main')}"
        primary = sum(hide)
        if primary == 1 and len(hide) > 1:
            hide[_next_smallest(estimate["effects"], hide)] = True
        log.append(Withholding(place, primary, sum(hide) - primary))
        effects = [
            _hidden(row) if out else row for row, out in zip(estimate["effects"], hide, strict=True)
        ]
        covariance = [
            [None if hide[i] or hide[j] else v for j, v in enumerate(row)]
            for i, row in enumerate(estimate["covariance"])
        ]
        bands = [
            {**band, "conf_low": None, "conf_high": None} if hide[i] else band
            for i, band in enumerate(record.get("bands", ()))
        ]
        more = {"bands": bands} if "bands" in record else {}
        shown = {**estimate, "effects": effects, "covariance": covariance, "details": {}}
        return {**record, **more, "estimate": shown}


@dataclass(frozen=True, slots=True)
class Released:
    """Results that may leave, and what was kept back."""

    results: dict[str, Any]
    log: tuple[Withholding, ...] = field(default=())


def _answers(item: Mapping[str, Any]) -> list[int]:
    return [n for wave in ("before", "after") for n in item.get(wave) or ()]


def _folded(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item's counts as unfavourable, middle when there is one, favourable."""
    out = dict(item)
    for wave in ("before", "after"):
        counts = list(item.get(wave) or ())
        if counts:
            half = len(counts) // 2
            middle = counts[half : len(counts) - half]
            out[wave] = [sum(counts[:half]), *middle, sum(counts[len(counts) - half :])]
    return out


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    sums = {wave: one[wave] + other[wave] for wave in ("before", "after")}
    return {**one, "high": other["high"], **sums}


_TOLD = (
    "estimate",
    "std_error",
    "df",
    "statistic",
    "p_value",
    "conf_low",
    "conf_high",
    "n_treated",
    "n_comparison",
)


def _hidden(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: None if key in _TOLD else value for key, value in row.items()}


def _next_smallest(rows: Sequence[Mapping[str, Any]], hide: Sequence[bool]) -> int:
    """Return the row to withhold with the only small one: a total would give it away."""
    known = [i for i, out in enumerate(hide) if not out]
    return min(known, key=lambda i: (rows[i].get("n_treated") or 0, i))


def without_extremes(data: Any) -> Any:
    """Return JSON-able data without any minimum or maximum, deeply."""
    if isinstance(data, Mapping):
        return {key: without_extremes(value) for key, value in data.items() if key not in EXTREMES}
    if isinstance(data, (list, tuple)):
        return [without_extremes(value) for value in data]
    return data
