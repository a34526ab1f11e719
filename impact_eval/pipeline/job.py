"""What decides the results of a run: the study, every file that it reads, the template, the code.

Two runs of the same job give the same results; a run is done again as soon as one of these changes.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from impact_eval.core.provenance import canonical_json, file_sha256, sha256, versions
from impact_eval.pipeline.declared_codes import code_files
from impact_eval.pipeline.protocol import FILE as PROTOCOL
from impact_eval.pipeline.states import Job
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.templates import read_notebook, template_path


def job_of(study: Study, template: str) -> Job:
    """Return all that decides the results of a run.

    Parameters
    ----------
    study : Study
    template : str
        Name of the template notebook.
    """
    return Job(
        template=template,
        template_sha256=template_hash(template),
        study_sha256=study.digest,
        inputs={name: file_sha256(study.path(name)) for name in input_files(study)},
        code_sha256=code_hash(),
        versions=versions(),
    )


def input_files(study: Study) -> tuple[str, ...]:
    """Return the files that a study reads, by their names from its folder.

    Tables, questionnaires, codes declared or beside, value map, draw, frozen protocol.
    """
    declared = study.declaration
    parts = [declared.data, *(part.data for part in declared.instruments)]
    names = [file for part in parts for file, _ in part.tables]
    names += [part.definition for part in declared.instruments if part.definition]
    names += [declared.value.map] if declared.value else []
    names += [declared.protocol.draw_record] if declared.protocol.draw_record else []
    names += [path.relative_to(study.folder).as_posix() for path in code_files(study)]
    names += [PROTOCOL] if study.path(PROTOCOL).is_file() else []
    return tuple(sorted(set(names)))


def template_hash(template: str) -> str:
    """Return the hash of a template's cells: outputs and metadata do not count."""
    cells = [(c.cell_type, c.source) for c in read_notebook(template_path(template)).cells]
    return sha256(canonical_json(cells))


@cache
def code_hash() -> str:
    """Return the hash of the program: its modules, its words, its catalogues."""
    package = Path(__file__).resolve().parents[1]
    kinds = (".py", ".toml", ".json", ".css", ".j2", ".typ")
    total = hashlib.sha256()
    for path in sorted(p for p in package.rglob("*") if p.suffix in kinds and p.is_file()):
        total.update(path.relative_to(package).as_posix().encode())
        total.update(path.read_bytes())
    return total.hexdigest()
