"""Places that are not what they seem: links, names too long, folders that vanish, damaged files."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from small_study import of_the_user, snapshot, state, write_study
from typer.testing import CliRunner

import impact_eval as ie
from impact_eval.cli import app
from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline import runner
from impact_eval.pipeline.runner import run

pytestmark = pytest.mark.usefixtures("computed")


def told(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    assert "Traceback" not in done.output
    return done.exit_code, done.output


# -- links -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("sortie", "."), ("sortie", ".."), ("sortie", "documents"), ("sortie", "nowhere"),
        ("sortie", "sortie"), ("sortie", "donnees.csv"), (".sortie.partial", "documents"),
        (".sortie.old", "documents"), (".impact-eval.lock", "notes/entretien.txt"),
    ],
)  # fmt: skip
def test_a_planted_link_loses_nothing(study, name, to):
    (study / name).symlink_to(to)
    before = of_the_user(study)
    code, words = told("run", study)
    assert code == 1
    assert "Pour corriger" in words or "repair" in words
    assert of_the_user(study) == before
    assert (study / name).is_symlink()
    assert not (study / "nowhere").exists()


def test_the_note_and_the_ledger_are_not_written_through_a_link(study):
    theirs = study / "notes" / "entretien.txt"
    (study / "publications.json").symlink_to(theirs)
    code, _ = told("run", study)
    assert code == 1, "a ledger that is no ledger is refused"
    assert theirs.read_text("utf-8") == "trois ans de notes"


def test_a_link_to_a_folder_of_ours_is_followed(study, tmp_path):
    elsewhere = tmp_path / "disque"
    elsewhere.mkdir()
    (study / "sortie").symlink_to(elsewhere)
    run(study)
    assert (study / "sortie").is_symlink()
    assert (elsewhere / "rapport-fr.html").is_file()
    run(study, fresh=True)
    assert (elsewhere / "rapport-fr.html").is_file()


# -- names -----------------------------------------------------------------------------------


def test_names_too_long_are_told(study, tmp_path):
    before = snapshot(study)
    code, words = told("run", study, "--output", tmp_path / ("é" * 125))
    assert (code, "trop long" in words or "too long" in words) == (1, True)
    deep = tmp_path / Path(*["d" * 100] * 45)
    code, words = told("run", study, "--output", deep)
    assert (code, "trop long" in words or "too long" in words) == (1, True)
    assert of_the_user(study) == {name: before[name] for name in of_the_user(study)}
    code, words = told("run", "x" * 5000)
    assert code == 1


@pytest.mark.parametrize(
    "name", ["étude n°1 (été)", "a'b", 'a"b', "-x", "a b\tc", "100 %", "$HOME", "日本"]
)
def test_odd_names_of_folders_work(tmp_path, name):
    study = write_study(tmp_path / name)
    assert run(study).reports
    assert state(study) == "done"


# -- what vanishes --------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["donnees.csv", "study.toml", ".", "sortie"])
def test_what_vanishes_during_the_run_is_told(study, monkeypatch, what):
    run(study)
    path = study / what
    execute = runner.execute

    def gone(*args, **keys):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        return execute(*args, **keys)

    monkeypatch.setattr(runner, "execute", gone)
    code, words = told("run", study, "--fresh")
    assert code in (0, 1)
    assert code == 0 or "[" in words


def test_an_output_deleted_between_two_runs_is_made_again(study):
    whole = snapshot(run(study).folder)
    shutil.rmtree(study / "sortie")
    assert snapshot(run(study).folder) == whole


# -- damaged files of ours -------------------------------------------------------------------


def damage(raw: bytes, number: int) -> bytes:
    """One of many ways to spoil a file, drawn with a seed."""
    draw = random.Random(number)
    at = draw.randrange(max(len(raw), 1))
    kinds = (
        raw[:at], b"", raw[:at] + bytes([raw[at] ^ (1 << draw.randrange(8))]) + raw[at + 1 :],
        raw[:at] + b"\x00" * 16 + raw[at:], b"{", b"[" * 100_000, raw + raw, b"\xff\xfe" + raw,
        raw.replace(b":", b"=", 1), b'{"a": 1e999}', b"null", raw.replace(b'"', b"'", 3),
    )  # fmt: skip
    return kinds[number % len(kinds)]


@pytest.mark.parametrize(
    "name",
    ["status.json", "results.json", "notebook.ipynb", "ro-crate-metadata.json", "controle.json",
     "rapport-fr.html"],
)  # fmt: skip
def test_a_damaged_output_is_made_again(study, name):
    whole = snapshot(run(study).folder)
    for number in range(12):
        path = study / "sortie" / name
        path.write_bytes(damage(path.read_bytes(), number))
        code, words = told("run", study)
        assert code == 0, words
        assert snapshot(study / "sortie") == whole


@pytest.mark.parametrize("number", range(36))
def test_a_damaged_protocol_is_told(study, number):
    code, _ = told("plan", study)
    assert code == 0
    path = study / "protocole.json"
    spoilt = damage(path.read_bytes(), number)
    path.write_bytes(spoilt)
    code, words = told("check", study)
    assert code in (0, 1), words
    code, words = told("plan", study)
    assert code == 1
    assert path.read_bytes() == spoilt, "a protocol is never replaced"


@pytest.mark.parametrize("number", range(24))
def test_a_damaged_study_is_told(study, number):
    path = study / "study.toml"
    path.write_bytes(damage(path.read_bytes(), number))
    for verb in ("check", "run", "status"):
        code, _ = told(verb, study)
        assert code in (0, 1)


def test_deep_nesting_is_told(study):
    path = study / "study.toml"
    path.write_text(path.read_text("utf-8") + "\nx = " + "[" * 50_000 + "]" * 50_000, "utf-8")
    code, words = told("check", study)
    assert code == 1
    assert words


def test_a_title_of_three_hundred_characters(study):
    path = study / "study.toml"
    title = "Accompagnement renforcé des familles monoparentales " * 6
    path.write_text(
        path.read_text("utf-8").replace('title = "Essai"', f'title = "{title}"'), "utf-8"
    )
    assert run(study).reports


# -- verbs that write --------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("demo", "--folder"), ("new",), ("plan",)])
def test_a_verb_refuses_a_file_or_a_link_in_place_of_a_folder(tmp_path, words):
    file = tmp_path / "these.docx"
    file.write_text("trois ans")
    link = tmp_path / "lien"
    link.symlink_to(tmp_path / "nowhere")
    loop = tmp_path / "boucle"
    loop.symlink_to(loop)
    for place in (file, link, loop, tmp_path / "a" / ("b" * 300)):
        code, said = told(*words, place)
        assert code == 1, said
    assert file.read_text() == "trois ans"
    assert not (tmp_path / "nowhere").exists()


def test_plan_and_new_keep_what_is_there(study):
    before = snapshot(study)
    code, _ = told("new", study)
    assert code == 1
    assert snapshot(study) == before
    told("plan", study)
    frozen = (study / "protocole.json").read_bytes()
    code, _ = told("plan", study)
    assert (code, (study / "protocole.json").read_bytes()) == (1, frozen)


def test_a_portfolio_is_never_written_over_anything(study, tmp_path):
    first = run(study).folder / "results.json"
    other = write_study(tmp_path / "autre", seed=1)
    text = (other / "study.toml").read_text("utf-8")
    (other / "study.toml").write_text(text.replace('id = "essai"', 'id = "autre"'), "utf-8")
    second = ie.evaluate(ie.Study.read(other)).write(tmp_path / "b.json")
    target = tmp_path / "documents"
    target.mkdir()
    (target / "these.docx").write_text("trois ans")
    words = ("portfolio", first, second, "--outcome", "emploi", "--output")
    code, said = told(*words, target)
    assert code == 1
    assert "documents-2" in said
    assert snapshot(target) == {"these.docx": b"trois ans"}
    free = tmp_path / "consolidation"
    code, said = told(*words, free)
    assert code == 0, said
    made = snapshot(free)
    assert told(*words, free)[0] == 1
    assert snapshot(free) == made
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


# -- what is unforeseen ---------------------------------------------------------------------------


def test_a_fault_of_ours_is_told_as_one(study, monkeypatch):
    def wrong(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(runner, "write_edition", wrong)
    code, words = told("run", study)
    assert code == 1
    assert "ZeroDivisionError" in words
    assert state(study) == "failed"


def test_whoever_reads_us_may_leave(study):
    reading, writing = os.pipe()
    os.close(reading)
    import subprocess
    import sys

    with os.fdopen(writing, "wb") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "impact_eval.cli", "methods"], stdout=stream,
            stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


def test_an_unwritable_home_of_the_lock_is_told(study, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "no", "x")

    monkeypatch.setattr("impact_eval.pipeline.lock._acquire", refuse)
    with pytest.raises(ImpactEvalError) as refused:
        run(study)
    assert refused.value.codes == ("not_permitted",)
