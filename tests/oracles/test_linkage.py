"""Self-generated codes over two waves, held to the truth they were made with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.linkage import edit_distance, link_waves, normalise_code, pseudonyms

WAVES = SecondRung()


@pytest.fixture
def waves(real_data: Callable[[str], pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
    return tuple(real_data(f"synthetic_sgic_{part}.csv") for part in ("t0", "t1", "truth"))


@WAVES
def check_no_newcomer_is_stolen_and_nearly_all_are_found(waves: Any) -> None:
    t0, t1, truth = waves
    linked = link_waves(t0, t1, code="code", support=("sexe", "naissance"))
    right = truth.set_index("row_t1")["row_t0"]
    pairs = {int(t1["row"].iloc[m.second]): int(t0["row"].iloc[m.first]) for m in linked.matches}
    wrong = {row for row, found in pairs.items() if right.get(row) != found}
    assert not wrong
    known = right.dropna()
    assert len(pairs) / len(known) > 0.97
    assert linked.counts()["new"] >= 12
    assert linked.false_match_bound < 1


@WAVES
def check_without_support_nothing_wrong_is_matched_either(waves: Any) -> None:
    t0, t1, truth = waves
    linked = link_waves(t0, t1, code="code")
    right = truth.set_index("row_t1")["row_t0"]
    wrong = [
        m for m in linked.matches
        if right.get(int(t1["row"].iloc[m.second])) != int(t0["row"].iloc[m.first])
    ]  # fmt: skip
    assert len(wrong) <= 1  # a newcomer one slip away from somebody cannot be told apart
    assert len({m.first for m in linked.matches}) == len(linked.matches)


def test_on_waves(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    WAVES.run(request, subtests)


def test_a_tie_is_listed_and_left_open() -> None:
    t0 = pd.DataFrame({"code": ["AB12", "AB13"]})
    t1 = pd.DataFrame({"code": ["AB14"]})
    linked = link_waves(t0, t1, code="code")
    assert linked.matches == ()
    assert linked.ambiguous[0].candidates == (0, 1)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("", "", 0), ("ABC", "ABC", 0), ("ABC", "ACB", 1), ("ABC", "AC", 1), ("ABC", "AXC", 1),
     ("ABCD", "BADC", 2), ("CA", "ABC", 3)],
)  # fmt: skip
def test_edit_distance(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other, most=3) == distance
    assert edit_distance(other, one, most=3) == distance


def test_pseudonyms_are_keyed_and_stable() -> None:
    codes = pd.Series(["EL01", None, "el-O1"])
    one = pseudonyms(codes, key=b"0" * 16)
    other = pseudonyms(codes, key=b"1" * 16)
    assert one[0] == one[2] != other[0]
    assert pd.isna(one[1])
    with pytest.raises(ImpactEvalError) as refusal:
        pseudonyms(codes, key=b"short", length=4)
    assert refusal.value.codes == ("weak_key", "pseudonym_too_short")
    assert normalise_code(float("nan")) == ""
