"""Run a study: execute its notebook, export its report, and never leave half a result.

Everything is written in a sibling folder and renamed at the end. A run that was interrupted starts
again from the last stage it finished, when its inputs are still the same.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import nbformat

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.core.provenance import canonical_json, sha256, versions
from impact_eval.pipeline.checker import write_checker_page
from impact_eval.pipeline.crate import write_crate
from impact_eval.pipeline.declared_codes import code_files
from impact_eval.pipeline.editions import (
    INTERNAL,
    internal_folder,
    record_release,
    write_internal,
)
from impact_eval.pipeline.exporters import EXPORTERS, blocks_of
from impact_eval.pipeline.notebook import (
    INTERNAL_MIME,
    RunStatus,
    canonical,
    execute,
    results_of,
    urgent_answers,
)
from impact_eval.pipeline.outputs import write_data_files
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.templates import STUDY_REPORT, read_notebook, template_path
from impact_eval.pipeline.urgent import OPERATOR_NOTE, write_note
from impact_eval.pipeline.worth import write_workbook
from impact_eval.report.languages.language import formats_of
from impact_eval.results.records import StudyResults

OUTPUT = "sortie"
NOTEBOOK = "notebook.ipynb"
STATUS = "status.json"


class Stage(StrEnum):
    """Stages of a run, in order."""

    CHECK = "check"
    EXECUTE = "execute"
    EXPORT = "export"
    DONE = "done"


Progress = Callable[[Stage, int, int], None]


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run.

    Attributes
    ----------
    folder : Path
        Where the outputs are.
    results : StudyResults
    reports : tuple of Path
        One per language and format.
    resumed : bool
        Whether an interrupted run was taken up again, or an identical one was already there.
    operator_note : Path or None
        What the operator alone must read (urgent answers), beside the study file: never in
        `folder`, never to be shared.
    """

    folder: Path
    results: StudyResults
    reports: tuple[Path, ...]
    resumed: bool
    operator_note: Path | None = None


def run(
    folder: str | Path,
    *,
    output: str | Path | None = None,
    template: str = STUDY_REPORT,
    progress: Progress | None = None,
    fresh: bool = False,
) -> Run:
    """Run a study from its folder to its report.

    Parameters
    ----------
    folder : str or Path
        The folder of `study.toml`, or the file.
    output : str or Path, optional
        Folder of the outputs; `sortie` in the study's folder by default.
    template : str
        Name of a template notebook.
    progress : callable, optional
        Called with (stage, done, in all) as the run goes.
    fresh : bool
        Compute again even when the same run is already there.

    Returns
    -------
    Run

    Raises
    ------
    ImpactEvalError
        What the study, the data or the designs refuse; `run_timeout`, `run_killed`,
        `run_truncated` when the notebook stopped.

    Examples
    --------
    >>> run("mon-action/")  # doctest: +SKIP
    """
    study = Study.read(folder)
    target = Path(output).resolve() if output is not None else study.folder / OUTPUT
    say = progress or (lambda *_: None)
    return _run(study, target, template, say, fresh=fresh, publish=True)


def run_apart(folder: str | Path, output: Path, template: str = STUDY_REPORT) -> Run:
    """Run a study elsewhere, to compare: nothing is published, and no ledger says so.

    Parameters
    ----------
    folder : str or Path
        The folder of `study.toml`, or the file.
    output : Path
        Folder to write.
    template : str
    """
    study = Study.read(folder)
    return _run(study, output, template, lambda *_: None, fresh=True, publish=False)


def _run(
    study: Study, target: Path, template: str, say: Progress, *, fresh: bool, publish: bool
) -> Run:
    say(Stage.CHECK, 0, 1)
    key = job_key(study, template)
    if not fresh and _is_done(target, key):
        if publish:  # the ledger may have been lost since; one that knows it adds no line
            record_release(study, StudyResults.read(target))
        return _finished(study, target, resumed=True)
    partial = target.with_name(f".{target.name}.partial")
    resumed = _prepare(partial, key, fresh=fresh)
    if not resumed:
        _execute(study, template, partial, say)
    own = _set_apart(partial, target, resumed=resumed)
    say(Stage.EXPORT, 0, 1)
    _export(study, partial, template)
    _write_status(partial, key, Stage.DONE)
    if publish:  # before anybody can read it: what ends the run here is told as published
        record_release(study, StudyResults.read(partial))
    if own.is_dir():
        _replace(own, internal_folder(target))
    _replace(partial, target)
    say(Stage.DONE, 1, 1)
    return _finished(study, target, resumed=resumed)


def _set_apart(partial: Path, target: Path, *, resumed: bool) -> Path:
    """Take the operator's edition out of what is exported: no page of control speaks of it."""
    own = target.with_name(f".{internal_folder(target).name}.partial")
    if own.exists() and not resumed:
        shutil.rmtree(own)
    if (partial / INTERNAL).is_dir() and not own.exists():
        (partial / INTERNAL).rename(own)
    return own


