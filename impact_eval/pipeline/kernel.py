"""The kernel a study runs in: our own interpreter, a fixed environment, no open port.

No kernel needs to be installed on the machine. Hash order, time zone, locale and the number of
BLAS threads are fixed, so that two runs on the same inputs give the same bytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

QUIET = "--IPKernelApp.log_level=50"  # the stop of a kernel is not a reader's business
LANGUAGE = "IMPACT_EVAL_LANGUAGE"
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}


class StudyKernelManager(AsyncKernelManager):
    """Start this interpreter as the kernel, over local sockets where the system has them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if sys.platform != "win32":
            self.transport = "ipc"
        # a short path: the name of a local socket holds about a hundred characters
        folder = Path(tempfile.mkdtemp(prefix="ie-"))
        self.connection_file = str(folder / "k.json")

    @property
    def kernel_spec(self) -> KernelSpec:
        """The specification, made here so that nothing has to be installed."""
        flags = ["-Xfrozen_modules=off"] if sys.version_info >= (3, 11) else []
        command = [
            sys.executable,
            *flags,
            "-m",
            "ipykernel_launcher",
            QUIET,
            "-f",
            "{connection_file}",
        ]
        return KernelSpec(
            argv=command,
            display_name="Python",
            language="python",
            env=ENVIRONMENT | {LANGUAGE: os.environ.get(LANGUAGE, "")},
            interrupt_mode="signal",
        )

    async def _async_pre_start_kernel(self, **kw: Any) -> Any:
        """Keep what the interpreter itself prints off the user's terminal: outputs are in cells."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return await super()._async_pre_start_kernel(**(quiet | kw))
