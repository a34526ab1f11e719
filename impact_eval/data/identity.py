"""Columns that name people, recognised by their heading or by what they hold.

A heading alone is not believed: its cells must be able to hold what it says (« mobile » with 0 and
1 is no telephone). Cells alone are believed when their form is that of nothing else: a social
security number, an e-mail, a telephone, a bank account, a street address, « DURAND Marie ».
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pandas as pd

from impact_eval.core.findings import Finding
from impact_eval.core.vocabulary import RowsAre
from impact_eval.data.first_names import FIRST_NAMES
from impact_eval.data.headings import (
    PersonalKind,
    heading_words,
    is_bare_name,
    is_postcode,
    kind_of_heading,
    speaks_of_people,
    speaks_of_things,
)
from impact_eval.data.labels import as_text, bare_spelling

__all__ = ["IdentifyingColumn", "PersonalKind", "Sign", "identify", "identifying_columns"]

MOST_ROWS = 20_000  # rows looked at: a column that names people does so from its first rows
MOST_CELLS = 400  # distinct cells held against the patterns
MOST_SHARE = 0.6  # of the cells that must have the form
ENOUGH_SHARE = 0.2  # of the cells when the heading already says so
FEWEST_NAMES = 3
FEWEST_KNOWN = 5
KNOWN_SHARE = 0.4  # of the cells that hold a first name of the list: it is far from whole
FEW = 6  # values of a list to choose from: « stable », « hébergé »…
EARLIEST, LATEST = 1900, 2015

_OTHER_NUMBERS = frozenset({"siren", "siret", "finess", "rna", "uai", "ean", "code"})
_LIKE_NUMBERS = frozenset({PersonalKind.PHONE, PersonalKind.IBAN})
_YES_NO = frozenset({"oui", "non", "yes", "no", "o", "n", "y", "x", "0", "1", "vrai", "faux",
                     "true", "false"})  # fmt: skip
_NIR = re.compile(
    r"[123478]\d{2}(?:0[1-9]|1[0-2]|[2-4]\d|[5-9]\d)(?:\d{2}|2[ab])\d{6}(?:\d{2})?", re.IGNORECASE
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)
_PHONE = re.compile(r"(?:(?:\+|00)(?:33|262|590|594|596)(?:\(?0\)?)?|0)[1-9]\d{8}")
_SHORT_PHONE = re.compile(r"[67]\d{8}")  # 06 12 34 56 78 read as a number
_ANY_SHORT_PHONE = re.compile(r"[1-9]\d{8}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_ADDRESS = re.compile(
    r"\d{1,4}\s?(?:bis|ter|quater|[abcd])?\s?,?\s+(?:rue|r\.|avenue|av\.?|bd|bld|boulevard|place|pl"
    r"|chemin|che|impasse|imp|allee|all|route|rte|quai|cours|square|residence|lotissement|hameau"
    r"|lieu-dit|passage|sentier|voie|villa|esplanade|faubourg|montee|clos|cite|street|road|lane)\b"
)
_DATE = re.compile(r"(?:\d{1,2}[/.\-]\d{1,2}[/.\-](\d{4}|\d{2})|(\d{4})-\d{2}-\d{2}.*)")
_CAPITALS = r"[A-ZÀ-Þ][A-ZÀ-Þ'’\-]+\d*"
_TITLE = r"[A-ZÀ-Þ][a-zà-ÿ]+(?:[\-'’][A-ZÀ-Þ]?[a-zà-ÿ]+)*\d*"
_SIGNED = re.compile(
    rf"{_CAPITALS}(?: {_CAPITALS})? {_TITLE}|{_TITLE} {_CAPITALS}(?: {_CAPITALS})?"
)
_TWO_WORDS = re.compile(rf"{_TITLE} {_TITLE}")
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]+:[0-9a-f:]+", re.IGNORECASE)


_TITLES = frozenset({"m", "mr", "mme", "mlle", "monsieur", "madame", "mrs", "ms", "miss"})
_SAINTS = frozenset({"saint", "sainte", "st", "ste"})
MOST_WORDS = 4


class Sign(StrEnum):
    """What a column was recognised by."""

    HEADING = "heading"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class IdentifyingColumn:
    """A column that names people, what it holds of them, and what it was recognised by."""

    column: str
    kind: PersonalKind
    by: Sign


def identify(
    heading: str, cells: Sequence[str], *, rows: int | None = None, rows_are: RowsAre | None = None
) -> tuple[PersonalKind, Sign] | None:
    """Return what one column says of people and how it shows, or None.

    Parameters
    ----------
    heading : str
    cells : sequence of str
        Its distinct answers, as a person would write them.
    rows : int, optional
        How many people (or rows) they come from; as many as cells by default.
    rows_are : RowsAre, optional
        With territories, « nom » alone is the name of a place.

    Examples
    --------
    >>> identify("contact", ["06 12 34 56 78", "0474000000"])
    (<PersonalKind.PHONE: 'person_phone'>, <Sign.CONTENT: 'content'>)
    >>> identify("mobile", ["0", "1"]) is None
    True
    """
    tidy = [text for text in (cell.strip() for cell in cells[:MOST_CELLS]) if text]
    if not tidy or all(bare_spelling(text) in _YES_NO for text in tidy):
        return None
    found = kind_of_content(heading, tidy, rows or len(tidy))
    said = kind_of_heading(heading)
    if said is PersonalKind.SURNAME and rows_are is RowsAre.TERRITORIES and is_bare_name(heading):
        said = None
    if said is not None and _can_hold(said, tidy, rows or len(tidy)):
        return said, Sign.HEADING
    return None if found is None else (found, Sign.CONTENT)


def kind_of_content(heading: str, cells: Sequence[str], rows: int) -> PersonalKind | None:
    """Return what the form of the cells shows, or None; the heading only rules out."""
    numbered = bool(set(heading_words(heading)) & _OTHER_NUMBERS)
    for kind, fits in _FORMS.items():
        if _share(cells, fits) >= MOST_SHARE and not (numbered and kind in _LIKE_NUMBERS):
            return kind
    short = not numbered and not speaks_of_things(heading)
    if short and _share(cells, _is_short_phone) >= 0.8:
        return PersonalKind.PHONE
    several = len(cells) >= FEWEST_NAMES and not speaks_of_things(heading)
    if several and _share(cells, _is_signed) >= MOST_SHARE:
        return PersonalKind.FULL_NAME
    distinct = len(cells) >= 0.9 * min(rows, MOST_CELLS)
    if several and distinct and speaks_of_people(heading) and _share(cells, _is_two_words) >= 0.9:
        return PersonalKind.FULL_NAME
    return _known_names(cells) if several and not speaks_of_things(heading) else None


def _known_names(cells: Sequence[str]) -> PersonalKind | None:
    """Return whether cells are names because first names are among their few words."""
    if len(cells) < FEWEST_KNOWN or _share(cells, _bears_first_name) < KNOWN_SHARE:
        return None
    several = _share(cells, lambda cell: len(_words_of_name(cell)) > 1) >= MOST_SHARE
    return PersonalKind.FULL_NAME if several else PersonalKind.FIRST_NAME


def labels_of_people(heading: str, cells: Sequence[str]) -> bool:
    """Whether the groups of a column are named after people: an adviser's, a tutor's.

    Few names come back many times there, so that the column of names is not recognised by its
    cells alone.

    Parameters
    ----------
    heading : str
    cells : sequence of str
        Its distinct answers.

    Examples
    --------
    >>> labels_of_people("referent", ["Ida Faure", "Paul Roy"])
    True
    >>> labels_of_people("bassin", ["Pays Gessien", "Val Saône"])
    False
    """
    tidy = [text for text in (cell.strip() for cell in cells[:MOST_CELLS]) if text]
    if not tidy or speaks_of_things(heading):
        return False
    worded = _share(tidy, _is_worded) >= MOST_SHARE
    return (speaks_of_people(heading) and worded) or _share(tidy, _is_two_words) >= MOST_SHARE


def identifying_columns(
    frame: pd.DataFrame, *, unit: str | None = None, rows_are: RowsAre | None = None
) -> tuple[IdentifyingColumn, ...]:
    """Return the columns of a table that name people, in the table's order.

    Parameters
    ----------
    frame : DataFrame
    unit : str, optional
        Column that identifies a person followed over time, to count people rather than rows.
    rows_are : RowsAre, optional
        What a row is.

    Examples
    --------
    >>> table = pd.DataFrame({"Prénom": ["Ana", "Léo"], "commune": ["Bourg", "Gex"]})
    >>> [(c.column, c.kind.value, c.by.value) for c in identifying_columns(table)]
    [('Prénom', 'person_first_name', 'heading')]
    """
    head = frame.head(MOST_ROWS)
    names = [str(name) for name in head.columns]
    rows = int(head[unit].nunique()) if unit is not None and names.count(unit) == 1 else len(head)
    found: list[IdentifyingColumn] = []
    for place, name in enumerate(names):
        told = identify(name, distinct_cells(head.iloc[:, place]), rows=rows, rows_are=rows_are)
        if told is not None:
            found.append(IdentifyingColumn(name, *told))
    if any(column.kind is PersonalKind.ADDRESS for column in found):
        known = {column.column for column in found}
        found += [
            IdentifyingColumn(name, PersonalKind.ADDRESS, Sign.HEADING)
            for name in names
            if name not in known and is_postcode(name)
        ]
    return tuple(sorted(found, key=lambda column: names.index(column.column)))


def identity_finding(columns: Sequence[IdentifyingColumn]) -> Finding | None:
    """Return the warning that a table names people: how many columns, of which kinds."""
    if not columns:
        return None
    kinds = tuple(dict.fromkeys(column.kind.value for column in columns))
    names = tuple(column.column for column in columns)
    return Finding.warning("identifying_columns", n=len(columns), kinds=kinds, columns=names)


def distinct_cells(column: pd.Series[Any]) -> list[str]:
    """Return some distinct answers of a column as a person would write them."""
    first = column.iloc[:MOST_ROWS]
    if len(first) < len(column):  # the first distinct answers of the whole, when they are enough
        some = distinct_cells(first)
        if len(some) >= MOST_CELLS:
            return some
    try:
        values = pd.unique(column.dropna())
    except TypeError:  # lists and the like
        values = pd.unique(column.dropna().astype(str))
    return [_written(value) for value in values[:MOST_CELLS]]


def _written(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return as_text(value)


def _share(cells: Sequence[str], fits: Callable[[str], bool]) -> float:
    return sum(fits(cell) for cell in cells) / len(cells)


def _bare(text: str) -> str:
    return re.sub(r"[\s.\-/_]", "", text)


def _is_nir(text: str) -> bool:
    return _NIR.fullmatch(_bare(text)) is not None


def _is_email(text: str) -> bool:
    return _EMAIL.fullmatch(text) is not None


def _is_phone(text: str) -> bool:
    return _PHONE.fullmatch(_bare(text)) is not None


def _is_short_phone(text: str) -> bool:
    return _SHORT_PHONE.fullmatch(_bare(text)) is not None


def _is_iban(text: str) -> bool:
    return _IBAN.fullmatch(_bare(text).upper()) is not None and _bare(text)[:2].isalpha()


def _is_address(text: str) -> bool:
    return _ADDRESS.match(bare_spelling(text)) is not None


def _is_ip(text: str) -> bool:
    return _IP.fullmatch(text) is not None


def _is_signed(text: str) -> bool:
    return _SIGNED.fullmatch(text) is not None


def _words_of_name(text: str) -> list[str]:
    words = re.split(r"[\s,.\-]+", bare_spelling(text))
    return [word for word in words if word and word not in _TITLES]


def _bears_first_name(text: str) -> bool:
    """Whether a cell is a few words without a figure, one of them a first name; no saint's."""
    words = _words_of_name(text)
    if not 0 < len(words) <= MOST_WORDS or words[0] in _SAINTS or not "".join(words).isalpha():
        return False
    return any(word in FIRST_NAMES for word in words)


