"""The answers of a table in the codes of a scale: by label, by words, or codes as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.data.labels import EXAMPLES, as_text, encode
from impact_eval.data.source_rows import SourceRows
from impact_eval.data.value_labels import TOOL_CODE, Wordings, carried_labels
from impact_eval.data.written import parse_number
from impact_eval.survey.answer_codes import Answers, read_by_code, read_by_label, tell_moved
from impact_eval.survey.code_checks import check_codes
from impact_eval.survey.scale import Scale

FloatArray = NDArray[np.float64]


def read_answers(
    instrument: Scale, frame: pd.DataFrame, columns: Mapping[str, str], faults: FindingCollector
) -> dict[str, Answers]:
    """Return the answers to every item in the scale's own codes; what is wrong is told at once.

    Parameters
    ----------
    instrument : Scale
    frame : DataFrame
        With the labels of its file, if it has any.
    columns : mapping of item to column
    faults : FindingCollector

    Raises
    ------
    ImpactEvalError
        `tool_codes_without_labels`, every fault of `read_by_label` and `check_codes`, and those
        found before.
    """
    carried = carried_labels(frame)
    read: dict[str, Answers] = {}
    _refuse_tool_codes(frame, [c for c in columns.values() if not carried.get(c)], faults)
    for name, column in columns.items():
        answers = _read(instrument, name, frame[column], carried.get(column, {}), faults)
        if answers is not None:
            read[name] = answers
    bounds = {name: instrument.bounds(name) for name in columns}
    words = {name: instrument.labels(name) for name in columns}
    check_codes(read, columns, bounds, words, SourceRows.of(frame), faults)
    faults.raise_if_errors()
    tell_moved(read, columns, faults)
    return read


def _refuse_tool_codes(
    frame: pd.DataFrame, columns: Sequence[str], faults: FindingCollector
) -> None:
    """Refuse the answer codes of a tool without their labels: A1 may be the most or the least."""
    held: dict[str, list[str]] = {}
    for column in columns:
        cells = frame[column]
        if pd.api.types.is_numeric_dtype(cells):
            continue
        texts = sorted({as_text(cell).strip() for cell in pd.unique(cells.dropna())} - {""})
        codes = [text for text in texts if TOOL_CODE.fullmatch(text)]
        if codes:
            held[column] = codes
    if held:
        first, codes = next(iter(held.items()))
        faults.add(Finding.error("tool_codes_without_labels", Place(column=first), n=len(held),
                                 columns=list(held), codes=codes[:EXAMPLES]))  # fmt: skip
        faults.raise_if_errors()


def _read(
    instrument: Scale,
    name: str,
    cells: pd.Series[Any],
    labels: Wordings,
    faults: FindingCollector,
) -> Answers | None:
    """Return the answers to one item: by the labels of the file, by words, or codes as they are."""
    words = instrument.labels(name)
    bounds = instrument.bounds(name)
    if labels:
        return read_by_label(cells, labels, words, bounds, faults, item=name, own=instrument.local)
    if pd.api.types.is_numeric_dtype(cells):
        codes = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    elif not words.labels or _only_numbers(cells):
        codes = _numbers(cells, str(cells.name), faults)
    else:
        encoded = encode(cells, words, faults)
        codes = encoded.values.to_numpy(dtype=np.float64, na_value=np.nan)
        _note_mixed(cells, str(cells.name), faults)
    return read_by_code(cells, codes, words=bool(words.labels))


def _only_numbers(cells: pd.Series[Any]) -> bool:
    """Whether a column of text holds whole numbers alone: codes, to be judged as codes."""
    texts = [as_text(cell).strip() for cell in pd.unique(cells.dropna())]
    written = [text for text in texts if text]
    return bool(written) and all(re.fullmatch(r"-?\d+(?:[.,]0+)?", text) for text in written)


def _numbers(cells: pd.Series[Any], column: str, faults: FindingCollector) -> FloatArray:
    texts = [as_text(cell).strip() for cell in cells]
    parsed = [parse_number(text) if text else None for text in texts]
    bad = [i for i, text in enumerate(texts) if text and parsed[i] is None]
    if bad:
        seen, there = SourceRows.of(cells), np.asarray(bad)
        faults.add(Finding.error("unreadable_cells", seen.place(there, column),
                                 column=column, wanted="number", n=len(bad),
                                 examples=[texts[i][:80] for i in bad[:EXAMPLES]],
                                 rows=seen.file_rows(there, column, most=EXAMPLES)))  # fmt: skip
    return np.array([np.nan if p is None else p[0] for p in parsed])


def _note_mixed(cells: pd.Series[Any], column: str, faults: FindingCollector) -> None:
    """Report a column that mixes codes and labels: both are read, and it is worth a look."""
    texts = [as_text(cell).strip() for cell in cells.dropna().unique()]
    coded = [text for text in texts if re.fullmatch(r"\d+(?:[.,]0+)?", text)]
    written = [text for text in texts if text not in coded]
    if coded and len(coded) < len([t for t in texts if t]):
        faults.add(Finding.warning("mixed_labels", Place(column=column), column=column,
                                   codes=coded[:EXAMPLES],
                                   labels=written[:EXAMPLES]))  # fmt: skip
