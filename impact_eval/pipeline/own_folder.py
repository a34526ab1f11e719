"""Folders that may be replaced: those that we made, for this study, and nothing of the user's.

A folder is emptied only when its mark (`status.json`) says that it was made for this very study.
What the user changed or added in it is moved beside it first, never deleted. A new edition takes
the place of the old one by renaming, and the old one is there until then, whole: nothing of the
user's is moved for an exchange that may still be refused.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.limits import FILE_MB, MILLION
from impact_eval.core.plain_files import is_plain
from impact_eval.core.provenance import file_sha256
from impact_eval.core.whole_files import is_partial
from impact_eval.pipeline.content import content_checksum
from impact_eval.pipeline.crate import FILE as CRATE
from impact_eval.pipeline.states import STATUS, StudyOfFolder, read_status

_JUNK = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})  # made by systems, for themselves
_LARGEST = 50_000_000  # bytes of a file that is read to know whose folder it is in


class Standing(StrEnum):
    """What stands where something is to be written."""

    ABSENT = "absent"
    EMPTY = "empty"
    OURS = "ours"
    OF_ANOTHER = "of_another"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class StudyPlace:
    """Which study writes.

    Attributes
    ----------
    file : Path
        The study file, absolute, its links followed.
    id : str or None
        None when the file cannot be read.
    """

    file: Path
    id: str | None = None

    def told_from(self, folder: Path) -> StudyOfFolder:
        """Return the study as the status of a folder names it."""
        try:
            path = Path(os.path.relpath(self.file, folder)).as_posix()
        except ValueError:  # another disk
            path = self.file.name
        return StudyOfFolder(id=self.id, file=path)


def standing(folder: Path, study: StudyPlace) -> Standing:
    """Return what stands at a place where a study would write.

    Parameters
    ----------
    folder : Path
        Absolute, its links followed.
    study : StudyPlace
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        return Standing.FOREIGN
    if not folder.exists():
        return Standing.ABSENT
    if all(_is_nobodys(entry.name) for entry in folder.iterdir()):
        return Standing.EMPTY
    status = read_status(folder)
    if status is None:  # made before folders were marked, or the mark was deleted
        claimed = _claimed(folder)
        if claimed is None:
            return Standing.FOREIGN
        return Standing.OURS if claimed == study.id else Standing.OF_ANOTHER
    return Standing.OURS if _is_for(status.study, folder, study) else Standing.OF_ANOTHER


def _is_nobodys(name: str) -> bool:
    """Whether a file is neither the user's nor a result: a system's own, or a writing cut short."""
    return name in _JUNK or is_partial(name)


_REPLACED = (Standing.ABSENT, Standing.EMPTY, Standing.OURS)


def _is_for(told: StudyOfFolder, folder: Path, study: StudyPlace) -> bool:
    """Whether a folder was made for a study: the same file, or the same id whose file has moved."""
    recorded = Path(os.path.normpath(folder / told.file))
    if recorded == study.file:
        return True
    return study.id is not None and told.id == study.id and not recorded.is_file()


def _claimed(folder: Path) -> str | None:
    """Return the study that a folder without a mark speaks of, when it looks like one of ours."""
    crate = _json(folder / CRATE)
    if isinstance(crate.get("@graph"), list):
        for entity in crate["@graph"]:
            if isinstance(entity, dict) and entity.get("@id") == "./":
                return str(entity.get("identifier"))
    results = _json(folder / "results.json")
    study = results.get("study")
    if str(results.get("schema", "")).startswith("impact-eval/results/") and isinstance(
        study, dict
    ):
        return str(study.get("id"))
    return None


def _json(path: Path) -> dict[str, Any]:
    try:
        if not is_plain(path) or path.stat().st_size > _LARGEST:
            return {}
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


# -- refusals -------------------------------------------------------------------------------


