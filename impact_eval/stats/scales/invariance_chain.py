"""Does a scale measure the same thing in each group, or at each wave: chains of nested models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable
from impact_eval.stats.scales.cfa import CfaFit, CfaMissing, confirmatory_factors
from impact_eval.stats.scales.cfa_evaluate import CfaEstimator
from impact_eval.stats.scales.cfa_indices import ComparativeFit, RobustFit
from impact_eval.stats.scales.cfa_model import (
    CfaModel,
    Identification,
    Matrix,
    freed,
    measurement_model,
    tie,
)

FloatArray = NDArray[np.float64]
LEAST_PER_GROUP = 100
SMALL_SAMPLE = 300
SIGNIFICANT = 0.05
Key = tuple[Matrix, int, int, int]


class InvarianceLevel(StrEnum):
    """What is equal across groups or waves; each level adds to the one before."""

    CONFIGURAL = "configural"
    THRESHOLDS = "thresholds"
    METRIC = "metric"
    SCALAR = "scalar"
    STRICT = "strict"


class InvarianceVerdict(StrEnum):
    """May means be compared."""

    HOLDS = "holds"
    FRAGILE = "fragile"
    NOT_TESTABLE = "not_testable"


def group_model(
    items_of: Mapping[str, Sequence[str]],
    *,
    n_groups: int,
    level: InvarianceLevel,
    identification: Identification = Identification.MARKER,
    free_intercepts: Sequence[str] = (),
    free_loadings: Sequence[str] = (),
) -> CfaModel:
    """Build the model of several groups at one level of invariance.

    Parameters
    ----------
    items_of : mapping of factor to items
    n_groups : int
    level : InvarianceLevel
    identification : Identification
    free_intercepts, free_loadings : sequences of items
        Left free at the levels that would tie them (partial invariance).

    Returns
    -------
    CfaModel

    Examples
    --------
    >>> items = {"f": ["a", "b", "c", "d"]}
    >>> [group_model(items, n_groups=2, level=level).n_free for level in CHAIN]
    [24, 21, 18, 14]
    """
    model = measurement_model(
        items_of, n_groups=n_groups, identification=identification, means=True
    )
    if level is InvarianceLevel.CONFIGURAL:
        return model
    loose = {model.items.index(item) for item in free_loadings}
    model = tie(model, _across(model, Matrix.LOADING, loose))
    later = range(1, n_groups)
    factors = range(len(model.factors))
    if identification is Identification.UNIT_VARIANCE:
        model = freed(model, [(Matrix.FACTOR_COVARIANCE, g, f, f) for g in later for f in factors])
    if level is InvarianceLevel.METRIC:
        return model
    loose = {model.items.index(item) for item in free_intercepts}
    model = tie(model, _across(model, Matrix.INTERCEPT, loose))
    model = freed(model, [(Matrix.FACTOR_MEAN, g, f, 0) for g in later for f in factors])
    if level is InvarianceLevel.STRICT:
        model = tie(model, _across(model, Matrix.RESIDUAL, loose))
    return model


def _across(model: CfaModel, matrix: Matrix, loose: set[int]) -> list[list[Key]]:
    first = [c for c in model.select(matrix, 0) if c.row not in loose]
    groups = range(model.n_groups)
    return [[(matrix, g, c.row, c.column) for g in groups] for c in first]


def longitudinal_model(
    waves: Sequence[Sequence[str]],
    *,
    level: InvarianceLevel,
    free_intercepts: Sequence[int] = (),
    free_loadings: Sequence[int] = (),
) -> CfaModel:
    """Build the one-factor model of several waves, residuals of a same item correlated.

    The first wave's factor has mean 0 and variance 1.

    Parameters
    ----------
    waves : sequence of sequences of item names
        The same items, in the same order, at each wave; names differ between waves.
    level : InvarianceLevel
    free_intercepts, free_loadings : sequences of int
        Places of the items left free.

    Returns
    -------
    CfaModel

    Raises
    ------
    ImpactEvalError
        `waves_differ` when the waves have not the same number of items.

    Examples
    --------
    >>> model = longitudinal_model([["a0", "b0", "c0"], ["a1", "b1", "c1"]],
    ...                            level=InvarianceLevel.SCALAR)
    >>> model.n_free
    18
    """
    k = len(waves[0])
    if any(len(wave) != k for wave in waves):
        raise ImpactEvalError(Finding.error("waves_differ", n=tuple(len(w) for w in waves)))
    items_of = {f"wave{w}": list(wave) for w, wave in enumerate(waves)}
    # The same question asked twice shares more than the trait: its residuals are free to go
    # together.
    pairs = [
        (waves[w][i], waves[v][i])
        for i in range(k) for w in range(len(waves)) for v in range(w)
    ]  # fmt: skip
    model = measurement_model(
        items_of, identification=Identification.UNIT_VARIANCE, means=True, correlated=pairs
    )
    if level is InvarianceLevel.CONFIGURAL:
        return model
    place = {item: n for n, item in enumerate(model.items)}
    numbers = range(len(waves))
    later = range(1, len(waves))

    def same(matrix: Matrix, column_of: bool, loose: Sequence[int]) -> list[list[Key]]:
        return [
            [(matrix, 0, place[waves[w][i]], w if column_of else 0) for w in numbers]
            for i in range(k) if i not in loose
        ]  # fmt: skip

    model = tie(model, same(Matrix.LOADING, True, free_loadings))
    # Each tie frees what the first wave now fixes: equal loadings identify later variances, equal
    # intercepts later means.
    model = freed(model, [(Matrix.FACTOR_COVARIANCE, 0, w, w) for w in later])
    if level is InvarianceLevel.METRIC:
        return model
    model = tie(model, same(Matrix.INTERCEPT, False, free_intercepts))
    model = freed(model, [(Matrix.FACTOR_MEAN, 0, w, 0) for w in later])
    if level is InvarianceLevel.STRICT:
        rows = [[place[wave[i]] for wave in waves] for i in range(k) if i not in free_intercepts]
        model = tie(model, [[(Matrix.RESIDUAL, 0, r, r) for r in same_item] for same_item in rows])
    return model


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceTest:
    """A (scaled) chi-squared difference between two nested models."""

    statistic: float
    df: int
    p_value: float
    rmsea: float


def difference_test(restricted: CfaFit, free: CfaFit) -> DifferenceTest | NotApplicable:
    r"""Test a restriction by the scaled difference of two statistics.

    .. math:: T_d = (T_0 - T_1)/c_d, \quad c_d = (d_0 c_0 - d_1 c_1)/(d_0 - d_1)

    Parameters
    ----------
    restricted, free : CfaFit
        Of the same data by the same estimator; `free` nests in `restricted`'s place.

    Returns
    -------
    DifferenceTest or NotApplicable
        `models_not_nested` (no degree of freedom gained), `negative_difference` (the scaling of
        the difference is not positive).

    References
    ----------
    Satorra, A. and Bentler, P. M. (2001). doi:10.1007/BF02296192
    """
    first, second = restricted.comparative, free.comparative
    df = first.df - second.df
    if df <= 0:
        return NotApplicable.because("models_not_nested", df=df)
    scale = (first.df * restricted.scaling - second.df * free.scaling) / df
    if scale <= 0:
        return NotApplicable.because("negative_difference")
    raw = max(first.chi_square - second.chi_square, 0.0)
    statistic, n = raw / scale, sum(restricted.n)
    groups = len(restricted.n)
    rmsea = np.sqrt(groups * max(raw - df, 0.0) / (n * df))
    return DifferenceTest(
        statistic=statistic, df=df, p_value=float(special.chdtrc(df, statistic)),
        rmsea=float(rmsea),
    )  # fmt: skip


class JudgedFit(Protocol):
    """What the chain reads of a fit, whatever the items."""

    @property
    def n(self) -> tuple[int, ...]:
        """Persons of each group."""

    @property
    def comparative(self) -> ComparativeFit:
        """Indices of the plain statistic."""

    @property
    def scaled(self) -> ComparativeFit | None:
        """Indices of the scaled statistic."""

    @property
    def robust(self) -> RobustFit | None:
        """Indices of the population."""


Judged = TypeVar("Judged", bound=JudgedFit)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvarianceStep:
    """One level of the chain.

    Attributes
    ----------
    level : InvarianceLevel
    fit : CfaFit or OrdinalCfaFit
    difference : DifferenceTest or NotApplicable or None
        Against the level before; None at the first.
    cfi_change, rmsea_change : float
        Against the level before (0 at the first).
    accepted : bool
    """

    level: InvarianceLevel
    fit: JudgedFit
    difference: DifferenceTest | NotApplicable | None
    cfi_change: float
    rmsea_change: float
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InvarianceChain:
    """A chain of nested models and its verdict.

    Attributes
    ----------
    steps : tuple of InvarianceStep
    reached : InvarianceLevel or None
        Last level accepted with all those before.
    verdict : InvarianceVerdict
        `HOLDS` when scalar invariance is accepted, `FRAGILE` otherwise.
    n : tuple of int
    """

    steps: tuple[InvarianceStep, ...]
    reached: InvarianceLevel | None
    verdict: InvarianceVerdict
    n: tuple[int, ...]


CHAIN = (
    InvarianceLevel.CONFIGURAL,
    InvarianceLevel.METRIC,
    InvarianceLevel.SCALAR,
    InvarianceLevel.STRICT,
)


def invariance_across_groups(
    responses: ArrayLike,
    items_of: Mapping[str, Sequence[str]],
    groups: ArrayLike,
    *,
    levels: Sequence[InvarianceLevel] = CHAIN,
    estimator: CfaEstimator = CfaEstimator.MLR,
    missing: CfaMissing = CfaMissing.LISTWISE,
    least: int = LEAST_PER_GROUP,
) -> InvarianceChain | NotApplicable:
    """Fit the chain of group models and say whether means may be compared.

    A level is refused when the (scaled) difference test is significant and either CFI falls by
    0.010 or more (0.005 below 300 persons) or RMSEA rises by 0.015 or more (0.010); robust indices
    are used when the estimator gives them.

    Parameters
    ----------
    responses : (n, p) array
    items_of : mapping of factor to items
        In the order of the columns.
    groups : (n,) array
    levels : sequence of InvarianceLevel
    estimator : CfaEstimator
    missing : CfaMissing
    least : int
        Persons of the smallest group.

    Returns
    -------
    InvarianceChain or NotApplicable
        `invariance_small_group`, `invariance_one_group`, and those of `confirmatory_factors`.

    References
    ----------
    Chen, F. F. (2007). doi:10.1080/10705510701301834; Cheung and Rensvold (2002).
    doi:10.1207/S15328007SEM0902_5

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=(600, 1)) + rng.normal(size=(600, 4))
    >>> chain = invariance_across_groups(x, {"f": list("abcd")}, np.repeat(["F", "H"], 300))
    >>> chain.verdict.value
    'holds'
    """
    labels = np.asarray(groups)
    _, counts = np.unique(labels, return_counts=True)
    if len(counts) < 2:
        return NotApplicable.because("invariance_one_group", n=len(counts))
    if counts.min() < least:
        return NotApplicable.because("invariance_small_group", n=int(counts.min()), advised=least)
    fits: list[CfaFit] = []
    for level in levels:
        model = group_model(items_of, n_groups=len(counts), level=level)
        fit = confirmatory_factors(
            responses, model, groups=labels, estimator=estimator, missing=missing
        )
        if isinstance(fit, NotApplicable):
            return fit
        fits.append(fit)
    return judged_chain(levels, fits, test=difference_test)


def invariance_over_time(
    responses: ArrayLike,
    waves: Sequence[Sequence[str]],
    *,
    levels: Sequence[InvarianceLevel] = CHAIN,
    estimator: CfaEstimator = CfaEstimator.MLR,
    missing: CfaMissing = CfaMissing.FULL_INFORMATION,
    least: int = LEAST_PER_GROUP,
) -> InvarianceChain | NotApplicable:
    """Fit the chain of models of the same persons at several waves.

    Parameters
    ----------
    responses : (n, waves * k) array
        All items of the first wave, then of the second, ...
    waves : sequence of sequences of names
    levels, estimator, missing
        As in `invariance_across_groups`.
    least : int
        Persons answering at the leanest wave.

    Returns
    -------
    InvarianceChain or NotApplicable
        `invariance_small_group`, `invariance_one_group`, and those of `confirmatory_factors`.
    """
    matrix = np.asarray(responses, dtype=np.float64)
    if len(waves) < 2:
        return NotApplicable.because("invariance_one_group", n=len(waves))
    k = len(waves[0])
    present = [
        int((~np.isnan(matrix[:, w * k : (w + 1) * k])).any(axis=1).sum())
        for w in range(len(waves))
    ]
    if min(present) < least:
        return NotApplicable.because("invariance_small_group", n=min(present), advised=least)
    fits: list[CfaFit] = []
    for level in levels:
        model = longitudinal_model(waves, level=level)
        fit = confirmatory_factors(matrix, model, estimator=estimator, missing=missing)
        if isinstance(fit, NotApplicable):
            return fit
        fits.append(fit)
    return judged_chain(levels, fits, test=difference_test)


def judged_chain(
    levels: Sequence[InvarianceLevel],
    fits: Sequence[Judged],
    *,
    test: Callable[[Judged, Judged], DifferenceTest | NotApplicable],
) -> InvarianceChain:
    """Compare each level with the one before and give the verdict.

    Parameters
    ----------
    levels : sequence of InvarianceLevel
    fits : sequence of fits
        One by level.
    test : callable
        The difference test of (restricted, free).
    """
    steps: list[InvarianceStep] = []
    n = sum(fits[0].n)
    cfi_limit, rmsea_limit = (0.005, 0.010) if n < SMALL_SAMPLE else (0.010, 0.015)
    for level, fit in zip(levels, fits, strict=True):
        cfi, rmsea = _indices(fit)
        last = steps[-1] if steps else None
        before = _indices(last.fit) if last else (cfi, rmsea)
        fall, rise = cfi - before[0], rmsea - before[1]
        difference = test(fit, fits[len(steps) - 1]) if last else None
        accepted = fall > -cfi_limit and rise < rmsea_limit
        if isinstance(difference, DifferenceTest) and difference.p_value >= SIGNIFICANT:
            accepted = True  # indices alone cry wolf where the model fits well and df are few
        if last is None:
            accepted = cfi >= 0.90 or rmsea <= 0.08
        step = InvarianceStep(
            level=level, fit=fit, difference=difference,
            cfi_change=fall, rmsea_change=rise, accepted=accepted,
        )  # fmt: skip
        steps.append(step)
    reached = None
    for step in steps:
        if not step.accepted:
            break
        reached = step.level
    holds = reached in (InvarianceLevel.SCALAR, InvarianceLevel.STRICT)
    return InvarianceChain(
        steps=tuple(steps), reached=reached, n=fits[0].n,
        verdict=InvarianceVerdict.HOLDS if holds else InvarianceVerdict.FRAGILE,
    )  # fmt: skip


def _indices(fit: JudgedFit) -> tuple[float, float]:
    best = fit.robust or fit.scaled or fit.comparative
    return best.cfi, best.rmsea
