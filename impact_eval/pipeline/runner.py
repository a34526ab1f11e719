"""Run a study: execute its notebook, export its report, and never leave half a result.

Everything is written in a hidden folder beside the output, which takes its place at the end. A run
that was interrupted starts again from the last stage it finished, when its inputs are still the
same. Whatever ends a run, `status.json` says what became of it, and a report that is no longer the
present one is set apart.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import nbformat

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.machine_faults import machine_faults_told, machine_finding
from impact_eval.core.whole_files import sweep_partials
from impact_eval.pipeline.attempt import Attempt
from impact_eval.pipeline.edition_files import NOTEBOOK, RESULTS, Asked, report_names, write_edition
from impact_eval.pipeline.editions import (
    earlier_sha256,
    internal_folder,
    record_release,
    write_internal,
)
from impact_eval.pipeline.job import input_files, job_of, template_hash
from impact_eval.pipeline.keeping import keeping_noticed
from impact_eval.pipeline.lock import study_lock
from impact_eval.pipeline.notebook import (
    RunStatus,
    canonical,
    execute,
    results_of,
    urgent_answers,
)
from impact_eval.pipeline.own_folder import (
    StudyPlace,
    checksums,
    differing,
    discard,
    drop_exchanged,
    exchange,
    former_of,
    put_in_place,
    recover,
    refuse_place,
    set_former_aside,
)
from impact_eval.pipeline.run_folder import sweep_left_behind
from impact_eval.pipeline.shown_kinds import INTERNAL_MIME
from impact_eval.pipeline.states import OUTPUT, STATUS, Job, RunState, Stage, Status, read_status
from impact_eval.pipeline.study import Study, study_file
from impact_eval.pipeline.templates import STUDY_REPORT, template_path
from impact_eval.pipeline.urgent import OPERATOR_NOTE, write_note
from impact_eval.pipeline.workshop import Workshop
from impact_eval.results.disclosure.releases import FILE as LEDGER
from impact_eval.results.records import StudyResults

__all__ = ["Run", "Stage", "run", "run_apart"]

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
    rebuilt : tuple of str
        Files of an identical edition that were missing or changed, and were made again.
    kept : tuple of Path
        The user's own files of the former folder, changed or added there, where they are now.
    noticed : tuple of Finding
        `keeping_over` when the data should have been deleted.
    """

    folder: Path
    results: StudyResults
    reports: tuple[Path, ...]
    resumed: bool
    operator_note: Path | None = None
    rebuilt: tuple[str, ...] = field(default=())
    kept: tuple[Path, ...] = field(default=())
    noticed: tuple[Finding, ...] = field(default=())


def run(
    folder: str | Path,
    output: str | Path | None = None,
    template: str = STUDY_REPORT,
    progress: Progress | None = None,
    *,
    fresh: bool = False,
    wait: bool = False,
) -> Run:
    """Run a study folder through its notebook to its reports.

    Nothing of the user's is lost: an output folder is replaced only when it was made for this
    study, and what somebody changed or added in it is moved beside it first.

    Parameters
    ----------
    folder : str or Path
        The folder of `study.toml`, or the file.
    output : str or Path, optional
        Folder of the outputs; `sortie` in the study's folder by default.
    template : str
        Name of a template notebook.
    progress : callable, optional
        Called with (stage, done, total) as the run goes.
    fresh : bool
        Compute again even when the same run is already there.
    wait : bool
        Wait for whoever runs this study to end; refuse otherwise.

    Returns
    -------
    Run

    Raises
    ------
    ImpactEvalError
        What the study, the data or the designs refuse; `run_timeout`, `run_killed`,
        `run_truncated` when the notebook stopped; `output_foreign` and its like when writing there
        would lose something; `run_in_progress`; what the machine refuses (`disk_full`…).

    Examples
    --------
    >>> run("mon-action/")  # doctest: +SKIP
    """
    with machine_faults_told():
        template_path(template)  # an unknown name is no failure of the study
        file = Path(os.path.realpath(study_file(folder)))
        given = file.parent / OUTPUT if output is None else Path(output)
        target = Path(os.path.realpath(given))
        if given.is_symlink() and not target.exists():
            raise ImpactEvalError(Finding.error("link_to_nowhere", Place(file=given.name)))
        with study_lock(file.parent, wait=wait):
            _sweep(file.parent, target)
            return _run(file, target, template, progress or (lambda *_: None), fresh=fresh)


