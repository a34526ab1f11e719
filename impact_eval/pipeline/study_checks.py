"""Checks of a study file that no single key can fail alone: names, files, columns, agreement.

They read the raw declaration where the models could not be built, so that one run names all faults.
Only the header of a table is read: `impact-eval check` answers at once whatever the table's size.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from impact_eval.core.dates import first_day, iso_date, last_day
from impact_eval.core.findings import Finding, FindingCollector, Place, nearest
from impact_eval.data.beside import codebook_beside
from impact_eval.pipeline.method_checks import check_method
from impact_eval.pipeline.names_seen import check_names_seen
from impact_eval.survey.catalogue import instrument_names

FILE = "study.toml"
FIRST_LINES = 60  # of a table, read to know its columns


def check_declaration(raw: Mapping[str, Any], folder: Path, faults: FindingCollector) -> None:
    """Add what is wrong between the keys of a declaration, and between it and its folder."""
    check_names_seen(raw, FILE, faults)
    outcomes = _tables(raw.get("outcomes"))
    _check_outcomes(outcomes, raw, faults)
    _check_methods(raw, outcomes, faults)
    _check_instruments(_tables(raw.get("instruments")), faults)
    _check_files(raw, folder, faults)
    _check_columns(raw, outcomes, folder, faults)
    _check_text_columns(raw, folder, faults)
    _check_period(raw, faults)
    _check_roles(raw, outcomes, faults)
    _check_treated_from(raw, faults)
    _check_waves(raw, faults)
    _check_said_twice(raw, outcomes, faults)
    _check_families(raw, outcomes, faults)


def _place(key: str) -> Place:
    return Place(file=FILE, key=key)


def _tables(value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [item for item in value if isinstance(item, Mapping)]


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _check_outcomes(
    outcomes: list[Mapping[str, Any]], raw: Mapping[str, Any], faults: FindingCollector
) -> None:
    names = [str(o.get("id", "")) for o in outcomes]
    for i, name in enumerate(names):
        if name and name in names[:i]:
            faults.add(Finding.error("duplicated_id", _place(f"outcomes[{i + 1}].id"), name=name))
    primary = sum(bool(o.get("primary")) for o in outcomes)
    if outcomes and primary != 1:
        faults.add(Finding.error("one_primary", _place("outcomes"), n=primary))
    known = [str(i.get("id")) for i in _tables(raw.get("instruments"))]
    for i, outcome in enumerate(outcomes):
        wanted = outcome.get("instrument")
        if wanted is not None and wanted not in known:
            faults.add(
                Finding.error(
                    "unknown_instrument_id",
                    _place(f"outcomes[{i + 1}].instrument"),
                    name=str(wanted),
                    nearest=nearest(str(wanted), known),
                    known=known,
                )
            )


def _check_methods(
    raw: Mapping[str, Any], outcomes: list[Mapping[str, Any]], faults: FindingCollector
) -> None:
    places = [("method", raw.get("method"))]
    places += [(f"outcomes[{i + 1}].method", o.get("method")) for i, o in enumerate(outcomes)]
    for key, method in places:
        if isinstance(method, Mapping) and isinstance(method.get("name"), str):
            check_method(key, method, faults, FILE)
    if raw.get("method") is None:
        for i, outcome in enumerate(outcomes):
            if outcome.get("column") is not None and outcome.get("method") is None:
                faults.add(
                    Finding.error("no_method", _place(f"outcomes[{i + 1}]"), id=outcome.get("id"))
                )


def _check_instruments(instruments: list[Mapping[str, Any]], faults: FindingCollector) -> None:
    known = instrument_names()
    for i, instrument in enumerate(instruments):
        scale = instrument.get("scale")
        if instrument.get("definition") is None and isinstance(scale, str) and scale not in known:
            faults.add(
                Finding.error(
                    "unknown_instrument",
                    _place(f"instruments[{i + 1}].scale"),
                    name=scale,
                    nearest=nearest(scale, known),
                    known=known,
                )
            )


def _file_keys(raw: Mapping[str, Any]) -> list[tuple[str, Any]]:
    keys: list[tuple[str, Any]] = [("data.file", _table(raw.get("data")).get("file"))]
    keys.append(("data.codes", _table(raw.get("data")).get("codes")))
    keys += _wave_files("data", _table(raw.get("data")))
    for i, instrument in enumerate(_tables(raw.get("instruments"))):
        data = _table(instrument.get("data"))
        keys.append((f"instruments[{i + 1}].data.file", data.get("file")))
        keys.append((f"instruments[{i + 1}].data.codes", data.get("codes")))
        keys += _wave_files(f"instruments[{i + 1}].data", data)
        keys.append((f"instruments[{i + 1}].definition", instrument.get("definition")))
    keys.append(("protocol.draw_record", _table(raw.get("protocol")).get("draw_record")))
    keys.append(("value.map", _table(raw.get("value")).get("map")))
    return [(key, name) for key, name in keys if isinstance(name, str)]


def _wave_files(key: str, data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    files = _table(data.get("waves")).get("files")
    named = files if isinstance(files, (list, tuple)) else ()
    return [(f"{key}.waves.files[{i + 1}]", name) for i, name in enumerate(named)]


def _check_files(raw: Mapping[str, Any], folder: Path, faults: FindingCollector) -> None:
    for key, name in _file_keys(raw):
        path = _inside(folder, name)
        if path is not None and not path.is_relative_to(folder):
            faults.add(Finding.error("path_outside_study", _place(key), key=key, path=name))
        elif path is None or not path.is_file():
            present = [p.name for p in sorted(folder.iterdir()) if p.is_file()]
            faults.add(
                Finding.error(
                    "file_not_found",
                    _place(key),
                    key=key,
                    path=name[:60],
                    nearest=nearest(name, present),
                )
            )


def _inside(folder: Path, name: str) -> Path | None:
    """Return the path a name stands for, wherever it leads; None when it can be no name at all."""
    try:
        path = (folder / name).resolve()
        path.is_file()
    except (OSError, ValueError):  # too long, or holding a null character
        return None
    return path


def header_of(path: Path) -> list[str] | None:
    """Return the columns of a plain CSV file as reading names them; None when it must be read.

    The first lines are laid out as the reader lays them: spaces in names, names that repeat.
    """
    if path.suffix.lower() != ".csv" or not path.is_file():
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(islice(stream, FIRST_LINES))
    except UnicodeDecodeError:
        return None
    if not lines:
        return None
    separator = max(";,\t", key=lines[0].count)
    header, *rows = csv.reader(lines, delimiter=separator)
    plain = len(header) > 1 and all(len(row) == len(header) for row in rows[:1])
    if not plain or not rows or not all(cell.strip() for cell in header):
        return None
    from impact_eval.data.layout import find_table

    return list(find_table([[*header], *([*row] for row in rows)]).names)


def _check_columns(
    raw: Mapping[str, Any],
    outcomes: list[Mapping[str, Any]],
    folder: Path,
    faults: FindingCollector,
) -> None:
    data = _table(raw.get("data"))
    name = data.get("file")
    path = _inside(folder, name) if isinstance(name, str) else None
    if path is None or not path.is_relative_to(folder):
        return
    header = _header_of_waves(data, folder, path)
    if header is None:
        return
    wanted = _side_by_side(data)
    _check_known(wanted, header, faults)
    made = _made_of_waves(data)
    named: list[tuple[str, str]] = []
    for role, value in _table(data.get("roles")).items():
        columns = value if isinstance(value, (list, tuple)) else [value]
        named += [(f"data.roles.{role}", c) for c in columns if isinstance(c, str)]
    for i, outcome in enumerate(outcomes):
        if isinstance(outcome.get("column"), str):
            named.append((f"outcomes[{i + 1}].column", outcome["column"]))
    gone = {column for _, column in wanted}
    _check_known(named, [*(name for name in header if name not in gone), *made], faults)


def _header_of_waves(data: Mapping[str, Any], folder: Path, path: Path) -> list[str] | None:
    """Return the columns of the tables of a part; None when only a full reading can tell them."""
    if _has_codebook(data, path):
        return None  # a codebook may rename them
    files = [name for _, name in _wave_files("", data) if isinstance(name, str)]
    headers = [header_of(folder / name) for name in files] if files else [header_of(path)]
    known = [header for header in headers if header is not None]
    if len(known) < len(headers):
        return None
    return list(dict.fromkeys(name for header in known for name in header))


def _has_codebook(data: Mapping[str, Any], path: Path) -> bool:
    return data.get("codes") is not None or codebook_beside(path) is not None


def _side_by_side(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the columns of a table kept with its waves side by side, each with its key."""
    columns = _table(_table(data.get("waves")).get("columns"))
    return [
        (f"data.waves.columns.{outcome}", column)
        for outcome, names in columns.items()
        if isinstance(names, (list, tuple))
        for column in names
        if isinstance(column, str)
    ]


