"""Tables drawn anew: size and coverage, the known truth, errors against the spread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impact_eval.designs.base import Design
from impact_eval.designs.contract.table_redraws import (
    TableRedraws,
    binomial_band,
    draw_again,
    mean_margin,
    redraws_of,
    spread_band,
)

LEVEL = 0.05
OFF = 0.05  # share of the truth by which a size may be wrong


def check_truth_is_recovered(design: type[Design]) -> None:
    """14. The known truth is recovered, in sign and size, and nothing is found in nothing."""
    hold_to_truth(redraws_of(design))


def hold_to_truth(draws: TableRedraws) -> None:
    """Assert that rows estimate their truth.

    The same tables with the effect and without give the effect with little noise, or none for an
    estimator that is linear in the outcome; those without give the bias, up to chance.
    """
    margin = mean_margin(len(draws), len(draws.keys))
    effect, nothing = draws.effect, draws.nothing
    for k, key in enumerate(draws.keys):
        if np.isnan(effect.truth[:, k]).all():
            continue
        assert np.isfinite(nothing.estimate[:, k]).all(), f"{key} has no estimate on some tables"
        bias = nothing.estimate[:, k] - nothing.truth[:, k]
        chance = margin * _standard_error(bias)
        assert abs(bias.mean()) <= chance, (
            f"{key}: {bias.mean():.3f} is found on average where nothing happens; chance gives "
            f"{chance:.3f} at most"
        )
        found = effect.estimate[:, k] - nothing.estimate[:, k]
        due = effect.truth[:, k] - nothing.truth[:, k]
        chance = margin * _standard_error(found - due) + OFF * np.abs(due).mean() + 1e-9
        assert abs((found - due).mean()) <= chance, (
            f"{key}: an effect of {due.mean():.3f} is found to be {found.mean():.3f}"
        )


def _standard_error(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size))


def check_error_is_the_spread(design: type[Design]) -> None:
    """17. The standard error is the spread over redraws, neither smaller nor larger."""
    if design.info.standard_error:
        hold_to_spread(redraws_of(design))


def hold_to_spread(draws: TableRedraws) -> None:
    """Assert that the mean variance of each row is that of its estimates, up to chance."""
    rows = draws.nothing
    low, high = spread_band(len(draws), len(draws.keys))
    for k, key in enumerate(draws.keys):
        error = np.sqrt(np.mean(rows.std_error[:, k] ** 2))
        spread = rows.estimate[:, k].std(ddof=1)
        assert spread > 0, f"{key}: contract_example draws the same table from every generator"
        assert not np.isnan(error), f"{key}: no error on some tables"
        ratio = error / spread
        assert low <= ratio <= high, (
            f"{key}: the error is {ratio:.2f} times the spread over {len(draws)} tables"
        )


def check_size_and_coverage(design: type[Design]) -> None:
    """13. Null size and coverage lie within what chance gives to a right interval."""
    draws = redraws_of(design)
    hold_to_size(draws)
    hold_to_coverage(draws)


def hold_to_size(draws: TableRedraws) -> None:
    """Assert that the rows that sum up the others reject nothing more than 5 % of the time."""
    for k in draws.headline:
        p = draws.nothing.p_value[:, k][draws.nothing.truth[:, k] == 0]
        p = p[np.isfinite(p)]
        low, high = binomial_band(p.size, LEVEL)
        n = int((p < LEVEL).sum())
        assert low <= n <= high, (
            f"{draws.keys[k]}: {n} rejections of nothing in {p.size}; chance gives {low} to {high}"
        )


def hold_to_coverage(draws: TableRedraws) -> None:
    """Assert that the intervals of these rows hold the truth as often as they say."""
    rows = draws.effect
    for k in draws.headline:
        known = np.isfinite(rows.low[:, k]) & np.isfinite(rows.high[:, k])
        held = (rows.low[:, k] <= rows.truth[:, k]) & (rows.truth[:, k] <= rows.high[:, k])
        if not known.any():
            continue
        level = float(rows.level[known, k].mean())
        low, high = binomial_band(int(known.sum()), level)
        n = int(held[known].sum())
        assert low <= n <= high, (
            f"{draws.keys[k]}: {n} intervals of {int(known.sum())} hold the truth; chance gives "
            f"{low} to {high} at {level:.0%}"
        )


def null_rejections(design: type[Design], *, draws: int, level: float = LEVEL) -> tuple[int, int]:
    """Count rejections at `level` of the row that sums up the others when nothing happens.

    Returns
    -------
    rejections, draws : int
    """
    found = draw_again(design, draws)
    p_value = found.nothing.p_value[:, found.headline[0]]
    p_value = p_value[np.isfinite(p_value)]
    return int((p_value < level).sum()), p_value.size
