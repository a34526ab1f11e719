"""Nothing of the user's is lost: what may be replaced, what is kept aside, what is refused."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.provenance import sha256
from impact_eval.core.whole_files import is_partial, sweep_partials, write_new, write_whole
from impact_eval.pipeline.own_folder import (
    Standing,
    StudyPlace,
    checksums,
    discard,
    drop_exchanged,
    exchange,
    former_of,
    keep_aside,
    put_in_place,
    recover,
    refuse_place,
    remove_marked,
    set_former_aside,
    standing,
)
from impact_eval.pipeline.states import RunState, Stage, Status, read_status


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "etude"
    folder.mkdir()
    (folder / "study.toml").write_text("x")
    (folder / "donnees.csv").write_text("id\n1\n")
    return StudyPlace((folder / "study.toml").resolve(), "essai")


def made(folder, study, files):
    """A folder of ours, as a run leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    Status(
        state=RunState.DONE, step=Stage.DONE, study=study.told_from(folder),
        outputs=checksums(folder),
    ).write(folder)  # fmt: skip
    return folder


def everything(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_who_stands_at_a_place(study, tmp_path):
    place = tmp_path / "sortie"
    assert standing(place, study) is Standing.ABSENT
    place.mkdir()
    assert standing(place, study) is Standing.EMPTY
    (place / ".DS_Store").write_text("")
    assert standing(place, study) is Standing.EMPTY
    (place / "these.docx").write_text("trois ans")
    assert standing(place, study) is Standing.FOREIGN
    ours = made(tmp_path / "ours", study, {"a.csv": "1"})
    assert standing(ours, study) is Standing.OURS
    other = StudyPlace(tmp_path / "autre" / "study.toml", "essai")
    assert standing(ours, other) is Standing.OF_ANOTHER, "the same name is not the same study"


def test_a_study_that_moved_knows_its_folder_by_its_name(study, tmp_path):
    ours = made(tmp_path / "ours", study, {"a.csv": "1"})
    moved = study.file.parent.rename(tmp_path / "ailleurs")
    assert standing(ours, StudyPlace(moved / "study.toml", "essai")) is Standing.OURS
    assert standing(ours, StudyPlace(moved / "study.toml", "autre")) is Standing.OF_ANOTHER


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"state": "done"}', "\x00", '{"schema": 3}'])
def test_a_mark_that_cannot_be_read_marks_nothing(study, tmp_path, text):
    place = tmp_path / "sortie"
    place.mkdir()
    (place / "status.json").write_text(text)
    (place / "these.docx").write_text("trois ans")
    assert standing(place, study) is Standing.FOREIGN


@pytest.mark.parametrize(
    ("where", "code"),
    [
        (".", "output_holds_study"),
        ("..", "output_holds_study"),
        ("/", "output_holds_study"),
        ("documents", "output_foreign"),
        ("donnees", "output_holds_data"),
        ("donnees.csv", "output_holds_data"),
        ("notes.txt", "output_is_file"),
        ("of-another", "output_of_another"),
    ],
)
def test_places_where_something_would_be_lost_are_refused(study, where, code):
    folder = study.file.parent
    (folder / "documents").mkdir()
    (folder / "documents" / "these.docx").write_text("trois ans")
    (folder / "donnees").mkdir()
    (folder / "donnees" / "table.csv").write_text("id\n1\n")
    (folder / "notes.txt").write_text("notes")
    made(folder / "of-another", StudyPlace(folder / "autre.toml", "autre"), {"a.csv": "1"})
    (folder / "autre.toml").write_text("y")
    before = everything(folder)
    inputs = [folder / "donnees.csv", folder / "donnees" / "table.csv"]
    target = (folder / where).resolve()
    with pytest.raises(ImpactEvalError) as refused:
        refuse_place(target, study, inputs)
    assert refused.value.codes == (code,)
    assert everything(folder) == before