def _made_of_waves(data: Mapping[str, Any]) -> list[str]:
    """Return the columns that a table has once its waves are one above the other."""
    waves = _table(data.get("waves"))
    if not waves:
        return []
    from impact_eval.data.waves import WAVE

    return [WAVE, *map(str, _table(waves.get("columns")))]


def _check_waves(raw: Mapping[str, Any], faults: FindingCollector) -> None:
    """Refuse waves that are nowhere, in two ways at once, or one too few or too many."""
    tables = [("data", _table(raw.get("data")))]
    for i, instrument in enumerate(_tables(raw.get("instruments"))):
        tables.append((f"instruments[{i + 1}].data", _table(instrument.get("data"))))
    for key, data in tables:
        waves = _table(data.get("waves"))
        names = waves.get("names")
        if not isinstance(names, (list, tuple)):
            continue
        given = [part for part in ("sheets", "files") if waves.get(part)]
        if len(given) != 1 and not (not given and waves.get("columns")):
            code = "waves_in_two_ways" if given else "waves_nowhere"
            faults.add(Finding.error(code, _place(f"{key}.waves")))
            continue
        for part in given:
            place = _place(f"{key}.waves.{part}")
            n, needed = len(waves[part]), len(names)
            if n != needed:
                faults.add(Finding.error("waves_tables_mismatch", place, n=n, needed=needed))
            if _table(data.get("roles")).get("unit") is None:
                faults.add(Finding.error("waves_need_unit", place))
            if part == "files" and waves["files"][0] != data.get("file"):
                found, first = str(data.get("file"))[:60], str(waves["files"][0])[:60]
                faults.add(Finding.error("waves_first_file", place, found=found, needed=first))


