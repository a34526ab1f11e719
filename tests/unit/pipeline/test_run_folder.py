"""Temporary folders go whatever ends a run, and no folder of the user's goes with them."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from impact_eval.pipeline.run_folder import LOCK, MARK, remove, sweep, temporary_folder

KILLED = """
import os, sys, tempfile
from pathlib import Path
from impact_eval.pipeline.run_folder import temporary_folder

place, moment = Path(sys.argv[1]), 0

def count(event, args):  # ends the process just before what it does next in the place
    global left
    if event in WATCHED and str(place) in str(args[0]):
        left -= 1
        if left < 0:
            os._exit(9)

WATCHED = {"open", "os.mkdir", "os.remove", "os.rmdir", "os.scandir"}
tempfile.tempdir = str(place)
while True:
    child = os.fork()
    if not child:
        left = moment
        sys.addaudithook(count)
        with temporary_folder() as made:
            (made / "k.json").write_bytes(b"{}")
            (made / "home" / "cache").mkdir(parents=True)
            (made / "home" / "cache" / "fonts.json").write_bytes(b"{}")
            (made / "run.ipynb").write_bytes(b"{}")
            (made / "link").symlink_to(sys.argv[2])
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(moment, flush=True)
    sys.stdin.readline()  # what it left is swept and looked at meanwhile
    if not status:
        break
    moment += 1
"""

if sys.platform == "win32":
    pytest.skip("numbers of processes of Unix", allow_module_level=True)


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def folder(place: Path, name: str, files: dict[str, bytes]) -> Path:
    made = place / name
    made.mkdir()
    for file, content in files.items():
        (made / file).write_bytes(content)
    return made


@pytest.mark.parametrize(
    "files",
    [{"enquete.csv": b"id\n1\n"}, {LOCK: b"", "enquete.csv": b"x"}, {LOCK: MARK + b"x"},
     {"orders.json": b"{}", LOCK: b"impact-eval"}, {}],
)  # fmt: skip
def test_a_folder_of_the_users_is_never_swept_for_its_name(
    tmp_path: Path, dead: int, files: dict[str, bytes]
) -> None:
    kept = folder(tmp_path, f"ie-{dead}-donnees", files)
    other = folder(tmp_path, "ie-2024-donnees", files)
    sweep(tmp_path)
    assert {path.name for path in kept.iterdir()} == set(files)
    assert other.is_dir()


def test_what_a_killed_run_left_is_swept_once_nobody_holds_it(tmp_path: Path, dead: int) -> None:
    left = folder(tmp_path, f"ie-{dead}-abc_1", {LOCK: MARK, "k.json": b"{}"})
    link = tmp_path / f"ie-{dead}-link"
    link.symlink_to(folder(tmp_path, "ailleurs", {LOCK: MARK}))
    sweep(tmp_path)
    assert not left.exists()
    assert (tmp_path / "ailleurs" / LOCK).is_file()


def test_a_folder_that_somebody_holds_stays(tmp_path: Path, dead: int, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with temporary_folder() as mine:
        same = mine.rename(tmp_path / f"ie-{dead}-abc")  # as if its number were another's
        sweep(tmp_path)
        assert (same / LOCK).read_bytes() == MARK
        same.rename(mine)
    assert not mine.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_run_killed_at_any_step_of_its_folder_leaves_nothing_for_ever(tmp_path: Path) -> None:
    place, elsewhere = tmp_path / "t", folder(tmp_path, "ailleurs", {"these.docx": b"x"})
    place.mkdir()
    command = [sys.executable, "-c", KILLED, str(place), str(elsewhere)]
    moments, left = 0, 0
    with subprocess.Popen(command, text=True, stdin=-1, stdout=-1) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for _ in running.stdout:
            moments += 1
            left += any(place.iterdir())
            sweep(place)
            assert not list(place.iterdir()), moments
            running.stdin.write("\n")
            running.stdin.flush()
    assert running.returncode == 0
    assert moments > 15
    assert left > 10
    assert (elsewhere / "these.docx").is_file()


def test_what_a_process_that_ends_still_writes_is_swept_later(tmp_path: Path, dead: int) -> None:
    """A kernel makes its folders while its command is killed: nothing stays without a mark."""
    for turn in range(40):
        left = folder(tmp_path, f"ie-{dead}-turn_{turn}", {LOCK: MARK, "k.json": b"{}"})
        stop = threading.Event()

        def write(left: Path = left, stop: threading.Event = stop) -> None:
            while not stop.is_set():
                for name in ("home", "home/profile", "home/profile/security"):
                    with suppress(OSError):
                        (left / name).mkdir()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            remove(left)
        finally:
            stop.set()
            writer.join()
        assert not left.exists() or (left / LOCK).read_bytes() == MARK
        sweep(tmp_path)
        assert not left.exists()
