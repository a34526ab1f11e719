"""Cohorts of few people: neither their rows, nor what gives them back, nor what repeats them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_studies import study_in

from impact_eval.pipeline.evaluate import evaluate
from impact_eval.pipeline.leak_numbers import number_leaks
from impact_eval.report.narrative_checks import check_finding
from impact_eval.report.texts import Texts
from impact_eval.results.checks_of_groups import AttritionCheckRecord, BalanceCheck
from impact_eval.results.checks_of_time import PretrendsCheck
from impact_eval.results.estimates import EstimateRecord, Role
from impact_eval.results.gate import release
from impact_eval.results.gate_leaves import exactly
from impact_eval.results.gate_rows import secrets_of
from impact_eval.results.records import StudyResults

COHORTS = """[data.roles]
unit = "id"
time = "an"
cohort = "entree"
[method]
name = "{method}"
[[outcomes]]
id = "revenu"
label = "Revenu"
column = "revenu"
unit = "eur"
primary = true
"""


def panel(sizes: dict[int | None, int], seed: int = 0) -> list[str]:
    """Rows of people followed over five years, so many entering each year, or never."""
    rng = np.random.default_rng(seed)
    rows = ["id,an,entree,revenu"]
    entries = [entry for entry, n in sizes.items() for _ in range(n)]
    for i, entry in enumerate(entries):
        level = rng.normal(1000, 150)
        for year in range(2020, 2025):
            helped = entry is not None and year >= entry
            income = level + 20 * (year - 2020) + 80 * helped + rng.normal(0, 50)
            rows.append(f"P{i},{year},{entry or ''},{income:.2f}")
    return rows


def both(folder: Path, method: str, sizes: dict[int | None, int]) -> tuple[StudyResults, ...]:
    """Compute a study; return it as computed and as released."""
    study = study_in(folder, COHORTS.format(method=method), panel(sizes))
    whole = evaluate(study)
    return whole, release(whole).results


def of_role(results: StudyResults, role: Role) -> EstimateRecord:
    """Return the estimate of a role."""
    return next(record for record in results.estimates if record.role is role)


@pytest.mark.parametrize("method", ["callaway_santanna", "imputation", "sun_abraham"])
def test_a_cohort_of_five_is_not_the_rest_of_the_whole(tmp_path: Path, method: str) -> None:
    _, told = both(tmp_path, method, {2022: 20, 2023: 5, None: 35})
    assert told.primary.headline.estimate is not None
    cells = of_role(told, Role.CELLS).estimate.effects
    shown = {row.group for row in cells if row.estimate is not None and row.group is not None}
    assert shown == set()  # with that of 2022, the mean of both gave that of 2023


def test_the_attack_does_not_hold_one_group_against_the_other(tmp_path: Path) -> None:
    _, told = both(tmp_path, "callaway_santanna", {2022: 25, None: 35})
    found = next(c.check for c in told.checks if isinstance(c.check, AttritionCheckRecord))
    assert [row.n for row in found.rows] == [25, 35]
    assert number_leaks(told) == ()


def test_a_cohort_of_five_among_three_takes_the_smallest_with_it(tmp_path: Path) -> None:
    _, told = both(tmp_path, "callaway_santanna", {2022: 20, 2023: 5, 2024: 14, None: 35})
    cells = of_role(told, Role.CELLS).estimate.effects
    shown = {row.group for row in cells if row.estimate is not None}
    assert shown == {2022.0}


def test_cohorts_of_enough_people_are_all_told(tmp_path: Path) -> None:
    _, told = both(tmp_path, "callaway_santanna", {2022: 20, 2023: 16, None: 24})
    rows = [
        *of_role(told, Role.CELLS).estimate.effects,
        *of_role(told, Role.EVENT).estimate.effects,
    ]
    assert None not in [row.estimate for row in rows]


TWO_DATES = """[data.roles]
unit = "id"
time = "an"
cohort = "entree"
[method]
name = "did"
[[outcomes]]
id = "revenu"
label = "Revenu"
column = "revenu"
unit = "eur"
primary = true
"""


def released_pair(folder: Path, lost: frozenset[str]) -> StudyResults:
    """Release a study of 50 people and 50 others seen twice, some of the former once."""
    rows = [r for r in panel({2021: 50, None: 50}) if r.split(",")[1] in ("an", "2020", "2021")]
    kept = [r for r in rows if not (r.split(",")[1] == "2021" and r.split(",")[0] in lost)]
    return release(evaluate(study_in(folder, TWO_DATES, kept))).results


def test_a_test_over_a_size_does_not_tell_people_kept_back(tmp_path: Path) -> None:
    told = released_pair(tmp_path, frozenset({"P1", "P4", "P9", "P20", "P33"}))
    assert told.primary.headline.n_treated == 45
    found = next(c.check for c in told.checks if isinstance(c.check, BalanceCheck))
    row = found.rows[0]
    assert row.n_treated is None  # 50 at the start, and the five who left
    assert row.standardised is not None
    assert (row.p_value, found.p_value, found.statistic) == (None, None, None)


def test_groups_that_lost_nobody_are_told_at_the_start(tmp_path: Path) -> None:
    told = released_pair(tmp_path, frozenset())
    found = next(c.check for c in told.checks if isinstance(c.check, AttritionCheckRecord))
    assert [(row.n, row.lost) for row in found.rows] == [(50, 0), (50, 0)]
    balance = next(c.check for c in told.checks if isinstance(c.check, BalanceCheck))
    assert balance.rows[0].p_value is not None
    assert number_leaks(told) == ()
    assert not told.disclosure.withheld


def test_a_date_kept_back_is_not_the_largest_gap_of_a_check(tmp_path: Path) -> None:
    whole, told = both(tmp_path, "callaway_santanna", {2022: 20, 2023: 5, None: 35})
    event = of_role(told, Role.EVENT).estimate.effects
    assert [row.time for row in event if row.estimate is None] == [-2.0, 2.0]
    found = next(c.check for c in told.checks if isinstance(c.check, PretrendsCheck))
    assert found.values is not None
    assert found.values.largest is None
    assert found.values.effect is not None
    if found.reason in ("pretrends_differ", "pretrends_as_large"):
        assert "peu de personnes" in Texts("fr").words(check_finding(found))
    secret = secrets_of(whole.estimates, told.estimates)
    hidden = [row for row in of_role(whole, Role.EVENT).estimate.effects if row.time == -2]
    assert exactly(hidden[0].estimate or 0.0) in secret
    assert exactly(whole.primary.headline.estimate or 0.0) not in secret
