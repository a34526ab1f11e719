r"""Intervals for an effect when parallel trends may fail by a stated amount.

References
----------
Rambachan, A. and Roth, J. (2023). A more credible approach to parallel trends.
doi:10.1093/restud/rdad018
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.panels.honest_arp import (
    DualTest,
    FirstStage,
    Hybrid,
    accepts,
    dual_test,
    least_favourable_value,
)
from impact_eval.stats.panels.honest_flci import FixedLength, fixed_length_interval
from impact_eval.stats.panels.honest_restrictions import (
    DriftShape,
    Shape,
    least_pre_periods,
    polyhedra,
    second_differences,
)

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_GRID = 1001
_LF_DRAWS = 20_000
_WIDEST = 6  # the grid is made at most 4^6 times wider


class IntervalMethod(StrEnum):
    """How the interval is made."""

    FLCI = "flci"
    CONDITIONAL = "conditional"
    C_LF = "c_lf"
    C_F = "c_f"


@dataclass(frozen=True, slots=True)
class HonestProblem:
    """An event study and the effect asked of it.

    Attributes
    ----------
    estimates : (n_pre + n_post,) array
        In order of event time, reference period left out.
    covariance : (n_pre + n_post, n_pre + n_post) array
    post_weights : (n_post,) array
        Weights of the effect.
    gaps : (n_pre + n_post,) array, optional
        Time from each period to the next, the reference in its place; ones by default.
    """

    estimates: FloatArray
    covariance: FloatArray
    post_weights: FloatArray
    gaps: FloatArray | None = None

    @property
    def pace(self) -> float:
        """Mean time from one period to the next."""
        return 1.0 if self.gaps is None else float(self.gaps.mean())

    @property
    def relative_gaps(self) -> FloatArray | None:
        """(n_pre + n_post,) intervals over their mean: restrictions are then of one size."""
        return None if self.gaps is None else self.gaps / self.pace

    def per_interval(self, m: float, shape: Shape) -> float:
        """Return M for a time counted in mean intervals: amounts are per unit of time squared."""
        return m * self.pace**2 if shape is Shape.SMOOTHNESS else m

    @property
    def n_post(self) -> int:
        """Periods after the reference."""
        return len(self.post_weights)

    @property
    def n_pre(self) -> int:
        """Periods before the reference."""
        return len(self.estimates) - self.n_post

    @property
    def estimate(self) -> float:
        """The effect under exact parallel trends."""
        return float(self.post_weights @ self.estimates[self.n_pre :])

    @property
    def std_error(self) -> float:
        """Its standard error."""
        after = self.covariance[self.n_pre :, self.n_pre :]
        return math.sqrt(float(self.post_weights @ after @ self.post_weights))


@dataclass(frozen=True, slots=True)
class HonestInterval:
    """A confidence set's two ends; infinite when the set has no end."""

    conf_low: float
    conf_high: float

    def holds(self, value: float) -> bool:
        """Whether the interval contains a value."""
        return self.conf_low <= value <= self.conf_high


@dataclass(frozen=True, slots=True, kw_only=True)
class HonestOptions:
    """What is believed, and how the interval is made.

    Attributes
    ----------
    shape : Shape
    direction : DriftShape
    method : IntervalMethod
        `flci` and `c_f` go with smoothness only.
    alpha : float
    kappa : float or None
        Level of a hybrid's first stage; alpha / 10 by default.
    seed : int
        Of the draws behind least favourable critical values.
    """

    shape: Shape
    direction: DriftShape = DriftShape.NONE
    method: IntervalMethod = IntervalMethod.C_LF
    alpha: float = 0.05
    kappa: float | None = None
    seed: int = 0

    @property
    def first_level(self) -> float:
        """Level of the first stage."""
        return self.alpha / 10 if self.kappa is None else self.kappa


