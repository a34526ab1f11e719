"""Self-generated codes over two waves, held to the truth they were made with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
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


LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def invented_waves(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, dict[int, int]]:
    """160 people with codes of six letters; 120 come back, one in six with a slip; 15 newcomers."""
    codes = ["".join(rng.choice(list(LETTERS), 6)) for _ in range(175)]
    people = pd.DataFrame({
        "code": codes, "sexe": rng.integers(0, 2, 175).astype(str),
        "naissance": rng.integers(1950, 2005, 175).astype(str),
    })  # fmt: skip
    back = rng.permutation(160)[:120]
    second = people.iloc[[*back, *range(160, 175)]].reset_index(drop=True)
    for row in np.flatnonzero(rng.random(120) < 1 / 6):
        at, code = int(rng.integers(0, 5)), second.loc[row, "code"]
        slips = (
            code[:at] + code[at + 1] + code[at] + code[at + 2 :],  # two letters change places
            code[:at] + rng.choice(list(LETTERS)) + code[at + 1 :],  # one letter is another
        )
        second.loc[row, "code"] = slips[int(rng.integers(0, 2))]
    return people.iloc[:160], second, {row: int(person) for row, person in enumerate(back)}


@pytest.mark.parametrize("support", [(), ("sexe", "naissance")], ids=["code", "code and support"])
def test_invented_people_are_found_again_and_no_newcomer_is_stolen(
    rng: np.random.Generator, support: tuple[str, ...]
) -> None:
    t0, t1, truth = invented_waves(rng)
    linked = link_waves(t0, t1, code="code", support=support)
    pairs = {m.second: m.first for m in linked.matches}
    assert {row: found for row, found in pairs.items() if truth.get(row) != found} == {}
    assert len(pairs) >= 0.97 * len(truth)
    assert linked.counts()["new"] >= 15


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
