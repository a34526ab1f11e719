"""One attempt at running a study, as the status of its output folder tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from impact_eval.core.findings import Finding
from impact_eval.pipeline.editions import internal_folder
from impact_eval.pipeline.own_folder import Standing, StudyPlace, set_former_aside, standing
from impact_eval.pipeline.states import (
    Job,
    RunState,
    Stage,
    Status,
    now,
    read_status,
    reasons_of,
)

_STATES: Mapping[str, RunState] = MappingProxyType(
    {"run_timeout": RunState.TIMED_OUT, "run_killed": RunState.KILLED}
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt at running a study.

    Attributes
    ----------
    target : Path
        The output folder.
    study : StudyPlace
    """

    target: Path
    study: StudyPlace

    def at_step(self, step: Stage, job: Job) -> None:
        """Write the step reached; what the status says of the files that are there stays."""
        self.target.mkdir(parents=True, exist_ok=True)
        former = read_status(self.target)
        status = self._status(RunState.RUNNING, step, job)
        if former is not None and former.outputs:
            kept = {name: getattr(former, name) for name in ("job", "outputs", "earlier_sha256")}
            status = status.model_copy(update=kept)
        status.write(self.target)

    def ended(self, findings: Sequence[Finding]) -> bool:
        """Write that the run ended without a report, and set the former one apart.

        Returns
        -------
        bool
            Whether it could be written.
        """
        codes = [finding.code for finding in findings]
        states = [_STATES[code] for code in codes if code in _STATES]
        return self._close(states[0] if states else RunState.FAILED, findings)

    def stopped(self, error: BaseException) -> bool:
        """Write that the run was stopped from outside, or met what nobody had foreseen."""
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            return self._close(RunState.KILLED, (Finding.error("run_interrupted"),))
        told = Finding.error("unforeseen", kind=type(error).__name__)
        return self._close(RunState.FAILED, (told,))

    def failed_if_ours(self, findings: Sequence[Finding]) -> None:
        """Write the failure of a study that cannot even be read, where its report stands."""
        if standing(self.target, self.study) is Standing.OURS:
            self._close(RunState.FAILED, findings)

    def _close(self, state: RunState, findings: Sequence[Finding]) -> bool:
        status = read_status(self.target)
        step = status.step if status is not None and status.state is RunState.RUNNING else None
        if standing(self.target, self.study) in (Standing.FOREIGN, Standing.OF_ANOTHER):
            return True  # nothing is to be written there
        # what the machine refuses here cannot be told better than by the refusal under way
        with suppress(OSError):
            for folder in (internal_folder(self.target), self.target):
                _mark_done(set_former_aside(folder, self.study))
            self.target.mkdir(parents=True, exist_ok=True)
            ended = self._status(state, step or Stage.CHECK, None)
            known = ended.study if ended.study.id or status is None else status.study
            told = {"reasons": reasons_of(findings), "study": known}
            ended.model_copy(update=told).write(self.target)
            return True
        return False

    def _status(self, state: RunState, step: Stage, job: Job | None) -> Status:
        told = self.study.told_from(self.target)
        return Status(state=state, step=step, study=told, job=job, at=now())


def _mark_done(former: Path | None) -> None:
    """Write that the report set apart is whole: it was, before the attempt."""
    status = None if former is None else read_status(former)
    if former is None or status is None or not status.outputs:
        return
    whole = {"state": RunState.DONE, "step": Stage.DONE, "reasons": (), "at": None}
    status.model_copy(update=whole).write(former)
