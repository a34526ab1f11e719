"""An interval against the smallest effect that a study declares useful, on the side hoped for."""

from __future__ import annotations

import pytest

from impact_eval.core.estimate import Effect
from impact_eval.core.vocabulary import Direction, RowsAre
from impact_eval.report.quantities import unit_of
from impact_eval.report.texts import Texts
from impact_eval.report.wording import Result, caution_sentences, useful_sentence

UP, DOWN, NEITHER = Direction.HIGHER, Direction.LOWER, Direction.NEITHER


def result(
    low: float | None, high: float | None, *, direction: Direction = UP, useful: float | None = 3.0,
    level: int = 3,
) -> Result:  # fmt: skip
    middle = None if low is None or high is None else (low + high) / 2
    effect = Effect(outcome="y", estimand="att", term="att", estimate=middle, std_error=1.0,
                    conf_low=low, conf_high=high)  # fmt: skip
    return Result(
        outcome="y", unit=unit_of("number"), effect=effect, level=level, method="did",
        direction=direction, counterfactual=True, smallest_visible=None, smallest_useful=useful,
        evidence=None, primary=True, withheld=False, counted=RowsAre.PEOPLE,
        clusters=RowsAre.PEOPLE,
    )  # fmt: skip


CASES = [
    (4.0, 6.0, UP, "reached"), (3.0, 6.0, UP, "reached"), (2.0, 6.0, UP, "open"),
    (-1.0, 2.9, UP, "excluded"), (-9.0, -4.0, UP, "excluded"), (-1.0, 3.0, UP, "open"),
    (-6.0, -4.0, DOWN, "reached"), (-6.0, 1.0, DOWN, "open"), (-2.0, 9.0, DOWN, "excluded"),
    (4.0, 6.0, NEITHER, "reached"), (-6.0, -4.0, NEITHER, "reached"),
    (-2.0, 2.0, NEITHER, "excluded"), (-6.0, 1.0, NEITHER, "open"), (-1.0, 3.0, NEITHER, "open"),
]  # fmt: skip


@pytest.mark.parametrize(("low", "high", "direction", "expected"), CASES)
def test_how_an_interval_stands_to_what_is_useful(
    low: float, high: float, direction: Direction, expected: str
) -> None:
    words = useful_sentence(result(low, high, direction=direction))
    assert words is not None
    assert words.code == f"sentence.useful.{expected}"


def test_nothing_is_said_without_an_interval_or_a_threshold() -> None:
    assert useful_sentence(result(None, None)) is None
    assert useful_sentence(result(1.0, 2.0, useful=None)) is None
    assert useful_sentence(result(1.0, 2.0, level=0)) is None


WORDS = {1: ("une évolution", "a change"), 2: ("un écart", "a difference"),
         3: ("un effet", "an effect"), 4: ("un effet", "an effect")}  # fmt: skip


@pytest.mark.parametrize("level", WORDS)
def test_the_words_obey_the_level(level: int) -> None:
    words = caution_sentences(result(-1.0, 2.0, level=level))[-1]
    for language, noun in zip(("fr", "en"), WORDS[level], strict=True):
        said = Texts(language).words(words)
        assert noun in said
        assert "3" in said
        assert ("exclut" if language == "fr" else "excludes") in said


def test_the_side_is_told_when_one_is_hoped_for() -> None:
    one, either = (useful_sentence(result(0.0, 1.0, direction=d)) for d in (DOWN, NEITHER))
    assert one is not None
    assert either is not None
    assert "dans le sens attendu" in Texts("fr").words(one)
    assert "dans le sens attendu" not in Texts("fr").words(either)