def _sweep(folder: Path, target: Path) -> None:
    """Delete what runs killed without a word left half written; whoever has the lock is alone."""
    sweep_left_behind()
    for path in (folder / LEDGER, folder / OPERATOR_NOTE, target / STATUS):
        sweep_partials(path)


def run_apart(folder: str | Path, output: Path, template: str = STUDY_REPORT) -> Run:
    """Run a study elsewhere, to compare: nothing is published, and no ledger says so.

    Parameters
    ----------
    folder : str or Path
        The folder of `study.toml`, or the file.
    output : Path
        Folder to write, absent.
    template : str
    """
    study = Study.read(folder)
    place = StudyPlace(study_file(folder).resolve(), study.declaration.study.id)
    shop = Workshop.beside(output, place)
    shop.open()
    _execute(study, template, shop, lambda *_: None, publish=False)
    write_edition(shop.published, Asked.by(study, template))
    shop.published.rename(output)
    shop.clear()
    return _finished(study, output, resumed=False)


def _run(file: Path, target: Path, template: str, say: Progress, *, fresh: bool) -> Run:
    attempt = Attempt(target, StudyPlace(file))
    try:
        study = Study.read(file)
    except ImpactEvalError as error:
        attempt.failed_if_ours(error.findings)
        raise
    place = StudyPlace(file, study.declaration.study.id)
    refuse_place(target, place, [study.path(name) for name in input_files(study)])
    kept = recover(internal_folder(target), place) + recover(target, place)
    attempt = Attempt(target, place)
    try:
        done = _steps(study, attempt, template, say, fresh=fresh)
        return replace(done, kept=kept + done.kept)
    except ImpactEvalError as error:
        _told(attempt, partial(attempt.ended, error.findings))
        raise
    except (OSError, MemoryError, RecursionError) as error:
        _told(attempt, partial(attempt.ended, (machine_finding(error),)))
        raise
    except BaseException as error:
        _told(attempt, partial(attempt.stopped, error))
        raise


def _told(attempt: Attempt, tell: Callable[[], bool]) -> None:
    """Write how a run ended; where no room is left for it, the working folder gives its own."""
    if tell():
        return
    with suppress(OSError, ImpactEvalError):
        Workshop.beside(attempt.target, attempt.study).clear()
    tell()


def _steps(study: Study, attempt: Attempt, template: str, say: Progress, *, fresh: bool) -> Run:
    target, place = attempt.target, attempt.study
    say(Stage.CHECK, 0, 1)
    job = job_of(study, template)
    there = _same_job(target, job)
    lacking = () if there is None else differing(target, there.outputs)
    whole = (
        there is not None
        and not fresh
        and not {RESULTS, NOTEBOOK} & set(lacking)
        and _is_of(target, job)
        and there.earlier_sha256 == _earlier(study, target)
    )
    if whole and not lacking:
        record_release(study, StudyResults.read(target))  # the ledger may have been lost since
        return _finished(study, target, resumed=True)
    shop = Workshop.beside(target, place)
    attempt.at_step(Stage.CHECK, job)  # the former report stays until the new one is whole
    again = None if fresh else shop.resumes(job)
    resumed = again is not None and again == _earlier(study, shop.published)
    alone = False  # whether the operator's own edition stays as it is
    if not resumed and whole:
        shop.take(target, job, _earlier(study, target))
        resumed = alone = True
    if not resumed:
        shop.open()
        attempt.at_step(Stage.EXECUTE, job)
        try:
            _execute(study, template, shop, say, publish=True)
            shop.computed(job, _earlier(study, shop.published))
        except BaseException:
            shop.clear()  # nothing is whole yet: there is nothing to take up again
            raise
    attempt.at_step(Stage.EXPORT, job)
    say(Stage.EXPORT, 0, 1)
    try:
        kept = _publish(study, shop, job, target, alone=alone)
    except BaseException:
        shop.export_failed()
        raise
    say(Stage.DONE, 1, 1)
    rebuilt = lacking if not fresh else ()
    return _finished(study, target, resumed=resumed, rebuilt=rebuilt, kept=kept)


