"""XLSForms of KoboToolbox and ODK: questions and choice lists as a codebook."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place
from impact_eval.data.cells import ColumnType
from impact_eval.data.codebook import Codebook, ColumnCode
from impact_eval.data.labels import LabelMap, as_text
from impact_eval.data.readers.limesurvey import plain_text
from impact_eval.data.readers.reader import Reader, register_reader
from impact_eval.data.workbook_file import far_cells, read_workbook_file, refused_if_damaged

_TYPES = {
    "integer": ColumnType.NUMBER, "decimal": ColumnType.NUMBER, "range": ColumnType.NUMBER,
    "calculate": None, "text": ColumnType.TEXT, "date": ColumnType.DATE,
    "datetime": ColumnType.DATE, "start": ColumnType.DATE, "end": ColumnType.DATE,
    "today": ColumnType.DATE,
}  # fmt: skip
_SELECT = re.compile(
    r"(select[_ ]one|select1|select[_ ]multiple)\s+(?:from\s+)?(\S+)(?:\s+or_other)?"
)


def read_xlsform(path: Path) -> Codebook:
    """Read an XLSForm into a codebook: names of groups are in the headers, labels in all languages.

    The full list of options comes from the form, so that an option nobody chose is still there.
    """
    sheets = _sheets(path)
    lists: dict[str, dict[str, list[str]]] = {}
    for row in sheets["choices"]:
        name = row.get("list_name") or row.get("list name") or ""
        lists.setdefault(name, {})[row.get("name", "")] = _labels(row)
    faults = FindingCollector()
    columns: list[ColumnCode] = []
    groups: list[str] = []
    for row in sheets["survey"]:
        kind, name = row.get("type", "").strip().lower(), row.get("name", "")
        if re.match(r"begin[_ ](group|repeat)", kind):
            groups.append(name)
        elif re.match(r"end[_ ](group|repeat)", kind):
            groups = groups[:-1]
        elif name:
            column = _column(kind, name, tuple(groups), row, lists, faults, path.name)
            if column is not None:
                columns.append(column)
    faults.raise_if_errors()
    return Codebook(columns=tuple(columns), source=path.name)


def _sheets(path: Path) -> dict[str, list[dict[str, str]]]:
    from python_calamine import CalamineWorkbook

    book = read_workbook_file(path)
    with refused_if_damaged(path.name):
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(book.content))
        names = {name.strip().casefold(): name for name in workbook.sheet_names}
        if "survey" not in names or "choices" not in names:
            raise ImpactEvalError(
                Finding.error("not_a_form", Place(file=path.name), file=path.name)
            )
        for part in ("survey", "choices"):
            far_cells(book, names[part], path.name)
        return {part: _rows(workbook, names[part]) for part in ("survey", "choices")}


def _rows(workbook: Any, sheet: str) -> list[dict[str, str]]:
    grid = workbook.get_sheet_by_name(sheet).to_python()
    if not grid:
        return []
    headers = [as_text(cell).strip() for cell in grid[0]]
    keys = [h.casefold() if ":" not in h else h for h in headers]
    return [
        {key: as_text(cell).strip() for key, cell in zip(keys, row, strict=False) if key}
        for row in grid[1:]
        if any(as_text(cell).strip() for cell in row)
    ]


def _labels(row: Mapping[str, str]) -> list[str]:
    """Return the labels of a row in every language, in the order of the columns."""
    texts = (plain_text(v) for k, v in row.items() if k.casefold().split("::")[0] == "label")
    return list(dict.fromkeys(text for text in texts if text))


def _column(
    kind: str,
    name: str,
    groups: tuple[str, ...],
    row: Mapping[str, str],
    lists: Mapping[str, dict[str, list[str]]],
    faults: FindingCollector,
    file: str,
) -> ColumnCode | None:
    labels = _labels(row)
    path = (*groups, name)
    sources = tuple(dict.fromkeys(("/".join(path), "-".join(path), *labels)))
    title = labels[0] if labels else None
    select = _SELECT.fullmatch(kind)
    if select is None:
        if kind not in _TYPES:
            return None
        return ColumnCode(name=name, sources=sources, type=_TYPES[kind], optional=True, title=title)
    options = lists.get(select[2])
    if not options:
        faults.add(Finding.error("unknown_choice_list", Place(file=file, key=name), column=name,
                                 found=select[2], known=sorted(lists)[:12]))  # fmt: skip
        return None
    multiple = "multiple" in select[1]
    return ColumnCode(
        name=name,
        sources=sources,
        type=ColumnType.MULTIPLE if multiple else ColumnType.CHOICE,
        labels=LabelMap.of(options),
        optional=True,
        title=title,
    )


register_reader(Reader(name="xlsform", forms=frozenset({".xlsx", ".xls"}), read_form=read_xlsform))
