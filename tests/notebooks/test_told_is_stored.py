"""Everything told is in the results: each number of each output is a leaf, or a stated function.

From the record to the blocks the numbers are marked, so that none is found by chance (`marking.py`,
`tracing.py`). From the blocks to each page the numbers printed are those of the blocks, as many
times, rounded as their form says (`printing.py`). The last tests plant faults in both.
"""

from __future__ import annotations

import csv
import json
import random
import re
import runpy
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from value_study import value_study

from impact_eval import Report, Study, evaluate
from impact_eval.designs import designs
from impact_eval.pipeline.exporters import blocks_of
from impact_eval.pipeline.outputs import write_data_files
from impact_eval.pipeline.runner import run
from impact_eval.pipeline.templates import read_notebook
from impact_eval.pipeline.worth import write_workbook
from impact_eval.report.blocks import AnyBlock, Figure, Table, block_to_dict
from impact_eval.report.docx import render_docx
from impact_eval.report.formats import FORMAT_NAMES, OF_CATALOGUE, show
from impact_eval.report.html import render_html
from impact_eval.report.masthead import page_meta
from impact_eval.report.pdf import pdf_content
from impact_eval.report.texts import Texts
from impact_eval.results.gate import release
from impact_eval.results.records import StudyResults

HERE = Path(__file__).parent
TRACING = SimpleNamespace(**runpy.run_path(str(HERE / "tracing.py")))
MARKING = SimpleNamespace(**runpy.run_path(str(HERE / "marking.py")))
PRINTING = SimpleNamespace(**runpy.run_path(str(HERE / "printing.py")))
SMALL = runpy.run_path(str(HERE.parent / "unit" / "results" / "conftest.py"))
DATASETS = ("association_avant_apres", "rendez_vous_droits", "mobilite_bassins")
STUDIES = (*DATASETS, "compared", "scored")
SECTIONS = ("summary", "flow", "effects", "checks", "robustness", "soft_outcomes", "value",
            "limits", "provenance")  # fmt: skip
LANGUAGES = ("fr", "en")
SIGN, MIDDLE = (
    {1.0},
    {0.5},
)  # of a workbook: who pays, and the middle of the year, a setting in words


@dataclass(frozen=True)
class Told:
    """The published results of a study, and all that its report is made of."""

    results: StudyResults
    blocks: list[AnyBlock]

    @classmethod
    def of(cls, results: StudyResults) -> Told:
        report = Report(results, "fr")
        return cls(results, [b for section in SECTIONS for b in getattr(report, section)()])

    @property
    def content(self) -> list[Any]:
        """The blocks as JSON, with what is at its default."""
        return [block.model_dump(mode="json") for block in self.blocks]


@pytest.fixture(scope="module")
def told(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Told]:
    """Return what is told of a study, computed once."""
    known: dict[str, Told] = {}

    def tell(name: str) -> Told:
        if name not in known:
            whole = evaluate(_study(name, root, tmp_path_factory))
            known[name] = Told.of(release(whole).results)
        return known[name]

    return tell


def _study(name: str, root: Path, folders: pytest.TempPathFactory) -> Study:
    folder = folders.mktemp(name)
    if name in DATASETS:
        ignored = shutil.ignore_patterns("sortie")
        shutil.copytree(root / "datasets" / name, folder, dirs_exist_ok=True, ignore=ignored)
        return Study.read(folder)
    if name == "valued":
        return Study.read(value_study(folder / "etude"))
    body, rows = {
        "compared": (SMALL["TWO_GROUPS"], SMALL["two_groups"]()),
        "scored": (SMALL["SCALE"], SMALL["answers"]()),
    }[name]
    study: Study = SMALL["study_in"](folder, body, rows)
    return study


# -- from the record to the blocks -------------------------------------------------------------


def marked_leaves(results: StudyResults) -> tuple[Told, Any]:
    """Return what is told of a record once marked, and its leaves."""
    marked = MARKING.marked(results)
    cited = [designs.get(r.estimate.method.name).info.references for r in results.estimates]
    catalogue = [f"doi:{reference}" for references in cited for reference in references]
    return Told.of(marked), TRACING.Leaves(marked.to_dict(), results.to_dict(), catalogue)


def places(told: Told) -> Iterator[Any]:
    for block in told.blocks:
        yield from TRACING.places_of(block_to_dict(block))


