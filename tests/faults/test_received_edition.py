"""An output folder that was received: what it says of itself costs little, and names no other."""

from __future__ import annotations

import json
import tracemalloc
import zipfile

import pytest
from small_study import write_study

from impact_eval.pipeline.own_folder import checksum
from impact_eval.pipeline.runner import run
from impact_eval.pipeline.state_told import state_of
from impact_eval.pipeline.states import read_status


@pytest.mark.parametrize("kind", ["workbook", "sparse"])
def test_a_received_edition_costs_little_to_look_at(tmp_path, computed, kind):
    """1.5 GB once unpacked, or said to be there: its checksum is never worth gigabytes."""
    study = write_study(tmp_path / "etude")
    run(study)
    out = study / "sortie"
    name = "compte-fr.xlsx" if kind == "workbook" else "annexe.csv"
    if kind == "workbook":
        part = "xl/worksheets/sheet1.xml"
        with (
            zipfile.ZipFile(out / name, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open(part, "w", force_zip64=True) as stream,
        ):
            for _ in range(300):
                stream.write(bytes(1_000_000))
    else:
        with (out / name).open("wb") as stream:
            stream.truncate(1_500_000_000)
    status = json.loads((out / "status.json").read_text("utf-8"))
    status["outputs"][name] = "0" * 64
    (out / "status.json").write_text(json.dumps(status), "utf-8")
    tracemalloc.start()
    found = state_of(study)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert name in found.lacking
    assert peak < 60_000_000


@pytest.mark.parametrize("name", ["../../etc/hostname", "/etc/hostname", "a/../../b", "C:\\x", ""])
def test_a_status_that_names_files_elsewhere_is_none(tmp_path, computed, name):
    study = write_study(tmp_path / "etude")
    run(study)
    path = study / "sortie" / "status.json"
    status = json.loads(path.read_text("utf-8"))
    status["outputs"][name] = "0" * 64
    path.write_text(json.dumps(status), "utf-8")
    assert read_status(study / "sortie") is None


def test_a_mark_over_results_of_another_study_file_is_not_believed(tmp_path, computed):
    """A status copied beside other results: the computation is made again."""
    study = write_study(tmp_path / "etude")
    run(study)
    path = study / "sortie" / "results.json"
    told = json.loads(path.read_text("utf-8"))
    told["provenance"]["study_sha256"] = "0" * 64
    path.write_text(json.dumps(told), "utf-8")
    status = json.loads((study / "sortie" / "status.json").read_text("utf-8"))
    status["outputs"]["results.json"] = checksum(path)
    (study / "sortie" / "status.json").write_text(json.dumps(status), "utf-8")
    again = run(study)
    assert not again.resumed
    assert again.results.provenance.study_sha256 == status["job"]["study_sha256"]
