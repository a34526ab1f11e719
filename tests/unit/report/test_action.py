"""The action, its question and its protocol are told, and nothing that is not declared."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from impact_eval.report.blocks import Heading, Messages, Note, Table
from impact_eval.report.narrative import report_blocks
from impact_eval.report.narrative_action import action_blocks
from impact_eval.report.texts import Texts
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.records import StudyResults

MakeResults = Callable[..., StudyResults]
FR, EN = Texts("fr"), Texts("en")


def both(text: str) -> BilingualRecord:
    return BilingualRecord(fr=text, en=f"{text} (en)")


def declared(results: StudyResults, **protocol: object) -> StudyResults:
    kept = results.study.protocol.model_copy(update=protocol)
    return results.model_copy(update={"study": results.study.model_copy(update={"protocol": kept})})


def said(results: StudyResults, texts: Texts = FR) -> str:
    out = []
    for block in action_blocks(results):
        if isinstance(block, Table):
            out += [texts.show(c) if isinstance(c, str) else texts.words(c)
                    for row in block.rows for c in row]  # fmt: skip
        elif isinstance(block, Messages):
            out += [texts.words(item) for item in (block.title, *block.items)]
        else:
            words = block.words if isinstance(block.words, tuple) else (block.words,)
            out += [texts.words(w) for w in words]
    return "\n".join(out)


def test_it_stands_after_the_summary(make_results: MakeResults) -> None:
    anchors = [b.anchor for b in report_blocks(make_results(3)) if isinstance(b, Heading)]
    assert anchors[:4] == ["title", "summary", "action", "flow"]


def test_what_is_not_declared_is_not_printed(make_results: MakeResults) -> None:
    blocks = action_blocks(make_results(3))
    assert [type(b).__name__ for b in blocks] == ["Heading", "Table"]
    table = blocks[1]
    assert isinstance(table, Table)
    assert [FR.words(row[0]) for row in table.rows] == ["Action", "Qui porte l’action", "Contrat"]


def test_all_that_a_study_declares_is_told(make_results: MakeResults) -> None:
    results = make_results(3)
    logic = results.study.logic.model_copy(
        update={
            step: (both(f"{step} un"), both(f"{step} deux"))
            for step in ("inputs", "activities", "outputs", "outcomes", "impacts")
        }
    )
    study = results.study.model_copy(
        update={
            "public": both("Jeunes sans permis"),
            "question": both("Trouvent-ils un emploi ?"),
            "comparison": both("Les bassins voisins"),
            "logic": logic,
            "randomised": True,
            "emblematic": True,
        }
    )
    results = declared(
        results.model_copy(update={"study": study}),
        notes=both("Un seul indicateur principal."),
        smallest_effect=0.05,
        draw_record="tirage.json",
    )
    told = said(results)
    for part in (
        "Plateforme de mobilité", "Jeunes sans permis", "Association Roue Libre",
        "Contrat local des solidarités", "Trouvent-ils un emploi ?", "Les bassins voisins",
        "tirés au sort", "étude approfondie", "inputs deux", "impacts un", "Moyens",
        "Un seul indicateur principal.", "5 personnes sur 100", "tirage.json",
    ):  # fmt: skip
        assert part in told, part
    english = said(results, EN)
    assert "The beneficiaries were drawn by lot." in english
    assert "Jeunes sans permis (en)" in english


@pytest.mark.parametrize(
    ("state", "expected", "warned"),
    [
        ({"frozen_on": "2026-01-05"}, "sans fichier", False),
        (
            {"frozen_on": "2026-01-05", "frozen_sha256": "a" * 64, "intact": True,
             "readable": True},
            "Rien de ce qui décide du résultat n’a changé",
            False,
        ),
        (
            {"frozen_on": "2026-01-05", "frozen_sha256": "a" * 64, "intact": False,
             "readable": True},
            "modifié après coup",
            True,
        ),
        ({"readable": False}, "ne peut pas être lu", True),
    ],
)  # fmt: skip
def test_the_state_of_the_frozen_protocol(
    make_results: MakeResults, state: dict[str, object], expected: str, warned: bool
) -> None:
    results = declared(make_results(3), **state)
    told = said(results)
    assert expected in told
    if "frozen_on" in state:
        assert "5 janvier 2026" in told
    notes = [b for b in action_blocks(results) if isinstance(b, Note)]
    assert [n.tone for n in notes] == (["warning"] if warned else [])


def test_each_key_that_changed_is_named_in_plain_words(make_results: MakeResults) -> None:
    changed = (
        "outcomes[0].smallest_effect", "method.options.base_period", "data.roles.covariates[2]",
        "data.waves.columns.emploi", "outcomes",
    )  # fmt: skip
    results = declared(
        make_results(3),
        frozen_on="2026-01-05",
        frozen_sha256="a" * 64,
        intact=True,
        readable=True,
        changed=changed,
    )
    found = next(b for b in action_blocks(results) if isinstance(b, Messages))
    assert [FR.words(item) for item in found.items] == [
        "plus petit effet utile (outcomes[0].smallest_effect)",
        "options de la méthode (method.options.base_period)",
        "caractéristiques prises en compte (data.roles.covariates[2])",
        "data.waves.columns.emploi",
        "liste des indicateurs (outcomes)",
    ]
    assert "n’a changé" not in said(results)
    assert not re.search(r"\[[a-z_.]+\]", said(results, EN))
