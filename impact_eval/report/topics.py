"""A catalogue whose tables are read when one of their codes is asked for.

A command says a few sentences: reading the whole catalogue took longer than opening a study, and a
file is forty pages. The heading of each table tells which codes it holds, so that only the tables
that may hold a code are parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")

_PLAIN = re.compile(r"[\w.-]+")  # a heading as nearly all are
_ANY = ""  # what may hold any code


class Topics(Mapping[str, T], Generic[T]):
    r"""The texts of some files, each table parsed at the first look-up that it may answer.

    Parameters
    ----------
    files : mapping of str to str
        Name of each file and what it holds, as TOML.
    parse : callable
        From what a table holds, its heading with it, to its codes and texts. No code stands twice.

    Examples
    --------
    >>> read = []
    >>> def parse(text):
    ...     read.append(text)
    ...     return {"a.b": 1} if "[a]" in text else {"c.d": 2}
    >>> topics = Topics({"one": "[a]\nb = 1\n[c]\nd = 2"}, parse)
    >>> topics["a.b"], len(read), "a.x" in topics, sorted(topics), len(read)
    (1, 1, False, ['a.b', 'c.d'], 2)
    """

    def __init__(self, files: Mapping[str, str], parse: Callable[[str], Mapping[str, T]]) -> None:
        self._parse = parse
        self._waiting: dict[str, list[str]] = {}  # by heading
        for text in files.values():
            for heading, table in _tables(text):
                self._waiting.setdefault(heading, []).append(table)
        self._texts: dict[str, T] = {}

    def __getitem__(self, key: str) -> T:
        if key not in self._texts:
            self._read(key)
        return self._texts[key]

    def __iter__(self) -> Iterator[str]:
        self._take(list(self._waiting))
        return iter(self._texts)

    def __len__(self) -> int:
        self._take(list(self._waiting))
        return len(self._texts)

    def _read(self, key: str) -> None:
        parts = key.split(".")
        self._take([_ANY, *(".".join(parts[:n]) for n in range(1, len(parts) + 1))])

    def _take(self, headings: Iterable[str]) -> None:
        for heading in headings:
            for table in self._waiting.pop(heading, ()):
                self._texts.update(self._parse(table))


def _tables(text: str) -> Iterator[tuple[str, str]]:
    """Yield the tables of a file with their headings; a file that is not so simple stays whole."""
    before, *parts = text.split("\n[") if not text.startswith("[") else f"\n{text}".split("\n[")
    cut = [part.partition("]\n") for part in parts]
    simple = '"""' not in text and "'''" not in text
    if not (simple and all(_PLAIN.fullmatch(heading) for heading, _, _ in cut)):
        yield _ANY, text
        return
    if before.strip():
        yield _ANY, before
    for heading, _, rows in cut:
        yield heading, f"[{heading}]\n{rows}\n"
