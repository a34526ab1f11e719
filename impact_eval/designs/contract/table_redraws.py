"""Tables drawn anew from the process of an example, with its effect and without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.estimate import Effect, Estimate
from impact_eval.designs.base import Design
from impact_eval.designs.contract.example import SEED, Example, example_of
from impact_eval.designs.contract.table_truth import TableTruth, truth_of

FloatArray = NDArray[np.float64]
SIMPLE = "simple"
BAND = 0.999  # probability that a binomial count lies in its band
RARE = 1e-5  # probability of a false alarm of a mean or a spread, over all rows of a design


@dataclass(frozen=True, slots=True)
class RowDraws:
    """What the rows of a design said over R tables: (R, k) arrays, NaN where undefined."""

    estimate: FloatArray
    std_error: FloatArray
    p_value: FloatArray
    low: FloatArray
    high: FloatArray
    level: FloatArray
    truth: FloatArray


@dataclass(frozen=True, slots=True)
class TableRedraws:
    """R tables with the effect of the example, and the same tables without it.

    Attributes
    ----------
    keys : tuple of str
        The k rows found in every table; those of its aggregations come first, `simple` at the
        head.
    headline : tuple of int
        The rows that sum up the others.
    effect, nothing : RowDraws
    """

    keys: tuple[str, ...]
    headline: tuple[int, ...]
    effect: RowDraws
    nothing: RowDraws

    def __len__(self) -> int:
        return len(self.effect.estimate)


def _rows(estimate: Estimate) -> dict[str, Effect]:
    kinds = () if estimate.aggregator is None else estimate.aggregator.kinds
    rows = {
        f"{kind}: {effect.key}": effect
        for kind in sorted(kinds, key=lambda kind: kind != SIMPLE)
        for effect in estimate.aggregate(kind).effects
        # overall, event times and cohorts are averaged with weights of their own
        if kind == SIMPLE or effect.group is not None or effect.time is not None
    }
    return rows | {effect.key: effect for effect in estimate.effects}


def _headline(rows: dict[str, Effect]) -> list[str]:
    simple = [key for key in rows if key.startswith(SIMPLE)]
    whole = [key for key, row in rows.items() if row.group is None and row.time is None]
    return simple or whole or list(rows)[:1]


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _draws(tables: Sequence[dict[str, tuple[Effect, float | None]]], keys: list[str]) -> RowDraws:
    fields = ("estimate", "std_error", "p_value", "conf_low", "conf_high", "conf_level")
    cube = np.array(
        [[[_number(getattr(t[k][0], f)) for f in fields] for k in keys] for t in tables]
    ).reshape(len(tables), len(keys), len(fields))
    truth = np.array([[_number(t[k][1]) for k in keys] for t in tables])
    parts = [*np.moveaxis(cube, -1, 0), truth]
    return RowDraws(*parts)


def draw_again(
    design: type[Design], draws: int, variant: Callable[[Example, int], Example] | None = None
) -> TableRedraws:
    """Fit a design on `draws` fresh tables, with the effect and without.

    Parameters
    ----------
    design : type
    draws : int
    variant : function of an example and a seed, optional
        A change of every table (clusters with a noise of their own…).

    Returns
    -------
    TableRedraws
    """
    pairs: list[tuple[dict[str, tuple[Effect, float | None]], ...]] = []
    headline: list[str] = []
    for draw in range(draws):
        example = example_of(design, SEED + draw).fair()
        if variant is not None:
            example = variant(example, SEED + draw)
        found = []
        for each in (example, example.null()):
            sample = each.sample()
            table = TableTruth.of(each, sample)
            rows = _rows(each.design.fit(sample, each.outcome))
            found.append({k: (row, truth_of(row, each, table)) for k, row in rows.items()})
        headline = headline or _headline({k: pair[0] for k, pair in found[0].items()})
        pairs.append(tuple(found))
    keys = [k for k in pairs[0][0] if all(k in table for pair in pairs for table in pair)]
    return TableRedraws(
        keys=tuple(keys),
        headline=tuple(keys.index(key) for key in headline if key in keys),
        effect=_draws([pair[0] for pair in pairs], keys),
        nothing=_draws([pair[1] for pair in pairs], keys),
    )


@lru_cache(maxsize=4)
def redraws_of(design: type[Design]) -> TableRedraws:
    """Return the usual number of redraws of a design, made once for the checks that read them."""
    return draw_again(design, example_of(design).draws)


# -- what chance allows ------------------------------------------------------------------------


def binomial_band(n: int, probability: float, level: float = BAND) -> tuple[int, int]:
    """Return the least and most successes of n that chance gives with probability `level`.

    Examples
    --------
    >>> binomial_band(100, 0.05)
    (0, 14)
    """
    tail = (1 - level) / 2
    below = special.bdtr(np.arange(n + 1), n, probability)
    low = int(np.searchsorted(below, tail, side="right"))
    high = int(np.searchsorted(below, 1 - tail, side="left"))
    return low, min(high, n)


def spread_band(draws: int, rows: int) -> tuple[float, float]:
    r"""Return the band of the ratio of a true error to the spread of `draws` normal estimates.

    :math:`(R-1) s^2 / \sigma^2` is chi-squared with R - 1 degrees of freedom.
    """
    df, tail = draws - 1, RARE / (2 * rows)
    least, most = special.chdtri(df, 1 - tail), special.chdtri(df, tail)
    return float(np.sqrt(df / most)), float(np.sqrt(df / least))


def mean_margin(draws: int, rows: int) -> float:
    """Return how many standard errors the mean of `draws` estimates may stray from the truth."""
    return float(special.stdtrit(draws - 1, 1 - RARE / (2 * rows)))