def _check_known(
    wanted: Sequence[tuple[str, str]], header: Sequence[str], faults: FindingCollector
) -> None:
    for key, column in wanted:
        if column not in header:
            faults.add(
                Finding.error(
                    "missing_column",
                    _place(key),
                    role=key,
                    column=column,
                    nearest=nearest(column, header),
                    known=list(header[:30]),
                )
            )


def _check_text_columns(raw: Mapping[str, Any], folder: Path, faults: FindingCollector) -> None:
    """Refuse a column kept as text that the table does not have; a codebook may rename columns."""
    tables = [("data", _table(raw.get("data")))]
    for i, instrument in enumerate(_tables(raw.get("instruments"))):
        tables.append((f"instruments[{i + 1}].data", _table(instrument.get("data"))))
    for key, data in tables:
        name, columns = data.get("file"), data.get("text_columns")
        path = _inside(folder, name) if isinstance(name, str) else None
        if path is None or not path.is_relative_to(folder) or not isinstance(columns, list):
            continue
        header = header_of(path)
        if header is None or _has_codebook(data, path):
            continue
        for i, column in enumerate(columns):
            if isinstance(column, str) and column not in header:
                place = f"{key}.text_columns[{i + 1}]"
                faults.add(
                    Finding.error(
                        "missing_column",
                        _place(place),
                        role=place,
                        column=column,
                        nearest=nearest(column, header),
                        known=header[:30],
                    )
                )


