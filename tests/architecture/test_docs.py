"""The pages: tutorials that run, figures that everyone can read, nothing asked of the network."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from impact_eval.designs import designs

MODULES = ("figures", "pages", "drawing", "method_pages", "schema_pages", "reference_pages",
           "instrument_page", "kernel_page", "results_page", "generate")  # fmt: skip


@pytest.fixture
def docs(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that the generator would write in, elsewhere."""
    monkeypatch.syspath_prepend(str(root / "docs"))
    monkeypatch.setattr(importlib.import_module("pages"), "HERE", tmp_path)
    yield tmp_path
    for name in MODULES:
        sys.modules.pop(name, None)


def _module(name: str) -> ModuleType:
    return importlib.import_module(name)


@pytest.mark.parametrize("page", ["tutorials/premiere-etude.md", "tutorials/first-study.md"])
def test_the_evaluators_tutorial_names_what_is_there(root: Path, page: str) -> None:
    text = (root / "docs" / page).read_text(encoding="utf-8")
    study = (root / "datasets/association_avant_apres/study.toml").read_text(encoding="utf-8")
    assert (root / "datasets/association_avant_apres/suivi.xlsx").is_file()
    for damaged in ('pillar = "emploi"', 'column = "heures"'):
        assert damaged in text
        assert damaged in study


def test_every_method_has_its_page_and_figures(docs: Path) -> None:
    written = _module("method_pages").write_methods()
    names = {path.name for path in written}
    for name in designs.names():
        assert {f"{name}.md", f"{name}.fr.svg", f"{name}.en.svg"} <= names
        page = (docs / "methods" / f"{name}.md").read_text(encoding="utf-8")
        for part in ("What is compared", "Ce qu’il faut croire", "Numbers held to", "doi.org"):
            assert part in page, f"{name}: {part}"


def test_every_method_of_ours_has_a_figure_of_its_own(docs: Path) -> None:
    figures = _module("figures").FIGURES
    assert [name for name in designs.names() if name not in figures] == []


def test_figures_are_black_and_white_and_told_in_words(docs: Path) -> None:
    figures = _module("figures")
    for name, figure in figures.FIGURES.items():
        for language in figures.LANGUAGES:
            text = figure.svg(language)
            assert text == figure.svg(language)
            colours = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]+)"', text))
            assert colours <= {"#000", "#fff", "#777"}, name
            tree = ElementTree.fromstring(text)
            title = tree.find("{http://www.w3.org/2000/svg}title")
            assert title is not None
            assert title.text is not None
            assert len(title.text) > 40, f"{name}: the text that stands for the picture"


def test_the_other_pages_are_made(docs: Path) -> None:
    _module("schema_pages").write_schemas()
    _module("instrument_page").write_instruments()
    _module("reference_pages").write_reference()
    _module("results_page").write_results_file()
    _module("kernel_page").write_kernels()
    kernels = (docs / "reference/generated/kernels.rst").read_text(encoding="utf-8")
    assert ".. autofunction:: impact_eval.stats.scales.agreement.krippendorff_alpha" in kernels
    study = (docs / "reference/generated/study.md").read_text(encoding="utf-8")
    assert "`territory`" in study
    assert "Code of the territory" in study
    readers = (docs / "reference/generated/results-file.md").read_text(encoding="utf-8")
    assert "`AttritionValues.lee_lower`" in readers
    scales = (docs / "instruments/index.md").read_text(encoding="utf-8")
    assert "## rses-fr" in scales
    codes = (docs / "reference/generated/codes.md").read_text(encoding="utf-8")
    assert "`duplicated_rows`" in codes


def test_no_page_asks_the_network(root: Path) -> None:
    """A link may be followed by a reader; nothing is loaded from elsewhere."""
    loaded = re.compile(
        r"<(?:script|link|img|iframe)[^>]+https?://|!\[[^\]]*\]\(https?://|url\(http"
    )
    pages = [p for p in (root / "docs").rglob("*") if p.suffix in {".md", ".css", ".py", ".rst"}]
    own = [p for p in pages if "_build" not in p.parts]
    assert len(own) > 40
    assert not [p.name for p in own if loaded.search(p.read_text(encoding="utf-8"))]
