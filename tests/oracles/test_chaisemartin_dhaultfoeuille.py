"""Switchers on and off against diff-diff (points) and moderndid (standard errors).

moderndid 0.2.0 gives the same standard errors and, for one direction of switch at a time, the same
points up to the sign; it does not turn the sign of switches off when both are pooled (its
`switchers="out"` points are the opposites of diff-diff's and of the definition), hence two
witnesses. Its clustered errors change when each unit is its own cluster, so they are no reference.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact_eval.data.sample import Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs.callaway_santanna import CallawaySantAnna
from impact_eval.designs.chaisemartin_dhaultfoeuille import ChaisemartinDHaultfoeuille


@pytest.fixture(scope="module")
def switchers():
    """120 units × 8 periods: never, always, on, off, on then off after two periods."""
    rng = np.random.default_rng(5)
    units, periods = 120, 8
    d = np.zeros((units, periods))
    for row in d:
        kind = rng.integers(0, 5)
        if kind == 1:
            row[:] = 1
        elif kind == 2:
            row[rng.integers(2, 7) :] = 1
        elif kind == 3:
            row[:] = 1
            row[rng.integers(2, 7) :] = 0
        elif kind == 4:
            start = rng.integers(2, 5)
            row[start : start + 2] = 1
    y = rng.normal(size=(units, 1)) + 0.3 * np.arange(periods) + 1.5 * d
    y = y + 0.5 * np.cumsum(d, axis=1) + rng.normal(size=(units, periods))
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(units), periods),
            "t": np.tile(np.arange(1, periods + 1), units),
            "d": d.ravel(),
            "y": y.ravel(),
            "w": np.repeat(rng.uniform(0.5, 2, units), periods),
        }
    )


def _fit(frame, weights=None, **options):
    sample = Sample(frame, unit="id", time="t", treatment="d", weights=weights)
    return ChaisemartinDHaultfoeuille(effects=4, placebos=2, **options).fit(sample, "y")


def _errors(estimate):
    return np.sqrt(np.diag(estimate.covariance))


# order: event -3, -2, 0, 1, 2, 3
DIFF_DIFF = [-0.16627347804646947, -0.22578692178379584, 1.8750229228337518, 2.23106696780476,
             1.8776872534865594, 1.8443352943398053]  # fmt: skip
MODERNDID_ERRORS = {
    "all": [0.18310185, 0.19703691, 0.18525599, 0.19540772, 0.21269849, 0.24214005],
    "weights": [0.19602911, 0.20675182, 0.20262526, 0.20805379, 0.21738335, 0.24793556],
    "in": [0.24007191, 0.26023535, 0.25744832, 0.26773397, 0.27909423, 0.32657506],
    "never": [0.19023287, 0.1953562, 0.17584933, 0.19455796, 0.21236134, 0.24466479],
}
MODERNDID_IN = [-0.30226101, -0.23472524, 1.91216929, 2.3480224, 1.69101934, 1.59854479]
MODERNDID_OUT = [-1.81999127, -2.05779966, -2.18314385, -2.3359163]  # opposite of the effect


def test_points_of_switches_both_ways(switchers):
    """diff-diff 3.13.0: ChaisemartinDHaultfoeuille(drop_larger_lower=False).fit(..., L_max=4)."""
    np.testing.assert_allclose(_fit(switchers).estimates[:-1], DIFF_DIFF, atol=1e-12)


@pytest.mark.parametrize(
    ("case", "options"),
    [
        ("all", {}),
        ("weights", {"weights": "w"}),
        ("in", {"switchers": "in"}),
        ("never", {"controls": "never_switched"}),
    ],
)
def test_standard_errors(switchers, case, options):
    """moderndid 0.2.0: did_multiplegt(effects=4, placebo=2, ...), printed to 8 digits."""
    found = _errors(_fit(switchers, **options))[:-1]
    np.testing.assert_allclose(found, MODERNDID_ERRORS[case], atol=6e-9)


def test_one_direction_at_a_time(switchers):
    switched_on = _fit(switchers, switchers="in")
    np.testing.assert_allclose(switched_on.estimates[:-1], MODERNDID_IN, atol=6e-9)
    switched_off = _fit(switchers, switchers="out")
    np.testing.assert_allclose(-switched_off.estimates[2:-1], MODERNDID_OUT, atol=6e-9)


def test_definition_by_hand(switchers):
    """Each switcher against the mean change of units of its baseline not switched yet."""
    d = switchers.pivot(index="id", columns="t", values="d").to_numpy()
    y = switchers.pivot(index="id", columns="t", values="y").to_numpy()
    first = np.where((d != d[:, :1]).any(1), (d != d[:, :1]).argmax(1), 99)
    effects, received, total = {}, {}, 0.0
    for horizon in range(1, 5):
        found, dose = [], []
        for g in np.flatnonzero(first < 99):
            start, target = first[g], first[g] - 1 + horizon
            others = (d[:, 0] == d[g, 0]) & (first > target)
            if target > 7 or not others.any():
                continue
            change = y[:, target] - y[:, start - 1]
            sign = np.sign(d[g, start] - d[g, 0])
            found.append(sign * (change[g] - change[others].mean()))
            dose.append(np.abs(d[g, start : target + 1] - d[g, 0]).sum())
            total += abs(d[g, target] - d[g, 0])
        effects[horizon], received[horizon] = found, dose
    plain, normalized = _fit(switchers), _fit(switchers, normalized=True)
    for horizon in effects:
        row = f"event[{horizon - 1}]"
        mean = np.mean(effects[horizon])
        assert plain[row].estimate == pytest.approx(mean, abs=1e-12)
        assert normalized[row].estimate == pytest.approx(
            mean / np.mean(received[horizon]), abs=1e-12
        )
    everything = sum(np.sum(found) for found in effects.values())
    assert plain["att"].estimate == pytest.approx(everything / total, abs=1e-12)


def test_each_unit_its_own_cluster_changes_nothing(switchers):
    plain = _fit(switchers)
    frame = switchers.assign(own=switchers["id"])
    sample = Sample(frame, unit="id", time="t", treatment="d", cluster="own")
    clustered = ChaisemartinDHaultfoeuille(effects=4, placebos=2).fit(sample, "y")
    np.testing.assert_allclose(clustered.covariance, plain.covariance, rtol=1e-12)


def test_without_switches_off_it_is_callaway_santanna(rng):
    """Absorbing treatment, no covariates: the event study of not-yet-treated comparisons."""
    frame = staggered_panel(rng, units=90, periods=7, cohorts=(3.0, 4.0, 6.0, np.inf))
    sample = Sample(frame, unit="id", time="period", cohort="cohort")
    ours = ChaisemartinDHaultfoeuille(placebos=0).fit(sample, "y")
    other = CallawaySantAnna(control_group="not_yet_treated").fit(sample, "y").aggregate("event")
    for effect in ours.effects[:-1]:
        want = other[f"event[{effect.time:g}]"].estimate
        assert effect.estimate == pytest.approx(want, abs=1e-10)


def test_an_absent_row_at_the_start_does_not_move_the_start(rng):
    """The cohort says when a unit starts: its row there may be absent, or without outcome."""
    frame = staggered_panel(rng, units=30)
    gone = (frame["id"] % 5 == 0) & (frame["period"] == frame["cohort"])
    assert gone.any()
    roles = {"unit": "id", "time": "period", "cohort": "cohort"}
    absent, missing = (
        ChaisemartinDHaultfoeuille().fit(Sample(table, **roles), "y")
        for table in (frame[~gone], frame.assign(y=frame["y"].mask(gone)))
    )
    np.testing.assert_allclose(absent.estimates, missing.estimates, rtol=1e-12)
