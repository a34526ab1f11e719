"""Canaries: unique tokens put in the data must not be found in anything that is shipped."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import pandas as pd
import pytest
from one_process import without_kernel

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.runner import run

NAMES = [f"Zyxwa{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}vut{i:03d}" for i in range(60)]
STUDY = """schema = "impact-eval/study/1"
[study]
id = "canaris"
title = {{ fr = "Canaris", en = "Canaries" }}
territory = "01"
pillar = "droits"
action = {{ fr = "Essai", en = "Trial" }}
period = ["2024-01", "2024-12"]
[data]
file = "donnees.csv"
[data.roles]
unit = "nom"
treatment = "invite"
covariates = ["age"]
[method]
name = "difference_in_means"
[[outcomes]]
id = "revenu"
label = {{ fr = "Revenu", en = "Income" }}
column = "{column}"
unit = "eur"
primary = true
[report]
formats = ["html"]
"""


def make(folder, column="revenu"):
    rng = np.random.default_rng(3)
    income = np.round(rng.normal(1_000, 200, 60), 2)
    income[7] = 987_654.32  # one outlier: a minimum or a maximum would show it
    frame = pd.DataFrame(
        {
            "nom": NAMES,
            "invite": np.arange(60) % 2,
            "age": rng.integers(20, 60, 60),
            "revenu": income,
            "adresse": [f"{i} rue du Canari-{i:03d}" for i in range(60)],
            "verbatim": [f"<script>alert('canari{i:03d}')</script> =cmd()" for i in range(60)],
        }
    )
    folder.mkdir()
    frame.to_csv(folder / "donnees.csv", index=False)
    (folder / "study.toml").write_text(STUDY.format(column=column), encoding="utf-8")
    return folder


def shipped(folder):
    """Yield the text of every file shipped, zip members included."""
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        raw = path.read_bytes()
        yield path.name, raw.decode("utf-8", errors="replace")
        if zipfile.is_zipfile(io.BytesIO(raw)):
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                for name in archive.namelist():
                    yield name, archive.read(name).decode("utf-8", errors="replace")


FORBIDDEN = re.compile(
    r"Zyxwa\w+|Canari-\d|canari\d{3}|987654|987\W654|Traceback|ipykernel_\d|"
    r"/(?:home|root|tmp|Users)/|[A-Z]:\\Users"
)


def test_nothing_of_a_person_leaves(tmp_path):
    folder = make(tmp_path / "etude")
    done = run(folder)
    for name, text in shipped(done.folder):
        found = FORBIDDEN.search(text)
        assert not found, f"{name}: {found[0]}"


def test_a_failed_run_ships_nothing(tmp_path):
    folder = make(tmp_path / "etude", column="verbatim")
    with pytest.raises(ImpactEvalError) as refused:
        run(folder)
    assert refused.value.codes == ("text_outcome",)
    there = sorted(path.name for path in folder.iterdir())
    assert there == ["donnees.csv", "sortie", "study.toml"]
    assert [path.name for path in (folder / "sortie").iterdir()] == ["status.json"]
    said = (folder / "sortie" / "status.json").read_text(encoding="utf-8")
    assert not any(str(cell) in said for cell in pd.read_csv(folder / "donnees.csv")["verbatim"])


def test_small_groups_are_withheld_everywhere(tmp_path):
    folder = make(tmp_path / "etude")
    table = pd.read_csv(folder / "donnees.csv")
    table["invite"] = (np.arange(60) < 6).astype(int)  # six people invited, under the threshold
    table.to_csv(folder / "donnees.csv", index=False)
    with without_kernel():
        done = run(folder)
    effect = done.results.estimates[0].headline
    assert effect.estimate is None
    assert done.results.disclosure.withheld > 0
    page = (done.folder / "rapport-fr.html").read_text(encoding="utf-8")
    assert "secret statistique" in page
