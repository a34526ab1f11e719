"""Outcomes declared as a family: corrected as other software does, told, and kept back whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_studies import INCOME, arms, study_in, work
from statsmodels.stats.multitest import multipletests

from impact_eval import ImpactEvalError, StudyResults, evaluate
from impact_eval.report.narrative_families import family_blocks
from impact_eval.report.texts import Texts
from impact_eval.results.gate import release
from impact_eval.stats.inference.multiplicity import joint_step_down

FAMILY = 'family = "insertion"\n'
HOURS = '[[outcomes]]\nid = "heures"\nlabel = "Heures"\ncolumn = "heures"\nunit = "hours"\n'


def _rows(n: int = 400, *, known: int = 400) -> list[str]:
    """People of two groups; hours are those of the first `known` alone."""
    rng = np.random.default_rng(1)
    rows = ["id,aide,emploi,revenu,heures"]
    for i in range(n):
        helped = i % 2
        working = int(rng.random() < 0.2 + 0.2 * helped)
        income = rng.gamma(9, 120) + 75 * helped
        hours = f"{rng.gamma(4, 5) + 1.5 * helped:.2f}" if i < known else ""
        rows.append(f"P{i},{helped},{working},{income:.2f},{hours}")
    return rows


def _results(folder: Path, *, protocol: str = "", family: str = FAMILY) -> StudyResults:
    body = arms() + work() + family + INCOME + family + HOURS + family + protocol
    return evaluate(study_in(folder, body, _rows()))


def _told(results: StudyResults) -> str:
    texts = Texts("fr")
    words = [getattr(block, "words", ()) for block in family_blocks(results)]
    parts = [part for each in words for part in (each if isinstance(each, tuple) else (each,))]
    return " ".join(texts.words(part) for part in parts)


@pytest.mark.parametrize(
    ("declared", "peer"),
    [(None, "holm"), ("bonferroni", "bonferroni"), ("hochberg", "simes-hochberg"),
     ("hommel", "hommel"), ("bh", "fdr_bh"), ("by", "fdr_by")],
)  # fmt: skip
def test_values_of_a_family_are_those_of_statsmodels(
    tmp_path: Path, declared: str | None, peer: str
) -> None:
    protocol = f'[protocol]\ncorrection = "{declared}"\n' if declared else ""
    results = _results(tmp_path / "etude", protocol=protocol)
    alone = [record.headline.p_value for record in results.headlines]
    expected = multipletests(alone, method=peer)[1]
    families = [record.family for record in results.headlines]
    assert [f.adjusted for f in families if f] == pytest.approx(list(expected))
    assert {(f.name, f.outcomes, f.correction) for f in families if f} == {
        ("insertion", 3, declared or "holm")
    }


def test_the_report_tells_how_many_and_what_is_left(tmp_path: Path) -> None:
    results = _results(tmp_path / "etude")
    told = _told(release(results).results)
    assert "Avec 3 résultats examinés ensemble" in told
    assert "corrigées pour ce nombre (méthode : Holm)" in told.replace("\u00a0", " ")
    clear = [r for r in results.headlines if r.family and (r.family.adjusted or 0) <= 0.05]
    assert ("un seul se distingue" in told) == (len(clear) == 1)
    once = [r for r in results.headlines if (r.headline.p_value or 1) <= 0.05]
    assert ("s’en distinguait" in told) == (len(once) == len(clear) + 1)


def test_nothing_is_said_of_what_was_not_declared(tmp_path: Path) -> None:
    results = _results(tmp_path / "etude", family="")
    assert all(record.family is None for record in results.estimates)
    assert family_blocks(results) == []


def test_a_family_with_an_outcome_kept_back_is_kept_back(tmp_path: Path) -> None:
    """The corrected value of one is made from the p-values of the others."""
    body = arms() + work() + FAMILY + HOURS + FAMILY
    study = study_in(tmp_path / "etude", body, _rows(known=14))
    told = release(evaluate(study)).results
    assert [record.withheld for record in told.headlines] == [False, True]
    assert [record.family.adjusted for record in told.headlines if record.family] == [None, None]
    assert "ne le sont pas non plus" in _told(told)


def test_the_same_question_twice_is_one_question() -> None:
    rng = np.random.default_rng(3)
    p = joint_step_down([0.03, 0.03], np.ones((2, 2)), rng=rng)
    np.testing.assert_allclose(p, 0.03, atol=0.004)


def test_independent_outcomes_cost_what_sidak_says() -> None:
    """Three of them: 1 - (1 - p)^3 for the smallest, then two, then one."""
    p = [0.01, 0.04, 0.3]
    found = joint_step_down(p, np.eye(3), rng=np.random.default_rng(0), draws=200_000)
    expected = np.maximum.accumulate([1 - (1 - q) ** k for q, k in zip(p, (3, 2, 1), strict=True)])
    np.testing.assert_allclose(found, expected, atol=0.004)
    lost = np.diag([1.0, np.nan, 1.0])
    again = joint_step_down(p, lost, rng=np.random.default_rng(0), draws=200_000)
    np.testing.assert_allclose(again, expected, atol=0.004)


def test_errors_of_a_family_stay_below_five_per_cent() -> None:
    """Outcomes that move together, no effect: at least one error in at most 5% of the draws."""
    rng = np.random.default_rng(7)
    covariance = 0.8 + 0.2 * np.eye(4)
    root = np.linalg.cholesky(covariance)
    from scipy.special import ndtr

    wrong = 0
    for _ in range(600):
        p = 2 * ndtr(-np.abs(root @ rng.normal(size=4)))
        wrong += bool((joint_step_down(p, covariance, rng=rng, draws=999) <= 0.05).any())
    assert 0.02 < wrong / 600 < 0.08  # binomial 99.9 % around 5 %


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (arms() + work() + FAMILY + INCOME, "family_alone"),
        (arms() + work() + INCOME + '[protocol]\ncorrection = "holm"\n', "correction_of_nothing"),
        (arms() + work() + FAMILY + INCOME + FAMILY + '[protocol]\ncorrection = "aucune"\n',
         "wrong_choice"),
        (arms() + work() + 'family = "À part"\n' + INCOME + FAMILY, "bad_identifier"),
    ],
)  # fmt: skip
def test_a_family_that_corrects_nothing_is_refused(tmp_path: Path, body: str, code: str) -> None:
    with pytest.raises(ImpactEvalError) as error:
        study_in(tmp_path / "etude", body, _rows(40))
    assert code in error.value.codes
    assert "{" not in str(error.value)
