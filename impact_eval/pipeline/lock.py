"""One run of a study at a time: a lock held by the system, which lets go when the run ends.

The file `.impact-eval.lock` lies in the study's folder for as long as somebody runs; the lock
itself is the system's, so that a run killed without a word leaves no lock behind.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError

LOCK = ".impact-eval.lock"
_PAUSE = 0.2  # seconds between two tries
_LARGEST = 1_000


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs a study.

    Attributes
    ----------
    pid : int or None
        Number of the process.
    since : str or None
        Local time, as `2026-05-04 10:32`.
    """

    pid: int | None = None
    since: str | None = None


@contextmanager
def study_lock(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock of a study's folder.

    Parameters
    ----------
    folder : Path
    wait : bool
        Wait for whoever runs to end; refuse otherwise.

    Raises
    ------
    ImpactEvalError
        `run_in_progress`, with who runs and since when.
    """
    path = folder / LOCK
    descriptor = _acquire(path, wait=wait)
    try:
        since = dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "since": since}).encode())
        yield
    finally:
        if sys.platform != "win32":  # while it is still held: another may be waiting on it
            _unlink_if_free(path)
        os.close(descriptor)
        if sys.platform == "win32":
            _unlink_if_free(path)


def holder_of(folder: Path) -> Holder | None:
    """Return who runs the study of a folder now, or None when nobody does."""
    path = folder / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    try:
        if _try(descriptor):
            return None
        return _holder(descriptor)
    finally:
        os.close(descriptor)


def _acquire(path: Path, *, wait: bool) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    while True:
        descriptor = os.open(path, flags, 0o600)
        if _try(descriptor):
            if _is_there(descriptor, path):
                return descriptor
            os.close(descriptor)  # whoever held it took the file away: begin again
            continue
        found = _holder(descriptor)
        os.close(descriptor)
        if not wait:
            raise ImpactEvalError(
                Finding.error("run_in_progress", pid=found.pid, since=found.since)
            )
        time.sleep(_PAUSE)


def _is_there(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _holder(descriptor: int) -> Holder:
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        told = json.loads(os.read(descriptor, _LARGEST))
        return Holder(pid=int(told["pid"]), since=str(told["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Holder()


def _unlink_if_free(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # another run opened it meanwhile, or the disk refuses: the lock itself is let go


if sys.platform == "win32":
    import msvcrt

    _BYTE = 1_000_000  # past the text, which stays readable by others

    def _try(descriptor: int) -> bool:
        os.lseek(descriptor, _BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
