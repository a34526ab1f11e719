"""Least squares with unit and period effects on a `Panel`, and the covariance asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs.cohort_panel import Panel
from impact_eval.designs.far_groups import panel_far_apart
from impact_eval.designs.few_independent import few_independent
from impact_eval.designs.influence_sources import (
    AdjustedSource,
    CellSource,
    FitSource,
    InfluenceSource,
    UnitSource,
)
from impact_eval.designs.panel_covariance import own_level, sample_rows
from impact_eval.designs.safe_margin import DealtSource, few_of, linear_effects, paths_of, shared_of
from impact_eval.designs.ties import ties_of_rows
from impact_eval.stats.inference.covariance import (
    CR,
    Clustered,
    cluster_moments,
    small_sample_factor,
)
from impact_eval.stats.inference.covariances import Covariance
from impact_eval.stats.inference.regression import Absorbed, LinearFit, least_squares
from impact_eval.stats.panels.cell_regression import cell_regression
from impact_eval.stats.panels.panel_regression import (
    PanelColumns,
    panel_influence,
    panel_regression,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
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
    panel: Panel,
    cells: FloatArray,
    sample: Sample,
    *,
    covariance: Covariance | None = None,
    used: BoolArray | None = None,
    comparison: BoolArray | None = None,
) -> OlsResult:
    """Regress the outcome on cell columns, covariates, unit and period effects.

    Parameters
    ----------
    panel : Panel
    cells : (G, T, K) array
        Value of each column in each cohort and period.
    sample : Sample
        Where the columns that a covariance names are read.
    covariance : Covariance, optional
        By default CR1 with t(C - 1); below 50 clusters or 10 treated ones, what `safe_margin` says.
    used : (G, T) array of bool, optional
        Cells in use.
    comparison : (G,) array of bool, optional
        The cohorts compared with; by default those that enter after the first.

    Returns
    -------
    OlsResult
    """
    few = few_cluster_findings(panel, covariance, comparison=comparison)
    findings = (*few, *panel_far_apart(panel))
    if covariance is not None and not own_level(panel, sample, covariance):
        return _by_rows(panel, cells, sample, used, covariance, findings)
    correction = _choose(panel, covariance, cells.shape[2])
    label = str(correction) if covariance is None else covariance.label
    paths = paths_of(panel, sample) if covariance is None else None
    if paths is not None:
        plain = _unadjusted(panel, cells, used, CR.CR1, label, findings)
        assert isinstance(plain.source, CellSource)  # paths are those of a simple panel
        effects = linear_effects(panel, plain.source.influence, cells[:, :, plain.kept])
        return replace(plain, source=DealtSource(plain.source, paths, effects))
    if correction in (CR.CR0, CR.CR1):
        return _unadjusted(panel, cells, used, correction, label, findings)
    return _adjusted(panel, cells, used, correction, label, findings)


def comparison_clusters(panel: Panel, cohorts: BoolArray | None = None) -> int:
    """Count the clusters of these cohorts, (G,): by default, of who enters after the first."""
    if cohorts is None:
        cohorts = panel.starts > panel.starts.min(initial=panel.n_periods)
    units = cohorts[panel.codes]
    return int(np.unique(panel.clusters[units]).size)


def _choose(panel: Panel, covariance: Covariance | None, columns: int) -> CR:
    if isinstance(covariance, Clustered):
        return CR(covariance.correction)
    size = panel.y.size * (panel.columns(np.empty((0, 0, columns))).total)
    if not few_of(panel) or size > DENSE_NUMBERS:
        return CR.CR1
    return CR.CR2


def few_cluster_findings(
    panel: Panel,
    covariance: Covariance | None = None,
    *,
    comparison: BoolArray | None = None,
) -> tuple[Finding, ...]:
    """Warn when clusters, or treated clusters, are too few for the usual large-sample inference.

    Parameters
    ----------
    panel : Panel
    covariance : Covariance, optional
    comparison : (G,) array of bool, optional
        The cohorts compared with; by default those that enter after the first.
    """
    return few_independent(
        treated=panel.treated_independent,
        comparison=comparison_clusters(panel, comparison),
        total=panel.n_clusters,
        shared=shared_of(panel),
        clustered=panel.clusters_declared,
        holds_with_one=covariance is not None and covariance.holds_with_one,
    )


def _unadjusted(
    panel: Panel,
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


def _rows_used(panel: Panel, used: BoolArray | None) -> BoolArray:
    return panel.observed if used is None else panel.observed & used[panel.codes]


def _adjusted(
    panel: Panel,
    cells: FloatArray,
    used: BoolArray | None,
    correction: CR,
    label: str,
    findings: tuple[Finding, ...],
) -> OlsResult:
    columns, rows = panel.columns(cells), _rows_used(panel, used)
    fit = _swept_fit(panel, columns, rows)
    clusters = np.broadcast_to(panel.clusters[:, None], rows.shape)[rows]
    moments = cluster_moments(fit, clusters, correction)
    kept, contrasts = _kept(columns, fit)
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


def _swept_fit(
    panel: Panel, columns: PanelColumns, rows: BoolArray, absorbed: Absorbed | None = None
) -> LinearFit:
    """Fit the rows in use on columns freed of unit means; those left with nothing are dropped."""
    swept = np.concatenate([b.columns for b in columns.swept(rows)])[rows]
    live = np.sqrt((swept**2).sum(axis=0)) > 1e-9 * np.sqrt(len(swept))
    names = [str(j) for j in np.flatnonzero(live)]
    weights = None
    if panel.weights is not None:
        weights = np.broadcast_to(panel.weights[:, None], rows.shape)[rows]
    return least_squares(
        panel.y[rows], swept[:, live], names=names, weights=weights, absorbed=absorbed
    )


def _whole_fit(
    panel: Panel,
    columns: PanelColumns,
    rows: BoolArray,
    unit: IntArray,
    covariance: Covariance,
) -> LinearFit:
    """Fit the rows in use on indicators of the units and the columns as they are."""
    size = len(unit) * (panel.n_units + columns.total)
    if size > DENSE_NUMBERS:
        raise ImpactEvalError(
            Finding.error("covariance_too_large", name=covariance.label, n=panel.n_units)
        )
    own = (unit[:, None] == np.arange(panel.n_units)).astype(np.float64)
    blocks = [columns.block(rows_) for rows_ in columns.slices(panel.n_units)]
    names = [f"unit{i}" for i in range(panel.n_units)] + [str(j) for j in range(columns.total)]
    weights = None
    if panel.weights is not None:
        weights = np.broadcast_to(panel.weights[:, None], rows.shape)[rows]
    design = np.column_stack([own, np.concatenate(blocks)[rows]])
    return least_squares(panel.y[rows], design, names=names, weights=weights)


def _kept(columns: PanelColumns, fit: LinearFit) -> tuple[BoolArray, FloatArray]:
    """Return which cell columns are in a fit, and the effects as combinations of its columns."""
    position = {name: i for i, name in enumerate(fit.names)}
    wanted = [str(j) for j in range(columns.nuisance, columns.total)]
    kept = np.array([name in position for name in wanted], dtype=bool)
    return kept, np.eye(len(fit.names))[[position[name] for name in wanted if name in position]]


def _by_rows(
    panel: Panel,
    cells: FloatArray,
    sample: Sample,
    used: BoolArray | None,
    covariance: Covariance,
    findings: tuple[Finding, ...],
) -> OlsResult:
    """Compute any covariance from the regression of rows.

    Unit effects are swept out: they count as parameters, and add to the leverage, unless units are
    nested in the clusters. A correction that needs the whole design has them as columns instead.

    Raises
    ------
    ImpactEvalError
        `covariance_too_large` when the whole design does not fit in memory.
    """
    columns, rows = panel.columns(cells), _rows_used(panel, used)
    place = sample_rows(panel, sample, rows)
    tied = ties_of_rows(sample, covariance, place)
    ties, labels = tied.ties, tied.labels
    unit = np.broadcast_to(np.arange(panel.n_units)[:, None], rows.shape)[rows]
    if covariance.by_cluster and not ties.codes:
        ties, labels = replace(ties, codes=(unit,)), panel.units
    nested = [_nested(unit, codes) for codes in ties.codes]
    if covariance.needs_design and not all(nested):
        fit = _whole_fit(panel, columns, rows, unit, covariance)
    else:
        absorbed = None if any(nested) else _unit_effects(panel, unit)
        fit = _centred(panel, _swept_fit(panel, columns, rows, absorbed), unit)
    kept, contrasts = _kept(columns, fit)
    result = covariance.of_fit(fit, ties)
    return OlsResult(
        kept=kept,
        coefficients=contrasts @ fit.coefficients,
        source=FitSource(result, contrasts, place if labels is None else labels),
        label=result.label,
        findings=findings,
    )


def _nested(unit: IntArray, codes: IntArray) -> bool:
    """Whether every unit stays in one cluster."""
    first = np.zeros(int(unit.max()) + 1, dtype=np.int64)
    first[unit[::-1]] = codes[::-1]
    return bool((first[unit] == codes).all())


def _unit_effects(panel: Panel, unit: IntArray) -> Absorbed:
    count = np.bincount(unit, minlength=panel.n_units)
    return Absorbed(int((count > 0).sum()), leverage=1 / count[unit])


def _centred(panel: Panel, fit: LinearFit, unit: IntArray) -> LinearFit:
    """Return the fit with the residuals of the outcome freed of unit means."""
    count = np.bincount(unit, minlength=panel.n_units)
    total = np.bincount(unit, weights=fit.residuals, minlength=panel.n_units)
    mean = total / np.maximum(count, 1)
    return replace(fit, residuals=fit.residuals - mean[unit], fitted=fit.fitted + mean[unit])
