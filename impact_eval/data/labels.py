"""What people write in a cell, and what it means: one spelling, missing words, labels to codes.

The comparison ignores case, the several apostrophes, narrow and no-break spaces, and, in a second
pass only, accents and inclusive endings; « d'accord » and « en accord » are one. A number written
beside an answer is read with it. An unknown label is never guessed: it is refused, with the known
one of which it is a slip of the hand.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.data.answer_words import agreement, slip_of, with_number
from impact_eval.data.source_rows import SourceRows

Code: TypeAlias = int | float | str
EXAMPLES = 5  # how many offending values a message shows

_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ´`′＇", "'") | dict.fromkeys("‐‑‒–—―−", "-"))
_INCLUSIVE = re.compile(r"(?<=\w)(?:\((?:e|ne|le|es|s)\)|[·.‧•](?:e|ne|le)?(?:[·.‧•]?s)?(?=\W|$))")
_INCLUSIVE_HYPHEN = re.compile(r"(?<=\w)-(?:e|ne|le)(?:-s|s)?(?=\W|$)")
_SPACES = re.compile(r"[\s_]+")


class MissingKind(StrEnum):
    """Why an answer is not there; the kinds are counted apart, never mixed."""

    UNANSWERED = "unanswered"
    DOES_NOT_KNOW = "does_not_know"
    REFUSED = "refused"
    NOT_SHOWN = "not_shown"
    NOT_RECORDED = "not_recorded"
    SECRET = "secret"  # withheld by whoever publishes it: too few people behind the number


MISSING_WORDS: Mapping[str, MissingKind] = MappingProxyType(
    {
        **dict.fromkeys(("", "-", "--", "---", "?", "??", ".", "/", "…", "..."),
                        MissingKind.UNANSWERED),
        **dict.fromkeys(("nsp", "ne sait pas", "ne sais pas", "je ne sais pas", "sait pas",
                         "don't know", "dont know", "dk", "ne se prononce pas", "nspp"),
                        MissingKind.DOES_NOT_KNOW),
        **dict.fromkeys(("refus", "refuse", "refusé", "refused", "ne souhaite pas répondre",
                         "ne souhaite pas repondre", "prefer not to say"), MissingKind.REFUSED),
        **dict.fromkeys(("n/a", "na", "#n/a", "nan", "<na>", "sans objet", "non concerné",
                         "non concerne", "non concernée", "not applicable"), MissingKind.NOT_SHOWN),
        **dict.fromkeys(("nr", "nc", "nd", "n.r.", "n.c.", "n.d.", "nsp/nr", "non réponse",
                         "non reponse", "non réponses", "pas de réponse", "aucune réponse",
                         "réponse manquante", "n'a pas répondu", "non répondu", "no response",
                         "non renseignés", "non renseignées", "non communiquée",
                         "sans réponse", "sans reponse", "non renseigné",
                         "non renseigne", "non renseignée", "non communiqué", "no answer",
                         "null", "none", "manquant", "missing", "#null!", "#ref!", "#value!",
                         "#valeur!", "#div/0!", "#nom?", "#name?"), MissingKind.NOT_RECORDED),
    }
)  # fmt: skip


@lru_cache(maxsize=65_536)
def one_spelling(text: str) -> str:
    """Return a text in its one spelling: NFKC, one apostrophe, single spaces, lower case.

    Examples
    --------
    >>> one_spelling("Tout\u00a0à  fait d\u2019accord ")
    "tout à fait d'accord"
    """
    unified = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    return _SPACES.sub(" ", unified).strip().casefold()


@lru_cache(maxsize=65_536)
def bare_spelling(text: str) -> str:
    """Return a text without accents, inclusive endings nor punctuation: the second pass.

    Examples
    --------
    >>> bare_spelling("Châlons-en-Champagne") == bare_spelling("chalons_en_champagne")
    True
    >>> bare_spelling("Isolé·e") == bare_spelling("isolé(e)") == bare_spelling("isole")
    True
    """
    text = _INCLUSIVE_HYPHEN.sub("", _INCLUSIVE.sub("", one_spelling(text)))
    plain = "".join(
        c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)
    ).replace("œ", "oe").replace("æ", "ae")  # fmt: skip
    return _SPACES.sub(" ", re.sub(r"[^\w+<>=%€°/]+", " ", plain)).strip()


def missing_kind(text: str, words: Mapping[str, MissingKind] = MISSING_WORDS) -> MissingKind | None:
    """Return why a cell counts as missing, or None when it holds an answer."""
    spelling = one_spelling(text)
    found = words.get(spelling)
    if found is not None or "-" not in spelling:
        return found
    return words.get(spelling.replace("-", " ").strip() or spelling)  # « non-réponse »


def as_text(value: Any) -> str:
    """Return a cell as the text a person would write: 3.0 is `3`, None and NaN are empty."""
    if isinstance(value, str):
        return value
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "1" if value else "0"
    if isinstance(value, (float, np.floating)):
        number = float(value)
        if math.isnan(number):
            return ""
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return str(value)


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Which written answers mean which code.

    Attributes
    ----------
    labels : mapping of code to tuple of str
        The first label of a code is its name; the others are synonyms. A code also means itself,
        and so do the answer codes of LimeSurvey (`A1`, `AO01`).

    Examples
    --------
    >>> scale = LabelMap.of({1: ["Pas du tout d'accord"], 2: "D'accord"})
    >>> scale.code_of("PAS DU TOUT D\u2019ACCORD"), scale.code_of("AO02"), scale.code_of("3")
    (1, 2, None)
    """

    labels: Mapping[Code, tuple[str, ...]]

    @classmethod
    def of(cls, labels: Mapping[Any, str | Iterable[str]]) -> LabelMap:
        """Make one from codes to a label or several; a code written as a whole number is one."""
        tidy: dict[Code, tuple[str, ...]] = {}
        for code, names in labels.items():
            listed = names if isinstance(names, (list, tuple)) else (names,)
            written = tuple(as_text(name) for name in listed)
            tidy[natural_code(code)] = written
        return cls(MappingProxyType(tidy))

    def __reduce__(self) -> tuple[Any, ...]:
        return (LabelMap.of, (dict(self.labels),))

    def lookups(self) -> tuple[dict[str, Code], dict[str, Code]]:
        """Return the two tables of spellings: exact, then bare where no two codes collide.

        The second holds each answer bare, and with its agreement in one form.
        """
        exact: dict[str, Code] = {}
        for code, names in self.labels.items():
            for name in (as_text(code), *names):
                exact.setdefault(one_spelling(name), code)
        bare: dict[str, Code] = {}
        clashes: set[str] = set()
        for spell in (bare_spelling, _agreement_of):
            for spelling, code in exact.items():
                key = spell(spelling)
                if bare.setdefault(key, code) != code:
                    clashes.add(key)
        return exact, {key: code for key, code in bare.items() if key not in clashes}

    def code_of(self, text: str) -> Code | None:
        """Return the code a text means, or None when it means none for sure."""
        exact, bare = self.lookups()
        return _find(text, exact, bare)


