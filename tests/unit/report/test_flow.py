"""People and rows are counted apart, each outcome to its own end; « toutes » only when it is so."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

import impact_eval as ie
from impact_eval.designs import designs
from impact_eval.report.blocks import Messages, Paragraph, Table
from impact_eval.report.narrative import flow_blocks
from impact_eval.report.texts import Texts
from impact_eval.results.estimates import FlowRecord
from impact_eval.results.records import StudyResults

FR = Texts("fr")
MakeResults = Callable[..., StudyResults]


def steps(*counts: tuple[str, int, int, int, int]) -> tuple[FlowRecord, ...]:
    return tuple(
        FlowRecord(step=s, units=u, units_dropped=ud, n=n, dropped=d, reason=None)
        for s, u, ud, n, d in counts
    )


def told(results: StudyResults, flow: tuple[FlowRecord, ...], n_periods: int = 2) -> StudyResults:
    times = tuple(f"T{i}" for i in range(n_periods))
    data = results.data.model_copy(
        update={"flow": flow, "n_periods": n_periods, "times": times, "shape": "panel"}
    )
    same = tuple(
        e.model_copy(update={"estimate": e.estimate.model_copy(update={"flow": flow})})
        for e in results.estimates
    )
    return results.model_copy(update={"data": data, "estimates": same})


def words(results: StudyResults) -> str:
    out = []
    for block in flow_blocks(results):
        if isinstance(block, Paragraph):
            out += [FR.words(w) for w in block.words]
        if isinstance(block, Messages):
            out += [FR.words(w) for w in block.items]
    return " ".join(out)


def test_a_table_seen_whole_says_all(make_results: MakeResults) -> None:
    said = words(told(make_results(3), steps(("read", 40, 0, 80, 0))))
    assert "40 personnes et 80 lignes" in said
    assert "toutes sont analysées" in said


@pytest.mark.parametrize(
    "flow",
    [
        steps(("read", 40, 0, 60, 0)),  # twenty people have no second date
        steps(("read", 40, 0, 80, 0), ("outcome_observed", 40, 0, 79, 1)),
        steps(("read", 40, 0, 80, 0), ("people_paired", 25, 15, 50, 30)),
    ],
)
def test_all_is_never_said_when_somebody_or_a_row_is_lost(
    flow: tuple[FlowRecord, ...], make_results: MakeResults
) -> None:
    said = words(told(make_results(3), flow))
    assert "toutes sont analysées" not in said
    assert f"{flow[-1].units} personnes ({flow[-1].n} lignes)" in said.replace("\u202f", " ")


def test_each_outcome_has_its_own_end(make_results: MakeResults) -> None:
    results = told(make_results(3), steps(("read", 40, 0, 80, 0)))
    first, second = results.headlines[0], results.headlines[0]
    shorter = steps(("read", 40, 0, 80, 0), ("people_paired", 25, 15, 50, 30))
    fit = second.estimate.model_copy(update={"flow": shorter})
    second = second.model_copy(update={"outcome": "other", "primary": False, "estimate": fit})
    results = results.model_copy(update={"estimates": (first, second)})
    said = words(results)
    assert "toutes sont" not in said
    assert "40 personnes, 80 lignes" in said
    assert "25 personnes, 50 lignes" in said
    table = next(b for b in flow_blocks(results) if isinstance(b, Table))
    assert table.column("units") == [40, 40, 25]
    assert table.column("units_dropped") == [0, 0, 15]


def panel(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n, periods = 40, 4
    frame = pd.DataFrame(
        {
            "id": np.repeat([f"P{i:02}" for i in range(n)], periods),
            "t": np.tile(np.arange(1, periods + 1), n),
            "g": np.repeat(rng.choice([1, 3, 4, 0], n), periods).astype(float),
        }
    )
    frame["y"] = rng.normal(size=len(frame)) + (frame["g"] > 0) * (frame["t"] >= frame["g"])
    frame.loc[rng.random(len(frame)) < 0.15, "y"] = np.nan
    frame.loc[frame["id"] == "P00", "y"] = np.nan
    return frame.loc[rng.random(len(frame)) > 0.1].reset_index(drop=True)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "name",
    ["before_after", "did", "twfe", "callaway_santanna", "imputation", "sun_abraham", "stacked"],
)
def test_a_flow_adds_up_in_rows_and_in_people(name: str, seed: int) -> None:
    frame = panel(seed)
    frame["g"] = frame["g"].replace({4: 3.0})
    sample = ie.Sample(frame, unit="id", time="t", cohort="g")
    flow = designs.get(name)().fit(sample, "y").flow
    assert (flow[0].n, flow[0].units) == (len(frame), frame["id"].nunique())
    assert flow[1].n == int(frame["y"].notna().sum())
    assert flow[1].units == frame.loc[frame["y"].notna(), "id"].nunique()
    for before, after in pairwise(flow):
        assert before.units is not None
        assert after.units is not None
        assert after.n + after.dropped == before.n
        assert after.units + (after.units_dropped or 0) == before.units
        assert after.units <= after.n


def test_an_older_file_lacks_who_its_rows_are_of(make_results: MakeResults) -> None:
    content: Any = told(make_results(3), steps(("read", 40, 0, 80, 0))).to_dict()
    flows = [content["data"]["flow"], *(e["estimate"]["flow"] for e in content["estimates"])]
    for flow in flows:
        for step in flow:
            del step["units"], step["units_dropped"]
    again = StudyResults.from_dict(content)
    assert again.data.flow[0].units is None
    assert again.data.flow[0].n == 80
    assert "80 lignes" in words(again)
