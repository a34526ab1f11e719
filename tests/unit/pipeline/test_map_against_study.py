"""A value map read with its study: what they say of each other, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from value_study import value_study

import impact_eval as ie
from impact_eval.core.findings import ImpactEvalError
from impact_eval.report import narrative
from impact_eval.report.html import preview_html
from impact_eval.results.account_records import AccountSection, account_from_record
from impact_eval.results.records import StudyResults

PEOPLE = "people = 200"


def asked(folder: Path, old: str, new: str) -> StudyResults:
    """Evaluate the small study with one change of its map."""
    study = value_study(folder / "etude")
    carte = study / "carte.toml"
    text = carte.read_text("utf-8")
    assert old in text
    carte.write_text(text.replace(old, new), encoding="utf-8")
    return ie.evaluate(ie.Study.read(study))


def said(results: StudyResults, language: str) -> str:
    return preview_html(narrative.value_blocks(results), language)


def value(results: StudyResults) -> AccountSection:
    assert isinstance(results.value, AccountSection)
    return results.value


def test_forty_eight_thousand_people_for_a_hundred_followed(tmp_path: Path) -> None:
    results = asked(tmp_path, PEOPLE, "people = 48000")
    codes = [f.code for f in value(results).findings]
    assert "guard_people_beyond_study" in codes
    assert value(results).told.net.estimate is None
    for language, word in (("fr", "Aucune valeur en euros"), ("en", "No value in euros")):
        assert word in said(results, language)


@pytest.mark.parametrize(
    ("stated", "worth", "told"),
    [("", 1, False), ('direction = "lower_is_better"\n', -1, True)],
)
def test_the_direction_is_that_of_the_study(
    tmp_path: Path, stated: str, worth: int, told: bool
) -> None:
    results = asked(tmp_path, PEOPLE, stated + PEOPLE)
    benefits = float(account_from_record(value(results)).sroi().benefits)
    assert benefits * worth > 0
    codes = [f.code for f in value(results).findings]
    assert ("direction_against_study" in codes) is told
    assert (value(results).told.net.estimate is None) is told


def test_a_map_in_another_money_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImpactEvalError) as refused:
        asked(tmp_path, 'currency = "EUR"', 'currency = "GBP"')
    assert "report_in_euros" in refused.value.codes


def test_the_deadweight_is_the_means_of_the_two_groups(tmp_path: Path) -> None:
    results = asked(tmp_path, PEOPLE, PEOPLE)
    table = (tmp_path / "etude" / "donnees.csv").read_text("utf-8").splitlines()[1:]
    rows = [line.split(",") for line in table]
    means = [
        sum(int(y) for _, helped, y in rows if helped == group)
        / sum(1 for _, helped, _ in rows if helped == group)
        for group in ("0", "1")
    ]
    (line,) = value(results).quantities.lines
    assert line.deadweight.value == pytest.approx(means[0] / means[1], abs=0.02)
    assert 0 <= line.deadweight.conf_low < line.deadweight.value < line.deadweight.conf_high <= 1