def refuse_place(target: Path, study: StudyPlace, inputs: Iterable[Path] = ()) -> None:
    """Refuse a folder where writing would lose something.

    Parameters
    ----------
    target : Path
        Absolute, its links followed.
    study : StudyPlace
    inputs : iterable of Path
        The files that the study reads.

    Raises
    ------
    ImpactEvalError
        `output_holds_study`, `output_holds_data`, `output_is_file`, `output_of_another`,
        `output_foreign`.
    """
    place = Place(file=target.name or str(target))
    if target == study.file or target in study.file.parents:
        raise ImpactEvalError(Finding.error("output_holds_study", place))
    inside = sorted(
        path.name for path in map(Path.resolve, inputs) if target == path or target in path.parents
    )
    if inside:
        raise ImpactEvalError(Finding.error("output_holds_data", place, names=inside))
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise ImpactEvalError(Finding.error("output_is_file", place))
    found = standing(target, study)
    if found is Standing.OF_ANOTHER:
        status = read_status(target)
        other = status.study.id if status is not None else _claimed(target)
        raise ImpactEvalError(Finding.error("output_of_another", place, other=other))
    if found is Standing.FOREIGN or not target.name:
        raise ImpactEvalError(Finding.error("output_foreign", place, examples=_some(target)))


def _some(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())[:3]


# -- what is the user's in a folder of ours ----------------------------------------------------


def checksums(folder: Path) -> dict[str, str]:
    """Return the content checksum of every file of a folder, its status left out.

    Parameters
    ----------
    folder : Path
    """
    found = {name: checksum(path) for name, path in _files(folder)}
    found.pop(STATUS, None)
    return found


def checksum(path: Path) -> str:
    """Return the checksum of what a file tells; of its bytes when it is not what it was.

    A file that is larger than what may be read has none: it is not one of ours.
    """
    if path.stat().st_size > FILE_MB.value * MILLION:
        return ""
    try:
        return content_checksum(path)
    except Exception:  # noqa: BLE001  # a file that somebody edited may raise anything
        return file_sha256(path)


def differing(folder: Path, outputs: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files written that are missing or no longer what they were.

    Parameters
    ----------
    folder : Path
    outputs : mapping of name to checksum
        As the status tells them.
    """
    return tuple(
        name
        for name, known in sorted(outputs.items())
        if not is_plain(folder / name) or checksum(folder / name) != known
    )


def keep_aside(folder: Path, named: Path | None = None) -> tuple[Path, ...]:
    """Move beside a folder what is the user's in it: files changed or added since it was written.

    All are moved, or none.

    Parameters
    ----------
    folder : Path
        One of ours.
    named : Path, optional
        The folder as the user knows it, when it bears another name for an instant.

    Returns
    -------
    tuple of Path
        Where they are now: `<named>-vos-fichiers/<day>/…`.
    """
    named = folder if named is None else named
    status = read_status(folder)
    known = status.outputs if status is not None else _listed(folder)
    theirs = [
        (name, path)
        for name, path in _files(folder)
        if name != STATUS and not _is_ours(path, known.get(name))
    ]
    if not theirs:
        return ()
    home = _free(named.with_name(f"{named.name}-vos-fichiers"))
    moved: list[tuple[Path, Path]] = []
    try:
        for name, path in theirs:
            place = home / name
            place.parent.mkdir(parents=True, exist_ok=True)
            path.rename(place)
            moved.append((path, place))
    except BaseException:
        _put_back(moved, home)
        raise
    return tuple(place for _, place in moved)


def _put_back(moved: Sequence[tuple[Path, Path]], home: Path) -> None:
    for path, place in reversed(moved):
        with suppress(OSError):
            place.rename(path)
    empty = [Path(root) for root, _, _ in os.walk(home, topdown=False)]
    for folder in (*empty, home.parent):
        with suppress(OSError):  # it holds something
            folder.rmdir()


def _is_ours(path: Path, known: str | None) -> bool:
    return known is not None and is_plain(path) and checksum(path) == known


def _listed(folder: Path) -> dict[str, str]:
    """Return the files that a folder without a mark lists, with their checksums where told."""
    graph = _json(folder / CRATE).get("@graph")
    entities = [e for e in graph if isinstance(e, dict)] if isinstance(graph, list) else []
    found = {}
    for entity in entities:
        path = folder / str(entity.get("@id"))
        if entity.get("@type") == "File" and path.is_file():
            found[str(entity["@id"])] = str(entity.get("sha256") or checksum(path))
    for name in (CRATE, "controle.json"):
        if found and (folder / name).is_file():
            found[name] = checksum(folder / name)
    return found


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files and links of a folder; links to folders are links, not folders."""
    for root, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(root) / name).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(root) / name
            if not _is_nobodys(name):
                yield path.relative_to(folder).as_posix(), path


def _free(home: Path) -> Path:
    """Return a folder of the day that does not exist yet."""
    day = dt.datetime.now().astimezone().date().isoformat()
    number, folder = 1, home / day
    while folder.exists():
        number += 1
        folder = home / f"{day}-{number}"
    return folder


