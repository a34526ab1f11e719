"""What a library outside of Python writes by itself on the error stream of the process.

A reader written in Rust that meets a damaged file raises, and prints a stack with paths of the
machine beside: no Python code can ask it not to.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

_ERRORS = 2  # the error stream of a process
_PANIC = "PanicException"


def is_panic(error: BaseException) -> bool:
    """Return whether a library written in Rust panicked: no exception of the language."""
    return type(error).__name__ == _PANIC


@contextmanager
def panics_unspoken() -> Iterator[None]:
    """Hold back what is written on the error stream; let it go, but when a library panicked.

    Examples
    --------
    >>> with panics_unspoken():
    ...     pass
    """
    try:
        usual = os.dup(_ERRORS)
    except OSError:  # no such stream: nothing would be seen
        yield
        return
    with tempfile.TemporaryFile() as held:
        _flush()
        os.dup2(held.fileno(), _ERRORS)
        panicked = False
        try:
            yield
        except BaseException as error:
            panicked = is_panic(error)
            raise
        finally:
            _flush()
            os.dup2(usual, _ERRORS)
            os.close(usual)
            if not panicked:
                _tell(held)


def _flush() -> None:
    with suppress(OSError, ValueError, AttributeError):  # closed, or none
        sys.stderr.flush()


def _tell(held: IO[bytes]) -> None:
    held.seek(0)
    told = held.read()
    if told:
        with suppress(OSError):
            os.write(_ERRORS, told)
