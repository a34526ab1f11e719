"""Labels of people replaced by a keyed hash, in an order that changes no number.

Whoever reads a table through the pipeline never holds a name: the label becomes its rank among the
sorted labels and a hash that only the key can make again. The rank keeps the order in which a
`Sample` sorts its units, so that every draw, bootstrap and permutation stays what it was.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Scalar, Value
from impact_eval.data.roles import Codes, column_of, read_codes

KEY_VARIABLE = "IMPACT_EVAL_KEY"
LEAST_KEY = 32  # bytes
LENGTH = 16  # hexadecimal digits kept: 64 bits, no two people of a table alike
_PSEUDONYM = re.compile(rf"\b\d+-([0-9a-f]{{{LENGTH}}})\b")


def keyed_hash(text: str, key: bytes, *, length: int = LENGTH) -> str:
    r"""Return the HMAC-SHA-256 of a text, as its first hexadecimal digits.

    References
    ----------
    Krawczyk, H., Bellare, M. and Canetti, R. (1997), RFC 2104. doi:10.17487/RFC2104

    Examples
    --------
    >>> keyed_hash("Hi There", b"\x0b" * 20)  # RFC 4231, first case
    'b0344c61d8db3853'
    """
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()[:length]


def session_key() -> bytes:
    """Return the key of this process: `IMPACT_EVAL_KEY`, or one drawn at random, never written.

    Raises
    ------
    ImpactEvalError
        `weak_key` when the variable holds fewer than 32 bytes.
    """
    given = given_key()
    return _drawn_key() if given is None else given


def given_key() -> bytes | None:
    """Return the key of `IMPACT_EVAL_KEY`; None when the variable is empty.

    Raises
    ------
    ImpactEvalError
        `weak_key` when the variable holds fewer than 32 bytes.
    """
    given = os.environ.get(KEY_VARIABLE)
    return _checked(given.encode()) if given else None


@lru_cache(maxsize=1)
def _drawn_key() -> bytes:
    return secrets.token_bytes(LEAST_KEY)


def _checked(key: bytes) -> bytes:
    if len(key) < LEAST_KEY:
        raise ImpactEvalError(Finding.error("weak_key", n=len(key), advised=LEAST_KEY))
    return key


def is_pseudonym(label: object) -> bool:
    """Whether a label is one that `pseudonymise` made.

    Examples
    --------
    >>> is_pseudonym("017-b0344c61d8db3853"), is_pseudonym("Bellerive")
    (True, False)
    """
    return isinstance(label, str) and _PSEUDONYM.fullmatch(label) is not None


def pseudonymise(
    frame: pd.DataFrame,
    columns: Sequence[str],
    key: bytes,
    *,
    among: Mapping[str, pd.Series[Any]] | None = None,
) -> pd.DataFrame:
    """Return the table with the labels of some columns replaced by rank and keyed hash.

    Equal labels stay equal, missing ones missing, and the new labels sort as the old ones do in a
    `Sample`. The hash alone depends on the key and the label: it is the same in every table.

    Parameters
    ----------
    frame : DataFrame
        It is not changed.
    columns : sequence of str
        Columns that name people.
    key : bytes
        Secret, at least 32 bytes, kept apart from the data and from what is published.
    among : mapping of str to Series, optional
        For a column, the labels of every table of the study: ranks are taken among them, so that a
        person has one label everywhere. When they do not sort as the column's own do (numbers here,
        texts there) ranks are the column's own.

    Returns
    -------
    DataFrame

    Raises
    ------
    ImpactEvalError
        `weak_key`.

    Examples
    --------
    >>> table = pd.DataFrame({"nom": ["Zoé", "Ana", "Zoé"], "y": [1, 2, 3]})
    >>> hidden = pseudonymise(table, ["nom"], b"k" * 32)
    >>> [label[:2] for label in hidden["nom"]], hidden["nom"][0] == hidden["nom"][2]
    (['2-', '1-', '2-'], True)
    """
    _checked(key)
    hidden: dict[str, pd.Series[Any]] = {}
    for name in columns:
        column = column_of(frame, name)
        everyone = None if among is None else among.get(name)
        hidden[name] = _hide(column, column if everyone is None else everyone, key)
    return frame.assign(**hidden)


def labelled_finding(finding: Finding, labels: Mapping[str, str]) -> Finding:
    """Return a finding whose pseudonyms are the labels they stand for, for the user's own eyes.

    Parameters
    ----------
    finding : Finding
    labels : mapping of str to str
        From the hash of a label to the label.

    Examples
    --------
    >>> told = Finding.error("duplicated_rows", examples=("1-b0344c61d8db3853 × 2024",))
    >>> labelled_finding(told, {"b0344c61d8db3853": "Zoé"}).values["examples"]
    ('Zoé × 2024',)
    """

    def shown(value: Value) -> Value:
        if isinstance(value, tuple):
            return tuple(_named_text(item, labels) for item in value)
        return _named_text(value, labels)

    values = {name: shown(value) for name, value in finding.values.items()}
    return Finding(finding.code, finding.severity, values, finding.place)


def _named_text(value: Scalar, labels: Mapping[str, str]) -> Scalar:
    if not isinstance(value, str):
        return value
    return _PSEUDONYM.sub(lambda match: labels.get(match[1], match[0]), value)


def label_text(label: object) -> str:
    """Return the one spelling of a label: 7, 7.0 and "7" are the same person."""
    if isinstance(label, (float, np.floating)) and float(label).is_integer():
        return str(int(label))
    return str(label)


def _hide(column: pd.Series[Any], everyone: pd.Series[Any], key: bytes) -> pd.Series[Any]:
    own = _coded(column)
    if own.labels.size == 0:
        return column
    ranks, size = _ranks(own.labels, everyone)
    width = len(str(size))
    told = [
        f"{rank:0{width}d}-{keyed_hash(label_text(label), key)}"
        for rank, label in zip(ranks.tolist(), own.labels.tolist(), strict=True)
    ]
    missing = column.isna().to_numpy(dtype=bool)
    new = np.array(told, dtype=object)[own.codes]
    new[missing] = None
    return pd.Series(pd.array(new, dtype="str"), index=column.index, name=column.name)


def _coded(column: pd.Series[Any]) -> Codes:
    """Factorise as a `Sample` does; what is missing there is put back by the caller."""
    if not column.notna().any():
        return Codes(np.zeros(len(column), dtype=np.int64), np.array([], dtype=object))
    return read_codes(column, "unit", FindingCollector())


def _ranks(labels: NDArray[Any], everyone: pd.Series[Any]) -> tuple[NDArray[np.int64], int]:
    """Return the rank of sorted labels among everyone's (from 1), and how many there are."""
    own = np.arange(1, labels.size + 1, dtype=np.int64)
    places = {label_text(label): i for i, label in enumerate(_coded(everyone).labels, start=1)}
    shared = np.array([places.get(label_text(label), 0) for label in labels], dtype=np.int64)
    sorts_alike = bool((np.diff(shared, prepend=0) > 0).all())
    return (shared, len(places)) if sorts_alike else (own, labels.size)
