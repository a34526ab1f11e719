"""Texts as cells of a table that a spreadsheet opens: never taken for a formula.

A spreadsheet runs what begins with `=`, `+`, `-` or `@`, in a CSV file too. An apostrophe in front
makes it a text; the control characters that no workbook holds become spaces.
"""

from __future__ import annotations

import re

_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # and their wide forms
_BLANK_STARTS = ("\t", "\n")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MARK = "'"


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
    >>> cell_text("-283"), cell_text("Emploi")
    ('-283', 'Emploi')
    """
    shown = _CONTROLS.sub(" ", text)
    return f"{_MARK}{shown}" if _runs(shown) else shown


def text_of_cell(cell: str) -> str:
    """Return the text that `cell_text` wrote in a cell.

    Examples
    --------
    >>> text_of_cell("'=HYPERLINK(1;2)"), text_of_cell("'tis")
    ('=HYPERLINK(1;2)', "'tis")
    """
    return cell[1:] if cell.startswith(_MARK) and _runs(cell) else cell
