"""Monte Carlo in blocks: one named random stream by number, effects drawn jointly."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.value.account.books import agents_of
from impact_eval.value.account.doors import Account
from impact_eval.value.map.choices import PUBLIC_AGENTS, Perspective
from impact_eval.value.map.declared import Correlation
from impact_eval.value.uncertainty.asked import check_known, check_level, check_whole
from impact_eval.value.uncertainty.block_draws import BlockDraws, sampler_of
from impact_eval.value.uncertainty.compiled import (
    BENEFITS,
    COSTS,
    Model,
    compile_model,
    draws_refused,
)

FloatArray = NDArray[np.float64]
NOTHING_VARIES = "nothing_varies"
BLOCK = 16_384  # draws by block: small enough for the cache; part of the definition of a stream


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """Draws of the totals.

    Attributes
    ----------
    model : Model
    totals : (draws, columns) array
    inputs : mapping of str to (draws,) array
        Draws kept of the numbers asked for.
    seed : int
    refusal : NotApplicable or None
        Why no interval and no chance may be read from them: a guard, or an effect whose error is
        not known.
    """

    model: Model
    totals: FloatArray
    inputs: Mapping[str, FloatArray]
    seed: int
    refusal: NotApplicable | None = None

    @property
    def size(self) -> int:
        """Number of draws."""
        return len(self.totals)

    def column(self, name: str) -> FloatArray:
        """Return the draws of one total; zero when no flow makes it."""
        if name not in self.model.columns:
            return np.zeros(self.size)
        return self.totals[:, self.model.column(name)]

    def benefits(self, perspective: str) -> FloatArray:
        """Return what a perspective gains from outcomes."""
        if perspective == Perspective.SOCIETY:
            return self.column(BENEFITS)
        return self._sum("agent", perspective)

    def costs(self, perspective: str) -> FloatArray:
        """Return what a perspective puts in."""
        if perspective == Perspective.SOCIETY:
            return self.column(COSTS)
        return self._sum("input", perspective)

    def cash(self, perspective: str = "public") -> FloatArray:
        """Return what public budgets really recover from outcomes."""
        return self._sum("cash", perspective)

    def _sum(self, family: str, perspective: str) -> FloatArray:
        agents = (
            sorted(a.value for a in PUBLIC_AGENTS)
            if perspective == Perspective.PUBLIC
            else [perspective]
        )
        found: FloatArray = np.sum([self.column(f"{family}:{agent}") for agent in agents], axis=0)
        return found


def simulate(
    account: Account,
    *,
    draws: int = 10_000,
    seed: int = 20240101,
    keep: Sequence[str] = (),
    by_line: bool = False,
) -> Simulation:
    """Draw the totals of an account.

    Parameters
    ----------
    account : Account
    draws : int
        At least 1.
    seed : int
    keep : sequence of str
        Uncertain numbers whose draws are kept (for the value of information).
    by_line : bool
        Also keep the value of each line.

    Returns
    -------
    Simulation
        16,384 draws are worked on at a time by each thread: memory grows with the totals kept only.
        The number of threads changes nothing.

    Raises
    ------
    ImpactEvalError
        `option_out_of_range`, `whole_number_needed`, `unknown_number`,
        `correlation_not_positive`.
    """
    check_whole("draws", draws)
    check_whole("seed", seed, least=0)
    model = compile_model(account, by_line=by_line)
    check_known(keep, (*model.effects, *(item.name for item in model.uncertain)))
    ties = account.value_map.correlations
    drawn = simulate_model(model, ties, draws=draws, seed=seed, keep=keep)
    return replace(drawn, refusal=draws_refused(account))


def simulate_model(
    model: Model,
    correlations: Sequence[Correlation] = (),
    *,
    draws: int,
    seed: int,
    keep: Sequence[str] = (),
) -> Simulation:
    """Draw the totals of a compiled model; see `simulate`."""
    sampler = sampler_of(model, correlations)
    totals = np.empty((len(model.columns), draws))
    kept = {name: np.empty(draws) for name in keep}

    def work(block: int) -> None:
        start, stop = block * BLOCK, min((block + 1) * BLOCK, draws)
        numbers = BlockDraws(sampler, seed, block, stop - start)
        totals[:, start:stop] = model.totals(numbers, stop - start).T
        for name, values in kept.items():
            values[start:stop] = numbers[name]

    blocks = range((draws + BLOCK - 1) // BLOCK)
    workers = min(len(blocks), os.cpu_count() or 1)
    if workers <= 1:
        for block in blocks:
            work(block)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, blocks))
    return Simulation(model=model, totals=totals.T, inputs=kept, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean over draws, its interval, and its Monte Carlo error.

    Attributes
    ----------
    mean, std, conf_low, conf_high, conf_level : float
    error : float
        Standard error of `mean` from the number of draws alone.
    """

    mean: float
    std: float
    conf_low: float
    conf_high: float
    conf_level: float
    error: float


