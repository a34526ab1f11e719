"""An output folder held against its own results, without a computation: complete and consistent.

Nothing that is written in the folder is trusted. The whole edition is made again from its results
and each file is compared; `results.json` and the copy of the results in the notebook are held
against each other first, and the one that the other files follow is the one believed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.limits import NOTEBOOK_MB, SEARCHED_MB
from impact_eval.core.plain_files import read_plain, read_plain_text
from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.pipeline.checker import FILE as CONTROL
from impact_eval.pipeline.compared_files import file_findings, json_findings
from impact_eval.pipeline.crate import CONTENT_CHECKSUM
from impact_eval.pipeline.crate import FILE as CRATE
from impact_eval.pipeline.difference_records import (
    MOST_COUNTED,
    MOST_TOLD,
    Aspect,
    Difference,
    safe_name,
)
from impact_eval.pipeline.edition_files import NOTEBOOK, RESULTS, Asked
from impact_eval.pipeline.edition_moment import moment_findings
from impact_eval.pipeline.exporters import EXPORTERS
from impact_eval.pipeline.job import template_hash
from impact_eval.pipeline.remaking import remake
from impact_eval.pipeline.run_folder import temporary_folder
from impact_eval.pipeline.shown_kinds import RESULTS_MIME
from impact_eval.pipeline.study import STUDY
from impact_eval.pipeline.templates import STUDY_REPORT, template_names
from impact_eval.report.languages.language import formats_of, language_codes
from impact_eval.results.faults import Json, parsed
from impact_eval.results.records import StudyResults, comparable

STATUS = "status.json"
_TOLD = re.compile(r'^(study|language) = "([^"\\\n]*)"$', re.MULTILINE)
Contents = Mapping[str, bytes]
Remade = Callable[[StudyResults, Asked], Contents]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a folder is, looked at alone.

    Attributes
    ----------
    differences : tuple of Difference
        Of the aspects complete and consistent.
    results : StudyResults or None
        Those believed; None when neither `results.json` nor the notebook gives any.
    """

    differences: tuple[Difference, ...]
    results: StudyResults | None


def check_edition(folder: Path, asked: Asked, remade: Remade | None = None) -> Checked:
    """Hold an output folder against its own results.

    Parameters
    ----------
    folder : Path
        The output folder.
    asked : Asked
        Languages and formats of the study; the template that was run.
    remade : callable, optional
        Returns the content of each file of an edition; makes it again by default.

    Returns
    -------
    Checked
    """
    make = remade or contents_of
    listed = _listed(folder)
    held, faults = _held_results(folder)
    noted = _noted_results(folder, asked)
    believed, expected = _believed(folder, held, noted, asked, make)
    if believed is None:
        named = {RESULTS, NOTEBOOK, *_files_of(faults)}
        lost = [_missing(name) for name in sorted(named) if name not in listed]
        known = [*faults, *lost, *_unreadable(folder, listed)]
        return Checked(tuple(known), None)
    found = [
        *_complete(listed, expected),
        *(faults if RESULTS in listed else []),
        *(_moment(folder, held) if held is not None and RESULTS in listed else ()),
        *(d for name in sorted(expected) for d in _compared(folder, name, listed, expected)),
    ]
    return Checked(tuple(found), believed)


