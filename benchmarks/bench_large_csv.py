"""Reading a large CSV: seconds and memory, beside DuckDB and pyarrow with one thread.

    python -m benchmarks.bench_large_csv [megabytes]

Ten columns: identifiers, words with few values, whole numbers, decimals. Each program reads the
file in a process of its own; memory is the highest beyond what its imports take.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from benchmarks.timing import in_own_process

SCRIPT = "benchmarks.bench_large_csv"
READERS = ("impact_eval", "DuckDB, to pandas", "DuckDB, to Arrow", "pyarrow, to Arrow")
_ROWS = 200_000
_TOWNS = ("Bourg-en-Bresse", "Oyonnax", "Gex", "Belley", "Ambérieu", "Nantua")
_STATES = ("en emploi", "au chômage", "en formation", "retraité")


def write(path: Path, megabytes: float) -> int:
    """Write a table of this size and return its rows."""
    rng, n = np.random.default_rng(7), 0
    with path.open("wb") as file:
        while file.tell() < megabytes * 1e6:
            table = pa.table(
                {
                    "id": [f"P{i:08d}" for i in range(n, n + _ROWS)],
                    "commune": np.array(_TOWNS)[rng.integers(0, 6, _ROWS)],
                    "sexe": np.array(["Femme", "Homme"])[rng.integers(0, 2, _ROWS)],
                    "situation": np.array(_STATES)[rng.integers(0, 4, _ROWS)],
                    "age": rng.integers(16, 90, _ROWS),
                    "vague": rng.integers(1, 4, _ROWS),
                    "aide": rng.integers(0, 2, _ROWS),
                    "revenu": np.round(rng.gamma(3, 500, _ROWS), 2),
                    "score": rng.normal(size=_ROWS),
                    "poids": rng.uniform(0.5, 2, _ROWS),
                }
            )
            pa_csv.write_csv(table, file, pa_csv.WriteOptions(include_header=n == 0))
            n += _ROWS
    return n


def measure(reader: str, path: str) -> str:
    """Read the file once; return CPU and wall seconds, and megabytes beyond the imports."""
    pa.set_cpu_count(1)
    read: Any
    if reader.startswith("DuckDB"):
        import duckdb

        link = duckdb.connect(config={"threads": 1})
        frame = reader.endswith("pandas")
        read = lambda: (  # noqa: E731
            link.read_csv(path).df() if frame else link.read_csv(path).to_arrow_table()
        )
    elif reader == READERS[0]:
        from impact_eval.data.reading import read_table

        read = lambda: read_table(path)  # noqa: E731
    else:
        read = lambda: pa_csv.read_csv(path)  # noqa: E731
    before = _peak()
    cpu, wall = time.process_time(), time.perf_counter()
    read()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return f"{cpu:9.2f}{wall:9.2f}{_peak() - before:9.0f}"


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    if len(sys.argv) == 3:
        print(measure(sys.argv[1], sys.argv[2]))
        return
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grand.csv"
        rows = write(path, megabytes)
        print(f"{path.stat().st_size / 1e6:.0f} MB, {rows:,} rows, 10 columns")
        print(f"{'':22}{'CPU s':>9}{'wall s':>9}{'MB more':>9}")
        for reader in READERS:
            try:
                said = in_own_process(SCRIPT, reader, str(path)).rstrip()
            except subprocess.CalledProcessError:
                said = "   not installed"
            print(f"{reader:22}{said}", flush=True)


if __name__ == "__main__":
    main()
