"""Small invented studies: the text of a study file, its rows, and both written in a folder.

One place for what many tests need: whoever changes the format of a study file changes it here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from impact_eval.pipeline.study import Study


def head(id: str = "essai", title: str = "Essai") -> str:
    """Return what every study file begins with, up to its table of data, which stays open."""
    return f"""schema = "impact-eval/study/1"
[study]
id = "{id}"
title = "{title}"
territory = "01"
pillar = "emploi"
action = "Accompagnement"
period = ["2024-01", "2024-12"]
[data]
file = "donnees.csv"
"""


def arms(method: str = "difference_in_means", unit: str = "id", more: str = "") -> str:
    """Return the roles of two groups of people and the method that compares them."""
    return f"""[data.roles]
unit = "{unit}"
treatment = "aide"
{more}[method]
name = "{method}"
"""


def work(id: str = "emploi", label: str = "Emploi") -> str:
    """Return the main outcome: being in work, yes or no."""
    return f"""[[outcomes]]
id = "{id}"
label = "{label}"
column = "emploi"
unit = "share"
primary = true
"""


INCOME = """[[outcomes]]
id = "revenu"
label = "Revenu"
column = "revenu"
unit = "eur"
"""
TWO_GROUPS = arms(more='covariates = ["age"]\n') + work() + INCOME
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
    (folder / "study.toml").write_text(head() + body + "\n", encoding="utf-8")
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


def dark_thoughts(n: int) -> list[str]:
    """Return the answers of n people to the PHQ-9 at two dates, as the lines of a table.

    At the first date two people tell thoughts that someone must hear of.
    """
    rng = np.random.default_rng(11)
    level = rng.normal(size=n)
    rows = ["id,vague," + ",".join(f"p{k}" for k in range(1, 10))]
    for wave, shift in (("T0", 0.6), ("T1", 0.0)):
        noise = rng.normal(size=(n, 9)) * 0.5
        told = np.clip(np.round(1 + 0.6 * (level + shift)[:, None] + noise), 0, 3).astype(int)
        told[:, 8] = 0
        told[:2, 8] = 1 if wave == "T0" else 0
        rows += [f"P{i:02d},{wave}," + ",".join(map(str, told[i])) for i in range(n)]
    return rows
