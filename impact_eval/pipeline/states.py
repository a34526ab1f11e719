"""`status.json`: what became of the last run of a study, and the mark that a folder is ours.

The file is written before the first step and after the last, whatever ended the run:

    running     someone computes, or was stopped without a word (`lock` tells which)
    done        every file listed in `outputs` is there, with the checksum beside its name
    failed      a refusal: the study, its data, the machine
    timed_out   a step took longer than it may
    killed      stopped by a person, a signal or the machine

It says for which study the folder was made: a folder without it is somebody else's, and is never
emptied. Reasons are codes and places: a value of the data never stands here.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from impact_eval.core.findings import Finding
from impact_eval.core.plain_files import is_plain
from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.core.whole_files import write_whole

STATUS: Final = "status.json"
OUTPUT: Final = "sortie"  # in the study's folder, when no other is asked for
SCHEMA: Final = "impact-eval/status/1"
_LARGEST = 5_000_000  # bytes of a status; a longer file is none


def _inside(name: str) -> str:
    """Refuse the name of a file that is not below its folder: a received one may name any."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or set(name) & set("\\:\0"):
        raise ValueError
    return name


Inside: TypeAlias = Annotated[str, AfterValidator(_inside)]
Digest: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Stage(StrEnum):
    """Stages of a run, in order."""

    CHECK = "check"
    EXECUTE = "execute"
    EXPORT = "export"
    DONE = "done"


class RunState(StrEnum):
    """What became of a run."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    KILLED = "killed"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class StudyOfFolder(_Part):
    """For which study a folder was made."""

    id: str | None
    """Identifier of the study; None when its file could not be read."""
    file: str
    """Path of the study file from the folder, with `/`; the name alone on another disk."""


class Job(_Part):
    """All that decides the results of a run."""

    template: str
    """Name of the template notebook."""
    template_sha256: Digest
    """Of its cells."""
    study_sha256: Digest
    """Of the declaration."""
    inputs: dict[Inside, Digest]
    """Of each file that the study reads, by its name from the study's folder."""
    code_sha256: Digest
    """Of the program."""
    versions: dict[str, str]
    """Of Python and of the packages that compute."""

    @property
    def key(self) -> str:
        """The hash of the whole."""
        return sha256(canonical_json(self.model_dump(mode="json")))


class Reason(_Part):
    """Why a run ended without a report: a code and where, never a value of the data."""

    code: str
    """Code of the finding."""
    file: str | None = None
    """File concerned."""
    column: str | None = None
    """Column concerned."""
    key: str | None = None
    """Key of the study file concerned."""


class Status(_Part):
    """What became of the last run of a study in a folder."""

    schema_: Literal["impact-eval/status/1"] = Field(default=SCHEMA, alias="schema")
    """Version of this format."""
    state: RunState
    """What became of it."""
    step: Stage
    """The step reached."""
    study: StudyOfFolder
    """For which study the folder was made."""
    reasons: tuple[Reason, ...] = ()
    """Why it ended without a report."""
    job: Job | None = None
    """What was computed; None when the study could not be read."""
    outputs: dict[Inside, Digest] = {}
    """Content checksum of each file written, by its name from the folder."""
    earlier_sha256: Digest | None = None
    """Of what editions from other data or another declaration had published: the gate heeds it."""
    at: str | None = None
    """When it was written; once done, when the results were made, as `results.json` tells it."""

    @property
    def key(self) -> str | None:
        """The hash of what was computed."""
        return None if self.job is None else self.job.key

    def to_json(self) -> str:
        """Return the text of `status.json`."""
        data = self.model_dump(mode="json", by_alias=True)
        return json.dumps(data, ensure_ascii=False, indent=1) + "\n"

    def write(self, folder: Path) -> None:
        """Write `status.json`, whole or not at all."""
        write_whole(folder / STATUS, self.to_json())


def read_status(folder: Path) -> Status | None:
    """Return the status of a folder; None where there is none that can be read."""
    path = folder / STATUS
    try:
        if not is_plain(path) or path.stat().st_size > _LARGEST:
            return None
        return Status.model_validate_json(path.read_bytes())
    except (OSError, ValidationError, ValueError, RecursionError):
        return None


def reasons_of(findings: Iterable[Finding]) -> tuple[Reason, ...]:
    """Return findings as reasons: their codes and places, without what they quote of the data."""
    found = []
    for finding in findings:
        place = finding.place
        told = (
            Reason(code=finding.code)
            if place is None
            else Reason(code=finding.code, file=place.file, column=place.column, key=place.key)
        )
        if told not in found:
            found.append(told)
    return tuple(found)


def now() -> str:
    """Return the moment, to the second, in universal time."""
    return dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds")
