"""Study folders made for the tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

STUDY = """schema = "impact-eval/study/1"
[study]
id = "{id}"
title = {{ fr = "{title}", en = "{title}" }}
territory = "FR"
pillar = "emploi"
action = {{ fr = "{title}", en = "{title}" }}
period = ["{start}", "{end}"]
[data]
file = "donnees.csv"
text_columns = ["{unit}"]
[data.roles]
unit = "{unit}"
time = "{time}"
cohort = "{cohort}"
{covariates}
[method]
name = "callaway_santanna"
options = {{ {options} }}
[[outcomes]]
id = "{outcome}"
label = {{ fr = "{label}", en = "{label}" }}
column = "{outcome}"
unit = "{kind}"
direction = "lower_is_better"
primary = true
[privacy]
rows_are = "territories"
"""

CASES = {
    "garantie_jeunes": {
        "file": "cas_garantie_jeunes_chomage_trim_2011_2015.csv", "unit": "dep",
        "time": "q", "cohort": "g",
        "outcome": "taux_chomage", "kind": "percent", "title": "Garantie jeunes",
        "label": "Taux de chômage", "start": "2011", "end": "2015",
    },
    "rsa_renove": {
        "file": "cas_rsa_renove_foyers_rsa_2019_2024.csv", "unit": "dep",
        "time": "annee", "cohort": "g",
        "outcome": "ly", "kind": "log100", "title": "RSA rénové", "label": "Foyers au RSA",
        "start": "2019", "end": "2024",
    },
    "rsa_2007": {
        "file": "cas_rsa_experimental_rmi_2002_2008.csv", "unit": "dep",
        "time": "annee", "cohort": "g",
        "outcome": "ly", "kind": "log100", "title": "RSA expérimental",
        "label": "Allocataires du RMI", "start": "2002", "end": "2008",
    },
}  # fmt: skip


@pytest.fixture
def french_case(shared: Path, tmp_path: Path):
    """Make the study folder of a French staggered case from the real data beside the project."""

    def make(name: str, control_group: str = "not_yet_treated") -> Path:
        case = CASES[name]
        folder = tmp_path / name
        folder.mkdir()
        shutil.copyfile(shared / "data" / "fr" / case["file"], folder / "donnees.csv")
        options = f'control_group = "{control_group}", base_period = "universal"'
        text = STUDY.format(id=name.replace("_", "-"), options=options, covariates="", **case)
        (folder / "study.toml").write_text(text, encoding="utf-8")
        return folder

    return make


@pytest.fixture
def mpdta_study(shared: Path, tmp_path: Path):
    """Make the study folder of the county minimum-wage panel."""

    def make(options: str, covariates: str) -> Path:
        folder = tmp_path / "mpdta"
        folder.mkdir()
        frame = pd.read_csv(shared / "data" / "causal" / "mpdta.csv")
        frame = frame.rename(columns={"first.treat": "first_treat"})
        frame.to_csv(folder / "donnees.csv", index=False)
        text = STUDY.format(
            id="mpdta", options=options, covariates=covariates, unit="countyreal", time="year",
            cohort="first_treat", outcome="lemp", kind="number", title="mpdta", label="lemp",
            start="2003", end="2007",
        )  # fmt: skip
        (folder / "study.toml").write_text(text, encoding="utf-8")
        return folder

    return make


@pytest.fixture
def dataset(root: Path, tmp_path: Path):
    """Copy one of the invented studies to a folder of the test."""

    def copy(name: str) -> Path:
        folder = tmp_path / name
        shutil.copytree(root / "datasets" / name, folder, ignore=shutil.ignore_patterns("sortie"))
        return folder

    return copy
