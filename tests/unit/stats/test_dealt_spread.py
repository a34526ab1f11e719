"""Groups that vary more than the others: Welch's test stands where deals would tell too much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from impact_eval import Sample, designs
from impact_eval.stats.inference.dealing import ClusterPaths, LinearEffects, dealt_tests
from impact_eval.stats.inference.dealt_spread import (
    SUSPECTED,
    is_uneven,
    own_spread,
    p_even,
)

MEANS = np.array([[[1.0]], [[-1.0]]])


def groups(seed: int, treated: int, others: int, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Values by cluster, and their date: those treated vary `ratio` times as much."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [treated, others])
    y = rng.normal(size=treated + others) * np.where(labels == 0, ratio, 1.0)
    return y[:, None], labels


def paths_of(y: np.ndarray, labels: np.ndarray, sizes: np.ndarray | None = None) -> ClusterPaths:
    own = np.ones((len(y), 1)) if sizes is None else sizes
    return ClusterPaths(
        sums=y * own, sizes=own, labels=labels, blocks=np.zeros_like(labels), n_labels=2
    )


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("periods", [1, 2])
def test_two_groups_are_welch_and_fisher(seed: int, periods: int) -> None:
    y, labels = groups(seed, 5, 12, 1 + seed % 3)
    one, other = y[labels == 0, 0], y[labels == 1, 0]
    welch = stats.ttest_ind(one, other, equal_var=False)
    weights = MEANS
    if periods == 2:  # the change from a level of one's own
        level = np.random.default_rng(seed).normal(size=(17, 1))
        y = np.hstack([level, level + y])
        weights = np.concatenate([-MEANS, MEANS], axis=1)
    even = stats.f.sf(one.var(ddof=1) / other.var(ddof=1), 4, 11)
    about = np.array([True, False])
    assert p_even(y, np.ones((17, 1)), labels, about) == pytest.approx(even, rel=1e-9)
    found = own_spread(y, np.ones((17, 1)), labels, weights)
    test = found.test(0, one.mean() - other.mean())
    assert test is not None
    interval = welch.confidence_interval(0.95)
    assert found.df[0] == pytest.approx(welch.df, rel=1e-10)
    assert test.statistic == pytest.approx(welch.statistic, rel=1e-10)
    assert test.p_value == pytest.approx(welch.pvalue, rel=1e-10)
    assert (test.conf_low, test.conf_high) == pytest.approx(tuple(interval), rel=1e-9)
    cells = np.zeros(weights.shape, dtype=bool)
    cells[0, -1] = True
    dealt = dealt_tests(paths_of(y, labels), LinearEffects(weights=weights, cells=cells))
    assert is_uneven(dealt.tests[0]) is bool(even < SUSPECTED)


def test_a_path_is_a_sum_over_periods_by_hand() -> None:
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1, 2], [3, 4, 6])
    sizes = rng.uniform(1, 4, size=(13, 1))
    y, k = rng.normal(size=(13, 5)), rng.normal(size=(3, 5, 2))
    found = own_spread(y * sizes, sizes, labels, k)
    for row in range(2):
        part, free = [], []
        for g in range(3):
            own = np.flatnonzero(labels == g)
            share = sizes[own, 0] / sizes[own, 0].sum()
            left = [s * len(own) * (y[i] - share @ y[own]) for i, s in zip(own, share, strict=True)]
            part.append(sum((e @ k[g, :, row]) ** 2 for e in left) / (len(own) - 1) / len(own))
            free.append(len(own) - 1)
        df = sum(part) ** 2 / sum(p**2 / f for p, f in zip(part, free, strict=True))
        assert found.std_error[row] ** 2 == pytest.approx(sum(part), rel=1e-10)
        assert found.df[row] == pytest.approx(df, rel=1e-10)


@pytest.mark.parametrize(("ratio", "low", "high"), [(1.0, 0.05, 0.15), (3.0, 0.85, 1.0)])
def test_long_paths_are_suspected_as_often_as_said(ratio: float, low: float, high: float) -> None:
    """400 tables of 8 periods with a noise that lasts: 10 in 100 where they are alike."""
    found = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=(20, 8))
        for t in range(1, 8):
            noise[:, t] = 0.5 * noise[:, t - 1] + 0.75**0.5 * noise[:, t]
        noise[:4] *= ratio
        labels = np.repeat([0, 1, 2], [2, 2, 16])
        level = 5 * rng.normal(size=(20, 1))
        about = np.array([True, True, False])
        found.append(p_even(level + noise, np.ones((20, 1)), labels, about) < SUSPECTED)
    assert low <= np.mean(found) <= high


def test_a_date_of_one_cluster_has_no_spread_of_its_own() -> None:
    y, labels = groups(1, 1, 9, 5.0)
    found = own_spread(y, np.ones((10, 1)), labels, MEANS)
    assert np.isnan(found.std_error[0])
    assert found.test(0, 3.0) is None
    assert p_even(y, np.ones((10, 1)), labels, np.array([True, False])) == 1.0


def test_dates_dealt_within_blocks_keep_their_deals() -> None:
    y, labels = groups(2, 6, 12, 30.0)
    effects = LinearEffects(weights=MEANS, cells=MEANS > 0)
    whole = paths_of(y, labels)
    drawn = ClusterPaths(
        sums=whole.sums, sizes=whole.sizes, labels=labels, blocks=np.arange(18) % 2, n_labels=2
    )
    assert is_uneven(dealt_tests(whole, effects).tests[0])
    assert not is_uneven(dealt_tests(drawn, effects).tests[0])


DESIGNS = [
    designs.DifferenceInDifferences(),
    designs.TwoWayFixedEffects(),
    designs.CallawaySantAnna(),
    designs.SunAbraham(),
    designs.ImputationDiD(),
    designs.StackedDiD(),
    designs.ChaisemartinDHaultfoeuille(),
]


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: type(design).__name__)
def test_every_design_tells_the_same_and_says_so(design: Any) -> None:
    y, labels = groups(5, 6, 20, 4.0)
    unit = np.arange(26)
    frame = pd.DataFrame(
        {
            "unit": np.repeat(unit, 2),
            "time": np.tile([1, 2], 26),
            "entry": np.repeat(np.where(labels == 0, 2.0, np.inf), 2),
            "y": np.column_stack([unit / 7, unit / 7 + y[:, 0]]).ravel(),
        }
    )
    welch = stats.ttest_ind(y[labels == 0, 0], y[labels == 1, 0], equal_var=False)
    fitted = design.fit(Sample(frame, unit="unit", time="time", cohort="entry"), "y")
    effect = fitted.effects[-1]
    assert effect.p_value == pytest.approx(welch.pvalue, rel=1e-8)
    ends = tuple(welch.confidence_interval(0.95))
    assert (effect.conf_low, effect.conf_high) == pytest.approx(ends, rel=1e-8)
    told = {f.code for f in fitted.findings}
    assert "margin_uneven" in told
    assert "margin_dealt" not in told
    assert fitted.method.covariance == "CR2"


@pytest.mark.parametrize(
    ("treated", "size", "ratio", "most"),
    [(8, 68, 2.0, 0.09), (5, 105, 3.0, 0.09), (6, 30, 1.0, 0.07)],
)
def test_false_positives_where_those_treated_vary_more(
    treated: int, size: int, ratio: float, most: float
) -> None:
    """300 tables: three times the promise without it (0.23, 0.43); Monte-Carlo error 0.014."""
    effects = LinearEffects(weights=MEANS, cells=MEANS > 0)
    found = []
    for seed in range(300):
        y, labels = groups(1000 + seed, treated, size - treated, ratio)
        found.append(dealt_tests(paths_of(y, labels), effects, draws=499).tests[0].p_value < 0.05)
    assert np.mean(found) <= most + 2 * 0.014
