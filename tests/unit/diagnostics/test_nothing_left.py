"""Where the covariates explain everything, a hidden difference has nothing to explain."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.findings import NotApplicable
from impact_eval.data.sample import Sample
from impact_eval.designs import DifferenceInMeans
from impact_eval.diagnostics.balance import Baseline
from impact_eval.diagnostics.confounding import Sensitivity, sensitivity
from impact_eval.diagnostics.hidden_difference import unobserved


def groups(treated: list[int], *covariates: list[int]) -> Baseline:
    x = np.array(covariates, dtype=float).T
    names = tuple(f"x{j}" for j in range(x.shape[1]))
    return Baseline(names=names, x=x, treated=np.array(treated) == 1, weights=None, clusters=None)


HELPED = [1, 0] * 6
SEX = [0, 0, 1] * 4
ROUND = [0, 1, 0, 2] * 3  # one of two levels of a question says who is helped: not 0


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        (SEX, groups(HELPED, SEX)),  # the outcome is the covariate
        (HELPED, groups(HELPED, SEX)),  # the outcome is the treatment
        ([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], groups(HELPED, HELPED)),
        (
            [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8],
            groups(
                [int(level > 0) for level in ROUND],
                [int(level == 1) for level in ROUND],
                [int(level == 2) for level in ROUND],
            ),
        ),
    ],
)
def test_nothing_is_left_and_it_is_said(outcome: list[int], found: Baseline) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = sensitivity(np.array(outcome, dtype=float), found)
    assert isinstance(answer, NotApplicable)
    assert answer.reason == "nothing_left_to_explain"


def test_two_levels_on_few_people_never_break() -> None:
    """Five hundred small tables of yes and no: a number, or the reason."""
    rng, told = np.random.default_rng(0), 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(500):
            n = int(rng.integers(8, 14))
            helped, *rest = (rng.random((4, n)) < 0.5).astype(int).tolist()
            if 0 < sum(helped) < n:
                answer = sensitivity(np.array(rest[0], dtype=float), groups(helped, *rest[1:]))
                told += isinstance(answer, NotApplicable)
                if isinstance(answer, Sensitivity):
                    assert np.isfinite(answer.robustness.value)
                    assert all(np.isfinite(mark.estimate) for mark in answer.benchmarks)
    assert told


def test_what_is_printed_says_so_too() -> None:
    frame = pd.DataFrame({"id": range(12), "helped": HELPED, "sex": SEX, "works": SEX})
    sample = Sample(frame, unit="id", treatment="helped", covariates=["sex"])
    effect = DifferenceInMeans().fit(sample, "works").effects[0]
    answer = unobserved(sample, "works", effect)
    assert isinstance(answer, NotApplicable)
    assert answer.reason == "nothing_left_to_explain"
