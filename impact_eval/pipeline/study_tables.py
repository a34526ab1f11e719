"""The tables of a study, read: people without a name, and nothing but the columns the study uses.

What leaves the reading is a table whose labels of people are pseudonyms and whose columns are those
that the study names, with the log of what was read in them. The names of people stay in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import pandas as pd

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place, Severity
from impact_eval.core.provenance import fingerprint, fingerprint_of_columns
from impact_eval.core.vocabulary import LabelsAlike, RowsAre
from impact_eval.data.chosen_columns import ChosenTable, OtherColumns
from impact_eval.data.entry import helped_since
from impact_eval.data.forgotten import Forgotten, rows_kept
from impact_eval.data.identity import (
    IdentifyingColumn,
    PersonalKind,
    Sign,
    distinct_cells,
    identifying_columns,
    identity_finding,
    labels_of_people,
)
from impact_eval.data.linked_people import link_people
from impact_eval.data.pseudonyms import (
    given_key,
    keyed_hash,
    label_text,
    labelled_finding,
    pseudonymise,
    session_key,
)
from impact_eval.data.reading import read_chosen
from impact_eval.data.row_kind import row_kind_finding
from impact_eval.data.sample import Sample
from impact_eval.data.sample_labels import spell_labels
from impact_eval.data.shared_notes import SharedNotes
from impact_eval.data.source_rows import SourceRows
from impact_eval.data.wave_people import people_in_one_spelling
from impact_eval.data.waves import WAVE, stack_tables, to_long
from impact_eval.pipeline.columns_used import instruments_of, role_columns, used_columns
from impact_eval.pipeline.declared_codes import declared_codebook
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import DataPart
from impact_eval.pipeline.table_logs import joined_logs, log_of_used, without_never

_Read: TypeAlias = dict[tuple[object, ...], ChosenTable]  # each file once, as it is declared
# Cells of these forms are of people even in a table said to be of territories.
_NEVER_OF_PLACES = frozenset(
    {
        PersonalKind.SOCIAL_SECURITY, PersonalKind.EMAIL, PersonalKind.PHONE,
        PersonalKind.BENEFIT_NUMBER,
    }
)  # fmt: skip
# So are these where the heading says so: a school may be named after somebody.
_NAMES = frozenset({PersonalKind.FULL_NAME, PersonalKind.FIRST_NAME})


@dataclass(frozen=True, slots=True)
class SeenTable:
    """A table as its file holds it, for the screen of whoever holds it: names, types, counts.

    Attributes
    ----------
    file : str
    sheet : str, int or None
    rows : int
    columns : tuple of mapping
        What the reader says of each: `name`, `type`, `labels`. Of a large file, the type of a
        column that the study does not use is that of its first rows.
    noticed : tuple of Finding
        People named, rows that look like something else, what reading warns of.
    """

    file: str
    sheet: str | int | None
    rows: int
    columns: tuple[Mapping[str, Any], ...]
    noticed: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ReadData:
    """A table as the study uses it, the fingerprint of the file's content, the log of its reading.

    Attributes
    ----------
    frame : DataFrame
        The columns that the study uses; labels of people are pseudonyms.
    sha256 : str
        Of the whole table as it was read, before anything was hidden or left out; empty when
        no result will carry it.
    log : mapping
        What the reader did, for the columns used, and what the table looks like.
    tables : tuple of SeenTable
        The tables of the file or files, whole; they stay on the screen.
    """

    frame: pd.DataFrame
    sha256: str
    log: Mapping[str, Any]
    tables: tuple[SeenTable, ...] = ()


@dataclass(frozen=True, slots=True)
class _Whole:
    """A table as it was read, before its people are hidden: it never leaves this module."""

    part: DataPart
    frame: pd.DataFrame
    identifying: tuple[IdentifyingColumn, ...]
    hidden: tuple[str, ...]
    log: Mapping[str, Any]
    tables: tuple[SeenTable, ...]
    unread: tuple[str, ...] = ()
    others: OtherColumns | None = None

    def fingerprint(self) -> str:
        """Return that of all the columns; those of a large file that were not read, in passing."""
        if self.others is None:
            return fingerprint(self.frame)
        index, held = self.frame.index, set(map(str, self.frame.columns))
        unread = sorted(set(self.unread) - held)
        names, read = sorted({*held, *unread}), self.others.columns(unread)
        columns = (
            self.frame[name] if name in held else _of_rows(next(read), index) for name in names
        )
        return fingerprint_of_columns(names, columns, rows=len(index))


def _of_rows(column: pd.Series[Any], index: pd.Index[Any]) -> pd.Series[Any]:
    return column if len(column) == len(index) else column.loc[index]


@dataclass(frozen=True, slots=True)
class StudyTables:
    """The tables of a study, each beside the part of the study file that declares it."""

    tables: tuple[tuple[DataPart, ReadData], ...]
    people: tuple[pd.Series[Any], ...] = field(default=(), repr=False)
    """Labels of people as the files write them, for refusals alone."""

    def of(self, part: DataPart) -> ReadData:
        """Return the table that a part declares: two parts that say the same are two tables."""
        return next(data for declared, data in self.tables if declared is part)

    @contextmanager
    def refusals_by_name(self) -> Iterator[None]:
        """Tell a refusal with the labels of the user's own file: a pseudonym mends nothing.

        A refusal goes to the terminal of whoever holds the file; no output is written then.
        """
        try:
            yield
        except ImpactEvalError as error:
            if not self.people:
                raise
            labels = {
                keyed_hash(label_text(label), session_key()): label_text(label)
                for column in self.people
                for label in column.dropna()
            }
            raise ImpactEvalError(
                labelled_finding(finding, labels) for finding in error.findings
            ) from None


def read_tables(study: Study, *, signed: bool = True) -> StudyTables:
    """Read every table that a study declares; the same person has one pseudonym in all of them.

    Parameters
    ----------
    study : Study
    signed : bool
        Whether the fingerprint of each table is computed, for results to carry.

    Returns
    -------
    StudyTables

    Raises
    ------
    ImpactEvalError
        What `read_table` and `to_long` refuse; `weak_key` for a short `IMPACT_EVAL_KEY`.
    """
    parts = _parts(study)
    read: _Read = {}
    wholes, faults = [], FindingCollector()
    for part in parts:
        try:
            wholes.append(_whole(study, part, _chosen(study, part, read)))
        except ImpactEvalError as error:
            faults.add(*(finding for finding in error.findings if finding not in faults.findings))
    faults.raise_if_errors()
    everyone = _labels(wholes)
    tables = tuple((whole.part, _hidden(study, whole, everyone, signed=signed)) for whole in wholes)
    return StudyTables(tables, tuple(everyone.values()))


def _parts(study: Study) -> list[DataPart]:
    return [study.declaration.data, *(part.data for part in study.declaration.instruments)]


def sample_of(study: Study, frame: pd.DataFrame, part: DataPart) -> Sample:
    """Return the checked sample of a table and its declared roles."""
    roles = part.roles
    classes = [name for name in roles.covariates if name in part.text_columns]
    if classes and set(classes) <= set(frame.columns):  # 1, 2 and 3 are names there
        frame = frame.astype(dict.fromkeys(classes, "category"))
    return Sample(
        frame,
        unit=roles.unit,
        time=roles.time,
        cohort=roles.cohort,
        treatment=roles.treatment,
        covariates=roles.covariates,
        cluster=roles.cluster,
        strata=roles.strata,
        weights=roles.weights,
        rows_are=study.rows_are(part),
        labels_alike=_labels_alike(part),
    )


def _labels_alike(part: DataPart) -> LabelsAlike:
    return LabelsAlike.ASKED if part.labels_alike is None else LabelsAlike(part.labels_alike)


# -- what names people ------------------------------------------------------------------------


def _chosen(study: Study, part: DataPart, read: _Read) -> list[ChosenTable]:
    """Return the tables of a part, each file read once; all that is refused of them together."""
    out, faults = [], FindingCollector()
    names = frozenset().union(*(
        used_columns(study.declaration, study.folder, one) | _wave_columns(one)
        for one in _parts(study)
    ))  # fmt: skip
    for file, sheet in part.tables:
        try:
            codes = declared_codebook(study, part, file, names)
            key = (file, sheet, part.text_columns, codes and (part.codes, names))
            if key not in read:
                ask = partial(
                    read_chosen, study.path(file), sheet=sheet, codes=codes,
                    text_columns=part.text_columns,
                )  # fmt: skip
                read[key] = _of_file(study, file, ask, names)
            out.append(read[key])
        except ImpactEvalError as error:
            faults.add(*error.findings)
    faults.raise_if_errors()
    return out


def _of_file(
    study: Study,
    file: str,
    read: Callable[[Collection[str] | None], ChosenTable],
    names: frozenset[str],
) -> ChosenTable:
    """Return a table; of a large one, the columns that the study names.

    All of them are read where its waves become one table, and where one that is asked for is not
    there: the refusal that follows names the nearest.
    """
    parts = [part for part in _parts(study) if any(file == one for one, _ in part.tables)]
    if any(part.waves is not None or len(part.tables) > 1 for part in parts):
        return read(None)
    table = read(names)
    if table.others is None or all(_names_all(study, part, table.names) for part in parts):
        return table
    return read(None)


def _whole(study: Study, part: DataPart, chosen: Sequence[ChosenTable]) -> _Whole:
    """Return a table with what names people in it, its waves one above the other."""
    rows_are, roles = study.rows_are(part), part.roles
    chosen, left_out = _without_forgotten(study, part, chosen)
    frames = [table.frame for table in chosen]
    used = used_columns(study.declaration, study.folder, part) | _wave_columns(part)
    logs, tables = [], []
    identifying: list[IdentifyingColumn] = []
    for (file, sheet), table in zip(part.tables, chosen, strict=True):
        frame = table.frame
        named = identifying_columns(table.head, unit=roles.unit, rows_are=rows_are)
        asked = row_kind_finding(frame, roles.unit, study.declared_rows(part), named)
        seen = [finding for finding in (identity_finding(named), asked) if finding is not None]
        log = without_never(part, frame.attrs.get("reading", {}))
        told = log_of_used(log, table.names, used)
        told["log"] += [finding.to_dict() for finding in seen]
        logs.append(told)
        columns = tuple(frame.attrs.get("reading", {}).get("dictionary", ()))
        warned = [f for f in map(Finding.from_dict, told["log"]) if f.severity is Severity.WARNING]
        noticed = (*seen, *(finding for finding in warned if finding not in seen))
        tables.append(SeenTable(file, sheet, len(frame), columns, noticed))
        identifying += named
    joined: tuple[Finding, ...] = ()
    if len(part.tables) > 1 and roles.unit is not None and part.link is None:
        frames, joined = people_in_one_spelling(frames, unit=roles.unit, alike=_labels_alike(part))
    frame = _one_above_the_other(part, frames)
    if part.treated_from is not None and roles.treatment and roles.time:
        frame = helped_since(
            frame, treatment=roles.treatment, time=roles.time, first=part.treated_from
        )
    frame, linked = _linked(study, part, frame)
    told = joined_logs(part, logs)
    hidden = _labels_of_people(part, frame, identifying, rows_are)
    frame, spelled = _one_spelling(part, frame, hidden)
    told["log"] += [finding.to_dict() for finding in (*left_out, *joined, *linked, *spelled)]
    unread, others = (chosen[0].names, chosen[0].others) if len(chosen) == 1 else ((), None)
    return _Whole(part, frame, tuple(identifying), hidden, told, tuple(tables), unread, others)


def _without_forgotten(
    study: Study, part: DataPart, chosen: Sequence[ChosenTable]
) -> tuple[list[ChosenTable], tuple[Finding, ...]]:
    """Leave out the people who asked for it; how many they are is told to nobody."""
    forgotten, unit = Forgotten.read(study.folder), part.roles.unit
    if forgotten is None or unit is None:
        return list(chosen), ()
    key = forgotten.opened_by(given_key())

    def kept(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[rows_kept(frame[unit], forgotten, key)] if unit in frame.columns else frame

    left = []
    for table in chosen:
        frame = kept(table.frame)
        head = frame if table.head is table.frame else kept(table.head)
        left.append(replace(table, frame=frame, head=head))
    return left, (Finding.info("people_forgotten", Place(file=part.file)),)


def _one_above_the_other(part: DataPart, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return one table whose rows are people and waves, however its waves are kept."""
    roles, waves = part.roles, part.waves
    if waves is None:
        return frames[0]
    if len(part.tables) == 1:
        return to_long(frames[0], unit=roles.unit, waves=waves.names, columns=waves.columns)
    assert roles.unit is not None
    lasting = role_columns(part) - {roles.unit, roles.time}
    return stack_tables(
        frames, unit=roles.unit, waves=waves.names, columns=waves.columns, lasting=sorted(lasting)
    )


