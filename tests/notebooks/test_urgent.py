"""Urgent answers are told to the operator, and stand in nothing that is shipped."""

from __future__ import annotations

import json
import logging
import re
import zipfile
from pathlib import Path

import pytest
from one_process import without_kernel
from small_studies import dark_thoughts, head

import impact_eval as ie
from impact_eval.core.findings import Finding
from impact_eval.pipeline.evaluate import evaluate
from impact_eval.pipeline.urgent import OPERATOR_MIME, OPERATOR_NOTE, shareable

STUDY = (
    head()
    + """roles = { unit = "id", time = "vague" }
[[outcomes]]
id = "echelle"
label = "Symptômes"
instrument = "echelle"
unit = "score"
primary = true
method = { name = "before_after" }
[[instruments]]
id = "echelle"
scale = "phq-9"
wave = "vague"
waves = ["T0", "T1"]
data = { file = "donnees.csv", roles = { unit = "id", time = "vague" } }
[instruments.items]
"""
)
SIGNS = ("safeguarding", "urgent_answers", OPERATOR_MIME, "s’occuper", "looked after")
NUMBER = re.compile(r"(?<!\w)3114(?!\w)")  # whom to call; checksums hold its digits by chance


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a study of 30 people; two of them answer the question on dark thoughts."""
    rows = dark_thoughts(30)
    (tmp_path / "donnees.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    items = "".join(f'phq{k} = "p{k}"\n' for k in range(1, 10))
    formats = '[report]\nlanguages = ["fr", "en"]\nformats = ["html", "docx"]\n'
    (tmp_path / "study.toml").write_text(STUDY + items + formats, encoding="utf-8")
    return tmp_path


def _texts(path: Path) -> list[str]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            return [packed.read(name).decode("utf-8", "ignore") for name in packed.namelist()]
    return [path.read_bytes().decode("utf-8", "ignore")]


def test_a_run_tells_the_operator_alone(folder: Path) -> None:
    done = ie.run(folder)
    assert done.operator_note == folder / OPERATOR_NOTE
    note = (folder / OPERATOR_NOTE).read_text(encoding="utf-8")
    assert "« p9 »" in note.replace("\u202f", " ").replace("\u00a0", " ")
    assert "2 réponses" in note.replace("\u202f", " ").replace("\u00a0", " ")
    assert "NE PAS DIFFUSER" in note
    assert "DO NOT SHARE" in note
    assert done.folder not in (folder / OPERATOR_NOTE).parents
    shipped = [path for path in done.folder.rglob("*") if path.is_file()]
    assert len(shipped) > 5
    told = [
        (path.name, sign)
        for path in shipped
        for text in _texts(path)
        for sign in SIGNS
        if sign in text or json.dumps(sign)[1:-1] in text
    ]
    assert told == []
    assert "3114" in NUMBER.findall(note), "the operator is told whom to call"
    assert [path.name for path in shipped for text in _texts(path) if NUMBER.search(text)] == []
    again = ie.run(folder)
    assert again.resumed
    assert again.operator_note == folder / OPERATOR_NOTE
    assert not list(folder.glob(f".{OPERATOR_NOTE}*"))


def test_python_tells_it_in_the_log_and_not_in_the_results(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="impact_eval"):
        results = evaluate(ie.Study.read(folder))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "urgent_answers" in caplog.text
    assert not any(sign in results.to_json() for sign in SIGNS)
    assert NUMBER.search(results.to_json()) is None


def test_no_note_without_urgent_answers(folder: Path) -> None:
    table = (folder / "donnees.csv").read_text(encoding="utf-8").splitlines()
    calm = [line if "vague" in line else f"{line[:-1]}0" for line in table]
    (folder / "donnees.csv").write_text("\n".join(calm) + "\n", encoding="utf-8")
    study = (folder / "study.toml").read_text(encoding="utf-8")
    page = study.replace('["fr", "en"]', '["fr"]').replace('["html", "docx"]', '["html"]')
    (folder / "study.toml").write_text(page, encoding="utf-8")
    with without_kernel():
        assert ie.run(folder).operator_note is None
    assert not (folder / OPERATOR_NOTE).exists()


def test_only_urgent_answers_are_kept_apart() -> None:
    kept = Finding.warning("constant_item", item="a", column="b", value=1.0)
    urgent = Finding.warning("safeguarding", instrument="phq-9", item="phq9", n=2)
    assert shareable([kept, urgent]) == (kept,)
