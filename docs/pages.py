"""Markdown by code: escape, tables, sections; and writing a page only when its text changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|$#~])")


def plain(text: object) -> str:
    """Return words that Markdown leaves as they are."""
    return _SPECIAL.sub(r"\\\1", str(text)).replace("\n", " ")


def code(text: object) -> str:
    """Return a name in fixed width."""
    return f"`{text}`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, and an empty line after it."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return [*lines, ""]


def defined(term: str, *meanings: str) -> list[str]:
    """Return a term and its meanings as a definition list."""
    return [term, *(f": {meaning}\n" for meaning in meanings)]


def doi(reference: str) -> str:
    """Return a link to a DOI; another reference stays itself."""
    found = re.search(r"10\.\d{4,9}/\S+", reference)
    return f"[doi:{plain(found[0])}](https://doi.org/{found[0]})" if found else plain(reference)


def write(path: str | Path, lines: Iterable[str]) -> Path:
    """Write a page, under `docs/`; an unchanged one keeps its date, so Sphinx reads it once."""
    target = HERE / path
    text = "\n".join(lines).rstrip() + "\n"
    if not target.exists() or target.read_text("utf-8") != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    return target


def index(title: str, intro: str, names: Iterable[str]) -> list[str]:
    """Return a page that lists others."""
    return [f"# {title}", "", intro, "", "```{toctree}", ":maxdepth: 1", "", *names, "```"]
