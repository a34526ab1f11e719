"""The operator's own edition says on every page that it is not to be shared."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

import pytest

from impact_eval.report.blocks import AnyBlock, Heading, Note
from impact_eval.report.docx import render_docx
from impact_eval.report.html import render_html
from impact_eval.report.masthead import page_meta
from impact_eval.report.narrative import report_blocks
from impact_eval.report.pdf import pdf_content, render_pdf
from impact_eval.report.texts import Texts
from impact_eval.results.records import StudyResults
from impact_eval.results.study_records import DossierRecord, InferenceRecord

MakeResults = Callable[..., StudyResults]
MARK = "Document interne\u00a0: ne pas diffuser."


@pytest.fixture(scope="module")
def internal(make_results: MakeResults) -> StudyResults:
    results = make_results(3)
    disclosure = results.disclosure.model_copy(update={"edition": "internal", "threshold": 1})
    inference = InferenceRecord(
        n_clusters=8, n_treated=3, exact=True, n_draws=56, false_positive=None, rows=()
    )
    return results.model_copy(
        update={
            "disclosure": disclosure,
            "dossier": {"emploi_6m": DossierRecord(inference=inference, curve=(), hidden=None)},
        }
    )


def blocks_of(results: StudyResults) -> list[AnyBlock]:
    return report_blocks(results)


def test_every_section_opens_with_the_mark(internal: StudyResults) -> None:
    blocks = blocks_of(internal)
    opened = [i for i, b in enumerate(blocks) if isinstance(b, Heading) and b.level <= 2]
    anchors = [b.anchor for b in blocks if isinstance(b, Heading) and b.level <= 2]
    assert anchors == [
        "title", "summary", "action", "flow", "effect", "checks", "robustness", "soft", "value",
        "limits", "codes", "provenance",
    ]  # fmt: skip
    for at in opened:
        note = blocks[at + 1]
        assert isinstance(note, Note)
        assert note.tone == "warning"
        assert Texts("fr").words(note.words) == MARK


def test_it_promises_no_rule_that_it_does_not_keep(internal: StudyResults) -> None:
    text = render_html(blocks_of(internal), page_meta(internal), "fr")
    assert "moins de 1 personne" not in text
    assert "réservée à l’opérateur" in text


def test_every_page_of_each_format_bears_it(internal: StudyResults) -> None:
    blocks, meta = blocks_of(internal), page_meta(internal)
    page = render_html(blocks, meta, "fr")
    assert f'<p class="mark">{MARK}</p>' in page
    assert "position: fixed" in page
    assert pdf_content(blocks, meta, "fr")["mark"] == MARK
    few = [b for b in blocks if not hasattr(b, "alt")]
    assert render_pdf(few, meta, "en") != render_pdf(few, {**meta, "mark": ""}, "en")
    word = zipfile.ZipFile(io.BytesIO(render_docx(blocks, meta, "en")))
    headers = [word.read(n).decode("utf-8") for n in word.namelist() if "word/header" in n]
    assert any("Internal document: do not share." in header for header in headers)


def test_the_edition_to_publish_bears_nothing(make_results: MakeResults) -> None:
    results = make_results(3)
    meta = page_meta(results)
    assert "mark" not in meta
    page = render_html(blocks_of(results), meta, "fr")
    assert "mark" not in re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    assert ".mark" not in page
    assert "ne pas diffuser" not in page
    word = zipfile.ZipFile(io.BytesIO(render_docx(blocks_of(results), meta, "fr")))
    assert not any("word/header" in name for name in word.namelist())


def test_the_head_of_a_report(make_results: MakeResults) -> None:
    results = make_results(3)
    meta = page_meta(results)
    assert set(meta) == {"title", "territory", "contract", "operator", "pillar", "period"}
    bare = results.study.model_copy(
        update={"territory_name": None, "contract": None, "operator": None}
    )
    meta = page_meta(results.model_copy(update={"study": bare}))
    assert meta["territory"] == "01"
    assert set(meta) == {"title", "territory", "pillar", "period"}
