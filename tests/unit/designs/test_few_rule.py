"""One rule says what is few, and every design tells a lonely cohort by the same code."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact_eval import Sample
from impact_eval.designs import CallawaySantAnna, ImputationDiD
from impact_eval.stats.inference.few import FEW_CLUSTERS, FEW_TREATED, FEWEST_CLUSTERS, are_few


@pytest.mark.parametrize(
    ("total", "treated", "few"),
    [(50, 10, False), (49, 10, True), (39, 39, True), (50, 9, True), (400, 1, True)],
)
def test_few_in_all_or_few_treated(total: int, treated: int, few: bool) -> None:
    assert are_few(total=total, treated=treated) is few
    if total >= FEWEST_CLUSTERS and treated >= FEW_TREATED:  # each informs both sides
        assert not are_few(total=total, treated=total, shared=total)
    assert (FEW_CLUSTERS, FEW_TREATED) == (50, 10)


def test_the_thresholds_are_written_once(root: Path) -> None:
    named = re.compile(r"^FEW(?:EST)?_(CLUSTERS|TREATED|TERRITORIES)\b.*=", re.MULTILINE)
    homes = [
        path.name
        for path in (root / "impact_eval").rglob("*.py")
        if named.search(path.read_text(encoding="utf-8"))
    ]
    assert homes == ["few.py"]


@pytest.mark.parametrize("design", [CallawaySantAnna(), ImputationDiD()])
def test_a_cohort_of_one_cluster_has_one_code(design: CallawaySantAnna | ImputationDiD) -> None:
    rng = np.random.default_rng(1)
    rows = [
        (f"{place}-{unit}", t, {0: 4, 1: 4, 2: 5}.get(place, 0), place, rng.normal())
        for place in range(8)
        for unit in range(6)
        for t in range(1, 7)
    ]
    frame = pd.DataFrame(rows, columns=["unit", "t", "entry", "place", "y"])
    sample = Sample(frame, unit="unit", time="t", cohort="entry", cluster="place")
    found = {f.code: f.values for f in design.fit(sample, "y").findings}
    assert found["one_cluster_cohort"]["cohorts"] == ("5",)
