"""A questionnaire that a study declares says what codes mean; codes without one are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import impact_eval as ie
from impact_eval.pipeline.declared_codes import code_files
from impact_eval.pipeline.job import input_files
from impact_eval.pipeline.opening import open_study
from tests.support import fresh_limesurvey as limesurvey
from tests.support.small_studies import study_in, two_groups, work

ROLES = '[data.roles]\nunit = "id"\ntreatment = "aide"\n[method]\nname = "difference_in_means"\n'


def test_codes_of_a_tool_without_their_labels_are_refused_once_for_all_questions() -> None:
    rng = np.random.default_rng(0)
    scale = ie.survey.instrument("rses-fr")
    names = [f"R[SQ{k:03}]" for k in range(1, 11)]
    table = pd.DataFrame(rng.integers(1, 5, size=(30, 10)), columns=names)
    for form in ("A{}", "AO0{}"):
        coded = table.map(form.format)
        with pytest.raises(ie.ImpactEvalError) as refusal:
            scale.score(coded, items=dict(zip(scale.item_ids, names, strict=True)))
        (fault,) = refusal.value.findings
        assert (fault.code, fault.values["n"]) == ("tool_codes_without_labels", 10)


def test_the_files_that_say_what_codes_mean_are_inputs_of_the_run(tmp_path: Path) -> None:
    study = study_in(tmp_path, ROLES + work(), two_groups())
    assert code_files(study) == ()
    (tmp_path / "donnees.codes.toml").write_text('schema = "impact-eval/codebook/1"\n', "utf-8")
    assert "donnees.codes.toml" in input_files(study)


def test_a_form_that_is_not_there_is_refused_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(ie.ImpactEvalError) as refusal:
        study_in(tmp_path, 'codes = "enquete.lss"\n' + ROLES + work(), two_groups())
    (fault,) = refusal.value.findings
    assert fault.code == "file_not_found"
    assert fault.place is not None
    assert fault.place.key == "data.codes"


def test_a_column_keeps_the_name_that_the_study_gives_it(tmp_path: Path) -> None:
    first, _ = limesurvey.truth()
    limesurvey.write(tmp_path / "t.csv", first, full=False)
    limesurvey.write_form(tmp_path / "q.lss")
    named = limesurvey.headings(full=False)[6]
    from impact_eval.data.codebook import Codebook

    book = Codebook.read(tmp_path / "q.lss").named_as([named])
    frame = ie.read_table(tmp_path / "t.csv", codes=book)
    assert named in frame.columns
    assert "G01Q02_SQ002" in frame.columns


@pytest.mark.parametrize(
    ("written", "n"), [(["12", "40"], 2), (["9"], 1), (["-1"], 1), (["0,5", "1"], 0), (["35 %"], 1)]
)
def test_a_share_beyond_one_is_refused_with_its_cells(
    tmp_path: Path, written: list[str], n: int
) -> None:
    rows = [row.replace(",", ";") for row in two_groups()]
    for i, text in enumerate(written, start=5):
        cells = rows[i].split(";")
        rows[i] = ";".join([*cells[:3], text, *cells[4:]])
    study = study_in(tmp_path, ROLES + work(), rows)
    faults = [fault for fault in open_study(study).faults if fault.code == "beyond_share"]
    assert [fault.values["n"] for fault in faults] == [n] * bool(n)
    if n:
        assert list(faults[0].values["rows"]) == [6 + i for i in range(n)]


def test_replies_that_were_not_sent_are_told_with_their_lines(tmp_path: Path) -> None:
    first, _ = limesurvey.truth()
    limesurvey.write(tmp_path / "t.csv", first, full=False)
    frame = ie.read_table(tmp_path / "t.csv")
    (told,) = [e for e in frame.attrs["reading"]["log"] if e["code"] == "incomplete_answers"]
    lines = [i for i, reply in enumerate(first, start=2) if reply.submitted is None]
    assert told["values"] == {"n": len(lines), "of": len(first), "rows": lines[:5]}
