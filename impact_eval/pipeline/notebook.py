"""Execute a template notebook by Papermill, and believe only what happened.

Papermill's own status metadata is not trusted: the status comes from the exception raised and from
the last cell executed. A cell that leaves the interpreter is a failure, not an early success.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import nbformat

from impact_eval.core.findings import Finding
from impact_eval.core.limits import CELL_SECONDS
from impact_eval.pipeline.kernel import manager_for
from impact_eval.pipeline.kernel_walls import FAULTS
from impact_eval.pipeline.run_folder import NOTEBOOK, RunFolder, run_folder
from impact_eval.pipeline.shown_kinds import INTERNAL_MIME, REFUSAL_MIME, RESULTS_MIME
from impact_eval.pipeline.templates import check_parameters, read_notebook
from impact_eval.pipeline.urgent import OPERATOR_MIME
from impact_eval.report.blocks import MIME_TYPE
from impact_eval.results.records import StudyResults

SHIPPED = frozenset({MIME_TYPE, RESULTS_MIME})  # outputs that passed the gate

CellDone = Callable[[int, int], None]


class RunStatus(StrEnum):
    """What happened to a run."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"
    KILLED = "killed"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Execution:
    """An executed notebook and what happened.

    Attributes
    ----------
    notebook : NotebookNode
    status : RunStatus
    findings : tuple of Finding
        The refusal raised inside the notebook, or where it stopped.
    """

    notebook: Any
    status: RunStatus
    findings: tuple[Finding, ...] = field(default=())


def execute(
    template: Path,
    parameters: Mapping[str, Any],
    *,
    folder: Path,
    cell_done: CellDone | None = None,
    timeout: int | None = None,
) -> Execution:
    """Execute a template in a kernel whose working folder is `folder`.

    Parameters
    ----------
    template : Path
    parameters : mapping
        Checked against the template's declaration before a kernel starts.
    folder : Path
        The study's folder: paths in the notebook are relative to it.
    cell_done : callable, optional
        Called with (cells done, cells in all) after each code cell.
    timeout : int, optional
        Seconds a cell may take; the limit `CELL_SECONDS` by default.

    Returns
    -------
    Execution
    """
    notebook = read_notebook(template)
    checked = check_parameters(notebook, parameters, template.stem)
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    seconds = CELL_SECONDS.value if timeout is None else timeout
    with run_folder() as run:
        counter = _Counter(total, cell_done)
        status, executed = _execute(notebook, checked, folder, counter, seconds, run)
        if run.ended == "memory":
            return Execution(executed, status, (Finding.error("memory_full"),))
        status = RunStatus.TIMEOUT if run.ended == "timeout" else status
    findings = refusals(executed) or _told_by_name(executed)
    if status is RunStatus.OK and not _finished(executed):
        status = RunStatus.TRUNCATED
    if status is not RunStatus.OK and not findings:
        findings = (Finding.error(f"run_{status.value}", cell=_last_label(executed)),)
    return Execution(executed, status, findings)


class _Counter:
    """Count executed cells for whoever shows progress."""

    def __init__(self, total: int, progress: CellDone | None) -> None:
        self.done = 0
        self._total = total
        self._progress = progress

    def __call__(self, **_: object) -> None:
        self.done += 1
        if self._progress is not None:
            self._progress(min(self.done, self._total), self._total)


def _execute(
    notebook: Any,
    parameters: Mapping[str, Any],
    folder: Path,
    counter: _Counter,
    timeout: int,
    run: RunFolder,
) -> tuple[RunStatus, Any]:
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    logging.getLogger("papermill").setLevel(logging.ERROR)
    logging.getLogger("asyncio").addFilter(_says_more)
    kept = run.file(NOTEBOOK)
    status = RunStatus.OK
    try:
        papermill.execute_notebook(
            notebook,
            str(kept),
            parameters=dict(parameters),
            cwd=str(folder),
            progress_bar=False,
            execution_timeout=timeout,
            kernel_manager_class=manager_for(run, folder),
            on_cell_executed=counter,
            request_save_on_cell_execute=True,
            kernel_name="python3",
            language="python",
        )
    except PapermillExecutionError:
        status = RunStatus.FAILED
    except CellTimeoutError:
        status = RunStatus.TIMEOUT
    except DeadKernelError:
        status = RunStatus.KILLED
    except RuntimeError as error:
        if "Kernel" not in str(error):  # what the engine says of a kernel that never answered
            raise
        status = RunStatus.KILLED
    return status, read_notebook(kept)


