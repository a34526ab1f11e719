"""Self-generated codes over two waves, held to the truth they were made with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval import link
from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.linkage import edit_distance, normalise_code

WAVES = SecondRung()


@pytest.fixture
def waves(real_data: Callable[[str], pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
    return tuple(real_data(f"synthetic_sgic_{part}.csv") for part in ("t0", "t1", "truth"))


@WAVES
def check_no_newcomer_is_stolen_and_nearly_all_are_found(waves: Any) -> None:
    t0, t1, truth = waves
    linked = link(t0, t1, code="code", support=("sexe", "naissance"))
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
    linked = link(t0, t1, code="code")
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
    linked = link(t0, t1, code="code", support=support)
    pairs = {m.second: m.first for m in linked.matches}
    assert {row: found for row, found in pairs.items() if truth.get(row) != found} == {}
    assert len(pairs) >= 0.97 * len(truth)
    assert linked.counts()["new"] >= 15


def test_a_tie_is_listed_and_left_open() -> None:
    t0 = pd.DataFrame({"code": ["AB12", "AB13"]})
    t1 = pd.DataFrame({"code": ["AB14"]})
    linked = link(t0, t1, code="code")
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


def test_spellings_of_one_code() -> None:
    assert normalise_code("el-O1") == normalise_code("EL01")
    assert normalise_code(float("nan")) == ""


INVENTED = (
    pd.DataFrame(
        {"code": ["EL01NI", "OU24GR", "AB12", "AB13", "MA07LO"], "score": [1, 2, 3, 4, 5]}
    ),
    pd.DataFrame({"code": ["ou24gr", "E01NI", "AB14", "ZZ99ZZ"], "score": [6, 7, 8, 9]}),
)


def test_both_waves_in_one_table_by_a_number() -> None:
    """By hand: OU24GR is found again, EL01NI with a slip; AB14 could be two people."""
    before, after = INVENTED
    linked = link(before, after, code="code")
    table = linked.stack(before, after, person="personne", wave="vague", waves=("T0", "T1"))
    assert list(table.columns) == ["personne", "vague", "score"]
    twice = table.groupby("personne")["score"].apply(tuple)
    assert {pair for pair in twice if len(pair) == 2} == {(1, 7), (2, 6)}
    assert {one for one in twice if len(one) == 1} == {(3,), (4,), (5,), (8,), (9,)}
    assert linked.doubtful().to_numpy().tolist() == [[2, 2, 1], [2, 3, 1]]
    assert linked.pairs()["kind"].tolist() == ["exact", "close"]


def test_nothing_of_anybody_is_shown() -> None:
    before, after = INVENTED
    linked = link(before, after, code="code")
    shown = repr(linked) + str(linked.pairs()) + str(linked.doubtful())
    shown += "".join(str(finding) for finding in linked.findings)
    assert not [
        code for frame in INVENTED for code in frame["code"] if code.upper() in shown.upper()
    ]


def test_other_tables_and_names_taken_are_refused() -> None:
    before, after = INVENTED
    linked = link(before, after, code="code")
    with pytest.raises(ImpactEvalError) as refusal:
        linked.stack(after, before, wave="score")
    assert refusal.value.codes == ("not_the_tables_linked", "duplicated_column")
    with pytest.raises(ImpactEvalError) as refusal:
        link(before, after, code="cod", support=["sexe"])
    assert refusal.value.codes == ("missing_column",) * 4
    assert refusal.value.findings[0].values["nearest"] == "code"


def test_what_cannot_be_linked_is_refused_in_words() -> None:
    waves = pd.DataFrame({"code": ["EL01NI", "OU24GR"], "sexe": ["f", "h"]})
    twice = pd.concat([waves, waves], axis=1)
    for call, code in (
        (lambda: link(None, waves, code="code"), "not_a_table"),  # type: ignore[arg-type]
        (lambda: link(waves, [1], code="code"), "not_a_table"),  # type: ignore[arg-type]
        (lambda: link(waves, waves, code=None), "missing_column"),  # type: ignore[arg-type]
        (lambda: link(twice, waves, code="code"), "duplicated_column"),
    ):
        with pytest.raises(ImpactEvalError) as refusal:
            call()
        assert code in refusal.value.codes
    assert link(waves, waves, code="code", support="sexe").counts()["exact"] == 2