# -- putting a folder in place -----------------------------------------------------------------


def former_of(target: Path, study: StudyPlace) -> Path:
    """Return the folder where the last report is kept while a run has failed since."""
    number, folder = 1, target.with_name(f"{target.name}-precedente")
    while standing(folder, study) not in _REPLACED:  # somebody else has that name
        number += 1
        folder = target.with_name(f"{target.name}-precedente-{number}")
    return folder


def old_of(target: Path) -> Path:
    """Return where the old folder stands for the instant of the exchange."""
    return target.with_name(f".{target.name}.old")


def recover(target: Path, study: StudyPlace) -> tuple[Path, ...]:
    """Put back a folder whose exchange was cut, and drop what an exchange left behind.

    Returns
    -------
    tuple of Path
        The user's own files of a folder left behind, where they are kept.

    Raises
    ------
    ImpactEvalError
        `output_foreign` when the name that an exchange needs is somebody else's.
    """
    old = old_of(target)
    found = standing(old, study)
    if found not in _REPLACED:
        raise ImpactEvalError(Finding.error("output_foreign", Place(file=old.name), examples=()))
    if found is Standing.OURS and not target.exists():
        old.rename(target)
        return ()
    return discard(old, study, target)


def exchange(made: Path, target: Path, study: StudyPlace) -> tuple[Path, ...]:
    """Give a finished folder the place of the old one, which `drop_exchanged` is to drop.

    Refused by the machine (a report is open in another program), it leaves all as it was.

    Parameters
    ----------
    made : Path
        The new folder, whole.
    target : Path
        Absent, empty or ours.
    study : StudyPlace

    Returns
    -------
    tuple of Path
        The user's own files that an exchange cut before this one had left, where they are kept.

    Raises
    ------
    ImpactEvalError
        `output_foreign`, `output_of_another`, `output_is_file`: somebody came there meanwhile.
    """
    refuse_place(target, study)
    kept = recover(target, study)
    old = old_of(target)
    if target.exists():
        target.rename(old)
    try:
        made.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    return kept


def drop_exchanged(target: Path, study: StudyPlace) -> tuple[Path, ...]:
    """Drop the old folder of an exchange; what is the user's in it is kept beside the new one.

    Cut, or refused, it leaves the old folder known for ours: `recover` does the same later.

    Returns
    -------
    tuple of Path
        The user's own files of the old folder, where they are kept.
    """
    old = old_of(target)
    kept = keep_aside(old, target) if standing(old, study) is Standing.OURS else ()
    with suppress(OSError):  # nothing of the user's is left in it: that it stays hinders nobody
        discard(old, study, target)
    return kept


def put_in_place(made: Path, target: Path, study: StudyPlace) -> tuple[Path, ...]:
    """Exchange a finished folder with the old one, and drop that: `exchange`, `drop_exchanged`."""
    return exchange(made, target, study) + drop_exchanged(target, study)


def set_former_aside(target: Path, study: StudyPlace) -> Path | None:
    """Move a report that is no longer the present one to `<folder>-precedente`.

    Returns
    -------
    Path or None
        Where it is; None when there was no report.
    """
    former = former_of(target, study)
    if standing(target, study) is not Standing.OURS or not (target / "results.json").is_file():
        return former if former.is_dir() else None
    discard(former, study)
    target.rename(former)
    return former


def discard(folder: Path, study: StudyPlace, named: Path | None = None) -> tuple[Path, ...]:
    """Delete a folder that we made for this study; the user's own files in it are kept beside.

    Parameters
    ----------
    folder : Path
    study : StudyPlace
    named : Path, optional
        The folder as the user knows it, when it bears another name for an instant.

    Returns
    -------
    tuple of Path
        The user's own files, where they are kept. A folder that is not ours is left alone.
    """
    found = standing(folder, study)
    if found is Standing.EMPTY:
        shutil.rmtree(folder)
    if found is not Standing.OURS:
        return ()
    kept = keep_aside(folder, named)
    remove_marked(folder)
    return kept


def remove_marked(folder: Path) -> None:
    """Delete a folder of ours, its mark last: cut in the middle, it is still known for ours.

    Parameters
    ----------
    folder : Path
        One whose standing was looked at.
    """
    for entry in sorted(folder.iterdir()):
        if entry.name == STATUS:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    shutil.rmtree(folder)
