"""What a file tells, whenever it was made: the checksum that two runs of one study share."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.results.faults import Json, parsed


def content_checksum(path: Path) -> str:
    """Return the SHA-256 of what a file tells, the moment it was made left out.

    Parameters
    ----------
    path : Path
        `results.json` is read without `run_at`; a workbook without its dated properties.
    """
    raw = path.read_bytes()
    if path.name == "results.json":
        return sha256(canonical_json(_untimed(parsed(raw.decode("utf-8-sig")))))
    if path.suffix != ".xlsx":
        return sha256(raw)
    digest = hashlib.sha256()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for name in sorted(n for n in archive.namelist() if n != "docProps/core.xml"):
            digest.update(name.encode("utf-8"))
            digest.update(archive.read(name))
    return digest.hexdigest()


def _untimed(told: Json) -> Json:
    """Return results without their moment, as `untimed` does: read as they are, not as records.

    What they say is what counts here, and the records of a study take a second to load.
    """
    provenance = told.get("provenance") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(provenance, dict):
        return told
    return told | {"provenance": provenance | {"run_at": ""}}
