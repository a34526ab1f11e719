"""Of what was left before a step, what it dropped and what it left, any two tell the third."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from small_studies import study_in

from impact_eval.pipeline.evaluate import evaluate
from impact_eval.results.estimates import FlowRecord
from impact_eval.results.gate import release

PANEL = """[data.roles]
unit = "id"
time = "date"
cohort = "entree"
cluster = "ville"
[method]
name = "callaway_santanna"
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
DATES = 6


def followed(lost: int) -> list[str]:
    """Rows of 120 people in 12 towns at six dates; the income of some is missing once each."""
    rng = np.random.default_rng(8)
    rows = ["id,date,entree,ville,emploi,revenu"]
    for i in range(120):
        town = i % 12
        for date in range(1, DATES + 1):
            income = "" if i < lost and date == 1 + i % DATES else f"{rng.gamma(9, 120):.2f}"
            entry = 3 if town < 6 else 0
            rows.append(f"P{i},{date},{entry},V{town},{int(rng.random() < 0.5)},{income}")
    return rows


def given_back(flow: tuple[FlowRecord, ...]) -> list[str]:
    """Steps of which a count is kept back and given by the two others."""
    found = []
    for before, after in pairwise(flow):
        for left, dropped in (("n", "dropped"), ("units", "units_dropped")):
            three = (getattr(before, left), getattr(after, left), getattr(after, dropped))
            if three.count(None) == 1:
                found.append(f"{after.step}.{left}")
    return found


@pytest.mark.parametrize("lost", [9, 24])
def test_no_count_that_is_kept_back_is_told_by_the_two_others(tmp_path: Path, lost: int) -> None:
    results = evaluate(study_in(tmp_path, PANEL, followed(lost)))
    assert [f.estimate.flow[-1].dropped for f in results.estimates][-1] == lost
    told = release(results).results
    flows = [record.estimate.flow for record in told.estimates] + [told.data.flow]
    assert not [step for flow in flows for step in given_back(flow)]
    ends = [flow[-1].n for flow in flows]
    assert None in ends  # kept back: within a few people of those of the other outcome
