"""Least squares with unit and period effects on a `CohortPanel`, and the covariance asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding
from impact_eval.data.sample import Sample
from impact_eval.designs.cohort_panel import CohortPanel
from impact_eval.designs.few_independent import FEW_TREATED, few_independent
from impact_eval.designs.influence_sources import (
    AdjustedSource,
    CellSource,
    InfluenceSource,
    UnitSource,
)
from impact_eval.stats.inference.covariance import (
    FEW_CLUSTERS,
    cluster_moments,
    small_sample_factor,
)
from impact_eval.stats.inference.covariance_types import CR, Clustered
from impact_eval.stats.inference.regression import least_squares
from impact_eval.stats.panels.cell_regression import cell_regression
from impact_eval.stats.panels.panel_regression import panel_influence, panel_regression

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

DENSE_NUMBERS = 20_000_000  # size of the full design above which CR2 is not attempted


@dataclass(frozen=True, kw_only=True)
class OlsResult:
    """Coefficients of the cell columns kept, and where their covariance comes from.

    Attributes
    ----------
    kept : (K,) array of bool
    coefficients : (k,) array
    source : InfluenceSource
    label : str
        The covariance used.
    findings : tuple of Finding
    """

    kept: BoolArray
    coefficients: FloatArray
    source: InfluenceSource
    label: str
    findings: tuple[Finding, ...]


def panel_ols(
    panel: CohortPanel,
    cells: FloatArray,
    *,
    covariance: Clustered | None = None,
    used: BoolArray | None = None,
) -> OlsResult:
    """Regress the outcome on cell columns, covariates, unit and period effects.

    Parameters
    ----------
    panel : CohortPanel
    cells : (G, T, K) array
        Value of each column in each cohort and period.
    covariance : Clustered, optional
        By default CR1 with t(C - 1), and CR2 with Satterthwaite degrees of freedom below 40
        clusters or 10 treated ones.
    used : (G, T) array of bool, optional
        Cells in use.

    Returns
    -------
    OlsResult
    """
    correction, findings = _choose(panel, covariance, cells.shape[2])
    label = str(correction)
    if correction in (CR.CR0, CR.CR1):
        return _unadjusted(panel, cells, used, correction, label, findings)
    return _adjusted(panel, cells, used, correction, label, findings)


def treated_clusters(panel: CohortPanel) -> int:
    """Count the clusters that hold a unit treated at some time."""
    if not panel.clustered_above:
        return int(panel.counts[~panel.never].sum())
    treated = panel.clusters[~panel.never[panel.codes]]
    return int((np.bincount(treated, minlength=1) > 0).sum())


def _choose(
    panel: CohortPanel, covariance: Clustered | None, columns: int
) -> tuple[CR, tuple[Finding, ...]]:
    clusters, treated = panel.n_clusters, treated_clusters(panel)
    few = clusters < FEW_CLUSTERS or treated < FEW_TREATED
    findings = few_cluster_findings(panel)
    if covariance is not None:
        return CR(covariance.correction), findings
    size = panel.y.size * (panel.columns(np.empty((0, 0, columns))).total)
    if not few or size > DENSE_NUMBERS:
        return CR.CR1, findings
    return CR.CR2, findings


def few_cluster_findings(panel: CohortPanel) -> tuple[Finding, ...]:
    """Warn when clusters, or treated clusters, are too few for the usual large-sample inference."""
    return few_independent(
        treated=treated_clusters(panel),
        total=panel.n_clusters,
        clustered=panel.clusters_declared,
    )


def _unadjusted(
    panel: CohortPanel,
    cells: FloatArray,
    used: BoolArray | None,
    correction: CR,
    label: str,
    findings: tuple[Finding, ...],
) -> OlsResult:
    df = float(panel.n_clusters - 1)
    if panel.simple:
        fit = cell_regression(cells, panel.moments.mean, panel.moments.weight, mask=used)
        mask = np.ones(cells.shape[:2], dtype=bool) if used is None else used
        n = int(panel.counts @ mask.sum(axis=1))
        factor = _factor(correction, panel.n_clusters, n, fit.parameters)
        source: InfluenceSource = CellSource(panel, fit.influence, factor, df)
        return OlsResult(
            kept=fit.kept, coefficients=fit.coefficients, source=source, label=label,
            findings=findings,
        )  # fmt: skip
    columns = panel.columns(cells)
    rows = _rows_used(panel, used)
    wide = panel_regression(panel.y, columns, rows, weights=panel.weights)
    kept = wide.kept[columns.nuisance :]
    contrasts = np.eye(columns.total)[columns.nuisance :][kept]
    values = panel_influence(panel.y, columns, rows, wide, contrasts, weights=panel.weights)
    factor = _factor(correction, panel.n_clusters, wide.n, wide.parameters)
    return OlsResult(
        kept=kept,
        coefficients=wide.coefficients[columns.nuisance :][kept],
        source=UnitSource(panel, values, factor, df),
        label=label,
        findings=findings,
    )


def _factor(correction: CR, clusters: int, n: int, parameters: int) -> float:
    if correction is CR.CR1 and (n <= parameters or clusters < 2):
        return float("nan")  # nothing left to measure the residual: the standard error is withheld
    return small_sample_factor(correction, clusters=clusters, n=n, parameters=parameters)


def _rows_used(panel: CohortPanel, used: BoolArray | None) -> BoolArray:
    return panel.observed if used is None else panel.observed & used[panel.codes]


def _adjusted(
    panel: CohortPanel,
    cells: FloatArray,
    used: BoolArray | None,
    correction: CR,
    label: str,
    findings: tuple[Finding, ...],
) -> OlsResult:
    columns = panel.columns(cells)
    rows = _rows_used(panel, used)
    swept = np.concatenate([b.columns for b in columns.swept(rows)])[rows]
    live = np.sqrt((swept**2).sum(axis=0)) > 1e-9 * np.sqrt(len(swept))
    names = [str(j) for j in np.flatnonzero(live)]
    weights = None
    if panel.weights is not None:
        weights = np.broadcast_to(panel.weights[:, None], rows.shape)[rows]
    fit = least_squares(panel.y[rows], swept[:, live], names=names, weights=weights)
    clusters = np.broadcast_to(panel.clusters[:, None], rows.shape)[rows]
    moments = cluster_moments(fit, clusters, correction)
    position = {int(name): i for i, name in enumerate(fit.names)}
    index = range(columns.nuisance, columns.total)
    kept = np.array([j in position for j in index], dtype=bool)
    contrasts = np.eye(len(fit.names))[[position[j] for j in index if j in position]]
    factor = small_sample_factor(
        correction, clusters=panel.n_clusters, n=fit.n, parameters=len(fit.names)
    )
    jackknife = correction is CR.JACKKNIFE
    return OlsResult(
        kept=kept,
        coefficients=contrasts @ fit.coefficients,
        source=AdjustedSource(
            moments,
            contrasts,
            panel.cluster_labels,
            factor,
            float(panel.n_clusters - 1) if jackknife else None,
        ),
        label=label,
        findings=findings,
    )


def with_cluster(sample: Sample, covariance: Clustered | None) -> Sample:
    """Return the sample clustered by the column a covariance names, itself when it names none."""
    if covariance is None or not covariance.columns or covariance.columns == sample.cluster_names:
        return sample
    return Sample(
        sample.frame,
        unit=sample.unit,
        time=sample.time,
        cohort=sample.cohort,
        treatment=sample.treatment,
        covariates=sample.covariates,
        cluster=covariance.columns,
        strata=sample.strata,
        weights=sample.weights,
        rows_are=sample.rows_are,
        prior_flow=sample.flow,
    )
