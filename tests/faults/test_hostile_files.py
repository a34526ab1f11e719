"""Files made to fill the memory: each is read or refused, for 200 MB and 2 seconds.

The seconds are those of the processor; a shared machine may double them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hostile_files import MAKERS

SUPPORT = Path(__file__).resolve().parents[1] / "support"
MOST_MB, MOST_SECONDS = 200, 4.0
READ = frozenset({
    "one_far_cell", "odd_sheet_name", "one_giant_merge", "defined_names", "number_formats",
    "arrow_nested", "quote_opened_each_line",
})  # fmt: skip
SLOW_TO_MAKE = frozenset({
    "million_sparse_cells", "shared_strings_many", "wide_xml", "ten_thousand_sheets",
    "all_the_columns", "dense_sheet", "styles", "number_formats", "defined_names",
    "million_merges", "ods_many_sheets", "parquet_dictionary", "parquet_many_columns",
    "parquet_long_text", "feather_ratio", "gzip_under_csv", "gzip_csv", "one_line_300_mb",
    "huge_json", "high_ratio", "lying_size", "spss_declared_rows", "deep_xml", "blank_lines",
    "separators_only", "nul_bytes",
})  # fmt: skip


def costs(names: list[str]) -> dict[str, dict[str, Any]]:
    if not hasattr(os, "fork"):
        pytest.skip("each file is read in a forked process")
    done = subprocess.run(
        [sys.executable, str(SUPPORT / "hostile_cost.py"), *names],
        capture_output=True, text=True, check=True, timeout=600,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    told: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return told


def hold(names: list[str]) -> None:
    told = costs(names)
    assert set(told) == set(names)
    faults = {}
    for name, found in told.items():
        if "raw" in found:
            faults[name] = found["raw"]
        elif bool(found["codes"]) == (name in READ):
            faults[name] = found["codes"]
        elif found["codes"] and found["file"] not in found["words"]:
            faults[name] = found["words"]
        elif found["megabytes"] > MOST_MB or found["seconds"] > MOST_SECONDS:
            faults[name] = f"{found['megabytes']:.0f} MB, {found['seconds']:.1f} s"
    assert not faults


def test_small_bombs() -> None:
    hold([name for name in MAKERS if name not in SLOW_TO_MAKE])


@pytest.mark.long
def test_large_bombs() -> None:
    hold([name for name in MAKERS if name in SLOW_TO_MAKE])


def test_the_two_lists_are_of_files_that_exist() -> None:
    assert set(MAKERS) >= READ | SLOW_TO_MAKE
