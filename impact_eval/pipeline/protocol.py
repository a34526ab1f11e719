"""The protocol, frozen before looking: what was declared, when, its hash, what changed since."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.verification import differences

FILE = "protocole.json"
FROZEN = ("study", "protocol", "data", "outcomes", "method", "instruments", "value")


@dataclass(frozen=True, slots=True)
class Protocol:
    """A frozen protocol.

    Attributes
    ----------
    path : Path
    study_sha256 : str
        Of the parts that decide the result.
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
    if path.exists():
        raise ImpactEvalError(
            Finding.error("protocol_already_frozen", Place(file=FILE), path=path.name)
        )
    parts = _parts(study)
    digest = sha256(canonical_json(parts))
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    content = {"study_sha256": digest, "frozen_on": today, "parts": parts}
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    path.write_text(text, encoding="utf-8")
    return Protocol(path, digest, today, parts)


def deviations(study: Study) -> dict[str, Any] | None:
    """Return what changed since the protocol was frozen; None when none was.

    A protocol whose own hash no longer matches its parts was edited after the fact and says so.
    """
    path = study.folder / FILE
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    intact = sha256(canonical_json(content["parts"])) == content["study_sha256"]
    return {
        "frozen_on": content["frozen_on"],
        "study_sha256": content["study_sha256"],
        "intact": intact,
        "changed": differences(content["parts"], _parts(study)),
    }
