"""What an attack on a folder found: kinds, files and counts, never what was found itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from impact_eval.core.findings import Finding, Place


class LeakKind(StrEnum):
    """What leaks."""

    PERSON = "person"  # a token of a column that names people
    UNIT = "unit"  # the label of a person
    HEADING = "heading"  # of a column that the study does not use
    SHEET = "sheet"
    CELL = "cell"
    EXTREME = "extreme"
    NUMBER_OF_A_PERSON = "number_of_a_person"  # a social security number, by its form
    EMAIL = "email"
    PHONE = "phone"
    IBAN = "iban"
    PATH = "path"  # of a machine
    TRACEBACK = "traceback"
    KERNEL = "kernel"
    CLOSED = "closed"  # a file that could not be unpacked
    SMALL_COUNT = "small_count"
    CLOSE_COUNTS = "close_counts"  # two counts of the same people, a few apart
    BOUNDED_COUNT = "bounded_count"  # a withheld count that the others give back
    SMALL_SHARE = "small_share"  # a share that tells a small count
    WITHHELD_VALUE = "withheld_value"  # that stands elsewhere
    EARLIER_EDITION = "earlier_edition"  # a count that an earlier edition told, a few apart


@dataclass(frozen=True, slots=True)
class Leak:
    """One thing that leaks: what it is, where, how many times.

    Attributes
    ----------
    kind : LeakKind
    file : str
        From the folder.
    n : int
        Different tokens, or places.
    where : tuple of str
        Parts of the file, or keys of the results.
    masked : tuple of str
        The first letters of what was found: for a terminal alone, in no file.
    """

    kind: LeakKind
    file: str
    n: int = 1
    where: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()

    def to_finding(self) -> Finding:
        """Return the leak as a finding, for words."""
        place = Place(file=self.file)
        where = ", ".join(self.where[:3])
        return Finding.error(f"leak_{self.kind.value}", place, n=self.n, where=where)

    def to_dict(self) -> dict[str, object]:
        """Return the leak as JSON: nothing of what was found."""
        return {"kind": self.kind.value, "file": self.file, "n": self.n, "where": list(self.where)}


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What an attack found.

    Attributes
    ----------
    leaks : tuple of Leak
    files : tuple of str
        Files unpacked.
    tokens : int
        Texts of the study's tables that were searched.
    with_data : bool
        Whether the study's data were there: without them names are searched by their form alone.
    computed : bool
        Whether true values were computed, to be held against what is published.
    """

    leaks: tuple[Leak, ...]
    files: tuple[str, ...]
    tokens: int
    with_data: bool
    computed: bool

    @property
    def clean(self) -> bool:
        """Whether nothing leaks."""
        return not self.leaks

    def to_dict(self) -> dict[str, object]:
        """Return the report as JSON."""
        return {
            "clean": self.clean,
            "files": list(self.files),
            "tokens": self.tokens,
            "with_data": self.with_data,
            "computed": self.computed,
            "leaks": [leak.to_dict() for leak in self.leaks],
        }


def gathered(leaks: Iterable[Leak]) -> tuple[Leak, ...]:
    """Return the leaks joined by kind and file, in the order of files."""
    table: dict[tuple[str, LeakKind], Leak] = {}
    for leak in leaks:
        key = (leak.file, leak.kind)
        other = table.get(key)
        table[key] = leak if other is None else _joined(other, leak)
    order = list(LeakKind)
    return tuple(table[key] for key in sorted(table, key=lambda k: (order.index(k[1]), k[0])))


def _joined(one: Leak, other: Leak) -> Leak:
    masked = tuple(dict.fromkeys((*one.masked, *other.masked)))
    where = tuple(dict.fromkeys((*one.where, *other.where)))
    return Leak(one.kind, one.file, one.n + other.n, where, masked)
