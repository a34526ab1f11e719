"""`verify`: run a study again and compare, in three words: complete, stable, consistent."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.pipeline.checker import changed_outputs, page_names
from impact_eval.pipeline.crate import FILE as CRATE
from impact_eval.pipeline.differences import differences
from impact_eval.pipeline.exporters import EXPORTERS
from impact_eval.pipeline.runner import NOTEBOOK, report_names, run_apart
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.templates import read_notebook
from impact_eval.report.languages.language import formats_of
from impact_eval.results.records import StudyResults, comparable


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
        again = run_apart(published.parent, Path(work) / "out")
    changed = tuple(differences(comparable(before), comparable(again.results)))
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
    pages = page_names(study.declaration.report.languages)
    return ["results.json", NOTEBOOK, CRATE, *pages, *report_names(study)]


def _stale(published: Path, study: Study) -> tuple[str, ...]:
    """Return the files that are not those checked, or not what the published notebook exports."""
    notebook = read_notebook(published / NOTEBOOK)
    report = study.declaration.report
    found = list(changed_outputs(published))
    for kind in report.formats:
        for language in report.languages:
            content, _ = EXPORTERS[kind](language=language).from_notebook_node(notebook)
            raw = content.encode("utf-8") if isinstance(content, str) else content
            name = formats_of(language).report_file(kind)
            if raw != (published / name).read_bytes() and name not in found:
                found.append(name)
    return tuple(found)
