"""Tests of a change as records: against the smallest that matters, by ranks, by permutation."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from impact_eval.results.record_base import (
    FREE,
    Code,
    Flag,
    NumberOrNone,
    People,
    Probability,
    Ratio,
    Record,
    Statistic,
)
from impact_eval.stats.scales.reliable_change import Verdict


class EquivalenceRecord(Record):
    """The mean change against the smallest that matters."""

    p_value: Probability
    """The larger of two one-sided."""
    conf_low: Statistic
    """Lower end."""
    conf_high: Statistic
    """Upper end."""
    bound: NumberOrNone
    """Smallest change that matters."""
    verdict: Verdict
    """What the interval says."""


class WilcoxonRecord(Record):
    """A signed-rank test."""

    statistic: Ratio
    """Sum of positive ranks."""
    z: Ratio
    """Standardised."""
    p_value: Probability
    """Exact or normal."""
    p_corrected: Probability
    """Normal, with continuity correction."""
    rank_biserial: Ratio
    """Difference of rank sums, relative."""
    shift: Statistic
    """Median of pairwise means."""
    n: People
    """People."""
    n_zero: People
    """People who did not."""
    zero_rule: Code
    """What was done with them."""
    exact: Flag
    """Whether the test is exact."""


class SignFlipRecord(Record):
    """A sign-flip test."""

    mean_change: Statistic
    """Mean change."""
    p_value: Probability
    """Two-sided."""
    patterns: Annotated[int | None, Field(ge=0), FREE]
    """Patterns compared; empty where their number would tell how many changed."""
    exact: Flag
    """Whether all were."""
