"""`verify`: run a study again and compare, in three words: complete, stable, consistent."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.pipeline.crate import FILE as CRATE
from impact_eval.pipeline.exporters import EXPORTERS
from impact_eval.pipeline.results import StudyResults, comparable
from impact_eval.pipeline.runner import NOTEBOOK, report_name, run
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.templates import read_notebook


@dataclass(frozen=True, slots=True)
class Verification:
    """What a second run says of a published folder.

    Attributes
    ----------
    complete : bool
        Every file that the study asks for is there.
    stable : bool
        A second run gives the same results but for `run_at`.
    consistent : bool
        The reports are those that the published notebook exports.
    differences : tuple of str
        Key paths and file names that differ.
    """

    complete: bool
    stable: bool
    consistent: bool
    differences: tuple[str, ...]

    @property
    def verified(self) -> bool:
        """Whether all three hold."""
        return self.complete and self.stable and self.consistent


def verify(folder: str | Path) -> Verification:
    """Run the study of an output folder again, elsewhere, and compare.

    Parameters
    ----------
    folder : str or Path
        The output folder; the study is in the folder above. A study's folder stands for its
        output.

    Returns
    -------
    Verification

    Raises
    ------
    ImpactEvalError
        `results_not_found`, `study_not_found`, and what the run refuses.

    Examples
    --------
    >>> verify("mon-action/sortie")  # doctest: +SKIP
    """
    published = _output_folder(Path(folder))
    study = Study.read(published.parent)
    expected = _expected(study)
    missing = tuple(name for name in expected if not (published / name).is_file())
    before = StudyResults.read(published)
    with tempfile.TemporaryDirectory(prefix="ie-verify-") as work:
        again = run(published.parent, output=Path(work) / "out", fresh=True)
    changed = tuple(differences(comparable(before.to_dict()), comparable(again.results.to_dict())))
    stale = () if missing else _stale(published, study)
    return Verification(not missing, not changed, not stale, (*missing, *changed, *stale))


def _output_folder(folder: Path) -> Path:
    path = folder.resolve()
    if not (path / "results.json").is_file() and (path / "study.toml").is_file():
        path = path / "sortie"
    if not (path / "results.json").is_file():
        raise ImpactEvalError(
            Finding.error("results_not_found", Place(file=folder.name), path=str(folder))
        )
    return path


def _expected(study: Study) -> list[str]:
    report = study.declaration.report
    names = [
        report_name(language, kind) for kind in report.formats for language in report.languages
    ]
    return ["results.json", NOTEBOOK, CRATE, *names]


def _stale(published: Path, study: Study) -> tuple[str, ...]:
    """Return the reports that are not what the published notebook exports."""
    notebook = read_notebook(published / NOTEBOOK)
    report = study.declaration.report
    found = []
    for kind in report.formats:
        for language in report.languages:
            content, _ = EXPORTERS[kind](language=language.value).from_notebook_node(notebook)
            raw = content.encode("utf-8") if isinstance(content, str) else content
            name = report_name(language, kind)
            if raw != (published / name).read_bytes():
                found.append(name)
    return tuple(found)


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Return the key paths at which two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(one.keys() | other.keys())
        found: list[str] = []
        for key in keys:
            inner = f"{path}.{key}" if path else str(key)
            if key not in one or key not in other:
                found.append(inner)
            else:
                found += differences(one[key], other[key], inner)
        return found
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = zip(one, other, strict=True)
        return [d for i, (a, b) in enumerate(pairs) for d in differences(a, b, f"{path}[{i}]")]
    return [] if json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True) else [path]