def _agreement_of(text: str) -> str:
    return agreement(bare_spelling(text))


def natural_code(code: Any) -> Code:
    """Return a code read from a file as a whole number when it is written as one (not `01`)."""
    if isinstance(code, bool):
        return int(code)
    if isinstance(code, (int, np.integer)):
        return int(code)
    if isinstance(code, (float, np.floating)):
        return int(code) if float(code).is_integer() else float(code)
    text = str(code)
    return int(text) if re.fullmatch(r"-?(0|[1-9]\d*)", text) else text


_ANSWER_CODE = re.compile(r"a[o]?0*(\d+)")


def _find(text: str, exact: Mapping[str, Code], bare: Mapping[str, Code]) -> Code | None:
    spelling = one_spelling(text)
    if spelling in exact:
        return exact[spelling]
    if re.fullmatch(r"-?\d+[.,]0+", spelling):
        return exact.get(re.split(r"[.,]", spelling)[0])
    answer = _ANSWER_CODE.fullmatch(spelling)
    if answer and answer[1] in exact:
        return exact[answer[1]]
    key = bare_spelling(text)
    code = bare.get(key, bare.get(agreement(key))) if key else None
    if code is not None:
        return code
    numbered = with_number(text)
    if numbered is None:
        return None
    own = _find(numbered[1], exact, bare)
    return own if own is not None and own == numbered[0] else None