def contents_of(results: StudyResults, asked: Asked) -> Contents:
    """Return the content of every file of an edition made again from its results."""
    with temporary_folder() as work:
        folder = work / "edition"  # beside the mark, which is no file of an edition
        folder.mkdir()
        remake(results, asked, folder)
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return MappingProxyType(
            {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        )


def recorded_template(folder: Path) -> str:
    """Return the template that made an edition: by its hash in the results, else by its name.

    Parameters
    ----------
    folder : Path
        The output folder.
    """
    held, _ = _held_results(folder)
    known = template_names()
    if held is not None and held.provenance.template_sha256 is not None:
        for name in known:
            if template_hash(name) == held.provenance.template_sha256:
                return name
    named = (*_instruments(folder), _status_template(folder))
    return next((name for name in named if name in known), STUDY_REPORT)


def recorded_asked(folder: Path) -> Asked:
    """Return what an edition whose study is not at hand was asked, as its files tell it.

    What its lists name counts as well as what is there: a report that was taken away is missing.

    Parameters
    ----------
    folder : Path
        The output folder.
    """
    names = {*_listed(folder), *_told_names(folder)}
    told = _parameters(folder)
    first = told.get("language")
    found = [
        code for code in language_codes() if {formats_of(code).check_file, *_reports(code)} & names
    ]
    languages = sorted(found, key=lambda code: code != first) or ["fr"]
    formats = [
        kind
        for kind in EXPORTERS
        if any(formats_of(code).report_file(kind) in names for code in languages)
    ]
    study = told.get("study") or STUDY
    return Asked(tuple(languages), tuple(formats), recorded_template(folder), study)


def _reports(language: str) -> set[str]:
    return {formats_of(language).report_file(kind) for kind in EXPORTERS}


def _told_names(folder: Path) -> Iterator[str]:
    """Yield the files that the crate and the checker's file list."""
    for file, key, name in ((CRATE, "@graph", "@id"), (CONTROL, "outputs", "name")):
        for entity in _list(_json_of(folder / file), key):
            told = entity.get(name) if isinstance(entity, dict) else None
            if isinstance(told, str):
                yield told


def _parameters(folder: Path) -> Mapping[str, str]:
    """Return what the notebook was told: the study file and the language of its pages."""
    found: dict[str, str] = {}
    for cell in _list(_json_of(folder / NOTEBOOK), "cells"):
        source = cell.get("source") if isinstance(cell, dict) else None
        text = "".join(map(str, source)) if isinstance(source, list) else str(source)
        found |= dict(_TOLD.findall(text))
    return found


# -- what is there -----------------------------------------------------------------------------


def _listed(folder: Path) -> Mapping[str, bool]:
    """Return all that a folder holds, by path: whether it is a plain file; links are not followed.

    A folder is listed when it is empty or stands where no file is expected below it.
    """
    found: dict[str, bool] = {}
    for place, folders, files in os.walk(folder, followlinks=False):
        here = Path(place)
        for name in (*folders, *files):
            path = here / name
            relative = path.relative_to(folder).as_posix()
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode):
                found[relative] = stat.S_ISREG(mode)
            elif not any(path.iterdir()):
                found[relative] = False
    found.pop(STATUS, None)
    return found


def _complete(listed: Mapping[str, bool], expected: Contents) -> Iterator[Difference]:
    for name in sorted(expected):
        if name not in listed and not any(other.startswith(f"{name}/") for other in listed):
            yield _missing(name)
        elif not listed.get(name, False):
            place = Place(file=name)
            yield _of(Aspect.COMPLETE, Finding.error("verify_not_a_file", place, file=name))
    for name in sorted(set(listed) - set(expected)):
        if not any(name.startswith(f"{other}/") for other in expected):
            shown = safe_name(name)
            place = Place(file=shown)
            yield _of(Aspect.COMPLETE, Finding.error("verify_unlisted", place, file=shown))


def _missing(name: str) -> Difference:
    return _of(Aspect.COMPLETE, Finding.error("verify_missing", Place(file=name), file=name))


def _of(aspect: Aspect, finding: Finding) -> Difference:
    return Difference(aspect, finding)


def _files_of(faults: Sequence[Difference]) -> set[str]:
    """Return the files that differences name."""
    return {fault.file for fault in faults if fault.file is not None}


def _compared(
    folder: Path, name: str, listed: Mapping[str, bool], expected: Contents
) -> Iterator[Difference]:
    if not listed.get(name, False):
        return
    raw = _raw(folder / name)
    if raw is None:
        place = Place(file=name)
        yield _of(Aspect.CONSISTENT, Finding.error("verify_unreadable", place, file=name))
        return
    found = file_findings(name, raw, expected[name])
    yield from (_of(Aspect.CONSISTENT, finding) for finding in islice(found, MOST_TOLD))
    more = sum(1 for _ in islice(found, MOST_COUNTED + 1))  # made one by one, and none is kept
    if more:
        code = "verify_more" if more <= MOST_COUNTED else "verify_many_more"
        counted = Finding.error(code, Place(file=name), file=name, n=min(more, MOST_COUNTED))
        yield _of(Aspect.CONSISTENT, counted)


def _moment(folder: Path, held: StudyResults) -> Iterator[Difference]:
    yield from (_of(Aspect.CONSISTENT, found) for found in moment_findings(folder, held))


def _unreadable(folder: Path, listed: Mapping[str, bool]) -> Iterator[Difference]:
    """Yield the notebook that gives no results, when nothing else can be compared."""
    if listed.get(NOTEBOOK, False):
        place = Place(file=NOTEBOOK)
        yield _of(Aspect.CONSISTENT, Finding.error("verify_unreadable", place, file=NOTEBOOK))