@pytest.mark.parametrize("name", STUDIES)
def test_each_value_of_the_report_is_stored(name: str, told: Callable[[str], Told]) -> None:
    marked, leaves = marked_leaves(told(name).results)
    found = [(place, leaves.explain(place)) for place in places(marked)]
    assert [str(place) for place, how in found if how is None] == []
    assert Counter(how for _, how in found)["leaf"] > 25


# a level of evidence, a time before entry, the number of a question: they have neighbours
BESIDE = ("setting", "zero", "position")


@pytest.mark.parametrize("name", STUDIES)
def test_a_number_from_nowhere_is_found_out(name: str, told: Callable[[str], Told]) -> None:
    """Each number of each block is moved, turned or taken for another: none has an explanation."""
    marked, leaves = marked_leaves(told(name).results)
    rng = random.Random(1)
    missed, tried = [], 0
    for place in places(marked):
        if isinstance(place.value, str) or leaves.explain(place) in BESIDE:
            continue
        for other in (place.value + 1, place.value * 1.0003, -place.value, 1 - place.value,
                      place.value / 7, rng.randrange(1, 101), round(rng.random(), 2)):  # fmt: skip
            if other not in (0, place.value):
                changed = TRACING.replace(place, value=other)
                missed += [(str(place), other)] if leaves.explain(changed) else []
                tried += 1
    assert tried > 250
    assert len(missed) <= 0.002 * tried, missed  # who pays alone has a balance that is a leaf


# -- from the blocks to the pages --------------------------------------------------------------


def difference(printed: list[str], wanted: Counter[str]) -> tuple[Counter[str], Counter[str]]:
    """Return the numbers that are too many, and those that lack."""
    found = Counter(printed)
    return found - wanted, wanted - found


NOTHING = (Counter(), Counter())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", STUDIES)
def test_a_page_prints_the_numbers_of_its_blocks(
    name: str, language: str, told: Callable[[str], Told]
) -> None:
    found = told(name)
    meta = page_meta(found.results)
    expected = PRINTING.Expected(language)
    html = PRINTING.words_of(render_html(found.blocks, meta, language))
    wanted = expected.page(found.content, meta, ladder=True, alts=2)
    assert difference(list(PRINTING.tokens(html, language)), wanted) == NOTHING
    word = PRINTING.words_of_docx(render_docx(found.blocks, meta, language))
    wanted = expected.page(found.content, meta, ladder=False)
    assert difference(list(PRINTING.tokens(word, language)), wanted) == NOTHING


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", STUDIES)
def test_the_typesetter_is_given_the_numbers_of_the_blocks(
    name: str, language: str, told: Callable[[str], Told]
) -> None:
    found = told(name)
    meta = page_meta(found.results)
    content = pdf_content(found.blocks, meta, language)
    given = [t for w in PRINTING.words_of_content(content) for t in PRINTING.tokens(w, language)]
    wanted = PRINTING.Expected(language).page(found.content, meta, ladder=True, data=False)
    assert difference(given, wanted) == NOTHING


def test_the_typesetter_writes_no_number_of_its_own(root: Path) -> None:
    """Its template computes nothing and holds no text: only sizes, and what it is given."""
    template = (root / "impact_eval" / "report" / "templates" / "report.typ").read_text("utf-8")
    laid_out = r"//.*|#set .*|#(h|v)\(.*|#counter\(page\)\.display.*"
    code = re.sub(laid_out, "", template)
    assert re.findall(r"\bcalc\.(?!max|min|rem)\w+|\bdecimal\(|\bfloat\(", code) == []
    texts = [text for text in re.findall(r"\[([^\[\]]*)\]", code) if any(c.isdigit() for c in text)]
    assert texts == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", STUDIES)
def test_a_drawing_writes_the_numbers_of_its_data(
    name: str, language: str, told: Callable[[str], Told]
) -> None:
    expected = PRINTING.Expected(language)
    for block in told(name).blocks:
        if not isinstance(block, Figure):
            continue
        drawn, ticks = PRINTING.words_of_figure(block, Texts(language))
        known = set(expected.table(block.data.model_dump(mode="json"), None))
        for code in Texts(language).codes():
            if code.startswith("figure."):
                known |= set(expected.of_text(Texts(language).source(code).many))
        options = block.model_dump(mode="json")["options"]
        known |= {t for option in options.values() for t in expected.shown(option, "pct")}
        written = [t for text in drawn for t in PRINTING.tokens(text, language)]
        assert [t for t in written if t not in known] == [], block.figure
        for at, text in ticks:
            (number,) = list(PRINTING.tokens(text, language)) or [None]
            if number is not None and not any(c.isalpha() for c in text):
                told_there = (float(number), float(number) / 100, -float(number) / 100)
                assert any(abs(at - one) <= 1e-6 * max(1, abs(at)) for one in told_there), text


