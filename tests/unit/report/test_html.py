"""The page: offline, accessible, deterministic, inert whatever people wrote in their answers."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from impact_eval.report.blocks import (
    WITHHELD,
    Absent,
    Bilingual,
    Column,
    Form,
    Formula,
    Heading,
    Table,
    say,
)
from impact_eval.report.html import mathml, policy, preview_html, render_html
from impact_eval.report.narrative import report_blocks
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.records import StudyResults

MakeResults = Callable[..., StudyResults]
META = {"territory": "Ain", "operator": "Roue Libre <script>alert(1)</script>"}
VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """What the tests look at: tags with attributes, and whether they nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]


@pytest.fixture(scope="module", params=["fr", "en"])
def page(request: pytest.FixtureRequest, make_results: MakeResults) -> tuple[str, str, Page]:
    text = render_html(report_blocks(make_results(3)), META, request.param)
    return request.param, text, Page(text)


def test_the_page_is_whole(page: tuple[str, str, Page]) -> None:
    language, text, parsed = page
    assert text.startswith("<!DOCTYPE html>")
    assert parsed.all("html")[0]["lang"] == language
    assert parsed.open == []
    assert re.search(r"<title>[^<]{10,}</title>", text)


def test_headings_go_down_one_step_at_a_time(page: tuple[str, str, Page]) -> None:
    levels = [int(tag[1]) for tag, _ in page[2].tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_landmarks_and_skip_link(page: tuple[str, str, Page]) -> None:
    parsed = page[2]
    for name in ("header", "main", "nav", "footer"):
        assert len(parsed.all(name)) == 1, name
    target = parsed.all("a")[0]["href"]
    assert target == f"#{parsed.all('main')[0]['id']}"


def test_every_picture_has_a_text_and_every_identifier_is_unique(
    page: tuple[str, str, Page],
) -> None:
    parsed = page[2]
    pictures = parsed.all("img")
    assert len(pictures) >= 8
    assert all(len(p["alt"] or "") > 30 for p in pictures)
    assert all((p["src"] or "").startswith("data:image/png;base64,") for p in pictures)
    names = [attrs["id"] for _, attrs in parsed.tags if "id" in attrs]
    assert len(names) == len(set(names))
    known = set(names)
    for attrs in parsed.all("a"):
        assert (attrs["href"] or "").lstrip("#") in known


def test_tables_name_their_columns_and_rows(page: tuple[str, str, Page]) -> None:
    parsed = page[2]
    assert len(parsed.all("table")) == len(parsed.all("caption"))
    scopes = {attrs.get("scope") for attrs in parsed.all("th")}
    assert scopes == {"col", "row"}


def test_nothing_comes_from_outside_and_nothing_runs(page: tuple[str, str, Page]) -> None:
    _, text, parsed = page
    assert parsed.all("script", "iframe", "object", "embed", "link", "form", "base") == []
    assert not re.search(r"(?:https?:)?//[a-z]", re.sub(r'base64,[^"]*', "", text))
    for _, attrs in parsed.tags:
        assert not any(name.startswith("on") or name == "style" for name in attrs)
    rule = next(a for a in parsed.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in (rule["content"] or "")
    assert "unsafe" not in (rule["content"] or "")


def test_the_policy_allows_the_style_of_the_page(page: tuple[str, str, Page]) -> None:
    style = re.search(r"<style>(.*?)</style>", page[1], re.S)
    assert style is not None
    from html import escape

    assert escape(policy(style[1]), quote=True).replace("&#x27;", "&#39;") in page[1]


def test_no_code_shows_through(page: tuple[str, str, Page]) -> None:
    text = re.sub(r"<style>.*?</style>|base64,[^\"]*", "", page[1], flags=re.S)
    assert re.findall(r"\[[a-z_]+(?:\.[a-z_0-9]+)+\]", text) == []


def test_what_people_wrote_is_inert(make_results: MakeResults) -> None:
    results = make_results(3)
    attack = '<img src=x onerror="alert(1)"></style><script>alert(1)</script>{{7*7}}$x$'
    written = BilingualRecord(fr=attack, en=attack)
    results = results.model_copy(
        update={
            "study": results.study.model_copy(update={"title": written, "action": written}),
            "estimates": tuple(r.model_copy(update={"label": written}) for r in results.estimates),
        }
    )
    text = render_html(report_blocks(results), {"title": attack, "operator": attack}, "fr")
    parsed = Page(text)
    assert parsed.all("script") == []
    assert not any("onerror" in attrs for attrs in parsed.all("img"))
    assert "{{7*7}}" in text


def test_the_same_blocks_give_the_same_bytes(make_results: MakeResults) -> None:
    first, again = (render_html(report_blocks(make_results(3)), META, "fr") for _ in range(2))
    assert first == again


@pytest.mark.parametrize("level", range(5))
def test_every_level_makes_a_page(make_results: MakeResults, level: int) -> None:
    results = make_results(level).model_copy(update={"scores": ()})
    text = render_html(report_blocks(results), {}, "en")
    assert f"Evidence level: {level} out of 4" in text


def test_sections_without_content_are_left_out(make_results: MakeResults) -> None:
    results = make_results(2).model_copy(
        update={"scores": (), "value": None, "checks": (), "findings": ()}
    )
    anchors = {b.anchor for b in report_blocks(results) if isinstance(b, Heading)}
    assert "soft" not in anchors
    assert "value" not in anchors


def test_withheld_and_absent_cells_say_so() -> None:
    table = Table(
        caption="T",
        columns=(
            Column(key="a", label="A", header=True),
            Column(key="n", label="N", form=Form.INTEGER),
        ),
        rows=(("x", WITHHELD), ("y", Absent(reason="no_testable_row")), ("z", 1234)),
    )
    text = preview_html([table], "fr")
    assert 'title="Retenu\u00a0: secret statistique">s</abbr>' in text
    assert "n. d.\u00a0: aucune des lignes" in text
    assert "1\u202f234" in text


def test_formulas_become_mathml_and_only_that() -> None:
    made = mathml(r"\hat{\beta} = \frac{a}{b}")
    assert ET.fromstring(str(made)).tag.endswith("math")
    block = Formula(latex=r"\frac{a}{b}", alt=Bilingual(fr="a sur b", en="a over b"))
    assert "<math" in preview_html([block], "fr")
    hostile = mathml(r"\text{<script>alert(1)</script>}")
    assert hostile is None or "<script" not in str(hostile)


def test_a_preview_is_a_fragment() -> None:
    text = preview_html([Heading(level=2, words=say("report.section.flow"))], "fr")
    assert "<html" not in text
    assert "Qui a été observé" in text
