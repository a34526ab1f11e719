"""Triple differences against moderndid and the least squares triple interaction.

moderndid 0.2.0 and ours agree on every cell and on cohort means. Elsewhere they differ by choice:
with several comparison cohorts its table shows, for a cell, an error that is not that of its own
influence values (its cohort means, made from the latter, agree with ours); and its averages weigh
cohorts by all their units where ours weigh them by the eligible, those the action is for.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs.triple_difference import TripleDifference


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(11)
    units, periods = 400, 4
    g = rng.choice([2.0, 3.0, 4.0, 0.0], units)
    q = rng.integers(0, 2, units)
    x = rng.normal(size=units) + 0.4 * q + 0.2 * (g > 0)
    t = np.arange(1, periods + 1)
    trend = 0.3 + 0.2 * x + 0.25 * q + 0.1 * g
    treated = ((q == 1) & (g > 0))[:, None] & (t >= g[:, None])
    y = rng.normal(size=(units, 1)) + 0.3 * t + (trend - 0.3)[:, None] * t + treated
    y = y + rng.normal(size=(units, periods))
    columns = {"g": g, "q": q, "x": x}
    return pd.DataFrame(
        {"id": np.repeat(np.arange(units), periods), "t": np.tile(t, units), "y": y.ravel()}
        | {name: np.repeat(values, periods) for name, values in columns.items()}
    )


def _fit(table, covariates=(), **options):
    sample = Sample(table, unit="id", time="t", cohort="g", covariates=covariates)
    return TripleDifference(eligible="q", **options).fit(sample, "y")


# moderndid 0.2.0: ddd(yname="y", tname="t", idname="id", gname="g", pname="q", ...)
CELLS = [(2, 2), (2, 3), (2, 4), (3, 1), (3, 3), (3, 4), (4, 1), (4, 2), (4, 4)]
PLAIN = (
    [1.099309948503, 1.216962881938, 0.464756885684, 0.127990114016, 1.229885806301,
     0.733260428224, 0.603481041828, 0.123976852513, 1.07171117321],
    [0.416607788702, 0.408007673864, 0.463649100049, 0.431005919122, 0.439459031367,
     0.473342001209, 0.374316150229, 0.447125872282, 0.414270186904],
)  # fmt: skip
ADJUSTED = {
    "dr": (
        [1.193540091181, 1.135237660421, 0.643228389674, -0.045716372522, 0.902551439941,
         0.689548434873, 0.767891924604, 0.504603870311, 1.179991717061],
        [0.422220237795, 0.393970366008, 0.420689866199, 0.455377926065, 0.470447960476,
         0.447081558072, 0.379077115399, 0.448437285953, 0.416367749836],
    ),
    "reg": (
        [1.154115906136, 1.175246923999, 0.7040362147886, 0.002201125459766, 1.019322361400,
         0.8472750002049, 0.6990946148713, 0.3742187376036, 1.245037835303],
        [0.4236805512721, 0.3988746184632, 0.4314047974659, 0.4595356837153, 0.4610614735622,
         0.4490784667514, 0.3877968146149, 0.4538897424024, 0.4270686686677],
    ),
    "ipw": (
        [1.193425718763, 1.132948052212, 0.637200881986, -0.047134933907, 0.90413991093,
         0.707128599316, 0.771545846282, 0.50779539531, 1.161737509252],
        [0.421689161063, 0.393577185194, 0.421080847778, 0.455157724186, 0.473542498941,
         0.458800121869, 0.377596327225, 0.446819287904, 0.419133697767],
    ),
}  # fmt: skip
# not-yet-treated comparisons: points of the cells, then points and errors of the cohort means
WAITING = [1.325134452987, 1.536815140183, 0.464756885684, -0.143983701306, 1.305937666745,
           0.733260428224, 0.603481041828, 0.123976852513, 1.07171117321]  # fmt: skip
WAITING_GROUPS = [(1.108902159618, 0.295380825971), (1.019599047484, 0.348797369676),
                  (1.07171117321, 0.414270186904)]  # fmt: skip


def _check(estimate, points, errors, tolerance):
    assert [(e.group, e.time) for e in estimate.effects] == CELLS
    np.testing.assert_allclose(estimate.estimates, points, atol=1e-9)
    found = np.sqrt(np.diag(estimate.covariance))
    np.testing.assert_allclose(found, errors, rtol=tolerance)


def test_cells(table):
    _check(_fit(table), *PLAIN, 1e-10)


@pytest.mark.parametrize("method", sorted(ADJUSTED))
def test_cells_with_a_covariate(table, method):
    """Errors agree to 3e-8: its propensity scores stop iterating earlier."""
    _check(_fit(table, ["x"], method=method), *ADJUSTED[method], 1e-7)


def test_several_comparison_cohorts(table):
    estimate = _fit(table, control_group="not_yet_treated")
    np.testing.assert_allclose(estimate.estimates, WAITING, atol=1e-10)
    groups = estimate.aggregate("group").effects[:-1]
    for row, (value, error) in zip(groups, WAITING_GROUPS, strict=True):
        assert row.estimate == pytest.approx(value, abs=1e-10)
        assert row.std_error == pytest.approx(error, rel=1e-10)


def test_it_is_the_triple_interaction(table):
    """Two periods, no covariate: least squares on all interactions; CR0 by unit."""
    pair = table[table["t"].isin([1, 2]) & table["g"].isin([0, 2])]
    row = _fit(pair).effects[0]
    s, q, t = pair["g"] == 2, pair["q"] == 1, pair["t"] == 2
    terms = [np.ones(len(pair)), s, q, t, s & q, s & t, q & t, s & q & t]
    x = np.column_stack(terms).astype(float)
    beta = np.linalg.lstsq(x, pair["y"].to_numpy(), rcond=None)[0]
    assert row.estimate == pytest.approx(beta[-1], abs=1e-12)
    scores = pd.DataFrame(x * (pair["y"].to_numpy() - x @ beta)[:, None])
    sums = scores.groupby(pair["id"].to_numpy()).sum().to_numpy()
    bread = np.linalg.inv(x.T @ x)
    # the change of a unit takes its level out, which the pooled regression keeps: same variance
    variance = (bread @ (sums.T @ sums) @ bread)[-1, -1]
    assert row.std_error == pytest.approx(np.sqrt(variance), rel=1e-10)


def test_averages_weigh_the_eligible(table):
    estimate = _fit(table)
    people = table[table["q"] == 1].groupby("g")["id"].nunique()
    after = [e for e in estimate.effects if e.time >= e.group]
    weights = np.array([people[e.group] for e in after], dtype=float)
    mean = weights @ [e.estimate for e in after] / weights.sum()
    assert estimate.aggregate("simple")["att"].estimate == pytest.approx(mean, abs=1e-12)
    assert estimate.effects[0].n_treated == people[2]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f: f.assign(q=1), "triple_group_empty"),
        (lambda f: f.assign(q=f["t"] > 2), "eligible_varies"),
        (lambda f: f.assign(q=f["q"] * 2), "treatment_not_binary"),
        (lambda f: f.assign(q=f["q"].where(f.index > 3)), "missing_role_values"),
        (lambda f: f.drop(columns="q"), "missing_column"),
    ],
)
def test_bad_eligibility_is_refused(table, change, code):
    with pytest.raises(ImpactEvalError) as caught:
        _fit(change(table))
    assert code in caught.value.codes
