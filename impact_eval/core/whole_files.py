"""Files written whole or not at all: a reader never meets half of one."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError, Place

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_KEPT = 40  # characters of a name that its half-written file bears: a long one leaves no room
_CUT = re.compile(r"\.(.+)\.(\d+)\.partial", re.DOTALL)


def write_whole(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Write a file so that it holds the old content or the new one, never a part.

    Parameters
    ----------
    path : Path
        Replaced when it exists.
    content : str or bytes
        A text is written in UTF-8, its line ends as they are.
    private : bool
        Whether its owner alone may read it.
    """
    partial = _partial(path)
    try:
        _write(partial, content, mode=0o600 if private else 0o666)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_new(path: Path, content: str | bytes) -> None:
    """Write a file that does not exist yet, whole or not at all.

    Parameters
    ----------
    path : Path
    content : str or bytes
        A text is written in UTF-8, its line ends as they are.

    Raises
    ------
    ImpactEvalError
        `already_there`: whatever stands at this place, a link to nowhere included, is kept.
    """
    if path.is_symlink() or path.exists():
        raise ImpactEvalError(Finding.error("already_there", Place(file=path.name)))
    partial = _partial(path)
    try:
        _write(partial, content)
        try:
            os.link(partial, path)  # refuses, in one step, where somebody came first
        except FileExistsError:
            raise ImpactEvalError(Finding.error("already_there", Place(file=path.name))) from None
        except OSError:  # a disk without links
            partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def is_partial(name: str) -> bool:
    """Return whether a name is that of a file cut in the middle of its writing."""
    return _CUT.fullmatch(name) is not None


def sweep_partials(path: Path) -> None:
    """Delete what writings of a file that were cut, by a killed process, left beside it.

    Parameters
    ----------
    path : Path
        The file; nobody else writes it at this time.
    """
    with suppress(OSError):  # what cannot be deleted hinders nothing
        for entry in os.scandir(path.parent):
            named = _CUT.fullmatch(entry.name)
            ours = named is not None and named[1] == path.name[:_KEPT]
            if ours and entry.is_file(follow_symlinks=False):
                Path(entry.path).unlink()


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name[:_KEPT]}.{os.getpid()}.partial")


def _write(path: Path, content: str | bytes, *, mode: int = 0o666) -> None:
    raw = content.encode("utf-8") if isinstance(content, str) else content
    path.unlink(missing_ok=True)
    # a link that somebody planted under this name is not followed
    descriptor = os.open(path, _NEW, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(raw)
        stream.flush()
        os.fsync(stream.fileno())
