"""The labels that a file carries beside its codes: what they say is missing, and where they travel.

A table read keeps them in `.attrs["reading"]["dictionary"]`: `labels` (the first wording of each
code) and `also` (the others: synonyms, other languages). What is labelled as no answer is missing
when the table is read; a code that only looks like one is asked about, never dropped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.data.answer_words import agreement, with_number
from impact_eval.data.labels import (
    LabelMap,
    MissingKind,
    as_text,
    bare_spelling,
    missing_kind,
)

Wordings: TypeAlias = Mapping[str, tuple[str, ...]]  # of each code, as text

# Codes that survey tools and institutes give to those who did not answer.
MISSING_CODES = frozenset(
    {8, 9, 66, 77, 88, 96, 97, 98, 99, 666, 777, 888, 996, 997, 998, 999, 9998, 9999}
    | {-1, -2, -3, -6, -7, -8, -9, -66, -77, -88, -96, -97, -98, -99}
    | {-777, -888, -997, -998, -999, -9998, -9999}
)
_SUSPECTED = MISSING_CODES - {8, 9} | {99998, 99999, 999999, -99999}
_SUSPECTED_VALUES = np.array(sorted(_SUSPECTED), dtype=np.float64)
_SLICE = 65_536  # cells looked at together
_TIMES = 3  # a code among measures is beyond so many times the largest of them
_FAR = 66  # a code of two equal digits or more, against answers up to `_SMALL`
_SMALL = 20
_BELOW = -6  # a negative code that no count can be
TOOL_CODE = re.compile(r"AO?0*\d+")  # what LimeSurvey calls an answer
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_ENOUGH = 3  # distinct answers beside which -1 stands out

# What only says that there is no answer, whatever its code.
_SURE = re.compile(
    r"(ne )?sai[ts] pas|nsp|n sp|nspp|n/?a|nsp/nr|sans avis|ne se prononce pas|sans reponse"
    r"|(pas|absence|aucune|non) (de )?reponse|non repons[es]?|valeurs? manquantes?"
    r"|(refus|refuse)( de)? (repondre|reponse)|ne (souhaite|veut|desire)( pas)? (pas )?repondre"
    r"|donnees? manquantes?|system missing|missing( value| data)?|don t know|do not know|dk"
    r"|(no|non) (answer|response)|prefer not to (say|answer)|refused to answer|not applicable"
    r"|not asked|non pose[es]?|question non posee"
)
_KINDS: tuple[tuple[str, MissingKind], ...] = (
    (r"sai[ts] pas|nsp|know|dk|avis|prononce", MissingKind.DOES_NOT_KNOW),
    (r"refus|souhaite|veut|desire|prefer", MissingKind.REFUSED),
    (r"n/?a|applicable|objet|concern|pose|asked", MissingKind.NOT_SHOWN),
)


def missing_label(code: str, label: str) -> MissingKind | None:
    """Return why a labelled code counts as missing, or None when its label is an answer.

    « Refusé » or « Sans objet » may be an answer: they count as missing only on a code that is
    usually given to no answer (9, 99, -1…).

    Examples
    --------
    >>> missing_label("9", "NSP / refus").value, missing_label("-1", "N/A").value
    ('does_not_know', 'not_shown')
    >>> missing_label("2", "Refusé") is None, missing_label("99", "Refusé").value
    (True, 'refused')
    """
    numbered = with_number(label)
    words = numbered[1] if numbered is not None else label
    whole = bare_spelling(words).removeprefix("je ")
    cut = (bare_spelling(part) for part in re.split(r"[/,;()\[\]]|\s(?:ou|or)\s", words))
    parts = [part.removeprefix("je ") for part in cut if part]
    if _SURE.fullmatch(whole) or (parts and all(map(_SURE.fullmatch, parts))):
        return _kind(whole)
    usual = _is_usual(code)
    if usual and parts and all(_SURE.fullmatch(p) or missing_kind(p) is not None for p in parts):
        return _kind(whole)
    return missing_kind(words) if usual and one_word(words) else None


def one_word(text: str) -> bool:
    """Whether a text says something: a dash or a point does not label a code."""
    return bool(bare_spelling(text))


def _is_usual(code: str) -> bool:
    return re.fullmatch(r"-?\d+", code) is not None and int(code) in MISSING_CODES


def _kind(words: str) -> MissingKind:
    for pattern, kind in _KINDS:
        if re.search(pattern, words):
            return kind
    return MissingKind.NOT_RECORDED


@dataclass(frozen=True, slots=True)
class WithoutMissing:
    """A column whose codes of no answer are missing.

    Attributes
    ----------
    values : Series
    missing : mapping of MissingKind to int
        Cells made missing here, by reason.
    codes : tuple of str
        The codes that they held.
    """

    values: pd.Series[Any]
    missing: Mapping[MissingKind, int] = field(default_factory=lambda: MappingProxyType({}))
    codes: tuple[str, ...] = ()


def without_missing(
    column: pd.Series[Any],
    labels: Mapping[Any, str | tuple[str, ...]],
    words: Mapping[str, MissingKind],
) -> WithoutMissing:
    """Make missing the codes of a numeric column that its labels, or a codebook, say are no answer.

    Parameters
    ----------
    column : Series
    labels : mapping of code to label or labels
    words : mapping
        Words that mean no answer; those that are numbers are codes.
    """
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return WithoutMissing(column)
    kinds = dict(words)
    for code, said in labels.items():
        names = (said,) if isinstance(said, str) else said
        found = [missing_label(as_text(code), name) for name in names]
        if found and found[0] is not None and None not in found:
            kinds[as_text(code)] = found[0]
    missing: dict[MissingKind, int] = {}
    codes = []
    values = column
    numbers = {code: kind for code, kind in kinds.items() if _NUMBER.fullmatch(code)}
    for code, kind in numbers.items():
        mask = column == float(code)
        n = int(mask.fillna(value=False).sum())
        if n:
            missing[kind] = missing.get(kind, 0) + n
            codes.append(code)
            values = values.mask(mask)
    return WithoutMissing(values, MappingProxyType(missing), tuple(codes))


def suspected_codes(column: pd.Series[Any]) -> tuple[tuple[int, ...], int]:
    """Return the codes of a column that look like no answer, and how many cells hold them.

    They stand far from the others: 99 among 0 to 10, -9 among small numbers that are never
    negative; among measures, 9999 beyond three times the largest, -99 among what is never negative.
    """
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return (), 0
    lowest, highest = np.inf, -np.inf
    for values in _by_slices(column):
        lowest, highest = min(lowest, values.min()), max(highest, values.max())
    if lowest > highest or (lowest >= 0 and highest < _FAR):
        return (), 0
    counts, others = Counter[int](), _Others()
    for values in _by_slices(column):
        found = np.isin(values, _SUSPECTED_VALUES)
        counts.update(values[found].astype(np.int64).tolist())
        others.add(values[~found])
    if not counts or others.lowest > others.highest or others.lowest < 0:
        return (), 0
    enough = len(others.distinct) >= _ENOUGH
    if others.highest <= _SMALL and others.whole:
        alone = {c for c in counts if c < 0} == {-1} and enough
        far = {c for c in counts if c >= _FAR or c <= _BELOW or (c == -1 and alone)}
    else:
        beyond = _TIMES * others.highest
        far = {c for c in counts if enough and (c >= max(beyond, _FAR) or c <= -_FAR)}
    return tuple(sorted(far)), sum(counts[c] for c in far)


def _by_slices(column: pd.Series[Any]) -> Iterator[NDArray[np.float64]]:
    """Return the finite numbers of a column by slices: a long one is not copied whole."""
    for start in range(0, len(column), _SLICE):
        part = column.iloc[start : start + _SLICE]
        values = part.to_numpy(dtype=np.float64, na_value=np.nan)
        finite = values[np.isfinite(values)]
        if len(finite):
            yield finite


class _Others:
    """What the numbers that are no suspected code are: how far, whole or not, of how many kinds."""

    def __init__(self) -> None:
        self.lowest, self.highest, self.whole = np.inf, -np.inf, True
        self.distinct: set[float] = set()  # no more of them are needed once they are enough

    def add(self, values: NDArray[np.float64]) -> None:
        if not len(values):
            return
        self.lowest = min(self.lowest, values.min())
        self.highest = max(self.highest, values.max())
        self.whole = self.whole and bool((values == np.floor(values)).all())
        if len(self.distinct) < _ENOUGH:
            self.distinct.update(np.unique(values)[:_ENOUGH].tolist())


def suspected_finding(column: pd.Series[Any], known: Iterable[str], place: Place) -> Finding | None:
    """Return the question to ask of codes that look like no answer; None when there is none.

    Parameters
    ----------
    column : Series
    known : iterable of str
        Codes that the file has labels for: they are answers.
    place : Place
    """
    codes, n = suspected_codes(column)
    if not codes or set(map(str, codes)) & set(known):
        return None
    return Finding.warning("missing_code_suspected", place, column=place.column, n=n, codes=codes)


def label_moved(one: LabelMap, other: Mapping[Any, str]) -> tuple[str, str, str] | None:
    """Return a label that a codebook and a file give to two codes: the label, and both codes.

    Parameters
    ----------
    one : LabelMap
        Of the codebook.
    other : mapping of code to label
        Of the file.
    """
    spelled = {agreement(bare_spelling(label)): as_text(code) for code, label in other.items()}
    for code, names in one.labels.items():
        for name in names:
            held = spelled.get(agreement(bare_spelling(name))) if one_word(name) else None
            if held is not None and held != as_text(code):
                return name, as_text(code), held
    return None


# -- where they travel ------------------------------------------------------------------------


def _says(label: str, code: str) -> bool:
    return one_word(label) and label != code and TOOL_CODE.fullmatch(label) is None


def dictionary_labels(labels: Mapping[Any, Iterable[str]]) -> dict[str, Any]:
    """Return what the dictionary of a reading says of labels: first wordings, then the others."""
    tidy = {as_text(code): tuple(names) for code, names in labels.items()}
    out: dict[str, Any] = {}
    if tidy:
        out["labels"] = {code: names[0] if names else code for code, names in tidy.items()}
    also = {code: list(names[1:]) for code, names in tidy.items() if len(names) > 1}
    if also:
        out["also"] = also
    return out


def carried_labels(frame: pd.DataFrame) -> dict[str, Wordings]:
    """Return the labels that a table carries, by column; empty when it carries none.

    A label that only repeats its code, as the file or its tool writes it (`A1`), says nothing: it
    is left out.
    """
    reading = frame.attrs.get("reading")
    entries = reading.get("dictionary", ()) if isinstance(reading, Mapping) else ()
    out: dict[str, Wordings] = {}
    for entry in entries:
        labels, also = entry.get("labels"), entry.get("also", {})
        if not labels:
            continue
        tidy = {
            str(code): tuple(n for n in (first, *also.get(code, ())) if _says(n, code))
            for code, first in labels.items()
        }
        if any(tidy.values()):
            out[entry["name"]] = tidy
    return out


def long_dictionary(
    dictionary: Iterable[Mapping[str, Any]], columns: Mapping[str, Sequence[str]]
) -> list[Mapping[str, Any]]:
    """Return the dictionary of a table whose waves were side by side, once they are in rows.

    Parameters
    ----------
    dictionary : iterable of mapping
        Entries of a reading.
    columns : mapping of str to sequence of str
        For each outcome, its column at each wave.

    Raises
    ------
    ImpactEvalError
        `wave_labels_differ` when one label has two codes: the dates do not say the same.
    """
    entries = {entry["name"]: entry for entry in dictionary}
    faults = FindingCollector()
    measured = {name for names in columns.values() for name in names}
    out = [entry for name, entry in entries.items() if name not in measured]
    for outcome, names in columns.items():
        wordings: dict[str, list[str]] = {}
        codes: dict[str, set[str]] = {}
        for entry in (entries[name] for name in names if name in entries):
            for code, first in entry.get("labels", {}).items():
                for label in (first, *entry.get("also", {}).get(code, ())):
                    codes.setdefault(bare_spelling(label), set()).add(code)
                    if label not in wordings.setdefault(code, []):
                        wordings[code].append(label)
        twice = [label for label, found in codes.items() if label and len(found) > 1]
        if twice:
            faults.add(Finding.error("wave_labels_differ", Place(column=names[0]), outcome=outcome,
                                     columns=tuple(names), labels=sorted(twice)))  # fmt: skip
        first_entry = next((entries[name] for name in names if name in entries), {})
        out.append({**first_entry, "name": outcome, **dictionary_labels(wordings)})
    faults.raise_if_errors()
    return out
