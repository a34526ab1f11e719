"""Read hostile files, each in a process of its own; print what each cost, as JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pyreadstat
import python_calamine
from hostile_files import MAKERS

import impact_eval as ie
from impact_eval.data.codebook import Codebook
from impact_eval.data.readers.reader import readers
from impact_eval.results.records import StudyResults

LOADED = (pyarrow.csv, pyarrow.feather, pyarrow.parquet, pyreadstat, python_calamine, *readers)


def read(path: Path) -> object:
    """Read a file through its own door."""
    if path.name == "results.json":
        return StudyResults.read(path)
    if path.name.endswith((".codes.toml", ".lss")) or path.name.startswith("formulaire"):
        return Codebook.read(path)
    return ie.read_table(path)


def apart(work: Callable[[], dict[str, object]]) -> dict[str, object]:
    """Return what work returns in a process of its own."""
    end, start = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            told = work()
        except BaseException:  # noqa: BLE001 -- a panic of a library is told too
            told = {"raw": traceback.format_exc()}
        os.write(start, json.dumps(told).encode())
        os._exit(0)
    os.close(start)
    with os.fdopen(end) as stream:
        text = stream.read()
    status = os.waitpid(child, 0)[1]
    found: dict[str, object] = json.loads(text) if text else {"raw": f"killed: {status}"}
    return found


def cost(path: Path) -> dict[str, object]:
    """Return what reading a file says, and the seconds and megabytes that it takes."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    codes: list[str] = []
    words = ""
    try:
        read(path)
    except ie.ImpactEvalError as refused:
        codes, words = list(refused.codes), str(refused)
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "codes": codes, "words": words, "seconds": seconds, "file": path.name,
        "megabytes": (after.ru_maxrss - before.ru_maxrss) / 1024,
    }  # fmt: skip


def made(name: str, folder: Path) -> dict[str, object]:
    """Make a file; return its path."""
    return {"path": str(MAKERS[name](folder))}


def main(names: list[str]) -> None:
    """Print what each file costs."""
    out = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            told = apart(lambda name=name, folder=folder: made(name, Path(folder)))
            path = told.get("path")
            out[name] = apart(lambda path=path: cost(Path(str(path)))) if path else told
    sys.stdout.write(json.dumps(out))


if __name__ == "__main__":
    main(sys.argv[1:])
