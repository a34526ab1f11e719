"""The marks that statistical offices write in place of a number, and what each one says.

They count as missing only among numbers: a column of texts may hold « S » or « C » as an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from impact_eval.data.labels import MissingKind, one_spelling

MARKS: Mapping[str, MissingKind] = MappingProxyType(
    {
        # secret: too few people or firms to be told (Insee « s », Eurostat « c »)
        **dict.fromkeys(
            ("s", "ss", "secret", "secret stat", "secret statistique", "c", ":c", "confidentiel",
             "confidential", "donnée confidentielle", "donnée secrète"),
            MissingKind.SECRET,
        ),
        # not available, not significant, not published
        **dict.fromkeys(
            ("nd", "ns", "nc", "nr", "..", ":", ":u", "*", "**", "***", "non disponible",
             "non significatif", "non diffusé", "non publié", "not available", "not significant"),
            MissingKind.NOT_RECORDED,
        ),
        # nothing can be there
        **dict.fromkeys(("//", "///"), MissingKind.NOT_SHOWN),
    }
)  # fmt: skip
_AROUND = re.compile(r"^[(\[]\s*|\s*[)\]]$")
_INSIDE = re.compile(r"[.\s]")


def mark_kind(text: str) -> MissingKind | None:
    """Return what a mark says, or None for anything else: an unknown word is never guessed.

    Examples
    --------
    >>> mark_kind("s").value, mark_kind("(S)").value, mark_kind("n.d.").value
    ('secret', 'secret', 'not_recorded')
    >>> mark_kind("abs") is None, mark_kind("12") is None
    (True, True)
    """
    spelling = _AROUND.sub("", one_spelling(text))
    for form in (spelling, spelling.rstrip(". "), _INSIDE.sub("", spelling)):
        if form in MARKS:
            return MARKS[form]
    return None
