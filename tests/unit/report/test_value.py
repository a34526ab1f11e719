"""The value pages print what the section holds, in the words of the study, and compute nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from account_sections import section_of

from impact_eval.report.blocks import (
    AnyBlock,
    Bilingual,
    Figure,
    Heading,
    Limitation,
    Messages,
    Number,
    Paragraph,
    Table,
)
from impact_eval.report.figures.money import YearBalance, data_for_cumulative
from impact_eval.report.narrative_value import account_blocks, value_level, value_message
from impact_eval.report.texts import Texts
from impact_eval.report.value_words import names_of
from impact_eval.results.account_records import AccountSection, ValueRefused
from impact_eval.results.records import StudyResults
from impact_eval.results.value import NumberNameRecord

MakeResults = Callable[..., StudyResults]
LABELS = {"emploi_6m": Bilingual(fr="Emploi à six mois", en="In work"), "permis": "Permis"}


@pytest.fixture
def section(make_results: MakeResults) -> AccountSection:
    found = make_results(3).value
    assert isinstance(found, AccountSection)
    return found


def _numbers(data: Any) -> set[float]:
    if isinstance(data, dict):
        return set().union(*(_numbers(part) for part in data.values())) if data else set()
    if isinstance(data, (list, tuple)):
        return set().union(*(_numbers(part) for part in data)) if data else set()
    return {float(data)} if isinstance(data, (int, float)) else set()


def _cells(blocks: list[AnyBlock]) -> set[float]:
    tables = [b for b in blocks if isinstance(b, Table)]
    tables += [b.data for b in blocks if isinstance(b, Figure)]
    out = {float(c) for t in tables for row in t.rows for c in row if isinstance(c, (int, float))}
    for block in blocks:
        if isinstance(block, Number):
            found = (block.value, block.low, block.high)
            out |= {float(v) for v in found if isinstance(v, (int, float))}
    return out


def test_every_number_printed_is_in_the_section(section: AccountSection) -> None:
    blocks = account_blocks(section, level=3, labels=LABELS)
    known = _numbers(section.model_dump(mode="json"))
    parties = section.told.parties
    sums = {p.gains - p.pays for p in parties}  # a balance, and the total of a column
    sums |= {sum(p.pays for p in parties), sum(p.gains for p in parties)}
    sums.add(sum(p.gains for p in parties) - sum(p.pays for p in parties))
    printed = _cells(blocks)
    assert len(printed) > 50
    assert printed - known - sums == set()


def test_the_whole_section_is_told(section: AccountSection) -> None:
    blocks = account_blocks(section, level=3, labels=LABELS)
    assert isinstance(blocks[0], Heading)
    figures = [b.figure for b in blocks if isinstance(b, Figure)]
    assert figures == ["payers", "tornado", "acceptability"]  # a hypothesis repays nothing
    told = [b for b in blocks if isinstance(b, Messages)]
    assert len(told) == 4  # avoided, public money, switches, dropped
    limits = [b for b in blocks if isinstance(b, Limitation)]
    assert len(limits) == len(section.findings) + len(section.told.findings)
    said = {lang: Texts(lang) for lang in ("fr", "en")}
    rows = next(b for b in blocks if isinstance(b, Figure) and b.figure == "tornado").data.rows
    names = {lang: [texts.words(row[0]) for row in rows] for lang, texts in said.items()}
    assert "résultat mesuré — Emploi à six mois" in names["fr"]
    assert any(name.endswith("— In work") for name in names["en"])


def test_outcomes_of_a_finding_have_their_own_words(section: AccountSection) -> None:
    blocks = account_blocks(section, level=3, labels=LABELS)
    limits = [Texts("fr").words(b.words) for b in blocks if isinstance(b, Limitation)]
    assert any("Permis" in text for text in limits)
    assert not any("permis" in text for text in limits)


@pytest.mark.parametrize("level", [2, 3])
def test_the_sentence_falls_back_on_the_ratio_then_on_the_net_value(
    section: AccountSection, level: int
) -> None:
    codes = []
    refused = {"headline": {"not_applicable": "no_value", "values": {}}}
    interval = {"estimate": 1.5, "low": 1.0, "high": 2.0, "level": 0.95}
    none = {"ratio": {"not_applicable": "no_cost_to_compare", "values": {}}}
    for change in ({}, {**refused, "ratio": interval}, {**refused, **none}):
        data = section.model_dump(mode="json", by_alias=True)
        data["told"]["headline"]["code"] = "value.headline.clear"
        data["told"] |= {"standing": "attributed", **change}
        message = value_message(section_of(data), level=level, labels={})
        assert message is not None
        assert Texts("fr").words(message) != Texts("en").words(message)
        codes.append(message.code)
    assert (
        codes
        == {
            3: ["value.headline.clear", "value.sentence_ratio", "value.sentence_net"],
            2: ["value.headline.supposed", "value.supposed.ratio", "value.supposed.net"],
        }[level]
    )


HEADLINES = ("clear", "unsure", "below")


@pytest.mark.parametrize("reading", HEADLINES)
@pytest.mark.parametrize("level", range(5))
def test_below_level_3_the_sentence_attributes_nothing(
    section: AccountSection, level: int, reading: str
) -> None:
    data = section.model_dump(mode="json", by_alias=True)
    data["told"]["headline"]["code"] = f"value.headline.{reading}"
    data["told"]["standing"] = None  # a file written before it was
    message = value_message(section_of(data), level=level, labels={})
    assert message is not None
    assert message.code == f"value.headline.{'supposed' if level < 3 else reading}"
    french, english = (Texts(language).words(message) for language in ("fr", "en"))
    assert ("ce que cette étude n’établit pas" in french) == (level < 3)
    assert ("which this study does not establish" in english) == (level < 3)
    assert bool(re.search(r"produi|dépasse|inférieur", french)) == (level >= 3)
    assert bool(re.search(r"produce|exceeds|below", english)) == (level >= 3)


@pytest.mark.parametrize("level", range(5))
def test_a_hypothesis_is_never_told_as_a_fact(section: AccountSection, level: int) -> None:
    data = section.model_dump(mode="json", by_alias=True)
    data["told"]["standing"] = "hypothesis"
    message = value_message(section_of(data), level=level, labels={})
    assert message is not None
    french, english = (Texts(language).words(message) for language in ("fr", "en"))
    assert french.startswith("Hypothèse")
    assert english.startswith("A hypothesis")
    assert not re.search(r"produi|dépasse|inférieur", french)
    numbers = [b for b in account_blocks(section_of(data), level=level, labels={})
               if isinstance(b, Number)]  # fmt: skip
    said = [Texts("fr").words(b.label) for b in numbers]
    assert [t for t in said if "Valeur" in t and "hypothèse" not in t] == []


def test_a_refused_section_says_why_and_nothing_else() -> None:
    refused = ValueRefused(not_applicable="no_value")
    heading, told = account_blocks(refused, level=3, labels={})
    assert isinstance(heading, Heading)
    assert isinstance(told, Paragraph)
    for language in ("fr", "en"):
        texts = Texts(language)
        assert texts.say("reason.no_value") in texts.words(told.words[0])
    assert value_message(refused, level=3, labels={}) is None
    assert account_blocks(None, level=3, labels={}) == []
    assert value_message(None, level=3, labels={}) is None


def test_the_level_is_the_lowest_of_the_effects_it_stands_on(section: AccountSection) -> None:
    assert value_level(section, {"emploi_6m": 3, "permis": 1}) == 3
    assert value_level(section, {"permis": 2, "autre": 1}) == 1
    assert value_level(section, {}) == 0


def test_nothing_is_looked_up_by_a_key(root: Path) -> None:
    for name in ("narrative_value.py", "figures/money.py"):
        tree = ast.parse((root / "impact_eval/report" / name).read_text("utf-8"))
        keys = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
        ]
        assert keys == [], name


@pytest.mark.parametrize(
    ("code", "french"),
    [("headline_needs_interval", "ratio sans intervalle"), ("no_value", "valeur totale est nulle"),
     ("no_cost_to_compare", "Aucun coût")],
)  # fmt: skip
def test_page_one_says_why_it_tells_no_amount(
    section: AccountSection, code: str, french: str
) -> None:
    data = section.model_dump(mode="json", by_alias=True)
    why = {"not_applicable": code, "values": {}}
    data["told"] |= {"headline": why, "ratio": why, "standing": "attributed"}
    data["told"]["net"] |= {"low": None, "high": None}
    message = value_message(section_of(data), level=3, labels={})
    assert message is not None
    assert french in Texts("fr").words(message)
    assert "not summed up" in Texts("en").words(message)


def test_a_check_that_was_set_aside_is_said_with_the_amount(section: AccountSection) -> None:
    data = section.model_dump(mode="json", by_alias=True)
    asides = ("G4", "G15")
    data["told"]["guards"] = [
        {"guard": f"G{i}", "status": "set_aside" if f"G{i}" in asides else "passed", "lines": []}
        for i in range(1, 16)
    ]
    for count, words in ((2, "écarté 2 vérifications"), (1, "écarté une vérification")):
        message = value_message(section_of(data), level=3, labels={})
        assert message is not None
        said = Texts("fr").words(message).replace("\u00a0", " ").replace("\u202f", " ")
        assert words in said
        assert "L’argent qui change de mains" in said
        assert said.startswith("Hypothèse")  # the amount itself
        data["told"]["guards"] = data["told"]["guards"][: 14 if count == 2 else None]


def test_a_line_that_spares_people_keeps_its_own_words(section: AccountSection) -> None:
    data = section.model_dump(mode="json", by_alias=True)
    line = next(r for r in data["value_map"]["lines"] if r["estimate"] == "emploi_6m")
    own = next(q for q in data["quantities"]["lines"] if q["line"] == line["id"])
    assert names_of(section_of(data), LABELS).line(line["id"]) == LABELS["emploi_6m"]
    for load in own["loads"]:
        load["weight"] = "-" + load["weight"]
    assert names_of(section_of(data), LABELS).line(line["id"]) == line["outcome"]


def test_the_curve_of_repayment_says_the_margin_of_its_end() -> None:
    years = [YearBalance(0, -90.0), YearBalance(1, 10.0)]
    figure = data_for_cumulative(years, (-5.0, 30.0))
    assert [c.key for c in figure.data.columns] == ["year", "balance"]  # no column without a number
    told = [
        Texts("fr").words(alt).replace("\u202f", " ").replace("\u00a0", " ") for alt in figure.alt
    ]
    assert "entre −5 € et 30 €" in told[-1]
    assert len(data_for_cumulative(years, (None, 30.0)).alt) == len(told) - 1
    assert len(data_for_cumulative([YearBalance(0, -90.0, -95.0, -80.0)]).data.columns) == 4


def test_what_is_put_in_is_named_in_the_words_of_the_map(section: AccountSection) -> None:
    names = names_of(section, LABELS)
    for item in section.value_map.inputs:
        number = NumberNameRecord(what="amount", line=None, input=item.id, outcome=None)
        said = Texts("fr").words(names.number(number))
        assert (item.description or item.stakeholder) in said


def test_lines_left_out_and_without_which_are_told_in_their_words(section: AccountSection) -> None:
    data = section.model_dump(mode="json", by_alias=True)
    line = data["value_map"]["lines"][0]
    net = data["told"]["net"]["estimate"]
    data["told"]["variants"] = [
        {"what": "without_line", "share": None, "line": line["id"], "net": net}
    ]
    data["told"]["dropped"] = [{"outcome": name, "reason": "r"} for name in (line["id"], "permis")]
    blocks = account_blocks(section_of(data), level=3, labels=LABELS)
    words = Texts("fr").words
    items = [words(item) for b in blocks if isinstance(b, Messages) for item in b.items]
    named = [item.rpartition("\u00a0:")[0] for item in items if item.endswith(": r")]
    cells = [words(row[0]) for b in blocks if isinstance(b, Table) for row in b.rows]
    without = next(cell for cell in cells if cell.startswith("Sans le poste"))
    assert named[1] == "Permis"
    assert named[0] != line["id"]
    assert named[0] in without
