"""Invented data with a known truth: for tests, the contract battery, tutorials and `datasets/`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def staggered_panel(
    rng: np.random.Generator,
    *,
    units: int = 60,
    periods: int = 6,
    cohorts: Sequence[float] = (3.0, 4.0, np.inf),
    effect: float = 1.0,
    slope: float = 0.25,
    noise: float = 1.0,
    autocorrelation: float = 0.0,
    units_per_cluster: int = 1,
) -> pd.DataFrame:
    """Make a panel whose units join in waves.

    The effect of a unit treated since e periods is `effect + slope * e`; trends are parallel given
    the covariate `x`, which raises the trend.

    Returns
    -------
    DataFrame
        Columns `id, period, cohort, cluster, x, w, y, truth` in shuffled order; `cohort` is
        infinite when never treated; `truth` is the effect contained in `y`.
    """
    identity = np.arange(units)
    cohort = np.asarray(cohorts, dtype=float)[identity % len(cohorts)]
    x = rng.normal(size=units) + 0.2 * np.isfinite(cohort)
    weight = rng.uniform(0.5, 2.0, size=units)
    level = rng.normal(size=units)
    errors = rng.normal(scale=noise, size=(units, periods))
    for t in range(1, periods):
        errors[:, t] += autocorrelation * errors[:, t - 1]
    time = np.arange(1, periods + 1, dtype=float)
    since = time[None, :] - cohort[:, None]
    with np.errstate(invalid="ignore"):
        truth = np.where(since >= 0, effect + slope * since, 0.0)
    y = level[:, None] + 0.3 * time[None, :] * (1 + 0.3 * x[:, None]) + truth + errors
    frame = pd.DataFrame(
        {
            "id": np.repeat(identity, periods) + 1000,
            "period": np.tile(time, units),
            "cohort": np.repeat(cohort, periods),
            "cluster": np.repeat(identity // len(cohorts) // units_per_cluster, periods)
            if units_per_cluster > 1
            else np.repeat(identity, periods),
            "x": np.repeat(x, periods),
            "w": np.repeat(weight, periods),
            "y": y.ravel(),
            "truth": np.nan_to_num(truth).ravel(),
        }
    )
    return frame.sample(frac=1, random_state=rng).reset_index(drop=True)


def trial(
    rng: np.random.Generator,
    *,
    people: int = 120,
    clusters: int = 0,
    blocks: int = 1,
    effect: float = 1.0,
) -> pd.DataFrame:
    """Make a randomised trial, of people or of whole clusters, drawn within blocks.

    Returns
    -------
    DataFrame
        Columns `id, cluster, block, treated, x, w, y, truth`; `truth` is the effect contained in
        `y`.
    """
    identity = np.arange(people)
    block = identity * blocks // people
    if clusters:
        cluster = identity * clusters // people
        block = cluster * blocks // clusters
        chosen = _draw_half(rng, np.arange(clusters) * blocks // clusters)
        treated = chosen[cluster]
        shared_noise = rng.normal(scale=0.5, size=clusters)[cluster]
    else:
        cluster = identity
        treated = _draw_half(rng, block)
        shared_noise = np.zeros(people)
    x = rng.normal(size=people)
    y = 0.5 * x + 0.3 * block + effect * treated + shared_noise + rng.normal(size=people)
    return pd.DataFrame(
        {
            "id": identity + 1,
            "cluster": cluster,
            "block": block,
            "treated": treated.astype(int),
            "x": x,
            "w": rng.uniform(0.5, 2.0, size=people),
            "y": y,
            "truth": effect * treated,
        }
    )


def _draw_half(rng: np.random.Generator, block: np.ndarray) -> np.ndarray:
    """Draw half of each block."""
    chosen = np.zeros(block.size, dtype=bool)
    for value in np.unique(block):
        members = np.flatnonzero(block == value)
        chosen[rng.permutation(members)[: members.size // 2]] = True
    return chosen


def repeated_cross_section(
    rng: np.random.Generator, *, people: int = 600, effect: float = 1.0
) -> pd.DataFrame:
    """Make two surveys of different people, before and after, in treated and other places.

    Returns
    -------
    DataFrame
        Columns `period, cohort, cluster, x, w, y, truth`; `truth` is the effect contained in `y`.
    """
    cluster = rng.integers(0, 30, size=people)
    treated_place = cluster % 2 == 0
    period = rng.integers(1, 3, size=people).astype(float)
    x = rng.normal(size=people)
    place = rng.normal(scale=0.3, size=30)[cluster]
    truth = effect * (treated_place & (period == 2))
    y = place + 0.4 * period + 0.5 * x + truth
    return pd.DataFrame(
        {
            "period": period,
            "cohort": np.where(treated_place, 2.0, np.inf),
            "cluster": cluster,
            "x": x,
            "w": rng.uniform(0.5, 2.0, size=people),
            "y": y + rng.normal(size=people),
            "truth": truth,
        }
    )


def before_after(
    rng: np.random.Generator, *, people: int = 42, change: float = 1.0
) -> pd.DataFrame:
    """Make two measures of the same people, without a comparison group.

    Returns
    -------
    DataFrame
        Columns `id, period, cluster, w, y, truth`; `truth` is the change contained in `y`.
    """
    level = rng.normal(size=people)
    y = np.column_stack([level, level + change]) + rng.normal(scale=0.7, size=(people, 2))
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(people) + 1, 2),
            "period": np.tile([1.0, 2.0], people),
            "cluster": np.repeat(np.arange(people) // 4, 2),
            "w": np.repeat(rng.uniform(0.5, 2.0, size=people), 2),
            "y": y.ravel(),
            "truth": np.tile([0.0, change], people),
        }
    )
