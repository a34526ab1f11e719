"""A small study of two hundred people with a value map: every kind of output, in a few seconds.

Its effect stands clear of zero: no amount is told of one that does not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

STUDY = """schema = "impact-eval/study/1"
[study]
id = "essai"
title = {{ fr = "Essai", en = "Trial" }}
territory = "01"
pillar = "emploi"
action = {{ fr = "Accompagnement", en = "Support" }}
period = ["2024-01", "2024-12"]
[data]
file = "donnees.csv"
[data.roles]
unit = "id"
treatment = "aide"
[method]
name = "difference_in_means"
[[outcomes]]
id = "emploi"
label = {{ fr = "Emploi", en = "Employment" }}
column = "emploi"
unit = "share"
primary = true
[value]
map = "carte.toml"
[report]
languages = ["fr", "en"]
formats = {formats}
"""
CARTE = """schema = "impact-eval/value-map/1"
[map]
currency = "EUR"
price_year = 2025
discount_rate = "0.035"
follow_up = 1
[[inputs]]
id = "subvention"
stakeholder = "Département"
payer = "departement"
amount = 10000
currency = "EUR"
price_year = 2025
[[lines]]
id = "ligne"
stakeholder = "Bénéficiaires"
outcome = "emploi"
kind = "non_market"
receiver = "beneficiary"
currency = "EUR"
price_year = 2025
proxy = 1000
duration = 1
unit = "share"
estimate = "emploi"
people = 200
"""


def value_study(folder: Path, *, formats: Sequence[str] = ("html",)) -> Path:
    """Write the study file, the map and the table in a new folder."""
    folder.mkdir(parents=True)
    told = STUDY.format(formats=json.dumps(list(formats)))
    (folder / "study.toml").write_text(told, encoding="utf-8")
    (folder / "carte.toml").write_text(CARTE, encoding="utf-8")
    rng = np.random.default_rng(0)
    rows = ["id,aide,emploi"]
    for i in range(200):
        helped = int(i < 100)
        rows.append(f"P{i:03d},{helped},{int(rng.random() < 0.35 + 0.30 * helped)}")
    (folder / "donnees.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
