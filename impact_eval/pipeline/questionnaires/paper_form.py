"""A questionnaire on paper: a Word document to print, with the codes in small print."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator, Sequence
from typing import Any

from impact_eval.core.archives import FIXED_DATE, without_moments
from impact_eval.pipeline.questionnaires.form import FormBlock, FormQuestion, ScaleForm
from impact_eval.report.languages.language import formats_of
from impact_eval.report.texts import Texts
from impact_eval.report.typography import readable

_MANY = 5  # answers beyond which the sheet is turned
_SMALL = 7.5  # points of the small print
_TEXT = 0.44  # share of the width that the questions take
_LESS_TEXT, _HEAD = 0.3, 9  # the same, and points of the labels, beside many answers in words
_AIR = 3  # points above and below a question


def render_paper(form: ScaleForm, texts: Texts) -> bytes:
    """Return the Word document of a questionnaire in one language.

    Parameters
    ----------
    form : ScaleForm
    texts : Texts

    Returns
    -------
    bytes
        The same form and language give the same bytes.
    """
    from docx import Document
    from docx.shared import Pt

    language = texts.language
    document = Document()
    width = _page(document, turned=any(len(block.answers) > _MANY for block in form.blocks))
    _properties(document, form, language)
    document.add_heading(readable(form.title[language]), level=0)
    _person(document, texts, width)
    lead = document.add_paragraph(readable(form.instruction[language]))
    lead.paragraph_format.space_before = lead.paragraph_format.space_after = Pt(8)
    for block in form.blocks:
        _grid(document, block, form, texts, width)
        document.add_paragraph().paragraph_format.space_after = 0
    if form.looked_after:
        document.add_paragraph().add_run(texts.say("questionnaire.help")).bold = True
    document.add_paragraph(texts.say("questionnaire.thanks"))
    if form.source:
        _small(document.add_paragraph(), form.source[language])
    moment = datetime.datetime(*FIXED_DATE, tzinfo=datetime.UTC).replace(tzinfo=None)
    document.core_properties.created = document.core_properties.modified = moment
    raw = io.BytesIO()
    document.save(raw)
    return without_moments(raw.getvalue())


def _page(document: Any, *, turned: bool) -> Any:
    """Set the sheet, and return the width between its margins."""
    from docx.enum.section import WD_ORIENT
    from docx.shared import Cm, Pt

    section = document.sections[0]
    short, long = Cm(21), Cm(29.7)
    section.page_width, section.page_height = (long, short) if turned else (short, long)
    section.orientation = WD_ORIENT.LANDSCAPE if turned else WD_ORIENT.PORTRAIT
    section.left_margin = section.right_margin = Cm(1.8)
    section.top_margin = section.bottom_margin = Cm(1.6)
    style = document.styles["Normal"]
    style.font.name, style.font.size = "Calibri", Pt(11)
    document.styles["Title"].font.size = Pt(18)
    return section.page_width - section.left_margin - section.right_margin


def _properties(document: Any, form: ScaleForm, language: str) -> None:
    from docx.oxml.ns import qn

    tag = f"{language}-{formats_of(language).region}"
    for element in document.styles.element.iter(qn("w:lang")):
        element.set(qn("w:val"), tag)
    core = document.core_properties
    core.title, core.language = readable(form.title[language]), tag
    core.author = core.comments = ""


def _person(document: Any, texts: Texts, width: Any) -> None:
    """Leave a cell for the person's code, and one for the date."""
    table = document.add_table(rows=1, cols=2)
    table.style = "Table Grid"
    for cell, name in zip(table.rows[0].cells, ("code", "date"), strict=True):
        cell.width = int(width / 2)
        label = texts.say(f"questionnaire.{name}") + formats_of(texts.language).colon
        cell.paragraphs[0].add_run(label)
        _small(cell.add_paragraph(), texts.say("questionnaire.code_hint") if name == "code" else "")


def _grid(document: Any, block: FormBlock, form: ScaleForm, texts: Texts, width: Any) -> None:
    """Draw the questions by the answers: a box in each cell, the code in small print above."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    language = texts.language
    wordy = len(block.answers) > _MANY and any(
        answer.label[language] != str(answer.code) for answer in block.answers
    )
    table = document.add_table(rows=1, cols=1 + len(block.answers))
    table.style = "Table Grid"
    table.autofit = False
    head = table.rows[0]
    _marked_row(head, "w:tblHeader")
    head.cells[0].paragraphs[0].add_run(texts.say("questionnaire.question")).bold = True
    for cell, answer in zip(head.cells[1:], block.answers, strict=True):
        label, code = answer.label[language], str(answer.code)
        cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = cell.paragraphs[0].add_run(readable(label))
        run.bold = True
        if wordy:
            run.font.size = Pt(_HEAD)
        if label != code:
            _small(cell.add_paragraph(), code, centred=True)
    for question in block.questions:
        row = table.add_row()
        _marked_row(row, "w:cantSplit")
        cells = row.cells
        cells[0].text = f"{question.number}. {readable(question.text[language])}"
        cells[0].paragraphs[0].paragraph_format.space_before = Pt(_AIR)
        cells[0].paragraphs[-1].paragraph_format.space_after = Pt(_AIR)
        for condition in _conditions(question, form, texts):
            _small(cells[0].add_paragraph(), condition)
        for cell in cells[1:]:
            cell.text = texts.say("questionnaire.box")
            cell.paragraphs[0].paragraph_format.space_before = Pt(_AIR)
            cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
    text = _LESS_TEXT if wordy else _TEXT
    _widths(table, [text, *[(1 - text) / len(block.answers)] * len(block.answers)], width)


def _conditions(question: FormQuestion, form: ScaleForm, texts: Texts) -> Iterator[str]:
    """Say when a question is asked, by what the person answered to others."""
    asked = {q.item: (q.number, block.answers) for block in form.blocks for q in block.questions}
    for code, told in (("only_if", question.asked_if), ("skipped_if", question.asked_unless)):
        answers = []
        for item, answer in told.items():
            number, labels = asked[item]
            label = next(a.label[texts.language] for a in labels if a.code == answer)
            answers.append(texts.say("questionnaire.answered", label=label, number=number))
        if answers:
            yield texts.say(f"questionnaire.{code}", answers=answers)


def _widths(table: Any, shares: Sequence[float], width: Any) -> None:
    for column, share in zip(table.columns, shares, strict=True):
        column.width = int(width * share)
        for cell in column.cells:  # some programs read the columns, others each cell
            cell.width = int(width * share)


def _marked_row(row: Any, name: str) -> None:
    """Repeat a row at the top of each page, or keep it in one piece."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    mark = OxmlElement(name)
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)


def _small(paragraph: Any, text: str, *, centred: bool = False) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    paragraph.add_run(readable(text)).font.size = Pt(_SMALL)
    paragraph.paragraph_format.space_after = 0
    if centred:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
