"""One run of a study at a time: a lock held by the system, which lets go when the run ends.

The file `.impact-eval.lock` lies in the study's folder for as long as somebody runs; the lock
itself is the system's, so that a run killed without a word leaves no lock behind. The folder may be
shared: a file that a colleague's killed run left there hinders nobody, and what cannot be known is
never told as an end.
"""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError

LOCK = ".impact-eval.lock"
_PAUSE = 0.2  # seconds between two tries
_LARGEST = 1_000
# a link is not followed, and a pipe does not make one wait
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


class _LockAnswer(Enum):
    """What the system says when it is asked for a lock."""

    OURS = auto()
    TAKEN = auto()
    UNKNOWN = auto()  # the disk has no locks


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs a study.

    Attributes
    ----------
    pid : int or None
        Number of the process; None when somebody may run and who cannot be known.
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
    descriptor, writable = _acquire(path, wait=wait)
    try:
        if writable:
            since = dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps({"pid": os.getpid(), "since": since}).encode())
        yield
    finally:
        if sys.platform != "win32":  # while it is still held: another may be waiting on it
            _taken_away(path)
        os.close(descriptor)
        if sys.platform == "win32":
            _taken_away(path)


def holder_of(folder: Path) -> Holder | None:
    """Return who runs the study of a folder now, or None when nobody does.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Holder or None
        Without a number when it cannot be known: a file that may not be read, a disk without locks.
    """
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | _PLAIN)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return Holder()
    try:
        answer = _try(descriptor, shared=True)  # to look is to take nothing from anybody
        if answer is _LockAnswer.OURS:
            return None
        return _holder(descriptor) if answer is _LockAnswer.TAKEN else Holder()
    except OSError:
        return Holder()
    finally:
        os.close(descriptor)


def _acquire(path: Path, *, wait: bool) -> tuple[int, bool]:
    """Return the file once it is locked, and whether who holds it may be written there."""
    while True:
        descriptor, writable = _opened(path)
        try:
            answer = _try(descriptor)
        except OSError:
            os.close(descriptor)
            raise
        if answer is not _LockAnswer.TAKEN:
            if _is_there(descriptor, path):
                # of a colleague whose run was killed: ours takes its place, where the folder
                # lets it; whoever waits on the old one sees that it is no longer there
                replaced = not writable and answer is _LockAnswer.OURS and _taken_away(path)
                if not replaced:
                    return descriptor, writable
            os.close(descriptor)  # whoever held it took the file away: begin again
            continue
        found = _holder(descriptor)
        os.close(descriptor)
        if not wait:
            raise ImpactEvalError(
                Finding.error("run_in_progress", pid=found.pid, since=found.since)
            )
        time.sleep(_PAUSE)


def _opened(path: Path) -> tuple[int, bool]:
    """Open the file, made when it is missing; one of another user may be open to reading alone."""
    flags = os.O_RDWR | os.O_CREAT | _PLAIN
    try:
        return os.open(path, flags, 0o666), True
    except PermissionError:
        try:
            return os.open(path, os.O_RDONLY | _PLAIN), False
        except FileNotFoundError:  # let go meanwhile; or the folder refuses, and says so again
            return os.open(path, flags, 0o666), True


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
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Holder()


def _taken_away(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # another run opened it meanwhile, or the folder refuses: the lock is let go
        return False
    return True


if sys.platform == "win32":
    import msvcrt

    _BYTE = 1_000_000  # past the text, which stays readable by others
    _WITHOUT_LOCKS.add(errno.EINVAL)  # how a disk that has no such function is told there
    _BUSY = {errno.EACCES, errno.EDEADLK}

    def _try(descriptor: int, *, shared: bool = False) -> _LockAnswer:  # none there
        os.lseek(descriptor, _BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in _BUSY:
                return _LockAnswer.TAKEN
            if error.errno in _WITHOUT_LOCKS:
                return _LockAnswer.UNKNOWN
            raise
        os.lseek(descriptor, 0, os.SEEK_SET)
        return _LockAnswer.OURS

else:
    import fcntl

    def _try(descriptor: int, *, shared: bool = False) -> _LockAnswer:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return _LockAnswer.TAKEN
        except OSError as error:
            if error.errno in _WITHOUT_LOCKS:
                return _LockAnswer.UNKNOWN
            if error.errno == errno.EBADF and not shared:
                return _try(descriptor, shared=True)  # a disk of the network, open to reading alone
            raise
        return _LockAnswer.OURS
