"""Sentences that a reader stumbled on: agreement, years, and whose limit a limit is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from impact_eval.core.estimate import Effect
from impact_eval.core.vocabulary import Direction, RowsAre
from impact_eval.report.blocks import Form, Words
from impact_eval.report.narrative_checks import _form
from impact_eval.report.narrative_limits import _of_level
from impact_eval.report.quantities import unit_of
from impact_eval.report.texts import Texts
from impact_eval.report.wording import Result, useful_sentence

EFFECT = Effect(outcome="y", estimand="att", term="att", estimate=5.0, std_error=1.0, conf_low=4.0,
                conf_high=6.0)  # fmt: skip
RESULT = Result(
    outcome="Emploi", unit=unit_of("number"), effect=EFFECT, level=3, method="did",
    direction=Direction.HIGHER, counterfactual=True, smallest_visible=None, smallest_useful=3.0,
    evidence=None, primary=True, withheld=False, counted=RowsAre.PEOPLE, clusters=RowsAre.PEOPLE,
)  # fmt: skip


def said(words: object) -> str:
    return Texts("fr").words(words)


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_vowel_takes_its_apostrophe(level: int) -> None:
    told = said(useful_sentence(replace(RESULT, level=level)))
    assert told.startswith(("L’intervalle entier correspond à un", "L’intervalle entier"))
    assert "que un" not in told


def test_a_year_is_no_amount() -> None:
    assert _form("group", [2018.0]) is Form.PLAIN
    assert _form("rmspe", [2018.0]) is Form.SIGNIFICANT


def test_a_limit_says_whose_it_is_when_levels_differ() -> None:
    """Page one attributes the first result; the limit of the other is not a limit of it."""
    other = replace(RESULT, outcome="Revenu", level=2)
    words = _of_level(other, [RESULT, other]).words
    assert isinstance(words, Words)
    assert said(words).endswith("Indicateur concerné : Revenu.".replace(" :", "\u00a0:"))
    alone = _of_level(other, [other]).words
    assert isinstance(alone, Words)
    assert alone.code == "limits.level2"


@pytest.mark.parametrize("treated", [1, 8])
def test_one_territory_agrees_like_eight(treated: int) -> None:
    told = said(Words(code="limits.few_corrected", values={"n": 24, "treated": treated}))
    assert f"24 territoires seulement, dont {treated} dans l’action" in told.replace("\u00a0", " ")
