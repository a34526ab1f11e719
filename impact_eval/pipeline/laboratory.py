"""`lab`: JupyterLab on a study, with a kernel that takes no module from the study's folder.

A folder that was received may hold a file named as a library is. The usual kernel looks in its own
folder first, that of the notebook: the file would run in place of the library. Ours never looks
there; what a notebook itself says to run is the user's to read before running it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.core.plain_files import is_plain
from impact_eval.core.whole_files import write_new
from impact_eval.pipeline.run_folder import sweep_left_behind, temporary_folder
from impact_eval.pipeline.templates import STUDY_REPORT, read_notebook, template_path

KERNEL = "python3"  # the name that notebooks ask for: ours is found before the usual one
_ALONE = {"PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1"}


@dataclass(frozen=True, slots=True)
class LabNotebook:
    """The notebook that JupyterLab opens.

    Attributes
    ----------
    path : Path
    ours : bool
        Whether its cells are those of the template.
    """

    path: Path
    ours: bool


def lab_notebook(folder: Path) -> LabNotebook:
    """Return the notebook of a study's folder, made from the template where there is none.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    LabNotebook
        One that is already there stays as it is.

    Raises
    ------
    ImpactEvalError
        `extra_missing` without JupyterLab; `already_there` for a link to nowhere.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise ImpactEvalError(Finding.error("extra_missing", extra="lab", package="jupyterlab"))
    path, template = folder / f"{STUDY_REPORT}.ipynb", template_path(STUDY_REPORT)
    if path.exists():
        return LabNotebook(path, _same_cells(path, template))
    write_new(path, template.read_bytes())
    return LabNotebook(path, ours=True)


def _same_cells(path: Path, template: Path) -> bool:
    """Whether a notebook runs what the template runs: its outputs do not count."""
    if not is_plain(path):
        return False
    try:
        given, ours = (
            [(cell.cell_type, cell.source) for cell in read_notebook(one).cells]
            for one in (path, template)
        )
    except (ImpactEvalError, OSError):  # no notebook at all: JupyterLab says so
        return False
    return given == ours


def open_laboratory(notebook: Path) -> None:
    """Open JupyterLab on a notebook, until it is closed.

    Parameters
    ----------
    notebook : Path
    """
    command = [sys.executable, "-P", "-s", "-m", "jupyterlab", str(notebook.absolute())]
    with kernel_home() as home:
        subprocess.run(command, env=lab_environment(os.environ, home), check=False)


@contextmanager
def kernel_home() -> Iterator[Path]:
    """Make a folder where Jupyter finds our kernel; it goes with the command."""
    sweep_left_behind()
    with temporary_folder() as home:
        kernel = home / "kernels" / KERNEL
        kernel.mkdir(parents=True)
        start = [sys.executable, "-P", "-s", "-m", "ipykernel_launcher"]
        told = {
            "argv": [*start, "--InteractiveShellApp.ignore_cwd=True", "-f", "{connection_file}"],
            "display_name": "Python",
            "language": "python",
            "env": _ALONE,
            "metadata": {"debugger": True},
        }
        (kernel / "kernel.json").write_text(json.dumps(told), encoding="utf-8")
        yield home


def lab_environment(given: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return the environment of JupyterLab and of its kernels.

    Parameters
    ----------
    given : mapping
        That of the command.
    home : Path
        Where our kernel is.

    Returns
    -------
    dict
        Folders of modules that are told from the present one are left out: a kernel's present
        folder is the study's.
    """
    found = {**given, **_ALONE}
    modules = [
        name for name in given.get("PYTHONPATH", "").split(os.pathsep) if Path(name).is_absolute()
    ]
    found.pop("PYTHONPATH", None)
    if modules:
        found["PYTHONPATH"] = os.pathsep.join(modules)
    found["JUPYTER_PATH"] = os.pathsep.join(filter(None, (str(home), given.get("JUPYTER_PATH"))))
    return found
