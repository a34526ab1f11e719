"""The difference in means of a randomised trial, as it was randomised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate, FlowStep, Influence, MethodRecord, wald_effect
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.core.vocabulary import ShareFormula
from impact_eval.data.flow import step_of_rows
from impact_eval.data.sample import DataShape, Sample
from impact_eval.data.synthetic import trial
from impact_eval.designs.arm_margin import arm_margin, no_spread, too_few_to_interact
from impact_eval.designs.base import (
    EstimatorInfo,
    Minimum,
    check_options,
    options_of,
    refuse_unfit,
    register,
)
from impact_eval.designs.contract import Example
from impact_eval.designs.few_independent import no_chance_seen, without_error
from impact_eval.designs.options import option
from impact_eval.designs.own_tests import apply_tests
from impact_eval.designs.redraws import by_redraws, redrawn
from impact_eval.designs.row_regression import (
    Independent,
    few_findings,
    independent_rows,
)
from impact_eval.stats.inference.covariances import Covariance, CovarianceResult, Source, Ties
from impact_eval.stats.inference.matched_pairs import PairedDifference, paired_difference
from impact_eval.stats.inference.regression import least_squares
from impact_eval.stats.surveys.far_apart import gap_of_rows, told_far_apart

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
BY_CHANCE = 3.0  # standard errors of a gap that a draw may leave on one covariate of several

TREATED = "treated"


class CovariateAdjustment(StrEnum):
    """How covariates enter: crossed with the treatment (Lin), added, or not at all."""

    LIN = "lin"
    ANCOVA = "ancova"
    NONE = "none"


class Strata(StrEnum):
    """How blocks enter: an effect in each, weighted by size; common effect, own levels."""

    BLOCKED = "blocked"
    FIXED_EFFECTS = "fixed_effects"


@register
@dataclass(frozen=True, kw_only=True)
class DifferenceInMeans:
    r"""Compare the treated with the others of a draw, by blocks, clusters and covariates.

    :math:`\hat\tau = \sum_b \frac{n_b}{n}(\bar y_{1b} - \bar y_{0b})` with blocks; with covariates,
    Lin's regression of the outcome on treatment, centred covariates and their products.

    Parameters
    ----------
    adjustment : {"lin", "ancova", "none"}
        How the sample's covariates are used. Where an arm has fewer than five rows for each of its
        coefficients (clusters, for what characterises clusters), Lin's products are left out, and
        the finding `too_few_to_interact` says so.
    strata : {"blocked", "fixed_effects"}
        How its blocks are used. Blocks too thin for an effect of their own (one unit or cluster in
        an arm) fall back on fixed effects, and pairs on the variance between pairs.
    covariance : Covariance, optional
        One of `info.covariances`. By default HC2 (Neyman's variance) on Satterthwaite's degrees of
        freedom with a variance in each arm, Welch's when nothing is adjusted; CR2 with Bell and
        McCaffrey's when the sample has clusters. By name, the textbook's: `Robust("HC2")` has n-k.

    Notes
    -----
    Assumes that treatment was drawn by lot, within blocks when there are some, and by cluster when
    there are clusters; no interference between units. Blocks without both arms are left out of the
    blocked estimate and counted. There is no interval where a single unit or cluster is treated, or
    compared with (`one_treated_unit`…), nor where the few of an arm all have the same outcome
    (`arm_without_spread`).

    References
    ----------
    Neyman, J. (1923), tr. Statistical Science 1990. doi:10.1214/ss/1177012031
    Lin, W. (2013). doi:10.1214/12-AOAS583
    Imai, K., King, G. and Nall, C. (2009). doi:10.1214/08-STS274
    Welch, B. L. (1947). doi:10.1093/biomet/34.1-2.28

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"y": [1.0, 2, 3, 3, 5, 7], "z": [0, 0, 0, 1, 1, 1]})
    >>> row = DifferenceInMeans().fit(Sample(frame, treatment="z"), "y").effects[0]
    >>> round(row.estimate, 9), round(row.std_error, 4), round(row.df, 4)
    (3.0, 1.291, 2.9412)
    """

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="difference_in_means",
        shapes=frozenset({DataShape.CROSS_SECTION}),
        estimands=("ate",),
        counterfactual=True,
        weights=True,
        clusters=True,
        covariates=True,
        minimum=Minimum(units=4, clusters=2, periods=1, treated=1, comparison=1),
        assumptions=("random_assignment", "no_interference", "no_differential_attrition"),
        checks=("balance", "attrition"),
        references=(
            "10.1214/ss/1177012031",
            "10.1214/12-AOAS583",
            "10.1214/08-STS274",
            "10.1093/biomet/34.1-2.28",
        ),
        oracle="R estimatr 1.0.6 on STAR, alo_star_men and NSW: 1e-8",
        evidence_ceiling=4,
        regression_on=frozenset({DataShape.CROSS_SECTION}),
        formula=ShareFormula.TWO_GROUPS,
        sources=frozenset({Source.FIT, Source.REDRAW}),
        flips_sign=True,
    )

    adjustment: str = option(CovariateAdjustment.LIN.value, one_of=CovariateAdjustment)
    strata: str = option(Strata.BLOCKED.value, one_of=Strata)
    covariance: Covariance | None = None

    def __post_init__(self) -> None:
        check_options(self)

    @classmethod
    def contract_example(cls, rng: np.random.Generator) -> Example:
        """Return a trial drawn within blocks, with a covariate."""
        roles = {"unit": "id", "treatment": "treated", "strata": "block"}
        return Example(cls(), trial(rng, blocks=4), roles)

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate the average effect: one row, `ate`.

        Parameters
        ----------
        sample : Sample
            A cross-section with a 0/1 treatment.
        outcome : str

        Returns
        -------
        Estimate
        """
        if by_redraws(self.covariance):
            return redrawn(self, self.covariance, sample, outcome)
        refuse_unfit(self.info, sample, outcome)
        trial = _read(sample, outcome, self.covariance, two_arms=self.strata == Strata.BLOCKED)
        thin = trial.blocks is not None and _thin(trial)
        pair = self._pairs(trial) if thin else None
        if pair is not None:
            return _report_pairs(self, trial, outcome, pair)
        if thin and self.strata == Strata.BLOCKED:
            trial = replace(
                trial, findings=(*trial.findings, Finding.warning("thin_blocks_fixed_effects"))
            )
        blocked = self.strata == Strata.BLOCKED and not thin
        trial, adjustment = self._adjusted(trial, blocked=blocked)
        columns, names = _columns(trial, adjustment, blocked=blocked)
        fit = least_squares(trial.y, columns, names=names, weights=trial.weights)
        if TREATED not in fit.names:
            raise ImpactEvalError(Finding.error("treatment_collinear", method=self.info.name))
        place = fit.position(TREATED)
        result = arm_margin(fit, place, trial.treated, covariance=self.covariance, tied=trial.tied)
        return _report(self, trial, outcome, float(fit.coefficients[place]), result)

    def _adjusted(self, trial: _Trial, *, blocked: bool) -> tuple[_Trial, CovariateAdjustment]:
        """Return how covariates enter: added, and told, where an arm is too small for Lin's way."""
        wanted = CovariateAdjustment(self.adjustment)
        if wanted is not CovariateAdjustment.LIN:
            return trial, wanted
        blocks = int(trial.blocks.max()) + 1 if blocked and trial.blocks is not None else 1
        few = too_few_to_interact(trial.covariates, trial.treated, trial.tied, blocks=blocks)
        if not few:
            return trial, wanted
        return replace(trial, findings=(*trial.findings, *few)), CovariateAdjustment.ANCOVA

    def _pairs(self, trial: _Trial) -> PairedDifference | None:
        """Return the paired difference when every block is a pair and nothing else is asked."""
        plain = self.strata == Strata.BLOCKED and trial.weights is None and not trial.tied.clustered
        if not plain or trial.blocks is None or self.covariance is not None:
            return None
        if trial.covariates.shape[1] and self.adjustment != CovariateAdjustment.NONE:
            return None
        return paired_difference(trial.y, trial.treated, trial.blocks)


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """The rows of a trial that are compared."""

    y: FloatArray
    treated: BoolArray
    covariates: FloatArray
    covariate_names: tuple[str, ...]
    blocks: IntArray | None
    weights: FloatArray | None
    tied: Independent
    flow: tuple[FlowStep, ...]
    findings: tuple[Finding, ...]


