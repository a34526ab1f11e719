"""A catalogue whose topics are read when one of their codes is asked for.

A command says a few sentences: reading the whole catalogue took longer than opening a study. The
headings of each file tell which codes it holds, so only the files that may hold a code are parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")

# A table's heading, or a key: those inside of tables and texts are more than is needed, no less.
_HEADING = re.compile(r"^\s*(?:\[+\s*([^\]\n]+?)\s*\]|([\w.\"'-]+)\s*=)", re.MULTILINE)
_QUOTES = str.maketrans("", "", "\"' ")


class Topics(Mapping[str, T], Generic[T]):
    r"""The texts of some files, each file parsed at the first look-up that it may answer.

    Parameters
    ----------
    files : mapping of str to str
        Name of each file and what it holds, as TOML.
    parse : callable
        From what a file holds to its codes and texts. No code stands in two files.

    Examples
    --------
    >>> read = []
    >>> def parse(text):
    ...     read.append(text)
    ...     return {"a.b": 1} if "[a]" in text else {"c.d": 2}
    >>> topics = Topics({"one": "[a]\nb = 1", "two": "[c]\nd = 2"}, parse)
    >>> topics["a.b"], len(read), "a.x" in topics, sorted(topics), len(read)
    (1, 1, False, ['a.b', 'c.d'], 2)
    """

    def __init__(self, files: Mapping[str, str], parse: Callable[[str], Mapping[str, T]]) -> None:
        self._parse = parse
        self._waiting = dict(files)
        self._heads = {name: _heads(text) for name, text in files.items()}
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
        above = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
        self._take([name for name in self._waiting if above & self._heads[name]])

    def _take(self, names: Iterable[str]) -> None:
        for name in names:
            self._texts.update(self._parse(self._waiting.pop(name)))


def _heads(text: str) -> frozenset[str]:
    """Return the headings of a file, and its keys."""
    return frozenset((heading or key).translate(_QUOTES) for heading, key in _HEADING.findall(text))