def interval_of(values: FloatArray, level: float = 0.95) -> Interval:
    """Return mean, quantile interval and Monte Carlo error of draws."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    std = float(values.std(ddof=1)) if values.size > 1 else 0.0
    return Interval(
        mean=float(values.mean()),
        std=std,
        conf_low=float(low),
        conf_high=float(high),
        conf_level=level,
        error=std / values.size**0.5,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioBounds:
    """The set of ratios that the data do not exclude: an interval, the outside of one, or all.

    Attributes
    ----------
    kind : str
        `interval`, `outside` (everything but between low and high), `whole_line`.
    low, high : float or None
    """

    kind: str
    low: float | None
    high: float | None


def fieller(
    numerator: float,
    denominator: float,
    covariance: tuple[float, float, float],
    *,
    z: float = 1.959963984540054,
) -> RatioBounds:
    r"""Return Fieller's set of ratios.

    :math:`\{\theta: (\bar x-\theta\bar y)^2 \le z^2(s_x^2-2\theta s_{xy}+\theta^2 s_y^2)\}`.

    Parameters
    ----------
    numerator, denominator : float
    covariance : (var_x, cov_xy, var_y)
        Of the two means.
    z : float
        Critical value.

    References
    ----------
    Fieller, E. C. (1954). doi:10.1111/j.2517-6161.1954.tb00159.x
    """
    vx, vxy, vy = covariance
    a = denominator**2 - z**2 * vy
    b = numerator * denominator - z**2 * vxy
    c = numerator**2 - z**2 * vx
    gap = b * b - a * c
    if a > 0:
        root = max(gap, 0.0) ** 0.5
        return RatioBounds(kind="interval", low=float((b - root) / a), high=float((b + root) / a))
    if gap <= 0 or a == 0:
        return RatioBounds(kind="whole_line", low=None, high=None)
    root = gap**0.5
    low, high = sorted((float((b - root) / a), float((b + root) / a)))
    return RatioBounds(kind="outside", low=low, high=high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertainty:
    """What the draws say of a perspective.

    Attributes
    ----------
    perspective : str
    draws, seed : int
    level : float
        Of the intervals.
    costs : Interval
        What is put in: no effect has a part in it.
    benefits, net : Interval or NotApplicable
    ratio : float or NotApplicable
        Ratio of the means, never the mean of ratios.
    ratio_low, ratio_high : float or None
        Quantiles of the ratio by draw, where costs never come near zero.
    fieller : RatioBounds or NotApplicable
    chance_positive : float or NotApplicable
        Share of draws with a net value above zero.
    error_share : float
        Monte Carlo error of the net value over its scale (|mean| of the benefits).
    """

    perspective: str
    draws: int
    seed: int
    level: float
    costs: Interval
    benefits: Interval | NotApplicable
    net: Interval | NotApplicable
    ratio: float | NotApplicable
    ratio_low: float | None
    ratio_high: float | None
    fieller: RatioBounds | NotApplicable
    chance_positive: float | NotApplicable
    error_share: float


def uncertainty_of(
    simulation: Simulation, perspective: str = "society", *, level: float = 0.95
) -> Uncertainty:
    """Summarise the draws from one perspective.

    Parameters
    ----------
    simulation : Simulation
    perspective : str
        `society`, `public` or an agent.
    level : float

    Returns
    -------
    Uncertainty
        All but the costs is refused, for the same reason, where the simulation is: a guard blocks,
        or an effect has no known error (`effect_without_error`). `nothing_varies` where every draw
        is the same: an interval without width would pass for certainty.

    Raises
    ------
    ImpactEvalError
        `level_not_between`, `perspective_unknown`.
    """
    check_level(level)
    agents_of(perspective)
    gained, paid = simulation.benefits(perspective), simulation.costs(perspective)
    costs = interval_of(paid, level)
    difference = gained - paid
    refusal = simulation.refusal
    if refusal is None and np.ptp(difference) == 0:
        refusal = NotApplicable.because(NOTHING_VARIES)
    if refusal is not None:
        return Uncertainty(
            perspective=perspective, draws=simulation.size, seed=simulation.seed, level=level,
            costs=costs, benefits=refusal, net=refusal, ratio=refusal, ratio_low=None,
            ratio_high=None, fieller=refusal, chance_positive=refusal, error_share=0.0,
        )  # fmt: skip
    net, benefits = interval_of(difference, level), interval_of(gained, level)
    ratio, bounds, (low, high) = _ratio_of_draws(gained, paid, level)
    scale = max(abs(benefits.mean), abs(costs.mean))
    return Uncertainty(
        perspective=perspective,
        draws=simulation.size,
        seed=simulation.seed,
        level=level,
        costs=costs,
        benefits=benefits,
        net=net,
        ratio=ratio,
        ratio_low=low,
        ratio_high=high,
        fieller=bounds,
        chance_positive=float(np.mean(gained > paid)),
        error_share=net.error / scale if scale else 0.0,
    )


def _ratio_of_draws(
    gained: FloatArray, paid: FloatArray, level: float
) -> tuple[float | NotApplicable, RatioBounds | NotApplicable, tuple[float | None, float | None]]:
    """Return the ratio of the means, Fieller's set, and the quantiles of the ratio by draw."""
    if not paid.mean() > 0:
        reason = NotApplicable.because("no_cost_to_compare")
        return reason, reason, (None, None)
    mean, cost = float(gained.mean()), float(paid.mean())
    cov = np.cov(np.stack([gained, paid]))
    z = float(special.ndtri(0.5 + level / 2))
    bounds = fieller(mean, cost, (cov[0, 0], cov[0, 1], cov[1, 1]), z=z)
    if not paid.min() > 0:
        return mean / cost, bounds, (None, None)
    low, high = np.quantile(gained / paid, [(1 - level) / 2, (1 + level) / 2])
    return mean / cost, bounds, (float(low), float(high))
