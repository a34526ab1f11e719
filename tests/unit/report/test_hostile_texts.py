"""Every text of a record, whatever it holds, in every format: shown as a text, never obeyed."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import warnings
import zipfile
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hostile_texts import HOSTILE
from openpyxl import load_workbook

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.hidden import hidden_in
from impact_eval.core.noticed import FindingWarning
from impact_eval.core.spreadsheet import cell_text
from impact_eval.pipeline.outputs import write_data_files
from impact_eval.pipeline.worth import write_workbook
from impact_eval.report.docx import render_docx
from impact_eval.report.html import render_html
from impact_eval.report.masthead import page_meta
from impact_eval.report.narrative import report_blocks
from impact_eval.report.pdf import render_pdf
from impact_eval.report.terminal import printable
from impact_eval.results.records import StudyResults

MakeResults = Callable[..., StudyResults]
NUMBER = re.compile(r"[+-]?[0-9.,]+(e[+-]?[0-9]+)?")
STARTS = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b")
ROUND = 37  # texts put in one record: three records hold the corpus


def test_the_corpus_is_whole() -> None:
    assert len(HOSTILE) == len(set(HOSTILE)) == 111


def planted(value: Any, texts: Iterator[str], *, only_french: bool) -> Any:
    """Return a record whose bilingual texts are those, one after the other."""
    if isinstance(value, dict):
        if set(value) == {"fr", "en"} and isinstance(value["fr"], str):
            text = next(texts)
            return {"fr": text, "en": None if only_french else text}
        return {k: planted(v, texts, only_french=only_french) for k, v in value.items()}
    if isinstance(value, list):
        return [planted(part, texts, only_french=only_french) for part in value]
    return value


def record(part: int, make_results: MakeResults) -> StudyResults:
    """A whole record where a third of the corpus stands in every text that a person wrote."""
    texts = [text.encode("utf-8", "replace").decode() for text in HOSTILE]
    texts = texts[part * ROUND : (part + 1) * ROUND]
    assert len(texts) == ROUND
    plain = make_results(3).to_dict()
    return StudyResults.from_dict(planted(plain, cycle(texts), only_french=part == 1))


@pytest.fixture(scope="module", params=[0, 1, 2])
def hostile(request: pytest.FixtureRequest, make_results: MakeResults) -> StudyResults:
    return record(request.param, make_results)


LATER = [pytest.param(part, marks=pytest.mark.long) for part in (1, 2)]


@pytest.fixture(params=[0, *LATER])
def drawn(request: pytest.FixtureRequest, make_results: MakeResults) -> StudyResults:
    """The same, for what takes seconds."""
    return record(request.param, make_results)


def language_of(results: StudyResults) -> str:
    """Return one language for each third: the texts are the same in the other."""
    return "en" if results.study.title.en is None else "fr"


def shown(text: str) -> bool:
    """Whether a text of a page holds nothing that nobody sees and nothing that orders."""
    controls = {c for c in text if unicodedata.category(c) == "Cc"} - set("\n\t\r")
    return not controls and not hidden_in(text)


def cells_of(path: Path, delimiter: str = ",") -> list[str]:
    text = path.read_text(encoding="utf-8")
    if delimiter == "\t":  # a tab in front stays as it was typed: the mark stands before it
        text = text.replace("'\t=", "' =")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [cell for row in rows for cell in row]


def is_inert(cell: str) -> bool:
    bare = cell.strip()
    first = bare.split(",")[0]  # a line of ours opened with another separator begins by a number
    return not bare.startswith(STARTS) or NUMBER.fullmatch(first) is not None


def test_tables_hold_no_formula_however_they_are_opened(
    hostile: StudyResults, tmp_path: Path
) -> None:
    write_data_files(report_blocks(hostile), tmp_path, language_of(hostile))
    found = sorted((tmp_path / "tables").glob("*.csv"))
    assert found
    for path in found:
        for delimiter in (",", ";", "\t"):
            running = [c for c in cells_of(path, delimiter) if not is_inert(c)]
            assert running == [], (path.name, delimiter)
        assert shown(path.read_text(encoding="utf-8")), path.name


def test_the_page_shows_texts_and_runs_nothing(drawn: StudyResults) -> None:
    page = render_html(report_blocks(drawn), page_meta(drawn), language_of(drawn))
    assert shown(page)
    assert "<script" not in page
    assert not re.search(r"<[^>]*\son(error|load)\s*=", page)
    assert not re.search(r"(href|src)\s*=\s*[\"']?\s*javascript:", page, re.IGNORECASE)
    assert "<!ENTITY" not in page
    assert " 49 " not in page.replace("7*7", "")


def test_pdf_and_word_are_made(drawn: StudyResults) -> None:
    blocks, meta, language = report_blocks(drawn), page_meta(drawn), language_of(drawn)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FindingWarning)
        assert render_pdf(blocks, meta, language).startswith(b"%PDF")
    with zipfile.ZipFile(io.BytesIO(render_docx(blocks, meta, language))) as packed:
        body = packed.read("word/document.xml").decode("utf-8")
    assert shown(body)
    assert not re.search(r"<w:(fldSimple|instrText|altChunk)\b", body)


def test_the_workbook_has_only_our_formulas(
    hostile: StudyResults, make_results: MakeResults, tmp_path: Path
) -> None:
    def formulas(results: StudyResults, name: str) -> tuple[int, list[str]]:
        folder = tmp_path / name
        folder.mkdir()
        write_workbook(results.value, folder, "fr")
        (path,) = folder.glob("*.xlsx")
        book = load_workbook(path)
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        assert not any(cell.hyperlink or cell.comment for cell in cells)
        assert not book.defined_names
        told = [str(c.value) for c in cells if c.data_type != "f" and c.value is not None]
        return sum(cell.data_type == "f" for cell in cells), told

    usual, _ = formulas(make_results(3), "usual")
    found, told = formulas(hostile, "hostile")
    assert found == usual
    assert [text for text in told if not is_inert(text) or not shown(text)] == []


def test_a_record_comes_back_from_its_file(hostile: StudyResults, tmp_path: Path) -> None:
    path = hostile.write(tmp_path / "results.json")
    held = "".join(_strings(hostile.to_dict()))
    commands = {s for s in held if unicodedata.category(s) in ("Cc", "Cs")} - set("\n\t\r")
    if commands:  # no page can hold them: nothing that we read gives them, and a file is refused
        with pytest.raises(ImpactEvalError) as refused:
            StudyResults.read(path)
        assert refused.value.codes == ("hidden_in_file",)
    else:
        assert StudyResults.read(path) == hostile


def _strings(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from _strings(value)


@pytest.mark.parametrize("text", HOSTILE, ids=[f"t{k:03d}" for k in range(len(HOSTILE))])
def test_a_text_alone_is_inert_in_a_cell_and_on_a_terminal(text: str) -> None:
    cell = cell_text(text)
    assert is_inert(cell)
    cell.encode("utf-8")
    for delimiter in (";", ",", "\t", "\n"):
        head, *rest = cell.split(delimiter)
        assert all(is_inert(part.strip(' "')) for part in rest if head.strip("'\t\n ")), cell
    told = printable(text)
    assert shown(told)
    assert not set(told) & set("\r\x1b\x9b\x08")
    told.encode("utf-8")
