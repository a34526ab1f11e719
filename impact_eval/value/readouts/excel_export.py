"""An account as a workbook: its tables in words, formulas that are alive, and their values."""

from __future__ import annotations

import datetime
import io
from pathlib import Path

from impact_eval.core.archives import FIXED_DATE, without_moments
from impact_eval.core.file_headings import FileHeadings
from impact_eval.value.account.doors import Account
from impact_eval.value.readouts.standing import ValueStanding
from impact_eval.value.readouts.workbook.account_page import AccountPage
from impact_eval.value.readouts.workbook.calculation import (
    flow_rows,
    write_inputs,
    write_lines,
    write_parameters,
)
from impact_eval.value.readouts.workbook.ledger import write_movements
from impact_eval.value.readouts.workbook.pages import BookSheet, BookWords, Style

_SHEETS = ("account", "ledger", "lines", "inputs", "parameters")
_WIDEST = "lines"


def export_account(
    account: Account,
    path: str | Path,
    language: str = "fr",
    *,
    standing: ValueStanding = ValueStanding.ATTRIBUTED,
) -> None:
    """Write an account as `.xlsx`: change a cell, and every total follows.

    The same account and language give the same bytes, whenever it is written. Each formula has its
    value beside it: a preview, a phone or a protected view shows the account without computing.

    Sheets: the tables of the report (totals, who pays and who gains, accounts by year, lines), the
    ledger of all movements that they add up, the calculation of each effect by year, what is put
    in, the parameters. Where a guard refuses the total there is none, and the sheet says why.

    Parameters
    ----------
    account : Account
    path : str or Path
    language : str
        Of the words: "fr", "en", or another that is registered.
    standing : ValueStanding
        On what the amounts stand; the first sheet says it where it is a supposition.

    Raises
    ------
    ImpactEvalError
        `unknown_language`.

    Examples
    --------
    >>> export_account(account, "compte.xlsx")  # doctest: +SKIP
    """
    from xlsxwriter import Workbook

    words = BookWords(
        own=FileHeadings.source("workbook", language),
        agents=FileHeadings.source("agent", language),
        labels=FileHeadings.source("label", language),
        currency=account.value_map.settings.currency,
    )
    raw = io.BytesIO()
    book = Workbook(
        raw,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
    )
    moment = datetime.datetime(*FIXED_DATE, tzinfo=datetime.UTC).replace(tzinfo=None)
    book.set_properties({"created": moment})
    styles: dict[Style, object] = {}
    pages = {
        key: BookSheet(book=book, name=words[f"sheet_{key}"], wide=key == _WIDEST, styles=styles)
        for key in _SHEETS
    }
    rows = flow_rows(account)
    factors = write_parameters(pages["parameters"], account, words)
    write_inputs(pages["inputs"], account, words, factors)
    write_lines(pages["lines"], account, rows, words)
    sources = (pages["inputs"], pages["lines"], factors)
    ledger = write_movements(pages["ledger"], account, rows, words, sources)
    if standing is not ValueStanding.ATTRIBUTED:
        pages["account"].text(4, 1, words[f"standing_{standing.value}"], Style(bold=True))
    AccountPage(pages["account"], account, words, ledger).write(rows, pages["lines"])
    book.close()
    Path(path).write_bytes(without_moments(raw.getvalue()))
