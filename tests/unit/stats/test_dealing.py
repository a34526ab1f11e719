"""Dealing dates anew: every deal against a plain loop over permutations."""

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from impact_eval.stats.inference.dealing import ClusterPaths, LinearEffects, dealt_tests

FloatArray = NDArray[np.float64]


def problem(
    labels: list[int], *, waves: int = 1, seed: int = 0, blocks: list[int] | None = None
) -> tuple[ClusterPaths, LinearEffects]:
    rng = np.random.default_rng(seed)
    m, dates, periods, effects = len(labels), max(labels) + 1, 3, 2
    sizes = rng.integers(1, 5, size=(m, periods if waves > 1 else 1)).astype(float)
    y = rng.normal(size=(m, periods)) * np.ones((m, periods))
    return (
        ClusterPaths(
            sums=y * sizes,
            sizes=sizes,
            labels=np.array(labels),
            blocks=np.zeros(m, dtype=np.int64) if blocks is None else np.array(blocks),
            n_labels=dates,
        ),
        LinearEffects(
            weights=rng.normal(size=(dates, periods, effects)),
            cells=rng.random(size=(dates, periods, effects)) < 0.5,
        ),
    )


def value(
    paths: ClusterPaths, effects: LinearEffects, labels: tuple[int, ...], y: FloatArray
) -> FloatArray:
    """The effects of one deal, written out: (K,) for y (m, T), or (m, T, K) by effect."""
    dates, periods, count = effects.weights.shape
    sizes = np.broadcast_to(paths.sizes, paths.sums.shape)
    out = np.zeros(count)
    for k in range(count):
        for g in range(dates):
            mine = np.flatnonzero(np.array(labels) == g)
            for t in range(periods):
                table = y if y.ndim == 2 else y[:, :, k]
                mean = (sizes[mine, t] * table[mine, t]).sum() / sizes[mine, t].sum()
                out[k] += effects.weights[g, t, k] * mean
    return out


@pytest.mark.parametrize("waves", [1, 2])
@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 1], [0, 1, 1, 2, 2, 2], [0, 1, 2, 0, 1]])
def test_every_deal_by_hand(labels: list[int], waves: int) -> None:
    paths, effects = problem(labels, waves=waves, seed=len(labels) + waves)
    y = paths.sums / paths.sizes
    every = sorted(set(permutations(labels)))
    values = np.array([value(paths, effects, deal, y) for deal in every])
    own = value(paths, effects, tuple(labels), y)
    raised = effects.cells[paths.labels].astype(float)
    reach = np.array([value(paths, effects, deal, raised) for deal in every])
    own_reach = value(paths, effects, tuple(labels), raised)
    found = dealt_tests(paths, effects)
    assert found.exact
    assert found.n_draws == len(every)
    for k, test in enumerate(found.tests):
        assert test.statistic == pytest.approx(own[k])
        far = np.abs(values[:, k]) >= abs(own[k]) - 1e-9
        if own_reach[k]:
            far |= np.abs(reach[:, k]) >= abs(own_reach[k]) * (1 - 1e-9)
        assert test.p_value == pytest.approx(far.mean())
        if not np.isfinite([test.conf_low, test.conf_high]).all():
            continue
        for inside in (-0.01, 0.01):  # just within and just beyond each end, by definition
            for end, sign in ((test.conf_low, 1), (test.conf_high, -1)):
                tau = (end + sign * inside * (test.conf_high - test.conf_low)) / own_reach[k]
                left = np.abs(values[:, k] - tau * reach[:, k])
                extreme = left >= abs(own[k] - tau * own_reach[k]) - 1e-12
                extreme |= np.abs(reach[:, k]) >= abs(own_reach[k]) * (1 - 1e-9)
                assert (extreme.mean() > 0.05) == (inside > 0)


def test_blocks_are_dealt_apart() -> None:
    labels, blocks = [0, 1, 0, 1, 1], [0, 0, 1, 1, 1]
    paths, effects = problem(labels, blocks=blocks)
    found = dealt_tests(paths, effects)
    assert found.n_draws == 2 * 3
    y = paths.sums / paths.sizes
    every = [
        (*first, *second)
        for first in sorted(set(permutations([0, 1])))
        for second in sorted(set(permutations([0, 1, 1])))
    ]
    values = np.array([value(paths, effects, deal, y)[0] for deal in every])
    own = value(paths, effects, tuple(labels), y)[0]
    assert found.tests[0].p_value >= (np.abs(values) >= abs(own) - 1e-9).mean() - 1e-12


@pytest.mark.parametrize(("treated", "size"), [(3, 40), (12, 25)])
def test_deals_drawn_at_random_tell_what_all_of_them_do(treated: int, size: int) -> None:
    rng = np.random.default_rng(treated)
    labels = np.array([0] * treated + [1] * (size - treated))
    y = rng.normal(size=(size, 1)) + 0.6 * (labels == 0)[:, None]
    paths = ClusterPaths(
        sums=y,
        sizes=np.ones((size, 1)),
        labels=labels,
        blocks=np.zeros(size, dtype=np.int64),
        n_labels=2,
    )
    effects = LinearEffects(
        weights=np.array([[[1.0]], [[-1.0]]]), cells=np.array([[[True]], [[False]]])
    )
    few, many = (dealt_tests(paths, effects, seed=s, draws=4_999) for s in (1, 2))
    assert not few.exact
    # two independent samples of 4,999 deals: five standard errors of their difference
    spread = 5 * np.sqrt(2 * 0.25 / 4_999)
    assert few.tests[0].p_value == pytest.approx(many.tests[0].p_value, abs=spread)
    again = dealt_tests(paths, effects, seed=1, draws=4_999)
    assert again.tests[0] == few.tests[0]


def test_a_date_that_nobody_asked_is_left_to_makes_a_deal_extreme() -> None:
    paths, effects = problem([0, 0, 1, 1, 1], waves=2)
    holed = ClusterPaths(
        sums=np.where(np.arange(5)[:, None] >= 3, paths.sums * [1, 1, 0], paths.sums),
        sizes=np.where(np.arange(5)[:, None] >= 3, paths.sizes * [1, 1, 0], paths.sizes),
        labels=paths.labels,
        blocks=paths.blocks,
        n_labels=2,
    )
    found = dealt_tests(holed, effects)
    # the two clusters not asked at the last period may both be dealt the first date: one deal in 10
    assert found.tests[0].p_value >= 0.1
    assert found.tests[0].conf_low == -np.inf
