"""Scores of short public scales, held to published totals and to the arithmetic of each manual."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact_eval.survey import instrument
from impact_eval.survey.scores import Scores


def scored(name: str, *rows: dict[str, object]) -> Scores:
    return instrument(name).score(pd.DataFrame(rows), licence_declared=True)


def row(name: str, answers: list[float]) -> dict[str, object]:
    return dict(zip(instrument(name).item_ids, answers, strict=True))


def band(scores: Scores) -> list[str]:
    return [name for name, n in scores.band_counts().items() if n]


@pytest.mark.parametrize(
    ("answers", "total", "level"),
    [
        ([0, 1, 1, 0, 2, 0], 4, "low_distress"),
        ([1, 1, 1, 1, 1, 0], 5, "moderate_distress"),
        ([4, 4, 4, 0, 0, 0], 12, "moderate_distress"),
        ([4, 3, 2, 1, 0, 3], 13, "serious_distress"),
        ([4] * 6, 24, "serious_distress"),
    ],
)
def test_psychological_distress(answers: list[float], total: float, level: str) -> None:
    """Kessler: 0 to 4 each; Prochaska et al.: 5 for a moderate distress, 13 for a serious one."""
    scores = scored("k6", row("k6", answers))
    assert scores.values.tolist() == [total]
    assert band(scores) == [level]
    assert [cut.id for cut in scores.cutoffs if cut.case] == ["serious_distress"]


def test_the_catalogue_recomputes_all_published_totals_of_the_ces_d(shared: Path) -> None:
    frame = pd.read_csv(shared / "data/fr/intl/help_longitudinal_items_sf36_cesd.csv")
    columns = [f"F1{letter}" for letter in "ABCDEFGHIJKLMNOPQRST"]
    scores = instrument("ces-d").score(frame, columns)
    whole = scores.answered == 20
    assert whole.sum() == 1439
    np.testing.assert_array_equal(scores.values[whole], frame["CES_D"].to_numpy()[whole])


@pytest.mark.parametrize(
    ("low_on", "level"),
    [(4, "under_both_thresholds"), (5, "over_threshold_of_men"), (11, "over_both_thresholds")],
)
def test_the_french_thresholds_of_the_ces_d(low_on: int, level: str) -> None:
    """Four reversed answers of 0 are 12 points: 16, 17 and 23 points in all."""
    asked = instrument("ces-d").items
    straight = [item.id for item in asked if not item.reversed]
    answers = {item.id: 0 for item in asked} | dict.fromkeys(straight[:low_on], 1)
    scores = scored("ces-d", answers)
    assert scores.values.tolist() == [12 + low_on]
    assert band(scores) == [level]


def test_support_is_five_pairs_of_two_to_eight() -> None:
    """Caron 2013: ten answers of 1 to 4, two by dimension."""
    scale = instrument("eps-10")
    pairs = {part.id: part.items for part in scale.subscales}
    assert sorted(name for pair in pairs.values() for name in pair) == sorted(scale.item_ids)
    answers = dict.fromkeys(scale.item_ids, 1) | dict.fromkeys(pairs["guidance"], 4)
    scores = scored("eps-10", answers, dict.fromkeys(scale.item_ids, "Fortement en accord"))
    assert scores.values.tolist() == [16, 40]
    assert scores.part("guidance").values.tolist() == [8, 8]
    assert scores.part("attachment").values.tolist() == [2, 8]


# The syntax of the authors: qobeys = 2 - obeys; sum of five when at least three are answered.
SDQ = {
    "emotional": ("somatic", "worries", "unhappy", "clingy", "afraid"),
    "conduct": ("tantrum", "-obeys", "fights", "lies", "steals"),
    "hyperactivity": ("restles", "fidgety", "distrac", "-reflect", "-attends"),
    "peer": ("loner", "-friend", "-popular", "bullied", "oldbest"),
    "prosocial": ("consid", "shares", "caring", "kind", "helpout"),
}


def test_difficulties_are_four_parts_of_five_as_the_syntax_of_the_authors(
    rng: np.random.Generator,
) -> None:
    scale = instrument("sdq")
    drawn = rng.integers(0, 3, (80, 25)).astype(float)
    drawn[rng.random(drawn.shape) < 0.3] = np.nan
    frame = pd.DataFrame(drawn, columns=list(scale.item_ids))
    scores = scale.score(frame, licence_declared=True)
    parts = {}
    for part, signed in SDQ.items():
        turned = [2 - frame[n[1:]] if n.startswith("-") else frame[n] for n in signed]
        answers = pd.concat(turned, axis=1)
        parts[part] = (5 * answers.mean(axis=1)).where(answers.notna().sum(axis=1) >= 3)
        np.testing.assert_allclose(scores.part(part).values, parts[part])
    total = sum(parts[part] for part in list(SDQ)[:4])
    np.testing.assert_allclose(scores.values, total)
    assert np.isnan(scores.values).any()
    assert (scores.low, scores.high, scores.n_items) == (0, 40, 20)


def test_prosocial_answers_are_better_high_and_are_no_difficulty() -> None:
    scale = instrument("sdq")
    reversed_items = {item.id for item in scale.items if item.reversed}
    calm = {name: 2 * (name in reversed_items) for name in scale.item_ids}
    kind = dict.fromkeys(("consid", "shares", "caring", "kind", "helpout"), 2)
    scores = scored("sdq", calm, calm | kind)
    assert scores.values.tolist() == [0, 0]
    assert scores.part("prosocial").values.tolist() == [0, 10]
    ways = {part.id: scores.part(part.id).direction.value for part in scale.subscales}
    assert ways.pop("prosocial") == "higher_is_better"
    assert set(ways.values()) == {"lower_is_better"} == {scores.direction.value}


def test_ties_with_family_and_friends() -> None:
    """Lubben et al. 2006: 12 of 30 is two people for each of the six questions."""
    few = row("lsns-6", [2, 1, 1, 3, 2, 2])
    scores = scored("lsns-6", few, row("lsns-6", [2] * 6))
    assert scores.values.tolist() == [11, 12]
    assert scores.band_counts() == {"at_risk_of_isolation": 1, "not_isolated": 1}
    assert scores.part("family").values.tolist() == [4, 6]
    assert scores.part("family").band_counts() == {"few_ties": 1}
    assert scores.part("friends").band_counts() == {"few_ties": 0}
    words = ["Aucun", "Un", "Deux", "Trois ou quatre", "Cinq à huit", "Neuf ou plus"]
    named = scored("lsns-6", dict(zip(instrument("lsns-6").item_ids, words, strict=True)))
    assert named.values.tolist() == [0 + 1 + 2 + 3 + 4 + 5]


def test_enough_to_eat_is_read_by_its_sentences() -> None:
    said = [
        "Vous pouvez manger tous les aliments que vous souhaitez",
        "Vous avez assez à manger mais pas tous les aliments que vous souhaiteriez",
        "Il vous arrive parfois de ne pas avoir assez à manger",
        "Il vous arrive souvent de ne pas avoir assez à manger",
    ]
    scores = instrument("food-sufficiency").score(pd.DataFrame({"food": said}))
    assert scores.values.tolist() == [1, 2, 3, 4]
    assert scores.band_counts() == {
        "all_foods_wished": 1, "not_all_foods_wished": 1, "not_enough_food": 2,
    }  # fmt: skip


def test_health_is_better_when_the_score_is_high() -> None:
    """The surveys have 1 = very good … 5 = very bad."""
    health = instrument("self-rated-health")
    words = ["Très bon", "Bonne", "Assez bon", "Mauvais", "Très mauvais"]
    assert health.score(pd.DataFrame({"health": words})).values.tolist() == [5, 4, 3, 2, 1]
    coded = health.score(pd.DataFrame({"health": [1, 2, 3, 4, 5]}))
    assert coded.values.tolist() == [5, 4, 3, 2, 1]
    assert "coded_both_ways" in {finding.code for finding in coded.findings}


def test_the_ladder_of_life_is_the_step() -> None:
    assert instrument("cantril").score(pd.DataFrame({"ladder": [0, 7, 10]})).values.tolist() == [
        0, 7, 10,
    ]  # fmt: skip


def test_a_ladder_of_domains_is_read_by_domain_and_called_local() -> None:
    ladder = instrument("ladder")
    scores = scored("ladder", row("ladder", [1, 2, 3, 4, 5, 6, 7, 10]))
    assert [scores.part(name).values[0] for name in ladder.item_ids] == [1, 2, 3, 4, 5, 6, 7, 10]
    assert np.isnan(scores.values).all()
    assert "local_scale" in {finding.code for finding in scores.findings}
