"""The program of a study's kernel, started by its path in an interpreter that knows no folder.

In this order: the walls, the watch over the command, this package from the very place it was told,
and IPython without anybody's configuration or start-up files. The study's folder becomes the
working folder last: its files are read, none of them is imported.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

TICK = 1.0  # seconds between two looks at what the system does not bound itself


def main(root: Path) -> None:
    """Start the kernel that a folder of a run asks for.

    Parameters
    ----------
    root : Path
        The run's temporary folder, with `orders.json`.
    """
    orders = json.loads((root / "orders.json").read_text(encoding="utf-8"))
    package = Path(orders["package"])
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # see the command
    _load(package)
    from impact_eval.pipeline import kernel_walls
    from impact_eval.pipeline.run_folder import remove

    if orders["transport"] == "ipc":
        kernel_walls.leave_network()  # before any thread: the system asks for it
    bounded = kernel_walls.bound_memory(orders["megabytes"])
    _watch(root, orders["seconds"], None if bounded else orders["megabytes"], remove)
    kernel_walls.close_folder(Path(orders["study"]), (*sys.path, str(package)))
    sys.path.extend(orders["path"])
    app = _app(root)
    os.chdir(orders["study"])
    kernel_walls.refuse_ways_out(loopback=orders["transport"] != "ipc")
    app.start()


def _load(package: Path) -> None:
    """Load this package from its folder: a checkout needs no other folder on the search path."""
    spec = importlib.util.spec_from_file_location(
        "impact_eval", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None and spec.loader is not None  # noqa: PT018  # a package has both
    module = importlib.util.module_from_spec(spec)
    sys.modules["impact_eval"] = module
    spec.loader.exec_module(module)


def _watch(
    root: Path, seconds: float, megabytes: int | None, remove: Callable[[Path], None]
) -> None:
    """End this process when the command is gone, when it lasts too long or takes too much."""
    line = os.dup(0)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123  # it may be no path of this system
        os.dup2(nothing.fileno(), 0)
    threading.Thread(target=_until_alone, args=(line, root, remove), daemon=True).start()
    bounds = (root, time.monotonic() + seconds, megabytes)
    threading.Thread(target=_until_bound, args=bounds, daemon=True).start()


def _until_alone(line: int, root: Path, remove: Callable[[Path], None]) -> None:
    with suppress(OSError):
        while os.read(line, 1):
            pass
    remove(root)
    os._exit(1)


def _until_bound(root: Path, end: float, megabytes: int | None) -> None:
    while True:
        left = end - time.monotonic()
        if left <= 0:
            _end(root, "timeout")
        if megabytes is not None and _peak() > megabytes:
            _end(root, "memory")
        time.sleep(min(left, TICK) if megabytes is not None else left)


def _end(root: Path, why: str) -> None:
    with suppress(OSError):
        (root / "ended").write_text(why, encoding="utf-8")
    os._exit(1)


def _peak() -> float:
    """Return the megabytes that this process held at most; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0.0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


def _app(root: Path) -> Any:
    """Return the kernel's application, ready; nobody's configuration is read."""
    import logging

    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    class StudyKernel(IPKernelApp):
        def load_config_file(self, *_: Any, **__: Any) -> None:
            """Read no configuration."""

        def init_poller(self) -> None:
            """Leave the watch over the command to ours, which also removes the run's folder."""

    quiet = Config(
        IPKernelApp={"log_level": logging.CRITICAL},
        InteractiveShellApp={"ignore_cwd": True, "exec_PYTHONSTARTUP": False},
        HistoryManager={"enabled": False},
    )
    app = StudyKernel.instance(connection_file=str(root / "k.json"), config=quiet)
    app.initialize([])  # type: ignore[no-untyped-call]
    return app


if __name__ == "__main__":
    main(Path(sys.argv[1]))