def _read(sample: Sample, outcome: str, covariance: Covariance | None, *, two_arms: bool) -> _Trial:
    assert sample.treated is not None
    keep, step = sample.complete(outcome)
    flow, findings = [*sample.flow, step], list(sample.findings_on(outcome))
    if step.dropped:
        findings.append(Finding.warning("missing_outcome", n=step.dropped, outcome=outcome))
    strata = sample.strata_codes
    if strata is not None and two_arms:
        both = _with_both_arms(strata, sample.treated, keep)
        left = int((keep & ~both).sum())
        if left:
            blocks = int(np.unique(strata[keep & ~both]).size)
            flow.append(
                step_of_rows(
                    keep & both, keep, sample.unit_codes,
                    step="blocks_with_both_arms", reason="one_arm_block",
                )
            )  # fmt: skip
            keep = keep & both
            findings.append(Finding.warning("one_arm_block", n=left, blocks=blocks))
    treated = sample.treated[keep]
    for code, found in (("no_treated", treated.sum()), ("no_comparison", (~treated).sum())):
        if not found:
            raise ImpactEvalError(
                Finding.error(code, method=DifferenceInMeans.info.name, n=int(keep.sum()))
            )
    return _Trial(
        y=sample.outcome(outcome)[keep],
        treated=treated,
        covariates=sample.covariate_matrix[keep],
        covariate_names=sample.covariate_names,
        blocks=None if strata is None else np.unique(strata[keep], return_inverse=True)[1],
        weights=sample.weights_array[keep] if sample.has_weights else None,
        tied=independent_rows(sample, covariance, keep),
        flow=tuple(flow),
        findings=tuple(findings),
    )