@pytest.mark.parametrize("name", STUDIES)
def test_a_table_file_holds_the_numbers_of_its_table(
    name: str, told: Callable[[str], Told], tmp_path: Path
) -> None:
    blocks = told(name).blocks
    write_data_files(blocks, tmp_path)
    files = sorted((tmp_path / "tables").glob("*.csv"), key=_place)
    tables = [b for b in blocks if isinstance(b, Table)]
    figures = [b.data for b in blocks if isinstance(b, Figure)]
    assert len(files) == len(tables) + len(figures)
    for path, table in zip(files, [*figures, *tables], strict=True):
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        for row, cells in zip(rows, table.rows, strict=True):
            numbers = Counter(n for cell in row.values() if (n := _float(cell)) is not None)
            wanted = Counter(n for cell in cells for n in _numbers(cell))
            assert numbers == wanted, path.name
        assert not any(re.fullmatch(r"[a-z_]+(\.[a-z_0-9]+)+", c) for r in rows for c in r.values())


def _place(path: Path) -> tuple[bool, str]:
    """Return figures first, then tables by their number, whether they hold numbers or words."""
    kind, number = path.stem.split("-")[:2]
    return kind != "figure", number


def _float(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _numbers(cell: Any) -> Iterator[float]:
    """Yield what a cell of a file holds: a number, that of an amount, the ends of an interval."""
    content = cell.model_dump(mode="json") if hasattr(cell, "model_dump") else cell
    if isinstance(content, dict):
        code = str(content.get("code"))
        if code == "number.brackets" or re.match(r"unit\.\w+\.(change|level|size)$", code):
            inner = [v for v in content["values"].values() if isinstance(v, dict)]
            yield from (n for part in inner for n in _numbers(part))
        elif re.fullmatch(r"number\.[a-z]+\d?", code):
            yield float(f"{content['values']['x']:.12g}")
    elif isinstance(content, str):
        if (number := _float(content)) is not None:
            yield number
    elif TRACING.is_number(content):
        yield float(f"{content:.12g}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_writings_of_a_number_agree(language: str) -> None:
    """Whatever forms the studies here use: 5.35, a half, 66 chances in 100 are written alike."""
    rng = random.Random(2)
    plain = [0.5, 1.5, 2.5, 0.125, 5.35, 0.045, 0.655, 66.5, -0.04, 1234.5, 999999.5, 0.0]
    for form in sorted(FORMAT_NAMES - OF_CATALOGUE - {"date", "quote", "list", "plain"}):
        shares = form in ("p", "chance")
        values = [rng.random() ** 3 for _ in range(300)]
        values += [] if shares else [*plain, *(rng.uniform(-2e5, 2e5) for _ in range(300))]
        for value in values:
            told = list(PRINTING.tokens(show(value, form, language), language))
            assert told == PRINTING.written(value, form), (form, value)


# -- a whole run -------------------------------------------------------------------------------


@pytest.mark.long
def test_a_run_prints_the_blocks_of_its_notebook(root: Path, tmp_path: Path) -> None:
    """The files shipped are those of the blocks; a cell of the notebook prints nothing else."""
    ignored = shutil.ignore_patterns("sortie")
    folder = tmp_path / "etude"
    shutil.copytree(root / "datasets" / "rendez_vous_droits", folder, ignore=ignored)
    done = run(folder)
    notebook = read_notebook(done.folder / "notebook.ipynb")
    blocks, meta = blocks_of(notebook), page_meta(done.results)
    expected = PRINTING.Expected("fr")
    wanted = expected.page([b.model_dump(mode="json") for b in blocks], meta, ladder=True, alts=2)
    html = PRINTING.words_of((done.folder / "rapport-fr.html").read_text("utf-8"))
    assert difference(list(PRINTING.tokens(html, "fr")), wanted) == NOTHING
    told_there = Told.of(done.results).blocks  # the template's own fingerprint is known once it ran
    one, other = ([block_to_dict(b) for b in listed] for listed in (blocks, told_there))
    differing = [a["caption"] for a, b in zip(one, other, strict=True) if a != b]
    assert differing in ([], [{"code": "provenance.caption"}])
    for cell in notebook.cells:
        assert cell.cell_type == "code" or not re.search(r"\d", cell.source)
        for output in cell.get("outputs", ()):
            texts = [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
            assert not any(re.search(r"\d", text) for text in texts)


@pytest.mark.long
def test_the_page_of_the_checker_prints_what_its_file_holds(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "etude"
    ignored = shutil.ignore_patterns("sortie")
    shutil.copytree(root / "datasets" / "rendez_vous_droits", folder, ignore=ignored)
    done = run(folder)
    stored = json.loads((done.folder / "controle.json").read_text("utf-8"))
    outcomes = Counter(row.get("status") for row in stored.get("outputs", ()))
    known = {f"{n:g}" for _, n in TRACING.numbers_of(stored)} | {str(n) for n in outcomes.values()}
    texts = [t for t in TRACING.texts_of(stored) if any(c.isdigit() for c in t)]
    words = PRINTING.words_of((done.folder / "controle-fr.html").read_text("utf-8"))
    for text in sorted(texts, key=len, reverse=True):
        words = words.replace(text, " ").replace("SHA-256", " ")
    assert [t for t in PRINTING.tokens(words, "fr") if t not in known] == []


# -- the workbook of an account ----------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_value_of_the_workbook_is_stored(
    language: str, told: Callable[[str], Told], tmp_path: Path
) -> None:
    from openpyxl import load_workbook

    results = told("valued").results
    write_workbook(results.value, tmp_path, language)
    (path,) = tmp_path.glob("*.xlsx")
    stored = results.to_dict()["value"]
    account = {key: stored[key] for key in ("value_map", "quantities", "lines", "flows", "balance")}
    known = {number for _, number in TRACING.numbers_of(account)}
    texts = [text for text in TRACING.texts_of(account) if len(text) < 60]
    known |= {float(n) for text in texts for n in re.findall(r"\d+(?:\.\d+)?", text)}
    values = [
        (sheet.title, cell.coordinate, cell.value)
        for sheet in load_workbook(path)
        for row in sheet.iter_rows()
        for cell in row
        if TRACING.is_number(cell.value)
    ]
    assert len(values) > 20
    assert [v for v in values if abs(float(v[2])) not in known | SIGN | MIDDLE] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_formulas_of_the_workbook_give_the_amounts_told(
    language: str, told: Callable[[str], Told], tmp_path: Path
) -> None:
    excel = runpy.run_path(str(HERE.parent / "unit" / "value" / "test_excel_export.py"))
    value = told("valued").results.value
    write_workbook(value, tmp_path, language)
    (path,) = tmp_path.glob("*.xlsx")
    rows = [row.amounts for row in value.told.matrix.rows]
    tables = [list(table.values())[1:] for table in excel["shown"](path).values()]  # no headings
    assert any(_same(table, rows) for table in tables)
    benefits, costs, net, _, check = excel["totals"](path)
    assert net == pytest.approx(value.told.net.estimate)
    assert benefits - costs == pytest.approx(value.told.net.estimate)
    assert check == 0


def _same(table: list[list[Any]], rows: list[tuple[float, ...]]) -> bool:
    """Whether a table of a sheet holds these amounts, row by row."""
    kept = [[v for v in row if isinstance(v, int | float)] for row in table]
    kept = sorted(row for row in kept if row)
    return len(kept) == len(rows) and kept == [
        pytest.approx(list(row), abs=1e-6) for row in sorted(rows)
    ]


# -- several studies together ------------------------------------------------------------------


def test_each_number_of_a_consolidation_is_stored(root: Path, tmp_path: Path) -> None:
    from impact_eval.portfolio.portfolio import Portfolio
    from impact_eval.portfolio.portfolio_record import PortfolioRecord
    from impact_eval.report.narrative_portfolio import portfolio_blocks

    for number, seed in enumerate((1, 2, 3)):
        folder = tmp_path / f"etude-{number}"
        rows = SMALL["two_groups"](n=160, treated=80, seed=seed)
        text = SMALL["TWO_GROUPS"]
        study = SMALL["study_in"](folder, text, rows)
        file = folder / "study.toml"
        named = file.read_text("utf-8").replace('id = "essai"', f'id = "etude-{number}"')
        file.write_text(named, encoding="utf-8")
        study = Study.read(folder)
        release(evaluate(study)).results.write(folder)
    found = Portfolio.read([tmp_path / "*/results.json"]).pooling("emploi")
    stored = json.loads(json.dumps(PortfolioRecord.of(found).to_dict()))
    leaves = TRACING.Leaves(stored, {})
    told = Told(None, portfolio_blocks(found))  # of several studies
    assert [str(p) for p in places(told) if leaves.explain(p) is None] == []