def _says_more(record: logging.LogRecord) -> bool:
    """Whether a record says more than that the kernel, or what waited for it, was stopped.

    Of a run that is stopped, the engine's tasks would print a stack of their own as they go.
    """
    error = record.exc_info[0] if record.exc_info else None
    dead = error is not None and error.__name__ == "DeadKernelError"
    return not dead and not record.getMessage().startswith("Task was destroyed")


def _told_by_name(notebook: Any) -> tuple[Finding, ...]:
    """Return what the machine or the kernel's walls refused, by the name of the error of a cell."""
    for cell in _code_cells(notebook):
        for output in cell.get("outputs", []):
            code = FAULTS.get(output.get("ename", ""))
            if code is not None:
                return (Finding.error(code),)
    return ()


def _code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def _finished(notebook: Any) -> bool:
    cells = _code_cells(notebook)
    return bool(cells) and all(cell.get("execution_count") is not None for cell in cells)


def _last_label(notebook: Any) -> str:
    """Return the tag of the last cell that started, the only thing told of where it stopped."""
    label = "start"
    for i, cell in enumerate(_code_cells(notebook)):
        if cell.get("execution_count") is None and not cell.get("outputs"):
            break
        tags = cell.metadata.get("tags", [])
        label = tags[0] if tags else str(i + 1)
    return label


def bundles(notebook: Any) -> list[Mapping[str, Any]]:
    """Return the MIME bundles of all outputs, in order."""
    return [
        output["data"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.get("outputs", [])
        if "data" in output
    ]


def refusals(notebook: Any) -> tuple[Finding, ...]:
    """Return the findings of a refusal raised in a cell, as `Refusal` displayed them."""
    for bundle in bundles(notebook):
        content = bundle.get(REFUSAL_MIME)
        if content is not None:
            data = json.loads(content) if isinstance(content, str) else content
            return tuple(Finding.from_dict(item) for item in data["findings"])
    return ()


def urgent_answers(notebook: Any) -> tuple[Finding, ...]:
    """Return what is for the operator alone, as `evaluate` told it in a cell; never shipped."""
    for bundle in bundles(notebook):
        if OPERATOR_MIME in bundle:
            content = bundle[OPERATOR_MIME]
            data = json.loads(content) if isinstance(content, str) else content
            return tuple(Finding.from_dict(item) for item in data["findings"])
    return ()


def results_of(notebook: Any, mime: str = RESULTS_MIME) -> StudyResults | None:
    """Return the results that the notebook published, if it did.

    Parameters
    ----------
    notebook : NotebookNode
    mime : str
        `RESULTS_MIME` for the edition to publish, `INTERNAL_MIME` for the operator's own.
    """
    for bundle in reversed(bundles(notebook)):
        content = bundle.get(mime)
        if content is not None:
            return StudyResults.from_dict(json.loads(json.dumps(content)))
    return None


def canonical(notebook: Any) -> Any:
    """Return the notebook without times, machine paths, kernel names or random ids.

    Of the outputs, blocks and results alone are kept, since they passed the gate: a table that a
    cell shows, a warning, an error may hold rows of people or paths of the machine.
    """
    clean = nbformat.from_dict(json.loads(json.dumps(notebook)))
    clean.metadata = {
        "language_info": {"name": "python"},
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    }
    for i, cell in enumerate(clean.cells):
        cell["id"] = f"c{i}"
        cell.metadata = {key: cell.metadata[key] for key in ("tags",) if cell.metadata.get(key)}
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if SHIPPED & set(o.get("data", {}))]
            for output in cell.outputs:
                output.pop("transient", None)
                output["data"].pop(INTERNAL_MIME, None)
                content = output["data"].get(RESULTS_MIME)
                if content is not None:  # when it ran is told by `results.json` alone
                    content["provenance"]["run_at"] = ""
    return clean
