"""A third language is TOML and one formats class: a package adds it, nothing of ours changes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from impact_eval.report.texts import own_folder
from impact_eval.results.records import StudyResults

MakeResults = Callable[..., StudyResults]
MARK = "ẍ"
CLASS = """
from pathlib import Path

from impact_eval.report.languages.language import LanguageFormats, register_language


@register_language
class Pseudo(LanguageFormats):
    code, locale, region = "xx", "fr", "FR"
    decimal_mark, and_word, others = "·", "ẍet", "{n} ẍautres"
    yes, no, less, colon = "ẍoui", "ẍnon", "ẍmoins de", " = "

    def percent(self, number):
        return f"{number} ẍ%"

    def euros(self, number, *, negative):
        return f"{'-' if negative else ''}{number} ẍ€"

    def times(self, n, among):
        return f"{n} ẍfois sur {among}"


folder = Path(__file__).with_name("texts")
"""
USE = """
import sys
from pathlib import Path
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.report.docx import render_docx
from impact_eval.report.html import render_html
from impact_eval.report.masthead import page_meta
from impact_eval.report.narrative import report_blocks
from impact_eval.report.pdf import render_pdf
from impact_eval.report.texts import Texts, language_codes, render_error
from impact_eval.results.records import StudyResults

results = StudyResults.read(Path())
blocks, meta = report_blocks(results), page_meta(results)
Path("report.html").write_text(render_html(blocks, meta, "xx"), encoding="utf-8")
Path("report.docx").write_bytes(render_docx(blocks, meta, "xx"))
Path("report.pdf").write_bytes(render_pdf(blocks, meta, "xx"))
print(*language_codes())
texts = Texts("xx")
print(texts.show(0.5, "pct"), texts.show(-3.0, "eur"), texts.show(1.5), texts.show(True), sep="|")
print(render_error(ImpactEvalError(Finding.error("empty_file", file="a.csv")), "xx"))
"""


def _marked(text: str) -> str:
    """Return a French catalogue in the pseudo-language: a mark before the text of each key."""
    return re.sub(r'^([\w."-]+ = """|[\w."-]+ = ")(?!""")', rf"\1{MARK} ", text, flags=re.MULTILINE)


class _Visible(HTMLParser):
    """The texts of a page, outside of its style sheet."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.inside != "style":
            self.texts.append(data)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of its own: a module, its TOML, and the metadata of what is installed."""
    place = tmp_path_factory.mktemp("pseudo")
    (place / "pseudo.py").write_text(CLASS, encoding="utf-8")
    told = place / "pseudo-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: pseudo\nVersion: 1.0\n", "utf-8")
    groups = "[impact_eval.languages]\nxx = pseudo\n[impact_eval.texts]\nxx = pseudo:folder\n"
    (told / "entry_points.txt").write_text(groups, "utf-8")
    words = place / "texts" / "xx"
    words.mkdir(parents=True)
    for file in own_folder().joinpath("fr").iterdir():
        text = re.sub(r"^plural = \"ẍ ", 'plural = "', _marked(file.read_text("utf-8")), flags=re.M)
        (words / file.name).write_text(text, encoding="utf-8")
    return place


def test_a_report_in_a_third_language(
    root: Path, package: Path, tmp_path: Path, make_results: MakeResults
) -> None:
    make_results().write(tmp_path)
    path = os.pathsep.join([str(root), str(package)])
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    codes, values, *refusal = done.stdout.splitlines()
    assert codes == "fr en xx"
    assert values == "50 ẍ%|-3 ẍ€|1·5|ẍoui"
    assert all(MARK in line for line in refusal)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert 'lang="xx"' in page
    visible = _Visible()
    visible.feed(page)
    sentences = [text for text in visible.texts if len(text.split()) > 6]
    assert len(sentences) > 40
    authors = (tmp_path / "results.json").read_text("utf-8")
    assert [text for text in sentences if MARK not in text and text.strip() not in authors] == []
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "report.docx").stat().st_size > 10_000


def test_our_own_are_found_in_their_folder(root: Path) -> None:
    from impact_eval.report.languages.language import language_codes

    rooms = {path.name for path in (root / "impact_eval/report/locale").iterdir()}
    files = {path.stem for path in (root / "impact_eval/report/languages").glob("*.py")}
    assert set(language_codes()) == rooms
    assert len(files - {"__init__", "language"}) == len(rooms)
