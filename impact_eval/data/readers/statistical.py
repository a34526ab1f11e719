"""SPSS and Stata: codes stay the values, labels go to the dictionary, user-missing is counted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.limits import COLUMNS, FILE_MB, MILLION, PACKED_MB, TABLE_CELLS
from impact_eval.data.columnar_bounds import refuse_unpacked
from impact_eval.data.labels import MissingKind, as_text, missing_kind
from impact_eval.data.readers.raw import RawTable
from impact_eval.data.readers.reader import Reader, register_reader
from impact_eval.data.value_labels import missing_label

_TIMES = 20  # how many times texts are packed, blanks at their ends left out
_ENCODINGS = (None, "utf-8", "cp1252", "latin-1")  # as declared in the file, then the usual ones


def read_statistical(path: Path) -> RawTable:
    """Read a `.sav`, `.zsav`, `.por` or `.dta` file."""
    try:
        import pyreadstat
    except ImportError:
        if path.suffix.lower() == ".dta":
            return _stata_by_pandas(path)
        raise ImpactEvalError(
            Finding.error("reader_not_installed", Place(file=path.name), file=path.name,
                          package="pyreadstat", extra="stata-spss")
        ) from None  # fmt: skip
    FILE_MB.refuse_beyond(path.stat().st_size // MILLION, path.name)
    suffix = path.suffix.lower()
    reader = {".sav": pyreadstat.read_sav, ".zsav": pyreadstat.read_sav,
              ".por": pyreadstat.read_por, ".dta": pyreadstat.read_dta}[suffix]  # fmt: skip
    _refuse_bomb(reader, path, pyreadstat)
    frame, meta, findings = _read(reader, path, pyreadstat)
    if not all(isinstance(name, str) for name in frame.columns) or not frame.columns.is_unique:
        raise ImpactEvalError(
            Finding.error("damaged_file", Place(file=path.name), file=path.name,
                          reason=", ".join(map(str, frame.columns))[:200])
        )  # fmt: skip
    labels = {
        str(name): dict(values) for name, values in (meta.variable_value_labels or {}).items()
    }
    titles = {
        str(name): str(text) for name, text in (meta.column_names_to_labels or {}).items() if text
    }
    frame, user_missing, missing = _count_user_missing(frame, meta, labels, path.name)
    return RawTable(
        frame=frame,
        format=suffix.lstrip("."),
        details={"encoding": str(getattr(meta, "file_encoding", None) or "utf-8")},
        findings=(*findings, *user_missing),
        typed=True,
        labels=labels,
        missing=missing,
        titles=titles,
        rows_in=len(frame),
    )


def _refuse_bomb(reader: Any, path: Path, pyreadstat: Any) -> None:
    """Refuse a file whose texts, packed a hundred times, would fill the memory.

    What it declares says how wide its texts may be, not how long they are: they are read by parts,
    each twice the one before, and the reading stops where they are too many.
    """
    meta: Any = None
    for encoding in _ENCODINGS:
        try:
            _, meta = reader(str(path), metadataonly=True, encoding=encoding)
        except (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError, MemoryError, OSError):
            continue
        break
    if meta is None or not meta.number_rows:
        return
    rows, size = int(meta.number_rows), path.stat().st_size
    COLUMNS.refuse_beyond(len(meta.column_names), path.name)
    TABLE_CELLS.refuse_beyond(rows * len(meta.column_names), path.name)
    width = sum(map(int, (meta.variable_storage_width or {}).values())) or 8
    if path.suffix.lower() == ".dta" and rows * width > size:
        raise ImpactEvalError(
            Finding.error("damaged_file", Place(file=path.name), file=path.name,
                          reason=f"{rows} > {size // width}")
        )  # fmt: skip
    refuse_unpacked(8 * rows * len(meta.column_names), size, path.name)
    if rows * width <= 2 * PACKED_MB.value * MILLION:
        return
    start, n, seen = 0, max(1, PACKED_MB.value * MILLION // width), 0
    while start < rows:
        try:
            part, _ = reader(str(path), row_offset=start, row_limit=n, encoding=encoding)
        except (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError, MemoryError, OSError):
            return  # what is wrong with the file is said where it is read
        texts = part.select_dtypes(include=["object", "string"])
        seen += sum(int(texts[name].astype(str).str.len().sum()) for name in texts.columns)
        refuse_unpacked(seen, size, path.name, _TIMES)
        start, n = start + n, 2 * n


def _read(reader: Any, path: Path, pyreadstat: Any) -> tuple[pd.DataFrame, Any, list[Finding]]:
    options: dict[str, Any] = {} if path.suffix.lower() == ".por" else {"user_missing": True}
    reason = ""
    for encoding in _ENCODINGS:
        try:
            frame, meta = reader(str(path), encoding=encoding, **options)
        except (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError, MemoryError) as error:
            reason = str(error)
            continue
        except OSError as error:
            reason = str(error)
            break
        found = []
        if encoding is not None:
            place = Place(file=path.name)
            found.append(Finding.info("encoding_recognised", place, encoding=encoding))
        return frame, meta, found
    raise ImpactEvalError(
        Finding.error("damaged_file", Place(file=path.name), file=path.name, reason=reason[:200])
    )


def _count_user_missing(
    frame: pd.DataFrame, meta: Any, labels: Mapping[str, Mapping[Any, str]], file: str
) -> tuple[pd.DataFrame, list[Finding], dict[str, dict[MissingKind, int]]]:
    """Turn declared missing codes into missing values; count them by code, and by reason."""
    ranges: Mapping[str, Any] = getattr(meta, "missing_ranges", None) or {}
    letters: Mapping[str, Any] = getattr(meta, "missing_user_values", None) or {}
    frame = frame.copy()
    findings = []
    missing: dict[str, dict[MissingKind, int]] = {}
    for name in frame.columns:
        column = frame[name]
        mask = pd.Series(False, index=frame.index)
        for part in ranges.get(name, ()):
            mask |= _within(column, part)
        for letter in letters.get(name, ()):
            mask |= column.map(lambda cell, letter=letter: cell == letter)
        if not mask.any():
            continue
        codes = column[mask].map(as_text).value_counts()
        findings.append(
            Finding.info("declared_missing", Place(file=file, column=str(name)), column=str(name),
                         n=int(mask.sum()), codes=[str(code) for code in codes.index[:12]])
        )  # fmt: skip
        missing[str(name)] = _by_reason(codes, labels.get(str(name), {}))
        kept = column.mask(mask)
        numbers = pd.to_numeric(kept, errors="coerce")
        frame[name] = numbers if numbers.notna().sum() == kept.notna().sum() else kept
    return frame, findings, missing


def _by_reason(codes: pd.Series[Any], labels: Mapping[Any, str]) -> dict[MissingKind, int]:
    """Count declared missing codes by what their labels say; without a label, as not recorded."""
    said = {as_text(code): label for code, label in labels.items()}
    out: dict[MissingKind, int] = {}
    for code, n in codes.items():
        label = said.get(str(code), "")
        kind = missing_kind(label) if label else None
        kind = kind or missing_label(str(code), label) or MissingKind.NOT_RECORDED
        out[kind] = out.get(kind, 0) + int(n)
    return out


def _within(column: pd.Series[Any], part: Mapping[str, Any]) -> pd.Series[bool]:
    low, high = part["lo"], part["hi"]
    if isinstance(low, str) or isinstance(high, str):
        return column.eq(low) | column.eq(high)
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers.between(float(low), float(high))


def _stata_by_pandas(path: Path) -> RawTable:
    try:
        reader: Any
        with pd.read_stata(path, iterator=True, convert_categoricals=False) as reader:
            frame = reader.read()
            titles = {name: text for name, text in reader.variable_labels().items() if text}
            labels = _stata_labels(reader)
    except (ValueError, OSError, KeyError) as error:
        raise ImpactEvalError(
            Finding.error("damaged_file", Place(file=path.name), file=path.name,
                          reason=str(error)[:200])
        ) from None  # fmt: skip
    return RawTable(
        frame=frame, format="dta", typed=True, labels=labels, titles=titles, rows_in=len(frame)
    )


def _stata_labels(reader: Any) -> dict[str, dict[Any, str]]:
    sets = reader.value_labels()
    names = dict(
        zip(getattr(reader, "_varlist", ()), getattr(reader, "_lbllist", ()), strict=False)
    )
    return {column: dict(sets[label]) for column, label in names.items() if label in sets}


register_reader(
    Reader(
        name="statistical",
        tables=frozenset({".sav", ".zsav", ".por", ".dta"}),
        read_table=read_statistical,
    )
)
