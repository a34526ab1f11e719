"""The wording obeys the evidence level, in both languages; a null result is said in plain words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest

from impact_eval.core.vocabulary import Direction
from impact_eval.report.blocks import (
    AnyBlock,
    Decision,
    Evidence,
    Messages,
    Number,
    Paragraph,
    Said,
)
from impact_eval.report.narrative import (
    decision_blocks,
    effect_blocks,
    report_blocks,
    summary_blocks,
)
from impact_eval.report.quantities import KNOWN_UNITS, digits_for, unit_of
from impact_eval.report.texts import Texts
from impact_eval.report.wording import (
    Result,
    ZeroVerdict,
    caution_sentences,
    headline_results,
    main_sentence,
    result_of,
)
from impact_eval.results.records import StudyResults

MakeResults = Callable[..., StudyResults]


def result_sentences(result: Result) -> tuple[Said, ...]:
    """Return everything the report says of a result in a row."""
    return (main_sentence(result), *caution_sentences(result))


# Words that attribute: none may stand in what is said of a result below level 3.
CAUSAL = {
    "fr": r"\b(effets?|impacts?|caus\w+|grâce|permet\w*|permis de|entraîn\w+|provoqu\w+|amélior\w+|"
    r"rédui\w+|augment\w+|diminu\w+|attribu\w+|imput\w+|produi\w+|génèr\w+|fait (?:baisser|monter)|"
    r"conduit|contribu\w+|du fait|en raison|parce que|dû|due|dus|bénéfici\w+ de)\b",
    "en": r"\b(effects?|impacts?|caus\w+|thanks|allow\w*|led to|lead\w* to|improv\w+|reduc\w+|"
    r"increas\w+|decreas\w+|attribut\w+|because|produc\w+|generat\w+|due to|contribut\w+|made)\b",
}
LEVELS_BELOW = (1, 2)
RESULTS = {
    "clear": (0.062, 0.02),
    "null": (0.01, 0.03),
    "down": (-0.08, 0.02),
    "point": (0.05, 0.0),
}


def said_of_results(blocks: list[AnyBlock], texts: Texts) -> list[str]:
    """Every sentence that speaks of a result: headline paragraphs, key messages."""
    out = []
    for block in blocks:
        if isinstance(block, Paragraph) and block.evidence_level is not None:
            out += [texts.words(words) for words in block.words]
        if isinstance(block, Messages) and block.ordered:
            out += [texts.words(words) for words in block.items]
    return out


@pytest.mark.parametrize("language", ["fr", "en"])
def test_catalogue_sentences_below_level_3_hold_no_causal_verb(language: str) -> None:
    texts = Texts(language)
    below = [
        key
        for key in texts.codes()
        if re.match(r"sentence\.level[012]\.|soft\.sentence|soft\.caution", key)
    ]
    assert len(below) >= 10
    found = {k: re.findall(CAUSAL[language], texts.source(k).many.lower()) for k in below}
    assert {k: v for k, v in found.items() if v} == {}


@pytest.mark.parametrize(
    ("level", "kind", "language"), itertools.product(LEVELS_BELOW, RESULTS, ["fr", "en"])
)
def test_no_causal_verb_below_level_3(
    make_results: MakeResults, level: int, kind: str, language: str
) -> None:
    results = make_results(level, *RESULTS[kind])
    texts = Texts(language)
    said = said_of_results([*summary_blocks(results), *effect_blocks(results)], texts)
    assert said
    for record in results.estimates:
        for label in (record.label.fr, record.label.en):
            assert label is not None
            said = [sentence.replace(label, "…") for sentence in said]
    for sentence in said:
        assert not re.search(CAUSAL[language], sentence.lower()), sentence


def test_the_words_of_each_level(make_results: MakeResults) -> None:
    texts = Texts("fr")
    expected = {
        1: "a évolué de",
        2: "associée à",
        3: "attribuable à l’action, sous l’hypothèse que",
        4: "Effet de l’action",
    }
    for level, words in expected.items():
        result = headline_results(make_results(level).estimates)[0]
        assert words in texts.words(result_sentences(result)[0])


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_null_result_says_what_could_have_been_seen(
    make_results: MakeResults, level: int
) -> None:
    result = headline_results(make_results(level, 0.01, 0.03).estimates)[0]
    assert result.verdict is ZeroVerdict.INCONCLUSIVE
    said = " ".join(Texts("fr").words(w) for w in result_sentences(result))
    assert "8 personnes sur 100" in said  # 2.8 standard errors of 0.03
    assert "huit fois sur dix" in said


def test_a_share_is_told_in_people_out_of_100(make_results: MakeResults) -> None:
    result = headline_results(make_results(4).estimates)[0]
    assert "6 personnes de plus sur 100" in Texts("fr").words(result.amount())
    assert "6 more people in 100" in Texts("en").words(result.amount())


def test_a_result_without_margin_of_error_says_so(make_results: MakeResults) -> None:
    record = make_results(2, 0.05, 0.0).estimates[0]
    result = result_of(record)
    assert result.verdict is ZeroVerdict.POINT
    assert "marge d’erreur" in Texts("fr").words(result_sentences(result)[0])


def test_an_undefined_result_is_said(make_results: MakeResults) -> None:
    record = make_results(3).estimates[0]
    row = record.headline.model_copy(update={"estimate": None, "conf_low": None, "conf_high": None})
    fit = record.estimate.model_copy(update={"effects": (row,)})
    result = result_of(record.model_copy(update={"estimate": fit}))
    assert result.verdict is ZeroVerdict.UNDEFINED
    assert "pas de résultat" in Texts("fr").words(result_sentences(result)[0])


def test_lower_can_be_better(make_results: MakeResults) -> None:
    record = make_results(3, -0.08, 0.02).estimates[0]
    assert result_of(record.model_copy(update={"direction": Direction.LOWER})).wanted is True
    assert result_of(record.model_copy(update={"direction": Direction.HIGHER})).wanted is False


@pytest.mark.parametrize("level", range(5))
def test_the_summary_fits_a_page(make_results: MakeResults, level: int) -> None:
    blocks = summary_blocks(make_results(level))
    messages = [b for b in blocks if isinstance(b, Messages)]
    assert len(messages) == 1
    assert len(messages[0].items) <= 3
    assert sum(isinstance(b, Number) and b.headline for b in blocks) == 1
    evidence = [b for b in blocks if isinstance(b, Evidence)]
    assert [b.level for b in evidence] == [level]
    assert 1 <= sum(isinstance(b, Decision) for b in blocks) <= 4


def test_decisions_follow_the_level(make_results: MakeResults) -> None:
    def statuses(level: int, *numbers: float) -> set[str]:
        result = headline_results(make_results(level, *numbers).estimates)[0]
        return {b.status for b in decision_blocks(result) if isinstance(b, Decision)}

    assert "unsupported" in statuses(1)
    assert "supported" in statuses(3)
    assert statuses(3, 0.01, 0.03) == {"open", "unsupported"}
    assert statuses(3, -0.08, 0.02) == {"open"}


@pytest.mark.parametrize("unit", sorted(KNOWN_UNITS))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_unit_can_be_said(unit: str, language: str) -> None:
    texts, u = Texts(language), unit_of(unit)
    for words in (
        u.amount(0.12, 2), u.amount(-0.12, 2), u.amount(0.0, 2), u.change(1.0, 1), u.level(0.3),
        u.size(0.2, 1), u.label(), u.label("axis"), u.label("axis_change"), u.label("axis_level"),
    ):  # fmt: skip
        assert "[" not in texts.words(words)


def test_an_unknown_unit_keeps_the_authors_words() -> None:
    assert "12,0 repas de plus" in Texts("fr").words(unit_of("repas").amount(12.0, 1))


@pytest.mark.parametrize(
    ("low", "high", "estimate", "digits"),
    [(0.011, 0.113, 0.062, 0), (0.0005, 0.11, 0.055, 1), (-0.02, 0.02, 0.001, 1)],
)
def test_digits_follow_the_precision(low: float, high: float, estimate: float, digits: int) -> None:
    assert digits_for(unit_of("share"), low, high, estimate) == digits


def test_every_report_renders_whole(make_results: MakeResults) -> None:
    for level in range(5):
        for block in report_blocks(make_results(level)):
            if isinstance(block, Paragraph):
                for language in ("fr", "en"):
                    for words in block.words:
                        assert not Texts(language).words(words).startswith("[")
