"""A level of evidence is opened by a record that is read, never by a file that exists."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import small_study

import impact_eval as ie

STUDY = small_study.STUDY.replace(
    "[data]\n", '[protocol]\nrandomised = true\ndraw_record = "{record}"\n[data]\n', 1
)
PEOPLE = [f"P{i:03d}" for i in range(120)]
LOTTERY = ie.plan.draw(
    pd.DataFrame({"id": PEOPLE}), unit="id", joining={"2024": 60}, seed="tirage du 7 mars"
)
HELPED = {name: int(bool(wave)) for name, wave in LOTTERY.waves.items()}
MOVED = {**HELPED, **{name: 1 - HELPED[name] for name in PEOPLE[:9]}}


def as_table(arms, words=("attente", "action")):
    lines = [f"{name};{words[arm]};Brémont" for name, arm in reversed(arms.items())]
    return "\n".join(["Dossier;Groupe tiré;Commune", *lines]) + "\n"


WAITING = next(name for name in PEOPLE if not HELPED[name])
EDITED = json.dumps(LOTTERY.to_dict() | {"waves": {**LOTTERY.waves, WAITING: "2024"}})
RECORDS = {
    "agrees": {"tirage.json": json.dumps(LOTTERY.to_dict()), "tirage.csv": as_table(HELPED)},
    "unread": {
        "vide.csv": "",
        "pv.txt": "Le tirage a eu lieu le 7 mars devant huissier.",
        "pv.pdf": "%PDF-1.7",
        "autre.json": '{"a": 1}',
        "liste.json": "[1, 2]",
        "profond.json": "[" * 100_000,
        "autres.csv": as_table({f"Q{i}": i % 2 for i in range(120)}),
        "tous.csv": as_table(dict.fromkeys(PEOPLE, 1)),
        "noms.csv": "Dossier;Numéro\n" + "".join(f"{n};{i}\n" for i, n in enumerate(PEOPLE)),
    },
    "differs": {"change.csv": as_table(MOVED), "refait.json": EDITED},
}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    rows = [
        f"{name},{HELPED[name]},{int(rng.random() < 0.4 + 0.2 * HELPED[name])}" for name in PEOPLE
    ]
    return "\n".join(["id,aide,emploi", *rows]) + "\n"


def evaluated(folder, data, record, content):
    (folder / "study.toml").write_text(STUDY.format(record=record), encoding="utf-8")
    (folder / "donnees.csv").write_text(data, encoding="utf-8")
    if content is not None:
        (folder / record).write_text(content, encoding="utf-8")
    results = ie.evaluate(ie.Study.read(folder))
    checks = [record.check for record in results.checks]
    check = next(check for check in checks if check.code == "random_assignment")
    return check, results.primary.evidence.level, [f.code for f in results.findings]


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, files in RECORDS.items() for name in files]
)
def test_what_the_record_says_decides(tmp_path, data, kind, name):
    check, level, told = evaluated(tmp_path, data, name, RECORDS[kind][name])
    status, most = {"agrees": ("passed", 4), "unread": ("warning", 4), "differs": ("failed", 2)}[
        kind
    ]
    assert check.status == status
    assert level <= most
    assert any(code.startswith("draw_record") for code in told) == (kind != "agrees")


def test_the_data_are_no_record_of_a_draw(tmp_path, data):
    check, _, told = evaluated(tmp_path, data, "donnees.csv", None)
    assert (check.status, "draw_record_unread" in told) == ("warning", True)
    check, _, told = evaluated(tmp_path, data, "copie.csv", data)
    assert (check.status, "draw_record_unread" in told) == ("warning", True)
