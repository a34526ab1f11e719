"""`forget`: leave a person out of a study from now on, or remove what the study made about people.

The tables of a study are never touched: they are the user's own, and may be needed elsewhere. What
still holds the person is told, so that whoever holds the files can remove it there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.machine_faults import machine_faults_told
from impact_eval.core.plain_files import is_plain
from impact_eval.data.forgotten import FILE as LIST
from impact_eval.data.forgotten import Forgotten, plain_label
from impact_eval.data.pseudonyms import KEY_VARIABLE, given_key
from impact_eval.data.reading import read_chosen
from impact_eval.pipeline.edition_files import RESULTS
from impact_eval.pipeline.editions import INTERNAL
from impact_eval.pipeline.exporters import EXPORTERS
from impact_eval.pipeline.own_folder import Standing, StudyPlace, standing
from impact_eval.pipeline.states import STATUS
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import DataPart
from impact_eval.pipeline.urgent import OPERATOR_NOTE
from impact_eval.results.records import StudyResults


@dataclass(frozen=True, slots=True)
class HeldIn:
    """A table that still holds a person.

    Attributes
    ----------
    file : str
    rows : int
        Rows of the person.
    """

    file: str
    rows: int


@dataclass(frozen=True, slots=True)
class ForgottenPerson:
    """What became of a person who asked to be left out.

    Attributes
    ----------
    held_in : tuple of HeldIn
        Tables from which the user must remove the person.
    made : tuple of Path
        What the study made for the operator alone, which may tell of the person.
    """

    held_in: tuple[HeldIn, ...]
    made: tuple[Path, ...]


def forget_person(folder: str | Path, person: str) -> ForgottenPerson:
    """Leave a person out of every computation to come, and tell where the person still is.

    Parameters
    ----------
    folder : str or Path
        The study.
    person : str
        Label of the person, as the tables write it.

    Returns
    -------
    ForgottenPerson

    Raises
    ------
    ImpactEvalError
        `forget_needs_key`, `forget_unknown`, `forgotten_needs_key`, `forgotten_damaged`, and what
        the study and its tables are refused for.

    Examples
    --------
    >>> forget_person("mon-action", "P017")  # doctest: +SKIP
    """
    study = Study.read(folder)
    key = given_key()
    if key is None:
        raise ImpactEvalError(Finding.error("forget_needs_key", variable=KEY_VARIABLE))
    with machine_faults_told():
        listed = Forgotten.read(study.folder) or Forgotten.empty(key)
        listed.opened_by(key)
        held = tuple(_held_in(study, plain_label(person)))
        if not held:  # no nearest name: it would be another person's
            raise ImpactEvalError(Finding.error("forget_unknown", Place(file="study.toml")))
        listed.with_person(person, key).write(study.folder)
    return ForgottenPerson(held, made_about_people(study))


def _held_in(study: Study, label: str) -> Iterator[HeldIn]:
    seen: set[tuple[object, ...]] = set()
    for part in _parts(study):
        unit = part.roles.unit
        for file, sheet in part.tables:
            if unit is None or (file, sheet, unit) in seen:
                continue
            seen.add((file, sheet, unit))
            table = read_chosen(
                study.path(file), (unit,), sheet=sheet, text_columns=part.text_columns
            ).frame
            if unit in table.columns:
                rows = sum(plain_label(one) == label for one in table[unit].dropna())
                if rows:
                    yield HeldIn(file, rows)


def _parts(study: Study) -> list[DataPart]:
    return [study.declaration.data, *(part.data for part in study.declaration.instruments)]


def made_about_people(study: Study) -> tuple[Path, ...]:
    """Return the files that a study made and that may tell of people: never a table of the user's.

    Parameters
    ----------
    study : Study

    Returns
    -------
    tuple of Path
        The operator's note; the operator's own editions in the study's folder, under any name,
        the present one, one set apart, one that was not finished.
    """
    found = [study.path(OPERATOR_NOTE)]
    for folder in _own_editions(study):
        pages = sorted(path for path in folder.iterdir() if _is_own_page(path.name))
        found += [*pages, *(folder / name for name in (STATUS, RESULTS))]
    return tuple(path for path in found if is_plain(path))


def _own_editions(study: Study) -> Iterator[Path]:
    """Yield the operator's own editions below a study's folder: made for it, and said internal."""
    place = StudyPlace(study.folder / study.name, study.declaration.study.id)
    for root, _, names in os.walk(study.folder):
        folder = Path(root)
        if {STATUS, RESULTS} & set(names) and standing(folder, place) is Standing.OURS:
            yield from (one for one in (folder, folder / INTERNAL) if _is_internal(one))


def _is_internal(folder: Path) -> bool:
    try:
        return StudyResults.read(folder).disclosure.edition == "internal"
    except ImpactEvalError:
        return False


def _is_own_page(name: str) -> bool:
    return name.startswith(f"{INTERNAL}-") and Path(name).suffix[1:] in EXPORTERS


@dataclass(frozen=True, slots=True)
class Retention:
    """What is to be removed at the end of a study, and what is left to the user.

    Attributes
    ----------
    ours : tuple of Path
        What the study made about people; the list of who asked to be left out goes last, once
        no table holds them any more.
    theirs : tuple of str
        Tables of the study, and pages of an own edition that somebody changed and that were kept
        aside: they are never touched.
    until : str or None
        Until when the study declares that data are kept.
    """

    ours: tuple[Path, ...]
    theirs: tuple[str, ...]
    until: str | None = None


def retention(folder: str | Path) -> Retention:
    """Return what is to be removed at the end of a study; nothing is removed.

    Parameters
    ----------
    folder : str or Path
        The study.
    """
    study, faults = Study.examine(folder)  # its tables may be gone already
    if study is None:
        raise ImpactEvalError(faults)
    tables = dict.fromkeys(file for part in _parts(study) for file, _ in part.tables)
    theirs = tuple(name for name in tables if study.path(name).is_file())
    made = made_about_people(study)
    changed = tuple(
        path.relative_to(study.folder).as_posix()
        for path in sorted(study.folder.rglob(f"{INTERNAL}-*"))
        if _is_own_page(path.name) and path not in made and is_plain(path)
    )
    listed = study.folder / LIST
    # while the tables are there, whoever asked to be left out would be counted without the list
    last = (listed,) if listed.is_file() and not theirs else ()
    until = study.declaration.privacy.keep_until
    return Retention((*made, *last), (*theirs, *changed), until)


def remove_made(found: Retention) -> None:
    """Remove what a study made about people; a folder left empty goes too.

    Parameters
    ----------
    found : Retention
        As `retention` returned it.
    """
    with machine_faults_told():
        for path in found.ours:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in found.ours if path.name != LIST}:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