def _same_job(target: Path, job: Job) -> Status | None:
    """Return the status of a folder where the same job was done."""
    status = read_status(target)
    done = status is not None and status.state is RunState.DONE and status.key == job.key
    return status if done else None


def _is_of(folder: Path, job: Job) -> bool:
    """Return whether the results of a folder say themselves that they are those of a job."""
    told = StudyResults.read(folder).provenance
    made = (told.study_sha256, told.template_sha256, dict(told.versions))
    return made == (job.study_sha256, job.template_sha256, job.versions)


def _earlier(study: Study, folder: Path) -> str:
    """Return the hash of what the results of a folder had to heed."""
    return earlier_sha256(study, StudyResults.read(folder).provenance.data_sha256)


def _execute(study: Study, template: str, shop: Workshop, say: Progress, *, publish: bool) -> None:
    parameters = {"study": study.name, "language": study.declaration.report.languages[0]}
    executed = execute(
        template_path(template),
        parameters,
        folder=study.folder,
        cell_done=lambda done, total: say(Stage.EXECUTE, done, total),
    )
    if publish:
        write_note(study, urgent_answers(executed.notebook))  # told whatever becomes of the run
    if executed.status is not RunStatus.OK:
        raise ImpactEvalError(executed.findings)
    content = results_of(executed.notebook)
    if content is None:
        raise ImpactEvalError(Finding.error("no_results_published", template=template))
    digest = template_hash(template)
    content.with_template(digest).write(shop.published / RESULTS)
    internal = results_of(executed.notebook, INTERNAL_MIME)
    if internal is not None and publish:
        shop.internal.mkdir()
        report = study.declaration.report
        write_internal(
            internal.with_template(digest), shop.internal, report.languages, report.formats
        )
    nbformat.write(canonical(executed.notebook), shop.published / NOTEBOOK)


def _publish(
    study: Study, shop: Workshop, job: Job, target: Path, *, alone: bool
) -> tuple[Path, ...]:
    """Write the edition and put it in place, the operator's own first."""
    write_edition(shop.published, Asked.by(study, job.template))
    results = StudyResults.read(shop.published)
    own = internal_folder(target)
    kept: tuple[Path, ...] = ()
    done = Status(
        state=RunState.DONE,
        step=Stage.DONE,
        study=shop.study.told_from(target),
        job=job,
        outputs=checksums(shop.published),
        earlier_sha256=earlier_sha256(study, results.provenance.data_sha256),
        at=results.provenance.run_at,
    )
    done.write(shop.published)
    record_release(
        study, results
    )  # before anybody can read it: what ends here is told as published
    if shop.internal.is_dir():
        outputs = checksums(shop.internal)
        done.model_copy(update={"outputs": outputs}).write(shop.internal)
        kept = exchange(shop.internal, own, shop.study)
    elif not alone:
        set_former_aside(own, shop.study)
    kept += put_in_place(shop.published, target, shop.study)
    # once both are in place: until then nothing of the user's is moved
    kept += drop_exchanged(own, shop.study)
    kept += discard(former_of(target, shop.study), shop.study)
    shop.clear()
    return kept


def _finished(
    study: Study,
    target: Path,
    *,
    resumed: bool,
    rebuilt: tuple[str, ...] = (),
    kept: tuple[Path, ...] = (),
) -> Run:
    paths = (target / name for name in report_names(study))
    reports = tuple(sorted({path for path in paths if path.is_file()}))
    note = study.path(OPERATOR_NOTE)
    told = note if note.is_file() else None
    noticed = keeping_noticed(study)
    return Run(target, StudyResults.read(target), reports, resumed, told, rebuilt, kept, noticed)
