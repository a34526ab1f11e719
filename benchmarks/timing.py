"""What benchmarks share: CPU seconds of one thread, peers in environments of their own."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
PEERS = Path(".bench")
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "POLARS_MAX")
ONE_THREAD: Mapping[str, str] = {
    (name if name.endswith("MAX") else f"{name}_NUM") + "_THREADS": "1" for name in THREADS
}


def one_thread() -> None:
    """Ask every numerical library for one thread; call it before importing any of them."""
    os.environ.update(ONE_THREAD)


def cpu_seconds(run: Callable[[], T], times: int = 3, *, warm: bool = True) -> tuple[float, T]:
    """Return the median process CPU seconds of some calls, and the last result.

    Parameters
    ----------
    run : callable
    times : int
    warm : bool
        Whether a first call, not counted, loads and compiles what it must.
    """
    if warm:
        run()
    spent: list[float] = []
    for _ in range(max(times, 1)):
        start = time.process_time()
        result = run()
        spent.append(time.process_time() - start)
    return statistics.median(spent), result


def peer_python(name: str, packages: Sequence[str]) -> Path:
    """Return the interpreter of a peer's own environment, made when it is not there.

    Parameters
    ----------
    name : str
        Folder under `.bench/`, which is never committed.
    packages : sequence of str
        What to install in it.
    """
    folder = PEERS / name
    binary = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    python = folder / binary
    if not python.exists():
        venv.create(folder, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *packages]
        subprocess.run(install, check=True)
    return python


def machine() -> str:
    """Return the machine in neutral words: processor family, cores, system, Python."""
    cores = os.cpu_count() or 1
    words = f"{platform.machine()} processor, {cores} cores (one used), {platform.system()}"
    return f"{words}, Python {platform.python_version()}"


def in_own_process(script: str, *words: str, python: str | None = None) -> str:
    """Run a script with one thread in a fresh process and return what it printed."""
    done = subprocess.run(
        [python or sys.executable, "-m", script, *words],
        env={**os.environ, **ONE_THREAD},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
