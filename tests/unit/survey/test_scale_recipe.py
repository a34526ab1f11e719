"""A scale is one file: dropped among the instruments, or beside a study and named by it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from small_studies import arms, head, work

from impact_eval import ImpactEvalError, Study
from impact_eval.pipeline.columns_used import instrument_of
from impact_eval.report.texts import render_error
from impact_eval.survey import Instrument

SCALE = """
schema = "impact-eval/instrument/1"
id = "neighbours-3"
version = "2026.1"
language = "fr"
construct = "social_support"
direction = "higher_is_better"
low = 1
high = 4
name = { fr = "Entraide entre voisins", en = "Help between neighbours" }
citation = "Nobody (2026). A scale written for this test."
items = [{ id = "lend" }, { id = "alone", reversed = true }, { id = "visit" }]

[scoring]
rule = "sum"
low = 3
high = 12
missing = { least = 3, source = "none is filled" }

[rights]
wording = "B"
terms = "Free"
"""
ANSWERS = {"a": [1, 4], "b": [4, 1], "c": [2, 3]}
ITEMS = {"lend": "a", "alone": "b", "visit": "c"}
EXPECTED = [4.0, 11.0]  # 1 + (5 - 4) + 2 and 4 + (5 - 1) + 3, counted by hand
USE = """
import json, sys
import pandas as pd
import impact_eval as ie
scores = ie.survey.instrument("neighbours-3").score(pd.DataFrame(json.loads(sys.argv[1])),
                                                    items=json.loads(sys.argv[2]))
print(scores.values.tolist(), "neighbours-3" in ie.survey.instrument_names())
"""


def test_a_file_dropped_among_the_instruments_is_a_scale(root: Path, tmp_path: Path) -> None:
    """The recipe of CONTRIBUTING, in a copy of the package: one file, and nothing else."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "impact_eval", tmp_path / "impact_eval", ignore=ignored)
    folder = tmp_path / "impact_eval" / "survey" / "instruments"
    (folder / "neighbours-3.toml").write_text(SCALE, encoding="utf-8")

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(tmp_path), "IMPACT_EVAL_LANGUAGE": "fr",
                 "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    scored = run("-c", USE, json.dumps(ANSWERS), json.dumps(ITEMS))
    assert scored.strip() == f"{EXPECTED} True"
    listed = run("-m", "impact_eval.cli", "instruments")
    (line,) = [line for line in listed.splitlines() if "neighbours-3" in line]
    assert "Entraide entre voisins" in line
    shown = run("-m", "impact_eval.cli", "instruments", "neighbours-3")
    assert "Nobody (2026)" in shown


def test_a_file_beside_a_study_is_scored_and_said_to_be_local(tmp_path: Path) -> None:
    (tmp_path / "voisins.toml").write_text(SCALE, encoding="utf-8")
    own = Instrument.read(tmp_path / "voisins.toml")
    scores = own.score(pd.DataFrame(ANSWERS), ITEMS)
    assert scores.values.tolist() == EXPECTED
    assert scores.local
    part = """
[[instruments]]
id = "entraide"
scale = "neighbours-3"
definition = "voisins.toml"
items = { lend = "a", alone = "b", visit = "c" }
[instruments.data]
file = "donnees.csv"
[instruments.data.roles]
unit = "id"
treatment = "aide"
"""
    study = head("essai", "Essai") + arms() + work("emploi_6m", "Emploi à six mois") + part
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    header = "id,aide,emploi,a,b,c\n"
    (tmp_path / "donnees.csv").write_text(header + "P1,1,1,1,4,2\nP2,0,0,4,1,3\n", "utf-8")
    read = Study.read(tmp_path)
    assert instrument_of(read.folder, read.declaration.instruments[0]).id == "neighbours-3"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('id = "neighbours-3"', 'identifier = "neighbours-3"', "unknown_key"),
        ('id = "neighbours-3"', "", "missing_key"),
        ('{ id = "visit" }', '{ id = "lend" }', "duplicated_item"),
        ('rule = "sum"', 'rule = "add"', "wrong_choice"),
        ("high = 4", 'high = "four"', "wrong_type"),
        ("least = 3", "least = 0", "out_of_bounds"),
        ('direction = "higher_is_better"', 'direction = "up"', "wrong_choice"),
        ('terms = "Free"', 'terms = ""', "blank_text"),
        ("[scoring]", "[scoring", "toml_syntax"),
    ],
)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_fault_is_told_in_words(
    tmp_path: Path, old: str, new: str, code: str, language: str
) -> None:
    assert old in SCALE
    path = tmp_path / "voisins.toml"
    path.write_text(SCALE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ImpactEvalError) as refused:
        Instrument.read(path)
    assert code in refused.value.codes
    told = render_error(refused.value, language)
    assert "voisins.toml" in told
    assert "{" not in told


def test_all_the_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = SCALE.replace('rule = "sum"', 'rule = "add"').replace("least = 3", "least = 0")
    path = tmp_path / "voisins.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ImpactEvalError) as refused:
        Instrument.read(path)
    assert {"wrong_choice", "out_of_bounds"} <= set(refused.value.codes)
