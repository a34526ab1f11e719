"""Blocks: exact round trip, refusals, the bundle a notebook emits."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from impact_eval.report.blocks import (
    MIME_TYPE,
    WITHHELD,
    Absent,
    Bilingual,
    Column,
    Figure,
    Form,
    Formula,
    Heading,
    Paragraph,
    Table,
    block_from_dict,
    block_to_dict,
    blocks_from_bundles,
    say,
)
from impact_eval.report.narrative import report_blocks
from impact_eval.report.page import Page
from impact_eval.results.records import StudyResults

MakeResults = Callable[..., StudyResults]


def a_table() -> Table:
    return Table(
        caption=say("flow.caption", who=Bilingual(fr="un", en="one")),
        columns=(
            Column(key="name", label="Nom", header=True),
            Column(key="n", label=say("label.n"), form=Form.INTEGER),
        ),
        rows=(("a", 3), ("b", WITHHELD), ("c", Absent(reason="unknown")), (say("label.n"), None)),
    )


def test_a_table_reads_back_exactly() -> None:
    table = a_table()
    assert block_from_dict(json.loads(json.dumps(block_to_dict(table)))) == table


@pytest.mark.parametrize("level", range(5))
def test_every_block_of_a_report_reads_back_exactly(make_results: MakeResults, level: int) -> None:
    blocks = report_blocks(make_results(level))
    again = [block_from_dict(json.loads(json.dumps(block_to_dict(b)))) for b in blocks]
    assert again == blocks


def test_a_row_of_another_width_is_refused() -> None:
    with pytest.raises(ValidationError):
        Table(caption="t", columns=(Column(key="a", label="A"),), rows=((1, 2),))


def test_two_columns_of_one_key_are_refused() -> None:
    column = Column(key="a", label="A")
    with pytest.raises(ValidationError):
        Table(caption="t", columns=(column, column), rows=())


def test_a_figure_without_alternative_text_is_refused() -> None:
    with pytest.raises(ValidationError):
        Figure(figure="flow", question="q", data=a_table(), alt=())


def test_a_formula_needs_words_that_read_it() -> None:
    with pytest.raises(ValidationError):
        Formula.model_validate({"latex": "x^2"})


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValidationError):
        Table(caption="t", columns=(Column(key="a", label="A"),), rows=((float("nan"),),))


def test_a_page_emits_its_blocks_and_a_preview() -> None:
    page = Page([Heading(level=2, words=say("report.section.flow")), a_table()], language="en")
    bundle = page._repr_mimebundle_()
    assert "Who was observed" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    json.dumps(bundle[MIME_TYPE])
    assert blocks_from_bundles([{}, bundle]) == list(page)


def test_withheld_never_says_why() -> None:
    assert WITHHELD.model_dump() == {"withheld": "confidential"}


def test_a_paragraph_keeps_its_level() -> None:
    block = Paragraph(words=("x",), evidence_level=1)
    assert block_to_dict(block)["evidence_level"] == 1
    with pytest.raises(ValidationError):
        Paragraph(words=("x",), evidence_level=5)
