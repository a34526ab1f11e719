"""Files read only when they are plain ones: a pipe or a device never answers, or never ends.

A received folder may hold anything under any name. A pipe waits for a writer that does not come; a
device like `/dev/zero` has size zero and no end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from impact_eval.core.limits import FILE_MB, MILLION, Limit

_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_plain(path: Path) -> BinaryIO:
    """Open a file to read it, when it is a plain one.

    Parameters
    ----------
    path : Path
        Links are followed.

    Raises
    ------
    OSError
        With `ENODEV` for what is no plain file.
    """
    stream = os.fdopen(os.open(path, _READ), "rb")
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(errno.ENODEV, "not a plain file", str(path))
    return stream


def read_plain(path: Path, most: Limit = FILE_MB) -> bytes:
    """Return the content of a file that is a plain one, once its size is known to be allowed.

    Parameters
    ----------
    path : Path
        Links are followed.
    most : Limit
        In megabytes.

    Raises
    ------
    OSError
        That of `open_plain`.
    ImpactEvalError
        `beyond_limit`.
    """
    with open_plain(path) as stream:
        most.refuse_beyond(os.fstat(stream.fileno()).st_size // MILLION, path.name)
        return stream.read()


def read_plain_text(path: Path, most: Limit = FILE_MB) -> str:
    """Return the text of a plain file in UTF-8, its mark of order left out.

    Raises
    ------
    OSError, ImpactEvalError
        Those of `read_plain`.
    UnicodeDecodeError
    """
    return read_plain(path, most).decode("utf-8-sig")


def is_plain(path: Path) -> bool:
    """Return whether a plain file stands there; a link is none."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
