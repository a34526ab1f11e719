"""The few-territories rule: which interval is the headline when territories are few.

Below ten treated territories or fifty in all, a design prints a margin that holds with few (see
`designs.safe_margin`), unless another is asked for by name. It is the headline; CR2-t stands beside
one that is dealt anew, and the usual margin is shown as not reliable here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Effect, Estimate
from impact_eval.core.findings import ImpactEvalError, NotApplicable
from impact_eval.data.sample import Sample
from impact_eval.designs.base import Design, designs
from impact_eval.designs.influence_sources import RANDOMISATION
from impact_eval.designs.safe_margin import DEALT
from impact_eval.diagnostics.check import CheckContext, CheckResult, CheckStatus, register_check
from impact_eval.diagnostics.refit import headline_effect, headline_estimate
from impact_eval.stats.inference.covariance import CR, Clustered
from impact_eval.stats.inference.covariances import Covariance
from impact_eval.stats.inference.covariances.wild import WildBootstrap
from impact_eval.stats.inference.few import are_few
from impact_eval.stats.panels.false_positive import (
    FalsePositiveRate,
    false_positive_rates,
    panel_noise,
)
from impact_eval.stats.panels.panel_tests import group_time_rejects, twfe_rejects

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

NULL_DRAWS = 400


ASKED, CORRECTED = "asked", "corrected"  # margins that are not dealt anew


class Reliability(StrEnum):
    """How an interval is to be read."""

    HEADLINE = "headline"
    BESIDE = "beside"
    NOT_RELIABLE = "not_reliable_here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Territories:
    """Outcomes by territory and period: G territories, T periods, complete.

    Attributes
    ----------
    y : (G, T) array
        Mean outcome (weighted when the sample is).
    starts : (G,) array of int
        Position of the first treated period; T when never treated.
    blocks : (G,) array of int
        Strata of the draw; zeros without.
    """

    y: FloatArray
    starts: IntArray
    blocks: IntArray

    @property
    def n(self) -> int:
        """Number of territories."""
        return len(self.starts)

    @property
    def n_treated(self) -> int:
        """Number of territories treated at some time."""
        return int((self.starts < self.y.shape[1]).sum())

    @property
    def few(self) -> bool:
        """Whether the usual asymptotic inference cannot be trusted."""
        return are_few(total=self.n, treated=self.n_treated)


@dataclass(frozen=True, slots=True)
class InferenceRow:
    """One way of computing the same interval."""

    method: str
    effect: Effect
    status: Reliability


@dataclass(frozen=True, slots=True, kw_only=True)
class FewClusters:
    """What the rule says for one estimate.

    Attributes
    ----------
    n_clusters, n_treated : int
    few : bool
    rows : tuple of InferenceRow
        The headline first.
    exact : bool
        All deals were compared.
    n_draws : int
    false_positive : FalsePositiveRate or None
        Of the usual test, on this panel's noise.
    textbook : Estimate or None
        The headline with the usual margin; None when it is the one printed, or there is none.
    """

    n_clusters: int
    n_treated: int
    few: bool
    rows: tuple[InferenceRow, ...]
    exact: bool = False
    n_draws: int = 0
    false_positive: FalsePositiveRate | None = None
    textbook: Estimate | None = None

    @property
    def headline(self) -> Effect:
        """The row to print."""
        return self.rows[0].effect


def territories(sample: Sample, outcome: str) -> Territories | NotApplicable:
    """Gather a sample by territory (its cluster, else its unit) and period.

    Returns
    -------
    Territories or NotApplicable
        `no_treatment_role`, `no_territory`, `assignment_varies_within_cluster`,
        `territory_with_hole`.
    """
    if sample.treated is None:
        return NotApplicable.because("no_treatment_role")
    codes = sample.cluster_codes if sample.cluster_names else sample.unit_codes
    if codes is None:
        return NotApplicable.because("no_territory")
    n_periods = sample.n_periods
    if sample.cohorts is None:
        place = np.where(sample.treated, 0, 1)
        n_periods = 1
        time = np.zeros(sample.n, dtype=np.int64)
    else:
        place = np.searchsorted(sample.times, sample.cohorts)
        assert sample.time_codes is not None
        time = sample.time_codes
    size = int(codes.max()) + 1
    starts = np.full(size, -1, dtype=np.int64)
    starts[codes] = place
    if (starts[codes] != place).any():
        return NotApplicable.because("assignment_varies_within_cluster")
    y = _means(sample, outcome, codes, time, (size, n_periods))
    if np.isnan(y).any():
        return NotApplicable.because("territory_with_hole", n=int(np.isnan(y).any(axis=1).sum()))
    blocks = np.zeros(size, dtype=np.int64)
    strata = sample.strata_codes
    if strata is not None:
        blocks[codes] = strata
    return Territories(y=y, starts=starts, blocks=blocks)


def _means(
    sample: Sample, outcome: str, codes: IntArray, time: IntArray, shape: tuple[int, int]
) -> FloatArray:
    values = sample.outcome(outcome)
    weight = np.where(np.isnan(values), 0.0, sample.weights_array)
    cell = codes * shape[1] + time
    size = shape[0] * shape[1]
    total = np.bincount(cell, weights=weight, minlength=size)
    mean = np.bincount(cell, weights=weight * np.nan_to_num(values), minlength=size)
    with np.errstate(invalid="ignore"):
        return np.asarray((mean / total).reshape(shape), dtype=np.float64)


def few_clusters_inference(
    sample: Sample, outcome: str, design: Design, estimate: Estimate, *, seed: int = 1
) -> FewClusters | NotApplicable:
    """Say which interval of an estimate is printed when few are independent, and what is beside.

    Parameters
    ----------
    sample : Sample
    outcome : str
    design : Design
    estimate : Estimate
        Of this design: its margin is the one printed.
    seed : int
        Of the noise drawn for the false positives of the usual margin.

    Returns
    -------
    FewClusters or NotApplicable
        What `territories` answers.
    """
    found = territories(sample, outcome)
    if isinstance(found, NotApplicable):
        return found
    printed = headline_estimate(estimate)
    placebo = estimate.draws is not None and estimate.draws.kind == "placebo"
    method, n_draws, exact = _margin(design, printed)
    own = InferenceRow(method, printed.effects[0], Reliability.HEADLINE)
    if not found.few or placebo:  # placebos already compare with what chance alone would give
        return FewClusters(
            n_clusters=found.n,
            n_treated=found.n_treated,
            few=found.few,
            rows=(replace(own, method=design.info.name),),
            n_draws=len(estimate.draws.values) if placebo and estimate.draws is not None else 0,
        )
    textbook = _textbook(sample, outcome, design)
    rows = [own, *_cr2(sample, outcome, dealt=method == RANDOMISATION)]
    if textbook is not None:
        usual = textbook.effects[0]
        rows.append(InferenceRow(design.info.name, usual, Reliability.NOT_RELIABLE))
    rng = np.random.default_rng(seed)
    return FewClusters(
        n_clusters=found.n,
        n_treated=found.n_treated,
        few=True,
        rows=tuple(rows),
        exact=exact,
        n_draws=n_draws,
        false_positive=_false_positive(found, design.info.short_base, rng),
        textbook=textbook,
    )


def _margin(design: Design, estimate: Estimate) -> tuple[str, int, bool]:
    """Return what the margin printed is (dealt anew, corrected, asked for), deals, all or not."""
    draws = estimate.draws
    if draws is not None and draws.kind == "permutation":  # asked for by name
        return RANDOMISATION, len(draws.values), False
    for finding in estimate.findings:
        n = finding.values.get("n")
        dealt = finding.code == DEALT and estimate.method.covariance == RANDOMISATION
        if dealt and isinstance(n, int):
            return RANDOMISATION, n, bool(finding.values["exact"])
    asked = getattr(design, "covariance", None)
    usual = (CR.CR0, CR.CR1)
    if asked is None or isinstance(asked, WildBootstrap):
        return CORRECTED, 0, False
    corrected = isinstance(asked, Clustered) and asked.correction not in usual
    return (CORRECTED if corrected else ASKED), 0, False


def _textbook(sample: Sample, outcome: str, design: Design) -> Estimate | None:
    """Return the headline with the usual clustered margin, asked for by name; None without one."""
    usual = Clustered(correction=CR.CR1)
    asked: Covariance | None = getattr(design, "covariance", None)
    if usual.name not in design.info.covariances or asked is not None:
        return None
    try:
        fitted: Design = replace(design, covariance=usual)  # type: ignore[type-var]  # a dataclass
        return headline_estimate(fitted.fit(sample, outcome))
    except ImpactEvalError:
        return None


def _cr2(sample: Sample, outcome: str, *, dealt: bool) -> list[InferenceRow]:
    """Return the CR2-t interval of the regression that fits the shape, beside a margin dealt."""
    kind: Any = next((k for k in designs if sample.shape in k.info.regression_on), None)
    if kind is None or not dealt:
        return []
    try:
        fitted = kind(covariance=Clustered(correction=CR.CR2)).fit(sample, outcome)
    except ImpactEvalError:
        return []
    effect = headline_effect(fitted)
    if effect.conf_low is None:  # one treated, or one compared with: no formula has an interval
        return []
    return [InferenceRow("cr2_t", effect, Reliability.BESIDE)]


def _false_positive(
    found: Territories, short: bool, rng: np.random.Generator
) -> FalsePositiveRate | None:
    """Return how often the usual test cries wolf on this panel's noise (None without a panel)."""
    periods = found.y.shape[1]
    if periods < 2 or not (found.starts == periods).any() or (found.starts == 0).any():
        return None
    exposed = np.arange(periods)[None, :] >= found.starts[:, None]
    effects = np.zeros_like(found.y)
    for start in np.unique(found.starts[found.starts < periods]):
        wave = found.starts == start
        never = found.starts == periods
        path = found.y[wave].mean(axis=0) - found.y[never].mean(axis=0)
        effects[wave] = path - path[:start].mean()
    noise = panel_noise(found.y, effects=np.where(exposed, effects, 0.0))
    cohorts = np.where(found.starts < periods, found.starts + 1.0, np.inf)
    method = {"usual": group_time_rejects if short else twfe_rejects}
    return false_positive_rates(noise, cohorts, method, rng=rng, draws=NULL_DRAWS)[0]


