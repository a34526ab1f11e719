"""A study whose tables are not there: what is wrong with it is told without opening any."""

from __future__ import annotations

from collections.abc import Sequence

from impact_eval.core.findings import Finding
from impact_eval.pipeline.study import Study


def has_nothing_to_open(study: Study) -> bool:
    """Return whether no table is in its folder, nor is any file named that says what they hold."""
    instruments = study.declaration.instruments
    parts = (study.declaration.data, *(one.data for one in instruments))
    if any(part.codes is not None for part in parts):
        return False
    if any(one.definition is not None for one in instruments):
        return False
    files = {file for part in parts for file, _ in part.tables}
    try:
        return not any(study.path(file).exists() for file in files)
    except (OSError, ValueError):  # no name of a file: whoever opens it tells why
        return False


def has_a_map(study: Study) -> bool:
    """Return whether the value map that a study names is a file of its folder.

    One that is not is told by the checks of the declaration.
    """
    part = study.declaration.value
    if part is None:
        return False
    try:
        path = study.path(part.map).resolve()
        return path.is_relative_to(study.folder) and path.is_file()
    except (OSError, ValueError):  # no name of a file
        return False


def told_once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings, one for each thing that is wrong: a column is missing once, whoever asks."""
    out: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        values = finding.values
        named = next((values[n] for n in ("column", "path", "name") if values.get(n)), None)
        told = repr(finding.to_dict()) if named is None else named
        out.setdefault((finding.code, told), finding)
    return tuple(out.values())
