"""Templates executed in the process of the tests, where the walls of a kernel are not what is held.

A kernel loads every engine again: three seconds of each run. `test_run.py` holds that the notebook
made here is the one that a kernel leaves, to the byte.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import IPython.core.getipython
import IPython.display
import nbformat
import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline import runner
from impact_eval.pipeline.notebook import Execution, RunStatus, refusals
from impact_eval.pipeline.templates import check_parameters, read_notebook


@contextmanager
def without_kernel() -> Iterator[None]:
    """Run studies in this process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(runner, "execute", executed_here)
        yield


def executed_here(
    template: Path,
    parameters: Mapping[str, Any],
    *,
    folder: Path,
    cell_done: Callable[[int, int], None] | None = None,
) -> Execution:
    """Execute a shipped template here: what its cells show, or the refusal that stops them."""
    from papermill.parameterize import parameterize_notebook

    notebook = read_notebook(template)
    given = check_parameters(notebook, parameters, template.stem)
    notebook.metadata.setdefault("papermill", {})
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
    notebook = parameterize_notebook(notebook, given, kernel_name="python3", language="python")
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    names: dict[str, Any] = {}
    with _standing_in(folder):
        for number, cell in enumerate(cells, start=1):
            cell.execution_count = number
            with _shown(cell) as show:
                try:
                    show(_last_value(cell.source, names), number)
                except ImpactEvalError:
                    return Execution(notebook, RunStatus.FAILED, refusals(notebook))
            if cell_done is not None:
                cell_done(number, len(cells))
    return Execution(notebook, RunStatus.OK)


def _last_value(source: str, names: dict[str, Any]) -> Any:
    """Return what a cell shows: the value of its last line, when it is one."""
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)  # a template of ours
    return (
        None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    )


@contextmanager
def _shown(cell: Any) -> Iterator[Callable[[Any, int], None]]:
    """Gather in a cell what is displayed while it runs, and the value it ends with."""

    def display(bundle: dict[str, Any], *, raw: bool) -> None:
        assert raw
        cell.outputs.append(nbformat.v4.new_output("display_data", data=bundle))

    def show(value: Any, number: int) -> None:
        if value is not None:
            bundle = dict(value._repr_mimebundle_())
            output = nbformat.v4.new_output("execute_result", data=bundle, execution_count=number)
            cell.outputs.append(output)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(IPython.core.getipython, "get_ipython", lambda: cell)
        patched.setattr(IPython.display, "display", display)
        yield show


@contextmanager
def _standing_in(folder: Path) -> Iterator[None]:
    former = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(former)