def _contradicts(text: str, exact: Mapping[str, Code], bare: Mapping[str, Code]) -> Code | None:
    """Return the code of an answer that is written beside the number of another one."""
    numbered = with_number(text)
    own = None if numbered is None else _find(numbered[1], exact, bare)
    if numbered is None or own is None or own == numbered[0]:
        return None
    return own


@dataclass(frozen=True, slots=True)
class Encoded:
    """A column in codes.

    Attributes
    ----------
    values : Series
        Codes; missing where there was no answer or no known label.
    missing : mapping of MissingKind to int
        Why answers are missing.
    recoded : int
        Cells whose written form was not the code itself.
    """

    values: pd.Series[Any]
    missing: Mapping[MissingKind, int]
    recoded: int


def encode(
    column: pd.Series[Any],
    scale: LabelMap,
    faults: FindingCollector,
    *,
    missing_words: Mapping[str, MissingKind] = MISSING_WORDS,
    file: str | None = None,
) -> Encoded:
    """Turn the labels of a column into codes; every unknown label is a fault, never a guess.

    Parameters
    ----------
    column : Series
        Labels, codes, or both mixed.
    scale : LabelMap
    faults : FindingCollector
        Receives `unknown_label`, and `number_beside_label` for « 3 - … » where the answer is 2.
    missing_words : mapping
        Words that mean no answer; a word that is also a label is a label.
    """
    positions, distinct = pd.factorize(column, use_na_sentinel=True)
    texts = [as_text(value) for value in distinct]
    exact, bare = scale.lookups()
    found: list[Code | None] = [_find(text, exact, bare) for text in texts]
    kinds = [
        None if code is not None else _no_answer(text, scale, missing_words)
        for text, code in zip(texts, found, strict=True)
    ]
    counts = np.bincount(positions[positions >= 0], minlength=len(texts))
    _report_unknown(column, scale, faults, texts, found, kinds, positions, file)
    missing: dict[MissingKind, int] = {}
    if (positions < 0).any():
        missing[MissingKind.UNANSWERED] = int((positions < 0).sum())
    for kind, count in zip(kinds, counts, strict=True):
        if kind is not None:
            missing[kind] = missing.get(kind, 0) + int(count)
    recoded = sum(
        int(count)
        for text, code, count in zip(texts, found, counts, strict=True)
        if code is not None and one_spelling(text) != one_spelling(as_text(code))
    )
    values = pd.Series(_take(found, positions), index=column.index, name=column.name)
    return Encoded(values, MappingProxyType(missing), recoded)


def _no_answer(text: str, scale: LabelMap, words: Mapping[str, MissingKind]) -> MissingKind | None:
    """Return why a text is no answer, beside a number that is no code of the scale: « 9 - NSP »."""
    numbered = with_number(text)
    kind = missing_kind(text, words)
    if kind is not None or numbered is None or numbered[0] in scale.labels:
        return kind
    return missing_kind(numbered[1], words)


def _take(found: list[Code | None], positions: np.ndarray[Any, Any]) -> Any:
    """Spread the codes of distinct texts over rows: numbers when all codes are, else text."""
    known = [code for code in found if code is not None]
    if all(isinstance(code, (int, float)) for code in known):
        table = np.array([np.nan if code is None else float(code) for code in found] + [np.nan])
        values = table[positions]
        if known and not np.isnan(values).any() and bool((values == np.round(values)).all()):
            return values.astype(np.int64)
        return values
    words = np.array([None if c is None else as_text(c) for c in found] + [None], dtype=object)
    return pd.array(words[positions], dtype="str")


