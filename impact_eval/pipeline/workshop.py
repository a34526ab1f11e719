"""Where a run works: a hidden folder beside the output, taken up again after an interruption.

In `.sortie.partial/`: `status.json` (the job, and what is whole), `published/` (the edition to
come) and `interne/` (the operator's own edition, when there is one).
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.pipeline.edition_files import NOTEBOOK, RESULTS
from impact_eval.pipeline.editions import INTERNAL
from impact_eval.pipeline.own_folder import (
    Standing,
    StudyPlace,
    checksums,
    differing,
    remove_marked,
    standing,
)
from impact_eval.pipeline.states import STATUS, Job, RunState, Stage, Status, read_status

_PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Workshop:
    """The working folder of a run.

    Attributes
    ----------
    folder : Path
    study : StudyPlace
    """

    folder: Path
    study: StudyPlace

    @classmethod
    def beside(cls, target: Path, study: StudyPlace) -> Workshop:
        """Return the working folder of an output folder."""
        return cls(target.with_name(f".{target.name}.partial"), study)

    @property
    def published(self) -> Path:
        """The edition to come."""
        return self.folder / _PUBLISHED

    @property
    def internal(self) -> Path:
        """The operator's own edition to come."""
        return self.folder / INTERNAL

    def open(self) -> None:
        """Make the folder, empty; one that is not ours is refused.

        Raises
        ------
        ImpactEvalError
            `output_foreign`.
        """
        self.clear()
        self.folder.mkdir(parents=True)
        Status(  # first: a run that is cut after leaves a folder known for ours
            state=RunState.RUNNING, step=Stage.EXECUTE, study=self.study.told_from(self.folder)
        ).write(self.folder)
        self.published.mkdir()

    def clear(self) -> None:
        """Delete the folder; one that is not ours is refused."""
        found = standing(self.folder, self.study)
        if found in (Standing.FOREIGN, Standing.OF_ANOTHER):
            raise ImpactEvalError(
                Finding.error("output_foreign", Place(file=self.folder.name), examples=())
            )
        if found is not Standing.ABSENT:
            remove_marked(self.folder)

    def computed(self, job: Job, earlier: str) -> None:
        """Write that the computation is whole: what follows may be done again from here."""
        Status(
            state=RunState.RUNNING,
            step=Stage.EXPORT,
            study=self.study.told_from(self.folder),
            job=job,
            outputs=checksums(self.folder),
            earlier_sha256=earlier,
        ).write(self.folder)

    def resumes(self, job: Job) -> str | None:
        """Return whether the same job was computed here, whole: what it had heeded, or None.

        What an export that was cut left behind is deleted.
        """
        if standing(self.folder, self.study) is not Standing.OURS:
            return None
        status = read_status(self.folder)
        if status is None or status.step is not Stage.EXPORT or status.key != job.key:
            return None
        if differing(self.folder, status.outputs):
            return None
        self._drop_exports(status)
        return status.earlier_sha256

    def export_failed(self) -> None:
        """Delete what a cut export wrote: what was computed stays, to be taken up again.

        A full disk has then room to say that it was full.
        """
        status = read_status(self.folder)
        if status is not None and standing(self.folder, self.study) is Standing.OURS:
            with suppress(OSError):
                self._drop_exports(status)

    def _drop_exports(self, status: Status) -> None:
        for path in sorted(self.folder.rglob("*"), reverse=True):
            name = path.relative_to(self.folder).as_posix()
            if path.is_dir() and not path.is_symlink():
                if name not in (_PUBLISHED, INTERNAL) and not any(path.iterdir()):
                    path.rmdir()
            elif name != STATUS and name not in status.outputs:
                path.unlink()

    def take(self, edition: Path, job: Job, earlier: str) -> None:
        """Begin from the results and the notebook of a finished edition of the same job."""
        self.open()
        for name in (RESULTS, NOTEBOOK):
            shutil.copyfile(edition / name, self.published / name)
        self.computed(job, earlier)
