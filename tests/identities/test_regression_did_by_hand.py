"""The regression-type designs from their definitions, with holes, weights, covariates, clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact_eval.data.sample import Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs.imputation import ImputationDiD
from impact_eval.designs.sun_abraham import SunAbraham
from impact_eval.designs.twfe import TwoWayFixedEffects
from impact_eval.stats.inference.covariance import Clustered

CR1 = Clustered(correction="CR1")
ROLES = {"unit": "id", "time": "period", "cohort": "cohort"}


@pytest.fixture(params=[{}, {"weights": "w"}, {"covariates": ["x", "m"], "cluster": "cluster"},
                        {"weights": "w", "covariates": ["x", "m"]}], ids=str)  # fmt: skip
def case(request, rng):
    """A panel with holes, its roles, and the nuisance columns of its regression."""
    frame = staggered_panel(rng, units=90, periods=6, units_per_cluster=2)
    frame = frame.drop(index=frame.sample(frac=0.12, random_state=4).index)
    frame["m"] = rng.normal(size=len(frame))
    frame = frame.sort_values(["id", "period"], ignore_index=True)
    period = pd.get_dummies(frame["period"]).to_numpy(float)
    nuisance = [pd.get_dummies(frame["id"]).to_numpy(float), period]
    if "covariates" in request.param:
        nuisance += [period * frame[["x"]].to_numpy(), frame[["m"]].to_numpy()]
    weight = frame["w"].to_numpy() if "weights" in request.param else np.ones(len(frame))
    cluster = frame["cluster" if "cluster" in request.param else "id"].to_numpy()
    return frame, request.param, np.hstack(nuisance), weight, cluster


def _regression(frame, columns, nuisance, weight, cluster):
    """Weighted least squares with CR1, unit effects not counted: they are nested."""
    root = np.sqrt(weight)[:, None]
    x, z, y = columns * root, nuisance * root, frame["y"].to_numpy() * root[:, 0]
    rest = x - z @ np.linalg.lstsq(z, x, rcond=None)[0]
    beta = np.linalg.lstsq(rest, y, rcond=None)[0]
    residual = y - x @ beta
    residual = residual - z @ np.linalg.lstsq(z, residual, rcond=None)[0]
    scores = pd.DataFrame(rest * residual[:, None]).groupby(cluster).sum().to_numpy()
    bread = np.linalg.inv(rest.T @ rest)
    groups, n = len(scores), len(frame)
    parameters = np.linalg.matrix_rank(z) + x.shape[1] - frame["id"].nunique() + 1
    factor = groups / (groups - 1) * (n - 1) / (n - parameters)
    return beta, bread @ scores.T @ scores @ bread * factor


def test_two_way_regressions(case):
    frame, roles, nuisance, weight, cluster = case
    sample = Sample(frame, **ROLES, **roles)
    treated = (frame["period"] >= frame["cohort"]).to_numpy(float)[:, None]
    beta, covariance = _regression(frame, treated, nuisance, weight, cluster)
    found = TwoWayFixedEffects(covariance=CR1).fit(sample, "y")
    np.testing.assert_allclose(found.estimates, beta, atol=1e-9)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-7)
    since = (frame["period"] - frame["cohort"]).to_numpy()
    events = [-3.0, -2.0, 0.0, 1.0, 2.0, 3.0]
    columns = (since[:, None] == events).astype(float)
    beta, covariance = _regression(frame, columns, nuisance, weight, cluster)
    found = TwoWayFixedEffects(specification="event", covariance=CR1).fit(sample, "y")
    assert [e.time for e in found.effects] == events
    np.testing.assert_allclose(found.estimates, beta, atol=1e-9)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-6, atol=1e-12)


def test_sun_abraham_cells(case):
    frame, roles, nuisance, weight, cluster = case
    found = SunAbraham(covariance=CR1).fit(Sample(frame, **ROLES, **roles), "y")
    cells = [(e.group, e.time) for e in found.effects]
    columns = np.column_stack(
        [(frame["cohort"] == g) & (frame["period"] == t) for g, t in cells]
    ).astype(float)
    beta, covariance = _regression(frame, columns, nuisance, weight, cluster)
    np.testing.assert_allclose(found.estimates, beta, atol=1e-9)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("variance", ["bjs", "bjs_leave_out", "two_stage"])
def test_imputation_variance(case, variance):
    """Weights v of every row on the mean effect, times residuals with each kind of centre."""
    frame, roles, nuisance, weight, cluster = case
    treated = (frame["period"] >= frame["cohort"]).to_numpy()
    seen = frame[~treated].groupby("id").size()
    assert set(frame["id"]) == set(seen.index)
    root = np.sqrt(weight)
    z0 = nuisance[~treated] * root[~treated, None]
    y = frame["y"].to_numpy()
    theta = np.linalg.lstsq(z0, y[~treated] * root[~treated], rcond=None)[0]
    residual = y - nuisance @ theta
    share = np.where(treated, weight, 0) / weight[treated].sum()
    v = share.copy()
    projected = np.linalg.pinv(z0.T @ z0) @ (nuisance[treated].T @ share[treated])
    v[~treated] = -weight[~treated] * (nuisance[~treated] @ projected)
    estimate = share @ residual
    centred = residual.copy()
    if variance == "two_stage":
        centred[treated] -= estimate
    else:
        cell = frame["cohort"] * 100 + frame["period"]
        for value in np.unique(cell[treated]):
            rows = np.flatnonzero((cell == value).to_numpy())
            square = v[rows] ** 2
            if variance == "bjs":
                centred[rows] -= square @ residual[rows] / square.sum()
            else:
                others = square.sum() - square
                mean = (square @ residual[rows] - square * residual[rows]) / others
                centred[rows] -= mean
    error = np.sqrt((pd.Series(v * centred).groupby(cluster).sum() ** 2).sum())
    plain = Clustered(correction="CR0")
    design = ImputationDiD(variance=variance, leads=0, covariance=plain)
    row = design.fit(Sample(frame, **ROLES, **roles), "y").aggregate("simple")["att"]
    assert row.estimate == pytest.approx(estimate, abs=1e-9)
    assert row.std_error == pytest.approx(error, rel=1e-8)