def _report_unknown(
    column: pd.Series[Any],
    scale: LabelMap,
    faults: FindingCollector,
    texts: list[str],
    found: list[Code | None],
    kinds: list[MissingKind | None],
    positions: np.ndarray[Any, Any],
    file: str | None,
) -> None:
    exact, bare = scale.lookups()
    names = [name for code, known in scale.labels.items() for name in known or (as_text(code),)]
    for index, (text, code, kind) in enumerate(zip(texts, found, kinds, strict=True)):
        if code is not None or kind is not None:
            continue
        there = positions == index
        place = SourceRows.of(column).place_of(there, Place(file=file, column=str(column.name)))
        own = _contradicts(text, exact, bare)
        told: dict[str, Any] = {
            "column": str(column.name),
            "found": text[:80],
            "n": int(there.sum()),
        }
        if own is not None:
            faults.add(Finding.error("number_beside_label", place, **told, answer=as_text(own)))
            continue
        close = suggestion(text, scale)
        faults.add(Finding.error("unknown_label", place, **told, nearest=close, known=names[:12]))


def suggestion(text: str, scale: LabelMap) -> str | None:
    """Return the answer of which a text is a slip of the hand; never one of another meaning.

    Examples
    --------
    >>> scale = LabelMap.of({2: "Plutôt en désaccord", 3: "Plutôt en accord"})
    >>> suggestion("Plutôt en acord", scale), suggestion("Plutôt pas vraiment d'accord", scale)
    ('Plutôt en accord', None)
    """
    bare = bare_spelling(text)
    codes = {bare_spelling(name): code for code, names in scale.labels.items() for name in names}
    code = slip_of(bare, codes)
    if code is None:
        return None
    return slip_of(bare, {bare_spelling(n): n for n in scale.labels[code]}) or scale.labels[code][0]


SEPARATORS = (",", ";", "/", "|", "\n", "+")


def split_choices(
    text: str, options: LabelMap, separators: tuple[str, ...] = SEPARATORS
) -> tuple[tuple[Code, ...], str]:
    """Split the answers of one multiple choice by the list of known options, longest match first.

    An option that holds a comma is never cut. What is left over (an "other, please say") is
    returned as text.

    Examples
    --------
    >>> aid = LabelMap.of({"rsa": "RSA", "apl": "Aide au logement (APL, ALS…)"})
    >>> split_choices("RSA, Aide au logement (APL, ALS…), Fonds d'aide", aid)
    (('rsa', 'apl'), "Fonds d'aide")
    """
    exact, bare = options.lookups()
    words = text.split()
    codes = [_find(word, exact, bare) for word in words]
    if len(words) > 1 and all(code is not None for code in codes):  # answer codes apart by spaces
        return tuple(code for code in options.labels if code in codes), ""
    known = sorted(
        (
            (name, code)
            for code, names in options.labels.items()
            for name in (*names, as_text(code))
        ),
        key=lambda pair: -len(pair[0]),
    )
    chosen: set[Code] = set()
    left = unicodedata.normalize("NFC", text)
    for name, code in known:
        if name:
            left, hits = _option_pattern(name, separators).subn("\x00", left)
            if hits:
                chosen.add(code)
    edges = "".join(separators) + "\x00\n\t "
    rest = re.sub(r"\s*\x00+\s*", ", ", left.strip(edges)).strip(edges)
    return tuple(code for code in options.labels if code in chosen), rest


@lru_cache(maxsize=4_096)
def _option_pattern(name: str, separators: tuple[str, ...]) -> re.Pattern[str]:
    """Match an option standing between separators, whatever its case, apostrophes and spaces."""
    parts = []
    for char in unicodedata.normalize("NFC", name).strip():
        if char in "'’‘ʼ":
            parts.append("['’‘ʼ]")
        elif char.isspace():
            parts.append(r"\s+")
        elif char == "…":
            parts.append(r"(?:\.\.\.|…)")
        else:
            parts.append(re.escape(char))
    between = re.escape("".join(separators) + "\x00")
    return re.compile(rf"(?:^|[{between}])\s*{''.join(parts)}\s*(?=[{between}]|$)", re.IGNORECASE)
