"""`forget`: leave a person out of a study from now on, or remove what the study made about people.

The tables of a study are never touched: they are the user's own, and may be needed elsewhere. What
still holds the person is told, so that whoever holds the files can remove it there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.machine_faults import machine_faults_told
from impact_eval.data.forgotten import FILE as LIST
from impact_eval.data.forgotten import Forgotten, plain_label
from impact_eval.data.pseudonyms import KEY_VARIABLE, given_key
from impact_eval.data.reading import read_chosen
from impact_eval.pipeline.editions import internal_folder
from impact_eval.pipeline.own_folder import StudyPlace, former_of
from impact_eval.pipeline.states import OUTPUT, STATUS
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import DataPart
from impact_eval.pipeline.urgent import OPERATOR_NOTE
from impact_eval.pipeline.workshop import Workshop
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
        The operator's note; the operator's own editions (the present one, one set apart, one that
        was not finished), when their results say that they are of this study.
    """
    found = [study.path(OPERATOR_NOTE)]
    own = internal_folder(study.folder / OUTPUT)
    place = StudyPlace(study.folder / study.name, study.declaration.study.id)
    languages, formats = study.declaration.report.languages, study.declaration.report.formats
    pages = [f"{own.name}-{code}.{kind}" for code in languages for kind in formats]
    unfinished = Workshop.beside(study.folder / OUTPUT, place).internal
    for edition in (own, former_of(own, place), unfinished):
        if _is_own_edition(edition, study):
            found += [edition / name for name in (*pages, STATUS, "results.json")]
    return tuple(path for path in found if path.is_file() and not path.is_symlink())


def _is_own_edition(folder: Path, study: Study) -> bool:
    try:
        results = StudyResults.read(folder)
    except ImpactEvalError:
        return False
    same = results.study.id == study.declaration.study.id
    return same and results.disclosure.edition == "internal"


@dataclass(frozen=True, slots=True)
class Retention:
    """What is to be removed at the end of a study, and what is left to the user.

    Attributes
    ----------
    ours : tuple of Path
        What the study made about people; the list of who asked to be left out goes last, once
        no table holds them any more.
    theirs : tuple of str
        Tables of the study: they are never touched.
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
    listed = study.folder / LIST
    # while the tables are there, whoever asked to be left out would be counted without the list
    last = (listed,) if listed.is_file() and not theirs else ()
    until = study.declaration.privacy.keep_until
    return Retention((*made_about_people(study), *last), theirs, until)


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
