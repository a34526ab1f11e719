"""Comparisons that can be planned: how many people or places, and how noisy the outcome is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

from impact_eval.core import Finding, FindingCollector
from impact_eval.stats.planning.power import (
    Adjustment,
    ClusterDesign,
    Precision,
    clustered_means,
    cohen_h,
    detectable_share,
    paired_change,
    repeated_measures_factor,
    two_means,
    two_proportions,
)


class Planned(Protocol):
    """A comparison that can be planned: its precision, and the scale its effect is tested on."""

    @property
    def precision(self) -> Precision:
        """Standard error and degrees of freedom of the comparison."""
        ...

    def tested(self, effect: float) -> float:
        """Return an effect on the scale of the standard error."""
        ...

    def told(self, tested: float) -> float:
        """Return an effect in the unit of the outcome, from the scale of the standard error."""
        ...


class Resizable(Planned, Protocol):
    """A comparison whose numbers can be searched, the groups keeping their proportions."""

    @property
    def least(self) -> float:
        """Smallest first number for which the comparison is a test."""
        ...

    def resized(self, number: float) -> Self:
        """Return the comparison with another first number, the second in proportion."""
        ...

    def whole(self) -> Self:
        """Return the comparison with whole numbers, rounded up."""
        ...


class InItsUnit:
    """An effect tested in the unit of the outcome."""

    __slots__ = ()

    def tested(self, effect: float) -> float:
        """Return an effect on the scale of the standard error: itself."""
        return effect

    def told(self, tested: float) -> float:
        """Return an effect in the unit of the outcome: itself."""
        return tested


def refuse_not_number(*checks: tuple[str, object]) -> None:
    """Refuse what is no number, all at once; not a number and infinity are none."""
    faults = FindingCollector()
    for option, value in checks:
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float, np.integer, np.floating))
            or not math.isfinite(value)
        ):
            faults.add(Finding.error("not_a_planned_number", option=option, name=str(value)[:60]))
    faults.raise_if_errors()


def refuse_not_whole(*checks: tuple[str, object]) -> None:
    """Refuse what is no whole number, all at once."""
    refuse_not_number(*checks)
    faults = FindingCollector()
    for option, value in checks:
        if not isinstance(value, (int, np.integer)):
            faults.add(Finding.error("not_a_whole_number", option=option, name=str(value)[:60]))
    faults.raise_if_errors()


def refuse_low(*checks: tuple[str, float, float]) -> None:
    """Refuse numbers under the least they can be, all at once."""
    refuse_not_number(*((option, value) for option, value, _ in checks))
    faults = FindingCollector()
    for option, value, low in checks:
        if value < low:
            faults.add(Finding.error("number_too_low", option=option, value=value, low=low))
    faults.raise_if_errors()


def refuse_not_positive(*checks: tuple[str, float]) -> None:
    """Refuse numbers that are not above zero, all at once."""
    refuse_not_number(*checks)
    faults = FindingCollector()
    for option, value in checks:
        if value <= 0:
            faults.add(Finding.error("number_not_positive", option=option, value=value))
    faults.raise_if_errors()


@dataclass(frozen=True, slots=True, kw_only=True)
class _TwoGroups:
    """Two groups of people, whose numbers can be searched together."""

    n_treated: float
    n_comparison: float

    @property
    def least(self) -> float:
        """Smallest number of treated people for which the comparison is a test."""
        ratio = self.n_comparison / self.n_treated
        return max(2.0, 1 / ratio, (3 + self._covariates) / (1 + ratio))

    @property
    def _covariates(self) -> int:
        return 0

    def resized(self, number: float) -> Self:
        """Return the comparison with `number` treated people, the others in proportion."""
        ratio = self.n_comparison / self.n_treated
        return replace(self, n_treated=number, n_comparison=number * ratio)

    def whole(self) -> Self:
        """Return the comparison with whole people, rounded up."""
        return replace(self, n_treated=_up(self.n_treated), n_comparison=_up(self.n_comparison))


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoMeans(_TwoGroups, InItsUnit):
    r"""Two groups of people, independent of each other.

    :math:`se^2 = \sigma^2(1-R^2)(1/n_1+1/n_0)`, with :math:`n_1+n_0-2-p` degrees of freedom.

    Attributes
    ----------
    n_treated, n_comparison : float
        People in each group.
    sd : float
        Standard deviation of the outcome; with the default of 1, effects are in its units.
    r2 : float
        Share of the variance of the outcome that covariates explain, from 0 to 1.
    covariates : int
        How many covariates.

    Raises
    ------
    ImpactEvalError
        `number_too_low`, `number_not_positive`, `option_out_of_range`.

    Examples
    --------
    >>> round(TwoMeans(n_treated=50, n_comparison=50, sd=10).precision.std_error, 2)
    2.0
    """

    sd: float = 1.0
    r2: float = 0.0
    covariates: int = 0

    def __post_init__(self) -> None:
        refuse_low(
            ("n_treated", self.n_treated, 1),
            ("n_comparison", self.n_comparison, 1),
            ("covariates", self.covariates, 0),
            ("r2", self.r2, 0),
        )
        refuse_low(
            ("n_treated + n_comparison", self.n_treated + self.n_comparison, 3 + self.covariates),
        )
        refuse_not_positive(("sd", self.sd))

    @property
    def precision(self) -> Precision:
        """Standard error and degrees of freedom of the difference."""
        return two_means(
            self.n_treated,
            self.n_comparison,
            sd=self.sd,
            r2=self.r2,
            covariates=self.covariates,
        )

    @property
    def _covariates(self) -> int:
        return self.covariates


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedMeans(_TwoGroups, InItsUnit):
    r"""Two groups of people measured at several waves, before and after.

    The variance of a single follow-up times the factor of McKenzie (2012): a change
    :math:`(1-\rho)(1/r+1/m)`, or ANCOVA
    :math:`\frac{1+(r-1)\rho}{r} - \frac{m\rho^2}{1+(m-1)\rho}`, m waves before and r after.

    Attributes
    ----------
    n_treated, n_comparison : float
    correlation : float
        Between two waves of the same person, from 0 to 1.
    before, after : int
        Number of waves.
    adjustment : {"ancova", "change", "follow_up"}
        How the waves before are used.
    sd : float

    Raises
    ------
    ImpactEvalError
        `number_too_low`, `number_not_positive`, `option_out_of_range`, `unknown_option`.

    References
    ----------
    McKenzie, D. (2012). doi:10.1016/j.jdeveco.2012.01.002

    Examples
    --------
    >>> plan = RepeatedMeans(n_treated=50, n_comparison=50, correlation=0.5)
    >>> round(plan.precision.std_error ** 2 / (2 / 50), 2)
    0.75
    """

    correlation: float
    before: int = 1
    after: int = 1
    adjustment: str = Adjustment.ANCOVA
    sd: float = 1.0

    def __post_init__(self) -> None:
        refuse_low(
            ("n_treated", self.n_treated, 1),
            ("n_comparison", self.n_comparison, 1),
            ("before", self.before, 1),
            ("after", self.after, 1),
        )
        refuse_low(("n_treated + n_comparison", self.n_treated + self.n_comparison, 3))
        refuse_not_positive(("sd", self.sd))
        refuse_unknown("adjustment", self.adjustment, tuple(Adjustment))

    @property
    def precision(self) -> Precision:
        """Standard error and degrees of freedom of the difference."""
        factor = repeated_measures_factor(
            Adjustment(self.adjustment),
            before=self.before,
            after=self.after,
            correlation=self.correlation,
        )
        alone = two_means(self.n_treated, self.n_comparison, sd=self.sd)
        return Precision(alone.std_error * math.sqrt(factor), alone.df)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedChange(InItsUnit):
    r"""The same people before and after, nobody else: a change, never an effect.

    :math:`se^2 = \sigma_\Delta^2/n`, with n - 1 degrees of freedom.

    Attributes
    ----------
    n : float
    sd_change : float
        Standard deviation of the change.

    Examples
    --------
    >>> PairedChange(n=25, sd_change=10).precision.std_error
    2.0
    """

    n: float
    sd_change: float = 1.0

    def __post_init__(self) -> None:
        refuse_low(("n", self.n, 2))
        refuse_not_positive(("sd_change", self.sd_change))

    @property
    def precision(self) -> Precision:
        """Standard error and degrees of freedom of the mean change."""
        return paired_change(self.n, sd_change=self.sd_change)

    @property
    def least(self) -> float:
        """Smallest number of people for which the comparison is a test."""
        return 2.0

    def resized(self, number: float) -> Self:
        """Return the comparison with `number` people."""
        return replace(self, n=number)

    def whole(self) -> Self:
        """Return the comparison with whole people, rounded up."""
        return replace(self, n=_up(self.n))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredMeans(InItsUnit):
    r"""Groups (basins, classes, centres) assigned whole, people measured inside.

    :math:`se^2 = \sigma^2[\rho(1-R_b^2)(1+cv^2\frac{k-1}{k}) + (1-\rho)(1-R_w^2)/m](1/k_1+1/k_0)`,
    with k - 2 degrees of freedom: what counts is the number of groups.

    Attributes
    ----------
    clusters_treated, clusters_comparison : float
        Groups in each arm.
    size : float
        Mean number of people measured in a group.
    icc : float
        Correlation between two people of one group, from 0 to 1.
    sd : float
    size_cv : float
        Coefficient of variation of the sizes of groups.
    r2_between, r2_within : float
        Shares of each variance that covariates explain.

    References
    ----------
    Eldridge, S., Ashby, D. and Kerry, S. (2006). doi:10.1093/ije/dyl129

    Examples
    --------
    >>> plan = ClusteredMeans(clusters_treated=20, clusters_comparison=20, size=25, icc=0.05)
    >>> round(plan.design_effect, 2)
    2.2
    """

    clusters_treated: float
    clusters_comparison: float
    size: float
    icc: float
    sd: float = 1.0
    size_cv: float = 0.0
    r2_between: float = 0.0
    r2_within: float = 0.0

    def __post_init__(self) -> None:
        refuse_low(
            ("clusters_treated", self.clusters_treated, 1),
            ("clusters_comparison", self.clusters_comparison, 1),
            ("size", self.size, 1),
            ("size_cv", self.size_cv, 0),
        )
        total = self.clusters_treated + self.clusters_comparison
        refuse_low(("clusters_treated + clusters_comparison", total, 3))
        refuse_not_positive(("sd", self.sd))
        self._inside()

    def _inside(self) -> ClusterDesign:
        return ClusterDesign(
            size=self.size,
            icc=self.icc,
            sd=self.sd,
            size_cv=self.size_cv,
            r2_between=self.r2_between,
            r2_within=self.r2_within,
        )

    @property
    def precision(self) -> Precision:
        """Standard error and degrees of freedom of the difference."""
        return clustered_means(self.clusters_treated, self.clusters_comparison, self._inside())

    @property
    def design_effect(self) -> float:
        """By how much groups multiply the variance of as many independent people."""
        return self._inside().design_effect(self.clusters_treated + self.clusters_comparison)

    @property
    def least(self) -> float:
        """Smallest number of treated groups for which the comparison is a test."""
        ratio = self.clusters_comparison / self.clusters_treated
        return max(2.0, 1 / ratio, 3 / (1 + ratio))

    def resized(self, number: float) -> Self:
        """Return the comparison with `number` treated groups, the others in proportion."""
        ratio = self.clusters_comparison / self.clusters_treated
        return replace(self, clusters_treated=number, clusters_comparison=number * ratio)

    def whole(self) -> Self:
        """Return the comparison with whole groups, rounded up."""
        return replace(
            self,
            clusters_treated=_up(self.clusters_treated),
            clusters_comparison=_up(self.clusters_comparison),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoShares(_TwoGroups):
    r"""Two groups compared on a yes or no.

    Tested on :math:`h = 2\arcsin\sqrt{p_1} - 2\arcsin\sqrt{p_0}` (Cohen 1988), normal with
    :math:`se^2 = 1/n_1+1/n_0`; effects are told as differences of shares.

    Attributes
    ----------
    n_treated, n_comparison : float
    share_comparison : float
        Share expected without the action, from 0 to 1.

    Examples
    --------
    >>> from impact_eval import plan
    >>> shares = TwoShares(n_treated=200, n_comparison=200, share_comparison=0.4)
    >>> round(plan.smallest_effect(shares).effect, 3)
    0.139
    """

    share_comparison: float

    def __post_init__(self) -> None:
        refuse_low(("n_treated", self.n_treated, 1), ("n_comparison", self.n_comparison, 1))
        refuse_not_number(("share_comparison", self.share_comparison))
        cohen_h(self.share_comparison, self.share_comparison)  # refuses what is no share

    @property
    def precision(self) -> Precision:
        """Standard error of h; the law is normal."""
        return two_proportions(self.n_treated, self.n_comparison)

    def tested(self, effect: float) -> float:
        """Return a difference of shares as h."""
        return cohen_h(self.share_comparison + effect, self.share_comparison)

    def told(self, tested: float) -> float:
        """Return h as a difference of shares."""
        return detectable_share(self.share_comparison, tested) - self.share_comparison


def refuse_unknown(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse a choice that is none of those allowed."""
    faults = FindingCollector()
    if value not in allowed:
        faults.add(
            Finding.error(
                "unknown_option", option=option, name=value, known=tuple(map(str, allowed))
            )
        )
    faults.raise_if_errors()


def _up(number: float) -> float:
    """Round up, the dust of the search apart."""
    return float(math.ceil(number - 1e-9))
