"""Labels that are one for the eye, or for whoever reads them aloud: told, never counted as two.

Two steps. What no eye can see (spaces at the ends, double or no-break spaces, the form of Unicode,
the kind of dash or apostrophe, 1 and 1.0) is one label. What an eye sees but a reader takes for the
same (case, accents, a dash for a space, a lost zero) is shown to whoever declared the table, who
says whether it is one label or two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.data.labels import as_text

IntArray = NDArray[np.int64]

_SPACES = re.compile(r"\s+")
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")  # what nothing unseen can hide in
_KINDS = str.maketrans(
    dict.fromkeys("’‘ʼ´`′＇", "'") | dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("“”„«»", '"')
)
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss"})
_UNSEEN = frozenset({"Cf", "Cc"})  # soft hyphens, marks of order, zero widths
_APART = re.compile(r"[\s\-_'\"]+")
_ZEROS = re.compile(r"0+(?=\d)")


def seen_spelling(text: str) -> str:
    r"""Return a label as an eye sees it: single spaces, one form of Unicode, nothing unseen.

    Examples
    --------
    >>> seen_spelling("Bourg\u00a0en  Bresse ") == seen_spelling("Bourg en Bresse")
    True
    >>> seen_spelling("Be\u0301ziers") == seen_spelling("Béziers"), seen_spelling("L’Île")
    (True, "L'Île")
    """
    if _PLAIN.fullmatch(text):
        return text.replace("`", "'")
    return _tidied(text).translate(_KINDS)


def _tidied(text: str) -> str:
    if text.isascii() and text.isprintable():  # nothing composed, nothing unseen: most labels
        return _SPACES.sub(" ", text).strip()
    composed = unicodedata.normalize("NFC", text)
    shown = (c for c in composed if c.isspace() or unicodedata.category(c) not in _UNSEEN)
    return _SPACES.sub(" ", "".join(shown)).strip()


@lru_cache(maxsize=1 << 14)  # a sample is read again at each refit, with the same labels
def spoken_spelling(text: str) -> str:
    """Return a label as it is read aloud: no case, accent, dash nor apostrophe, no leading zero.

    Examples
    --------
    >>> spoken_spelling("Val-d’Oise") == spoken_spelling("VAL D'OISE")
    True
    >>> spoken_spelling("01") == spoken_spelling("1")
    True
    """
    folded = seen_spelling(text).casefold().translate(_LIGATURES)
    if not folded.isascii():
        letters = unicodedata.normalize("NFKD", folded)
        folded = "".join(c for c in letters if not unicodedata.combining(c))
    plain = _APART.sub(" ", folded).strip()
    return _ZEROS.sub("", plain, count=1) if plain.isdigit() else plain


@dataclass(frozen=True, slots=True)
class Spelled:
    """A column whose labels are those that an eye tells apart.

    Attributes
    ----------
    column : Series
    merged : int
        Labels that were written in several ways.
    """

    column: pd.Series[Any]
    merged: int


def as_seen(column: pd.Series[Any]) -> Spelled:
    """Return a column of texts with one spelling for each label; of a few, the most frequent.

    Blank texts are missing. Numbers, dates and categories of numbers are left as they are; the
    order of ordered categories is kept.

    Examples
    --------
    >>> found = as_seen(pd.Series(["Bourg", "Bourg ", "Gex"]))
    >>> found.column.tolist(), found.merged
    (['Bourg', 'Bourg', 'Gex'], 1)
    """
    if not _holds_texts(column):
        return Spelled(column, 0)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _categories_as_seen(column)
    codes, distinct = pd.factorize(column, use_na_sentinel=True)
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
    labels, merged = _one_of_each(list(distinct), counts.tolist())
    if all(new is old for new, old in zip(labels, distinct, strict=True)):
        return Spelled(column, 0)
    table = np.empty(len(labels) + 1, dtype=object)
    table[:-1] = labels
    table[-1] = None
    values: pd.Series[Any] = pd.Series(table[codes], index=column.index, name=column.name)
    if isinstance(column.dtype, pd.StringDtype):
        values = values.astype(column.dtype)
    values.attrs = column.attrs
    return Spelled(values, merged)


def _categories_as_seen(column: pd.Series[Any]) -> Spelled:
    known = list(column.cat.categories)
    counts = column.value_counts().reindex(known).fillna(0).tolist()
    labels, merged = _one_of_each(known, counts)
    if all(new is old for new, old in zip(labels, known, strict=True)):
        return Spelled(column, 0)
    kept = list(dict.fromkeys(label for label in labels if label is not None))
    table = dict(zip(known, labels, strict=True))
    values = column.astype(object).map(table)
    ordered = bool(column.cat.ordered)
    typed = pd.Series(pd.Categorical(values, categories=kept, ordered=ordered), index=column.index,
                      name=column.name)  # fmt: skip
    typed.attrs = column.attrs
    return Spelled(typed, merged)


def _holds_texts(column: pd.Series[Any]) -> bool:
    dtype = column.dtype
    kind = dtype.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype
    return bool(pd.api.types.is_object_dtype(kind)) or isinstance(kind, pd.StringDtype)


def _one_of_each(labels: Sequence[Any], counts: Sequence[float]) -> tuple[list[Any], int]:
    """Return one label for those that look alike, blanks as None, and how many were several.

    A number and its text (1 and « 1 ») are one label, written as a text.
    """
    groups: dict[str, list[int]] = {}
    for i, label in enumerate(labels):
        groups.setdefault(seen_spelling(as_text(label)), []).append(i)
    out = list(labels)
    merged = 0
    for spelling, members in groups.items():
        if not spelling:
            for i in members:
                out[i] = None
            continue
        if len(members) == 1 and not isinstance(labels[members[0]], str):
            continue  # a number, a date, alone of its kind
        merged += len(members) > 1
        first = max(members, key=lambda i: counts[i])
        chosen = as_text(labels[first])
        shown = _tidied(chosen)
        for i in members:
            out[i] = labels[i] if labels[i] == shown and isinstance(labels[i], str) else shown
    return out, merged


def read_alike(labels: Sequence[Any]) -> list[list[int]]:
    """Return the groups of distinct labels that a reader would take for one, by position.

    Examples
    --------
    >>> read_alike(["Gex", "GEX", "Nantua"])
    [[0, 1]]
    """
    groups: dict[str, list[int]] = {}
    for i, label in enumerate(labels):
        groups.setdefault(spoken_spelling(as_text(label)), []).append(i)
    return [members for members in groups.values() if len(members) > 1]