def test_what_the_user_changed_or_added_is_moved_beside(study, tmp_path):
    ours = made(tmp_path / "sortie", study, {"a.csv": "1", "rapport.docx": "nous", "t/b.csv": "2"})
    (ours / "rapport.docx").write_text("nous, relu pendant deux jours")
    (ours / "t" / "notes.txt").write_text("à moi")
    (ours / "lien").symlink_to(study.file)
    kept = keep_aside(ours)
    texts = {path.name: path.read_text() for path in kept if not path.is_symlink()}
    assert texts == {"rapport.docx": "nous, relu pendant deux jours", "notes.txt": "à moi"}
    assert [path.name for path in kept if path.is_symlink()] == ["lien"]
    assert {path.parts[-3] for path in kept if path.name == "lien"} == {"sortie-vos-fichiers"}
    assert set(everything(ours)) == {"a.csv", "t/b.csv", "status.json"}
    assert study.file.read_text() == "x"
    (ours / "rapport.docx").write_text("encore")
    assert keep_aside(ours)[0].parent.name.endswith("-2"), "an earlier day's files stay"


def test_a_new_edition_takes_the_place_of_the_old(study, tmp_path):
    target = made(tmp_path / "sortie", study, {"a.csv": "1"})
    (target / "moi.txt").write_text("à moi")
    new = made(tmp_path / ".new", study, {"a.csv": "2"})
    kept = put_in_place(new, target, study)
    assert (target / "a.csv").read_text() == "2"
    assert [path.read_text() for path in kept] == ["à moi"]
    assert not list(tmp_path.glob(".*"))


def test_a_folder_that_came_meanwhile_is_never_taken_away(study, tmp_path):
    target = tmp_path / "sortie"
    target.mkdir()
    (target / "these.docx").write_text("trois ans")
    new = made(tmp_path / ".new", study, {"a.csv": "2"})
    with pytest.raises(ImpactEvalError):
        put_in_place(new, target, study)
    assert everything(target) == {"these.docx": b"trois ans"}
    assert discard(target, study) == ()
    assert everything(target) == {"these.docx": b"trois ans"}


def test_an_exchange_that_was_cut_is_put_right(study, tmp_path):
    target = tmp_path / "sortie"
    made(tmp_path / ".sortie.old", study, {"a.csv": "1"})
    recover(target, study)
    assert (target / "a.csv").read_text() == "1"
    made(tmp_path / ".sortie.old", study, {"a.csv": "0"})
    recover(target, study)
    assert (target / "a.csv").read_text() == "1"
    assert not (tmp_path / ".sortie.old").exists()


def test_the_exchange_is_undone_when_the_new_folder_cannot_take_its_name(
    study, tmp_path, monkeypatch
):
    target = made(tmp_path / "sortie", study, {"a.csv": "1"})
    new = made(tmp_path / ".new", study, {"a.csv": "2"})
    rename = type(new).rename

    def refuse(self, place):
        if self == new:
            raise OSError(28, "full", str(self))
        return rename(self, place)

    monkeypatch.setattr(type(new), "rename", refuse)
    with pytest.raises(OSError, match="full"):
        put_in_place(new, target, study)
    assert (target / "a.csv").read_text() == "1"


def refusing_to_rename(monkeypatch, refused):
    """Refuse renamings as Windows does for a file that another program holds open."""
    rename = Path.rename

    def guarded(self, place):
        if refused(self):
            raise PermissionError(errno.EACCES, "open elsewhere", str(self))
        return rename(self, place)

    monkeypatch.setattr(Path, "rename", guarded)


def with_files_of_the_user(target, study):
    made(target, study, {"a.csv": "1", "rapport.docx": "nous"})
    (target / "rapport.docx").write_text("nous, relu")
    (target / "moi").mkdir()
    (target / "moi" / "notes.txt").write_text("à moi")
    return target


THEIRS = {"rapport.docx": b"nous, relu", "moi/notes.txt": "à moi".encode()}


def kept_beside(target):
    """The user's own files, by their names in the folder of the day."""
    days = sorted(target.with_name(f"{target.name}-vos-fichiers").glob("*"))
    return {name: text for day in days for name, text in everything(day).items()}


def test_a_report_open_in_another_program_is_left_where_it_is(study, tmp_path, monkeypatch):
    target = with_files_of_the_user(tmp_path / "sortie", study)
    new = made(tmp_path / ".new", study, {"a.csv": "2"})
    before = everything(target)
    refusing_to_rename(monkeypatch, lambda path: path == target)
    with pytest.raises(PermissionError):
        put_in_place(new, target, study)
    assert everything(target) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new", "etude", "sortie"]


