"""What a code of the file means: by the label that the file carries beside it, never by its size.

A file where 1 is « Tout à fait en accord » is scored by its words. Labels that the scale does not
know, two labels that say one answer, a code without a label among others that are not the scale's
own: each is refused with the codes and the labels seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.data.answer_words import with_number
from impact_eval.data.labels import EXAMPLES, Code, LabelMap, MissingKind, as_text, bare_spelling
from impact_eval.data.source_rows import SourceRows
from impact_eval.data.value_labels import Wordings, missing_label

FloatArray = NDArray[np.float64]
MOST_SHOWN = 12  # codes that a message lists


class ReadBy(StrEnum):
    """How the answers of a column became codes of the scale."""

    LABEL = "label"  # codes, by the labels that the file carries
    WORDS = "words"  # answers written out
    CODE = "code"  # codes, taken as the scale's own


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """One code of a file: its label there, the answer of the scale it is, its points.

    Attributes
    ----------
    code : str or None
        As the file has it; None where the file has words.
    label : str or None
        As the file has it.
    answer : int or None
        Code of the scale; None for what is no answer.
    points : float or None
        What it counts in the score, keyed.
    missing : MissingKind or None
        Why it counts as no answer.
    n : int or None
        Answers of the table; None for what is no answer.
    """

    code: str | None
    label: str | None
    answer: int | None
    points: float | None
    missing: MissingKind | None
    n: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCodes:
    """What each code of one item means: the code table that a report shows."""

    item: str
    column: str
    by: ReadBy
    rows: tuple[CodeRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON."""
        rows = [
            {"code": r.code, "label": r.label, "answer": r.answer, "points": r.points,
             "missing": None if r.missing is None else r.missing.value, "n": r.n}
            for r in self.rows
        ]  # fmt: skip
        return {"item": self.item, "column": self.column, "by": self.by.value, "rows": rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers to one item, in the scale's own codes.

    Attributes
    ----------
    codes : (n,) array
        NaN where there is no answer.
    by : ReadBy
    seen : tuple of CodeRow
        What each labelled code of the file was taken for.
    """

    codes: FloatArray
    by: ReadBy
    seen: tuple[CodeRow, ...]

    @property
    def moved(self) -> tuple[tuple[str, str], ...]:
        """The codes that the labels changed, and into what."""
        return tuple(
            (row.code, as_text(row.answer)) for row in self.seen
            if row.code is not None and row.answer is not None and row.code != as_text(row.answer)
        )  # fmt: skip


def read_by_label(
    cells: pd.Series[Any],
    labels: Wordings,
    scale: LabelMap,
    bounds: tuple[float, float],
    faults: FindingCollector,
    *,
    item: str,
    own: bool,
) -> Answers | None:
    """Return the answers of a column by the labels that its file carries; None when refused.

    Parameters
    ----------
    cells : Series
        Codes of the file.
    labels : mapping of code to wordings
    scale : LabelMap
        The scale's answers in all its languages; empty for one whose answers are numbers.
    bounds : tuple
        Lowest and highest code of the scale.
    faults : FindingCollector
        Receives `labels_unknown`, `labels_say_one_answer`, `codes_without_label`,
        `number_beside_label` and `labels_upside_down`.
    item : str
    own : bool
        Whether the scale is the user's own: its labels cannot then run the wrong way.
    """
    place = Place(column=str(cells.name))
    missing = _missing(labels)
    said = {code: names for code, names in labels.items() if code not in missing and names}
    if scale.labels:
        meant = _matched(said, scale, faults, item, place)
    else:
        meant = _numbered(said, bounds, faults, item, place, own=own)
    if meant is None:
        return None
    table = {
        **{code: float(answer) for code, answer in meant.items()},
        **dict.fromkeys(missing, np.nan),
    }
    positions, distinct = pd.factorize(cells, use_na_sentinel=True)
    texts = [re.sub(r"(?<=\d)[.,]0+$", "", as_text(cell).strip()) for cell in distinct]
    others = sorted({text for text in texts if text and text not in table})
    same = all(code == as_text(answer) for code, answer in meant.items())
    numbers = {text: number for text in others if (number := _number(text)) is not None}
    lost = [text for text in others if text not in numbers or not same]
    if lost:
        there = np.isin(positions, [i for i, text in enumerate(texts) if text in lost])
        faults.add(Finding.error("codes_without_label", SourceRows.of(cells).place_of(there, place),
                                 item=item, column=place.column, n=int(there.sum()),
                                 codes=lost[:EXAMPLES], labels=_shown(labels)))  # fmt: skip
        return None
    table |= numbers
    values = [table[text] if text else np.nan for text in texts]
    codes = np.array([*values, np.nan], dtype=np.float64)[positions]  # -1, the last: no answer
    return Answers(codes=codes, by=ReadBy.LABEL, seen=_seen(labels, meant, missing))


def read_by_code(cells: pd.Series[Any], codes: FloatArray, *, words: bool) -> Answers:
    """Return answers that were read without labels: words of the scale, or codes taken as its own.

    Parameters
    ----------
    cells : Series
    codes : (n,) array
        As they were read.
    words : bool
        Whether the scale has words, which the column may hold.
    """
    written = words and not pd.api.types.is_numeric_dtype(cells)
    if written:
        texts = (as_text(cell).strip() for cell in pd.unique(cells.dropna()))
        written = any(_number(text) is None for text in texts if text)
    return Answers(codes=codes, by=ReadBy.WORDS if written else ReadBy.CODE, seen=())


def _missing(labels: Wordings) -> dict[str, MissingKind]:
    out = {}
    for code, names in labels.items():
        kinds = [missing_label(code, name) for name in names]
        if kinds and kinds[0] is not None and None not in kinds:
            out[code] = kinds[0]
    return out


def _seen(
    labels: Wordings, meant: Mapping[str, int], missing: Mapping[str, MissingKind]
) -> tuple[CodeRow, ...]:
    return tuple(
        CodeRow(code=code, label=names[0] if names else None, answer=meant.get(code), points=None,
                missing=missing.get(code), n=None)
        for code, names in labels.items()
        if code in meant or code in missing
    )  # fmt: skip


def _number(text: str) -> float | None:
    return float(text.replace(",", ".")) if re.fullmatch(r"-?\d+([.,]\d+)?", text) else None


def _shown(labels: Wordings) -> list[str]:
    listed = [f"{code} = {names[0]}" for code, names in labels.items() if names]
    return listed[:MOST_SHOWN]


def _matched(
    labels: Wordings, scale: LabelMap, faults: FindingCollector, item: str, place: Place
) -> dict[str, int] | None:
    """Return the answer of the scale that each labelled code is, when all of them are one each."""
    told = {"item": item, "column": place.column, "labels": _shown(labels)}
    meant: dict[str, int] = {}
    unknown = []
    for code, names in labels.items():
        found = {answer for name in names if (answer := _answer(name, scale)) is not None}
        beside = [as_text(n[0]) for n in map(with_number, names) if n is not None]
        if _number(code) is not None and set(beside) - {code, *map(as_text, found)}:
            faults.add(Finding.error("number_beside_label", place, column=place.column,
                                     found=names[0][:80], n=1, answer=code))  # fmt: skip
            return None
        if len(found) != 1:
            unknown.append(names[0][:80])
        else:
            meant[code] = found.pop()
    if unknown:
        known = [names[0] for names in scale.labels.values() if names]
        faults.add(Finding.error("labels_unknown", place, **told, found=unknown[:MOST_SHOWN],
                                 n=len(unknown), known=known))  # fmt: skip
        return None
    if len(set(meant.values())) < len(meant):
        faults.add(Finding.error("labels_say_one_answer", place, **told))
        return None
    return meant


def _answer(label: str, scale: LabelMap) -> int | None:
    """Return the answer that a label is, with or without the number of the file beside it."""
    numbered = with_number(label)
    for text in (label, *(() if numbered is None else (numbered[1],))):
        code: Code | None = scale.code_of(text)
        if isinstance(code, int):
            return code
    return None


def _numbered(
    labels: Wordings,
    bounds: tuple[float, float],
    faults: FindingCollector,
    item: str,
    place: Place,
    *,
    own: bool,
) -> dict[str, int] | None:
    """Return the number that each label is, on a scale whose answers are numbers.

    The code 1 labelled « 0 » is the answer 0: some tools count from 1. Words at the ends of the
    scale follow the numbers between them.
    """
    told = {"item": item, "column": place.column, "labels": _shown(labels)}
    shifts = set()
    for code, names in labels.items():
        number, seen = _number(code), _written_number(names[0])
        if number is None:
            faults.add(Finding.error("labels_unknown", place, **told, n=1, found=(names[0][:80],),
                                     known=(as_text(bounds[0]), as_text(bounds[1]))))  # fmt: skip
            return None
        if seen is not None:
            shifts.add(seen - number)
    if len(shifts) > 1 or any(shift != np.floor(shift) for shift in shifts):
        faults.add(Finding.error("labels_say_one_answer", place, **told))
        return None
    shift = shifts.pop() if shifts else 0.0
    if _upside_down(labels):
        make = Finding.warning if own else Finding.error
        faults.add(make("labels_upside_down", place, **told))
        if not own:
            return None
    return {code: int(float(code) + shift) for code in labels}


def _written_number(label: str) -> float | None:
    numbered = with_number(label)
    return float(numbered[0]) if numbered is not None else _number(label.strip())


_NONE = re.compile(
    r"(pas|point) (du tout|d accord)|jamais|aucun(e|ement)?|nullement|en desaccord|desaccord"
    r"|not at all|never|none|disagree"
)
_FULL = re.compile(
    r"tout a fait|totalement|entierement|completement|parfaitement|extremement|toujours"
    r"|tout le temps|completely|totally|entirely|extremely|always|strongly agree|all the time"
)


def _upside_down(labels: Wordings) -> bool:
    """Whether the words of the lowest code say the most, and those of the highest the least."""
    codes = sorted(labels, key=float)
    if len(codes) < 2:
        return False
    low, high = (bare_spelling(labels[code][0]) for code in (codes[0], codes[-1]))
    return _degree(low) > _degree(high)


def _degree(words: str) -> int:
    if _NONE.search(words):
        return -1
    return 1 if _FULL.search(words) else 0


# -- what codes alone say ---------------------------------------------------------------------


def tell_moved(
    answers: Mapping[str, Answers], columns: Mapping[str, str], faults: FindingCollector
) -> None:
    """Tell the codes that labels changed, once for all the items that share them."""
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for name, read in answers.items():
        if read.moved:
            groups.setdefault(read.moved, []).append(name)
    for moved, names in groups.items():
        faults.add(
            Finding.warning("recoded_by_label", Place(column=columns[names[0]]), items=len(names),
                            names=names, pairs=[f"{old} → {new}" for old, new in moved])
        )  # fmt: skip


def code_table(
    read: Answers, *, item: str, column: str, points: Mapping[int, float], words: LabelMap
) -> ItemCodes:
    """Return the code table of an item: every answer of the scale, then what is no answer.

    Parameters
    ----------
    read : Answers
    item, column : str
    points : mapping of answer to points, keyed
    words : LabelMap
        The scale's own answers, for a column of written ones.
    """
    counts = {answer: int((read.codes == answer).sum()) for answer in points}
    rows = [row for row in read.seen if row.answer is None or row.answer in points]
    held = {row.answer for row in rows}
    for answer in points:
        if answer in held:
            continue
        named = words.labels.get(answer, ())
        written = read.by is ReadBy.WORDS
        if read.by is ReadBy.LABEL and not counts[answer]:
            continue
        rows.append(
            CodeRow(code=None if written and named else as_text(answer),
                    label=named[0] if written and named else None,
                    answer=answer, points=None, missing=None, n=0)
        )  # fmt: skip
    told = tuple(
        row if row.answer is None
        else replace(row, points=float(points[row.answer]), n=counts[row.answer])
        for row in sorted(rows, key=lambda r: (r.answer is None, r.answer or 0))
    )  # fmt: skip
    return ItemCodes(item=item, column=column, by=read.by, rows=told)
