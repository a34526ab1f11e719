"""Texts as cells of a table that a spreadsheet opens: never taken for a formula.

A spreadsheet runs what begins with `=`, `+`, `-` or `@`, in a CSV file too, where another separator
than ours (`;`, a tab, a line) makes a cell begin in the middle of a text. An apostrophe in front
makes it a text; what no workbook holds, and what nobody sees, goes.
"""

from __future__ import annotations

import re

from impact_eval.core.hidden import without_hidden

_WIDE = "\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"  # the same signs, wide and small
_SIGNS = f"=+@{_WIDE}-"
_STARTS = tuple(_SIGNS)
_BLANK_STARTS = ("\t", "\n")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MARK = "'"
# where another program sees a new cell begin: after a text, what separates, blanks, quotes, marks
_INSIDE = re.compile(rf"([;,\t\n][\s\"]*)({_MARK}*)(?=[{_SIGNS}])")
_AMOUNT = re.compile(r"[+-][0-9][0-9\s.,%€$£\])}]*(?=[;\t\n\"]|$)")


def _runs(text: str) -> bool:
    """Whether a spreadsheet may run a text, whatever apostrophes and blanks stand in front."""
    bare = text.lstrip(_MARK)
    if _NUMBER.fullmatch(bare):
        return False
    return bare.startswith(_BLANK_STARTS) or bare.lstrip().startswith(_STARTS)


def cell_text(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula.

    Parameters
    ----------
    text : str
        A text of a study, in any language; a number written as a text stays itself.

    Returns
    -------
    str

    Examples
    --------
    >>> cell_text("=HYPERLINK(1;2)")
    "'=HYPERLINK(1;2)"
    >>> cell_text("-283"), cell_text("Emploi"), cell_text("a;=1+1")
    ('-283', 'Emploi', "a;'=1+1")
    """
    shown = without_hidden(_CONTROLS.sub(" ", text))
    inside = _INSIDE.sub(
        lambda found: f"{found[1]}{_MARK}{found[2]}" if _opens(found) else found[0], shown
    )
    return f"{_MARK}{inside}" if _runs(inside) else inside


def _amount(found: re.Match[str]) -> bool:
    return _AMOUNT.match(found.string, found.end()) is not None


def _opens(found: re.Match[str]) -> bool:
    """Whether a cell could begin there: after a text, and it is no amount."""
    before = found.string[: found.start()].lstrip(_MARK).strip()
    return bool(before) and not _amount(found)


def text_of_cell(cell: str) -> str:
    """Return the text that `cell_text` wrote in a cell.

    Examples
    --------
    >>> text_of_cell("'=HYPERLINK(1;2)"), text_of_cell("'tis")
    ('=HYPERLINK(1;2)', "'tis")
    """
    whole = cell[1:] if cell.startswith(_MARK) and _runs(cell) else cell
    return _INSIDE.sub(
        lambda found: found[1] + found[2].removeprefix(_MARK) if _opens(found) else found[0], whole
    )
