"""`ro-crate-metadata.json`: what each file of an output folder is, for archives and machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impact_eval.core.provenance import sha256
from impact_eval.pipeline.content import content_checksum

if TYPE_CHECKING:
    from impact_eval.results.records import StudyResults

FILE = "ro-crate-metadata.json"
NOT_LISTED = frozenset({FILE, "status.json"})  # itself, and what says where a run stands
ANY_KIND = "application/octet-stream"
KINDS = {
    ".json": "application/json",
    ".ipynb": "application/x-ipynb+json",
    ".html": "text/html",
    ".pdf": "application/pdf",
    ".csv": "text/csv",
    ".png": "image/png",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
STAMPED = ("results.json",)  # its hash changes with `run_at`
DATED = (".xlsx",)  # a workbook holds the moment it was made
# Their checksum is of what they tell, the moment left out: two runs write the same crate.
CONTENT_CHECKSUM = "contentSha256"
_CONTEXT = [
    "https://w3id.org/ro/crate/1.1/context",
    {
        "sha256": "https://w3id.org/ro/terms/workflow-run#sha256",
        CONTENT_CHECKSUM: "urn:impact-eval:terms#contentSha256",
    },
]


def write_crate(folder: Path, results: StudyResults, template: str) -> None:
    """Describe every file of a folder, with its checksum, as a Workflow Run Crate.

    Parameters
    ----------
    folder : Path
    results : StudyResults
    template : str
        Name of the template notebook that was run.
    """
    files = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).as_posix() not in NOT_LISTED
    )
    entities = [_file(folder, name) for name in files]
    provenance = results.provenance
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "name": results.study.title.fr or results.study.title.en,
        "identifier": results.study.id,
        "datePublished": results.study.period[1],
        "hasPart": [{"@id": name} for name in files],
        "mentions": {"@id": "#run"},
    }
    action = {
        "@id": "#run",
        "@type": "CreateAction",
        "instrument": {"@id": f"#{template}"},
        "object": [{"@id": f"urn:sha256:{provenance.data_sha256}"}],
        "result": [{"@id": name} for name in files],
    }
    software = {
        "@id": f"#{template}",
        "@type": "SoftwareSourceCode",
        "name": template,
        "identifier": provenance.template_sha256,
        "softwareRequirements": [f"{name} {v}" for name, v in sorted(provenance.versions.items())],
    }
    descriptor = {
        "@id": FILE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    graph = [descriptor, root, action, software, *entities]
    content = {"@context": _CONTEXT, "@graph": graph}
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    (folder / FILE).write_text(text, encoding="utf-8", newline="\n")


def _file(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    kind = KINDS.get(path.suffix, ANY_KIND)
    entity = {"@id": name, "@type": "File", "encodingFormat": kind}
    if path.name in STAMPED or path.suffix in DATED:
        return entity | {CONTENT_CHECKSUM: content_checksum(path)}
    return entity | {"sha256": sha256(path.read_bytes())}
