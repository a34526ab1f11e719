"""What became of the last run of a study, and whether its report is still that of today."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.lock import Holder, holder_of
from impact_eval.pipeline.own_folder import StudyPlace, differing, former_of
from impact_eval.pipeline.states import OUTPUT, STATUS, Job, Reason, RunState, Status, read_status
from impact_eval.pipeline.study import Study, study_file

if TYPE_CHECKING:
    from impact_eval.report.texts import Texts

_PARTS = ("template", "template_sha256", "study_sha256", "code_sha256", "versions")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyState:
    """The state of a study and of its output folder.

    Attributes
    ----------
    state : RunState or None
        None when the study was never run there. A run whose process is gone was `killed`.
    status : Status or None
        As the folder tells it.
    holder : Holder or None
        Who runs the study now; without a number when somebody may, and it cannot be known.
    changed : tuple of str
        What is no longer what the report was made from: parts of the job, `inputs.<file>`.
    lacking : tuple of str
        Files of the report that are missing or were changed.
    former : str or None
        Folder where an earlier report is kept, when the last run gave none.
    """

    state: RunState | None
    status: Status | None = None
    holder: Holder | None = None
    changed: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    former: str | None = None

    @property
    def current(self) -> bool:
        """Whether the report is there, whole, and made from what the study is today."""
        return self.state is RunState.DONE and not self.changed and not self.lacking

    def to_dict(self) -> dict[str, object]:
        """Return the state as JSON."""
        holder = self.holder
        return {
            "state": None if self.state is None else self.state.value,
            "current": self.current,
            "changed": list(self.changed),
            "lacking": list(self.lacking),
            "former": self.former,
            "runs": None if holder is None else {"pid": holder.pid, "since": holder.since},
            "status": None
            if self.status is None
            else self.status.model_dump(mode="json", by_alias=True),
        }


def state_of(folder: str | Path, output: str | Path | None = None) -> StudyState:
    """Return what became of the last run of a study.

    Parameters
    ----------
    folder : str or Path
        The folder of `study.toml`, or the file; an output folder stands for its study.
    output : str or Path, optional
        Folder of the outputs; `sortie` in the study's folder by default.

    Returns
    -------
    StudyState

    Raises
    ------
    ImpactEvalError
        `study_not_found`.
    """
    given = Path(folder)
    if not (given / "study.toml").is_file() and (given / STATUS).is_file():
        told = read_status(given)
        output = given if output is None else output
        folder = given.parent if told is None else Path(os.path.normpath(given / told.study.file))
    file = Path(os.path.realpath(study_file(folder)))
    target = Path(os.path.realpath(file.parent / OUTPUT if output is None else output))
    status, holder = read_status(target), holder_of(file.parent)
    if status is None:
        return StudyState(state=RunState.RUNNING if holder else None, holder=holder)
    state = status.state
    if state is RunState.RUNNING and holder is None:
        state = RunState.KILLED
    place = StudyPlace(file, status.study.id)
    former = former_of(target, place)
    return StudyState(
        state=state,
        status=status,
        holder=holder,
        changed=_changed(file, status.job) if state is RunState.DONE else (),
        lacking=differing(target, status.outputs) if state is RunState.DONE else (),
        former=former.name if former.is_dir() and state is not RunState.DONE else None,
    )


def _changed(file: Path, job: Job | None) -> tuple[str, ...]:
    """Return what of a job is no longer what it was."""
    if job is None:
        return ("study_sha256",)
    from impact_eval.pipeline.job import job_of

    try:
        today = job_of(Study.read(file), job.template)
    except (ImpactEvalError, OSError):
        return ("study_sha256",)  # a study that can no longer be read is not the one that was run
    parts = [name for name in _PARTS if getattr(today, name) != getattr(job, name)]
    names = sorted(set(today.inputs) | set(job.inputs))
    files = [name for name in names if today.inputs.get(name) != job.inputs.get(name)]
    return (*parts, *(f"inputs.{name}" for name in files))


def _when(at: str, texts: Texts) -> str:
    """Return when a status was written, on the user's own clock."""
    try:
        moment = dt.datetime.fromisoformat(at).astimezone()
    except (ValueError, OverflowError, OSError):  # a status that somebody edited: no such moment
        return texts.say("cli.status.when_unknown")
    return texts.say("cli.status.when", at=moment.strftime("%Y-%m-%d %H:%M"))


def _reason(reason: Reason, texts: Texts) -> str:
    """Return a reason in words; the values that it had are told by `check`, on a terminal alone."""
    try:
        said = texts.without_values(f"finding.{reason.code}")
    except ImpactEvalError:
        said = f"[{reason.code}]"
    place = {"file": reason.file, "column": reason.column, "key": reason.key}
    told = [texts.say(f"error.place.{name}", value=part) for name, part in place.items() if part]
    line = texts.say("cli.status.reason", said=said)
    return f"{line} ({', '.join(told)})" if told else line


def _who_runs(holder: Holder, texts: Texts) -> str:
    if holder.pid is None:
        return texts.say("cli.status.may_run")
    return texts.say("cli.status.runs", pid=holder.pid, since=holder.since or "?")


def state_lines(found: StudyState, texts: Texts) -> Sequence[str]:
    """Return the state of a study in words, one sentence by line.

    Parameters
    ----------
    found : StudyState
    texts : Texts
    """
    state = "none" if found.state is None else found.state.value
    lines = [texts.say(f"cli.status.state.{state}")]
    status = found.status
    if status is not None and found.state is not RunState.DONE:
        lines.append(texts.say("cli.status.step", step=texts.say(f"cli.status.at.{status.step}")))
        lines += [_when(status.at, texts)] if status.at else []
        lines += [_reason(reason, texts) for reason in status.reasons]
    if found.holder is not None:
        lines.append(_who_runs(found.holder, texts))
    if found.former is not None:
        lines.append(texts.say("cli.status.former", folder=found.former))
    parts = [name for name in found.changed if not name.startswith("inputs.")]
    files = [name.removeprefix("inputs.") for name in found.changed if name not in parts]
    if files:
        lines.append(texts.say("cli.status.files", names=files))
    lines += [texts.say(f"cli.status.changed.{name}") for name in parts]
    if found.lacking:
        lines.append(texts.say("cli.status.lacking", names=found.lacking))
    if found.current:
        lines.append(texts.say("cli.status.current"))
    return lines
