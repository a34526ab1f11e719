"""A third language is TOML and one formats class: a package adds it, nothing of ours changes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook
from third_language import MARK, sentences, unmarked, write_package

from impact_eval.results.records import StudyResults

MakeResults = Callable[..., StudyResults]
REPORT = """
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
STUDY = """
import shutil
from pathlib import Path
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.pipeline.checker import write_checker_page
from impact_eval.pipeline.edition_files import report_names
from impact_eval.pipeline.scaffold import start_study
from impact_eval.pipeline.schema import schemas
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.territory_account import consolidate_studies
from impact_eval.pipeline.urgent import note_text
from impact_eval.pipeline.worth import write_workbook
from impact_eval.report.texts import render_error, user_language
from impact_eval.results.records import StudyResults

results = StudyResults.read(Path())
out = Path("out")
out.mkdir()
write_workbook(results.value, out, "xx")
write_checker_page(out, results, ("xx",))
for name in ("a", "b"):
    study = results.study.model_copy(update={"id": name})
    one = Path("studies") / name
    one.mkdir(parents=True)
    data = results.data.model_copy(update={"sha256": name * 64})
    results.model_copy(update={"study": study, "data": data}).write(one)
outcome = results.primary.outcome
consolidate_studies(["studies/*/results.json"], outcome=outcome, output="pooled")
start_study("new", design="before_after", language="xx")
shutil.copy("data.csv", "new/donnees.csv")
study = Study.read("new")
print(*study.declaration.report.languages, *report_names(study))
print(*schemas()["study-1.json"]["$defs"]["ReportPart"]["properties"]["languages"]["items"]["enum"])
Path("note.txt").write_text(note_text(study, (Finding.warning(
    "urgent_answers", n=2, item="phq9", column="p9", file="a.csv"),)), encoding="utf-8")
text = Path("new/study.toml").read_text("utf-8")
Path("new/study.toml").write_text(text.replace('"xx"]', '"xy"]'), "utf-8")
print(user_language())
try:
    Study.read("new")
except ImpactEvalError as error:
    print(render_error(error, "xx"))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package that gives the language."""
    return write_package(tmp_path_factory.mktemp("pseudo"))


def _done(script: str, root: Path, package: Path, folder: Path) -> list[str]:
    """Run a script where the package is installed; return what it prints."""
    path = os.pathsep.join([str(root), str(package)])
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8",
             "IMPACT_EVAL_LANGUAGE": "xx"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_report_in_a_third_language(
    root: Path, package: Path, tmp_path: Path, make_results: MakeResults
) -> None:
    make_results().write(tmp_path)
    codes, values, *refusal = _done(REPORT, root, package, tmp_path)
    assert codes == "fr en xx"
    assert values == "50 ẍ%|-3 ẍ€|1·5|ẍoui"
    assert all(MARK in line for line in refusal)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert 'lang="xx"' in page
    assert sentences(page) > 40
    authors = (tmp_path / "results.json").read_text("utf-8")
    assert [text for text in unmarked(page, authors) if len(text.split()) > 6] == []
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "report.docx").stat().st_size > 10_000


def test_the_files_of_a_study_in_a_third_language(
    root: Path, package: Path, tmp_path: Path, make_results: MakeResults
) -> None:
    """The study to fill, its languages, the account, the page to sign, the note, a portfolio."""
    make_results().write(tmp_path)
    (tmp_path / "data.csv").write_text("id,vague,resultat\n1,0,1\n", encoding="utf-8")
    told, schema, user, *refusal = _done(STUDY, root, package, tmp_path)
    assert told == "fr en xx rapport-fr.html report-en.html report-xx.html"
    assert schema == "fr en xx"
    assert user == "xx"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "controle.json", "check-xx.html", "konto-xx.xlsx",
    }  # fmt: skip
    authors = (tmp_path / "results.json").read_text("utf-8")
    page = (tmp_path / "out/check-xx.html").read_text("utf-8")
    assert 'lang="xx"' in page
    names = re.compile(r"konto-xx\.xlsx|[0-9a-f]{64}")
    assert [text for text in unmarked(page, authors) if not names.fullmatch(text)] == []
    book = load_workbook(tmp_path / "out/konto-xx.xlsx")
    assert all(name.startswith(MARK) for name in book.sheetnames)
    assert str(book.worksheets[-1]["A1"].value).startswith(MARK)
    pooled = tmp_path / "pooled"
    assert {path.name for path in pooled.iterdir()} == {
        "accounts.json", "portfolio.json", "rapport-fr.html", "report-en.html", "report-xx.html",
    }  # fmt: skip
    page, authors = (pooled / "report-xx.html").read_text("utf-8"), authors + "a b"
    assert sentences(page) > 5
    assert list(unmarked(page, authors)) == []
    scaffold = (tmp_path / "new/study.toml").read_text("utf-8")
    assert all(MARK in line for line in scaffold.splitlines() if "# " in line)
    ours, *lines = (tmp_path / "note.txt").read_text("utf-8").split(MARK)
    assert (ours.count("NE PAS DIFFUSER"), ours.count("DO NOT SHARE")) == (1, 1)
    assert len(lines) == 4  # head, answer, what to do, what to do with the note
    assert "NE PAS DIFFUSER" in lines[0]
    assert all(MARK in line for line in refusal)
    assert "fr, en ẍet xx" in refusal[2]


def test_our_own_are_found_in_their_folder(root: Path) -> None:
    from impact_eval.report.languages.language import language_codes

    rooms = {path.name for path in (root / "impact_eval/report/locale").iterdir()}
    files = {path.stem for path in (root / "impact_eval/report/languages").glob("*.py")}
    assert set(language_codes()) == rooms
    assert len(files - {"__init__", "language"}) == len(rooms)
