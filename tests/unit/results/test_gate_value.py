"""No amount, and nothing said of a value map, gives back a count or a mean that is kept back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from small_studies import arms, study_in, work
from study_texts import map_text

from impact_eval.pipeline.evaluate import evaluate
from impact_eval.pipeline.report import Report
from impact_eval.report import narrative
from impact_eval.report.html import preview_html
from impact_eval.results.account_records import AccountSection, ValueRefused
from impact_eval.results.finding_records import RefusalRecord
from impact_eval.results.records import StudyResults

HOUSING = """[[outcomes]]
id = "logement"
label = { fr = "Logement", en = "Housing" }
column = "logement"
unit = "share"
[value]
map = "carte.toml"
"""
PRICED = 'proxy_source = "Insee, 2023, p. 4"\nduration = 1\n'
LINKED = 'unit = "share"\nestimate = "logement"\npeople = '
TYPED = 'unit = "count"\nquantity = 80\ndeadweight = "20 %"\n'


def told(
    folder: Path,
    line: str,
    *,
    lost: int = 0,
    privacy: str = "",
    covariates: str = "",
    housed: float = 0.75,
) -> StudyResults:
    """Two hundred people, half of them accompanied, of whom some are not asked where they live."""
    rng = np.random.default_rng(0)
    rows = ["id,aide,age,emploi,logement"]
    for i in range(200):
        helped = int(i < 100)
        works = int(rng.random() < 0.35 + 0.30 * helped)
        home = int(rng.random() < (housed if helped else 0.35))
        rows.append(f"P{i},{helped},{20 + i % 40},{works},{'' if i < lost else home}")
    folder.mkdir(exist_ok=True)
    carte = map_text(f"{PRICED}{line}", stakeholder="Personnes", outcome="Logement")
    (folder / "carte.toml").write_text(carte, encoding="utf-8")
    study = study_in(folder, arms(more=covariates) + work() + HOUSING + privacy, rows)
    return Report(evaluate(study))._results


def findings(results: StudyResults, code: str) -> list[Mapping[str, object]]:
    assert isinstance(results.value, AccountSection)
    return [f.values for f in results.value.findings if f.code == code]


def page(results: StudyResults, language: str) -> str:
    blocks = [*narrative.summary_blocks(results), *narrative.value_blocks(results)]
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", preview_html(blocks, language)))


@pytest.mark.parametrize("people", [300, 5000])
def test_the_people_of_the_study_are_not_said_where_they_are_kept_back(
    tmp_path: Path, people: int
) -> None:
    results = told(tmp_path, f"{LINKED}{people}", lost=3)
    assert results.of("logement").headline.n_treated is None  # 100 are told of employment
    (said,) = findings(results, "guard_people_beyond_study")
    assert (said["n"], said["people"]) == (None, people)
    for language, words in (("fr", "bien plus que l’étude"), ("en", "more than the study")):
        assert words in page(results, language)
        assert not re.search(r"\b97 (personnes|people)", page(results, language))


def test_the_people_of_the_study_are_said_where_they_are_told(tmp_path: Path) -> None:
    results = told(tmp_path, f"{LINKED}300")
    assert [v["n"] for v in findings(results, "guard_people_beyond_study")] == [100]
    assert "100 personnes accompagnées" in page(results, "fr")


def test_the_bounds_of_a_typed_quantity_do_not_tell_its_people(tmp_path: Path) -> None:
    """Both are people times a bound that is printed: 47.821 / 0.493 is 97."""
    hidden = told(tmp_path / "a", TYPED, lost=3)
    (said,) = findings(hidden, "declared_beyond_study")
    assert (said["n"], said["low"], said["high"], said["found"]) == (None, None, None, 64)
    assert "ne le confirme pas" in page(hidden, "fr")
    assert "does not confirm it" in page(hidden, "en")
    shown = told(tmp_path / "b", TYPED)
    row = shown.of("logement").headline
    (said,) = findings(shown, "declared_beyond_study")
    assert (said["n"], said["low"]) == (100, pytest.approx(100 * (row.conf_low or 0)))
    assert "en trouve entre" in page(shown, "fr")


def test_a_profile_that_rounds_counts_rounds_none_of_them_for_nothing(tmp_path: Path) -> None:
    results = told(tmp_path, TYPED, lost=12, privacy='[privacy]\nprofile = "caf"\n')
    (said,) = findings(results, "declared_beyond_study")
    assert said["low"] is said["high"] is None  # 88 people, told as 90


def test_bounds_of_people_who_are_declared_are_told(tmp_path: Path) -> None:
    results = told(tmp_path, f"{TYPED}people = 110\n", lost=3)
    row = results.of("logement").headline
    (said,) = findings(results, "declared_beyond_study")
    assert said["low"] == pytest.approx(110 * (row.conf_low or 0))
    assert "en trouve entre" in page(results, "fr")


def test_no_amount_is_told_of_just_the_people_kept_back(tmp_path: Path) -> None:
    results = told(tmp_path, f"{LINKED}97", lost=3)
    assert results.value == ValueRefused(not_applicable="value_people_withheld")
    assert "ne publie pas" in page(results, "fr")
    assert "does not publish" in page(results, "en")
    text = json.dumps(results.to_dict(), ensure_ascii=False)
    assert not re.search(r"(?<![\d.])97(?![\d.])", text)
    for people in (100, 110):  # those accompanied, whether or not all of them were asked
        assert isinstance(
            told(tmp_path / f"{people}", f"{LINKED}{people}", lost=3).value, AccountSection
        )


@pytest.mark.parametrize("housed", [0.97, 1.0])
def test_a_deadweight_does_not_tell_the_mean_kept_back(tmp_path: Path, housed: float) -> None:
    """With the effect, it gives the mean of those accompanied: effect / (1 - deadweight)."""
    ages = 'covariates = ["age"]\n'
    results = told(tmp_path / "a", f"{LINKED}100", covariates=ages, housed=housed)
    assert results.of("logement").mean_comparison is None
    assert results.of("logement").headline.estimate is not None
    assert isinstance(results.value, AccountSection)
    (line,) = results.value.quantities.lines
    assert isinstance(line.deadweight, RefusalRecord)
    assert line.deadweight.not_applicable == "deadweight_withheld"
    usual = told(tmp_path / "b", f"{LINKED}100", covariates=ages).value
    assert isinstance(usual, AccountSection)
    assert not isinstance(usual.quantities.lines[0].deadweight, RefusalRecord)
