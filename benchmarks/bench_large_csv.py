"""Reading a large table: seconds and memory, beside DuckDB and pyarrow with one thread.

    python -m benchmarks.bench_large_csv [megabytes]

Ten columns: identifiers, words with few values, whole numbers, decimals; a study uses six of them.
The same table is read as CSV and as Parquet. Each program reads the file in a process of its own,
once it has read a small file of the same kind, which loads its code; memory is the highest beyond
that. The size of the CSV is what memory is held to.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from benchmarks.timing import in_own_process
from impact_eval.data import big_text
from impact_eval.data.reading import read_chosen

SCRIPT = "benchmarks.bench_large_csv"
USED = ("id", "sexe", "age", "vague", "aide", "revenu")
READERS = (
    "a study's six columns", "all ten columns",
    "DuckDB, to pandas", "DuckDB, six columns, to pandas", "DuckDB, to Arrow", "pyarrow, to Arrow",
)  # fmt: skip
_ROWS = 200_000
_SMALL = 1_000  # rows of the file that loads the code
_TOWNS = ("Bourg-en-Bresse", "Oyonnax", "Gex", "Belley", "Ambérieu", "Nantua")
_STATES = ("en emploi", "au chômage", "en formation", "retraité")


def write(path: Path, megabytes: float, seed: int = 7) -> int:
    """Write a table of this size as CSV, and as Parquet beside it; return its rows."""
    rng, n = np.random.default_rng(seed), 0
    with (
        path.open("wb") as file,
        pq.ParquetWriter(beside(path), _table(rng, 0, 1).schema) as packed,
    ):
        while file.tell() < megabytes * 1e6:
            table = _table(rng, n, _ROWS)
            pa_csv.write_csv(table, file, pa_csv.WriteOptions(include_header=n == 0))
            packed.write_table(table)
            n += _ROWS
    small = _table(rng, 0, _SMALL)
    pa_csv.write_csv(small, small_file(path))
    pq.write_table(small, small_file(beside(path)))
    return n


def beside(path: Path) -> Path:
    """Return the Parquet file of the same table."""
    return path.with_suffix(".parquet")


def small_file(path: Path) -> Path:
    """Return the small file of the same kind."""
    return path.with_stem("petit")


def _table(rng: np.random.Generator, first: int, n: int) -> pa.Table:
    return pa.table(
        {
            "id": [f"P{i:08d}" for i in range(first, first + n)],
            "commune": np.array(_TOWNS)[rng.integers(0, 6, n)],
            "sexe": np.array(["Femme", "Homme"])[rng.integers(0, 2, n)],
            "situation": np.array(_STATES)[rng.integers(0, 4, n)],
            "age": rng.integers(16, 90, n),
            "vague": rng.integers(1, 4, n),
            "aide": rng.integers(0, 2, n),
            "revenu": np.round(rng.gamma(3, 500, n), 2),
            "score": rng.normal(size=n),
            "poids": rng.uniform(0.5, 2, n),
        }
    )


def measure(reader: str, path: Path) -> tuple[float, float, float]:
    """Read the file once; return CPU and wall seconds, and megabytes beyond the loaded code."""
    pa.set_cpu_count(1)
    read = _reading(reader)
    with patch.object(big_text, "BIG", 0):  # by the road of large files
        read(small_file(path))
    before = _peak()
    cpu, wall = time.process_time(), time.perf_counter()
    kept = read(path)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    del kept
    return cpu, wall, _peak() - before


def _reading(reader: str) -> Callable[[Path], Any]:
    if reader.startswith("DuckDB"):
        import duckdb

        link = duckdb.connect(config={"threads": 1})
        columns = ", ".join(USED) if "six" in reader else "*"
        frame = reader.endswith("pandas")

        def query(path: Path) -> Any:
            found = link.sql(f"select {columns} from '{path}'")
            return found.df() if frame else found.to_arrow_table()

        return query
    if reader.startswith("pyarrow"):
        return lambda path: (
            pq.read_table(path) if path.suffix == ".parquet" else pa_csv.read_csv(path)
        )
    return lambda path: read_chosen(path, USED if "six" in reader else None)


def _peak() -> float:
    """Return the highest memory of this process so far, in megabytes.

    What `getrusage` tells on Linux begins with the memory of whoever started the process.
    """
    told = Path("/proc/self/status")
    if told.exists():
        line = next(one for one in told.read_text("ascii").splitlines() if "VmHWM" in one)
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> None:
    if len(sys.argv) == 3:
        print(*measure(sys.argv[1], Path(sys.argv[2])))
        return
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "grand.csv"
        rows = write(text, megabytes)
        for path in (text, beside(text)):
            print(
                f"{path.suffix[1:]}, {path.stat().st_size / 1e6:.0f} MB, {rows:,} rows, 10 columns"
            )
            print(f"{'':32}{'CPU s':>9}{'wall s':>9}{'MB more':>9}")
            for reader in READERS:
                try:
                    cpu, wall, more = map(float, in_own_process(SCRIPT, reader, str(path)).split())
                except subprocess.CalledProcessError:
                    print(f"{reader:32}   not installed")
                else:
                    print(f"{reader:32}{cpu:9.2f}{wall:9.2f}{more:9.0f}", flush=True)


if __name__ == "__main__":
    main()
