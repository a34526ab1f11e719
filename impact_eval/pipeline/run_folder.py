"""The one temporary folder of a run: kernel's sockets, working notebook, an empty home.

It goes whatever ends the run. The command removes it; when the command is killed, the kernel sees
the end of its line to it and removes the folder; when both are killed, the next run sweeps it: a
folder is known for ours by the mark that it holds. The mark is written first and deleted last; a
folder killed in between holds nothing, and goes where its name is one that nobody else gives.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any

from impact_eval.core.plain_files import is_plain

PREFIX = "ie"
NOTEBOOK = "run.ipynb"
CONNECTION = "k.json"
ORDERS = "orders.json"
LOCK = "lock"
MARK = b"impact-eval: a temporary folder, removed when nobody holds this file\n"
ENDED = "ended"  # why the kernel ended itself
LONGEST = 80  # characters of a folder whose local sockets still have a name the system takes
TOKEN = 4  # bytes of chance in a name, as many digits for what follows from them
_OURS = re.compile(rf"\.?{PREFIX}-(\d+)-([a-z0-9_]+)")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The temporary folder of one run, and the reading end of the kernel's line to the command.

    Attributes
    ----------
    path : Path
    line : int
        File descriptor that the kernel is given: it ends when the command does.
    sockets : bool
        Whether sockets may live in the folder; else the kernel speaks over the loopback.
    """

    path: Path
    line: int
    sockets: bool

    def file(self, name: str) -> Path:
        """Return the path of a file of the folder."""
        return self.path / name

    def folder(self, name: str) -> Path:
        """Return a folder inside, made when it is missing."""
        inner = self.path / name
        inner.mkdir(exist_ok=True)
        return inner

    @property
    def ended(self) -> str | None:
        """Why the kernel ended itself (`timeout`, `memory`), if it did."""
        try:
            return self.file(ENDED).read_text(encoding="utf-8") or None
        except OSError:
            return None


@contextmanager
def run_folder() -> Iterator[RunFolder]:
    """Make the folder of a run; on leaving, end what still uses it and remove it.

    Folders that killed runs of the same user left behind are removed first.
    """
    sweep_left_behind()
    with temporary_folder() as path:
        reading, writing = os.pipe()
        line = _Line(writing)
        try:
            with line.cut_by_signals():
                yield RunFolder(path, reading, _place()[1])
        finally:
            line.cut()  # a kernel that is still there ends itself
            os.close(reading)


@contextmanager
def temporary_folder(place: Path | None = None) -> Iterator[Path]:
    """Make a temporary folder that goes whatever ends the program: here, or at the next call.

    Parameters
    ----------
    place : Path, optional
        Where it is made, hidden, when what it holds is to take a name there.
    """
    if place is not None:
        sweep(place)
    path = _made(_place()[0] if place is None else place, hidden=place is not None)
    try:
        with held(path):
            yield path
    finally:
        remove(path)


class _Line:
    """The writing end of the kernel's line to the command: cut, the kernel ends at once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        self._usual: dict[int, Any] = {}
        self._asked: int | None = None

    def cut(self) -> None:
        """Cut the line, once."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    @contextmanager
    def cut_by_signals(self) -> Iterator[None]:
        """Let a signal that stops the command end the kernel with it.

        What the program does with the signal stays as it is. An engine that turns an interruption
        into an error of its own, or goes on, does not hide it.
        """
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)
                was = None if number is None else signal.getsignal(number)
                if number is not None and (was is signal.SIG_DFL or callable(was)):
                    self._usual[number] = was
                    signal.signal(number, self._stop)
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            self._stop_if_asked()
            raise
        else:
            self._stop_if_asked()
        finally:
            for number, was in self._usual.items():
                signal.signal(number, was)

    def _stop(self, number: int, frame: FrameType | None = None) -> None:
        was = self._usual[number]
        try:
            if callable(was):
                was(number, frame)  # a program that only takes note goes on
            else:
                sys.exit(128 + number)
        except BaseException:
            self._asked = number
            self.cut()
            raise

    def _stop_if_asked(self) -> None:
        if self._asked is not None:
            self._stop(self._asked)