def _linked(
    study: Study, part: DataPart, frame: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Give one label to each person followed by a code of their own."""
    roles = part.roles
    if part.link is None or roles.unit is None:
        return frame, ()
    waves = [one.wave for one in instruments_of(study.declaration, part) if one.wave]
    wave = waves[0] if waves else roles.time or WAVE
    found = link_people(frame, unit=roles.unit, wave=wave, support=part.link.support)
    return found.frame, found.findings


def _one_spelling(
    part: DataPart, frame: pd.DataFrame, hidden: Sequence[str]
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Give labels of people one spelling each: once hidden, two spellings would be two people.

    What is refused tells labels, to the terminal alone; what is told of the others is counts.
    """
    roles = part.roles
    clusters = (roles.cluster,) if isinstance(roles.cluster, str) else (roles.cluster or ())
    named = {"unit": roles.unit, "strata": roles.strata, "time": roles.time}
    single = {role: name for role, name in named.items() if name is not None}
    columns = {
        role: [name]
        for role, name in single.items()
        if name in frame.columns and (name in hidden or role == "time")
    }
    columns["cluster"] = [name for name in clusters if name in hidden]
    faults = FindingCollector()
    frame = spell_labels(frame, columns, _labels_alike(part), faults)
    faults.raise_if_errors()
    return frame, faults.findings


def _labels_of_people(
    part: DataPart,
    frame: pd.DataFrame,
    identifying: Iterable[IdentifyingColumn],
    rows_are: RowsAre,
) -> tuple[str, ...]:
    """Return the roles whose labels are people: the unit, and any level that names somebody."""
    kinds = {column.column: column.kind for column in identifying}
    never = {
        column.column
        for column in identifying
        if column.kind in _NEVER_OF_PLACES or (column.kind in _NAMES and column.by is Sign.HEADING)
    }
    roles = part.roles
    clusters = (roles.cluster,) if isinstance(roles.cluster, str) else (roles.cluster or ())
    measured = {roles.time, roles.cohort, roles.treatment, roles.weights, *roles.covariates}

    def named(name: str) -> bool:
        here = name in frame.columns
        return here and labels_of_people(name, distinct_cells(frame.loc[:, name]))

    found = [
        name
        for name in dict.fromkeys((roles.unit, *clusters, roles.strata))
        if name is not None and name not in measured
        if (rows_are is RowsAre.PEOPLE and (name in (roles.unit, *kinds) or named(name)))
        or name in never
    ]
    return tuple(found)


def _labels(wholes: Sequence[_Whole]) -> dict[str, pd.Series[Any]]:
    """Return the labels of all the people of a study, by column of each table.

    The units of all tables are one population; another column is one by its name.
    """
    groups: dict[str, list[pd.Series[Any]]] = {}
    for whole in wholes:
        for name in whole.hidden:
            if name in whole.frame.columns:
                groups.setdefault(_population(whole, name), []).append(whole.frame[name])
    return {
        group: pd.concat(columns, ignore_index=True).drop_duplicates()
        for group, columns in groups.items()
    }


def _population(whole: _Whole, name: str) -> str:
    return "" if name == whole.part.roles.unit else name


def _hidden(
    study: Study, whole: _Whole, everyone: Mapping[str, pd.Series[Any]], *, signed: bool
) -> ReadData:
    """Return a table without the names of people nor the columns that nothing uses."""
    frame, digest = whole.frame, whole.fingerprint() if signed else ""
    columns = [name for name in whole.hidden if list(frame.columns).count(name) == 1]
    among = {name: everyone[_population(whole, name)] for name in columns}
    if columns:
        frame = pseudonymise(frame, columns, session_key(), among=among)
    wanted = used_columns(study.declaration, study.folder, whole.part)
    if _names_all(study, whole.part, frame.columns):
        frame = frame[[name for name in frame.columns if str(name) in wanted]]
    kept = frame.copy(deep=False)  # what pandas drops on the way: labels decide what a code means
    rows = SourceRows.of(frame)
    labelled = [entry for entry in whole.log["dictionary"] if "labels" in entry]
    kept.attrs = {"reading": SharedNotes(dictionary=labelled)}
    if rows.known:
        rows.put_on(kept)
    return ReadData(kept, digest, whole.log, whole.tables)


def _wave_columns(part: DataPart) -> set[str]:
    """Return the columns of a table kept with its waves side by side, as the file names them."""
    if part.waves is None:
        return set()
    return {name for names in part.waves.columns.values() for name in names}


def _names_all(study: Study, part: DataPart, columns: Iterable[object]) -> bool:
    """Whether a table of these columns holds all that is asked of it.

    Otherwise it is left whole: the refusal that follows names the nearest of its columns.
    """
    known = set(map(str, columns))
    wanted = role_columns(part)
    if part is study.declaration.data:
        wanted |= {o.column for o in study.declaration.outcomes if o.column}
    items = [pair for i in instruments_of(study.declaration, part) for pair in i.items.items()]
    waves = {i.wave for i in instruments_of(study.declaration, part) if i.wave}
    return (wanted | waves) <= known and all(known & set(pair) for pair in items)