def _with_both_arms(strata: IntArray, treated: BoolArray, keep: BoolArray) -> BoolArray:
    size = int(strata.max()) + 1
    arms = [np.bincount(strata[keep & (treated == arm)], minlength=size) for arm in (True, False)]
    return np.asarray(((arms[0] > 0) & (arms[1] > 0))[strata])


def _thin(trial: _Trial) -> bool:
    """Whether some block has a single independent unit in an arm: no variance of its own."""
    assert trial.blocks is not None
    size = int(trial.blocks.max()) + 1
    for arm in (True, False):
        rows = trial.treated == arm
        cells = trial.blocks[rows]
        if trial.tied.clustered:
            cells = np.unique(np.column_stack([cells, trial.tied.codes[0][rows]]), axis=0)[:, 0]
        if np.bincount(cells, minlength=size).min() < 2:
            return True
    return False


def _columns(
    trial: _Trial, adjustment: CovariateAdjustment, *, blocked: bool
) -> tuple[FloatArray, list[str]]:
    """Return the regression's columns: constant, blocks and covariates, treatment, products.

    The treatment comes after what could give it away, so that it is the column found dependent.
    """
    treated = trial.treated.astype(np.float64)
    parts, names = [np.ones_like(treated)], ["constant"]
    products, product_names = [treated], [TREATED]
    added: list[tuple[FloatArray, str, bool]] = []
    if trial.blocks is not None:
        dummies = (trial.blocks[:, None] == np.arange(1, trial.blocks.max() + 1)).astype(np.float64)
        added += [(column, f"block_{j + 1}", blocked) for j, column in enumerate(dummies.T)]
    if adjustment is not CovariateAdjustment.NONE:
        crossed = adjustment is CovariateAdjustment.LIN
        pairs = zip(trial.covariates.T, trial.covariate_names, strict=True)
        added += [(column, name, crossed) for column, name in pairs]
    weights = np.ones_like(treated) if trial.weights is None else trial.weights
    for column, name, crossed in added:
        centred = column - weights @ column / weights.sum()
        parts.append(centred)
        names.append(f"x:{name}")
        if crossed:
            products.append(centred * treated)
            product_names.append(f"{TREATED}:{name}")
    return np.column_stack([*parts, *products]), [*names, *product_names]


