"""The lines of a file against the rows read: what each line is, and a count that adds up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from impact_eval.core.findings import Finding, Place


class FileLine(StrEnum):
    """What a line of a table's file is."""

    TITLES = "titles"
    HEADINGS = "headings"
    TECHNICAL = "technical"  # a survey tool's own rows under its heading
    CONTINUED = "continued"  # the second line, or a later one, of a cell that holds several
    BLANK = "blank"
    REPEATED = "repeated"  # the heading again, with the title of its page
    TOTALS = "totals"
    NOTES = "notes"
    STRAY = "stray"  # a cell alone outside the table
    READ = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAccount:
    """How many lines of a file are of each kind.

    Parameters
    ----------
    lines : int
        Lines of the file, or rows of the sheet, counted apart from what each is.
    kinds : mapping of FileLine to int
        What each was found to be.

    Examples
    --------
    >>> account = LineAccount(lines=5, kinds={FileLine.HEADINGS: 1, FileLine.READ: 3})
    >>> account.unexplained, account.to_dict()
    (1, {'lines': 5, 'headings': 1, 'read': 3})
    """

    lines: int
    kinds: Mapping[FileLine, int] = field(default_factory=dict)

    @property
    def unexplained(self) -> int:
        """Lines that are of no kind: none, or something was lost or counted twice."""
        return self.lines - sum(self.kinds.values())

    def to_dict(self) -> dict[str, int]:
        """Return the count of the file and those above zero, as JSON."""
        found = {kind.value: self.kinds.get(kind, 0) for kind in FileLine}
        return {"lines": self.lines, **{kind: n for kind, n in found.items() if n}}


def mismatch(account: LineAccount, rows: int, file: str) -> Finding | None:
    """Return the refusal of a table whose lines do not add up to the rows read.

    Parameters
    ----------
    account : LineAccount
    rows : int
        Rows of the table.
    file : str
    """
    read = account.kinds.get(FileLine.READ, 0)
    if not account.unexplained and read == rows:
        return None
    return Finding.error(
        "lines_not_accounted", Place(file=file), file=file, total=account.lines, read=rows,
        n=account.unexplained or read - rows,
    )  # fmt: skip
