"""The gate on blocks: what is small is withheld in tables, figures and numbers alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from impact_eval.data.disclosure import Gate
from impact_eval.report.blocks import (
    WITHHELD,
    AnyBlock,
    Column,
    CountRule,
    Figure,
    Form,
    Number,
    Table,
    Withheld,
)
from impact_eval.report.figures.people import ItemAnswers, data_for_likert
from impact_eval.report.html import render_html
from impact_eval.report.narrative import report_blocks
from impact_eval.report.release import release

MakeResults = Callable[..., dict[str, Any]]
COUNT = Column(key="n", label="N", form=Form.INTEGER)
NAME = Column(key="a", label="A", header=True)


def passed(block: AnyBlock, threshold: int = 11) -> AnyBlock:
    return release([block], Gate(threshold)).blocks[0]


def test_a_small_count_and_its_mean_are_withheld() -> None:
    table = Table(
        caption="T",
        columns=(NAME, COUNT, Column(key="mean", label="M", form=Form.DECIMAL_1)),
        rows=(("x", 4, 2.5), ("y", 30, 3.5)),
        people=CountRule(counts=("n",), depends={"n": ("mean",)}),
    )
    out = passed(table)
    assert isinstance(out, Table)
    assert out.rows == (("x", WITHHELD, WITHHELD), ("y", 30, 3.5))


def test_a_total_does_not_give_a_small_count_away() -> None:
    table = Table(
        caption="T",
        columns=(NAME, COUNT),
        rows=(("x", 4), ("y", 30), ("z", 50), ("all", 84)),
        people=CountRule(counts=("n",), total_row=3),
    )
    out = passed(table)
    assert isinstance(out, Table)
    assert [isinstance(c, Withheld) for c in out.column("n")] == [True, True, False, False]


def test_shares_of_few_people_are_withheld() -> None:
    figure = data_for_likert([ItemAnswers("q", "t0", (2, 40, 30, 28))], list("abcd"))
    out = passed(figure)
    assert isinstance(out, Figure)
    row = out.data.records()[0]
    assert row["n"] == 100
    assert isinstance(row["share_0"], Withheld)
    assert sum(isinstance(row[f"share_{k}"], Withheld) for k in range(4)) == 2


def test_extremes_are_never_published() -> None:
    table = Table(caption="T", columns=(NAME, Column(key="max", label="Max")), rows=(("x", 99.0),))
    out = passed(table, threshold=1)
    assert isinstance(out, Table)
    assert out.rows == (("x", WITHHELD),)


def test_a_number_on_few_people_is_withheld() -> None:
    number = Number(label="x", value=3.5, form=Form.DECIMAL_1, low=1.0, high=6.0, n=7)
    out = passed(number)
    assert isinstance(out, Number)
    assert out.value == WITHHELD
    assert out.low is None


def test_nothing_is_touched_when_nothing_is_small() -> None:
    table = Table(
        caption="T", columns=(NAME, COUNT), rows=(("x", 40),), people=CountRule(counts=("n",))
    )
    found = release([table], Gate())
    assert found.blocks == (table,)
    assert found.log == ()


def test_a_whole_report_passes_the_gate_and_prints(make_results: MakeResults) -> None:
    results = make_results(1)
    score = results["scores"][0]
    score["people"] = {"improved": 31, "stable": 60, "worsened": 3}
    score["bins"][0]["before"] = 2
    score["items"][0]["before"] = [3, 35, 40, 16]
    gate = Gate()
    content = gate.results(results).results
    assert content["scores"][0]["people"] == {"improved": None, "stable": 60, "worsened": None}
    assert content["disclosure"]["withheld"] >= 3
    found = release(report_blocks(content), gate)
    text = render_html(found.blocks, {}, "fr")
    assert "secret statistique" in text
    assert "réponses défavorables" in text
