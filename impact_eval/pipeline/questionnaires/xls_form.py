"""A questionnaire as the XLSForm that KoboToolbox and ODK take: `survey`, `choices`, `settings`.

Texts stand in one column for each language; the names of the choices are the codes of the scale,
and those of the questions the identities of its items.
"""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from impact_eval.core.archives import FIXED_DATE, without_moments
from impact_eval.core.spreadsheet import cell_text
from impact_eval.pipeline.questionnaires.form import FormQuestion, ScaleForm
from impact_eval.report.texts import Texts

PERSON = "code_personne"
DAY = "date_reponse"
_NAME = re.compile(r"[^a-z0-9_]")

Cells = Sequence[str]


def render_xlsform(form: ScaleForm, texts: Sequence[Texts]) -> bytes:
    """Return the workbook of a questionnaire; the first language is that shown first.

    Parameters
    ----------
    form : ScaleForm
    texts : sequence of Texts
        One for each language.

    Returns
    -------
    bytes
        The same form and languages give the same bytes.
    """
    from openpyxl import Workbook

    book = Workbook()
    names = [spoken.say("questionnaire.language") for spoken in texts]
    labels = [f"label::{name}" for name in names]
    hints = [f"hint::{name}" for name in names]
    _fill(book.active, "survey", [
        ("type", "name", *labels, *hints, "required", "relevant", "appearance"),
        *_survey(form, texts),
    ])  # fmt: skip
    _fill(book.create_sheet(), "choices", [("list_name", "name", *labels), *_choices(form, texts)])
    _fill(book.create_sheet(), "settings", [
        ("form_title", "form_id", "version", "default_language"),
        (form.title[texts[0].language], _named(form.id), "1", names[0]),
    ])  # fmt: skip
    moment = datetime.datetime(*FIXED_DATE, tzinfo=datetime.UTC).replace(tzinfo=None)
    book.properties.created = book.properties.modified = moment
    raw = io.BytesIO()
    book.save(raw)
    return without_moments(raw.getvalue())


def xls_columns(form: ScaleForm) -> dict[str, str]:
    """Return the heading of each item in the exports of the tool.

    Parameters
    ----------
    form : ScaleForm
    """
    return {q.item: _named(q.item) for block in form.blocks for q in block.questions}


def _named(code: str) -> str:
    """Return a code as the tool allows names: letters, digits, underscores, a letter first."""
    name = _NAME.sub("_", code.casefold())
    return name if name[:1].isalpha() else f"q_{name}"


def _survey(form: ScaleForm, texts: Sequence[Texts]) -> list[Cells]:
    def said(code: str) -> tuple[str, ...]:
        return tuple(spoken.say(f"questionnaire.{code}") for spoken in texts)

    none = ("",) * len(texts)
    rows: list[Cells] = [
        ("today", DAY, *said("date"), *none, "", "", ""),
        ("text", PERSON, *said("code"), *said("code_hint"), "yes", "", ""),
        ("begin_group", _named(form.id), *_each(form.title, texts), *none, "", "", "field-list"),
        ("note", "consigne", *_each(form.instruction, texts), *none, "", "", ""),
    ]
    columns = xls_columns(form)
    for block in form.blocks:
        for q in block.questions:
            rows.append((f"select_one {block.code.lower()}", columns[q.item], *_each(q.text, texts),
                         *none, "", _relevant(q, columns), ""))  # fmt: skip
    rows.append(("end_group", "", *none, *none, "", "", ""))
    if form.looked_after:
        rows.append(("note", "aide", *said("help"), *none, "", "", ""))
    return rows


def _relevant(question: FormQuestion, columns: Mapping[str, str]) -> str:
    def told(answers: Mapping[str, int]) -> str:
        return " and ".join(f"${{{columns[item]}}} = '{code}'" for item, code in answers.items())

    ends = told(question.asked_unless)
    return " and ".join(filter(None, [told(question.asked_if), f"not({ends})" if ends else ""]))


def _choices(form: ScaleForm, texts: Sequence[Texts]) -> list[Cells]:
    return [
        (block.code.lower(), str(answer.code), *_each(answer.label, texts))
        for block in form.blocks
        for answer in block.answers
    ]


def _each(words: Mapping[str, str], texts: Sequence[Texts]) -> tuple[str, ...]:
    return tuple(words[spoken.language] for spoken in texts)


def _fill(sheet: Any, title: str, rows: Sequence[Cells]) -> None:
    """Write a sheet of texts: no cell is a formula, and no code a number."""
    sheet.title = title
    for at, row in enumerate(rows, start=1):
        for column, text in enumerate(row, start=1):
            cell = sheet.cell(at, column)
            cell.value = cell_text(text) or None
            cell.data_type = "s" if text else cell.data_type
            cell.number_format = "@"
