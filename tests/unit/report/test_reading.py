"""What the reader changed in the file is told beside who was observed, the weightiest first."""

from __future__ import annotations

from pathlib import Path

import pytest

from impact_eval import Study, evaluate
from impact_eval.report.html import render_html
from impact_eval.report.narrative import flow_blocks
from impact_eval.results.gate import release

STUDY = """schema = "impact-eval/study/1"
[study]
id = "essai"
title = "Essai"
territory = "01"
pillar = "emploi"
action = "Accompagnement"
period = ["2024", "2024"]
[data]
file = "donnees.csv"
[data.roles]
unit = "id"
treatment = "aide"
[method]
name = "difference_in_means"
[[outcomes]]
id = "emploi"
label = "Emploi"
column = "emploi"
unit = "share"
primary = true
"""


@pytest.mark.parametrize(
    ("language", "words"),
    [("fr", ("Ce que la lecture de", "est un total")), ("en", ("What reading", "is a total"))],
)
def test_a_total_line_left_out_is_told(tmp_path: Path, language: str, words: tuple[str]) -> None:
    rows = ["Suivi de l’action;;", "id;aide;emploi"]
    rows += [f"P{i};{i % 2};{i % 3 % 2}" for i in range(90)]
    (tmp_path / "donnees.csv").write_text("\n".join([*rows, "TOTAL;;30"]) + "\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    results = release(evaluate(Study.read(tmp_path))).results
    page = render_html(flow_blocks(results), {}, language)
    for part in words:
        assert part in page


def test_nothing_is_said_of_a_clean_file(tmp_path: Path) -> None:
    rows = ["id,aide,emploi", *(f"P{i},{i % 2},{i % 3 % 2}" for i in range(90))]
    (tmp_path / "donnees.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    results = release(evaluate(Study.read(tmp_path))).results
    assert results.data.reading is not None
    assert results.data.reading.log == ()
    assert "Ce que la lecture" not in render_html(flow_blocks(results), {}, "fr")
