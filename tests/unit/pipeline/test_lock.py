"""One run of a study at a time, whoever dies."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.lock import LOCK, holder_of, study_lock

HOLD = """
import sys, time
from pathlib import Path
from impact_eval.pipeline.lock import study_lock
with study_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_told_who_runs(tmp_path):
    with study_lock(tmp_path):
        with pytest.raises(ImpactEvalError) as refused, study_lock(tmp_path):
            pass
        assert refused.value.codes == ("run_in_progress",)
        assert refused.value.findings[0].values["pid"] == os.getpid()
        assert str(os.getpid()) in str(refused.value)
        assert holder_of(tmp_path).pid == os.getpid()
    assert holder_of(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_second_may_wait(tmp_path):
    seen = []

    def second():
        with study_lock(tmp_path, wait=True):
            seen.append("second")

    with study_lock(tmp_path):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.5)
        seen.append("first")
    waiting.join(timeout=10)
    assert seen == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def test_who_is_killed_holds_nothing(tmp_path):
    held = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert held.stdout is not None
        assert held.stdout.readline().strip() == b"held"
        assert holder_of(tmp_path).pid == held.pid
        with pytest.raises(ImpactEvalError), study_lock(tmp_path):
            pass
    finally:
        held.kill()
        held.communicate()
    assert (tmp_path / LOCK).is_file(), "the file is there, the lock is not"
    assert holder_of(tmp_path) is None
    with study_lock(tmp_path):
        assert holder_of(tmp_path).pid == os.getpid()


def test_a_link_in_place_of_the_lock_is_not_written_through(tmp_path):
    theirs = tmp_path / "these.docx"
    theirs.write_text("trois ans")
    (tmp_path / LOCK).symlink_to(theirs)
    with pytest.raises(OSError), study_lock(tmp_path):  # noqa: PT011  # the system's own words
        pass
    assert theirs.read_text() == "trois ans"
