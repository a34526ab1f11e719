"""People written in two ways from one table to the next keep what only one table says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import impact_eval as ie
from tests.support.small_studies import head

DATA = """labels_alike = "{alike}"
roles = {{ unit = "Code", time = "wave", treatment = "Suivi" }}
[data.waves]
names = ["T0", "T1"]
files = ["donnees.csv", "sortie.csv"]
[method]
name = "did"
[[outcomes]]
id = "emploi"
label = "Emploi"
column = "Emploi"
unit = "share"
primary = true
"""


def _two_files(folder: Path, alike: str, rewrite: Callable[[int, str], str]) -> float:
    """Write both files and the study; return the change of those helped less that of others."""
    rng = np.random.default_rng(1)
    n = 60
    helped = np.arange(n) % 2
    before = (rng.random(n) < 0.3).astype(int)
    after = (rng.random(n) < 0.3 + 0.3 * helped).astype(int)
    codes = [f"É {i:03d}" for i in range(n)]
    entry = pd.DataFrame({"Code": codes, "Suivi": np.where(helped, "oui", "non"), "Emploi": before})
    later = pd.DataFrame({"Code": [rewrite(i, c) for i, c in enumerate(codes)], "Emploi": after})
    entry.to_csv(folder / "donnees.csv", index=False, sep=";")
    later.iloc[::-1].to_csv(folder / "sortie.csv", index=False, sep=";")
    (folder / "study.toml").write_text(head() + DATA.format(alike=alike), encoding="utf-8")
    change = after - before
    return float(change[helped == 1].mean() - change[helped == 0].mean())


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda i, code: code.lower() if i % 9 == 0 else code + " ",
        lambda i, code: code.replace("É", "E"),
        lambda i, code: code.replace(" ", "\u00a0") if i % 2 else code,
    ],
    ids=["case of some", "accents of all", "another space"],
)
def test_one_person_written_in_two_ways_is_one_person_helped_or_not(
    tmp_path: Path, rewrite: Callable[[int, str], str]
) -> None:
    expected = _two_files(tmp_path, "same", rewrite)
    results = ie.evaluate(ie.Study.read(tmp_path)).to_dict()
    main = next(part for part in results["estimates"] if part["role"] == "main")
    (effect,) = main["estimate"]["effects"]
    assert effect["estimate"] == pytest.approx(expected, rel=1e-6)
    assert (effect["n_treated"], effect["n_comparison"]) == (30, 30)
    assert results["data"]["n_units"] == 60


def test_two_people_declared_apart_are_never_joined(tmp_path: Path) -> None:
    _two_files(tmp_path, "different", lambda i, code: code.lower() if i < 3 else code)
    results = ie.evaluate(ie.Study.read(tmp_path)).to_dict()
    assert results["data"]["flow"][0]["units"] == 63
