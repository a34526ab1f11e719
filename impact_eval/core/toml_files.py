"""The one way in for TOML: text to tables, and what is badly written told with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.hidden_text import hidden_key
from impact_eval.core.limits import LEVELS, TOML_KB, Limit
from impact_eval.core.plain_files import read_plain

_LINE = re.compile(r"at line (\d+)")
# What tomllib says of a key or a table that stands twice; its other words are about writing.
_JOINED = re.compile(r"""(?:(?:"[^"\n]*"|'[^'\n]*'|[\w\-]+)[ \t]*\.[ \t]*){50,}""")
_TWICE = ("Cannot overwrite", "Cannot declare", "Cannot mutate", "Cannot redefine", "Duplicate")


@dataclass(frozen=True, slots=True)
class TomlCodes:
    """The codes by which one kind of file is refused, and how large it may be.

    Attributes
    ----------
    syntax, encoding, size : str
        What cannot be read as TOML; what is not UTF-8; what is larger than `most`.
    most : Limit
        In thousand bytes.
    """

    syntax: str = "toml_syntax"
    encoding: str = "toml_not_utf8"
    size: str = "toml_too_large"
    most: Limit = TOML_KB


PLAIN = TomlCodes()


def read_toml(
    path: Path, codes: TomlCodes = PLAIN, *, parse_float: Callable[[str], Any] = float
) -> dict[str, Any]:
    """Read the tables of a TOML file that exists.

    Parameters
    ----------
    path : Path
    codes : TomlCodes
        By which it is refused.
    parse_float : callable
        What makes a number with a decimal mark: `Decimal` for amounts.

    Raises
    ------
    ImpactEvalError
        The codes of `codes`, and `toml_key_twice`; each with its line where it is known.
    """
    place = Place(file=path.name)
    most = 1_000 * codes.most.value
    if path.stat().st_size > most:
        raise ImpactEvalError(Finding.error(codes.size, place, file=path.name, most=most))
    content = read_plain(path)
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise ImpactEvalError(
            Finding.error(codes.encoding, Place(file=path.name, row=row), file=path.name, line=row)
        ) from None
    return parse_toml(text, path.name, codes, parse_float=parse_float)


def parse_toml(
    text: str,
    file: str,
    codes: TomlCodes = PLAIN,
    *,
    parse_float: Callable[[str], Any] = float,
) -> dict[str, Any]:
    r"""Return the tables of a TOML text; `file` is the name shown in a refusal.

    Raises
    ------
    ImpactEvalError
        `codes.syntax`, `toml_key_twice`, `beyond_limit`, `hidden_in_file`.

    Examples
    --------
    >>> parse_toml("a = 1", "study.toml")
    {'a': 1}
    >>> try:
    ...     parse_toml("a = 1\nb = [", "study.toml")
    ... except ImpactEvalError as refused:
    ...     refused.codes, refused.findings[0].place.row
    (('toml_syntax',), 2)
    """
    deep = _JOINED.search(text)
    if deep is not None:  # a key of a hundred thousand parts takes gigabytes to be read
        LEVELS.refuse_beyond(deep[0].count("."), file)
    try:
        tables = tomllib.loads(text, parse_float=parse_float)
    except tomllib.TOMLDecodeError as error:
        raise ImpactEvalError(_fault(str(error), text, file, codes)) from None
    except (ValueError, RecursionError):  # a number of five thousand digits, a thousand brackets
        raise ImpactEvalError(_fault("", text, file, codes)) from None
    hidden = hidden_key(tables)
    if hidden is not None:
        raise ImpactEvalError(
            Finding.error("hidden_in_file", Place(file=file, key=hidden), file=file, key=hidden)
        )
    return tables


def _fault(message: str, text: str, file: str, codes: TomlCodes) -> Finding:
    found = _LINE.search(message)
    row = int(found[1]) if found else None
    if row is None and message:  # “at end of document”
        row = text.rstrip().count("\n") + 1
    code = "toml_key_twice" if message.startswith(_TWICE) else codes.syntax
    return Finding.error(code, Place(file=file, row=row), file=file, line=row)
