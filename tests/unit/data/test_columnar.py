"""A large Parquet file read column by column is the file read whole, and its bounds hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from impact_eval import ImpactEvalError
from impact_eval.core.provenance import fingerprint, fingerprint_of_columns
from impact_eval.data import big_text, columnar_bounds
from impact_eval.data.readers import columnar
from impact_eval.data.reading import read_chosen, read_table

N = 240
KINDS = pd.DataFrame(
    {
        "id": [f"{i:05d}" for i in range(N)],
        "ville": pd.Series([["Gex", None, "Bourg"][i % 3] for i in range(N)], dtype="str"),
        "âge": np.arange(N) % 70,
        "revenu": [np.nan if i % 11 == 0 else i / 7 for i in range(N)],
        "aide": np.arange(N) % 2 == 0,
        "né le": pd.date_range("1950-01-01", periods=N, freq="31D"),
        "classe": pd.Categorical([["a", "b", None][i % 3] for i in range(N)]),
        "note": pd.array([None if i % 5 == 0 else i % 9 for i in range(N)], dtype="Int64"),
        "contact": [f"06 00 00 00 {i % 100:02d}" for i in range(N)],
        "vide": [None] * N,
        "rang": pd.Series(range(N), dtype="float64").where(lambda x: x > 5),
        "court": np.arange(N, dtype=np.int16),
    }
)


def as_large(path: Path, columns: list[str] | None = None, **asked: Any) -> Any:
    with patch.object(big_text, "BIG", 0):
        return read_chosen(path, columns, **asked)


@pytest.mark.parametrize("rows", [7, 100, 1_000])
@pytest.mark.parametrize("columns", [None, ["id", "revenu"], ["classe", "note", "né le"], []])
@pytest.mark.parametrize(
    "codes", [None, {"âge": {"type": "text"}, "ville": {1: "Gex", 2: "Bourg"}}]
)
def test_columns_read_one_by_one_are_those_of_the_whole(
    tmp_path: Path, rows: int, columns: list[str] | None, codes: Any
) -> None:
    path = tmp_path / "t.parquet"
    KINDS.to_parquet(path, row_group_size=rows)
    whole = read_table(path, codes=codes)
    chosen = as_large(path, columns, codes=codes)
    assert list(chosen.names) == list(KINDS.columns)
    assert list(chosen.frame.columns) == (list(KINDS.columns) if columns is None else
                                          [name for name in KINDS if name in columns])  # fmt: skip
    pd.testing.assert_frame_equal(chosen.frame, whole[chosen.frame.columns])
    unread = [name for name in chosen.names if name not in chosen.frame]
    if columns is None:
        assert chosen.others is None
        assert dict(chosen.frame.attrs["reading"]) == dict(whole.attrs["reading"])
        return
    others = dict(zip(unread, chosen.others.columns(unread), strict=True))
    for name in unread:
        pd.testing.assert_series_equal(others[name], whole[name])
    names = sorted(chosen.names)
    held = (chosen.frame[name] if name in chosen.frame else others[name] for name in names)
    assert fingerprint_of_columns(names, held, rows=N) == fingerprint(whole)
    pd.testing.assert_frame_equal(chosen.head, whole, check_dtype=False)
    told = [(e["name"], e["type"]) for e in chosen.frame.attrs["reading"]["dictionary"]]
    assert told == [(e["name"], e["type"]) for e in whole.attrs["reading"]["dictionary"]]


def test_whole_numbers_with_gaps_are_those_of_pandas(tmp_path: Path) -> None:
    """A file that no pandas wrote says nothing of them: decimals, as when it is read whole."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": [1, None, 3], "b": [1, 2, 3], "c": [0.5, None, 1.5]}), path)
    pd.testing.assert_frame_equal(as_large(path).frame, read_table(path))


