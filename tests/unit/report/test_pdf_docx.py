"""PDF and Word: tagged, inert, with alternative texts, the same every time, the same words."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

import pytest
import typst

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.noticed import FindingWarning
from impact_eval.report.blocks import AnyBlock, Figure
from impact_eval.report.docx import render_docx
from impact_eval.report.html import render_html
from impact_eval.report.narrative import report_blocks, title_blocks
from impact_eval.report.pdf import _replaced, pdf_content, render_pdf
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.records import StudyResults

MakeResults = Callable[..., StudyResults]
META = {"territory": "Ain", "operator": "Roue Libre", "period": ["2024-01", "2024-12"]}
ATTACK = '#read("/etc/passwd") $x$ <script>alert(1)</script> #{1+1} *a* _b_ [c] \\ "'


@pytest.fixture(scope="module")
def blocks(make_results: MakeResults) -> list[AnyBlock]:
    return report_blocks(make_results(3))


@pytest.fixture(scope="module")
def pdf(blocks: list[AnyBlock]) -> bytes:
    return render_pdf(blocks, META, "fr")


def test_the_pdf_declares_itself_accessible(pdf: bytes) -> None:
    assert pdf.startswith(b"%PDF")
    assert b"pdfuaid" in pdf
    assert b"/Lang" in pdf
    assert b"/StructTreeRoot" in pdf


def test_the_pdf_is_the_same_every_time(blocks: list[AnyBlock], pdf: bytes) -> None:
    assert render_pdf(blocks, META, "fr") == pdf


def test_a_pdf_without_an_alternative_text_is_refused(blocks: list[AnyBlock]) -> None:
    figure = next(b for b in blocks if isinstance(b, Figure))
    silent = figure.model_copy(update={"alt": ("",)})
    with pytest.raises(ImpactEvalError) as caught:
        render_pdf([silent], META, "en")
    assert caught.value.codes == ("pdf_refused",)


def test_a_sign_that_no_font_holds_never_costs_the_report(make_results: MakeResults) -> None:
    """It is written by its number, told, and explained on the page."""
    title = "Élan 👍 张伟 é عمل"
    written = BilingualRecord(fr=title, en=title)
    results = make_results(1)
    study = results.study.model_copy(update={"title": written})
    blocks = title_blocks(results.model_copy(update={"study": study}))
    with pytest.warns(FindingWarning) as caught:
        made = render_pdf(blocks, META, "fr")
    (told,) = [warning.message for warning in caught]
    assert told.finding.code == "signs_replaced"
    assert told.finding.values["signs"] == ("U+4F1F", "U+5F20", "U+1F44D")
    assert made.startswith(b"%PDF")
    content = pdf_content(blocks, META, "fr")
    shown = _replaced(content, frozenset("👍张伟"), "fr")
    assert shown["title"] == "Élan [U+1F44D] [U+5F20 U+4F1F] é عمل"
    assert "[U+1F44D]" in shown["footer"]
    assert "👍" in render_html(blocks, META, "fr")


def test_without_a_font_the_refusal_is_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a typesetter without fonts says: not even a letter could be displayed."""

    def compiled(*_: object, **__: object) -> bytes:
        raise typst.TypstError('PDF/UA-1 error: the text `"R"` could not be displayed')

    monkeypatch.setattr(typst, "compile", compiled)
    with pytest.raises(ImpactEvalError) as caught:
        render_pdf([], META, "fr")
    assert caught.value.codes == ("pdf_refused",)


def test_what_people_wrote_is_no_code(make_results: MakeResults) -> None:
    results = make_results(1)
    written = BilingualRecord(fr=ATTACK, en=ATTACK)
    results = results.model_copy(
        update={
            "study": results.study.model_copy(update={"title": written}),
            "estimates": tuple(r.model_copy(update={"label": written}) for r in results.estimates),
        }
    )
    found = report_blocks(results)
    assert render_pdf(found, {"operator": ATTACK}, "en").startswith(b"%PDF")
    assert pdf_content(found, {}, "en")["title"] == ATTACK
    assert _text(render_docx(found, {"operator": ATTACK}, "en")).count(ATTACK) >= 3


@pytest.mark.parametrize("level", range(5))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_level_makes_both(make_results: MakeResults, level: int, language: str) -> None:
    results = make_results(level).model_copy(update={"scores": (), "checks": ()})
    found = [b for b in report_blocks(results) if not isinstance(b, Figure)]
    assert render_pdf(found, META, language)
    assert render_docx(found, META, language)


def _text(document: bytes) -> str:
    from docx import Document

    opened = Document(io.BytesIO(document))
    parts = [p.text for p in opened.paragraphs]
    parts += [c.text for t in opened.tables for row in t.rows for c in row.cells]
    return "\n".join(parts)


def test_word_has_styles_alternative_texts_and_repeated_headers(blocks: list[AnyBlock]) -> None:
    from docx import Document

    raw = render_docx(blocks, META, "fr")
    opened = Document(io.BytesIO(raw))
    styles = {p.style.name for p in opened.paragraphs if p.style is not None}
    assert {"Title", "Heading 1", "Heading 2", "List Bullet", "Caption"} <= styles
    xml = zipfile.ZipFile(io.BytesIO(raw)).read("word/document.xml").decode("utf-8")
    pictures = re.findall(r"<wp:docPr [^>]*>", xml)
    assert len(pictures) == sum(isinstance(b, Figure) for b in blocks)
    assert all(re.search(r'descr="[^"]{30,}"', p) for p in pictures)
    assert xml.count("w:tblHeader") == len(opened.tables)


def test_word_is_the_same_every_time(blocks: list[AnyBlock]) -> None:
    assert render_docx(blocks, META, "en") == render_docx(blocks, META, "en")


def test_word_and_html_state_the_same_numbers(blocks: list[AnyBlock]) -> None:
    page = re.sub(r"<style>.*?</style>|<[^>]*>", " ", render_html(blocks, META, "fr"), flags=re.S)
    word = _text(render_docx(blocks, META, "fr"))

    def numbers(text: str) -> set[str]:
        return set(re.findall(r"[+−]?\d[\d\u202f]*(?:,\d+)?", text))

    assert numbers(word) <= numbers(page) | {""}
    assert len(numbers(word)) > 80
