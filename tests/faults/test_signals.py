"""A run stopped at any moment, by a person or by the machine: nothing lost, the next ends the same.

Fifty moments drawn with a seed; each is a real command in a process of its own.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_study import hidden_left, of_the_user, snapshot, state, tells_the_truth, write_study

if sys.platform == "win32":
    pytest.skip("signals of Unix", allow_module_level=True)

MOMENTS, PARTS = 50, 10
_RANDOM = random.Random(20_261_128)
STOPS = [
    (
        _RANDOM.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)),
        _RANDOM.random(),
    )
    for _ in range(MOMENTS)
]


def command(folder: Path, temporary: Path, *options: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "TMPDIR": str(temporary), "IMPACT_EVAL_LANGUAGE": "fr"}
    words = [sys.executable, "-m", "impact_eval.cli", "run", str(folder), *options]
    return subprocess.Popen(
        words, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """What a run that nothing stops leaves, and how long it takes."""
    folder = write_study(tmp_path_factory.mktemp("whole") / "etude")
    start = time.monotonic()
    done = command(folder, folder.parent)
    told, _ = done.communicate()
    assert done.returncode == 0, told
    return snapshot(folder), time.monotonic() - start


def stopped(folder: Path, temporary: Path, kind: signal.Signals, moment: float) -> tuple[int, str]:
    running = command(folder, temporary, "--fresh")
    time.sleep(moment)
    os.kill(running.pid, kind)
    told, _ = running.communicate(timeout=60)
    return running.returncode, told


def orphans(temporary: Path) -> list[int]:
    """Return the processes that still work in a temporary folder of ours."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if str(temporary) in words:
            found.append(int(path.parent.name))
    return found


def ended(temporary: Path) -> bool:
    """Whether no process of the run is left; a folder it had no time to remove, the next sweeps."""
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        if not orphans(temporary):
            return True
        time.sleep(0.2)
    return False


def one_stop(folder, temporary, reference, kind, share):
    whole, seconds = reference
    before = of_the_user(folder)
    code, told = stopped(folder, temporary, kind, share * seconds)
    assert "Traceback" not in told
    if kind is signal.SIGKILL:
        assert code in (0, -kind)
    else:
        # before the command listens, and after, Python or the system ends it
        assert code in (0, 130, -kind, -signal.SIGINT), told
    assert of_the_user(folder) == before
    assert tells_the_truth(folder)
    if code == 130:
        # stopped before it had begun, it leaves the report that was there, still whole
        assert state(folder) in (None, "killed", "done")
        assert "interrompue" in told
    assert ended(temporary), "a process was left behind"
    again = command(folder, temporary)
    told, _ = again.communicate(timeout=120)
    assert again.returncode == 0, told
    assert snapshot(folder) == whole
    assert hidden_left(folder) == []
    assert not list(temporary.iterdir())


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_fifty_stops_at_random_moments(tmp_path, reference, part):
    temporary = tmp_path / "t"
    temporary.mkdir()
    folder = write_study(tmp_path / "etude")
    for kind, share in STOPS[part::PARTS]:
        one_stop(folder, temporary, reference, kind, share)
