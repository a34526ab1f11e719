"""Rows that survey tools write under their heading: questions, technical names, « Response »."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Any, TypeAlias

from impact_eval.data.column_shape import ColumnShape, shapes_of
from impact_eval.data.labels import as_text, bare_spelling, missing_kind
from impact_eval.data.written import parse_number

Row: TypeAlias = list[Any]

_IMPORT = re.compile(r'\s*\{\s*"?\'?ImportId')
_REACH = 3  # rows looked at under the heading
_HEAD = 200  # rows that show what the columns hold
_FEWEST = 2  # columns that must say the same

# What Qualtrics writes in its second row under the names of its own columns.
_QUALTRICS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "startdate": frozenset({"start date", "date de debut"}),
        "enddate": frozenset({"end date", "date de fin"}),
        "status": frozenset({"response type", "type de reponse", "statut"}),
        "ipaddress": frozenset({"ip address", "adresse ip"}),
        "progress": frozenset({"progress", "progression", "avancement"}),
        "duration in seconds": frozenset({"duration in seconds", "duree en secondes"}),
        "finished": frozenset({"finished", "termine"}),
        "recordeddate": frozenset({"recorded date", "date enregistree", "date d enregistrement"}),
        "responseid": frozenset({"response id", "id de reponse", "id reponse"}),
        "recipientlastname": frozenset({"recipient last name", "nom du destinataire"}),
        "recipientfirstname": frozenset({"recipient first name", "prenom du destinataire"}),
        "recipientemail": frozenset({"recipient email", "adresse email du destinataire"}),
        "externalreference": frozenset(
            {"external data reference", "reference de donnees externes"}
        ),
        "locationlatitude": frozenset({"location latitude", "latitude de l emplacement"}),
        "locationlongitude": frozenset({"location longitude", "longitude de l emplacement"}),
        "distributionchannel": frozenset({"distribution channel", "canal de distribution"}),
        "userlanguage": frozenset({"user language", "langue de l utilisateur"}),
    }
)
_ANSWER = frozenset(
    {"response", "open ended response", "reponse", "reponse ouverte", "reponse libre",
     "commentaire ouvert", "antwort"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class UnderHeading:
    """What stands between the names of the columns and the first answer.

    Attributes
    ----------
    rows : int
        Rows that are nobody's answers.
    titles : mapping of position to str
        Text of the question of each column.
    """

    rows: int = 0
    titles: Mapping[int, str] = field(default_factory=dict)


def under_heading(names: Sequence[str], below: Sequence[Row]) -> UnderHeading:
    """Return the technical rows of a survey tool, on evidence.

    The row of Qualtrics' `ImportId`, and those above it; the row of questions alone when it says
    of two of the tool's own columns what the tool says; else a row of words over columns of
    numbers and codes, none of which it fits.

    Parameters
    ----------
    names : sequence of str
    below : sequence of rows
        All rows under the heading.

    Examples
    --------
    >>> found = under_heading(["id", "age"], [["Code", "Âge"], ["P1", 3], ["P2", 4], ["P3", 5]])
    >>> found.rows, dict(found.titles)
    (1, {0: 'Code', 1: 'Âge'})
    """
    for i, row in enumerate(below[:_REACH]):
        filled = [text for text in map(as_text, row) if text.strip()]
        if filled and sum(_IMPORT.match(text) is not None for text in filled) * 2 > len(filled):
            return UnderHeading(i + 1, _titles(below[0]) if i else {})
    if below and (_is_qualtrics(names, below[0]) or _is_row_of_words(below)):
        return UnderHeading(1, _titles(below[0]))
    return UnderHeading()


def _titles(row: Row) -> dict[int, str]:
    texts = ((i, re.sub(r"\s+", " ", as_text(cell)).strip()) for i, cell in enumerate(row))
    return {i: text for i, text in texts if text}


def _is_qualtrics(names: Sequence[str], row: Row) -> bool:
    known = [
        bare_spelling(as_text(cell)) in _QUALTRICS[bare_spelling(name)]
        for name, cell in zip(names, row, strict=True)
        if bare_spelling(name) in _QUALTRICS and as_text(cell).strip()
    ]
    return len(known) >= _FEWEST and sum(known) * 2 > len(known)


def _is_row_of_words(below: Sequence[Row]) -> bool:
    """Whether the first row is words where all others are numbers and codes with figures."""
    if len(below) < _FEWEST + 2:
        return False
    told = [as_text(cell).strip() for cell in below[0]]
    strong = [c for c in _strong(below[1:_HEAD]) if missing_kind(told[c.place]) is None]
    misfits = [c for c in strong if not c.fits(told[c.place]) and _is_plain_words(told[c.place])]
    return len(misfits) >= _FEWEST and len(misfits) == len(strong) and _are_distinct(told)


def _strong(rows: Sequence[Row]) -> list[ColumnShape]:
    """Return the columns whose cells hold figures: words do not fit there by chance."""
    return [
        column for column in shapes_of(rows)
        if column.numbers or (column.shapes and all("9" in shape for shape in column.shapes))
    ]  # fmt: skip


def _is_plain_words(text: str) -> bool:
    return parse_number(text) is None and any(c.isalpha() for c in text)


def _are_distinct(texts: Sequence[str]) -> bool:
    told = [text for text in texts if text]
    return len(set(told)) == len(told)


def is_row_of_answers(upper: Row, lower: Row) -> bool:
    """Whether a row is SurveyMonkey's second one: « Response », options, blank under its own.

    Examples
    --------
    >>> is_row_of_answers(["Respondent ID", "Avis ?", "Aides ?", None],
    ...                   [None, "Response", "RSA", "AAH"])
    True
    """
    known = {"respondent id", "collector id", "id du repondant", "id du collecteur", "respondentid"}
    heads = {bare_spelling(as_text(cell)) for cell in upper}
    answers = {bare_spelling(as_text(cell)) for cell in lower}
    return bool(heads & known) and (bool(answers & _ANSWER) or not as_text(lower[0]).strip())


def says_answer(text: str) -> bool:
    """Whether the second level of a heading only says that answers stand below."""
    return bare_spelling(text) in _ANSWER


def is_row_of_data(names: Sequence[str], below: Sequence[Row]) -> bool:
    """Whether what should name the columns is a first row of answers: the file has no heading.

    Numbers that count upwards (years, ranks of items) are names.

    Examples
    --------
    >>> rows = [["P2", 3, 21], ["P3", 4, 35], ["P4", 5, 29], ["P5", 5, 30]]
    >>> is_row_of_data(["P1", "4", "31"], rows), is_row_of_data(["id", "2019", "2020"], rows)
    (True, False)
    """
    rows = below[:_HEAD]
    if len(rows) < _FEWEST + 1 or any(not name for name in names):
        return False
    strong = _strong(
        [[re.sub(r"\s+", " ", c) if isinstance(c, str) else c for c in row] for row in rows]
    )  # the names have single spaces
    if len(strong) < _FEWEST or not all(column.fits(names[column.place]) for column in strong):
        return False
    numbers = [parse_number(names[column.place]) for column in strong if column.numbers]
    values = [found[0] for found in numbers if found is not None]
    codes = [column for column in strong if not column.numbers]
    same = all(_prefix(names[c.place]) == _prefix(as_text(rows[0][c.place])) for c in codes)
    rising = len(values) > 1 and all(a < b for a, b in pairwise(values))
    years = all(1900 <= value <= 2100 for value in values)
    return bool(values) and same and (bool(codes) or not (rising or years))


def _prefix(text: str) -> str:
    return re.split(r"\d", text.strip(), maxsplit=1)[0]
