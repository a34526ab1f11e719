"""The one table of the words that say yes or no: treatment, outcome, ticked boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from impact_eval.data.answer_words import with_number
from impact_eval.data.labels import bare_spelling, missing_kind

_DIGITS = frozenset({"0", "1"})
TICKS = frozenset({"x", "coche"})
"""Yeses of a list where the no is left blank: alone, nothing says what a blank means."""
YES_NO: Mapping[str, float] = MappingProxyType(
    {
        **dict.fromkeys(("oui", "o", "yes", "y", "true", "vrai", "1", "checked", *TICKS), 1.0),
        **dict.fromkeys(("non", "n", "no", "false", "faux", "0", "non coche", "unchecked"), 0.0),
    }
)


def yes_or_no(text: str) -> float | None:
    """Return 1 for a yes, 0 for a no, None for anything else.

    Examples
    --------
    >>> yes_or_no(" OUI "), yes_or_no("Faux"), yes_or_no("peut-être")
    (1.0, 0.0, None)
    """
    return YES_NO.get(bare_spelling(text))


def is_tick(text: str) -> bool:
    """Whether a yes is one of those that go with blank cells (`x`, « coché »)."""
    return bare_spelling(text) in TICKS


@dataclass(frozen=True, slots=True)
class YesNoTexts:
    """Distinct texts of a column read as yes and no.

    Attributes
    ----------
    answers : tuple of float or None
        1 for a yes, 0 for a no, None for anything else.
    contradicting : tuple of int
        Texts whose number is that of another answer than their word.
    missing : tuple of int
        Texts whose word says that there is no answer: « 9 - NSP ».
    """

    answers: tuple[float | None, ...]
    contradicting: tuple[int, ...]
    missing: tuple[int, ...]


def read_yes_no(texts: Sequence[str]) -> YesNoTexts:
    """Read texts as yes and no, a number beside the word or not: « 1 - Oui », « Non (0) ».

    The word says the answer. The number is held to it: in a column one number is one answer, and 0
    and 1 are a no and a yes when the column has no other number (1 and 2 are the numbers of a
    questionnaire, whichever comes first).

    Examples
    --------
    >>> read_yes_no(["1 - Oui", "0 - Non", "2 mois"]).answers
    (1.0, 0.0, None)
    >>> read_yes_no(["1 - Oui", "2 - Non"]).answers, read_yes_no(["0 - Oui"]).contradicting
    ((1.0, 0.0), (0,))
    """
    answers: list[float | None] = []
    numbers: dict[int, int] = {}
    missing = []
    for i, text in enumerate(texts):
        answer, numbered = yes_or_no(text), _numbered_word(text)
        if answer is None and numbered is not None:
            numbers[i] = numbered[0]
            answer = yes_or_no(numbered[1])
            if missing_kind(numbered[1]) is not None:
                missing.append(i)
        elif answer is not None and bare_spelling(text) in _DIGITS:
            numbers[i] = int(answer)
        answers.append(answer)
    said = {i: (number, answers[i]) for i, number in numbers.items() if answers[i] is not None}
    return YesNoTexts(tuple(answers), _contradicting(said), tuple(missing))


def _numbered_word(text: str) -> tuple[int, str] | None:
    """Return the number and the word of « 1 - Oui », None of « 1 - 0 » and of a tick."""
    found = with_number(text)
    if found is None or not any(sign.isalpha() for sign in found[1]) or is_tick(found[1]):
        return None
    return found


def _contradicting(said: Mapping[int, tuple[int, float | None]]) -> tuple[int, ...]:
    """Return the texts whose number is not their answer, when another text says that it ought to.

    Either the number or the answer is there in another pair, or the column has no other numbers
    than 0 and 1.
    """
    pairs = set(said.values())
    usual = {number for number, _ in pairs} <= {0, 1}
    return tuple(
        i for i, (number, answer) in said.items()
        if number != answer
        and (usual or any((n == number) != (a == answer) for n, a in pairs))
    )  # fmt: skip
