"""Characters that no report can write: replaced where a file is read, refused elsewhere."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.toml_files import parse_toml
from impact_eval.data.reading import read_table
from impact_eval.data.sample import Sample


def test_a_table_is_read_and_told(tmp_path: Path) -> None:
    rows = ["id;aide\x01;ville", *(f"P{i};{i % 2};Pau\x1b[2J" for i in range(9))]
    (tmp_path / "t.csv").write_text("\n".join(rows), encoding="utf-8")
    frame = read_table(tmp_path / "t.csv")
    assert list(frame.columns) == ["id", "aide\ufffd", "ville"]
    assert set(frame["ville"]) == {"Pau\ufffd[2J"}
    told = [e for e in frame.attrs["reading"]["log"] if e["code"] == "hidden_characters"]
    assert [e["values"]["n"] for e in told] == [1, 9]


@pytest.mark.parametrize("label", ["a\ud800", "a\x00", "a\x1b[2J"])
def test_a_table_made_by_hand_is_refused(label: str) -> None:
    frame = pd.DataFrame({"id": pd.Series([label, "b"], dtype=object), "aide": [0, 1]})
    with pytest.raises(ImpactEvalError) as refused:
        Sample(frame, unit="id", treatment="aide")
    assert refused.value.codes == ("hidden_in_table",)


def test_a_declared_file_is_refused_with_its_key() -> None:
    with pytest.raises(ImpactEvalError) as refused:
        parse_toml('[study]\ntitle = "Pau\\u0007"', "study.toml")
    assert refused.value.codes == ("hidden_in_file",)
    assert "study.title" in str(refused.value)
