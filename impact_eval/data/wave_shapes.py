"""Waves told by the names of columns: « Emploi entrée » and « Emploi sortie », T0 and T1, years."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from impact_eval.data.period_order import FIRST_WORDS, LAST_WORDS, plain_word

_WORD = re.compile(r"[^\W_]+")
_NUMBERED = re.compile(r"(t|m|vague|wave|phase|temps)(\d{1,2})")
_YEAR = re.compile(r"(19|20)\d\d")
_LINKS = frozenset({"a", "l", "la", "le", "les", "de", "du", "des", "d", "en", "au", "at", "the"})
# What is asked about the entry and the exit themselves measures no change between them.
_OF_EVENTS = frozenset({"date", "dates", "jour", "motif", "motifs", "type", "heure", "reason"})


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Waves side by side: their names, in order, and the columns of each measure.

    Attributes
    ----------
    names : tuple of str
        As the columns write them.
    columns : tuple of (str, tuple of str)
        A short name for the measure, and its column at each wave.
    """

    names: tuple[str, ...]
    columns: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Marked:
    """A column whose name holds one mark of a wave: its measure, its wave, how both are written."""

    column: str
    measure: str
    kind: str
    rank: int
    mark: str


def waves_side_by_side(names: Sequence[str]) -> SideBySide | None:
    """Return the waves that the names of columns tell, or None.

    A measure is two columns or more whose names differ by the mark of a wave alone: words of a
    first and a last measure (entrée, sortie, avant, après…), T0 and T1, M0 and M6, vague 1, years.

    Parameters
    ----------
    names : sequence of str
        Of columns, in the order of the table.

    Examples
    --------
    >>> found = waves_side_by_side(["Dossier", "Emploi entrée", "Emploi à la sortie"])
    >>> found.names, found.columns
    (('entrée', 'sortie'), (('emploi', ('Emploi entrée', 'Emploi à la sortie')),))
    >>> waves_side_by_side(["id", "q1", "q2", "Date d'entrée", "Date de sortie"]) is None
    True
    """
    marked = [found for name in names for found in _marks(name)]
    best: SideBySide | None = None
    for kind in dict.fromkeys(found.kind for found in marked):
        shape = _shape([found for found in marked if found.kind == kind])
        if shape is not None and (best is None or len(shape.columns) > len(best.columns)):
            best = shape
    return best


def _marks(name: str) -> Iterator[_Marked]:
    """Yield what a name says of a wave, when it says it once."""
    words = [(m[0], plain_word(m[0])) for m in _WORD.finditer(name)]
    words = list(_joined(words))
    found = [(i, mark) for i, (_, plain) in enumerate(words) if (mark := _mark(plain))]
    if len(found) != 1:
        return
    (at, (kind, rank)) = found[0]
    rest = [plain for i, (_, plain) in enumerate(words) if i != at and plain not in _LINKS]
    if not rest or rest[0] not in _OF_EVENTS:
        yield _Marked(name, "_".join(rest) or "mesure", kind, rank, words[at][0])


def _joined(words: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield words, « vague 1 » as one."""
    skip = False
    for (raw, plain), following in zip(words, [*words[1:], None], strict=True):
        if skip:
            skip = False
        elif following and plain in ("vague", "wave", "phase", "temps") and following[1].isdigit():
            skip = True
            yield f"{raw} {following[0]}", plain + following[1]
        else:
            yield raw, plain


def _mark(word: str) -> tuple[str, int] | None:
    """Return the kind of a mark and its rank in time, or None."""
    if word in FIRST_WORDS or word in LAST_WORDS:
        return "stage", int(word in LAST_WORDS)
    if _YEAR.fullmatch(word):
        return "year", int(word)
    numbered = _NUMBERED.fullmatch(word)
    return (numbered[1], int(numbered[2])) if numbered else None


def _shape(marked: Sequence[_Marked]) -> SideBySide | None:
    """Return the measures that are there at the same waves, those of most measures."""
    by_measure: dict[str, dict[int, _Marked]] = {}
    for found in marked:
        by_measure.setdefault(found.measure, {}).setdefault(found.rank, found)
    ranks = Counter(tuple(sorted(at)) for at in by_measure.values() if len(at) > 1)
    if not ranks:
        return None
    waves = ranks.most_common(1)[0][0]
    kept = {m: at for m, at in by_measure.items() if tuple(sorted(at)) == waves}
    first = next(iter(kept.values()))
    return SideBySide(
        tuple(first[rank].mark for rank in waves),
        tuple((m, tuple(at[rank].column for rank in waves)) for m, at in kept.items()),
    )
