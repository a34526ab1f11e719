"""What a file tells, whenever it was made: the checksum that two runs of one study share."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from impact_eval.core.limits import MILLION, RESULTS_MB, SEARCHED_MB
from impact_eval.core.plain_files import read_plain_text
from impact_eval.core.provenance import canonical_json, file_sha256, sha256
from impact_eval.results.faults import Json, parsed

_CHUNK = 1 << 20  # bytes of a part read at once


def content_checksum(path: Path) -> str:
    """Return the SHA-256 of what a file tells, the moment it was made left out.

    Parameters
    ----------
    path : Path
        `results.json` is read without `run_at`; a workbook without its dated properties.

    Raises
    ------
    ImpactEvalError
        `beyond_limit`: results, or the parts of a workbook, larger than any of ours.
    """
    if path.name == "results.json":
        return sha256(canonical_json(_untimed(parsed(read_plain_text(path, RESULTS_MB)))))
    if path.suffix != ".xlsx":
        return file_sha256(path)
    digest = hashlib.sha256()
    with zipfile.ZipFile(path) as archive:
        parts = sorted(one for one in archive.namelist() if one != "docProps/core.xml")
        unpacked = sum(one.file_size for one in archive.infolist())
        SEARCHED_MB.refuse_beyond(unpacked // MILLION, path.name)
        for name in parts:
            digest.update(name.encode("utf-8"))
            with archive.open(name) as part:
                while piece := part.read(_CHUNK):
                    digest.update(piece)
    return digest.hexdigest()


def _untimed(told: Json) -> Json:
    """Return results without their moment, as `untimed` does: read as they are, not as records.

    What they say is what counts here, and the records of a study take a second to load.
    """
    provenance = told.get("provenance") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(provenance, dict):
        return told
    return told | {"provenance": provenance | {"run_at": ""}}
