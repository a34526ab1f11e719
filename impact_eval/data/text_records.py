"""Records of a text table whose cells may be in quotes: none is swallowed by a stray one.

A quote that opens a cell and closes forty lines below makes one cell of forty people, and the
table still looks regular. A cell of several lines is held against the lines it covers: when they
look like the rows of this very table, the quote is a fault, and its line is told.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from impact_eval.core.findings import Finding, Place
from impact_eval.data.column_shape import ColumnShape, shapes_of
from impact_eval.data.labels import EXAMPLES

_QUOTE = '"'
_RUN = re.compile(r'"+')
_REFERENCE = 400  # plain lines that show what the columns hold


@dataclass(slots=True)
class Records:
    """The records of a text table.

    Attributes
    ----------
    rows : list of list of str
    lines : int
        Lines of the file.
    continued : int
        Lines that only carry on a cell of the line above.
    findings : list of Finding
    """

    rows: list[list[str]] = field(default_factory=list)
    lines: int = 0
    continued: int = 0
    findings: list[Finding] = field(default_factory=list)


def read_records(text: str, separator: str, file: str) -> Records:
    """Cut a text into records; a quote that cannot be right is a finding with its line.

    Parameters
    ----------
    text : str
    separator : str
        One character.
    file : str
        Name told in the findings.

    Returns
    -------
    Records
        With an error `stray_quote` per quote that swallows lines, and what was read in spite of
        quotes out of place (`quotes_out_of_place`).
    """
    csv.field_size_limit(2**31 - 1)
    lines = list(io.StringIO(text, newline=""))
    if _QUOTE not in text:
        return Records(list(csv.reader(lines, delimiter=separator)), len(lines))
    return _Cutter(lines, separator, file).cut()


def cut_line(line: str, separator: str) -> tuple[list[str], bool]:
    r"""Cut one line on its own, its quotes taken as they look; say whether each is closed.

    A cell in quotes ends at a quote before a separator: quotes inside need not be doubled.

    Examples
    --------
    >>> cut_line('a,"les "Amis", oui",3\n', ",")
    (['a', 'les "Amis', ' oui"', '3'], True)
    >>> cut_line('"a;b";c', ";"), cut_line('"a;b', ";")
    ((['a;b', 'c'], True), (['"a', 'b'], False))
    """
    line = line.rstrip("\r\n")
    cells: list[str] = []
    start, closed = 0, True
    while True:
        end = _closing(line, start, separator) if line.startswith(_QUOTE, start) else None
        if end is not None:
            cells.append(line[start + 1 : end].replace('""', _QUOTE))
            following = end + 1
        else:
            closed = closed and not line.startswith(_QUOTE, start)
            found = line.find(separator, start)
            following = len(line) if found < 0 else found
            cells.append(line[start:following])
        if following >= len(line):
            return cells, closed
        start = following + 1


def _closing(line: str, start: int, separator: str) -> int | None:
    """Return where the cell in quotes that begins here ends, or None when it does not."""
    for run in _RUN.finditer(line, start + 1):
        ends = run.end() == len(line) or line[run.end()] == separator
        if ends and len(run[0]) % 2:  # an even run is quotes written twice
            return run.end() - 1
    return None


class _Cutter:
    """The cutting of one text: records as the rule of quotes has them, then held to the lines."""

    def __init__(self, lines: list[str], separator: str, file: str) -> None:
        self.lines = lines
        self.separator = separator
        self.file = file
        self.stray: list[tuple[int, int]] = []  # line of the quote, lines it swallows
        self.mended: list[int] = []
        self.odd: list[int] = []
        self.several: list[int] = []

    def cut(self) -> Records:
        out = Records(lines=len(self.lines))
        wide = False  # nothing but titles so far
        for first, n, cells in self._records():
            wide = wide or len(cells) >= self.width
            if n > 1:
                if self._swallows(first, n) or (wide and len(cells) < self.width):
                    self.stray.append((first, n))
                else:
                    self.several.append(first)
                out.continued += n - 1
            elif self.lines[first].count(_QUOTE) % 2:
                self.odd.append(first)
                cells = self._without_ends(cells)
            out.rows.append(cells)
        out.findings += self._findings()
        return out

    def _records(self) -> Iterator[tuple[int, int, list[str]]]:
        """Return each record with its first line (from 0) and how many lines it takes."""
        start = 0
        while start < len(self.lines):
            reader = csv.reader(
                (self.lines[i] for i in range(start, len(self.lines))),
                delimiter=self.separator, strict=True,
            )  # fmt: skip
            first = start
            try:
                for cells in reader:
                    yield first, start + reader.line_num - first, cells
                    first = start + reader.line_num
                return
            except csv.Error:
                cells, closed = cut_line(self.lines[first], self.separator)
                if closed and len(cells) == self.width:
                    self.mended.append(first)
                else:
                    self.stray.append((first, 1))
                yield first, 1, cells
                start = first + 1

    @cached_property
    def width(self) -> int:
        """Cells of most lines: of those without any quote, when there are enough."""
        plain = [line.count(self.separator) + 1 for line in self.lines
                 if _QUOTE not in line and line.strip()]  # fmt: skip
        if len(plain) * 4 < len(self.lines):
            head = self.lines[: 5 * _REFERENCE]
            plain = [len(cells) for cells, closed in map(self._alone, head) if closed]
        return Counter(plain).most_common(1)[0][0] if plain else 1

    @cached_property
    def all_in_quotes(self) -> bool:
        """Whether every line has quotes: one without them is no record of its own."""
        return not any(line.strip() and _QUOTE not in line for line in self.lines[:_REFERENCE])

    def _alone(self, line: str) -> tuple[list[str], bool]:
        return cut_line(line, self.separator)

    @cached_property
    def columns(self) -> list[ColumnShape]:
        """What the columns hold, in lines that stand on their own, where it says something."""
        head = [line for line in self.lines[1 : 10 * _REFERENCE] if line.count(_QUOTE) % 2 == 0]
        seen = [cells for cells, closed in map(self._alone, head) if closed]
        rows = [cells for cells in seen if len(cells) == self.width][:_REFERENCE]
        return shapes_of(rows)

    def _swallows(self, first: int, n: int) -> bool:
        """Whether the lines that a cell covers look like the rows of the table."""
        covered = [self._alone(line)[0] for line in self.lines[first : first + n]]
        if self.width < 2:
            return False
        lines = self.lines[first : first + n]
        wide = [
            len(cells) == self.width and (not self.all_in_quotes or line.startswith(_QUOTE))
            for cells, line in zip(covered, lines, strict=True)
        ]
        if not self.columns:
            return n > 2 and all(wide)
        like = [
            ok and all(column.fits(cells[column.place].strip(_QUOTE)) for column in self.columns)
            for ok, cells in zip(wide, covered, strict=True)
        ]
        return any(like[1:-1]) or all(like)

    def _without_ends(self, cells: list[str]) -> list[str]:
        """Take a lone quote off the ends of a cell that its column then shows to be right."""
        if len(cells) != self.width:
            return cells
        told = list(cells)
        for column in self.columns:
            cell = cells[column.place]
            bare = cell.strip(_QUOTE)
            if bare != cell and column.fits(bare):
                told[column.place] = bare
        return told

    def _findings(self) -> list[Finding]:
        found = [
            Finding.error("stray_quote", Place(file=self.file, row=line + 1), row=line + 1, n=n)
            for line, n in sorted(self.stray)[:EXAMPLES]
        ]
        out_of_place = sorted({*self.mended, *self.odd})
        if out_of_place:
            rows = [line + 1 for line in out_of_place]
            found.append(
                Finding.warning("quotes_out_of_place", Place(file=self.file, row=rows[0]),
                                n=len(rows), rows=rows[:EXAMPLES])
            )  # fmt: skip
        if self.several:
            found.append(
                Finding.info("cells_of_several_lines", Place(file=self.file), n=len(self.several))
            )
        return found
