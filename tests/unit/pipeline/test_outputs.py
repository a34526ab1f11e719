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
    say,
)

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
    assert cells[:4] == [f"'{trap}".replace("\r", " ")] * 4
    assert cells[4] == "n/a (a)"


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
