"""The data dictionary of REDCap (CSV): fields, types and choices as a codebook.

One row per field; the choices of a list stand in one cell, `1, Oui | 2, Non`. A field of boxes to
tick is exported as one column per box, `aides___rsa`, or by labels `Aides (choice=RSA)`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place
from impact_eval.core.plain_files import read_plain
from impact_eval.data.cells import ColumnType
from impact_eval.data.codebook import Codebook, ColumnCode
from impact_eval.data.labels import LabelMap, bare_spelling
from impact_eval.data.readers.delimited import decode, sniff_separator
from impact_eval.data.readers.limesurvey import plain_text
from impact_eval.data.readers.reader import Reader, register_reader

# how the headings of the tool begin, in their bare spelling
_BEGIN = 3  # words
_FIELD, _KIND, _LABEL = "variable / field", "field type", "field label"
_CHOICES, _CHECK = "choices calculations or", "text validation type"
_LISTS = frozenset({"radio", "dropdown", "checkbox"})
_YES_NO = {"yesno": {"1": ["Oui", "Yes"], "0": ["Non", "No"]},
           "truefalse": {"1": ["Vrai", "True"], "0": ["Faux", "False"]}}  # fmt: skip
_SILENT = frozenset({"descriptive", "file"})  # exported without an answer to read
_NUMBERS = frozenset({"calc", "slider"})


def read_dictionary(path: Path) -> Codebook:
    """Read a data dictionary into a codebook; columns that the export lacks are no fault.

    Raises
    ------
    ImpactEvalError
        `not_a_dictionary`, `unreadable_choices`: all at once.
    """
    text = decode(read_plain(path), path.name)[0]
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=sniff_separator(text)))
    bare = [bare_spelling(cell) for cell in lines[0]] if lines else []
    heads = [" ".join(head.split()[:_BEGIN]) for head in bare]
    if not {_FIELD, _KIND, _CHOICES} <= set(heads):
        raise ImpactEvalError(
            Finding.error("not_a_dictionary", Place(file=path.name), file=path.name)
        )
    faults = FindingCollector()
    columns = [
        column
        for cells in lines[1:]
        if (column := _column(_row(heads, cells), path.name, faults)) is not None
    ]
    faults.raise_if_errors()
    return Codebook(columns=tuple(columns), source=path.name)


def _row(heads: Sequence[str], cells: Sequence[str]) -> Mapping[str, str]:
    return {head: cell.strip() for head, cell in zip(heads, cells, strict=False)}


def _column(row: Mapping[str, str], file: str, faults: FindingCollector) -> ColumnCode | None:
    name, kind = row.get(_FIELD, ""), row.get(_KIND, "").casefold()
    if not name or kind in _SILENT:
        return None
    label = plain_text(row.get(_LABEL, ""))
    labels: LabelMap | None = None
    if kind in _LISTS:
        choices = _choices(row.get(_CHOICES, ""))
        if choices is None:
            faults.add(Finding.error("unreadable_choices", Place(file=file, key=name), column=name,
                                     found=row.get(_CHOICES, "")[:80]))  # fmt: skip
            return None
        labels = LabelMap.of(choices)
    elif kind in _YES_NO:
        labels = LabelMap.of(_YES_NO[kind])
    return ColumnCode(
        name=name,
        sources=(label,) if label else (),
        type=_type(kind, row.get(_CHECK, "").casefold()),
        labels=labels,
        optional=True,
        title=label or None,
    )


def _choices(cell: str) -> dict[str, list[str]] | None:
    """Return the label of each code, None for a list that is not written as the tool does."""
    out: dict[str, list[str]] = {}
    for part in re.split(r"[|\n]", cell):
        if not part.strip():
            continue
        code, comma, label = part.partition(",")
        if not comma or not code.strip() or code.strip() in out:
            return None
        out[code.strip()] = [plain_text(label) or code.strip()]
    return out or None


def _type(kind: str, check: str) -> ColumnType | None:
    if kind == "checkbox":
        return ColumnType.MULTIPLE
    if kind in _LISTS or kind in _YES_NO:
        return ColumnType.CHOICE
    if kind in _NUMBERS or check.startswith(("number", "integer")):
        return ColumnType.NUMBER if kind != "calc" else None
    if check.startswith(("date_", "datetime_")):
        return ColumnType.DATE
    return ColumnType.TEXT if kind == "notes" else None


register_reader(Reader(name="redcap", forms=frozenset({".csv"}), read_form=read_dictionary))
