"""A file damaged in transfer, one bit at a time: read the same, or refused in words."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from old_workbooks import write_xls
from openpyxl import Workbook

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.reading import read_table

FLIPS = 251
BYTES = 50


def frame_of(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame({
        "id": [f"P{i:03d}" for i in range(n)],
        "âge": rng.integers(18, 80, n),
        "revenu": rng.normal(900, 200, n).round(2),
        "ville": rng.choice(["Pau", "Nîmes", "Le Havre"], n),
    })  # fmt: skip


def written(path: Path) -> bytes:
    frame = frame_of()
    if path.suffix == ".csv":
        frame.to_csv(path, index=False, sep=";")
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".feather":
        frame.to_feather(path)
    elif path.suffix == ".dta":
        frame.rename(columns={"âge": "age"}).to_stata(path, write_index=False, version=118)
    elif path.suffix in {".sav", ".zsav"}:
        pyreadstat = pytest.importorskip("pyreadstat")
        pyreadstat.write_sav(frame, str(path), compress=path.suffix == ".zsav")
    return path.read_bytes()


def reading(path: Path) -> pd.DataFrame | str:
    """Return the table, or the words of its refusal; any other error is the test's."""
    try:
        return read_table(path)
    except ImpactEvalError as refused:
        told = str(refused)
    assert path.name in told
    return told


def test_251_flipped_bits_of_a_workbook(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [list(frame_of().columns), *frame_of().to_numpy(dtype=object).tolist()]:
        sheet.append(row)
    memory = io.BytesIO()
    book.save(memory)
    whole = memory.getvalue()
    path = tmp_path / "suivi.xlsx"
    path.write_bytes(whole)
    expected = read_table(path)
    rng = np.random.default_rng(251)
    refused = 0
    for place, bit in zip(
        rng.integers(0, len(whole), FLIPS), rng.integers(0, 8, FLIPS), strict=True
    ):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(bit)
        path.write_bytes(bytes(damaged))
        found = reading(path)
        if isinstance(found, str):
            refused += 1
        else:
            pd.testing.assert_frame_equal(found, expected)
    assert refused > FLIPS // 2  # a checksum sees most of them


@pytest.mark.parametrize("way", ["bit", "head", "cut", "many"])
def test_a_damaged_old_workbook_is_told_in_our_words_alone(
    tmp_path: Path, way: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its reader panics, and would print a stack with paths of the machine by itself."""
    cells = {(row, column): 1.5 * row if column else f"P{row}" for row in range(60)
             for column in range(6)}  # fmt: skip
    path = write_xls(tmp_path / "suivi.xls", {"A": cells})
    whole = path.read_bytes()
    rng = np.random.default_rng(len(way))
    for _ in range(60):
        damaged = bytearray(whole)
        if way == "bit":
            damaged[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        elif way == "head":
            damaged[rng.integers(512)] = int(rng.integers(256))
        elif way == "cut":
            damaged = damaged[: int(rng.integers(len(whole)))]
        else:
            for place in rng.integers(0, len(whole), 20):
                damaged[place] = int(rng.choice([0, 254, 255]))
        path.write_bytes(bytes(damaged))
        reading(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("ending", ["csv", "parquet", "feather", "dta", "sav", "zsav"])
def test_changed_bytes_of_other_files_never_raise(tmp_path: Path, ending: str) -> None:
    """These carry no checksum: a changed cell is read as it stands, the rest is refused."""
    path = tmp_path / f"suivi.{ending}"
    whole = written(path)
    rng = np.random.default_rng(len(ending))
    for place, value in zip(
        rng.integers(0, len(whole), BYTES), rng.integers(0, 256, BYTES), strict=True
    ):
        damaged = bytearray(whole)
        damaged[place] = int(value)
        path.write_bytes(bytes(damaged))
        reading(path)
