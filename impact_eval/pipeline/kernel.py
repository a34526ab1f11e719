"""The kernel a study runs in: our own interpreter, a fixed environment, no open port.

No kernel needs to be installed on the machine. Hash order, time zone, locale and the number of
BLAS threads are fixed, so that two runs on the same inputs give the same bytes. Of the user's
environment only what an interpreter needs is passed on: no home, no configuration, no search path.
"""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from impact_eval.core.limits import MEMORY_MB, RUN_SECONDS
from impact_eval.pipeline import kernel_start
from impact_eval.pipeline.run_folder import CONNECTION, ORDERS, RunFolder
from impact_eval.report.texts import user_language

LANGUAGE = "IMPACT_EVAL_LANGUAGE"
OWN_PREFIX = "IMPACT_EVAL_"
FIXED: Mapping[str, str] = MappingProxyType(
    {
        "PYTHONHASHSEED": "0",
        "PYTHONSAFEPATH": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
)
# What an interpreter and its libraries need to be found and started; nothing else is passed on.
KEPT = frozenset(
    {
        *("PYTHONHOME", "PYTHONDONTWRITEBYTECODE"),
        *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "PROGRAMDATA"),
        *("NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
    }
)
PATHS = frozenset({"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"})
HOMES = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CONFIG_HOME", "XDG_CACHE_HOME",
         "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "IPYTHONDIR", "JUPYTER_CONFIG_DIR",
         "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")  # fmt: skip
TEMPORARY = ("TMPDIR", "TEMP", "TMP")


class StudyKernelClient(AsyncKernelClient):
    """Speak to a kernel of ours without a heartbeat: its process says whether it lives.

    The beat is sent to a kernel that is gone at the end of every run, and a second was waited for
    an answer that nobody would give.
    """

    def start_channels(self, *args: Any, **kw: Any) -> None:
        """Open every channel but that of the heartbeat."""
        super().start_channels(*args, **(kw | {"hb": False}))


class StudyKernelManager(AsyncKernelManager):
    """Start this interpreter as the kernel, over local sockets where the system has them."""

    run: RunFolder  # given by `manager_for`
    study: Path

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.client_factory = StudyKernelClient
        self.transport = "ipc" if self.run.sockets else "tcp"
        self.connection_file = str(self.run.file(CONNECTION))

    @property
    def kernel_spec(self) -> KernelSpec:
        """The specification, made here so that nothing has to be installed."""
        command = [sys.executable, "-P", "-s", kernel_start.__file__, str(self.run.path)]
        return KernelSpec(
            argv=command, display_name="Python", language="python", interrupt_mode="signal"
        )

    async def _async_pre_start_kernel(self, **kw: Any) -> Any:
        """Start in the run's own folder, with an environment and a standard input of its own.

        What the interpreter itself prints is kept off the user's terminal: outputs are in cells.
        """
        self.run.file(ORDERS).write_text(json.dumps(self._orders()), encoding="utf-8")
        own = {
            "stdin": self.run.line,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
            "cwd": str(self.run.path),
            "env": environment(self.run, self.study),
        }
        return await super()._async_pre_start_kernel(**(kw | own))

    def _orders(self) -> dict[str, Any]:
        return {
            "package": str(_package()),
            "study": str(self.study),
            "path": list(_other_folders(self.study)),
            "transport": self.transport,
            "megabytes": MEMORY_MB.value,
            "seconds": RUN_SECONDS.value,
        }


def manager_for(run: RunFolder, study: Path) -> type[StudyKernelManager]:
    """Return the manager of the kernel of one run.

    Parameters
    ----------
    run : RunFolder
    study : Path
        Working folder of the kernel, once started.
    """
    return type("Manager", (StudyKernelManager,), {"run": run, "study": study.resolve()})


def environment(run: RunFolder, study: Path) -> dict[str, str]:
    """Return the whole environment of a kernel.

    Parameters
    ----------
    run : RunFolder
        Its folder holds the empty home and the temporary files.
    study : Path
        Programs and libraries are not looked for there.
    """
    home, temporary = str(run.folder("home")), str(run.folder("tmp"))
    given = {name.upper(): value for name, value in os.environ.items()}
    kept = {n: v for n, v in given.items() if n in KEPT or n.startswith(OWN_PREFIX)}
    paths = {name: _outside(given[name], study) for name in PATHS if name in given}
    return {
        **kept,
        **{name: value for name, value in paths.items() if value},
        **dict.fromkeys(HOMES, home),
        **dict.fromkeys(TEMPORARY, temporary),
        **FIXED,
        "MPLCONFIGDIR": str(_drawing_home(run)),
        LANGUAGE: user_language(),
    }


def _outside(value: str, study: Path) -> str:
    """Return the folders of a list that are named in full and lie outside the study's."""
    parts = value.split(os.pathsep)
    return os.pathsep.join(p for p in parts if Path(p).is_absolute() and not _within(p, study))


def _within(path: str, folder: Path) -> bool:
    place, study = Path(path).resolve(), folder.resolve()
    return place == study or study in place.parents


def _package() -> Path:
    return Path(kernel_start.__file__).resolve().parents[1]


def _other_folders(study: Path) -> Iterator[str]:
    """Yield where else the user himself installs packages: after Python's own, so none is hidden.

    A folder around the study is left out as one inside it: the study would be a name there.
    """
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    user = site.getusersitepackages() if site.ENABLE_USER_SITE else None
    around = {str(study.resolve()), *map(str, study.resolve().parents)}
    for entry in dict.fromkeys([*named, *([user] if user in sys.path else [])]):
        if entry and Path(entry).is_absolute() and not _within(entry, study):
            place = str(Path(entry).resolve())
            if place not in around and Path(place).is_dir():
                yield place


def _drawing_home(run: RunFolder) -> Path:
    """Return matplotlib's folder: no settings, and the list of fonts, long to make again."""
    home = run.folder("mpl")
    for cache in _font_lists():
        with suppress(OSError):
            shutil.copyfile(cache, home / cache.name)
    return home


def _font_lists() -> list[Path]:
    named = os.environ.get("MPLCONFIGDIR")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    local = os.environ.get("LOCALAPPDATA")
    folders = [
        *([Path(named)] if named else []),
        Path(cache) / "matplotlib",
        Path.home() / ".matplotlib",
        *([Path(local) / "matplotlib"] if local else []),
    ]
    found = [sorted(folder.glob("fontlist-*.json")) for folder in folders if folder.is_dir()]
    return next((lists for lists in found if lists), [])
