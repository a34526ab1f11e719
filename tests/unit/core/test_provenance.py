"""Fingerprints say the content and nothing else; published numbers keep the digits that hold."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact_eval.core.provenance import (
    canonical_json,
    fingerprint,
    sha256,
    stable,
    stable_number,
    versions,
)

FRAME = pd.DataFrame({"id": ["01", "02", "03"], "y": [1.0, None, 3.5]})


def test_order_of_rows_and_columns_does_not_matter() -> None:
    assert fingerprint(FRAME) == fingerprint(FRAME.iloc[[2, 0, 1], [1, 0]])
    assert fingerprint(FRAME) == fingerprint(FRAME.set_axis([7, 8, 9]))
    assert fingerprint(FRAME, ["id"]) == fingerprint(FRAME[["id"]])


@pytest.mark.parametrize(
    "other",
    [
        FRAME.assign(y=[1.0, None, 3.6]),
        FRAME.assign(id=["1", "02", "03"]),
        FRAME.iloc[:2],
        FRAME.rename(columns={"y": "z"}),
        pd.concat([FRAME, FRAME.iloc[:1]]),
    ],
    ids=["cell", "text", "row", "name", "repeated"],
)
def test_any_change_of_content_does(other: pd.DataFrame) -> None:
    assert fingerprint(other) != fingerprint(FRAME)


def test_swapping_values_between_rows_is_seen() -> None:
    swapped = FRAME.assign(y=[3.5, None, 1.0])
    assert fingerprint(swapped) != fingerprint(FRAME)


def test_canonical_json_is_one_text() -> None:
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": math.nan})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_published_number_is_stable_and_close(value: float) -> None:
    once = stable_number(value)
    assert once is not None
    assert stable_number(once) == once
    assert once == pytest.approx(value, rel=1e-9)


def test_stable_goes_everywhere() -> None:
    data = {"a": np.float64(1 / 3), "b": [math.nan, np.int64(2)], "c": np.array([0.1 + 0.2])}
    assert stable(data) == {"a": 0.3333333333, "b": [None, 2], "c": [0.3]}
    json.dumps(stable(data), allow_nan=False)


def test_versions_tell_python_and_what_is_installed() -> None:
    found = versions(("numpy", "no_such_package_at_all"))
    assert set(found) == {"python", "numpy"}


def test_sha256_of_text_is_that_of_its_utf8() -> None:
    assert sha256("é") == sha256("é".encode())
    assert sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
