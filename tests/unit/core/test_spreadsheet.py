"""A text of a study is never a formula of the spreadsheet that opens a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact_eval.core.spreadsheet import cell_text, text_of_cell

STARTS = "=+-@\t\r\n"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1;2)", "'=HYPERLINK(1;2)"),
        ("+33 1 02", "'+33 1 02"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "' =1"),
        ("  =1", "'  =1"),
        ("\uff1dA1", "'\uff1dA1"),
        ("'=1", "''=1"),
        ("-", "'-"),
        ("a\x1b[2Jb", "a [2Jb"),
        ("-283", "-283"),
        ("+1,5", "+1,5"),
        ("L’emploi", "L’emploi"),
        ("'tis", "'tis"),
        ("", ""),
    ],
)
def test_a_cell_is_marked_when_it_would_run(text: str, cell: str) -> None:
    assert cell_text(text) == cell


@given(st.text(alphabet=st.sampled_from("=+-@'\t\r\n 1.a\x1b\uff1d")))
def test_no_cell_runs_and_every_text_comes_back(text: str) -> None:
    cell = cell_text(text)
    if cell[:1] and cell[0] in STARTS:
        assert float(cell) == float(text)
    wanted = text.replace("\r", " ").replace("\x1b", " ")
    assert text_of_cell(cell) == wanted
