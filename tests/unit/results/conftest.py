"""Results of small invented studies, computed once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from impact_eval.pipeline.evaluate import evaluate
from impact_eval.pipeline.study import Study
from impact_eval.results.account import record_of_account
from impact_eval.results.records import StudyResults
from impact_eval.value import ValueMap, tell

HEAD = """schema = "impact-eval/study/1"
[study]
id = "essai"
title = "Essai"
territory = "01"
pillar = "emploi"
action = "Accompagnement"
period = ["2024-01", "2024-12"]
[data]
file = "donnees.csv"
"""
TWO_GROUPS = """[data.roles]
unit = "id"
treatment = "aide"
covariates = ["age"]
[method]
name = "difference_in_means"
[[outcomes]]
id = "emploi"
label = "Emploi"
column = "emploi"
unit = "share"
primary = true
[[outcomes]]
id = "revenu"
label = "Revenu"
column = "revenu"
unit = "eur"
"""
ITEMS = ("worth", "qualities", "failure", "able", "proud", "attitude", "satisfied", "respect",
         "useless", "no_good")  # fmt: skip
SCALE = """[data.roles]
unit = "id"
time = "vague"
[[outcomes]]
id = "estime"
label = "Estime de soi"
instrument = "estime"
unit = "score"
primary = true
method = { name = "before_after" }
[[instruments]]
id = "estime"
scale = "rses-fr"
wave = "vague"
waves = ["T0", "T1"]
[instruments.data]
file = "donnees.csv"
[instruments.data.roles]
unit = "id"
time = "vague"
[instruments.items]
""" + "\n".join(f'{name} = "q{k}"' for k, name in enumerate(ITEMS, start=1))


def study_in(folder: Path, body: str, rows: list[str]) -> Study:
    """Write a study and its table, and read it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(HEAD + body + "\n", encoding="utf-8")
    (folder / "donnees.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return Study.read(folder)


def two_groups(n: int = 120, treated: int = 60, seed: int = 0) -> list[str]:
    """Rows of people accompanied or not: age, employment, income."""
    rng = np.random.default_rng(seed)
    rows = ["id,aide,age,emploi,revenu"]
    for i in range(n):
        helped = int(i < treated)
        work = int(rng.random() < 0.35 + 0.2 * helped)
        rows.append(f"P{i},{helped},{rng.integers(18, 65)},{work},{rng.gamma(9, 120):.2f}")
    return rows


def answers(n: int = 60, seed: int = 5) -> list[str]:
    """Answers to the ten questions of a scale, at two dates."""
    rng = np.random.default_rng(seed)
    rows = ["id,vague," + ",".join(f"q{k}" for k in range(1, 11))]
    for i in range(n):
        level = rng.normal() * 0.6
        for wave in ("T0", "T1"):
            shift = 0.4 if wave == "T1" else 0.0
            keyed = np.clip(np.round(2.5 + level + shift + rng.normal(size=10) * 0.7), 1, 4)
            keyed[[2, 4, 7, 8, 9]] = 5 - keyed[[2, 4, 7, 8, 9]]
            rows.append(f"P{i},{wave}," + ",".join(str(int(k)) for k in keyed))
    return rows


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    """Two outcomes of two groups of sixty people."""
    folder = tmp_path_factory.mktemp("compared")
    return evaluate(study_in(folder, TWO_GROUPS, two_groups()))


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    """A scale answered twice by sixty people."""
    return evaluate(study_in(tmp_path_factory.mktemp("scored"), SCALE, answers()))


@pytest.fixture(scope="session")
def valued(compared: StudyResults) -> StudyResults:
    """Two groups, and an account of value beside them."""
    map_file = Path(__file__).parents[1] / "value" / "wheels_to_meals.toml"
    account = ValueMap.read(map_file).account()
    section = record_of_account(account, tell(account, seed=1))
    return compared.model_copy(update={"value": section})
