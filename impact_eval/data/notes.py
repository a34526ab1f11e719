"""What stands under a table without being one of its rows: sources, legends, marks of a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from impact_eval.data.labels import as_text, bare_spelling

_MARK = re.compile(r"\s*(\*+|\(\d\)|\d\)|[¹²³⁴]|[†‡]|>|→|©)\s*\S")
_OPENING = re.compile(
    r"\s*(sources?|lecture|champs?|notes?|nota|n\.?\s?b\.?|l[ée]gende|donn[ée]es|remarques?"
    r"|attention|d[ée]finitions?|abr[ée]viations?|avertissement|mise? [àa] jour|mis [àa] jour"
    r"|extraction|extrait|export\w*|date d.extraction|[ée]dit[ée]|imprim[ée]|fait [àa]|page"
    r"|reading|source|scope|legend)\b\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_ABBREVIATION = re.compile(r"\s*[\w./-]{1,5}\s*[:=]\s*\S")  # « NC : non communiqué »
_PAGE = re.compile(r"page \d+( (sur|of|/)? ?\d+)?|\d+ (sur|of) \d+")
_SENTENCE = 5  # words


def is_note(row: Sequence[Any]) -> bool:
    """Whether the first cell of a row reads as a note under a table.

    Parameters
    ----------
    row : sequence of cells

    Examples
    --------
    >>> [is_note([text, None]) for text in ("* NC : non communiqué", "Source : Insee, 2024",
    ...                                     "Champ : France", "P12", "Source")]
    [True, True, True, False, False]
    """
    filled = [as_text(cell).strip() for cell in row]
    filled = [text for text in filled if text]
    if not filled:
        return False
    text = filled[0]
    opening = _OPENING.match(text)
    if opening is not None:
        rest = opening[2].strip()
        return rest[:1] in {":", "—", "–", "-", "."} or len(rest.split()) > 1 or is_page(text)
    return _MARK.match(text) is not None or (
        _ABBREVIATION.match(text) is not None and len(filled) == 1
    )


def is_page(text: str) -> bool:
    """Whether a text is the mark of a page: « Page 2 sur 3 »."""
    return _PAGE.fullmatch(bare_spelling(text).replace("/", " ")) is not None


def is_sentence(text: str) -> bool:
    """Whether a text is long enough to be a sentence, not a name."""
    return len(text.split()) > _SENTENCE
