"""A library that panics is heard in our words alone; anything else is let through."""

from __future__ import annotations

import os

import pytest
import typer

from impact_eval.cli_frames import refused_in_words
from impact_eval.core.native_words import is_panic, panics_unspoken


class PanicException(BaseException):  # as libraries written in Rust name theirs
    """A panic."""


def speaks(words: bytes, error: type[BaseException] | None = None) -> None:
    os.write(2, words)
    if error is not None:
        raise error


def test_what_a_panic_writes_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PanicException), panics_unspoken():
        speaks(b"thread panicked at secret.rs\nstack backtrace:\n", PanicException)
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_what_others_write_is_let_through(capfd: pytest.CaptureFixture[str]) -> None:
    with panics_unspoken():
        speaks(b"a warning\n")
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error) as raised, panics_unspoken():
            speaks(b"another\n", error)
        assert not is_panic(raised.value)
    assert capfd.readouterr().err == "a warning\nanother\nanother\n"


def test_a_panic_never_reaches_a_terminal_as_a_stack(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, refused_in_words():
        raise PanicException("range end index 64 out of range")
    assert ended.value.exit_code == 1
    told = capfd.readouterr().err
    assert "PanicException" in told
    assert "range end" not in told
