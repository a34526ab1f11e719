"""The protocol, frozen before looking: what was declared, when, its hash, what changed since."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.plain_files import read_plain_text
from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.core.whole_files import write_new
from impact_eval.pipeline.differences import differences
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import SCHEMA, StudyFile, in_both_if_any
from impact_eval.results.faults import parsed

if TYPE_CHECKING:
    from impact_eval.results.study_records import ProtocolRecord

FILE = "protocole.json"
FROZEN = ("study", "protocol", "data", "outcomes", "method", "instruments", "value")


@dataclass(frozen=True, slots=True)
class Protocol:
    """A frozen protocol.

    Attributes
    ----------
    path : Path
    study_sha256 : str
        Of the parts that decide the result and of the day: neither moves without the other.
    frozen_on : str
        Date, ISO.
    parts : mapping
        The parts themselves.
    """

    path: Path
    study_sha256: str
    frozen_on: str
    parts: dict[str, Any]


def _parts(study: Study) -> dict[str, Any]:
    data = study.declaration.model_dump(mode="json", by_alias=True)
    return {name: data[name] for name in FROZEN}


def freeze(folder: str | Path) -> Protocol:
    """Write `protocole.json` beside the study; a protocol already frozen is never replaced.

    Raises
    ------
    ImpactEvalError
        `protocol_already_frozen`, and what the study refuses.
    """
    study = Study.read(folder)
    path = study.folder / FILE
    if path.exists() or path.is_symlink():
        raise ImpactEvalError(
            Finding.error("protocol_already_frozen", Place(file=FILE), path=path.name)
        )
    parts = _parts(study)
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    digest = _signed(today, parts)
    content = {"study_sha256": digest, "frozen_on": today, "parts": parts}
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    write_new(path, text)
    return Protocol(path, digest, today, parts)


def _signed(day: str, parts: dict[str, Any]) -> str:
    return sha256(canonical_json({"frozen_on": day, "parts": parts}))


def protocol_record(study: Study) -> ProtocolRecord:
    """Return what was decided before looking, and what changed since the protocol was frozen.

    A frozen file whose hash no longer matches its parts was edited after the fact, and says so; one
    that cannot be read says that too. Neither stops a study: the report tells it.
    """
    from impact_eval.results.study_records import ProtocolRecord

    protocol = study.declaration.protocol
    frozen = _frozen(study)
    return ProtocolRecord(
        notes=in_both_if_any(protocol.notes),
        smallest_effect=protocol.smallest_effect,
        draw_record=protocol.draw_record,
        frozen_on=protocol.frozen_on if frozen is None else frozen.frozen_on,
        frozen_sha256=None if frozen is None else frozen.digest,
        intact=None if frozen is None else frozen.intact,
        readable=None if frozen is None else frozen.readable,
        changed=() if frozen is None else frozen.changed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frozen:
    """A frozen protocol as found beside the study."""

    frozen_on: str | None = None
    digest: str | None = None
    intact: bool | None = None
    readable: bool
    changed: tuple[str, ...] = ()


def _frozen(study: Study) -> _Frozen | None:
    """Return the frozen protocol of a study; None when none was frozen."""
    path = study.folder / FILE
    if not os.path.lexists(path):
        return None
    try:
        content: Any = parsed(read_plain_text(path))
        parts, digest = content["parts"], str(content["study_sha256"])
        day = dt.date.fromisoformat(str(content["frozen_on"])).isoformat()
        # the first protocols were signed without their day
        intact = digest in (_signed(day, parts), sha256(canonical_json(parts)))
        known = _as_read_today({name: parts[name] for name in FROZEN})
    except (OSError, ValueError, KeyError, TypeError, RecursionError, ImpactEvalError):
        return _Frozen(readable=False)
    return _Frozen(
        frozen_on=day,
        digest=digest if re.fullmatch("[0-9a-f]{64}", digest) else None,
        intact=intact,
        readable=True,
        changed=tuple(_counted_from_one(key) for key in differences(known, _parts(study))),
    )


def _as_read_today(parts: dict[str, Any]) -> dict[str, Any]:
    """Return what was frozen with the keys that came since at their defaults.

    A key that a study file could not hold when the protocol was frozen is no deviation. What is no
    study file any more (edited by hand) is compared as it stands.
    """
    try:
        read = StudyFile.model_validate({"schema": SCHEMA, **parts})
    except ValidationError:
        return parts
    filled = read.model_dump(mode="json", by_alias=True)
    return {name: filled[name] for name in FROZEN}


def _counted_from_one(key: str) -> str:
    """Return a key as refusals write it: the first outcome is `outcomes[1]`."""
    return re.sub(r"\[(\d+)\]", lambda found: f"[{int(found[1]) + 1}]", key)
