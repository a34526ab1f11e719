"""Rows whose test and interval do not come from their standard error (bootstrap, redraws)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Effect
from impact_eval.core.findings import Finding
from impact_eval.stats.inference.covariances import OwnTest, Tests

FloatArray = NDArray[np.float64]


def with_test(effect: Effect, test: OwnTest) -> Effect:
    """Return a row with the test and interval given; an end that is never rejected is missing."""
    low, high = (end if math.isfinite(end) else None for end in (test.conf_low, test.conf_high))
    return replace(
        effect, statistic=test.statistic, p_value=test.p_value, conf_low=low, conf_high=high
    )


def apply_tests(
    effects: Sequence[Effect], tests: Tests | None, contrasts: FloatArray
) -> tuple[tuple[Effect, ...], tuple[Finding, ...]]:
    """Return rows with the tests of their covariance, when it has some, and what these found.

    Parameters
    ----------
    effects : sequence of J Effect
    tests : function or None
    contrasts : (J, k) array
        The rows as combinations of what the covariance is about.
    """
    if tests is None:
        return tuple(effects), ()
    values = np.array([math.nan if e.estimate is None else e.estimate for e in effects])
    live = np.array([e.std_error is not None and e.conf_low is not None for e in effects])
    out = list(effects)
    findings: list[Finding] = []
    found = tests(contrasts[live], values[live])
    for i, test in zip(np.flatnonzero(live).tolist(), found, strict=True):
        out[i] = with_test(effects[i], test)
        findings += [finding for finding in test.findings if finding not in findings]
    return tuple(out), tuple(findings)