def _check_period(raw: Mapping[str, Any], faults: FindingCollector) -> None:
    """Refuse a period that ends before it starts; what is no date at all the models refuse."""
    period = _table(raw.get("study")).get("period")
    if not isinstance(period, Sequence) or isinstance(period, str) or len(period) != 2:
        return
    start, end = (iso_date(date) for date in period)
    if start is not None and end is not None and first_day(start) > last_day(end):
        faults.add(Finding.error("period_reversed", _place("study.period"), start=start, end=end))


def _check_roles(
    raw: Mapping[str, Any], outcomes: list[Mapping[str, Any]], faults: FindingCollector
) -> None:
    """Refuse an outcome that is also a role: a result taken as its own cause is always nothing."""
    roles = _table(_table(raw.get("data")).get("roles"))
    for i, outcome in enumerate(outcomes):
        for role, columns in roles.items():
            held = [columns] if isinstance(columns, str) else columns
            if isinstance(held, list) and outcome.get("column") in held:
                key = f"outcomes[{i + 1}].column"
                faults.add(
                    Finding.error(
                        "outcome_is_a_role", _place(key), name=outcome["column"],
                        role=f"data.roles.{role}",
                    )
                )  # fmt: skip


def _check_treated_from(raw: Mapping[str, Any], faults: FindingCollector) -> None:
    """Refuse a first period of the action without a column of who is helped, and of the period."""
    tables = [("data", _table(raw.get("data")))]
    for i, instrument in enumerate(_tables(raw.get("instruments"))):
        tables.append((f"instruments[{i + 1}].data", _table(instrument.get("data"))))
    for key, data in tables:
        roles = _table(data.get("roles"))
        lacking = [role for role in ("treatment", "time") if roles.get(role) is None]
        if data.get("treated_from") is not None and (lacking or roles.get("cohort") is not None):
            faults.add(
                Finding.error(
                    "treated_from_alone", _place(f"{key}.treated_from"), key=f"{key}.treated_from",
                    roles=lacking,
                )
            )  # fmt: skip


def _check_said_twice(
    raw: Mapping[str, Any], outcomes: list[Mapping[str, Any]], faults: FindingCollector
) -> None:
    """Refuse two keys that say the same thing otherwise: one of the two would be ignored."""
    data, privacy = _table(raw.get("data")), _table(raw.get("privacy"))
    pairs = [("data.rows_are", data.get("rows_are"), "privacy.rows_are", privacy.get("rows_are"))]
    smallest = _table(raw.get("protocol")).get("smallest_effect")
    pairs += [
        (f"outcomes[{i + 1}].smallest_effect", outcome.get("smallest_effect"),
         "protocol.smallest_effect", smallest)
        for i, outcome in enumerate(outcomes)
        if outcome.get("primary") is True
    ]  # fmt: skip
    for key, one, other_key, other in pairs:
        if one is not None and other is not None and one != other:
            faults.add(
                Finding.error(
                    "said_twice", _place(key), key=key, found=str(one)[:60], other=other_key,
                    needed=str(other)[:60],
                )
            )  # fmt: skip


def _check_families(
    raw: Mapping[str, Any], outcomes: list[Mapping[str, Any]], faults: FindingCollector
) -> None:
    """Refuse a family that corrects nothing: of one outcome, of a score that is only described."""
    named = [(i, str(o["family"])) for i, o in enumerate(outcomes) if "family" in o]
    names = [name for _, name in named]
    for i, name in named:
        place, outcome = _place(f"outcomes[{i + 1}].family"), outcomes[i]
        if outcome.get("instrument") is not None and outcome.get("method") is None:
            faults.add(Finding.error("family_not_estimated", place, name=name))
        elif names.count(name) < 2:
            others = sorted(set(names) - {name})
            near = nearest(name, others)
            faults.add(Finding.error("family_alone", place, name=name, nearest=near, known=others))
    correction = _table(raw.get("protocol")).get("correction")
    if correction is not None and not named:
        place = _place("protocol.correction")
        faults.add(Finding.error("correction_of_nothing", place, name=str(correction)[:60]))
