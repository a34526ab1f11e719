"""What counts people in another guise is withheld with the count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_studies import TWO_GROUPS, study_in

from impact_eval.pipeline.evaluate import evaluate
from impact_eval.results.disclosure.attack_shares import (
    CountRange,
    shown_difference,
    two_group_counts,
)
from impact_eval.results.estimates import Role
from impact_eval.results.gate import release
from impact_eval.results.records import StudyResults


def results(
    folder: Path,
    treated: int,
    yes: tuple[int, int],
    n: int,
    *,
    lost: int = 0,
    profile: str = "menages",
    covariance: str = "",
) -> StudyResults:
    """Compute a study: so many treated, so many in work among them and the others."""
    rng = np.random.default_rng(1)
    rows = ["id,aide,emploi,revenu"]
    for i in range(n):
        arm = int(i < treated)
        rank = i if arm else i - treated
        income = "" if lost > 0 and i >= n - lost else f"{rng.normal(1000, 150):.2f}"
        rows.append(f"P{i},{arm},{int(rank < yes[1 - arm])},{income}")
    body = TWO_GROUPS.replace('covariates = ["age"]\n', "")
    if covariance:
        body = body.replace("[method]\n", f"[method]\ncovariance = {covariance}\n")
    return evaluate(study_in(folder, body + f'[privacy]\nprofile = "{profile}"\n', rows))


def test_degrees_of_freedom_are_people_less_two(tmp_path: Path) -> None:
    """Three incomes are missing: the counts of incomes are withheld, and so are their degrees."""
    whole = results(tmp_path, 40, (20, 20), 80, lost=3)
    published = release(whole).results
    work, income = (record.headline for record in published.headlines)
    assert (work.n_treated, work.n_comparison) == (40, 40)
    assert work.df == pytest.approx(whole.headlines[0].headline.df, rel=1e-2)
    assert income.estimate is not None
    assert (income.n_treated, income.n_comparison, income.df) == (None, None, None)


def test_a_withheld_row_has_no_degrees_of_freedom(tmp_path: Path) -> None:
    """Six people treated: their number would be read in Welch's degrees of freedom."""
    whole = results(tmp_path, 6, (3, 30), 60)
    record = whole.of("revenu")
    welch = record.headline.model_copy(update={"df": 5.3})
    fit = record.estimate.model_copy(update={"effects": (welch,)})
    changed = record.model_copy(update={"estimate": fit})
    records = tuple(changed if r is record else r for r in whole.estimates)
    released = release(whole.model_copy(update={"estimates": records}))
    row = released.results.of("revenu").headline
    assert (row.estimate, row.n_treated, row.df) == (None, None, None)


def test_counts_are_rounded_alike_everywhere_and_small_ones_are_not_rounded_out(
    tmp_path: Path,
) -> None:
    """Profile caf rounds to 5: 13 is told as 15; 12 would be told as 10, which is under 11."""
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    row = release(results(first, 27, (13, 14), 58, profile="caf")).results.headlines[1].headline
    assert (row.n_treated, row.n_comparison, row.df) == (25, 30, None)
    few = release(results(second, 12, (6, 20), 60, profile="caf")).results.headlines[1]
    assert few.withheld
    assert few.headline.n_treated is None


def test_a_difference_of_shares_gives_the_shares_back(tmp_path: Path) -> None:
    """Three of 40 in work against 20 of 40: the difference and its error are enough to know it."""
    published = release(results(tmp_path, 40, (3, 20), 80)).results
    work = published.headlines[0]
    assert work.withheld
    assert work.headline.estimate is None
    assert work.headline.std_error is None
    assert work.estimate.details is not None
    assert set(work.estimate.details.model_dump().values()) == {None}
    assert "share_of_few" in {line.rule for line in published.disclosure.log}


def test_large_shares_are_told(tmp_path: Path) -> None:
    work = release(results(tmp_path, 40, (17, 22), 80)).results.headlines[0]
    assert not work.withheld
    assert work.estimate.details is not None
    assert work.estimate.details.mean_treated == pytest.approx(17 / 40, abs=0.01)


def test_one_answer_for_all_is_told_in_a_finding(tmp_path: Path) -> None:
    """All 40 in work: the difference gives it back, and is withheld; the finding stays."""
    published = release(results(tmp_path, 40, (40, 20), 80)).results
    assert published.headlines[0].withheld
    assert [f.outcomes for f in published.findings if f.code == "homogeneous_group"] == [
        ("emploi",)
    ]


def test_the_usual_error_of_a_small_study_does_not_tell_its_shares(tmp_path: Path) -> None:
    """Nine of twelve and three of twelve: the difference and the usual error say just that."""
    whole = results(tmp_path, 12, (9, 3), 24)
    row = whole.primary.headline
    shown = shown_difference(row.estimate or 0.0, row.std_error or 0.0)
    assert shown is not None
    assert two_group_counts(shown, 12, 12)[0] == CountRange(9, 9, 1)
    published = release(whole).results
    work = [record for record in published.estimates if record.outcome == "emploi"]
    assert {record.role for record in work} == {Role.MAIN, Role.ANALYTIC}
    assert {(r.headline.estimate, r.headline.std_error) for r in work} == {(None, None)}
    beside = published.dossier["emploi"].inference
    assert beside is not None
    assert {(line.std_error, line.conf_low) for line in beside.rows} == {(None, None)}


def test_the_usual_error_beside_a_draw_does_not_tell_the_shares(tmp_path: Path) -> None:
    """The draw asked for by name has no error, and is told; the error beside it gives them back."""
    fewer = '{ name = "randomisation", options = { draws = 199 } }'  # as good to hold it by
    whole = results(tmp_path, 12, (9, 3), 24, covariance=fewer)
    published = release(whole).results
    assert published.primary.headline.estimate is not None
    assert published.primary.headline.std_error is None
    computed, beside = (r.dossier["emploi"].inference for r in (whole, published))
    assert computed is not None
    assert beside is not None
    usual = next(row for row in computed.rows if row.status == "beside")
    shown = shown_difference(usual.estimate or 0.0, usual.std_error or 0.0)
    assert shown is not None
    assert two_group_counts(shown, 12, 12)[0] == CountRange(9, 9, 1)
    told = {row.status: (row.std_error, row.conf_low is not None) for row in beside.rows}
    assert told == {"headline": (None, True), "beside": (None, False)}


def test_how_few_people_there_are_is_kept_back_with_their_count(tmp_path: Path) -> None:
    """Thirty-three incomes, three of them missing: the warning of few people does not tell it."""
    whole = results(tmp_path, 18, (9, 9), 36, lost=3)
    computed, told = (
        [
            f.values["n"]
            for f in r.findings
            if f.code == "few_clusters" and f.outcomes == ("revenu",)
        ]
        for r in (whole, release(whole).results)
    )
    assert (computed, told) == ([33], [None])