def honest_interval(
    problem: HonestProblem, m: float, options: HonestOptions
) -> HonestInterval | NotApplicable:
    """Return the interval of the effect when the drift obeys the restriction with this M.

    The conditional methods invert a test on a grid around the estimate, widened until its ends are
    rejected; each end is then refined by bisection. The union over the parts of a relative
    restriction is taken.

    Parameters
    ----------
    problem : HonestProblem
    m : float
        Not negative.
    options : HonestOptions

    Returns
    -------
    HonestInterval or NotApplicable
        `too_few_pre_periods`, `method_needs_smoothness`, `too_many_rays`, `empty_confidence_set`.
    """
    needed = least_pre_periods(options.shape)
    if problem.n_pre < needed:
        return NotApplicable.because("too_few_pre_periods", n=problem.n_pre, needed=needed)
    if options.method is IntervalMethod.FLCI:
        if options.shape is not Shape.SMOOTHNESS or options.direction is not DriftShape.NONE:
            return NotApplicable.because("method_needs_smoothness", method=options.method.value)
        flci = _flci(problem, m, options.alpha)
        centre = float(flci.weights @ problem.estimates)
        return HonestInterval(centre - flci.half_length, centre + flci.half_length)
    accepted = acceptance(problem, m, options)
    if isinstance(accepted, NotApplicable):
        return accepted
    return _invert(accepted, problem)


def _flci(problem: HonestProblem, m: float, alpha: float) -> FixedLength:
    return fixed_length_interval(
        problem.covariance,
        problem.post_weights,
        n_pre=problem.n_pre,
        m=problem.per_interval(m, Shape.SMOOTHNESS),
        alpha=alpha,
        gaps=problem.relative_gaps,
    )


def acceptance(
    problem: HonestProblem, m: float, options: HonestOptions
) -> Callable[[FloatArray], BoolArray] | NotApplicable:
    """Return the function that tells which effects are not rejected under the restriction."""
    hybrid = Hybrid(options.method.value)
    if hybrid is Hybrid.FIXED_LENGTH and options.shape is not Shape.SMOOTHNESS:
        return NotApplicable.because("method_needs_smoothness", method=options.method.value)
    interval = None
    if hybrid is Hybrid.FIXED_LENGTH:
        interval = _flci(problem, m, options.first_level)
    # A relative restriction is a union of polyhedra, and its confidence set the union of theirs: a
    # value is kept as soon as one part keeps it (Rambachan and Roth 2023).
    prepared: list[tuple[DualTest, FirstStage]] = []
    parts = polyhedra(
        options.shape,
        problem.per_interval(m, options.shape),
        n_pre=problem.n_pre,
        n_post=problem.n_post,
        direction=options.direction,
        gaps=problem.relative_gaps,
    )
    draws: FloatArray | None = None
    for part in parts:
        test = dual_test(
            part.touching(problem.n_pre),
            problem.estimates,
            problem.covariance,
            problem.post_weights,
            interval=interval,
        )
        if isinstance(test, NotApplicable):
            return test
        critical = math.inf
        if hybrid is Hybrid.LEAST_FAVOURABLE:
            # The same draws for all parts: their critical values then differ by the parts alone.
            draws = _normal_draws(draws, test.root.shape[1], options.seed)
            critical = least_favourable_value(test, draws, options.first_level)
        stage = FirstStage(
            hybrid=hybrid,
            alpha=options.alpha,
            kappa=options.first_level,
            critical=critical,
            centre=0.0 if interval is None else float(interval.weights @ problem.estimates),
            half_length=math.inf if interval is None else interval.half_length,
        )
        prepared.append((test, stage))

    def accepted(theta: FloatArray) -> BoolArray:
        found = np.zeros(len(theta), dtype=np.bool_)
        for test, stage in prepared:
            found |= accepts(test, theta, stage)
        return found

    return accepted


def _normal_draws(known: FloatArray | None, size: int, seed: int) -> FloatArray:
    """Return standard normal draws, the same for every part of a union."""
    if known is not None and known.shape[1] >= size:
        return known
    return np.random.default_rng(seed).standard_normal((_LF_DRAWS, size))


