"""The template notebooks: where they are, and which parameters they declare."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place, nearest
from impact_eval.core.limits import MILLION, NOTEBOOK_MB

PARAMETERS_TAG = "parameters"
STUDY_REPORT = "study_report"


def resource_folder(packaged: str, in_project: str) -> Path:
    """Return a folder of the installed package, or of the project it is developed in."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / packaged, package.parent / in_project):
        if folder.is_dir():
            return folder
    raise ImpactEvalError(Finding.error("resource_missing", name=in_project))


def template_names() -> tuple[str, ...]:
    """Return the names of the template notebooks."""
    folder = resource_folder("_templates", "notebooks")
    return tuple(sorted(path.stem for path in folder.glob("*.ipynb")))


def template_path(name: str) -> Path:
    """Return the path of a template notebook; an unknown one is refused by name."""
    known = template_names()
    if name not in known:
        raise ImpactEvalError(
            Finding.error(
                "unknown_name",
                kind="template",
                name=name,
                nearest=nearest(name, known),
                known=known,
            )
        )
    return resource_folder("_templates", "notebooks") / f"{name}.ipynb"


def read_notebook(path: Path) -> Any:
    """Read a notebook; a file that is not one is refused."""
    import nbformat

    NOTEBOOK_MB.refuse_beyond(path.stat().st_size // MILLION, path.name)
    try:
        return nbformat.read(path, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, ValueError, TypeError,
            KeyError, AttributeError, RecursionError):  # fmt: skip
        raise ImpactEvalError(
            Finding.error("not_a_notebook", Place(file=path.name), file=path.name)
        ) from None


def declared_parameters(notebook: Any) -> dict[str, Any]:
    """Return the parameters of the cell tagged `parameters`, with their default values.

    The cell is read, not run: only plain assignments of literals count.
    """
    found: dict[str, Any] = {}
    for cell in notebook.cells:
        if PARAMETERS_TAG not in cell.metadata.get("tags", []):
            continue
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = ast.literal_eval(node.value)
    return found


def check_parameters(notebook: Any, given: Mapping[str, Any], template: str) -> dict[str, Any]:
    """Refuse unknown parameters and values of another type, all at once, before a kernel starts.

    Parameters
    ----------
    notebook : NotebookNode
    given : mapping
        A text stays a text: `"01"` never becomes 1.
    template : str
        Name told in refusals.

    Returns
    -------
    dict
        The parameters to inject.

    Raises
    ------
    ImpactEvalError
        `unknown_parameter`, `wrong_parameter_type`.
    """
    declared = declared_parameters(notebook)
    faults = FindingCollector()
    for name, value in given.items():
        place = Place(file=f"{template}.ipynb", key=name)
        if name not in declared:
            faults.add(
                Finding.error(
                    "unknown_parameter",
                    place,
                    name=name,
                    nearest=nearest(name, declared),
                    known=tuple(declared),
                )
            )
        elif type(value) is not type(declared[name]):
            faults.add(
                Finding.error(
                    "wrong_parameter_type",
                    place,
                    name=name,
                    found=type(value).__name__,
                    expected=type(declared[name]).__name__,
                )
            )
    faults.raise_if_errors()
    return dict(given)
