"""What a study file holds is never a command to the terminal that prints it."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_studies import arms, head, work
from typer.testing import CliRunner

from impact_eval.cli import app
from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.hidden import hidden_in, without_hidden
from impact_eval.report.terminal import printable
from impact_eval.report.texts import Texts, render_error, render_finding

STUDY = head() + arms("{name}") + work()
ATTACK = r"\u001b]0;pris\u0007did\u001b[2J\u009b1A\u202e"


def controls(text: str) -> set[str]:
    """Return the characters that a terminal obeys."""
    turning = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    return {
        c
        for c in text
        if (unicodedata.category(c) in ("Cc", "Zl", "Zp") and c not in "\n\t")
        or unicodedata.bidirectional(c) in turning
    }


@given(st.text())
def test_what_is_printed_has_no_control_left(text: str) -> None:
    shown = printable(text)
    assert not controls(shown)
    assert printable(shown) == shown
    assert not hidden_in(shown)
    if not controls(text) and not hidden_in(text):
        assert shown == text


def test_controls_are_written_out_and_json_stays_json() -> None:
    assert printable("a\x1b[2J\rb\x9bc") == r"a\u001b[2J\u000db\u009bc"
    assert printable("deux lignes\n\tl’une ; l’autre\u202f%") == (
        "deux lignes\n\tl’une ; l’autre\u202f%"
    )
    value = {"name": "x\x9b1A\u202ey\x7f"}
    assert json.loads(printable(json.dumps(value, ensure_ascii=False))) == value


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_refusal_shows_the_controls_of_its_values_and_of_its_place(language: str) -> None:
    place = Place(file="a\x1b[2J.csv", column="c\x07", key="k\x9b")
    fault = Finding.error("missing_column", place, column="\x1b]0;x\x07", nearest=None, known=())
    for told in (
        render_finding(fault, Texts(language)),
        render_error(ImpactEvalError([fault, fault]), language),
        render_finding(Finding.error("never_written", name="\x1bc"), Texts(language)),
    ):
        assert not controls(told)
        assert r"\u001b" in told


@pytest.mark.parametrize("words", [["check"], ["check", "--json"], ["run"], ["plan"]])
def test_the_command_prints_no_control_of_a_study_file(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "study.toml").write_text(STUDY.replace("{name}", ATTACK), encoding="utf-8")
    (tmp_path / "donnees.csv").write_text("id,aide,emploi\n1,1,1\n2,0,0\n", encoding="utf-8")
    done = CliRunner().invoke(app, [words[0], str(tmp_path), *words[1:]])
    told = done.output
    assert done.exit_code == 1
    assert "method.name" in told
    assert "hidden_in_file" in told
    assert not controls(told)


def test_the_command_prints_no_control_of_a_title(tmp_path: Path) -> None:
    good = STUDY.replace("{name}", "difference_in_means")
    good = good.replace('id = "essai"', r'id = "essai\u001b[2J"')
    (tmp_path / "study.toml").write_text(good, encoding="utf-8")
    rows = [f"P{i},{i % 2},{i % 3 % 2}" for i in range(40)]
    (tmp_path / "donnees.csv").write_text("\n".join(["id,aide,emploi", *rows]), encoding="utf-8")
    done = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert "study.id" in done.output
    assert not controls(done.output)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ai\u200bde", r"ai\u200bde"),
        ("\ufeffid", r"\ufeffid"),
        ("aide\u00ad", r"aide\u00ad"),
        ("x\U000e0041", r"x\udb40\udc41"),
        ("\u3164", r"\u3164"),
        ("a\ufe0f", r"a\ufe0f"),
        ("x\ud800", r"x\ud800"),
    ],
)
def test_what_nobody_sees_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text", ["5\u00a0%", "👩\u200d👩\u200d👧", "می\u200cروم", "🏴\U000e0067\U000e007f", "❤\ufe0f"]
)
def test_what_belongs_to_a_language_or_a_picture_stays(text: str) -> None:
    assert printable(text) == text
    assert without_hidden(text) == text
