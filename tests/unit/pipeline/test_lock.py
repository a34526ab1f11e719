"""One run of a study at a time, whoever dies."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline import lock
from impact_eval.pipeline.lock import LOCK, Holder, holder_of, study_lock

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


# -- a folder that several users share ----------------------------------------------------------

AS_ANOTHER = """
import json, os, sys
from pathlib import Path
from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.lock import LOCK, holder_of, study_lock

folder, told = Path(sys.argv[1]), {}
os.setgid(65534)
os.setuid(65534)
before = holder_of(folder)
told["seen"] = None if before is None else before.pid
try:
    with study_lock(folder):
        told["ran"] = os.getpid()
        told["written"] = json.loads((folder / LOCK).read_text())["pid"]
except ImpactEvalError as refused:
    told["refused"] = [refused.findings[0].code, refused.findings[0].values["pid"]]
print(json.dumps(told))
"""


@pytest.fixture
def shared():
    """A folder open to every user, wherever the folders of tests lie."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def another_user(folder):
    done = subprocess.run(
        [sys.executable, "-c", AS_ANOTHER, str(folder)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


needs_two_users = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root becomes another user"
)


@needs_two_users
def test_another_user_sees_who_runs_and_is_refused_with_the_number(shared, usual_umask):
    with study_lock(shared):
        assert stat.S_IMODE((shared / LOCK).stat().st_mode) == 0o644
        assert another_user(shared) == {
            "seen": os.getpid(),
            "refused": ["run_in_progress", os.getpid()],
        }


@needs_two_users
def test_another_user_runs_after_the_one_who_was_killed(shared, usual_umask):
    (shared / LOCK).write_text('{"pid": 1, "since": "2026-05-04 10:32"}')
    told = another_user(shared)
    assert told["seen"] is None
    assert told["written"] == told["ran"], "the file names who runs, not who was killed"
    assert list(shared.iterdir()) == []


@needs_two_users
def test_another_user_runs_where_the_left_file_cannot_be_taken_away(shared, usual_umask):
    (shared / LOCK).write_text('{"pid": 1, "since": "2026-05-04 10:32"}')
    shared.chmod(0o1777)
    told = another_user(shared)
    assert told["seen"] is None
    assert told["written"] == 1, "it may not be written"
    assert "ran" in told


@needs_two_users
def test_a_file_that_may_not_be_read_is_not_told_as_nobody(shared):
    (shared / LOCK).write_text("{}")
    (shared / LOCK).chmod(0o600)
    code = f"""
import os
from pathlib import Path
from impact_eval.pipeline.lock import holder_of
os.setuid(65534)
print(holder_of(Path({str(shared)!r})))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(Holder())


def refused_to_write(monkeypatch, path):
    """Refuse to open the file for writing, as it is refused when it is another user's."""
    real, made = os.open, path.exists()

    def opening(name, flags, *more):
        if made and name == path and flags & os.O_RDWR and path.exists():
            raise PermissionError(errno.EACCES, "refused", str(name))
        return real(name, flags, *more)

    monkeypatch.setattr(os, "open", opening)


def test_a_file_open_to_reading_alone_is_locked_all_the_same(tmp_path, monkeypatch):
    (tmp_path / LOCK).write_text("kept")
    refused_to_write(monkeypatch, tmp_path / LOCK)
    monkeypatch.setattr(lock, "_taken_away", lambda path: False)  # a folder that refuses
    with study_lock(tmp_path):
        assert holder_of(tmp_path) == Holder(), "somebody, whom the file does not tell"
        with pytest.raises(ImpactEvalError) as refused, study_lock(tmp_path):
            pass
        assert refused.value.codes == ("run_in_progress",)
    assert (tmp_path / LOCK).read_text() == "kept"
    assert holder_of(tmp_path) is None


def test_a_file_let_go_between_two_looks_is_made_again(tmp_path, monkeypatch):
    real, refused = os.open, []

    def opening(name, flags, *more):
        if name == tmp_path / LOCK and not refused:
            refused.append(flags)
            raise PermissionError(errno.EACCES, "refused", str(name))
        return real(name, flags, *more)

    monkeypatch.setattr(os, "open", opening)
    with study_lock(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


needs_flock = pytest.mark.skipif(sys.platform == "win32", reason="another lock there")


def locks_that_fail(monkeypatch, number):
    import fcntl

    def failing(*_):
        raise OSError(number, "no lock here")

    monkeypatch.setattr(fcntl, "flock", failing)


@needs_flock
@pytest.mark.parametrize(
    "number", [errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS], ids=errno.errorcode.get
)
def test_a_disk_without_locks_hinders_no_run(tmp_path, monkeypatch, number):
    locks_that_fail(monkeypatch, number)
    assert holder_of(tmp_path) is None, "no file, nobody"
    with study_lock(tmp_path):
        assert holder_of(tmp_path) == Holder(), "somebody may run"
    assert list(tmp_path.iterdir()) == []


@needs_flock
def test_a_fault_of_the_disk_is_told_and_leaves_no_open_file(tmp_path, monkeypatch):
    locks_that_fail(monkeypatch, errno.EIO)
    before = len(list(Path("/dev/fd").iterdir()))
    with pytest.raises(OSError, match="no lock here"), study_lock(tmp_path):
        pass
    assert holder_of(tmp_path) == Holder()
    assert len(list(Path("/dev/fd").iterdir())) == before


@needs_flock
def test_a_lock_of_the_network_is_shared_when_the_file_is_open_to_reading_alone(
    tmp_path, monkeypatch
):
    import fcntl

    real, asked = fcntl.flock, []

    def of_the_network(descriptor, kind):
        asked.append(kind & ~fcntl.LOCK_NB)
        if kind & fcntl.LOCK_EX and not fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_RDWR:
            raise OSError(errno.EBADF, "not open to writing")
        real(descriptor, kind)

    (tmp_path / LOCK).write_text("kept")
    refused_to_write(monkeypatch, tmp_path / LOCK)
    monkeypatch.setattr(lock, "_taken_away", lambda path: False)
    monkeypatch.setattr(fcntl, "flock", of_the_network)
    with study_lock(tmp_path):
        assert asked == [fcntl.LOCK_EX, fcntl.LOCK_SH]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"pid": Infinity, "since": "x"}', "[" * 1000, '{"pid": "a", "since": 1}']
)
def test_a_file_that_tells_nothing_names_nobody(tmp_path, text):
    with study_lock(tmp_path):
        (tmp_path / LOCK).write_text(text)
        assert holder_of(tmp_path) == Holder()


@needs_flock
def test_a_pipe_in_place_of_the_lock_makes_nobody_wait(tmp_path):
    os.mkfifo(tmp_path / LOCK)
    asked = threading.Thread(target=holder_of, args=(tmp_path,), daemon=True)
    asked.start()
    asked.join(timeout=5)
    assert not asked.is_alive()
