"""Each write of a run is refused in turn by the machine: told in words, nothing lost, same end."""

from __future__ import annotations

import builtins
import errno
import json
import os
from pathlib import Path

import pytest
from small_study import hidden_left, of_the_user, snapshot, state, tells_the_truth, write_study

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.runner import run

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
KINDS = {errno.ENOSPC: "disk_full", errno.EACCES: "not_permitted", errno.EROFS: "read_only_place",
         errno.EIO: "machine_refused"}  # fmt: skip


class Saboteur:
    """Refuses the k-th change of the disk under a folder; counts them all without a k."""

    changes = ("rename", "replace", "mkdir", "link", "unlink", "rmdir", "ftruncate", "fsync")

    def __init__(self, monkeypatch, folder: Path, at: int | None, number: int) -> None:
        self.seen = 0
        self._folder, self._at, self._number = str(folder), at, number
        for name in self.changes:
            monkeypatch.setattr(os, name, self._guard(getattr(os, name)))
        monkeypatch.setattr(os, "open", self._guard(os.open, self._opens))
        monkeypatch.setattr(builtins, "open", self._guard(builtins.open, self._writes))
        monkeypatch.setattr(Path, "open", self._guard_path())

    def _guard(self, call, counts=lambda *_, **__: True):
        def guarded(path, *args, **keys):
            if isinstance(path, (str, os.PathLike)) and counts(*args, **keys):
                self._change(os.fspath(path))
            return call(path, *args, **keys)

        return guarded

    def _guard_path(self):
        opened = Path.open

        def guarded(path, mode="r", *args, **keys):
            if self._writes(mode):
                self._change(str(path))
            return opened(path, mode, *args, **keys)

        return guarded

    @staticmethod
    def _opens(flags=0, *_, **__):
        return bool(flags & WRITING)

    @staticmethod
    def _writes(mode="r", *_, **__):
        return any(letter in mode for letter in "wax+")

    def _change(self, path: str) -> None:
        if not path.startswith(self._folder):
            return
        self.seen += 1
        if self.seen == self._at:
            raise OSError(self._number, "the words of the system", path)


def changes(monkeypatch, study: Path, tmp_path: Path) -> int:
    with monkeypatch.context() as patched:
        counting = Saboteur(patched, tmp_path, None, 0)
        run(study)
    return counting.seen


@pytest.fixture
def whole(tmp_path_factory, computed):
    """What a run that nothing disturbs leaves."""
    folder = write_study(tmp_path_factory.mktemp("whole") / "etude")
    run(folder)
    return snapshot(folder)


def refusal(study: Path) -> ImpactEvalError | None:
    try:
        run(study)
    except ImpactEvalError as error:
        return error
    return None


def broken_then_mended(monkeypatch, study, tmp_path, whole, at, number):
    before = of_the_user(study)
    with monkeypatch.context() as patched:
        Saboteur(patched, tmp_path, at, number)
        error = refusal(study)
    if error is not None:
        assert set(error.codes) <= {*KINDS.values(), "path_vanished"}, at
        assert "Traceback" not in str(error)
        assert str(tmp_path) not in str(error)
        assert state(study) != "done" or snapshot(study) == whole, at
    assert of_the_user(study) == before, at
    assert tells_the_truth(study), at
    run(study)
    assert snapshot(study) == whole, at
    assert hidden_left(study) == [], at


@pytest.mark.parametrize("share", [0.02, 0.3, 0.55, 0.8, 0.97])
def test_a_write_that_is_refused(monkeypatch, study, tmp_path, whole, share):
    n = changes(monkeypatch, write_study(tmp_path / "count"), tmp_path)
    assert n > 30
    number = [*KINDS][int(share * 100) % len(KINDS)]
    broken_then_mended(monkeypatch, study, tmp_path, whole, max(1, int(n * share)), number)


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_each_write_in_turn(monkeypatch, tmp_path, whole, part):
    n = changes(monkeypatch, write_study(tmp_path / "count"), tmp_path)
    for at in range(part + 1, n + 1, 4):
        study = write_study(tmp_path / f"etude-{at}")
        number = [*KINDS][at % len(KINDS)]
        broken_then_mended(monkeypatch, study, tmp_path, whole, at, number)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_report_that_is_there_is_never_lost(monkeypatch, study, tmp_path, computed, share):
    run(study)
    former = (study / "sortie" / "rapport-fr.html").read_bytes()
    n = changes(monkeypatch, write_study(tmp_path / "count"), tmp_path)
    text = (study / "study.toml").read_text("utf-8")
    (study / "study.toml").write_text(text.replace('"Essai"', '"Essai bis"'), "utf-8")
    with monkeypatch.context() as patched:
        Saboteur(patched, tmp_path, max(1, int(n * share)), errno.ENOSPC)
        error = refusal(study)
    if error is None:
        return
    assert set(error.codes) <= set(KINDS.values())
    places = [path for path in study.rglob("rapport-fr.html") if path.read_bytes() == former]
    assert places, "the former report is kept until the new one is whole"
    beside = study / "sortie" / "rapport-fr.html"
    assert state(study) != "done" or not beside.exists()


def test_files_that_could_not_be_moved_aside_are_kept_and_told_by_the_next_run(
    monkeypatch, study, computed
):
    run(study)
    (study / "sortie" / "moi.txt").write_text("à moi")
    rename = Path.rename

    def refusing(self, place):
        if self.name == "moi.txt":
            raise PermissionError(errno.EACCES, "open elsewhere", str(self))
        return rename(self, place)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refusing)
        with pytest.raises(ImpactEvalError) as refused:
            run(study, fresh=True)
    assert refused.value.codes == ("not_permitted",)
    done = run(study)
    assert [path.read_text() for path in done.kept] == ["à moi"]
    assert [path.parts[-3] for path in done.kept] == ["sortie-vos-fichiers"]
    assert hidden_left(study) == []


class FullDisk(Saboteur):
    """From the k-th writing on, nothing more is written until something is deleted."""

    changes = ("mkdir", "link", "ftruncate", "fsync")
    full = False

    def __init__(self, monkeypatch, folder: Path, at: int | None) -> None:
        super().__init__(monkeypatch, folder, at, errno.ENOSPC)
        unlink = os.unlink

        def frees(path, *, dir_fd=None):
            held = self.full and os.stat(path, dir_fd=dir_fd, follow_symlinks=False).st_size > 0
            unlink(path, dir_fd=dir_fd)
            if held:
                self.full, self._at = False, None

        monkeypatch.setattr(os, "unlink", frees)

    def _change(self, path: str) -> None:
        self.seen += path.startswith(self._folder)
        self.full = self.full or self.seen == self._at
        if self.full and path.startswith(self._folder):
            raise OSError(errno.ENOSPC, "No space left on device", path)


@pytest.mark.parametrize("share", [0.3, 0.4, 0.5, 0.7, 0.9])
def test_a_disk_that_stays_full_has_room_to_say_so(
    monkeypatch, study, tmp_path, whole, computed, share
):
    other = write_study(tmp_path / "count")
    with monkeypatch.context() as patched:
        counting = FullDisk(patched, tmp_path, None)
        run(other)
    n = counting.seen
    with monkeypatch.context() as patched:
        FullDisk(patched, tmp_path, int(n * share))
        error = refusal(study)
    assert error is not None
    assert error.codes == ("disk_full",)
    assert state(study) == "failed"
    told = json.loads((study / "sortie" / "status.json").read_text("utf-8"))
    assert [reason["code"] for reason in told["reasons"]] == ["disk_full"]
    run(study)
    assert snapshot(study) == whole
