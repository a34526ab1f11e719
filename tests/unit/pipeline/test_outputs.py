"""The tables beside a report: what is withheld is a word, and no cell runs."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from impact_eval.pipeline.outputs import write_data_files
from impact_eval.report.blocks import (
    WITHHELD,
    Absent,
    Bilingual,
    Cell,
    Column,
    Figure,
    Form,
    Table,
    Words,
    say,
)
from impact_eval.report.quantities import ShownUnit

TRAPS = ("=HYPERLINK(1;2)", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1")


def table(*cells: Cell) -> Table:
    columns = (Column(key="name", label="x"), Column(key="n", label="n", form=Form.INTEGER))
    return Table(caption="x", columns=columns, rows=tuple((cell, -3) for cell in cells))


def written(folder: Path, *cells: Cell) -> list[str]:
    write_data_files([table(*cells)], folder)
    with (folder / "tables" / "table-01.csv").open(encoding="utf-8", newline="") as stream:
        head, *rows = csv.reader(stream)
    assert head == ["name", "n"]
    assert {row[1] for row in rows} <= {"-3"}  # a number is no formula
    return [row[0] for row in rows]


@pytest.mark.parametrize("trap", TRAPS)
def test_no_text_runs_in_either_language(tmp_path: Path, trap: str) -> None:
    cells = written(
        tmp_path,
        trap,
        Bilingual(fr=trap, en="x"),
        Bilingual(en=trap),
        say(trap),
        Absent(reason="a"),
    )
    assert cells[:3] == [f"'{trap}".replace("\r", " ")] * 3
    assert cells[3].startswith("[")  # a code that no catalogue holds
    assert cells[4] == "n/a ([finding.a])"


def test_the_data_of_a_figure_are_guarded_too(tmp_path: Path) -> None:
    data = table(Bilingual(fr="=1+1", en="=1+1"))
    write_data_files([Figure(figure="forest", question="x", data=data, alt=("x",))], tmp_path)
    text = (tmp_path / "tables" / "figure-01-forest.csv").read_text(encoding="utf-8")
    assert text == "name,n\n'=1+1,-3\n"


def test_a_heading_is_a_cell_like_another(tmp_path: Path) -> None:
    block = Table(caption="x", columns=(Column(key="=A1", label="x"),), rows=((1.5,),))
    write_data_files([block], tmp_path)
    text = (tmp_path / "tables" / "table-01.csv").read_text(encoding="utf-8")
    assert text == "'=A1\n1.5\n"


def test_withheld_empty_and_plain_cells(tmp_path: Path) -> None:
    cells = written(tmp_path, WITHHELD, None, "Emploi", Bilingual(fr="Emploi", en="Work"), "-283")
    assert cells == ["withheld", "", "Emploi", "Emploi", "-283"]


def lines(folder: Path, block: Table, language: str = "fr") -> list[list[str]]:
    write_data_files([block], folder, language)
    with (folder / "tables" / "table-01.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def results(*rows: tuple[Cell, ...]) -> Table:
    columns = (
        Column(key="outcome", label="Résultat", header=True),
        Column(key="estimate", label="Effet", form=Form.PLAIN),
        Column(key="interval", label="Intervalle", form=Form.PLAIN),
        Column(key="level", label="Niveau"),
    )
    return Table(caption="x", columns=columns, rows=rows)


def test_an_amount_is_a_number_beside_its_unit_and_an_interval_two_numbers(tmp_path: Path) -> None:
    share, euros = ShownUnit("share"), ShownUnit("eur")
    table = results(
        ("Emploi", share.change(0.074, 1), share.brackets(0.009, 0.104, 1), "3"),
        ("Revenu", euros.change(-1234.56, 0), euros.brackets(-1300, -1169.12, 0), "3"),
        ("Logement", WITHHELD, WITHHELD, None),
        ("Santé", say("report.absent_mark"), say("report.absent_mark"), "0"),
    )
    told = [
        ["outcome", "estimate", "estimate_unit", "interval_low", "interval_high", "level"],
        ["Emploi", "7.4", "personnes sur 100", "0.9", "10.4", "3"],
        ["Revenu", "-1234.56", "euros", "-1300.0", "-1169.12", "3"],
        ["Logement", "withheld", "", "withheld", "withheld", ""],
        ["Santé", "n/a", "", "n/a", "n/a", "0"],
    ]
    assert lines(tmp_path, table) == told


def test_an_interval_read_back_from_a_notebook_keeps_its_ends(tmp_path: Path) -> None:
    """A notebook sorts the names of values: high comes before low."""
    between = ShownUnit("score").brackets(-0.5, 1.25, 1)
    turned = Words(code=between.code, values=dict(sorted(between.values.items())))
    assert list(turned.values) == ["high", "low"]
    _, row = lines(tmp_path, results(("x", 1.0, turned, None)))
    assert row[2:4] == ["-0.5", "1.25"]


def test_a_code_is_told_in_words_of_one_language(tmp_path: Path) -> None:
    table = results(("x", 0.1 * 3, None, say("effect.level_of", level=3)))
    assert lines(tmp_path, table)[1][1:] == ["0.3", "", "3 sur 4"]
    assert lines(tmp_path, table, "en")[1][1:] == ["0.3", "", "3 of 4"]
