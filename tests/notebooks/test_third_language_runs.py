"""A study in a third language that another package gives, from its file to its verification."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from openpyxl import load_workbook
from small_studies import arms, dark_thoughts, head, two_groups, work
from third_language import MARK, sentences, unmarked, write_package

pytestmark = pytest.mark.long  # a run, its verification and the command itself: a minute
VALUE_MAP = """schema = "impact-eval/value-map/1"
[map]
title = "Carte"
currency = "EUR"
price_year = 2025
discount_rate = "3.2 %"
follow_up = 1
[[inputs]]
id = "departement"
stakeholder = "Département"
payer = "departement"
amount = 20000
currency = "EUR"
price_year = 2025
[[lines]]
id = "emploi"
stakeholder = "Personnes"
outcome = "Emploi"
indicator = "En emploi"
indicator_source = "Étude"
estimate = "emploi"
unit = "share"
proxy = 9000
proxy_unit = "par an"
proxy_source = "Hypothèse"
currency = "EUR"
price_year = 2025
kind = "avoided_cost"
payer = "departement"
receiver = "departement"
duration = 1
"""
SCALE = """[[outcomes]]
id = "echelle"
label = { fr = "Symptômes", en = "Symptoms" }
instrument = "echelle"
unit = "score"
method = { name = "before_after" }
[[instruments]]
id = "echelle"
scale = "phq-9"
wave = "vague"
waves = ["T0", "T1"]
data = { file = "reponses.csv", roles = { unit = "id", time = "vague" } }
[instruments.items]
"""
CHOICES = """[value]
map = "carte.toml"
people = 500
[privacy]
internal_edition = true
[report]
languages = ["fr", "xx"]
formats = ["html", "docx"]
"""
NOTE = "A-LIRE-PAR-L-OPERATEUR-NE-PAS-DIFFUSER.txt"


@dataclass(frozen=True)
class Land:
    """Where the language is installed, and the study that is run there."""

    study: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> str:
        """Run the command; return what it tells."""
        done = subprocess.run(
            [sys.executable, "-m", "impact_eval.cli", *arguments], cwd=self.study.parent,
            capture_output=True, text=True, check=False, env=self.environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def land(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Land:
    """A run study: two groups, an account, a scale, an urgent answer, the operator's edition."""
    place = tmp_path_factory.mktemp("land")
    path = os.pathsep.join([str(root), str(write_package(tmp_path_factory.mktemp("pseudo")))])
    study = place / "etude"
    study.mkdir()
    body = arms() + work() + SCALE + "".join(f'phq{k} = "p{k}"\n' for k in range(1, 10)) + CHOICES
    for name, text in (
        ("study.toml", head() + body),
        ("carte.toml", VALUE_MAP),
        ("donnees.csv", "\n".join(two_groups(240, 120)) + "\n"),
        ("reponses.csv", "\n".join(dark_thoughts(40)) + "\n"),
    ):
        (study / name).write_text(text, encoding="utf-8")
    names = {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "IMPACT_EVAL_LANGUAGE": "xx"}
    made = Land(study, {**os.environ, **names})
    assert MARK in made.command("run", "etude")
    return made


def test_every_file_is_there_under_its_name(land: Land) -> None:
    out = land.study / "sortie"
    assert {path.name for path in out.iterdir() if path.is_file()} == {
        "controle.json", "controle-fr.html", "check-xx.html", "compte-fr.xlsx", "konto-xx.xlsx",
        "rapport-fr.html", "rapport-fr.docx", "report-xx.html", "report-xx.docx", "notebook.ipynb",
        "results.json", "ro-crate-metadata.json", "status.json",
    }  # fmt: skip
    assert {path.name for path in (land.study / "interne").iterdir()} == {
        "interne-fr.html", "interne-fr.docx", "interne-xx.html", "interne-xx.docx", "results.json",
        "status.json",
    }  # fmt: skip


def test_pages_tell_nothing_in_another_language(land: Land) -> None:
    """But what authors wrote: the study, its map, the published answers of the scale."""
    out = land.study / "sortie"
    files = {path.name for path in out.rglob("*")}
    for page in (
        out / "report-xx.html",
        out / "check-xx.html",
        land.study / "interne/interne-xx.html",
    ):
        text = page.read_text("utf-8")
        assert '<html lang="xx"' in text
        assert sentences(text) > 15, page.name
        authors = (page.parent / "results.json").read_text("utf-8") + "".join(files)
        known = ("doi:", "tables/")
        others = [told for told in unmarked(text, authors) if not told.startswith(known)]
        assert [told for told in others if not _is_hash(told)] == []


def _is_hash(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def test_documents_say_their_language(land: Land) -> None:
    with zipfile.ZipFile(land.study / "sortie/report-xx.docx") as packed:
        assert b"<dc:language>xx-FR</dc:language>" in packed.read("docProps/core.xml")
        assert b'w:val="xx-FR"' in packed.read("word/styles.xml")
        assert MARK in packed.read("word/document.xml").decode("utf-8")
    book = load_workbook(land.study / "sortie/konto-xx.xlsx")
    assert all(name.startswith(MARK) for name in book.sheetnames)


def test_the_operator_is_told_in_each_language_of_the_study(land: Land) -> None:
    french, *lines = (land.study / NOTE).read_text("utf-8").split(MARK)
    assert french.count("3114") == 1
    assert len(lines) == 4  # head, answer, what to do, what to do with the note
    assert "« p9 »" in lines[1].replace("\u202f", " ")


def test_the_study_is_verified_and_nothing_leaks(land: Land) -> None:
    told = land.command("verify", "etude/sortie").splitlines()
    assert len(told) == 3  # complete, stable, consistent: nothing that differs
    assert all(line.startswith(MARK) for line in told)
    assert MARK in land.command("check", "--leaks", "etude/sortie")
