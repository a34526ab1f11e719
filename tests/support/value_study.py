"""A small study of two hundred people with a value map: every kind of output, in a few seconds.

Its effect stands clear of zero: no amount is told of one that does not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from study_texts import map_text, study_text

LINE = 'duration = 1\nunit = "share"\nestimate = "emploi"\npeople = 200\n'


def value_study(folder: Path, *, formats: Sequence[str] = ("html",)) -> Path:
    """Write the study file, the map and the table in a new folder."""
    folder.mkdir(parents=True)
    report = f'[report]\nlanguages = ["fr", "en"]\nformats = {json.dumps(list(formats))}\n'
    carte = map_text(LINE, outcome="emploi")
    (folder / "study.toml").write_text(study_text(report=report), encoding="utf-8")
    (folder / "carte.toml").write_text(carte, encoding="utf-8")
    rng = np.random.default_rng(0)
    rows = ["id,aide,emploi"]
    for i in range(200):
        helped = int(i < 100)
        rows.append(f"P{i:03d},{helped},{int(rng.random() < 0.35 + 0.30 * helped)}")
    (folder / "donnees.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