def job_key(study: Study, template: str) -> str:
    """Return the hash of all that decides the result: study, data, template, versions."""
    return sha256(
        canonical_json(
            {
                "study": study.digest,
                "files": {name: sha256(study.path(name).read_bytes()) for name in _files(study)},
                "template": template_hash(template),
                "versions": versions(),
            }
        )
    )


def template_hash(template: str) -> str:
    """Return the hash of a template's cells: outputs and metadata do not count."""
    cells = [(c.cell_type, c.source) for c in read_notebook(template_path(template)).cells]
    return sha256(canonical_json(cells))


def _files(study: Study) -> list[str]:
    declared = study.declaration
    parts = [declared.data, *(part.data for part in declared.instruments)]
    names = [file for part in parts for file, _ in part.tables]
    names += [part.definition for part in declared.instruments if part.definition]
    names += [declared.value.map] if declared.value else []
    names += [path.relative_to(study.folder).as_posix() for path in code_files(study)]
    return sorted(set(names))


def _is_done(folder: Path, key: str) -> bool:
    return _read_status(folder) == (key, Stage.DONE) and (folder / "results.json").is_file()


def _read_status(folder: Path) -> tuple[str, Stage] | None:
    try:
        data = json.loads((folder / STATUS).read_text(encoding="utf-8"))
        return data["key"], Stage(data["stage"])
    except (OSError, ValueError, KeyError):
        return None


def _write_status(folder: Path, key: str, stage: Stage) -> None:
    partial = folder / f".{STATUS}.partial"
    partial.write_text(json.dumps({"key": key, "stage": stage.value}) + "\n", encoding="utf-8")
    partial.replace(folder / STATUS)


def _prepare(partial: Path, key: str, *, fresh: bool) -> bool:
    """Make the working folder; return whether an executed notebook of the same job is there."""
    if not fresh and _read_status(partial) == (key, Stage.EXECUTE):
        return True
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    (partial / ".key").write_text(key, encoding="utf-8")
    return False


def _execute(study: Study, template: str, partial: Path, progress: Progress) -> None:
    parameters = {"study": "study.toml", "language": study.declaration.report.languages[0]}
    executed = execute(
        template_path(template),
        parameters,
        folder=study.folder,
        cell_done=lambda done, total: progress(Stage.EXECUTE, done, total),
    )
    write_note(study, urgent_answers(executed.notebook))  # told whatever becomes of the run
    if executed.status is not RunStatus.OK:
        shutil.rmtree(partial)
        raise ImpactEvalError(executed.findings)
    content = results_of(executed.notebook)
    if content is None:
        shutil.rmtree(partial)
        raise ImpactEvalError(Finding.error("no_results_published", template=template))
    digest = template_hash(template)
    content.with_template(digest).write(partial / "results.json")
    internal = results_of(executed.notebook, INTERNAL_MIME)
    if internal is not None:
        own = partial / INTERNAL
        own.mkdir()
        report = study.declaration.report
        write_internal(internal.with_template(digest), own, report.languages, report.formats)
    nbformat.write(canonical(executed.notebook), partial / NOTEBOOK)
    _write_status(partial, (partial / ".key").read_text(encoding="utf-8"), Stage.EXECUTE)
    (partial / ".key").unlink()


def _export(study: Study, partial: Path, template: str) -> None:
    notebook = read_notebook(partial / NOTEBOOK)
    for kind in study.declaration.report.formats:
        for language in study.declaration.report.languages:
            exporter = EXPORTERS[kind](language=language)
            content, _ = exporter.from_notebook_node(notebook)
            path = partial / formats_of(language).report_file(kind)
            path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    first = study.declaration.report.languages[0]
    write_data_files(blocks_of(notebook), partial, first)
    results = StudyResults.read(partial)
    for language in study.declaration.report.languages:
        write_workbook(results.value, partial, language)
    write_checker_page(partial, results, study.declaration.report.languages)
    write_crate(partial, results, template)


def report_names(study: Study) -> tuple[str, ...]:
    """Return the files of the reports that a study asks for, one by format and language."""
    report = study.declaration.report
    written = [formats_of(language) for language in report.languages]
    return tuple(formats.report_file(kind) for kind in report.formats for formats in written)


def _replace(partial: Path, target: Path) -> None:
    """Put the finished folder in place; the old one goes only when the new one is there."""
    old = target.with_name(f".{target.name}.old")
    if old.exists():
        shutil.rmtree(old)
    if target.exists():
        target.rename(old)
    partial.rename(target)
    if old.exists():
        shutil.rmtree(old)


def _finished(study: Study, target: Path, *, resumed: bool) -> Run:
    paths = (target / name for name in report_names(study))
    reports = tuple(sorted({path for path in paths if path.is_file()}))
    note = study.path(OPERATOR_NOTE)
    kept = note if note.is_file() else None
    return Run(target, StudyResults.read(target), reports, resumed, kept)
