"""People who asked to be left out: a list of keyed hashes, applied when tables are read.

The list never holds an identifier. Without the key of the study nobody can tell who is in it, and
nobody can apply it: reading refuses then, since whoever asked to be left out would be counted.
"""

from __future__ import annotations

import hmac
import json
import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.plain_files import read_plain_text
from impact_eval.core.whole_files import write_whole
from impact_eval.data.beside import FORGOTTEN
from impact_eval.data.pseudonyms import KEY_VARIABLE, keyed_hash, label_text

FILE = FORGOTTEN
SCHEMA = "impact-eval/forgotten/1"
_LENGTH = 64  # hexadecimal digits: the whole of the hash
_WITNESS = "impact-eval/forgotten"  # hashed with the key, it tells that the key is the one


def plain_label(label: object) -> str:
    """Return the label of a person whatever its case, its width and the spaces around it.

    Examples
    --------
    >>> plain_label(" p017 "), plain_label("P017"), plain_label(7.0)
    ('p017', 'p017', '7')
    """
    text = unicodedata.normalize("NFKC", label_text(label))
    return " ".join(text.split()).casefold()


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The people who asked to be left out of a study.

    Attributes
    ----------
    witness : str
        Tells whether a key is that of the list.
    people : tuple of str
        Keyed hashes of their labels, sorted.
    """

    witness: str
    people: tuple[str, ...]

    @classmethod
    def empty(cls, key: bytes) -> Self:
        """Return a list without anybody."""
        return cls(keyed_hash(_WITNESS, key, length=_LENGTH), ())

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the list of a study's folder; None without one.

        Raises
        ------
        ImpactEvalError
            `forgotten_damaged`: a list that cannot be read is never taken for an empty one.
        """
        path = folder / FILE
        if not os.path.lexists(path):
            return None
        try:
            content: Any = json.loads(read_plain_text(path))
            people = tuple(sorted(content["people"]))
            whole = content["schema"] == SCHEMA and all(_is_hash(one) for one in people)
            if whole and _is_hash(content["witness"]):
                return cls(content["witness"], people)
        except (OSError, ValueError, KeyError, TypeError, RecursionError, ImpactEvalError):
            pass
        raise ImpactEvalError(Finding.error("forgotten_damaged", Place(file=FILE), file=FILE))

    def opened_by(self, key: bytes | None) -> bytes:
        """Return the key when it is that of the list.

        Raises
        ------
        ImpactEvalError
            `forgotten_needs_key` when there is none, or another one.
        """
        known = key is not None and hmac.compare_digest(self.witness, Forgotten.empty(key).witness)
        if key is None or not known:
            place = Place(file=FILE)
            raise ImpactEvalError(
                Finding.error("forgotten_needs_key", place, file=FILE, variable=KEY_VARIABLE)
            )
        return key

    def with_person(self, label: object, key: bytes) -> Forgotten:
        """Return the list with one more person."""
        people = {*self.people, _hashed(label, key)}
        return Forgotten(self.witness, tuple(sorted(people)))

    def write(self, folder: Path) -> Path:
        """Write the list whole or not at all, for its owner alone to read."""
        path = folder / FILE
        content = {"schema": SCHEMA, "witness": self.witness, "people": list(self.people)}
        write_whole(path, json.dumps(content, indent=1) + "\n", private=True)
        return path


def _is_hash(text: object) -> bool:
    return isinstance(text, str) and len(text) == _LENGTH and set(text) <= set("0123456789abcdef")


def _hashed(label: object, key: bytes) -> str:
    return keyed_hash(plain_label(label), key, length=_LENGTH)


def rows_kept(labels: Iterable[object], forgotten: Forgotten, key: bytes) -> pd.Series[bool]:
    """Return which rows are of people who did not ask to be left out.

    Parameters
    ----------
    labels : Series
        Of the people, as the file writes them.
    forgotten : Forgotten
    key : bytes
        That of the list.

    Examples
    --------
    >>> key = b"k" * 32
    >>> who = Forgotten.empty(key).with_person("P2", key)
    >>> rows_kept(pd.Series(["P1", "p2 ", "P3"]), who, key).tolist()
    [True, False, True]
    """
    column = pd.Series(labels)
    gone = set(forgotten.people)
    asked = {label: _hashed(label, key) in gone for label in column.dropna().unique()}
    kept = np.array([not asked.get(label, False) for label in column], dtype=bool)
    return pd.Series(kept, index=column.index)
