"""Everything told is in the results: each number of each output is a leaf, or a stated function.

The functions are the list at the head of `tracing.py`.
"""

from __future__ import annotations

import csv
import json
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from impact_eval import Report, Study, evaluate
from impact_eval.designs import designs
from impact_eval.pipeline.outputs import write_data_files
from impact_eval.pipeline.worth import write_workbook
from impact_eval.report.blocks import AnyBlock, Figure, Table, block_to_dict
from impact_eval.report.html import render_html
from impact_eval.report.masthead import page_meta
from impact_eval.results.gate import release
from impact_eval.results.records import StudyResults

HERE = Path(__file__).parent
TRACING = runpy.run_path(str(HERE / "tracing.py"))
SMALL = runpy.run_path(str(HERE.parent / "unit" / "results" / "conftest.py"))
DATASETS = ("association_avant_apres", "rendez_vous_droits", "mobilite_bassins")
STUDIES = (*DATASETS, "compared", "scored")
SECTIONS = ("summary", "flow", "effects", "checks", "robustness", "soft_outcomes", "value",
            "limits", "provenance")  # fmt: skip
LANGUAGES = ("fr", "en")
Told = tuple[StudyResults, list[AnyBlock]]


@pytest.fixture(scope="module")
def told(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Told]:
    """Return the published results of a study and all that its report is made of, once."""
    known: dict[str, Told] = {}

    def tell(name: str) -> Told:
        if name not in known:
            results = release(evaluate(_study(name, root, tmp_path_factory))).results
            report = Report(results, "fr")
            blocks = [block for section in SECTIONS for block in getattr(report, section)()]
            known[name] = results, blocks
        return known[name]

    return tell


def _study(name: str, root: Path, folders: pytest.TempPathFactory) -> Study:
    folder = folders.mktemp(name)
    if name in DATASETS:
        ignored = shutil.ignore_patterns("sortie")
        shutil.copytree(root / "datasets" / name, folder, dirs_exist_ok=True, ignore=ignored)
        return Study.read(folder)
    body, rows = {
        "compared": (SMALL["TWO_GROUPS"], SMALL["two_groups"]()),
        "scored": (SMALL["SCALE"], SMALL["answers"]()),
    }[name]
    study: Study = SMALL["study_in"](folder, body, rows)
    return study


def _structure(block: AnyBlock) -> dict[str, Any]:
    """Return a block without what only lays it out."""
    content = block_to_dict(block)
    if content["kind"] == "heading":
        content.pop("level", None)
    if content["kind"] == "table":
        content.pop("emphasis", None)
    return content


@pytest.mark.parametrize("name", STUDIES)
def test_each_number_of_the_report_is_stored(name: str, told: Callable[[str], Told]) -> None:
    results, blocks = told(name)
    leaves = TRACING["Leaves"](results.to_dict())
    lost = [
        f"{block.kind}{path} = {number}"
        for block in blocks
        for path, number in TRACING["numbers_of"](_structure(block))
        if leaves.explain(number) is None
        and not (path.endswith(".n") and leaves.rounds_to(number))  # of a unit: only its plural
    ]
    assert lost == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", STUDIES)
def test_each_number_of_a_page_is_one_of_its_blocks(
    name: str, language: str, told: Callable[[str], Told]
) -> None:
    results, blocks = told(name)
    content = [_structure(block) for block in blocks]
    stored = results.to_dict()
    page = TRACING["words_of"](render_html(blocks, page_meta(results), language))
    texts = [*TRACING["texts_of"](stored), *TRACING["texts_of"](content), *_references(results)]
    words = TRACING["without"](page, [t for t in texts if any(c.isdigit() for c in t)])
    numbers = [n for _, n in TRACING["numbers_of"](content)]
    written = TRACING["Written"]([*numbers, *TRACING["_in_texts"](stored)])
    in_words = TRACING["numbers_in_words"](content, language)
    lost = [
        text
        for text, value, decimals in TRACING["printed"](words, language)
        if value not in in_words and not written.holds(value, decimals)
    ]
    assert lost == []


def _references(results: StudyResults) -> list[str]:
    return [
        reference
        for record in results.estimates
        for reference in designs.get(record.estimate.method.name).info.references
    ]


@pytest.mark.parametrize("name", STUDIES)
def test_each_number_of_a_table_is_one_of_its_blocks(
    name: str, told: Callable[[str], Told], tmp_path: Path
) -> None:
    _, blocks = told(name)
    write_data_files(blocks, tmp_path)
    files = sorted((tmp_path / "tables").glob("*.csv"))
    tables = [b for b in blocks if isinstance(b, Table)]
    figures = [b.data for b in blocks if isinstance(b, Figure)]
    assert len(files) == len(tables) + len(figures)
    for path, table in zip(files, [*figures, *tables], strict=True):
        known = {n for _, n in TRACING["numbers_of"](table.model_dump(mode="json"))}
        with path.open(encoding="utf-8", newline="") as stream:
            cells = [cell for row in list(csv.reader(stream))[1:] for cell in row]
        rounded = {float(f"{n:.12g}") for n in known}
        lost = [cell for cell in cells if (n := _float(cell)) is not None and n not in rounded]
        texts = set(TRACING["texts_of"](table.model_dump(mode="json")))
        assert [cell for cell in lost if cell not in texts] == [], path.name


def _float(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_value_of_the_workbook_is_stored(
    language: str, told: Callable[[str], Told], tmp_path: Path
) -> None:
    from openpyxl import load_workbook

    results, _ = told("mobilite_bassins")
    write_workbook(results.value, tmp_path, language)
    (path,) = tmp_path.glob("*.xlsx")
    leaves = TRACING["Leaves"](results.to_dict()["value"])
    values = [
        (sheet.title, cell.coordinate, cell.value)
        for sheet in load_workbook(path)
        for row in sheet.iter_rows()
        for cell in row
        if TRACING["is_number"](cell.value)
    ]
    assert len(values) > 30
    lost = [value for value in values if leaves.explain(float(value[2])) is None]
    assert lost == []


def test_each_number_of_a_consolidation_is_stored(
    root: Path, tmp_path: Path, told: Callable[[str], Told]
) -> None:
    from impact_eval.portfolio.portfolio import Portfolio
    from impact_eval.portfolio.record import PortfolioRecord
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
    leaves = TRACING["Leaves"](stored)
    blocks = portfolio_blocks(found)
    lost = [
        f"{block.kind}{path} = {number}"
        for block in blocks
        for path, number in TRACING["numbers_of"](_structure(block))
        if leaves.explain(number) is None and not (path.endswith(".n") and leaves.rounds_to(number))
    ]
    assert lost == []


# -- the tracer itself -----------------------------------------------------------------------


def test_a_number_from_nowhere_is_found_out(told: Callable[[str], Told]) -> None:
    """Numbers changed in their fourth digit are traced to nothing: the functions are not a net."""
    results, blocks = told("mobilite_bassins")
    leaves = TRACING["Leaves"](results.to_dict())
    exact = [
        number
        for block in blocks
        for _, number in TRACING["numbers_of"](_structure(block))
        if abs(number) < 1 and number != round(number, 3)
    ]
    assert len(exact) > 50
    caught = [leaves.explain(number * 1.0003) is None for number in exact]
    assert sum(caught) > 0.95 * len(exact)