@register_check
@dataclass(frozen=True, slots=True)
class FewClustersCheck:
    """Whether territories are enough for the usual margins of error, and what replaces them.

    Passed: ten treated territories and fifty in all. Warning: fewer; the interval comes from
    dealing the territories anew. Failed: so few that no deal can be rare (no p-value below 5 %).

    References
    ----------
    Ferman, B. and Pinto, C. (2019). doi:10.1162/rest_a_00759
    MacKinnon, J. and Webb, M. (2020). doi:10.1016/j.jeconom.2020.04.024
    """

    code: ClassVar[str] = "few_clusters"

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        found = few_clusters_inference(
            context.sample, context.outcome, context.design, context.estimate, seed=context.seed
        )
        if isinstance(found, NotApplicable):
            return CheckResult.not_applicable(self.code, found.reason, **found.values)
        status, reason = _status(found)
        rate = found.false_positive
        effect = found.headline
        return CheckResult(
            code=self.code,
            status=status,
            p_value=effect.p_value,
            values={
                "n_clusters": found.n_clusters,
                "n_treated": found.n_treated,
                "n_draws": found.n_draws,
                "exact": found.exact,
                "false_positive": None if rate is None else rate.rate,
                "conf_low": effect.conf_low,
                "conf_high": effect.conf_high,
            },
            rows=tuple(_row(row) for row in found.rows) if found.few else (),
            reason=reason,
        )


def _status(found: FewClusters) -> tuple[CheckStatus, str | None]:
    if not found.few:
        return CheckStatus.PASSED, None
    method = found.rows[0].method
    if method not in (RANDOMISATION, CORRECTED, ASKED):
        return CheckStatus.WARNING, "few_clusters_placebo"
    if method == ASKED:
        return CheckStatus.WARNING, "few_clusters_asked"
    bounded = found.headline.conf_low is not None and found.headline.conf_high is not None
    if not bounded and (found.n_draws == 0 or (found.exact and found.n_draws < 20)):
        return CheckStatus.FAILED, "few_clusters_none"
    if method == CORRECTED:
        return CheckStatus.WARNING, "few_clusters_corrected"
    if found.false_positive is None:
        return CheckStatus.WARNING, "few_clusters_counted"
    return CheckStatus.WARNING, "few_clusters_randomised"


def _row(row: InferenceRow) -> dict[str, Any]:
    effect = row.effect
    return {
        "method": row.method,
        "estimate": effect.estimate,
        "std_error": effect.std_error,
        "conf_low": effect.conf_low,
        "conf_high": effect.conf_high,
        "p_value": effect.p_value,
        "status": row.status.value,
    }
