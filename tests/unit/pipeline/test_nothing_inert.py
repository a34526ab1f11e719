"""Every key of the study file changes what a reader gets, or is refused.

`study_keys` gives, for each key of the models, two studies that differ in it alone; here each pair
is computed and what must differ is compared. A key without a pair fails the first test.
"""

from __future__ import annotations

import functools
import json
import re
import runpy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from impact_eval import ImpactEvalError, Report, Study, evaluate
from impact_eval.pipeline.runner import run
from impact_eval.report import html as html_pages
from impact_eval.report.figures.gallery import Picture
from impact_eval.report.html import render_html
from impact_eval.report.masthead import page_meta
from impact_eval.results.gate import release
from impact_eval.results.records import StudyResults, comparable

KEYS = runpy.run_path(str(Path(__file__).with_name("study_keys.py")))
PAIRS: dict[str, Any] = KEYS["PAIRS"]
SECTIONS = ("summary", "flow", "effects", "checks", "robustness", "soft_outcomes", "value",
            "limits", "provenance")  # fmt: skip
FINGERPRINT = "0" * 64
Make = Callable[[str], Path]


@dataclass(frozen=True)
class Given:
    """What a study file gives: its results, its pages in words, or the codes of its refusal."""

    found: StudyResults | None = None
    refusal: frozenset[str] = field(default_factory=frozenset)

    @functools.cached_property
    def results(self) -> str:
        """Its results, as JSON."""
        return "" if self.found is None else json.dumps(comparable(self.found))

    @functools.cached_property
    def pages(self) -> str:
        """Its pages, made when they are looked at."""
        return "" if self.found is None else _words(self.found)


def test_every_key_has_a_pair() -> None:
    assert set(KEYS["keys"]()) == set(PAIRS)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Given]:
    """Compute a study from its text, each text once."""
    folder = tmp_path_factory.mktemp("keys")
    KEYS["write_files"](folder)

    @functools.cache
    def compute(text: str) -> Given:
        (folder / "study.toml").write_text(text, encoding="utf-8")
        try:
            results = evaluate(Study.read(folder))
        except ImpactEvalError as error:
            return Given(refusal=frozenset(error.codes))
        return Given(_unsigned(results))

    return compute


def _unsigned(results: StudyResults) -> StudyResults:
    """Return results without the fingerprint of the study file, which any key changes."""
    signed = {"study_sha256": FINGERPRINT, "run_at": "2024-01-01T00:00:00+00:00"}
    provenance = results.provenance.model_copy(update=signed)
    return results.model_copy(update={"provenance": provenance})


def _words(results: StudyResults) -> str:
    """Return the words of the report that a reader sees, in French."""
    report = Report(results, "fr")
    blocks = [block for name in SECTIONS for block in getattr(report, name)()]
    with pytest.MonkeyPatch.context() as patched:  # the words beside a picture say what it shows
        patched.setattr(html_pages, "picture_of", lambda *_: Picture(b"", 1, 1))
        html = render_html(blocks, page_meta(release(results).results), "fr")
    text = re.sub("<style>.*?</style>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", text))


COMPUTED = [key for key, pair in PAIRS.items() if pair.must != KEYS["FILES"]]
WRITTEN = [key for key, pair in PAIRS.items() if pair.must == KEYS["FILES"]]


@pytest.mark.parametrize("key", COMPUTED)
def test_a_key_changes_what_is_told_or_is_refused(key: str, given: Callable[[str], Given]) -> None:
    pair = PAIRS[key]
    one, other = (given(KEYS["text_of"](pair, key, value)) for value in (pair.one, pair.other))
    assert not one.refusal
    if pair.must == KEYS["PAGES"]:
        assert not other.refusal
        differ = one.pages != other.pages
        assert differ, "the pages are the same"
    elif pair.must == KEYS["RESULTS"]:
        assert not other.refusal
        differ = one.results != other.results
        assert differ, "the results are the same"
    else:
        assert pair.must in other.refusal


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], frozenset[str]]:
    """Run a study from its text and return the files that it makes, each text once."""

    @functools.cache
    def files(text: str) -> frozenset[str]:
        folder = tmp_path_factory.mktemp("files")
        KEYS["write_files"](folder)
        before = {path for path in folder.rglob("*") if path.is_file()}
        (folder / "study.toml").write_text(text, encoding="utf-8")
        run(folder)
        found = {path for path in folder.rglob("*") if path.is_file()} - before
        return frozenset(path.relative_to(folder).as_posix() for path in found)

    return files


NEW = {
    "privacy.internal_edition": {"interne/interne-fr.html", "interne/results.json"},
    "report.languages": {"sortie/report-en.html"},
    "report.formats": {"sortie/rapport-fr.docx"},
}


@pytest.mark.long
@pytest.mark.parametrize("key", WRITTEN)
def test_a_key_changes_the_files_made(key: str, made: Callable[[str], frozenset[str]]) -> None:
    pair = PAIRS[key]
    one, other = (made(KEYS["text_of"](pair, key, value)) for value in (pair.one, pair.other))
    assert other - one >= NEW[key]
