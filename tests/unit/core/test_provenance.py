"""Fingerprints say the content and nothing else; published numbers keep the digits that hold."""

from __future__ import annotations

import hashlib
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact_eval.core import provenance
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


MIXED = pd.DataFrame(
    {
        "texte": pd.Series(["é", None, "é", "", "01", "nan"], dtype="str"),
        "entier": [3, 3, 3, -1, 3, 2**60],
        "réel": [0.0, -0.0, np.nan, 0.1, 1e22, np.inf],
        "jour": pd.to_datetime(
            ["2024-01-05", None, "2024-01-05 10:30", *["1999-12-31"] * 3], format="mixed"
        ),
        "oui": [True, False, True, True, False, False],
        "objet": ["a", 1, 1.0, None, (1, 2), pd.NA],
        "classe": pd.Categorical(["x", "y", None, "x", "x", "y"]),
        "court": np.array([0.1, 2, 3, 4, 5, 6], dtype=np.float32),
        "nul": pd.array([1, None, 3, 3, 3, 3], dtype="Int64"),
    }
)


def as_pandas_hashes(frame: pd.DataFrame) -> str:
    """Return the fingerprint by its definition: every cell a text, the whole table at once."""
    names = sorted(frame.columns)
    rows = pd.util.hash_pandas_object(frame[names].astype(object).astype(str), index=False)
    told = hashlib.sha256(canonical_json([names, len(frame)]).encode())
    told.update(np.sort(rows.to_numpy()).tobytes())
    return told.hexdigest()


@pytest.mark.parametrize("at_once", [1, 2, 5, 50_000])
@pytest.mark.parametrize("rows", [0, 1, 6])
def test_the_fingerprint_is_that_of_the_whole_table_whatever_is_held_at_once(
    monkeypatch: pytest.MonkeyPatch, at_once: int, rows: int
) -> None:
    monkeypatch.setattr(provenance, "_ROWS_AT_ONCE", at_once)
    frame = MIXED.head(rows)
    assert fingerprint(frame) == as_pandas_hashes(frame)
    again = frame.sample(frac=1, random_state=1)
    assert fingerprint(again) == as_pandas_hashes(frame)


def test_the_fingerprint_of_published_tables_has_not_moved() -> None:
    table = pd.DataFrame({"b": [1.5, np.nan, 2.0], "a": ["x", "y", None], "c": [1, 2, 2]})
    assert fingerprint(table) == (
        "db3c9ae40837e95cd40c790f71e6381a2e2c38abc8f9ab9887b60deda9fe82a0"
    )
    twice = pd.concat([table, table[["c"]]], axis=1)
    assert fingerprint(twice) == (
        "7a92b2e34ae432a3ef43cc4dc5c5be4b38a3789cd83f632b4554fc38934df001"
    )


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
