"""A survey's codes of yes and no are read by the labels of its file, in every role."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import impact_eval as ie
from impact_eval.data.reading import read_table

CODED = [{1: "Oui", 2: "Non"}, {1: "Non", 2: "Oui"}, {0: "Oui", 1: "Non"}, {0: "Non", 1: "Oui"},
         {1: "Yes", 2: "No", 9: "NSP"}, {5: "oui", 1: "non"}]  # fmt: skip


def _written(path: Path, codes: dict[int, str]) -> tuple[Path, float]:
    """Write 40 people whose yes and no have these codes; return the difference of the truth."""
    rng = np.random.default_rng(0)
    helped, work = rng.integers(0, 2, 40), rng.integers(0, 2, 40)
    yes = next(c for c, name in codes.items() if name.lower() in {"oui", "yes"})
    no = next(c for c, name in codes.items() if name.lower() in {"non", "no"})
    frame = pd.DataFrame(
        {"aide": np.where(helped, yes, no).astype(float),
         "emploi": np.where(work, yes, no).astype(float)}
    )  # fmt: skip
    pyreadstat = pytest.importorskip("pyreadstat")
    labels = {"aide": codes, "emploi": codes}
    write = pyreadstat.write_sav if path.suffix == ".sav" else pyreadstat.write_dta
    write(frame, str(path), variable_value_labels=labels)
    return path, float(work[helped == 1].mean() - work[helped == 0].mean())


@pytest.mark.parametrize("codes", CODED)
@pytest.mark.parametrize("kind", [".sav", ".dta"])
def test_labels_say_which_code_is_a_yes(tmp_path: Path, codes: dict[int, str], kind: str) -> None:
    path, expected = _written(tmp_path / f"t{kind}", codes)
    sample = ie.Sample(read_table(path), treatment="aide")
    fitted = ie.designs.DifferenceInMeans().fit(sample, "emploi")
    assert fitted.tidy()["estimate"].iloc[0] == pytest.approx(expected)
    told = [f for f in sample.findings if f.code == "yes_no_by_label"]
    assert len(told) == (codes != {0: "Non", 1: "Oui"})
    again = ie.Sample(sample.frame, treatment="aide")  # 1 and 0 are never turned again
    assert ie.designs.DifferenceInMeans().fit(again, "emploi").tidy()["estimate"].iloc[
        0
    ] == pytest.approx(expected)


def test_labels_of_more_than_yes_and_no_are_left(tmp_path: Path) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    frame = pd.DataFrame({"aide": [0.0, 1, 1, 0], "avis": [1.0, 2, 3, 1]})
    labels = {"avis": {1: "Oui", 2: "Non", 3: "En partie"}}
    pyreadstat.write_sav(frame, str(tmp_path / "t.sav"), variable_value_labels=labels)
    sample = ie.Sample(read_table(tmp_path / "t.sav"), treatment="aide")
    assert sample.frame["avis"].tolist() == [1, 2, 3, 1]
