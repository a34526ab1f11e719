"""A study file: all its faults at once, each with its key path, in both languages."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impact_eval import ImpactEvalError, Study
from impact_eval.report.languages.language import language_codes
from impact_eval.report.texts import Texts, render_error

STUDY: dict[str, Any] = {
    "schema": "impact-eval/study/1",
    "study": {
        "id": "mobilite",
        "title": {"fr": "Plateforme", "en": "Platform"},
        "territory": "01",
        "pillar": "emploi",
        "action": "Véhicules",
        "period": ["2024-01", "2024-12"],
    },
    "data": {"file": "d.csv", "roles": {"unit": "id", "time": "t", "cohort": "g"}},
    "method": {"name": "callaway_santanna", "options": {"method": "dr"}},
    "outcomes": [
        {"id": "emploi", "label": "Emploi", "column": "y", "unit": "share", "primary": True}
    ],
}
TEN_FAULTS = """
schema = "impact-eval/study/1"
[study]
id = "Mobilité 2024"
titel = "Plateforme"
territory = 1
pillar = "emplois"
action = "Véhicules"
period = ["2024-12", "2024-01"]
[data]
file = "../secret.csv"
[method]
name = "callaway_santana"
[report]
formats = ["htm"]
[privacy]
threshold = 0
[[outcomes]]
id = "emploi"
label = "Emploi"
colum = "y"
unit = "euros"
primary = true
"""
TEN_PLACES = {
    "study.id": "bad_identifier",
    "study.title": "missing_key",
    "study.titel": "unknown_key",
    "study.territory": "code_not_text",
    "study.pillar": "wrong_choice",
    "study.period": "period_reversed",
    "data.file": "path_outside_study",
    "method.name": "unknown_method",
    "report.formats[1]": "wrong_choice",
    "privacy.threshold": "out_of_bounds",
    "outcomes[1].colum": "unknown_key",
    "outcomes[1].unit": "wrong_choice",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "d.csv").write_text("id,t,g,y\n1,1,1,1\n", encoding="utf-8")
    return tmp_path


def write(folder: Path, content: dict[str, Any] | str) -> Path:
    text = content if isinstance(content, str) else tomli_w.dumps(content)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    """Return the sound study with one key changed."""
    study: dict[str, Any] = json.loads(json.dumps(STUDY))
    part: Any = study
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = to
    return study


def faults(folder: Path, content: dict[str, Any] | str) -> dict[str | None, str]:
    """Return key path → code of a refusal."""
    with pytest.raises(ImpactEvalError) as refused:
        Study.read(write(folder, content))
    return {f.place.key if f.place else None: f.code for f in refused.value.findings}


def test_a_sound_study_is_read(folder: Path) -> None:
    study = Study.read(write(folder, STUDY))
    assert study.declaration.study.territory == "01"
    assert study.declaration.outcomes[0].id == "emploi"
    assert study.folder == folder.resolve()
    assert Study.read(folder / "study.toml").digest == study.digest


def test_comments_and_order_do_not_change_the_hash(folder: Path) -> None:
    one = Study.read(write(folder, STUDY)).digest
    turned = dict(reversed(STUDY.items()))
    other = Study.read(write(folder, "# a comment\n" + tomli_w.dumps(turned))).digest
    assert one == other
    moved = Study.read(write(folder, changed("study", "period", to=["2023-01", "2024-12"])))
    assert moved.digest != one


def test_ten_faults_are_all_named_with_their_key_paths(folder: Path) -> None:
    assert faults(folder, TEN_FAULTS) == TEN_PLACES


@pytest.mark.parametrize("language", ["fr", "en"])
def test_ten_faults_in_words(folder: Path, language: str) -> None:
    with pytest.raises(ImpactEvalError) as refused:
        Study.read(write(folder, TEN_FAULTS))
    said = render_error(refused.value, language)
    for key in TEN_PLACES:
        assert key in said
    assert "callaway_santanna" in said
    assert "emploi" in said
    assert "Traceback" not in said
    assert str(folder) not in said


@pytest.mark.parametrize("language", ["fr", "en"])
def test_check_tells_them_at_the_command(folder: Path, language: str) -> None:
    write(folder, TEN_FAULTS)
    done = subprocess.run(
        [sys.executable, "-m", "impact_eval.cli", "check", str(folder)],
        env={**os.environ, "IMPACT_EVAL_LANGUAGE": language},
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for key in TEN_PLACES:
        assert key in done.stderr
    assert ("Pour corriger" if language == "fr" else "To mend") in done.stderr


def test_check_tells_machines_the_same(folder: Path) -> None:
    write(folder, TEN_FAULTS)
    command = [sys.executable, "-m", "impact_eval.cli", "check", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = {f["place"]["key"]: f["code"] for f in json.loads(done.stdout)}
    assert done.returncode == 1
    assert told == TEN_PLACES


UNKNOWN: list[tuple[tuple[str | int, ...], str, str]] = [
    (("studdy",), "studdy", "study"),
    (("study", "pilar"), "study.pilar", "pillar"),
    (("data", "roles", "cohorte"), "data.roles.cohorte", "cohort"),
    (("outcomes", 0, "colonn"), "outcomes[1].colonn", "column"),
    (("method", "option"), "method.option", "options"),
]


@pytest.mark.parametrize(("path", "key", "near"), UNKNOWN, ids=[key for _, key, _ in UNKNOWN])
def test_an_unknown_key_is_told_its_neighbour(
    folder: Path, path: tuple[str | int, ...], key: str, near: str
) -> None:
    with pytest.raises(ImpactEvalError) as refused:
        Study.read(write(folder, changed(*path, to="x")))
    (fault,) = [f for f in refused.value.findings if f.code == "unknown_key"]
    assert fault.place is not None
    assert fault.place.key == key
    assert fault.values["nearest"] == near
    for language in ("fr", "en"):
        assert near in render_error(refused.value, language)


@pytest.mark.parametrize("code", ["01", "2A", "69D", "971", "00"])
def test_codes_stay_text(folder: Path, code: str) -> None:
    study = Study.read(write(folder, changed("study", "territory", to=code)))
    assert study.declaration.study.territory == code


@pytest.mark.parametrize("code", [1, 75, 2.0])
def test_a_code_written_as_a_number_is_refused(folder: Path, code: float) -> None:
    found = faults(folder, changed("study", "territory", to=code))
    assert found == {"study.territory": "code_not_text"}


PERIODS: list[tuple[list[Any], tuple[str, str]]] = [
    (["2024", "2025"], ("2024", "2025")),
    ([2024, 2024], ("2024", "2024")),
    (["2024-06", "2024"], ("2024-06", "2024")),  # until the end of the year
    (["1/2024", "12/2024"], ("2024-01", "2024-12")),
    (["03/01/2024", "29/02/2024"], ("2024-01-03", "2024-02-29")),
    ([dt.date(2024, 1, 3), "2024-12-31"], ("2024-01-03", "2024-12-31")),
]


@pytest.mark.parametrize(("written", "read"), PERIODS, ids=[str(w) for w, _ in PERIODS])
def test_a_period_is_read_as_dates(folder: Path, written: list[Any], read: tuple[str, str]) -> None:
    study = Study.read(write(folder, changed("study", "period", to=written)))
    assert study.declaration.study.period == read


OUTSIDE = ["../d.csv", "a/../../d.csv", "/etc/hostname", "../../../../../../etc/hostname"]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("key", ["data.file", "value.map"])
def test_a_path_outside_the_folder_is_refused(folder: Path, path: str, key: str) -> None:
    content = changed("data", "file", to=path)
    if key == "value.map":
        content = changed("value", to={"map": path})
    assert faults(folder, content) == {key: "path_outside_study"}


def test_a_link_that_leads_outside_is_refused(folder: Path, tmp_path_factory: Any) -> None:
    target = tmp_path_factory.mktemp("elsewhere") / "d.csv"
    target.write_text("id,t,g,y\n", encoding="utf-8")
    try:
        (folder / "link.csv").symlink_to(target)
    except OSError:
        pytest.skip("this system does not let links be made")
    content = changed("data", "file", to="link.csv")
    assert faults(folder, content) == {"data.file": "path_outside_study"}


@pytest.mark.parametrize("name", ["", ".", "no.csv", "x" * 5000])
def test_a_name_that_is_no_file(folder: Path, name: str) -> None:
    assert faults(folder, changed("data", "file", to=name)) == {"data.file": "file_not_found"}


def test_a_name_that_holds_a_command_is_refused(folder: Path) -> None:
    found = faults(folder, changed("data", "file", to="a\0b.csv"))
    assert found == {"data.file": "hidden_in_file"}


ONE_FAULT: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("no primary", changed("outcomes", 0, "primary", to=False), {"outcomes": "one_primary"}),
    ("same id twice", changed("outcomes", to=[STUDY["outcomes"][0],
        {**STUDY["outcomes"][0], "primary": False}]), {"outcomes[2].id": "duplicated_id"}),
    ("no outcome", changed("outcomes", to=[]), {"outcomes": "out_of_bounds"}),
    ("no such column", changed("outcomes", 0, "column", to="yy"),
        {"outcomes[1].column": "missing_column"}),
    ("no such role column", changed("data", "roles", "cluster", to="bassin"),
        {"data.roles.cluster": "missing_column"}),
    ("reversed period", changed("study", "period", to=["2024-12", "2024-01"]),
        {"study.period": "period_reversed"}),
    ("a period that is none", changed("study", "period", to=["01/2024", "bientôt"]),
        {"study.period[2]": "not_a_date"}),
    ("a month that is none", changed("study", "period", to=["2024-13", "2024-02-30"]),
        {"study.period[1]": "not_a_date", "study.period[2]": "not_a_date"}),
    ("a reversed period in French", changed("study", "period", to=["03/2024", "15/02/2024"]),
        {"study.period": "period_reversed"}),
    ("a day of freezing that is none", changed("protocol", to={"frozen_on": "avant"}),
        {"protocol.frozen_on": "not_a_date"}),
    ("unknown option", changed("method", "options", to={"metod": "dr"}),
        {"method.options.metod": "unknown_option_name"}),
    ("option off its list", changed("method", "options", to={"method": "drr"}),
        {"method.options.method": "unknown_option"}),
    ("option of another kind", changed("method", "options", to={"anticipation": "two"}),
        {"method.options.anticipation": "option_not_number"}),
    ("both column and instrument", changed("outcomes", 0, "instrument", to="e"),
        {"outcomes[1]": "column_or_instrument", "outcomes[1].instrument": "unknown_instrument_id"}),
    ("unknown scale", changed("instruments", to=[{"id": "e", "scale": "rses-fre",
        "data": {"file": "d.csv"}}]), {"instruments[1].scale": "unknown_instrument"}),
    ("infinite smallest effect", changed("outcomes", 0, "smallest_effect", to=float("inf")),
        {"outcomes[1].smallest_effect": "wrong_type"}),
    ("empty title", changed("study", "title", to=""), {"study.title": "out_of_bounds"}),
    ("blank title", changed("study", "title", to="  "), {"study.title": "blank_text"}),
    ("blank French", changed("study", "title", to={"fr": " ", "en": "x"}),
        {"study.title.fr": "blank_text"}),
    ("a language that is none", changed("study", "title", to={"fr": "a", "de": "x"}),
        {"study.title.de": "unknown_key"}),
    ("a reason that is none", changed("privacy", to={"threshold": 2, "reason": " "}),
        {"privacy.reason": "blank_text"}),
    ("three ends of a period", changed("study", "period", to=["2024", "2024", "2025"]),
        {"study.period": "too_many_values"}),
    ("no language", changed("report", to={"languages": []}), {"report.languages": "out_of_bounds"}),
    ("a language that nobody registered", changed("report", to={"languages": ["fr", "xx"]}),
        {"report.languages[2]": "wrong_choice"}),
    ("a language that is no text", changed("report", to={"languages": [1]}),
        {"report.languages[1]": "wrong_choice"}),
    ("no format", changed("report", to={"formats": []}), {"report.formats": "out_of_bounds"}),
    ("a seed written as a text", changed("study", "seed", to="1"), {"study.seed": "wrong_type"}),
    ("a yes written as a number", changed("study", "emblematic", to=1),
        {"study.emblematic": "wrong_type"}),
    ("a yes written as a text", changed("protocol", to={"randomised": "true"}),
        {"protocol.randomised": "wrong_type"}),
    ("a size written as a text", changed("outcomes", 0, "smallest_effect", to="0.1"),
        {"outcomes[1].smallest_effect": "wrong_type"}),
    ("an outcome explained by itself", changed("data", "roles", "covariates", to=["y"]),
        {"outcomes[1].column": "outcome_is_a_role"}),
    ("rows that are two things", changed("privacy", to={"rows_are": "people"})
        | {"data": {**STUDY["data"], "rows_are": "territories"}},
        {"data.rows_are": "said_twice"}),
    ("two smallest effects", changed("protocol", to={"smallest_effect": 0.1})
        | {"outcomes": [{**STUDY["outcomes"][0], "smallest_effect": 0.2}]},
        {"outcomes[1].smallest_effect": "said_twice"}),
    ("half of a title", changed("study", "title", to={"fr": "a", "en": 3}),
        {"study.title.en": "wrong_type"}),
    ("other schema", changed("schema", to="impact-eval/study/9"), {"schema": "wrong_choice"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "expected"), ONE_FAULT, ids=[o[0] for o in ONE_FAULT])
def test_one_fault_is_told_once_at_its_place(
    folder: Path, name: str, content: dict[str, Any], expected: dict[str, str]
) -> None:
    assert faults(folder, content) == expected


def test_an_unknown_language_is_told_with_those_that_are_known(folder: Path) -> None:
    with pytest.raises(ImpactEvalError) as refused:
        Study.read(write(folder, changed("report", to={"languages": ["fr", "frr"]})))
    (fault,) = refused.value.findings
    assert fault.values["nearest"] == "fr"
    assert tuple(fault.values["known"]) == language_codes()
    told = render_error(refused.value, "fr")
    assert "« frr »" in told.replace("\u202f", " ")
    assert "fr et en" in told


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda f: None, "study_not_found"),
        (lambda f: f.write_text("= =", encoding="utf-8"), "study_not_toml"),
        (lambda f: f.write_bytes("titre = 'é'".encode("latin-1")), "study_not_utf8"),
        (
            lambda f: f.write_text("a = '" + "x" * 1_100_000 + "'", encoding="utf-8"),
            "study_too_large",
        ),
    ],
    ids=["none", "not toml", "not utf-8", "too large"],
)
def test_what_is_no_study_file(tmp_path: Path, make: Callable[[Path], Any], code: str) -> None:
    make(tmp_path / "study.toml")
    with pytest.raises(ImpactEvalError) as refused:
        Study.read(tmp_path)
    assert refused.value.codes == (code,)
    for language in ("fr", "en"):
        assert not Texts(language).finding(refused.value.findings[0]).text.startswith("[")


LEAVES = st.one_of(
    st.none().map(lambda _: ""), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(),
    st.text(max_size=8), st.lists(st.one_of(st.integers(0, 9), st.text(max_size=3)), max_size=3),
    st.dictionaries(st.sampled_from(["fr", "en", "name", "file"]), st.text(max_size=4), max_size=2),
)  # fmt: skip
PLACES: list[tuple[str | int, ...]] = [
    ("schema",), ("study",), ("study", "id"), ("study", "title"), ("study", "territory"),
    ("study", "period"), ("study", "pillar"), ("data",), ("data", "file"), ("data", "roles"),
    ("data", "roles", "unit"), ("method",), ("method", "name"), ("method", "options"),
    ("outcomes",), ("outcomes", 0), ("outcomes", 0, "column"), ("outcomes", 0, "unit"),
    ("instruments",), ("value",), ("privacy",), ("report",),
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(PLACES), LEAVES, min_size=1, max_size=3))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_study_file_ends_in_a_stack_trace(
    folder: Path, changes: dict[tuple[str | int, ...], Any]
) -> None:
    study: dict[str, Any] = json.loads(json.dumps(STUDY))
    for path, value in sorted(changes.items(), key=lambda c: -len(c[0])):
        part: Any = study
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = value
    text = tomli_w.dumps(study)
    for code in read_or_codes(folder, text):
        assert f"finding.{code}" in Texts("fr")


def read_or_codes(folder: Path, text: str) -> tuple[str, ...]:
    """Read a study and return the codes of its refusal; anything else escapes."""
    try:
        Study.read(write(folder, text))
    except ImpactEvalError as error:
        render_error(error, "fr")
        return error.codes
    return ()
