"""Findings, reasons and refusals: plain values, exact copies, everything told at once."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact_eval.core import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    NotApplicable,
    Place,
    Severity,
    nearest,
)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
VALUES = st.dictionaries(
    st.from_regex(r"[a-z][a-z_]{0,10}", fullmatch=True),
    st.one_of(SCALARS, st.lists(SCALARS, max_size=4)),
    max_size=4,
)


@given(VALUES, st.sampled_from(Severity), st.integers(1, 10**6))
def test_a_finding_comes_back_from_json_exactly(
    values: dict[str, object], severity: Severity, row: int
) -> None:
    finding = Finding("some_code", severity, values, Place(file="a.csv", row=row))
    again = Finding.from_dict(json.loads(json.dumps(finding.to_dict())))
    assert again == finding
    assert pickle.loads(pickle.dumps(finding)) == finding


def test_numpy_values_become_plain() -> None:
    values = Finding.info("x", n=np.int64(3), share=np.float64(0.5), ids=np.array([1, 2])).values
    assert values == {"n": 3, "share": 0.5, "ids": (1, 2)}
    assert type(values["n"]) is int


def test_values_cannot_be_changed() -> None:
    given_list = ["a"]
    finding = Finding.warning("x", names=given_list)
    given_list.append("b")
    assert finding.values["names"] == ("a",)
    with pytest.raises(TypeError):
        finding.values["names"] = ()


def test_all_errors_are_raised_together_and_warnings_pass() -> None:
    faults = FindingCollector()
    faults.add(Finding.warning("w"))
    faults.raise_if_errors()
    faults.add(Finding.error("a"), Finding.error("b"))
    with pytest.raises(ImpactEvalError) as refused:
        faults.raise_if_errors()
    assert refused.value.codes == ("a", "b")
    assert [f.code for f in faults.findings] == ["w", "a", "b"]


def test_an_unknown_code_is_shown_with_its_values_rather_than_lost() -> None:
    said = str(ImpactEvalError(Finding.error("code_of_another_package", n=3)))
    assert "code_of_another_package" in said
    assert "3" in said


def test_a_refusal_in_a_notebook_shows_words_and_no_stack() -> None:
    lines = ImpactEvalError(Finding.error("empty_table"))._render_traceback_()
    assert lines
    assert not any("Traceback" in line or "File" in line for line in lines)


def test_a_reason_keeps_its_values() -> None:
    reason = NotApplicable.because("one_pre_period", n=1, names=["a", "b"])
    assert reason.to_dict() == {
        "not_applicable": "one_pre_period",
        "values": {"n": 1, "names": ["a", "b"]},
    }
    assert pickle.loads(pickle.dumps(reason)) == reason


@pytest.mark.parametrize(
    ("name", "found"), [("revnu", "revenu"), ("AGE", "age"), ("Revenu ", "revenu"), ("zzz", None)]
)
def test_nearest(name: str, found: str | None) -> None:
    assert nearest(name, ["revenu", "age"]) == found
