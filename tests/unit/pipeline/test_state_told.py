"""What the command says of the state of a study, in words."""

from __future__ import annotations

import os
import time

import pytest
from small_study import write_study
from typer.testing import CliRunner

from impact_eval.cli import app
from impact_eval.pipeline.lock import Holder, study_lock
from impact_eval.pipeline.own_folder import StudyPlace, checksums
from impact_eval.pipeline.state_told import state_lines, state_of
from impact_eval.pipeline.states import (
    Reason,
    RunState,
    Stage,
    Status,
    StudyOfFolder,
    read_status,
)
from impact_eval.report.texts import Texts


@pytest.fixture
def study(tmp_path):
    folder = write_study(tmp_path / "etude")
    out = folder / "sortie"
    out.mkdir()
    (out / "results.json").write_text("{}", "utf-8")
    place = StudyPlace((folder / "study.toml").resolve(), "essai")
    Status(
        state=RunState.DONE, step=Stage.DONE, study=place.told_from(out), outputs=checksums(out)
    ).write(out)
    return folder


def told(folder, language="fr"):
    return "\n".join(state_lines(state_of(folder), Texts(language)))


def test_a_study_that_was_never_run(tmp_path):
    folder = write_study(tmp_path / "etude")
    assert state_of(folder).state is None
    assert told(folder) == "Cette étude n’a jamais été lancée ici."


def test_a_run_whose_process_is_gone_was_interrupted(study):
    out = study / "sortie"
    running = {"state": RunState.RUNNING, "step": Stage.EXPORT, "at": "2026-05-04T08:32:00+00:00"}
    read_status(out).model_copy(update=running).write(out)
    assert state_of(study).state is RunState.KILLED
    assert "Interrompue" in told(study)
    assert "écriture des rapports" in told(study)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "Quelqu’un l’exécute peut-être en ce moment"),
        ("en", "Somebody may be running it now"),
    ],
)
def test_who_cannot_be_known_to_run_is_never_told_as_killed(study, monkeypatch, language, words):
    out = study / "sortie"
    running = {"state": RunState.RUNNING, "step": Stage.EXPORT, "at": "2026-05-04T08:32:00+00:00"}
    read_status(out).model_copy(update=running).write(out)
    monkeypatch.setattr("impact_eval.pipeline.state_told.holder_of", lambda folder: Holder())
    found = state_of(study)
    assert found.state is RunState.RUNNING
    assert found.to_dict()["runs"] == {"pid": None, "since": None}
    assert words in told(study, language)


def test_who_runs_is_told_by_the_number(study):
    with study_lock(study):
        assert f"processus {os.getpid()}, depuis le 20" in told(study)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_reasons_are_words_without_a_value_of_the_data(study, language):
    out = study / "sortie"
    reasons = (
        Reason(code="missing_column", file="study.toml", key="outcomes[1].column"),
        Reason(code="text_outcome", column="revenu"),
        Reason(code="code_of_another_version"),
    )
    failed = {"state": RunState.FAILED, "step": Stage.CHECK, "reasons": reasons, "at": "jadis"}
    read_status(out).model_copy(update=failed).write(out)
    words = told(study, language)
    assert "« … »" in words or "“…”" in words
    assert "outcomes[1].column" in words
    assert "[code_of_another_version]" in words
    assert "{" not in words


@pytest.fixture
def clock_of(monkeypatch):
    """The user's clock, in a given zone."""
    if not hasattr(time, "tzset"):
        pytest.skip("the zone of a process cannot be chosen there")

    def choose(zone):
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield choose
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "at", "words"),
    [
        ("America/New_York", "2026-05-04T08:32:00+00:00", "Écrit le 2026-05-04 04:32."),
        ("America/New_York", "0001-01-01T00:00:00+00:00", "Écrit à une date inconnue."),
        ("Asia/Tokyo", "9999-12-31T23:59:59+00:00", "Écrit à une date inconnue."),
        ("America/New_York", "9999-12-31T23:59:59", "Écrit à une date inconnue."),
        ("UTC", "jadis", "Écrit à une date inconnue."),
    ],
)
def test_when_it_was_written_is_told_on_the_users_clock(study, clock_of, zone, at, words):
    out = study / "sortie"
    failed = {"state": RunState.FAILED, "step": Stage.CHECK, "at": at}
    read_status(out).model_copy(update=failed).write(out)
    clock_of(zone)
    lines = told(study).splitlines()
    assert [line for line in lines if line.startswith("Écrit")] == [words]


def test_a_file_of_the_report_that_is_gone_is_told(study):
    (study / "sortie" / "results.json").unlink()
    assert "results.json" in told(study)
    assert not state_of(study).current


def test_a_study_that_cannot_be_read_keeps_its_name_in_the_status(study):
    (study / "study.toml").write_text("faux", "utf-8")
    done = CliRunner().invoke(app, ["run", str(study)])
    assert done.exit_code == 1
    assert "sortie-precedente" in done.output, "where the former report is, is told at once"
    status = read_status(study / "sortie")
    assert status.state is RunState.FAILED
    assert status.study == StudyOfFolder(id="essai", file="../study.toml")
    assert read_status(study / "sortie-precedente").state is RunState.DONE