@pytest.mark.parametrize("held", ["rapport.docx", "notes.txt"])
def test_what_cannot_be_moved_aside_is_kept_by_the_next_run(study, tmp_path, monkeypatch, held):
    target = with_files_of_the_user(tmp_path / "sortie", study)
    new = made(tmp_path / ".new", study, {"a.csv": "2"})
    with monkeypatch.context() as patched:
        refusing_to_rename(patched, lambda path: path.name == held)
        with pytest.raises(PermissionError):
            put_in_place(new, target, study)
    assert (target / "a.csv").read_text() == "2", "the new one is in place"
    old = tmp_path / ".sortie.old"
    assert standing(old, study) is Standing.OURS
    assert THEIRS.items() <= everything(old).items(), "all of the user's are where they were"
    assert kept_beside(target) == {}
    kept = recover(target, study)
    assert sorted(path.name for path in kept) == ["notes.txt", "rapport.docx"]
    assert kept_beside(target) == THEIRS
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "etude", "sortie", "sortie-vos-fichiers",
    ]  # fmt: skip


def test_an_old_folder_that_cannot_be_deleted_hides_nothing(study, tmp_path, monkeypatch):
    target = with_files_of_the_user(tmp_path / "sortie", study)
    new = made(tmp_path / ".new", study, {"a.csv": "2"})

    def refuse(path, **_):
        raise PermissionError(errno.EACCES, "open elsewhere", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", refuse)
        kept = put_in_place(new, target, study)
    assert {path.read_bytes() for path in kept} == set(THEIRS.values()), (
        "they are told all the same"
    )
    assert kept_beside(target) == THEIRS
    assert standing(tmp_path / ".sortie.old", study) is Standing.OURS
    assert recover(target, study) == ()
    assert not (tmp_path / ".sortie.old").exists()


def test_the_users_files_of_a_cut_exchange_bear_the_name_that_the_user_knows(study, tmp_path):
    with_files_of_the_user(tmp_path / ".sortie.old", study)
    target = made(tmp_path / "sortie", study, {"a.csv": "2"})
    new = made(tmp_path / ".new", study, {"a.csv": "3"})
    (target / "autre.txt").write_text("aussi")
    kept = put_in_place(new, target, study)
    assert sorted(path.name for path in kept) == ["autre.txt", "notes.txt", "rapport.docx"]
    assert kept_beside(target) == {**THEIRS, "autre.txt": b"aussi"}
    assert not list(tmp_path.glob(".*"))


def test_what_a_first_exchange_replaced_waits_for_the_second(study, tmp_path, monkeypatch):
    """The operator's own edition takes its place first; the published one may be refused then."""
    own = with_files_of_the_user(tmp_path / "interne", study)
    target = made(tmp_path / "sortie", study, {"a.csv": "1"})
    exchange(made(tmp_path / ".own", study, {"a.csv": "2"}), own, study)
    with monkeypatch.context() as patched:
        refusing_to_rename(patched, lambda path: path == target)
        with pytest.raises(PermissionError):
            put_in_place(made(tmp_path / ".new", study, {"a.csv": "2"}), target, study)
    assert kept_beside(own) == {}
    assert sorted(path.name for path in recover(own, study)) == ["notes.txt", "rapport.docx"]
    assert kept_beside(own) == THEIRS
    assert drop_exchanged(own, study) == ()


def test_an_old_folder_where_only_the_system_wrote_is_in_nobodys_way(study, tmp_path):
    (tmp_path / ".sortie.old").mkdir()
    (tmp_path / ".sortie.old" / ".DS_Store").write_text("")
    target = made(tmp_path / "sortie", study, {"a.csv": "1"})
    new = made(tmp_path / ".new", study, {"a.csv": "2"})
    assert put_in_place(new, target, study) == ()
    assert (target / "a.csv").read_text() == "2"
    assert not list(tmp_path.glob(".*"))


def test_the_former_report_is_set_apart_under_a_name_that_nobody_has(study, tmp_path):
    (tmp_path / "sortie-precedente").mkdir()
    (tmp_path / "sortie-precedente" / "these.docx").write_text("trois ans")
    target = made(tmp_path / "sortie", study, {"results.json": "{}"})
    former = set_former_aside(target, study)
    assert former.name == "sortie-precedente-2"
    assert former_of(target, study) == former
    assert not target.exists()
    assert (tmp_path / "sortie-precedente" / "these.docx").is_file()


def test_a_folder_without_its_mark_is_ours_when_it_lists_what_it_holds(study, tmp_path):
    target = made(tmp_path / "sortie", study, {"a.csv": "1"})
    (target / "ro-crate-metadata.json").write_text(
        '{"@graph": [{"@id": "./", "identifier": "essai"},'
        f' {{"@id": "a.csv", "@type": "File", "sha256": "{sha256("1")}"}}]}}'
    )
    (target / "status.json").unlink()
    (target / "moi.txt").write_text("à moi")
    assert standing(target, study) is Standing.OURS
    assert [path.name for path in discard(target, study)] == ["moi.txt"]


# -- files written whole ---------------------------------------------------------------------


def test_a_new_file_never_replaces_another(tmp_path):
    path = tmp_path / "a.txt"
    write_new(path, "un")
    with pytest.raises(ImpactEvalError) as refused:
        write_new(path, "deux")
    assert refused.value.codes == ("already_there",)
    assert path.read_text() == "un"
    link = tmp_path / "b.txt"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ImpactEvalError):
        write_new(link, "deux")
    assert not (tmp_path / "nowhere").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_a_link_planted_under_the_working_name_is_not_followed(tmp_path):
    theirs = tmp_path / "these.docx"
    theirs.write_text("trois ans")
    (tmp_path / f".a.txt.{os.getpid()}.partial").symlink_to(theirs)
    write_whole(tmp_path / "a.txt", "un")
    assert theirs.read_text() == "trois ans"
    assert (tmp_path / "a.txt").read_text() == "un"


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_whole(path, "un")

    def full(_):
        raise OSError(28, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        write_whole(path, "deux")
    assert path.read_text() == "un"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_reading_a_status_never_follows_a_link_nor_eats_a_giant(tmp_path, study):
    ours = made(tmp_path / "ours", study, {"a.csv": "1"})
    place = tmp_path / "sortie"
    place.mkdir()
    (place / "status.json").symlink_to(ours / "status.json")
    assert read_status(place) is None
    shutil.rmtree(place)
    place.mkdir()
    with (place / "status.json").open("wb") as stream:
        stream.truncate(6_000_000)
    assert read_status(place) is None


@pytest.mark.parametrize("blocked", ["a.csv", "b.csv", "z.csv"])
def test_a_deletion_that_is_cut_leaves_a_folder_known_for_ours(
    study, tmp_path, monkeypatch, blocked
):
    ours = made(tmp_path / "ours", study, {"a.csv": "1", "tables/b.csv": "2", "z.csv": "3"})
    unlink = os.unlink

    def refusing(path, **keys):
        if os.fspath(path).endswith(blocked):
            raise PermissionError(blocked)
        unlink(path, **keys)

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", refusing)
        with pytest.raises(PermissionError):
            remove_marked(ours)
    assert standing(ours, study) is Standing.OURS
    assert keep_aside(ours) == ()
    remove_marked(ours)
    assert not ours.exists()


def test_a_writing_cut_short_is_neither_the_users_nor_a_result(study, tmp_path):
    cut = tmp_path / "sortie" / ".status.json.4242.partial"
    cut.parent.mkdir()
    cut.write_text('{"sta')
    assert standing(cut.parent, study) is Standing.EMPTY
    assert keep_aside(cut.parent) == ()
    named = {"partial.csv", ".sortie.partial", "a.12.partial"}
    assert not any(is_partial(name) for name in named)


def test_what_a_killed_writing_left_is_swept_and_nothing_else(tmp_path):
    file = tmp_path / ("publications-" + "x" * 60 + ".json")
    file.write_text("{}")
    cut = tmp_path / f".{file.name[:40]}.77.partial"
    others = [".autre.json.77.partial", f".{file.name[:40]}.partial", "publications.77.partial"]
    for path in (cut, *(tmp_path / name for name in others)):
        path.write_text("half")
    sweep_partials(file)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([file.name, *others])
