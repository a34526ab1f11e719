r"""Calibration of weights on known totals: linear, raking, logit and truncated distances.

Weights :math:`w_i = d_i F(x_i'\lambda)` stay as close as possible to the starting weights d while
:math:`\sum w_i x_i` equals the known totals exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, NotApplicable
from impact_eval.stats.inference.newton import (
    NewtonPoint,
    NewtonResult,
    NewtonStop,
    damped_newton,
)

FloatArray = NDArray[np.float64]
LEAST_CELL = 5
LARGEST_DESIGN_EFFECT = 2.0
_CLOSE = 1e-9
_ROUNDED = 0.0101  # shares typed with two digits: 0.33 three times
# The equations must be met: any fall of the largest gap is taken, down to the precision of the
# machine. Redundant margins (two variables with one total) leave directions that change nothing.
_REACHED = NewtonStop(merit=1e-13, rising=0.0, cutoff=1e-12)


class CalibrationMethod(StrEnum):
    """The distance between new and old weights (CALMAR's four)."""

    LINEAR = "linear"
    RAKING = "raking"
    LOGIT = "logit"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class CategoryMargin:
    """Known totals of the categories of one variable.

    Attributes
    ----------
    name : str
    labels : (n,) array
        Category of each person.
    totals : mapping of label to number
    """

    name: str
    labels: NDArray[np.object_]
    totals: Mapping[object, float]


@dataclass(frozen=True, slots=True)
class NumberMargin:
    """Known total of one numeric variable.

    Attributes
    ----------
    name : str
    values : (n,) array
    total : float
    """

    name: str
    values: FloatArray
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Calibrated weights and what they cost.

    Attributes
    ----------
    weights : (n,) array
    ratios : (n,) array
        New over old weight.
    margins : (n, p) array
        The variables calibrated on.
    totals : (p,) array
    initial : (n,) array
        Starting weights.
    iterations : int
    largest_gap : float
        Largest relative gap of a margin after calibration.
    design_effect : float
        Kish's, of the calibrated weights.
    effective_n : float
    negative : int
        Weights below zero (possible with the linear distance).
    findings : tuple of Finding
    """

    weights: FloatArray
    ratios: FloatArray
    margins: FloatArray
    totals: FloatArray
    initial: FloatArray
    iterations: int
    largest_gap: float
    design_effect: float
    effective_n: float
    negative: int
    findings: tuple[Finding, ...] = ()


def effective_size(weights: ArrayLike) -> float:
    r"""Return Kish's effective sample size :math:`(\sum w)^2 / \sum w^2`.

    Examples
    --------
    >>> effective_size([1.0, 1.0, 1.0, 1.0])
    4.0
    """
    w = np.asarray(weights, dtype=np.float64)
    return float(w.sum() ** 2 / np.sum(w**2))


def calibrate(
    initial: ArrayLike,
    margins: ArrayLike,
    totals: ArrayLike,
    *,
    method: CalibrationMethod = CalibrationMethod.RAKING,
    bounds: tuple[float, float] = (0.4, 3.0),
    distance_weights: ArrayLike | None = None,
) -> Calibration | NotApplicable:
    r"""Calibrate weights so that the weighted margins equal the totals.

    F is :math:`1+u` (linear), :math:`e^u` (raking),
    :math:`\frac{L(U-1)+U(1-L)e^{Au}}{(U-1)+(1-L)e^{Au}}` with
    :math:`A=\frac{U-L}{(1-L)(U-1)}` (logit), or :math:`1+u` cut at L and U (truncated).

    Parameters
    ----------
    initial : (n,) array
        Positive starting weights.
    margins : (n, p) array
        Values summed to the totals; redundant columns are allowed when consistent.
    totals : (p,) array
    method : CalibrationMethod
    bounds : (float, float)
        L < 1 < U, least and greatest ratio of the logit and truncated distances.
    distance_weights : (n,) array, optional
        q in ``F(q x'l)``; ones by default.

    Returns
    -------
    Calibration or NotApplicable
        `margins_inconsistent`, `margins_not_reached` (no such weights within the bounds, or the
        iterations failed: the margins are tested, never the step size).

    Raises
    ------
    ImpactEvalError
        `design_weights_not_positive`, `bounds_invalid`, `margins_missing_values`.

    References
    ----------
    Deville, J.-C. and Särndal, C.-E. (1992). doi:10.1080/01621459.1992.10475217

    Examples
    --------
    >>> import numpy as np
    >>> men = np.array([1.0, 1.0, 0.0, 0.0, 0.0])
    >>> fit = calibrate(np.ones(5), np.column_stack([men, 1 - men]), [50.0, 50.0])
    >>> fit.weights.round(6).tolist()
    [25.0, 25.0, 16.666667, 16.666667, 16.666667]
    """
    d = np.asarray(initial, dtype=np.float64)
    x = np.asarray(margins, dtype=np.float64)
    t = np.asarray(totals, dtype=np.float64)
    _refuse_input(d, x, bounds)
    q = np.ones(len(d)) if distance_weights is None else np.asarray(distance_weights, np.float64)
    scale = np.maximum(np.abs(t), 1.0)
    found = _solved(d, x / scale, t / scale, q, _Distance(method, bounds))
    ratios = _Distance(method, bounds).value(q * (x / scale @ found.x))
    weights = d * ratios
    gap = float(np.max(np.abs(weights @ x - t) / scale))
    if gap > 1e-6:
        return NotApplicable.because(_why(d, x, t), gap=gap, method=method.value)
    effective = effective_size(weights)
    return Calibration(
        weights=weights, ratios=ratios, margins=x, totals=t, initial=d, iterations=found.iterations,
        largest_gap=gap, design_effect=len(d) / effective, effective_n=effective,
        negative=int(np.sum(weights < 0)),
    )  # fmt: skip


def _refuse_input(d: FloatArray, x: FloatArray, bounds: tuple[float, float]) -> None:
    faults = FindingCollector()
    bad = int(np.sum(~(d > 0)))
    if bad:
        faults.add(Finding.error("design_weights_not_positive", n=bad))
    if not 0 <= bounds[0] < 1 < bounds[1]:
        faults.add(Finding.error("bounds_invalid", low=bounds[0], high=bounds[1]))
    missing = int(np.isnan(x).any(axis=1).sum())
    if missing:
        faults.add(Finding.error("margins_missing_values", n=missing))
    faults.raise_if_errors()


def _why(d: FloatArray, x: FloatArray, t: FloatArray) -> str:
    # Totals outside the span of the margins' columns contradict one another.
    scale = np.sqrt(d)[:, None]
    gram = (x * scale).T @ (x * scale)
    solution = np.linalg.lstsq(gram, t, rcond=1e-10)[0]
    reached = gram @ solution
    inconsistent = np.max(np.abs(reached - t)) > 1e-6 * np.max(np.abs(t))
    return "margins_inconsistent" if inconsistent else "margins_not_reached"


@dataclass(frozen=True, slots=True)
class _Distance:
    method: CalibrationMethod
    bounds: tuple[float, float]

    def value(self, u: FloatArray) -> FloatArray:
        low, high = self.bounds
        if self.method is CalibrationMethod.LINEAR:
            return 1 + u
        if self.method is CalibrationMethod.RAKING:
            return np.exp(np.clip(u, -50, 50))
        if self.method is CalibrationMethod.TRUNCATED:
            return np.clip(1 + u, low, high)
        grown = np.exp(np.clip(self._slope() * u, -50, 50))
        top = low * (high - 1) + high * (1 - low) * grown
        out: FloatArray = top / ((high - 1) + (1 - low) * grown)
        return out

    def derivative(self, u: FloatArray) -> FloatArray:
        low, high = self.bounds
        if self.method is CalibrationMethod.LINEAR:
            return np.ones_like(u)
        if self.method is CalibrationMethod.RAKING:
            return np.exp(np.clip(u, -50, 50))
        if self.method is CalibrationMethod.TRUNCATED:
            return np.asarray((1 + u > low) & (1 + u < high), dtype=np.float64)
        g = self.value(u)
        out: FloatArray = self._slope() * (g - low) * (high - g) / (high - low)
        return out

    def _slope(self) -> float:
        low, high = self.bounds
        return (high - low) / ((1 - low) * (high - 1))


def _solved(
    d: FloatArray, x: FloatArray, t: FloatArray, q: FloatArray, distance: _Distance
) -> NewtonResult:
    """Solve the calibration equations sum d F(q x'l) x = t in the multipliers l."""

    def at(lagrange: FloatArray) -> NewtonPoint:
        index = q * (x @ lagrange)
        gap = (d * distance.value(index)) @ x - t

        def derivatives() -> tuple[FloatArray, FloatArray]:
            weight = d * q * distance.derivative(index)
            return gap, (x * weight[:, None]).T @ x

        return NewtonPoint(float(np.max(np.abs(gap))), derivatives)

    return damped_newton(at, np.zeros(x.shape[1]), _REACHED)


def calibrate_on_margins(
    initial: ArrayLike,
    categories: Sequence[CategoryMargin],
    numbers: Sequence[NumberMargin] = (),
    *,
    method: CalibrationMethod = CalibrationMethod.RAKING,
    bounds: tuple[float, float] = (0.4, 3.0),
    least_cell: int = LEAST_CELL,
    largest_design_effect: float = LARGEST_DESIGN_EFFECT,
) -> Calibration | NotApplicable:
    """Calibrate on named margins, refusing what a small sample cannot bear.

    Margins that all add up to 1 are shares, and so are those that all add up to 100 for more than
    100 people: they are brought to the sum of the starting weights, and it is told.

    Parameters
    ----------
    initial : (n,) array
    categories : sequence of CategoryMargin
    numbers : sequence of NumberMargin
    method : CalibrationMethod
    bounds : (float, float)
    least_cell : int
        Fewest persons of a category.
    largest_design_effect : float
        Kish's, above which the weighting costs more than it brings.

    Returns
    -------
    Calibration or NotApplicable
        With the findings `margins_read_as_shares`, `margins_perhaps_percentages` (100 for 100
        people or fewer: taken as typed), `margins_below_sample`; or `calibration_cell_too_small`,
        `calibration_too_costly`, `margins_inconsistent`, `margins_not_reached`.

    Raises
    ------
    ImpactEvalError
        `margin_unknown_category`, `margin_empty_category`, `margin_totals_differ`, all at once;
        `margin_shares_beside_total` when shares come with the total of a number.

    Examples
    --------
    >>> import numpy as np
    >>> sex = CategoryMargin("sex", np.array(["F"] * 6 + ["H"] * 6), {"F": 600, "H": 400})
    >>> calibrate_on_margins(np.ones(12), [sex]).weights.round(3).tolist()[::11]
    [100.0, 66.667]
    >>> shares = CategoryMargin("sex", sex.labels, {"F": 0.6, "H": 0.4})
    >>> round(float(calibrate_on_margins(np.ones(12), [shares]).weights.sum()), 6)
    12.0
    """
    weighed = float(np.sum(np.asarray(initial, dtype=np.float64)))
    categories, findings = _in_people(categories, bool(numbers), weighed)
    _refuse_margins(categories)
    for margin in categories:
        smallest, count = _smallest_cell(margin)
        if count < least_cell:
            return NotApplicable.because(
                "calibration_cell_too_small", margin=margin.name, category=str(smallest),
                n=count, advised=least_cell,
            )  # fmt: skip
    columns = [margin.labels == label for margin in categories for label in margin.totals]
    columns += [np.asarray(number.values, dtype=np.float64) for number in numbers]
    totals = [float(total) for margin in categories for total in margin.totals.values()]
    totals += [float(number.total) for number in numbers]
    fit = calibrate(
        initial, np.column_stack(columns).astype(np.float64), totals, method=method, bounds=bounds
    )
    if isinstance(fit, Calibration) and fit.design_effect > largest_design_effect:
        return NotApplicable.because(
            "calibration_too_costly", design_effect=fit.design_effect,
            effective_n=fit.effective_n, allowed=largest_design_effect,
        )  # fmt: skip
    return replace(fit, findings=findings) if isinstance(fit, Calibration) else fit


def _in_people(
    categories: Sequence[CategoryMargin], beside_numbers: bool, weighed: float
) -> tuple[Sequence[CategoryMargin], tuple[Finding, ...]]:
    """Return the margins in people, and what is said of how they were read.

    Weights that add up to 1 would make one person of a whole sample: no census does.
    """
    sums = [float(sum(margin.totals.values())) for margin in categories]
    if not sums:
        return categories, ()
    people = max(len(margin.labels) for margin in categories)
    of_one, of_hundred = (
        all(abs(total / whole - 1) <= _ROUNDED for total in sums) for whole in (1.0, 100.0)
    )
    if of_hundred and people <= 100 and abs(weighed - 100) > 0.5:
        return categories, (Finding.warning("margins_perhaps_percentages", n=people),)
    if (of_one and abs(weighed - 1) > _ROUNDED) or (of_hundred and people > 100):
        if beside_numbers:
            raise ImpactEvalError(Finding.error("margin_shares_beside_total"))
        scaled = [_scaled(margin, weighed / total)
                  for margin, total in zip(categories, sums, strict=True)]  # fmt: skip
        return scaled, (Finding.info("margins_read_as_shares", total=weighed),)
    if max(sums) < min(people, weighed) * (1 - _ROUNDED):
        found = Finding.warning("margins_below_sample", total=max(sums), n=people)
        return categories, (found,)
    return categories, ()


def _scaled(margin: CategoryMargin, factor: float) -> CategoryMargin:
    totals = {label: total * factor for label, total in margin.totals.items()}
    return replace(margin, totals=totals)


def _smallest_cell(margin: CategoryMargin) -> tuple[object, int]:
    counts = {label: int(np.sum(margin.labels == label)) for label in margin.totals}
    smallest = min(counts, key=lambda label: counts[label])
    return smallest, counts[smallest]


def _refuse_margins(categories: Sequence[CategoryMargin]) -> None:
    faults = FindingCollector()
    sums = {}
    for margin in categories:
        met = {label: int(np.sum(margin.labels == label)) for label in set(margin.labels.tolist())}
        unknown = sorted(str(label) for label in met if label not in margin.totals)
        if unknown:
            faults.add(
                Finding.error("margin_unknown_category", margin=margin.name, names=tuple(unknown))
            )
        empty = sorted(str(label) for label in margin.totals if label not in met)
        if empty:
            faults.add(
                Finding.error("margin_empty_category", margin=margin.name, names=tuple(empty))
            )
        sums[margin.name] = float(sum(margin.totals.values()))
    if sums and max(sums.values()) - min(sums.values()) > _CLOSE * max(sums.values()):
        low, high = min(sums, key=lambda m: sums[m]), max(sums, key=lambda m: sums[m])
        faults.add(_totals_differ(low, high, sums))
    faults.raise_if_errors()


def _totals_differ(low: str, high: str, sums: Mapping[str, float]) -> Finding:
    code = "margin_totals_differ"
    return Finding.error(code, first=low, low=sums[low], second=high, high=sums[high])


def trim_weights(weights: ArrayLike, *, low: float, high: float) -> FloatArray:
    """Cut weights at two bounds and share what was cut equally among the others.

    Repeated until none is outside. The total is kept; margins are not, and a trimmed estimate is
    biased: say so beside it.

    Parameters
    ----------
    weights : (n,) array
    low, high : float
        With ``n low <= total <= n high``.

    Returns
    -------
    (n,) array

    Raises
    ------
    ImpactEvalError
        `bounds_invalid` when no such weights have the same total.

    Examples
    --------
    >>> trim_weights([1.0, 1.0, 10.0], low=0.5, high=5.0).tolist()
    [3.5, 3.5, 5.0]
    """
    w = np.array(weights, dtype=np.float64)
    total = w.sum()
    if not low * len(w) <= total <= high * len(w):
        raise ImpactEvalError(Finding.error("bounds_invalid", low=low, high=high))
    inside = np.ones(len(w), dtype=bool)
    while True:
        inside &= (w >= low) & (w <= high)
        cut = np.clip(w, low, high)
        excess = total - cut.sum()
        if abs(excess) <= 1e-12 * total or not inside.any():
            return cut
        w = np.where(inside, cut + excess / inside.sum(), cut)
