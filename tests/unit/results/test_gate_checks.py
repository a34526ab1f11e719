"""Characteristics, losses and categories of few people, whatever the outcome says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_studies import TWO_GROUPS, study_in

from impact_eval.pipeline.evaluate import evaluate
from impact_eval.report.narrative_checks import check_finding
from impact_eval.report.texts import Texts
from impact_eval.results.checks_of_groups import AttritionCheckRecord, BalanceCheck
from impact_eval.results.gate import release
from impact_eval.results.records import StudyResults
from impact_eval.stats.inference.rarity import rarest


def compared(folder: Path, third: str, rows: list[str]) -> StudyResults:
    """Compute and release a study of two groups with one more characteristic."""
    body = TWO_GROUPS.replace('["age"]', f'["age", "{third}"]')
    return release(evaluate(study_in(folder, body, rows))).results


def people(third: str, values: list[object], lost: frozenset[int] = frozenset()) -> list[str]:
    """Rows of 150 people, half of them accompanied, with one more characteristic each."""
    rng = np.random.default_rng(4)
    rows = [f"id,aide,age,{third},emploi,revenu"]
    for i, value in enumerate(values):
        work = "" if i in lost else int(rng.random() < 0.5)
        age, income = rng.integers(18, 65), rng.gamma(9, 120)
        rows.append(f"P{i},{int(i < len(values) / 2)},{age},{value},{work},{income:.2f}")
    return rows


def check(told: StudyResults, kind: type[Any]) -> Any:
    """Return a check of the first outcome."""
    return next(c.check for c in told.checks if isinstance(c.check, kind) and c.outcome == "emploi")


def test_a_characteristic_of_two_people_has_no_number(tmp_path: Path) -> None:
    values: list[object] = [int(i < 2 or 80 <= i < 96) for i in range(150)]
    told = compared(tmp_path, "handicap", people("handicap", values))
    found = check(told, BalanceCheck)
    age, handicap = found.rows
    assert age.mean_treated is not None
    numbers = handicap.model_dump(exclude={"variable", "n_treated", "n_comparison"})
    assert handicap.variable == "handicap"
    assert set(numbers.values()) == {None}  # 2 of 75 are 2.7 %
    assert (found.statistic, found.p_value) == (None, None)  # of both, and age is told
    assert found.values.largest is None
    for language, words in (("fr", "peu de personnes"), ("en", "few people")):
        assert words in Texts(language).words(check_finding(found))


def test_a_category_of_three_people_is_not_named(tmp_path: Path) -> None:
    values: list[object] = ["rare" if i % 50 == 0 else "aa" if i % 2 else "bb" for i in range(150)]
    told = compared(tmp_path, "diagnostic", people("diagnostic", values))
    assert "rare" not in json.dumps(told.to_dict(), ensure_ascii=False)
    assert [row.variable for row in check(told, BalanceCheck).rows] == ["age", "diagnostic=bb"]


def test_characteristics_are_told_whatever_the_outcome(tmp_path: Path) -> None:
    rows = people("enfants", [i % 4 for i in range(150)])
    always = [rows[0]]
    for row in rows[1:76]:
        cells = row.split(",")
        always.append(",".join([*cells[:4], "1", cells[5]]))  # all those accompanied are in work
    told = compared(tmp_path, "enfants", [*always, *rows[76:]])
    means = [row.mean_treated for row in check(told, BalanceCheck).rows]
    assert None not in means


@pytest.mark.parametrize(
    ("lost", "told_lost"),
    [
        (frozenset({1, 2, 3, 4, *range(80, 96)}), None),  # four of one group, sixteen of the other
        (frozenset({*range(12), *range(80, 96)}), 28),
        (frozenset[int](), 0),
    ],
)
def test_losses_of_both_groups_are_told_or_none(
    tmp_path: Path, lost: frozenset[int], told_lost: int | None
) -> None:
    told = compared(tmp_path, "enfants", people("enfants", [i % 4 for i in range(150)], lost))
    found = check(told, AttritionCheckRecord)
    assert found.values.lost == told_lost
    shown = [row.lost for row in found.rows] + [row.n for row in found.rows]
    if told_lost is None:
        assert set(shown) == {None}
        assert (found.statistic, found.values.differential, found.values.bias_cautious) == (
            None,
            None,
            None,
        )
    else:
        assert None not in shown
        for one in (*found.rows, found.values):
            share = one.overall if one is found.values else one.share
            assert share == pytest.approx(one.lost / one.n, rel=5e-4)  # to a tenth of a point
        gap = found.rows[0].share - found.rows[1].share
        assert found.values.differential == pytest.approx(gap, rel=5e-3)


def test_one_group_at_the_start_is_not_told_beside_everybody(tmp_path: Path) -> None:
    lost = frozenset({1, 2, 3, 4, 5, *range(80, 101)})
    told = compared(tmp_path, "enfants", people("enfants", [i % 4 for i in range(150)], lost))
    found = check(told, BalanceCheck)
    assert told.primary.headline.n_treated == 70
    assert told.data.flow[-1].dropped == 26  # of 150, and 75 on one side: five on the other
    groups = [(row.n_treated, row.n_comparison) for row in (found.values, *found.rows)]
    assert set(groups) == {(None, None)}
    assert found.rows[0].mean_treated is not None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0] * 27 + [1, 1, 2], 4),
        ([1.0] * 28 + [0.0] * 2, 2),
        ([0.1 + 0.2] * 9 + [0.3], 0),  # one answer, written with the error of a float
        ([float("nan"), 3.0, 4.0], 1),
        ([100.0 * k for k in range(12)], 66),
    ],
)
def test_a_total_tells_how_many_are_away_from_an_end(values: list[float], expected: int) -> None:
    assert rarest(values) == expected


def test_a_mean_of_nothing_but_a_few_is_kept_back(tmp_path: Path) -> None:
    rows = ["id,aide,age,emploi,revenu"]
    for i in range(80):
        stays = (2 if i == 0 else 1 if i in (4, 6) else 0) if i % 2 == 0 else i % 3
        rows.append(f"P{i},{int(i % 2 == 0)},{20 + i % 40},{stays},{900 + 7 * (i % 31)}")
    body = TWO_GROUPS.replace('unit = "share"', 'unit = "count"')
    main = release(evaluate(study_in(tmp_path, body, rows))).results.primary
    assert main.headline.estimate is not None
    assert main.mean_comparison is None
    assert main.estimate.details is not None
    assert main.estimate.details.mean_treated is None  # 0.1 of 40 people: four nights
