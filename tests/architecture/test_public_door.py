"""What other people's work relies on: nothing public is lost or changed in silence."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from impact_eval.core import TIDY_COLUMNS

SCRIPT = Path(__file__).with_name("public_names.py")
HINT = "if it is meant, run: python tests/architecture/public_names.py, and tell it in CHANGELOG.md"


@pytest.fixture(scope="module")
def now() -> list[str]:
    return list(runpy.run_path(str(SCRIPT))["public_names"]())


@pytest.fixture(scope="module")
def frozen() -> list[str]:
    return SCRIPT.with_suffix(".txt").read_text(encoding="utf-8").splitlines()


def test_nothing_public_was_lost_or_changed(now: list[str], frozen: list[str]) -> None:
    lost = sorted(set(frozen) - set(now))
    assert not lost, HINT


def test_the_door_has_no_new_name_in_silence(now: list[str], frozen: list[str]) -> None:
    added = {line for line in now if line.startswith("ie.")} - set(frozen)
    assert not added, HINT


def test_tidy_columns() -> None:
    expected = (
        "outcome estimand term group time estimate std_error df statistic p_value conf_low "
        "conf_high conf_level n_treated n_comparison n_clusters"
    )
    assert " ".join(TIDY_COLUMNS) == expected