def _raw(path: Path) -> bytes | None:
    try:
        return read_plain(path, SEARCHED_MB)
    except (OSError, ImpactEvalError):
        return None


# -- which results are believed ---------------------------------------------------------------


def _held_results(folder: Path) -> tuple[StudyResults | None, list[Difference]]:
    """Return the results of `results.json`, or why they cannot be read."""
    try:
        return StudyResults.read(folder / RESULTS), []
    except ImpactEvalError as error:
        return None, [
            _of(Aspect.CONSISTENT, Finding(f.code, f.severity, f.values, Place(file=RESULTS)))
            for f in error.findings
            if f.code != "results_not_found"
        ]


def _noted_results(folder: Path, asked: Asked) -> StudyResults | None:
    """Return the results that the notebook holds, as the runner would have written them."""
    content = _json_of(folder / NOTEBOOK)
    for bundle in _bundles(content):
        if RESULTS_MIME in bundle:
            try:
                read = StudyResults.from_dict(bundle[RESULTS_MIME])
                return read.with_template(template_hash(asked.template))
            except (ImpactEvalError, RecursionError):
                return None
    return None


def _json_of(path: Path) -> Json:
    try:
        return parsed(read_plain_text(path, NOTEBOOK_MB))
    except (OSError, ValueError, RecursionError, ImpactEvalError):
        return None


def _bundles(notebook: Json) -> Iterator[Mapping[str, Json]]:
    """Yield what the cells of a notebook show, whatever the file is."""
    for cell in _list(notebook, "cells"):
        for output in _list(cell, "outputs"):
            data = output.get("data") if isinstance(output, dict) else None
            if isinstance(data, dict):
                yield data


def _list(of: Json, key: str) -> list[Json]:
    found = of.get(key) if isinstance(of, dict) else None
    return found if isinstance(found, list) else []


def _believed(
    folder: Path,
    held: StudyResults | None,
    noted: StudyResults | None,
    asked: Asked,
    make: Remade,
) -> tuple[StudyResults | None, Contents]:
    """Return the results that the rest of the edition follows, and the edition made from them."""
    candidates = [found for found in (held, noted) if found is not None]
    if not candidates:
        return None, {}
    if len(candidates) == 2 and _checksum(candidates[0]) == _checksum(candidates[1]):
        candidates = candidates[:1]
    if len(candidates) == 2:
        told = _told_checksums(folder)
        votes = [told.count(_checksum(found)) for found in candidates]
        if votes[0] != votes[1]:
            candidates = [candidates[votes.index(max(votes))]]
    made = [make(found, asked) for found in candidates]
    alike = [sum(_raw(folder / name) == raw for name, raw in edition.items()) for edition in made]
    best = alike.index(max(alike))
    return candidates[best], made[best]


def _checksum(results: StudyResults) -> str:
    return sha256(canonical_json(comparable(results)))


def _told_checksums(folder: Path) -> list[Json]:
    """Return the checksums of the results that the crate and the checker's file tell."""
    told: list[Json] = []
    for entity in _list(_json_of(folder / CRATE), "@graph"):
        if isinstance(entity, dict) and entity.get("@id") == RESULTS:
            told.append(entity.get(CONTENT_CHECKSUM))
    for output in _list(_json_of(folder / CONTROL), "outputs"):
        if isinstance(output, dict) and output.get("name") == RESULTS:
            told.append(output.get("sha256"))
    return told


def _instruments(folder: Path) -> Iterator[str]:
    """Yield the names of the programs that a crate says to have made it."""
    for entity in _list(_json_of(folder / CRATE), "@graph"):
        if isinstance(entity, dict) and entity.get("@type") == "SoftwareSourceCode":
            name = entity.get("name")
            if isinstance(name, str):
                yield name


def _status_template(folder: Path) -> str:
    status = _json_of(folder / STATUS)
    job = status.get("job") if isinstance(status, dict) else None
    name = job.get("template") if isinstance(job, dict) else None
    return name if isinstance(name, str) else ""


def recorded_study(folder: Path) -> Path | None:
    """Return the study file that an output folder says to come from, when there is one."""
    status = _json_of(folder / STATUS)
    study = status.get("study") if isinstance(status, dict) else None
    file = study.get("file") if isinstance(study, dict) else None
    if not isinstance(file, str) or "\0" in file:
        return None
    path = folder / file
    return path if path.is_file() else None


def result_findings(found: StudyResults, again: StudyResults) -> tuple[Finding, ...]:
    """Return where results differ from those computed again, key by key."""
    return tuple(json_findings(RESULTS, comparable(found), comparable(again)))
