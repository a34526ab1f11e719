"""A noun in one line: codes and numbers, no array, nothing that commands a terminal."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact_eval.core.estimate import Effect, Estimate, MethodRecord, wald_effect
from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.core.shown import Shown, interval, name_of, one_line

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def estimate(*keys: tuple[str, float | None], outcome: str = "lemp") -> Estimate:
    rows = [
        wald_effect(
            outcome=outcome,
            estimand="att",
            term=term,
            time=time,
            estimate=-0.0398,
            std_error=0.0118,
        )
        for term, time in keys
    ]
    return Estimate(
        outcome=outcome,
        estimand="att",
        method=MethodRecord("callaway_santanna"),
        effects=tuple(rows),
        covariance=np.eye(len(rows)),
        counterfactual=True,
        findings=(Finding.warning("few_clusters", n=8, advised=40),),
    )


def test_an_estimate_of_one_row_tells_it_with_its_interval() -> None:
    # -0.0398 -/+ 1.959964 * 0.0118 = -0.06293, -0.01667
    assert repr(estimate(("att", None))) == (
        "Estimate(callaway_santanna, lemp: att -0.0398 [-0.06293, -0.01667], findings=1)"
    )


def test_several_rows_are_counted_by_kind() -> None:
    told = repr(estimate(("event", -1.0), ("event", 0.0), ("att", None)))
    assert "att -0.0398 [" in told
    assert "event×2" in told
    assert "array" not in told


def test_what_is_not_there_is_said() -> None:
    row = Effect(outcome="y", estimand="att", term="att", estimate=None)
    assert repr(row) == "Effect(y: att na)"
    assert interval(1.0, None, None) == "1"


def test_findings_and_reasons_tell_their_values() -> None:
    assert repr(Finding.warning("few_clusters", n=8, advised=40)) == (
        "Finding(few_clusters, warning, n=8, advised=40)"
    )
    assert (
        repr(NotApplicable.because("one_pre_period", n=1)) == "NotApplicable(one_pre_period, n=1)"
    )


@given(st.text(max_size=200))
def test_a_strange_name_stays_one_line_and_commands_nothing(text: str) -> None:
    for told in (one_line("Sample", text, unit=text), repr(estimate(("att", None), outcome=text))):
        assert not CONTROLS.search(told)
        assert len(told.splitlines()) == 1
        assert len(told) < 2_000


@given(st.text(max_size=30))
def test_an_ordinary_name_is_kept(text: str) -> None:
    if text.isprintable():
        assert name_of(text) == text


def test_without_a_renderer_an_object_still_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shown, "renderer", None)
    found = estimate(("att", None))
    assert str(found) == found.summary("fr") == repr(found)
    assert found._repr_html_() is None
