"""`pack`: the archive to hand over. A published edition, verified and attacked first, nothing else.

Neither data, nor the operator's own edition and note, nor the ledger, nor a key can enter: the
files are those of the edition, by name, and they must be what its results make.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.machine_faults import machine_faults_told
from impact_eval.core.plain_files import is_plain
from impact_eval.core.provenance import file_sha256
from impact_eval.core.whole_files import write_new
from impact_eval.pipeline.checker import output_kind, page_names
from impact_eval.pipeline.crate import FILE as CRATE
from impact_eval.pipeline.edition_checks import check_edition, recorded_template
from impact_eval.pipeline.edition_files import Asked
from impact_eval.pipeline.leaks import find_leaks
from impact_eval.pipeline.states import STATUS, read_status
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.verification import output_folder, study_behind
from impact_eval.report.languages.language import language_codes
from impact_eval.report.texts import Texts
from impact_eval.report.wording import said
from impact_eval.results.records import StudyResults

EDITION = "edition"
_README: Mapping[str, str] = MappingProxyType({"fr": "LISEZMOI.txt", "en": "README.txt"})
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the first that an archive can hold: the same in all of ours
_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Pack:
    """An archive to hand over.

    Attributes
    ----------
    path : Path
    files : tuple of str
        What it holds, in order.
    behind : tuple of str
        Files of the study that changed since the edition, as its status tells them.
    """

    path: Path
    files: tuple[str, ...]
    behind: tuple[str, ...] = ()


def pack(
    folder: str | Path, *, to: str | Path | None = None, study: str | Path | None = None
) -> Pack:
    """Make the archive of a published edition, once verified and attacked.

    Parameters
    ----------
    folder : str or Path
        The output folder, or the study's folder.
    to : str or Path, optional
        The archive; `<study>.zip` beside the output folder by default. It is never replaced.
    study : str or Path, optional
        The study, when it is neither where the folder says nor in the folder above.

    Returns
    -------
    Pack

    Raises
    ------
    ImpactEvalError
        `pack_exists`, `pack_inside`, `pack_internal`, `pack_not_verified`, `pack_leaks` and what
        was found; what the machine refuses.

    Examples
    --------
    >>> pack("mon-action/sortie", to="a-remettre.zip")  # doctest: +SKIP
    """
    with machine_faults_told():
        published = output_folder(Path(folder))
        read = study_behind(published, study)
        target = _target(published, read, to)
        results = _checked(published, read)
        content = _content(published, read, results)
        _write(target, content)
    return Pack(target, tuple(content), _behind(published, read))


def _behind(published: Path, study: Study) -> tuple[str, ...]:
    """Return the files of a study that are no longer those of an edition that says them."""
    status = read_status(published)
    if status is None or status.job is None:
        return ()
    same_study = status.job.study_sha256 == study.digest
    moved = [] if same_study else [study.name]
    for name, known in sorted(status.job.inputs.items()):
        path = study.path(name)
        if not is_plain(path) or file_sha256(path) != known:
            moved.append(name)
    return tuple(dict.fromkeys(moved))


def _target(published: Path, study: Study, to: str | Path | None) -> Path:
    given = published.parent / f"{study.declaration.study.id}.zip" if to is None else Path(to)
    target = given.resolve()
    if os.path.lexists(given) or target.exists():
        raise ImpactEvalError(
            Finding.error("pack_exists", Place(file=target.name), path=str(given))
        )
    if target.is_relative_to(published):
        raise ImpactEvalError(Finding.error("pack_inside", Place(file=target.name)))
    return target


def _checked(published: Path, study: Study) -> StudyResults:
    """Return the results of an edition that may leave; any other is refused, with what was found.

    The second run is left to `verify`: what is handed over must agree with itself, and tell nobody.
    """
    checked = check_edition(published, Asked.by(study, recorded_template(published)))
    if checked.differences or checked.results is None:
        found = [one.finding for one in checked.differences]
        raise ImpactEvalError([Finding.error("pack_not_verified", n=len(found)), *found])
    if checked.results.disclosure.edition != "publication":
        raise ImpactEvalError(Finding.error("pack_internal"))
    leaks = find_leaks(published, study).leaks
    if leaks:
        found = [leak.to_finding() for leak in leaks]
        raise ImpactEvalError([Finding.error("pack_leaks", n=len(found)), *found])
    return checked.results


def _content(published: Path, study: Study, results: StudyResults) -> Mapping[str, bytes]:
    """Return what the archive holds, by name, in order."""
    paths = (path for path in published.rglob("*") if path.is_file())
    files = {path.relative_to(published).as_posix(): path for path in paths}
    files.pop(STATUS, None)
    root = study.declaration.study.id
    content = {f"{root}/{EDITION}/{name}": path.read_bytes() for name, path in files.items()}
    for language in study.declaration.report.languages:
        name = _README.get(language, f"README-{language}.txt")
        text = readme(results, sorted(files), language)
        content[f"{root}/{name}"] = text.encode("utf-8")
    return MappingProxyType(dict(sorted(content.items())))


def readme(results: StudyResults, names: list[str], language: str) -> str:
    """Return the page that says what each file of an archive is.

    Parameters
    ----------
    results : StudyResults
        As published.
    names : list of str
        Files of the edition.
    language : str
    """
    texts = Texts(language)
    title = texts.words(said(results.study.title))
    lines = [texts.say("pack.head", title=title, study=results.study.id), ""]
    lines += [f"- {EDITION}/{name} : {texts.say(_told_as(name))}" for name in names]
    lines += ["", texts.say("pack.nobody"), texts.say("pack.verify")]
    return "\n".join(lines) + "\n"


def _told_as(name: str) -> str:
    """Return the code of what a file is."""
    if name == CRATE:
        return "pack.crate"
    if name in page_names(language_codes()):
        return "pack.control"
    return f"checker.kind.{output_kind(name)}"


def _write(target: Path, content: Mapping[str, bytes]) -> None:
    """Write an archive whole or not at all; one that came meanwhile is not replaced."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            info = zipfile.ZipInfo(name, _FIRST_DAY)
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            info.external_attr = _MODE << 16
            archive.writestr(info, data)
    write_new(target, raw.getvalue())