def _place() -> tuple[Path, bool]:
    """Return where temporary folders go, and whether its name is short enough for sockets."""
    usual = Path(tempfile.gettempdir())
    if sys.platform == "win32":
        return usual, False
    for folder in (usual, Path("/tmp"), Path("/var/tmp")):
        if len(os.fsencode(folder)) <= LONGEST and os.access(folder, os.W_OK | os.X_OK):
            return folder, True
    return usual, False


def _made(place: Path, *, hidden: bool) -> Path:
    """Make a folder that this user alone reads, under a name of ours that is not taken."""
    while True:
        name = _name(os.getpid(), secrets.token_hex(TOKEN // 2))
        path = place / (f".{name}" if hidden else name)
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
            return path


def _name(process: int, chance: str) -> str:
    """Return the name of a temporary folder: its last digits follow from the rest."""
    follows = sha256(f"{PREFIX}-{process}-{chance}".encode()).hexdigest()[:TOKEN]
    return f"{PREFIX}-{process}-{chance}{follows}"


def remove(path: Path) -> None:
    """Remove a folder of a run, its mark last; what is written there meanwhile is removed too.

    What cannot be removed keeps its mark, or has it again: a later run sweeps it.
    """
    for _ in range(5):
        with suppress(OSError):
            for entry in list(path.iterdir()):
                if entry.name != LOCK:
                    _remove_entry(entry)
        with suppress(OSError):
            if all(entry.name == LOCK for entry in path.iterdir()):
                (path / LOCK).unlink(missing_ok=True)
                path.rmdir()
        if not path.exists():
            return
        # a process that is ending wrote there in between
        with suppress(OSError), (path / LOCK).open("xb") as stream:
            stream.write(MARK)


def _remove_entry(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Mark a folder for ours and hold it: nobody sweeps it, whatever numbers processes have."""
    with (path / LOCK).open("xb") as stream:
        stream.write(MARK)
        stream.flush()
        with suppress(OSError):  # a disk without locks: the number of the process is left
            _lock(stream.fileno(), alone=False)
        yield


def sweep_left_behind() -> None:
    """Remove the folders that killed runs of this user left where temporary folders go."""
    sweep(_place()[0])


def sweep(place: Path) -> None:
    """Remove the folders of runs that were killed: ours, of this user, used by nobody any more."""
    with suppress(OSError):
        for entry in os.scandir(place):
            named = _OURS.fullmatch(entry.name)
            if named is not None and entry.is_dir(follow_symlinks=False):
                _sweep_one(Path(entry.path), int(named[1]))


def _sweep_one(path: Path, process: int) -> None:
    try:
        if sys.platform != "win32" and path.lstat().st_uid != os.getuid():
            return
        if _alive(process):
            return
        if not _is_marked(path):
            _sweep_empty(path, process)
            return
        with (path / LOCK).open("r+b") as stream:
            _lock(stream.fileno(), alone=True)
        remove(path)
    except OSError:  # it is used, or went away meanwhile
        return


def _sweep_empty(path: Path, process: int) -> None:
    """Remove a folder killed before its mark was written, or after: nothing is in it."""
    chance = path.name[-2 * TOKEN : -TOKEN]
    if path.name.removeprefix(".") != _name(process, chance):
        return
    mark = path / LOCK
    if is_plain(mark) and mark.stat().st_size < len(MARK) and MARK.startswith(mark.read_bytes()):
        mark.unlink()  # being written
    path.rmdir()  # refused where anything else is in it


def _is_marked(path: Path) -> bool:
    """Return whether a folder holds our mark: its name alone could be that of anybody's folder."""
    mark = path / LOCK
    return is_plain(mark) and mark.stat().st_size == len(MARK) and mark.read_bytes() == MARK


def _alive(process: int) -> bool:
    if sys.platform == "win32":
        return False  # asking would end it there: the lock tells
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


if sys.platform == "win32":
    import msvcrt

    _BYTE = 1_000_000  # past the mark, which stays readable by others

    def _lock(descriptor: int, *, alone: bool) -> None:  # one kind of lock there
        """Take a lock, or refuse (`OSError`) when somebody else holds it."""
        os.lseek(descriptor, _BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int, *, alone: bool) -> None:
        """Share a lock, or refuse (`OSError`) when somebody else holds it."""
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
