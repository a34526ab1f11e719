"""A person who asks is left out: the results are those of a file without the person."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from value_study import value_study

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.forgotten import FILE
from impact_eval.data.pseudonyms import KEY_VARIABLE
from impact_eval.pipeline.differences import differences
from impact_eval.pipeline.evaluate import evaluate
from impact_eval.pipeline.forget import forget_person, remove_made, retention
from impact_eval.pipeline.keeping import keeping_noticed
from impact_eval.pipeline.opening import open_study
from impact_eval.pipeline.own_folder import StudyPlace, checksums
from impact_eval.pipeline.states import RunState, Stage, Status
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.urgent import OPERATOR_NOTE
from impact_eval.report.narrative_limits import disclosure_blocks
from impact_eval.report.texts import Texts
from impact_eval.results.gate import Edition, release
from impact_eval.results.records import StudyResults, comparable

KEY = "k" * 40


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    return value_study(tmp_path / "etude")


def test_the_results_are_those_of_a_file_without_the_person(study: Path, tmp_path: Path) -> None:
    other = value_study(tmp_path / "sans")
    lines = (other / "donnees.csv").read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("P017,", "P150,"))]
    (other / "donnees.csv").write_text("\n".join(kept) + "\n", "utf-8")
    before = (study / "donnees.csv").read_bytes()
    for person in ("P017", " p150 "):
        forget_person(study, person)
    assert (study / "donnees.csv").read_bytes() == before, "the user's file is never touched"
    pair = [comparable(release(evaluate(Study.read(folder))).results) for folder in (study, other)]
    # how many left is told by nothing: the gate keeps back the lines of the file, too close
    assert differences(*pair) == [
        "data.reading.lines", "data.reading.log", "data.reading.rows_in", "data.reading.rows_out",
        "disclosure.log", "disclosure.withheld", "provenance.study_sha256",
    ]  # fmt: skip
    assert "people_forgotten" in json.dumps(pair[0]["data"])


def test_the_list_tells_nobody(study: Path) -> None:
    done = forget_person(study, "P017")
    assert [(one.file, one.rows) for one in done.held_in] == [("donnees.csv", 1)]
    text = (study / FILE).read_text("utf-8")
    assert "17" not in json.loads(text)["schema"]
    assert "p017" not in text.casefold()
    assert len(json.loads(text)["people"]) == 1
    forget_person(study, "p017")
    assert (study / FILE).read_text("utf-8") == text, "asked twice, written once"


def test_an_unknown_person_names_no_other(study: Path) -> None:
    with pytest.raises(ImpactEvalError) as refused:
        forget_person(study, "P01")
    assert refused.value.codes == ("forget_unknown",)
    assert "P0" not in str(refused.value)
    assert not (study / FILE).exists()


def test_without_the_key_nobody_is_counted(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_person(study, "P017")
    for key in ("", "z" * 40):
        monkeypatch.setenv(KEY_VARIABLE, key)
        with pytest.raises(ImpactEvalError) as refused:
            evaluate(Study.read(study))
        assert refused.value.codes == ("forgotten_needs_key",)
    monkeypatch.setenv(KEY_VARIABLE, "")
    with pytest.raises(ImpactEvalError) as refused:
        forget_person(study, "P018")
    assert refused.value.codes == ("forget_needs_key",)


DAMAGED = (
    *("", "{}", "[" * 5000, '{"schema": "impact-eval/forgotten/1"}'),
    '{"schema": "x", "witness": "0", "people": ["P017"]}',
)


@pytest.mark.parametrize("raw", DAMAGED)
def test_a_damaged_list_is_never_an_empty_one(raw: str, study: Path) -> None:
    (study / FILE).write_text(raw, "utf-8")
    with pytest.raises(ImpactEvalError) as refused:
        Study.read(study)
    assert refused.value.codes == ("forgotten_damaged",)


def test_the_end_removes_what_we_made_and_nothing_else(study: Path) -> None:
    forget_person(study, "P017")
    (study / OPERATOR_NOTE).write_text("à rappeler", "utf-8")
    own = study / "interne"
    own.mkdir()
    results = release(evaluate(Study.read(study)), Edition.INTERNAL).results
    results.write(own)
    (own / "interne-fr.html").write_text("…", "utf-8")
    (own / "notes-personnelles.txt").write_text("à moi", "utf-8")
    before = {path for path in study.rglob("*") if path.is_file()}
    found = retention(study)
    assert {path for path in study.rglob("*") if path.is_file()} == before, "nothing yet"
    assert found.theirs == ("donnees.csv",)
    remove_made(found)
    left = {path.relative_to(study).as_posix() for path in study.rglob("*") if path.is_file()}
    theirs = {"study.toml", "carte.toml", "donnees.csv", "interne/notes-personnelles.txt"}
    assert left == {*theirs, FILE}, "while the table is there, the list is needed"
    (study / "donnees.csv").unlink()
    remove_made(retention(study))
    assert not (study / FILE).exists()


def test_a_folder_that_is_not_ours_is_left(study: Path) -> None:
    (study / "interne").mkdir()
    (study / "interne" / "results.json").write_text("{}", "utf-8")
    assert retention(study).ours == ()


def declare(study: Path, until: str) -> None:
    file = study / "study.toml"
    text = file.read_text("utf-8")
    file.write_text(f'{text}\n[privacy]\nkeep_until = "{until}"\n', encoding="utf-8")


@pytest.mark.parametrize(
    ("until", "last", "first"),
    [("2027", (2027, 12, 31), (2028, 1, 1)), ("2027-02", (2027, 2, 28), (2027, 3, 1)),
     ("2027-02-15", (2027, 2, 15), (2027, 2, 16))],
)  # fmt: skip
def test_the_time_that_data_are_kept_ends_with_its_last_day(
    study: Path, until: str, last: tuple[int, int, int], first: tuple[int, int, int]
) -> None:
    declare(study, until)
    opened = Study.read(study)
    assert keeping_noticed(opened, dt.date(*last)) == ()
    (told,) = keeping_noticed(opened, dt.date(*first))
    assert (told.code, told.place.key, told.values["day"]) == (
        "keeping_over", "privacy.keep_until", until
    )  # fmt: skip
    assert retention(study).until == until


def test_data_kept_too_long_are_told_by_check_and_by_the_report(study: Path) -> None:
    declare(study, "2024-12-31")
    codes = [finding.code for finding in open_study(Study.read(study)).noticed]
    assert codes[0] == "keeping_over"
    results = release(evaluate(Study.read(study))).results
    assert results.study.privacy.keep_until == "2024-12-31"
    told = [
        Texts("fr").words(word) for block in disclosure_blocks(results)[1:] for word in block.words
    ]
    assert told[-1].endswith("31 décembre 2024.")


def own_edition(folder: Path, results: StudyResults, study: Path) -> list[Path]:
    """Write the operator's own edition as a run leaves it."""
    folder.mkdir(parents=True)
    results.write(folder)
    (folder / "interne-fr.html").write_text("des noms", "utf-8")
    place = StudyPlace((study / "study.toml").resolve(), "essai")
    Status(
        state=RunState.DONE, step=Stage.DONE, study=place.told_from(folder.resolve()),
        outputs=checksums(folder),
    ).write(folder)  # fmt: skip
    return [folder / name for name in ("interne-fr.html", "results.json", "status.json")]


def test_an_own_edition_is_found_under_any_name_of_the_folder(study: Path) -> None:
    results = release(evaluate(Study.read(study)), edition=Edition.INTERNAL).results
    made = [
        *own_edition(study / "interne", results, study),
        *own_edition(study / "livrable-interne", results, study),
        *own_edition(study / "rendus" / "mai-interne-precedente", results, study),
    ]
    aside = study / "interne-vos-fichiers" / "2026-05-04" / "interne-fr.docx"
    aside.parent.mkdir(parents=True)
    aside.write_text("mes notes", "utf-8")
    text = (study / "study.toml").read_text("utf-8")
    (study / "study.toml").write_text(text.replace('id = "essai"', 'id = "essai-bis"'), "utf-8")
    found = retention(study)
    assert {path.resolve() for path in found.ours} == {path.resolve() for path in made}
    assert "interne-vos-fichiers/2026-05-04/interne-fr.docx" in found.theirs
    remove_made(found)
    assert not any(path.exists() for path in made)
    assert aside.is_file()