def _invert(
    accepted: Callable[[FloatArray], BoolArray], problem: HonestProblem
) -> HonestInterval | NotApplicable:
    centre, reach = problem.estimate, 20 * problem.std_error
    for _ in range(_WIDEST):
        grid = np.linspace(centre - reach, centre + reach, _GRID)
        inside = accepted(grid)
        if inside.any() and not inside[0] and not inside[-1]:
            break
        reach *= 4
    if not inside.any():
        return NotApplicable.because("empty_confidence_set")
    first, last = int(inside.argmax()), len(grid) - 1 - int(inside[::-1].argmax())
    low = -math.inf if first == 0 else _bisect(accepted, grid[first - 1], grid[first])
    high = math.inf if last == len(grid) - 1 else _bisect(accepted, grid[last + 1], grid[last])
    return HonestInterval(low, high)


def _bisect(accepted: Callable[[FloatArray], BoolArray], outside: float, inside: float) -> float:
    """Find where acceptance starts, between a rejected and an accepted value."""
    for _ in range(4):
        grid = np.linspace(outside, inside, 33)
        index = int(np.argmax(accepted(grid[1:]))) + 1
        outside, inside = float(grid[index - 1]), float(grid[index])
    return inside


def honest_breakdown(
    problem: HonestProblem, options: HonestOptions, *, value: float = 0.0, most: float
) -> float | NotApplicable:
    """Return the smallest M at which the interval no longer excludes a value.

    Parameters
    ----------
    problem : HonestProblem
    options : HonestOptions
    value : float
        Zero: the conclusion that there is an effect.
    most : float
        Largest M looked at.

    Returns
    -------
    float or NotApplicable
        Zero when the value is not excluded even without drift; infinity when it is excluded at
        `most`.
    """
    low, high = 0.0, float(most)
    needed = least_pre_periods(options.shape)
    if problem.n_pre < needed:
        return NotApplicable.because("too_few_pre_periods", n=problem.n_pre, needed=needed)
    for m, answer in ((low, 0.0), (high, math.inf)):
        held = _holds(problem, m, options, value)
        if isinstance(held, NotApplicable):
            return held
        if held is (m == low):
            return answer
    for _ in range(14):
        middle = (low + high) / 2
        held = _holds(problem, middle, options, value)
        if isinstance(held, NotApplicable):
            return held
        low, high = (low, middle) if held else (middle, high)
    return (low + high) / 2


def _holds(
    problem: HonestProblem, m: float, options: HonestOptions, value: float
) -> bool | NotApplicable:
    if options.method is not IntervalMethod.FLCI:
        accepted = acceptance(problem, m, options)
        if isinstance(accepted, NotApplicable):
            return accepted
        return bool(accepted(np.array([value]))[0])
    found = honest_interval(problem, m, options)
    return found if isinstance(found, NotApplicable) else found.holds(value)


def largest_second_difference(
    estimates: FloatArray,
    covariance: FloatArray,
    *,
    n_pre: int,
    alpha: float = 0.05,
    gaps: FloatArray | None = None,
) -> float | NotApplicable:
    r"""Return an upper confidence bound on the largest second difference before the action.

    :math:`\max_k \{\pm D_k\hat\beta + z_{1-\alpha} se_k\}`: an M below it would be finer than the
    pre-periods can support.

    Parameters
    ----------
    estimates : (k,) array
    covariance : (k, k) array
    n_pre : int
        At least two.
    alpha : float
    gaps : (k,) array, optional
        Time from each period to the next; ones by default.
    """
    from scipy import special

    if n_pre < 2:
        return NotApplicable.because("too_few_pre_periods", n=n_pre, needed=2)
    D = second_differences(n_pre, 0, None if gaps is None else gaps[:n_pre])
    D = np.vstack([D, -D])
    spread = np.sqrt(np.einsum("ij,jk,ik->i", D, covariance[:n_pre, :n_pre], D))
    return float((D @ estimates[:n_pre] + special.ndtri(1 - alpha) * spread).max())