def test_only_the_columns_asked_for_are_decoded(tmp_path: Path) -> None:
    KINDS.to_parquet(tmp_path / "t.parquet")
    read: list[Any] = []
    told = pd.read_parquet

    def spied(path: Path, **asked: Any) -> pd.DataFrame:
        read.append(asked["columns"])
        return told(path, **asked)

    with patch.object(columnar.pd, "read_parquet", spied):
        as_large(tmp_path / "t.parquet", ["revenu", "id", "né le"])
    assert read == [["id"], ["né le"]]  # plain numbers go another road


@pytest.mark.parametrize(
    "frame",
    [
        KINDS.set_index("id"),
        KINDS.iloc[5:],
        KINDS.rename(columns={"âge": "a.ge"}),
        KINDS.rename(columns={"âge": "a\x07ge"}),
        KINDS.set_axis(range(KINDS.shape[1]), axis=1),
        KINDS.head(0),
    ],
    ids=["index", "shifted", "dotted", "hidden", "numbered", "no_row"],
)
def test_a_file_that_is_not_plain_is_read_as_before(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.to_parquet(tmp_path / "t.parquet")
    whole = read_table(tmp_path / "t.parquet")
    large = as_large(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(large.frame, whole)
    assert dict(large.frame.attrs["reading"]) == dict(whole.attrs["reading"])


@pytest.mark.parametrize(
    ("limit", "most", "code"),
    [
        ("ROWS_X_COLUMNS", None, None),
        ("TABLE_CELLS", "100", "beyond_limit"),
        ("COLUMNS", "3", "beyond_limit"),
        ("CELL_LETTERS", "4", "beyond_limit"),
    ],
)
def test_bounds_are_held_before_a_column_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: str | None, code: str | None
) -> None:
    KINDS.to_parquet(tmp_path / "t.parquet")
    if most is None:
        assert len(as_large(tmp_path / "t.parquet", ["id"]).frame) == N
        return
    monkeypatch.setenv(f"IMPACT_EVAL_MOST_{limit}", most)
    with (
        patch.object(columnar.pd, "read_parquet", side_effect=AssertionError("decoded")),
        pytest.raises(ImpactEvalError) as refused,
    ):
        as_large(tmp_path / "t.parquet", ["id"])
    assert refused.value.codes == (code,)


def test_one_text_pointed_to_by_many_rows_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty megabytes of text in a file of some kilobytes: forty are allowed to so small a one."""
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(60_000, np.int32)), ["x" * 1_000])
    pq.write_table(pa.table({"x": texts, "n": range(60_000)}), tmp_path / "t.parquet")
    with (
        patch.object(columnar.pd, "read_parquet", side_effect=AssertionError("decoded")),
        pytest.raises(ImpactEvalError) as refused,
    ):
        as_large(tmp_path / "t.parquet", ["n"])
    assert refused.value.codes == ("file_too_large_unpacked",)
    assert refused.value.findings[0].values["size"] >= 60


def test_texts_that_are_short_but_for_one_are_counted_one_by_one(tmp_path: Path) -> None:
    """As if all were the longest they would be 60 MB: they are 0.1, and the file is read."""
    texts = ["x" * 1_000, *["a", "b"] * 30_000]
    pq.write_table(pa.table({"x": texts}), tmp_path / "t.parquet")
    size = (tmp_path / "t.parquet").stat().st_size
    with pq.ParquetFile(tmp_path / "t.parquet", read_dictionary=["x"]) as file:
        assert columnar_bounds._as_the_longest(file, "x", "t") == 1_000 * len(texts)
    assert 1_000 * len(texts) > columnar_bounds._most(size)
    assert as_large(tmp_path / "t.parquet").frame["x"].tolist() == texts


def test_a_damaged_large_file_is_refused_in_words(tmp_path: Path) -> None:
    KINDS.to_parquet(tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    broken = whole[:200] + bytes(200) + whole[400:]
    (tmp_path / "t.parquet").write_bytes(broken)
    with pytest.raises(ImpactEvalError) as refused:
        as_large(tmp_path / "t.parquet", list(KINDS.columns))
    assert refused.value.codes == ("damaged_file",)
