"""What `check` proposes: the lines of `[data.waves]` that the tables of a study look like.

Three shapes are recognised, each with its one declaration: waves side by side in the columns of a
table, one sheet per wave, one file per wave. Nothing is declared for the user: lines to paste.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.period_order import period_order
from impact_eval.data.pseudonyms import label_text
from impact_eval.data.readers.reader import table_endings
from impact_eval.data.reading import read_chosen
from impact_eval.data.wave_shapes import SideBySide, waves_side_by_side
from impact_eval.data.waves import WAVE
from impact_eval.data.workbook_file import read_workbook_file, refused_if_damaged
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import DataPart
from impact_eval.pipeline.study_tables import SeenTable

SHARED = 0.5  # of the smaller table: people met in both, for two tables to be two waves
MOST_TABLES = 6  # looked at beside the one declared
MOST_BYTES = 5_000_000
_WORKBOOKS = frozenset({".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"})


class WaveShape(StrEnum):
    """How the waves of a table are kept."""

    SIDE_BY_SIDE = "side_by_side"
    SHEETS = "sheets"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A declaration to paste: the shape recognised, and its lines of TOML."""

    shape: WaveShape
    lines: tuple[str, ...]


def propose(study: Study, tables: Sequence[SeenTable]) -> tuple[Proposal, ...]:
    """Return the declarations that the main table of a study looks like; none when it has one.

    Parameters
    ----------
    study : Study
    tables : sequence of SeenTable
        The main table as it was read; none when it could not be.
    """
    part = study.declaration.data
    if part.waves is not None or len(tables) != 1:
        return ()
    names = [str(column["name"]) for column in tables[0].columns]
    if part.roles.time in names:
        return ()  # its rows are people and dates already
    beside = waves_side_by_side(names)
    if beside is not None:
        return (Proposal(WaveShape.SIDE_BY_SIDE, (*_head(part), *_waves(beside.names, beside))),)
    unit = part.roles.unit
    if unit not in names:
        return ()
    return tuple(_of_other_tables(study, part, unit))


def _of_other_tables(study: Study, part: DataPart, unit: str) -> Iterator[Proposal]:
    path = study.path(part.file)
    first = _people(path, part.sheet, unit)
    sheets = _sheets(path) if part.sheet is None else ()
    if len(sheets) > 1:
        whole = [(sheet, _people(path, sheet, unit)) for sheet in sheets[:MOST_TABLES]]
        alike = [(sheet, found) for sheet, found in whole if _shared(first, found)]
        if len(alike) > 1:
            yield _one_each(WaveShape.SHEETS, part, alike)
            return
    others = [
        other
        for other in sorted(study.folder.iterdir())
        if other.suffix.lower() in table_endings()
        and other != path
        and other.stat().st_size <= MOST_BYTES
    ]
    found = [(other.name, _people(other, None, unit)) for other in others[:MOST_TABLES]]
    alike = [(part.file, first), *((name, t) for name, t in found if _shared(first, t))]
    if len(alike) > 1:
        yield _one_each(WaveShape.FILES, part, alike)


def _one_each(
    shape: WaveShape, part: DataPart, tables: Sequence[tuple[str, _Proposed | None]]
) -> Proposal:
    """Return the declaration of one table per wave, in the order that their names tell."""
    labels = [Path(name).stem if shape is WaveShape.FILES else name for name, _ in tables]
    order = period_order(labels)
    ranks = range(len(labels)) if order is None else order.tolist()
    names = [tables[i][0] for i in ranks]
    columns = [c for i in ranks if (t := tables[i][1]) is not None for c in t.columns]
    beside = waves_side_by_side(columns)
    if beside is not None and len(beside.names) != len(names):
        beside = None
    told = _waves([labels[i] for i in ranks], None)
    lines = [*_head(part, file=names[0] if shape is WaveShape.FILES else None), *told]
    lines.append(f"{shape.value} = {_toml(names)}")
    lines += _columns(beside)
    return Proposal(shape, tuple(lines))


@dataclass(frozen=True, slots=True)
class _Proposed:
    """A table that may be a wave: its columns, and the labels of its units."""

    columns: tuple[str, ...]
    units: frozenset[str]


def _people(path: Path, sheet: str | int | None, unit: str) -> _Proposed | None:
    try:
        table = read_chosen(path, (unit,), sheet=sheet)
    except ImpactEvalError:
        return None
    names = table.names
    if names.count(unit) != 1:
        return None
    labels = table.frame[unit].dropna().tolist()
    return _Proposed(names, frozenset(label_text(label).strip().casefold() for label in labels))


def _shared(one: _Proposed | None, other: _Proposed | None) -> bool:
    """Whether two tables are of the same people, for a good part."""
    if one is None or other is None or not one.units or not other.units:
        return False
    least = min(len(one.units), len(other.units))
    return len(one.units & other.units) >= SHARED * least


def _sheets(path: Path) -> tuple[str, ...]:
    if path.suffix.lower() not in _WORKBOOKS:
        return ()
    from python_calamine import CalamineWorkbook

    try:
        book = read_workbook_file(path)
        with refused_if_damaged(path.name):
            return tuple(CalamineWorkbook.from_filelike(io.BytesIO(book.content)).sheet_names)
    except ImpactEvalError:  # what is wrong with the workbook is said where it is read
        return ()


# -- the lines -------------------------------------------------------------------------------


def _head(part: DataPart, file: str | None = None) -> list[str]:
    lines = ["[data]", f"file = {_toml(file)}", ""] if file not in (None, part.file) else []
    return [*lines, "[data.roles]", f"time = {_toml(WAVE)}", ""]


def _waves(names: Sequence[str], beside: SideBySide | None) -> list[str]:
    return ["[data.waves]", f"names = {_toml(list(names))}", *_columns(beside)]


def _columns(beside: SideBySide | None) -> list[str]:
    if beside is None:
        return []
    told = [f"{_key(measure)} = {_toml(list(names))}" for measure, names in beside.columns]
    return ["", "[data.waves.columns]", *told]


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "").isalnum() else _toml(name)


def _toml(value: str | list[str] | None) -> str:
    """Return a text or a list of texts as TOML writes them, which is as JSON does."""
    return json.dumps(value, ensure_ascii=False)
