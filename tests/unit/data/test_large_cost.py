"""What a large table costs to read: less memory than its text, less than twice DuckDB's time."""

from __future__ import annotations

import importlib.util
import statistics
import sys
from pathlib import Path

import pytest

from benchmarks.bench_large_csv import SCRIPT, beside, write
from benchmarks.timing import in_own_process

MEGABYTES = 100


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grand") / "grand.csv"
    write(path, MEGABYTES, seed=11)
    return path


def cost(reader: str, path: Path) -> tuple[float, float]:
    """Return the CPU seconds and megabytes of one reading, each the median of three processes."""
    told = [in_own_process(SCRIPT, reader, str(path)).split() for _ in range(3)]
    seconds, megabytes = zip(*((float(cpu), float(more)) for cpu, _, more in told), strict=True)
    return statistics.median(seconds), statistics.median(megabytes)


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory is told by Linux")
@pytest.mark.skipif(importlib.util.find_spec("duckdb") is None, reason="DuckDB is not installed")
def test_a_large_csv_costs_less_memory_than_its_size_and_twice_the_time_of_duckdb(
    table: Path,
) -> None:
    size = table.stat().st_size / 1e6
    seconds, megabytes = cost("a study's six columns", table)
    assert megabytes < size
    assert seconds < 2 * cost("DuckDB, to pandas", table)[0]


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory is told by Linux")
def test_a_large_parquet_file_costs_less_memory_than_its_text(table: Path) -> None:
    _, megabytes = cost("a study's six columns", beside(table))
    assert megabytes < table.stat().st_size / 1e6
