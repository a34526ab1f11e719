"""The command answers at once: what is loaded at its start is counted in processor time.

The bounds are those promised (0.3 s for a help page, 0.1 s for an import) beyond an empty process,
and three times as much: a shared machine is slower than a quiet one.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

resource = pytest.importorskip("resource")


def seconds(*arguments: str) -> float:
    """Return the least processor time of three runs."""
    least = float("inf")
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], capture_output=True, check=False, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        least = min(least, spent)
    return least


@pytest.fixture(scope="module")
def empty() -> float:
    return seconds("-c", "pass")


def test_the_import_is_light(empty: float) -> None:
    assert seconds("-c", "import impact_eval") - empty < 3 * 0.1


def test_the_help_is_light(empty: float) -> None:
    assert seconds("-m", "impact_eval.cli", "--help") - empty < 3 * 0.3


@pytest.mark.parametrize("heavy", ["pandas", "numpy", "rich.markdown", "pygments", "jupyterlab"])
def test_the_help_loads_nothing_heavy(heavy: str) -> None:
    program = (
        "import sys\nfrom impact_eval.cli import main\nsys.argv = ['impact-eval', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"raise SystemExit({heavy!r} in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "portfolio" in done.stdout
