"""An edition made again from its results alone, without a computation: what each file should be.

Everything that an output folder holds is a function of `results.json`, of the template and of what
the study asks of its report. Whoever doubts a file writes it again and compares.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from impact_eval.pipeline.edition_files import NOTEBOOK, RESULTS, Asked, write_edition
from impact_eval.pipeline.notebook import canonical
from impact_eval.pipeline.report import Published, Report
from impact_eval.pipeline.templates import read_notebook, template_path
from impact_eval.report.page import Page
from impact_eval.results.records import StudyResults, untimed

_MADE_BY = "report"  # the name that templates give to their `Report`


def remake(results: StudyResults, asked: Asked, folder: Path) -> None:
    """Write an edition again from its results: every file of it but `status.json`.

    Parameters
    ----------
    results : StudyResults
        As published.
    asked : Asked
    folder : Path
        Empty.
    """
    results.write(folder / RESULTS)
    nbformat.write(remade_notebook(results, asked), folder / NOTEBOOK)
    write_edition(folder, asked)


def remade_notebook(results: StudyResults, asked: Asked) -> Any:
    """Return the notebook that a template leaves, its outputs made from results.

    Parameters
    ----------
    results : StudyResults
        As published.
    asked : Asked

    Returns
    -------
    NotebookNode
        As `canonical` writes it.
    """
    told = _as_computed(results)
    notebook = _with_parameters(asked)
    count = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        cell.outputs = [
            nbformat.v4.new_output("execute_result", data=data, execution_count=count)
            for data in _shown(cell.source, told, asked.languages[0])
        ]
    return canonical(notebook)


def _as_computed(results: StudyResults) -> StudyResults:
    """Return results as the notebook held them: the runner adds when and from which template."""
    timeless = untimed(results)
    provenance = timeless.provenance.model_copy(update={"template_sha256": None})
    return timeless.model_copy(update={"provenance": provenance})


def _with_parameters(asked: Asked) -> Any:
    from papermill.parameterize import parameterize_notebook

    template = read_notebook(template_path(asked.template))
    template.metadata.setdefault("papermill", {})
    for cell in template.cells:
        cell.metadata.setdefault("tags", [])
    given = {"study": asked.study, "language": asked.languages[0]}
    return parameterize_notebook(template, given, kernel_name="python3", language="python")


def _shown(source: str, results: StudyResults, language: str) -> Iterator[dict[str, Any]]:
    """Yield what a cell of a shipped template shows: one section of the report, or the results."""
    body = ast.parse(source).body
    last = body[-1] if body else None
    if not (isinstance(last, ast.Expr) and isinstance(last.value, ast.Call)):
        return
    called = last.value.func
    if not (isinstance(called, ast.Attribute) and ast.unparse(called.value) == _MADE_BY):
        return
    shown: Page | Published = getattr(Report(results, language), called.attr)()
    yield dict(shown._repr_mimebundle_())
