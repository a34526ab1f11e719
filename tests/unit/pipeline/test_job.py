"""The job of a run covers every input: whatever decides the results makes another job."""

from __future__ import annotations

import pandas as pd
import pytest
from small_study import STUDY as SMALL
from small_study import write_study

from impact_eval.pipeline import job
from impact_eval.pipeline.job import input_files, job_of
from impact_eval.pipeline.protocol import freeze
from impact_eval.pipeline.study import Study

MAP = """schema = "impact-eval/value-map/1"
[map]
currency = "EUR"
price_year = 2025
discount_rate = "0.035"
follow_up = 1
"""
DRAWN = 'randomised = true\ndraw_record = "tirage.csv"'
CODED = 'file = "donnees.csv"\ncodes = "enquete.codes.toml"'
LONG = SMALL.replace('file = "donnees.csv"', CODED).replace(
    "[data]", f'[protocol]\n{DRAWN}\n[value]\nmap = "carte.toml"\n[data]'
)
CODES = 'schema = "impact-eval/codebook/1"\n[columns.emploi]\nmissing = ["9"]\n'


@pytest.fixture
def study(tmp_path):
    folder = write_study(tmp_path / "etude")
    (folder / "study.toml").write_text(LONG, "utf-8")
    (folder / "carte.toml").write_text(MAP, "utf-8")
    (folder / "enquete.codes.toml").write_text(CODES, "utf-8")
    people = pd.DataFrame(
        {"id": [f"P{i:03d}" for i in range(80)], "tire": [i < 40 for i in range(80)]}
    )
    people.to_csv(folder / "tirage.csv", index=False)
    return folder


def key(folder, template="study_report"):
    return job_of(Study.read(folder), template).key


def test_every_file_that_is_read_counts(study):
    names = {"donnees.csv", "carte.toml", "enquete.codes.toml", "tirage.csv"}
    assert set(input_files(Study.read(study))) == names
    seen = {key(study)}
    for name in (*sorted(names), "study.toml"):
        path = study / name
        text = path.read_text("utf-8")
        changed = text.replace('"Essai"', '"Essai bis"') if name == "study.toml" else text + "\n"
        path.write_text(changed, "utf-8")
        seen.add(key(study))
    assert len(seen) == 6


def test_a_codebook_beside_and_a_protocol_count_as_soon_as_they_are_there(study):
    before = key(study)
    (study / "donnees.codes.toml").write_text(CODES, "utf-8")
    with_codes = key(study)
    freeze(study)
    assert len({before, with_codes, key(study)}) == 3
    assert "protocole.json" in input_files(Study.read(study))


def test_the_template_the_program_and_the_versions_count(study, monkeypatch):
    seen = {key(study), key(study, "soft_outcomes")}
    with monkeypatch.context() as patched:
        patched.setattr(job, "code_hash", lambda: "0" * 64)
        seen.add(key(study))
    with monkeypatch.context() as patched:
        patched.setattr(job, "versions", lambda: {"numpy": "0"})
        seen.add(key(study))
    assert len(seen) == 4


def test_the_same_study_is_the_same_job(study):
    assert key(study) == key(study)
