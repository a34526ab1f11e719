"""Waves matched without names: self-made codes, one to one, never a guess."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from impact_eval.core.findings import Finding, ImpactEvalError, Place, nearest
from impact_eval.data.table import as_table

# Signs that hands and readers confuse are brought to one of them before comparing.
_CONFUSED = str.maketrans({"O": "0", "Q": "0", "I": "1", "L": "1", "|": "1"})


def normalise_code(code: Any) -> str:
    """Return a code in its one spelling: case, accents, spaces, O and 0, I, l and 1.

    Examples
    --------
    >>> normalise_code(" él01 no1") == normalise_code("EL0INO1")
    True
    """
    if code is None or (isinstance(code, float) and math.isnan(code)):
        return ""
    text = str(int(code)) if isinstance(code, float) and code.is_integer() else str(code)
    bare = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text)).upper()
    return re.sub(r"[^A-Z0-9|]", "", bare).translate(_CONFUSED)


def edit_distance(one: str, other: str, *, most: int = 2) -> int:
    """Return the Damerau-Levenshtein distance (adjacent swaps count one), or `most + 1` beyond.

    References
    ----------
    Damerau, F. J. (1964). doi:10.1145/363958.363994

    Examples
    --------
    >>> edit_distance("AB12", "BA12"), edit_distance("AB12", "AB2"), edit_distance("A", "WXYZ")
    (1, 1, 3)
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        row = [i]
        for j, b in enumerate(other, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return min(last[-1], most + 1)


class MatchKind(StrEnum):
    """How two rows were matched."""

    EXACT = "exact"
    CLOSE = "close"  # one slip
    SUPPORTED = "supported"  # two slips, and everything else agrees


@dataclass(frozen=True, slots=True)
class Match:
    """Two rows of the same person: positions (from 0) in each table, distance, how."""

    first: int
    second: int
    distance: int
    kind: MatchKind


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """A row of the second table that several rows could be: listed, never chosen."""

    second: int
    candidates: tuple[int, ...]
    distance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Linkage:
    """Two waves linked: positions and counts, no code and nothing else of anybody.

    Attributes
    ----------
    code : str
        The column of the code.
    sizes : tuple of int
        Rows of the first and second table.
    matches : tuple of Match
    ambiguous : tuple of Ambiguity
    unmatched_first, unmatched_second : tuple of int
        Positions left alone (lost, newcomers), the ambiguous ones not counted.
    rate : float
        Share of the second table matched.
    false_match_bound : float
        Number of matches to expect by chance alone, at most, from the variety of the codes.
    findings : tuple of Finding
    """

    code: str
    sizes: tuple[int, int]
    matches: tuple[Match, ...]
    ambiguous: tuple[Ambiguity, ...]
    unmatched_first: tuple[int, ...]
    unmatched_second: tuple[int, ...]
    rate: float
    false_match_bound: float
    findings: tuple[Finding, ...]

    def counts(self) -> dict[str, int]:
        """Return how many rows were matched in each way, left ambiguous or alone."""
        kinds = Counter(match.kind.value for match in self.matches)
        return {
            **{kind.value: kinds.get(kind.value, 0) for kind in MatchKind},
            "ambiguous": len(self.ambiguous),
            "lost": len(self.unmatched_first),
            "new": len(self.unmatched_second),
        }

    def pairs(self) -> pd.DataFrame:
        """Return the rows matched: positions from 0 in each table, slips, how."""
        rows = [(m.first, m.second, m.distance, m.kind.value) for m in self.matches]
        return pd.DataFrame(rows, columns=["first", "second", "distance", "kind"])

    def doubtful(self) -> pd.DataFrame:
        """Return the rows that several could be: one line per candidate, for a person to settle."""
        rows = [(a.second, row, a.distance) for a in self.ambiguous for row in a.candidates]
        return pd.DataFrame(rows, columns=["second", "candidate", "distance"])

    def stack(
        self,
        first: pd.DataFrame,
        second: pd.DataFrame,
        *,
        person: str = "person",
        wave: str = "wave",
        waves: tuple[str, str] = ("1", "2"),
    ) -> pd.DataFrame:
        """Return both tables as one, a number for each person in place of the code.

        A row in doubt is a person of its own: it is compared with nobody.

        Parameters
        ----------
        first, second : DataFrame
            The tables that were linked.
        person, wave : str
            Names of the columns added.
        waves : tuple of str
            What the two waves are called.

        Returns
        -------
        DataFrame
            One row per person and wave, ready for a `Sample`; the column of the code is left out.

        Raises
        ------
        ImpactEvalError
            `not_the_tables_linked`, `duplicated_column` when a name added is taken.
        """
        self._check_tables(first, second, (person, wave))
        number = {m.second: m.first for m in self.matches}
        others = iter(range(len(first), len(first) + len(second)))
        rows = [number[j] if j in number else next(others) for j in range(len(second))]
        width = len(str(len(first) + len(second)))
        parts = []
        for frame, codes, name in ((first, range(len(first)), waves[0]), (second, rows, waves[1])):
            part = frame.drop(columns=self.code)
            part.insert(0, wave, name)
            part.insert(0, person, [f"{code + 1:0{width}d}" for code in codes])
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def _check_tables(
        self, first: pd.DataFrame, second: pd.DataFrame, added: tuple[str, str]
    ) -> None:
        faults = []
        if (len(first), len(second)) != self.sizes:
            faults.append(Finding.error("not_the_tables_linked", first=len(first),
                                        second=len(second), sizes=self.sizes))  # fmt: skip
        taken = [n for n in added if n in first.columns or n in second.columns]
        faults += [Finding.error("duplicated_column", Place(column=n), column=n) for n in taken]
        if faults:
            raise ImpactEvalError(faults)


def link(
    first: pd.DataFrame,
    second: pd.DataFrame,
    *,
    code: str,
    support: Sequence[str] = (),
) -> Linkage:
    """Match two waves by a code that people make themselves.

    Exact spelling first; then one slip (a letter omitted, added, changed, two swapped); then two
    slips when every supporting column agrees. One row matches at most one row; a tie is listed and
    left open.

    Parameters
    ----------
    first, second : DataFrame
        One row per person.
    code : str
        Column of the code, in both tables.
    support : sequence of str
        Columns that do not change (sex, year of birth): a disagreement forbids a match that is not
        exact.

    Returns
    -------
    Linkage

    Raises
    ------
    ImpactEvalError
        `not_a_table`, `missing_column`, `duplicated_column`.

    References
    ----------
    Yurek, L. A., Vasey, J. and Havens, D. S. (2008). doi:10.1177/0193841X08316676

    Examples
    --------
    >>> import pandas as pd
    >>> t0 = pd.DataFrame({"code": ["EL01NI", "OU24GR"]})
    >>> t1 = pd.DataFrame({"code": ["ou24gr", "E01NI", "ZZ99ZZ"]})
    >>> linked = link(t0, t1, code="code")
    >>> linked.counts()["close"]
    1
    >>> linked.stack(t0, t1)["person"].tolist()
    ['1', '2', '2', '1', '3']
    """
    first, second = as_table(first), as_table(second)
    if isinstance(support, str):
        support = (support,)
    _check(first, second, (code, *support))
    codes = [normalise_code(c) for c in first[code]], [normalise_code(c) for c in second[code]]
    known = _support(first, support), _support(second, support)
    matches, ambiguous = _exact(codes, known)
    _close(codes, known, matches, ambiguous, bool(support))
    taken_first = {m.first for m in matches}
    taken_second = {m.second for m in matches} | {a.second for a in ambiguous}
    held = taken_first | {row for a in ambiguous for row in a.candidates}
    bound = _chance(codes, known)
    blank = sum(not c for c in codes[1])
    findings = []
    if blank:
        findings.append(Finding.warning("blank_codes", Place(column=code), n=blank))
    if ambiguous:
        findings.append(Finding.warning("ambiguous_codes", Place(column=code), n=len(ambiguous)))
    n = len(second)
    rate = len(matches) / n if n else 0.0
    findings.append(Finding.info("waves_linked", Place(column=code), n=len(matches), of=n,
                                 rate=rate, by_chance=bound))  # fmt: skip
    return Linkage(
        code=code,
        sizes=(len(first), n),
        matches=tuple(sorted(matches, key=lambda m: m.second)),
        ambiguous=tuple(ambiguous),
        unmatched_first=tuple(i for i in range(len(first)) if i not in held),
        unmatched_second=tuple(i for i in range(n) if i not in taken_second),
        rate=rate,
        false_match_bound=bound,
        findings=tuple(findings),
    )


def _check(first: pd.DataFrame, second: pd.DataFrame, columns: Sequence[str]) -> None:
    faults = []
    for wave, frame in (("first", first), ("second", second)):
        names = [str(name) for name in frame.columns]
        faults += [
            Finding.error("missing_column", Place(column=column), role=wave, column=column,
                          nearest=nearest(column, names), known=names[:30])
            for column in columns
            if column not in names
        ]  # fmt: skip
        twice = [column for column in columns if names.count(str(column)) > 1]
        faults += [Finding.error("duplicated_column", Place(column=c), column=c) for c in twice]
    if faults:
        raise ImpactEvalError(faults)


def _support(frame: pd.DataFrame, columns: Sequence[str]) -> list[tuple[str, ...]]:
    return [
        tuple(normalise_code(cell) for cell in row)
        for row in frame[list(columns)].itertuples(index=False, name=None)
    ]  # fmt: skip


Codes = tuple[list[str], list[str]]
Known = tuple[list[tuple[str, ...]], list[tuple[str, ...]]]


def _agree(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether nothing known of two rows disagrees; a blank disagrees with nothing."""
    return all(not a or not b or a == b for a, b in zip(one, other, strict=True))


def _exact(codes: Codes, known: Known) -> tuple[list[Match], list[Ambiguity]]:
    """Match rows of one same code; a code shared by several rows is settled by support or left."""
    rows: tuple[dict[str, list[int]], dict[str, list[int]]] = (defaultdict(list), defaultdict(list))
    for side in (0, 1):
        for i, code in enumerate(codes[side]):
            if code:
                rows[side][code].append(i)
    matches: list[Match] = []
    ambiguous: list[Ambiguity] = []
    for code, seconds in rows[1].items():
        firsts = rows[0].get(code, [])
        if not firsts:
            continue
        single = len(firsts) == 1 and len(seconds) == 1
        for j in seconds:
            fits = [i for i in firsts if single or _agree(known[0][i], known[1][j])]
            rivals = [
                k for k in seconds if k != j and any(_agree(known[0][i], known[1][k]) for i in fits)
            ]
            if len(fits) == 1 and (single or not rivals):
                matches.append(Match(fits[0], j, 0, MatchKind.EXACT))
            elif fits:
                ambiguous.append(Ambiguity(j, tuple(fits), 0))
    return matches, ambiguous


def _close(
    codes: Codes, known: Known, matches: list[Match], ambiguous: list[Ambiguity], supported: bool
) -> None:
    """Match what is left by distance, one to one, closest first; ties stay open."""
    used_first = {m.first for m in matches} | {i for a in ambiguous for i in a.candidates}
    used_second = {m.second for m in matches} | {a.second for a in ambiguous}
    left = [i for i, c in enumerate(codes[0]) if c and i not in used_first]
    right = [j for j, c in enumerate(codes[1]) if c and j not in used_second]
    pairs = _near_pairs(codes, known, left, right, 2 if supported else 1)
    for distance in (1, 2):
        kind = MatchKind.CLOSE if distance == 1 else MatchKind.SUPPORTED
        for group in _components([p for p in pairs if pairs[p] == distance]):
            free = [(i, j) for i, j in group if i not in used_first and j not in used_second]
            if not free:
                continue
            chosen = _only_assignment(free)
            if chosen is None:
                for j in sorted({j for _, j in free}):
                    candidates = tuple(sorted(i for i, k in free if k == j))
                    ambiguous.append(Ambiguity(j, candidates, distance))
            else:
                matches.extend(Match(i, j, distance, kind) for i, j in chosen)
            used_first |= {i for i, _ in free}
            used_second |= {j for _, j in free}


def _near_pairs(
    codes: Codes, known: Known, left: list[int], right: list[int], most: int
) -> dict[tuple[int, int], int]:
    """Return the pairs within reach that nothing known forbids."""
    out: dict[tuple[int, int], int] = {}
    for j in right:
        for i in left:
            if abs(len(codes[0][i]) - len(codes[1][j])) > most or not _agree(
                known[0][i], known[1][j]
            ):
                continue
            distance = edit_distance(codes[0][i], codes[1][j], most=most)
            # Two slips in a short code make another code: ask for something else that agrees.
            full = all(known[0][i]) and all(known[1][j])
            if distance == 1 or (distance == 2 and full and most == 2):
                out[(i, j)] = distance
    return out


def _components(pairs: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Group pairs that share a row."""
    groups: list[list[tuple[int, int]]] = []
    for pair in pairs:
        touching = [g for g in groups if any(p[0] == pair[0] or p[1] == pair[1] for p in g)]
        joined = [pair]
        for group in touching:
            joined += group
            groups.remove(group)
        groups.append(joined)
    return groups


def _only_assignment(pairs: list[tuple[int, int]]) -> list[tuple[int, int]] | None:
    """Return the one largest one-to-one assignment, or None when another is as large."""
    from scipy.optimize import linear_sum_assignment

    lefts, rights = sorted({i for i, _ in pairs}), sorted({j for _, j in pairs})
    if len(pairs) == 1:
        return pairs
    if len(lefts) != len(rights):
        return None  # someone is left out, and nothing says who
    cost = np.ones((len(lefts), len(rights)))
    for i, j in pairs:
        cost[lefts.index(i), rights.index(j)] = 0
    rows, columns = linear_sum_assignment(cost)
    best = float(cost[rows, columns].sum())
    if best > 0:
        return None
    chosen = [(lefts[r], rights[c]) for r, c in zip(rows, columns, strict=True)]
    for i, j in chosen:  # forbid each chosen pair in turn: another full assignment is a tie
        other = cost.copy()
        other[lefts.index(i), rights.index(j)] = 1
        again = linear_sum_assignment(other)
        if float(other[again].sum()) <= 0:
            return None
    return chosen


def _chance(codes: Codes, known: Known) -> float:
    """Bound the matches by chance: rows compared times the chance that two codes agree."""
    pairs = [pair for side in (0, 1) for pair in zip(codes[side], known[side], strict=True)]
    full = [(code, *extra) for code, extra in pairs if code]
    if len(full) < 2:
        return 0.0
    # Places of a code are drawn apart; the observed variety of each place gives the chance.
    width = max(len(row[0]) for row in full)
    chance = 1.0
    for place in range(width):
        signs = Counter(row[0][place : place + 1] for row in full)
        chance *= sum((n / len(full)) ** 2 for n in signs.values())
    slips = 1 + 2 * width  # how many spellings one slip away share a place pattern, at least
    return float(len(codes[0]) * len(codes[1]) * chance * slips)
