"""The files of a published edition, all made from its executed notebook and its results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from impact_eval.pipeline.checker import write_checker_page
from impact_eval.pipeline.crate import write_crate
from impact_eval.pipeline.exporters import EXPORTERS, blocks_of
from impact_eval.pipeline.outputs import write_data_files
from impact_eval.pipeline.study import STUDY, Study
from impact_eval.pipeline.templates import read_notebook
from impact_eval.pipeline.worth import write_workbook
from impact_eval.report.languages.language import formats_of
from impact_eval.results.records import StudyResults

NOTEBOOK: Final = "notebook.ipynb"
RESULTS: Final = "results.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a study asks of its edition.

    Attributes
    ----------
    languages, formats : tuple of str
        Of the reports.
    template : str
        Name of the notebook that was run.
    study : str
        Name of the study file, as the notebook is told it.
    """

    languages: tuple[str, ...]
    formats: tuple[str, ...]
    template: str
    study: str = STUDY

    @classmethod
    def by(cls, study: Study, template: str) -> Asked:
        """Return what a study asks, of a template."""
        report = study.declaration.report
        return cls(tuple(report.languages), tuple(report.formats), template, study.name)


def write_edition(folder: Path, asked: Asked) -> None:
    """Write the reports, tables, workbook and checker's page of an edition.

    Parameters
    ----------
    folder : Path
        Holds the executed notebook and `results.json`.
    asked : Asked
    """
    notebook = read_notebook(folder / NOTEBOOK)
    for kind in asked.formats:
        for language in asked.languages:
            exporter = EXPORTERS[kind](language=language)
            content, _ = exporter.from_notebook_node(notebook)
            path = folder / formats_of(language).report_file(kind)
            path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    write_data_files(blocks_of(notebook), folder, asked.languages[0])
    results = StudyResults.read(folder)
    for language in asked.languages:
        write_workbook(results.value, folder, language)
    write_checker_page(folder, results, asked.languages)
    write_crate(folder, results, asked.template)


def report_names(study: Study) -> tuple[str, ...]:
    """Return the files of the reports that a study asks for, one by format and language."""
    report = study.declaration.report
    written = [formats_of(language) for language in report.languages]
    return tuple(formats.report_file(kind) for kind in report.formats for formats in written)