def _is_two_words(text: str) -> bool:
    return _TWO_WORDS.fullmatch(text) is not None or _is_signed(text)


_FORMS: Mapping[PersonalKind, Callable[[str], bool]] = MappingProxyType(
    {
        PersonalKind.SOCIAL_SECURITY: _is_nir,
        PersonalKind.EMAIL: _is_email,
        PersonalKind.PHONE: _is_phone,
        PersonalKind.IBAN: _is_iban,
        PersonalKind.ADDRESS: _is_address,
    }
)


def _is_birth_date(text: str) -> bool:
    found = _DATE.fullmatch(text)
    if found is None:
        return False
    year = int(found[1] or found[2])
    return (found[1] is not None and len(found[1]) == 2) or EARLIEST <= year <= LATEST


def _digits(text: str, least: int) -> bool:
    return sum(sign.isdigit() for sign in text) >= least


def _is_worded(text: str) -> bool:
    return sum(sign.isalpha() for sign in text) >= 2


_CAN: Mapping[PersonalKind, Callable[[str], bool]] = MappingProxyType(
    {
        PersonalKind.SURNAME: _is_worded,
        PersonalKind.FIRST_NAME: _is_worded,
        PersonalKind.FULL_NAME: _is_worded,
        PersonalKind.SOCIAL_SECURITY: lambda text: _digits(text, 10),
        PersonalKind.EMAIL: lambda text: "@" in text,
        PersonalKind.PHONE: lambda text: (
            _is_phone(text)
            or _ANY_SHORT_PHONE.fullmatch(_bare(text)) is not None
            or (_digits(text, 8) and not text.isalpha())
        ),
        PersonalKind.CONTACT: lambda text: _is_worded(text) or _digits(text, 8),
        PersonalKind.BIRTH_DATE: _is_birth_date,
        PersonalKind.ADDRESS: lambda text: _is_worded(text) and len(text) >= 4,
        PersonalKind.BENEFIT_NUMBER: lambda text: _digits(text, 4),
        PersonalKind.IBAN: lambda text: len(_bare(text)) >= 8,
        PersonalKind.NETWORK: _is_ip,
    }
)


def _can_hold(kind: PersonalKind, cells: Sequence[str], rows: int) -> bool:
    """Whether the cells can be what the heading says; a list to choose from is no address."""
    if kind is PersonalKind.ADDRESS and len(cells) <= FEW and rows >= 4 * len(cells):
        return False
    least = 0.5 if kind is PersonalKind.BIRTH_DATE else ENOUGH_SHARE
    return _share(cells, _CAN[kind]) >= least
