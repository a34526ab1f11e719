"""The battery is itself tested: each fault planted in a design is seen by the check for it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impact_eval import ImpactEvalError
from impact_eval.designs.contract import CHECKS

PLANTED: list[Any] = runpy.run_path(str(Path(__file__).with_name("planted.py")))["PLANTED"]
CASES = [(case, check) for case in PLANTED for check in case.seen_by]


@pytest.mark.parametrize(
    ("case", "check"), CASES, ids=[f"{case.design.__name__}-{check}" for case, check in CASES]
)
def test_a_planted_fault_is_seen(case: Any, check: str) -> None:
    # what a planted fault leaves changed ends with its test
    with np.errstate(), pytest.raises((AssertionError, ImpactEvalError)):
        CHECKS[check](case.design)


def test_no_planted_fault_outlives_its_test() -> None:
    assert np.geterr() == {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


def test_every_check_sees_some_fault() -> None:
    assert {check for _, check in CASES} == set(CHECKS)
