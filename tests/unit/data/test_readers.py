"""A reader of files is one file: our own are found like those that another package declares."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from impact_eval import ImpactEvalError
from impact_eval.data.readers.raw import RawTable
from impact_eval.data.readers.reader import Reader, readers, table_endings
from impact_eval.data.reading import read_table

PLATFORM = """
import pandas as pd

from impact_eval.data.codebook import Codebook
from impact_eval.data.readers.raw import RawTable
from impact_eval.data.readers.reader import Reader, register_reader

MARK = "# Sondo 1"


def is_sondo(path):
    return path.read_text("utf-8").startswith(MARK)


def read_answers(path):
    rows = [line.split("|") for line in path.read_text("utf-8").splitlines()[1:]]
    frame = pd.DataFrame(rows[1:], columns=rows[0], dtype=object)
    return RawTable(frame=frame, format="sondo", rows_in=len(frame))


def read_form(path):
    lines = (line.split("=") for line in path.read_text("utf-8").splitlines())
    columns = {name: dict(pair.split(":") for pair in labels.split(",")) for name, labels in lines}
    return Codebook.of(columns, source=path.name)


register_reader(
    Reader(
        name="sondo", tables=frozenset({".sondo"}), read_table=read_answers,
        recognised=frozenset({".csv"}), recognises=is_sondo,
        forms=frozenset({".sondoform"}), read_form=read_form,
    )
)
"""
ANSWERS = "# Sondo 1\ncode|content\n01|Oui\n02|Non\n"
USE = """
import impact_eval as ie
for name in ("reponses.sondo", "reponses.csv"):
    table = ie.read_table(name, codes="questions.sondoform")
    reading = table.attrs["reading"]
    print(reading["format"], table["code"].tolist(), table["content"].tolist())
"""


def test_a_third_party_adds_a_platform_in_one_file(root: Path, tmp_path: Path) -> None:
    """An installed package is a module and its metadata: nothing of ours is touched."""
    (tmp_path / "sondo.py").write_text(PLATFORM, encoding="utf-8")
    told = tmp_path / "sondo-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: sondo\nVersion: 1.0\n", "utf-8")
    (told / "entry_points.txt").write_text("[impact_eval.readers]\nsondo = sondo\n", "utf-8")
    for name in ("reponses.sondo", "reponses.csv"):
        (tmp_path / name).write_text(ANSWERS, encoding="utf-8")
    (tmp_path / "questions.sondoform").write_text("content=1:Oui,0:Non\n", encoding="utf-8")
    path = os.pathsep.join([str(root), str(tmp_path)])
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["sondo ['01', '02'] [1, 0]"] * 2


def test_our_own_are_found_in_their_folder(root: Path) -> None:
    files = {path.stem for path in (root / "impact_eval/data/readers").glob("*.py")}
    assert set(readers.names()) == files - {"__init__", "raw", "reader"}


def test_a_format_that_nobody_reads_is_refused_with_those_that_are(tmp_path: Path) -> None:
    path = tmp_path / "notes.pdf"
    path.write_text("x", encoding="utf-8")
    with pytest.raises(ImpactEvalError) as refused:
        read_table(path)
    (finding,) = refused.value.findings
    assert finding.code == "unknown_format"
    assert finding.values["known"] == table_endings()
    assert {".csv", ".xlsx", ".sav", ".parquet"} <= set(table_endings())


def test_two_readers_of_one_ending_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path) -> RawTable:
        raise AssertionError(path)

    assert readers.names()
    two = Reader(name="two", tables=frozenset({".csv"}), read_table=read)
    monkeypatch.setitem(readers._things, "two", two)
    path = tmp_path / "suivi.csv"
    path.write_text("a;b\n1;2\n", encoding="utf-8")
    with pytest.raises(ImpactEvalError) as refused:
        read_table(path)
    assert refused.value.codes == ("name_taken",)
