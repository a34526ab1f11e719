"""Multiple choices, however a tool writes them: one column per option, or all in one cell.

LimeSurvey writes `AIDES[RSA]` with `Y` or nothing (codes) or Oui/Non (labels); Kobo writes a
summary column and `aides/rsa` with 0/1, REDCap `aides___rsa`; Google Forms and hand-kept sheets
write one cell. The result is the same: one 0/1 column per known option, and the free answer as
text. A row with no answer at all stays missing, it is never counted as "no".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from impact_eval.core.findings import Finding, Place
from impact_eval.data.codebook import ColumnCode, find_header
from impact_eval.data.labels import (
    EXAMPLES,
    MISSING_WORDS,
    Code,
    LabelMap,
    MissingKind,
    as_text,
    bare_spelling,
    missing_kind,
    one_spelling,
    split_choices,
)
from impact_eval.data.source_rows import SourceRows
from impact_eval.data.yes_no import yes_or_no

_CHOICE = re.compile(r"(.*\S)\s*\((?:choice|choix)=(.*)\)")  # of REDCap, by labels
_OTHER = frozenset({"other", "autre", "autres", "autre precisez", "autre preciser"})


@dataclass(frozen=True, slots=True)
class MultipleChoice:
    """A multiple choice as read.

    Attributes
    ----------
    headers : tuple of str
        Columns of the file it was read from; empty when the file has none.
    columns : mapping of name to Series
        `question_option` as 0/1 with missing, and the text of other answers.
    options : mapping of name to label
        Which of the columns are options.
    findings : tuple of Finding
    """

    headers: tuple[str, ...]
    columns: Mapping[str, pd.Series[Any]] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def read_multiple(
    frame: pd.DataFrame,
    code: ColumnCode,
    *,
    missing_words: Mapping[str, MissingKind] = MISSING_WORDS,
    file: str | None = None,
) -> MultipleChoice:
    """Read one multiple choice from the columns of a raw table."""
    assert code.labels is not None
    headers = tuple(map(str, frame.columns))
    per_option, other = _option_columns(headers, code)
    summary = find_header(code, tuple(h for h in headers if h not in per_option.values()))
    if summary is not None and summary == other:
        summary = None
    used = tuple(
        dict.fromkeys(
            h for h in (summary, *per_option.values(), other, *_flags(headers, code)) if h
        )
    )
    ordered = tuple(h for h in headers if h in used)
    if not per_option and summary is None:
        return MultipleChoice(())
    if per_option:
        values, text, findings = _from_columns(frame, code, per_option, other, missing_words, file)
    else:
        assert summary is not None
        values, text, findings = _from_cell(frame[summary], code, missing_words, file)
        if other is not None:
            text = frame[other].map(lambda cell: as_text(cell).strip() or None)
    columns: dict[str, pd.Series[Any]] = {}
    options = {}
    for option, names in code.labels.labels.items():
        name = f"{code.name}_{as_text(option)}"
        columns[name] = values[option].rename(name)
        options[name] = names[0] if names else as_text(option)
    ending = code.other or "autre"
    if code.other is not None or text.notna().any():
        name = f"{code.name}_{ending}"
        columns[name] = pd.Series(
            pd.array(text.tolist(), dtype="str"), index=frame.index, name=name
        )
    return MultipleChoice(ordered, columns, options, findings)


def _option_columns(
    headers: tuple[str, ...], code: ColumnCode
) -> tuple[dict[Code, str], str | None]:
    """Return the column of each option, and the column of the free answer."""
    assert code.labels is not None
    stems = {bare_spelling(header) for header in code.headers}
    exact, bare = code.labels.lookups()
    found: dict[Code, str] = {}
    other = None
    for header in headers:
        for stem, option in _cuts(header):
            if bare_spelling(stem) not in stems:
                continue
            key = exact.get(one_spelling(option), bare.get(bare_spelling(option)))
            if key is not None:
                found.setdefault(key, header)
            elif bare_spelling(option) in _OTHER and "[" in header:
                other = header
    if other is None:
        wanted = {f"{stem} {word}" for stem in stems for word in _OTHER}
        other = next((h for h in headers if bare_spelling(h) in wanted and "/" not in h), None)
    return found, other


def _cuts(header: str) -> list[tuple[str, str]]:
    """Return the ways to cut a header into a question and an option."""
    out = []
    if header.rstrip().endswith("]") and "[" in header:
        stem, _, option = header.rstrip()[:-1].rpartition(" [")
        if not stem:
            stem, _, option = header.rstrip()[:-1].partition("[")
        out.append((stem.strip(), option.strip()))
    choice = _CHOICE.fullmatch(header.strip())
    if choice:
        out.append((choice[1], choice[2]))
    for joint in ("___", " / ", "/", ".", ":"):
        if joint in header:
            stem, _, option = header.rpartition(joint)
            out.append((stem.strip(), option.strip()))
            if "/" in stem:
                out.append((stem.rsplit("/", 1)[1].strip(), option.strip()))
    return out


def _flags(headers: tuple[str, ...], code: ColumnCode) -> list[str]:
    """Return the 0/1 column of "other" that Kobo adds: it says no more than the text does."""
    stems = {bare_spelling(header) for header in code.headers}
    return [
        header for header in headers if "/" in header
        for stem, option in _cuts(header)
        if bare_spelling(stem) in stems and bare_spelling(option) in _OTHER
    ]  # fmt: skip


def _from_columns(
    frame: pd.DataFrame,
    code: ColumnCode,
    per_option: Mapping[Code, str],
    other: str | None,
    missing_words: Mapping[str, MissingKind],
    file: str | None,
) -> tuple[dict[Code, pd.Series[Any]], pd.Series[Any], tuple[Finding, ...]]:
    assert code.labels is not None
    findings = []
    answers: dict[Code, Any] = {}
    seen = np.zeros(len(frame), dtype=bool)
    for option, header in per_option.items():
        texts = [as_text(cell).strip() for cell in frame[header]]
        values = np.array([np.nan if (a := yes_or_no(t)) is None else a for t in texts])
        strange = [
            i for i, t in enumerate(texts)
            if np.isnan(values[i]) and missing_kind(t, missing_words) is None
        ]  # fmt: skip
        ticked = [i for i in strange if option == code.labels.code_of(texts[i])]
        values[ticked] = 1.0  # some tools repeat the label of the option instead of a yes
        wrong = [i for i in strange if i not in set(ticked)]
        if wrong:
            told = SourceRows.of(frame)
            place = told.place_of(np.asarray(wrong), Place(file=file, column=header))
            findings.append(
                Finding.error("unreadable_cells", place, column=header, wanted="boolean",
                              n=len(wrong), examples=[texts[i][:80] for i in wrong[:EXAMPLES]],
                              rows=told.file_rows(np.asarray(wrong), most=EXAMPLES))
            )  # fmt: skip
        answers[option] = values
        seen |= ~np.isnan(values)
    text = pd.Series(None, index=frame.index, dtype=object)
    if other is not None:
        written = [as_text(cell).strip() for cell in frame[other]]
        said = [None if missing_kind(t, missing_words) is not None else t for t in written]
        text = pd.Series(said, index=frame.index, dtype=object)
        seen |= text.notna().to_numpy()
    absent = [as_text(option) for option in code.labels.labels if option not in per_option]
    if absent:
        place = Place(file=file, column=code.name)
        findings.append(Finding.warning("options_absent", place, column=code.name, options=absent))
    out = {}
    for option in code.labels.labels:
        values = answers.get(option, np.full(len(frame), np.nan))
        blanks = np.where(seen, 0.0, np.nan)  # answered, and this option left unticked
        out[option] = pd.Series(np.where(np.isnan(values), blanks, values), index=frame.index)
    return {option: _whole(values) for option, values in out.items()}, text, tuple(findings)


def _from_cell(
    column: pd.Series[Any],
    code: ColumnCode,
    missing_words: Mapping[str, MissingKind],
    file: str | None,
) -> tuple[dict[Code, pd.Series[Any]], pd.Series[Any], tuple[Finding, ...]]:
    assert code.labels is not None
    labels = code.labels
    if not any(labels.code_of(word) is not None for word in _OTHER):
        labels = LabelMap.of({**dict(labels.labels), "\x01other": ("other",)})
    chosen: list[tuple[Code, ...] | None] = []
    rests: list[str | None] = []
    memory: dict[str, tuple[tuple[Code, ...], str]] = {}
    for cell in column:
        text = as_text(cell).strip()
        if missing_kind(text, missing_words) is not None and labels.code_of(text) is None:
            chosen.append(None)
            rests.append(None)
            continue
        if text not in memory:
            memory[text] = split_choices(text, labels)
        codes, rest = memory[text]
        chosen.append(codes)
        rests.append(rest or None)
    findings = []
    others = [rest for rest in rests if rest]
    if others and code.other is None:
        place = Place(file=file, column=str(column.name))
        findings.append(
            Finding.warning("other_answers", place, column=str(column.name), n=len(others),
                            examples=sorted(set(others))[:EXAMPLES])
        )  # fmt: skip
    values = {
        option: _whole(
            pd.Series(
                [np.nan if c is None else float(option in c) for c in chosen], index=column.index
            )
        )
        for option in code.labels.labels
    }
    return values, pd.Series(rests, index=column.index, dtype=object), tuple(findings)


def _whole(values: pd.Series[Any]) -> pd.Series[Any]:
    return values if values.isna().any() else values.astype(np.int64)