def _far_apart(trial: _Trial) -> tuple[Finding, ...]:
    """Warn when the groups stand farther apart than so few people drawn could by chance."""
    rows = np.column_stack([np.ones(len(trial.y)), trial.covariates])
    gap = gap_of_rows(rows, trial.treated, trial.weights)
    arms = np.array([trial.treated.sum(), (~trial.treated).sum()])
    return told_far_apart(gap) if gap > BY_CHANCE * np.sqrt((1 / arms).sum()) else ()


def _report(
    design: DifferenceInMeans,
    trial: _Trial,
    outcome: str,
    value: float,
    result: CovarianceResult,
) -> Estimate:
    few = few_findings(trial.treated, trial.tied, design.covariance)
    found = (*trial.findings, *result.findings, *few, *_far_apart(trial))
    if design.covariance is None and no_spread(trial.y, trial.treated, trial.tied):
        found = (*found, Finding.warning("arm_without_spread", outcome=outcome))
        result = without_error(result)
    elif no_chance_seen(few):
        result = without_error(result)
    variance = float(result.matrix[0, 0])
    influence = None
    if result.influence is not None:
        influence = Influence(result.influence, trial.tied.labels)
    effect = wald_effect(
        outcome=outcome,
        estimand="ate",
        term="ate",
        estimate=value,
        std_error=float(np.sqrt(variance)) if variance > 0 else None,
        df=float(result.df[0]),
        n_treated=int(trial.treated.sum()),
        n_comparison=int((~trial.treated).sum()),
        n_clusters=min(result.n_clusters, default=None),
    )
    effects, noted = apply_tests([effect], result.tests, np.eye(1))
    findings = [*found, *noted]
    if variance <= 0:
        findings.append(Finding.warning("no_variance", outcome=outcome))
    return Estimate(
        outcome=outcome,
        estimand="ate",
        method=MethodRecord(design.info.name, options_of(design), result.label),
        effects=effects,
        covariance=np.array([[variance if variance > 0 else np.nan]]),
        counterfactual=True,
        influence=influence,
        findings=tuple(_distinct(findings)),
        flow=trial.flow,
        details=_arms(trial),
    )


def _report_pairs(
    design: DifferenceInMeans, trial: _Trial, outcome: str, pair: PairedDifference
) -> Estimate:
    labels = np.arange(len(pair.influence))
    tied = Independent(Ties(), labels)
    result = CovarianceResult(
        label="pairs",
        matrix=np.array([[pair.std_error**2]]),
        df=np.array([pair.df]),
        influence=pair.influence[:, None],
    )
    paired = replace(trial, tied=tied)
    return _report(design, paired, outcome, pair.estimate, result)


def _arms(trial: _Trial) -> dict[str, Any]:
    """Return each arm's mean and standard deviation, for tables and standardised effects."""
    weights = np.ones(len(trial.y)) if trial.weights is None else trial.weights
    out: dict[str, Any] = {}
    for name, rows in (("treated", trial.treated), ("comparison", ~trial.treated)):
        w, y = weights[rows], trial.y[rows]
        mean = float(w @ y / w.sum())
        room = max(len(y) - 1, 1) / len(y)
        out[f"mean_{name}"] = mean
        out[f"sd_{name}"] = float(np.sqrt(w @ (y - mean) ** 2 / w.sum() / room))
    return out


def _distinct(findings: list[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for finding in findings:
        if finding.code not in {other.code for other in kept}:
            kept.append(finding)
    return kept
