"""`check` reads the value map as the run does, and tells all that needs no estimate."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from openpyxl import load_workbook
from typer.testing import CliRunner
from value_study import value_study

import impact_eval as ie
from impact_eval.cli import app
from impact_eval.core.findings import Finding, ImpactEvalError, Severity
from impact_eval.pipeline.opening import Opened, open_study
from impact_eval.report.texts import render_error
from impact_eval.results.account_records import AccountSection
from impact_eval.value import ValueMap

SOURCED = {"proxy_source": "Enquête 2024, p. 12", "displacement": "20 %", "drop_off": "10 %"}
VOLUNTEERS: dict[str, Any] = {
    "id": "temps", "stakeholder": "Bénévoles", "payer": "volunteers", "kind": "volunteer_time",
    "hours": 100, "hourly_rate": 12, "currency": "EUR", "price_year": 2025,
}  # fmt: skip


def study(
    folder: Path, *, name: str = "carte.toml", method: str = "", **changes: Any
) -> tuple[Path, dict[str, Any]]:
    """Write the small study with a map of its own: cells of its line, settings (`map__`), tables.

    A map without change is sound: no guard has a word to say of it.
    """
    home = value_study(folder / "etude")
    raw = tomllib.loads((home / "carte.toml").read_text("utf-8"))
    raw["lines"][0] |= SOURCED
    for key, cell in changes.items():
        if isinstance(cell, list):
            raw[key] = [*raw.get(key, ()), *cell]
            continue
        row = raw["map"] if key.startswith("map__") else raw["lines"][0]
        row[key.removeprefix("map__")] = cell
        if cell is None:
            del row[key.removeprefix("map__")]
    (home / "carte.toml").write_text(tomli_w.dumps(raw), encoding="utf-8")
    if name.endswith("xlsx"):
        ValueMap.read(home / "carte.toml").write(home / name)
        (home / "carte.toml").unlink()
    text = (home / "study.toml").read_text("utf-8").replace("carte.toml", name)
    text = text.replace("difference_in_means", method or "difference_in_means")
    (home / "study.toml").write_text(text, encoding="utf-8")
    return home, raw


def opened(folder: Path) -> Opened:
    declared, faults = ie.Study.examine(folder)
    assert declared is not None
    return open_study(declared, faults)


def refused_by_run(folder: Path) -> tuple[Finding, ...]:
    with pytest.raises(ImpactEvalError) as caught:
        ie.evaluate(ie.Study.read(folder))
    return caught.value.findings


def checked(folder: Path, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["check", str(folder), *options])
    return done.exit_code, done.output


def listed(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def typed(folder: Path, sheet: str, cell: str, value: Any) -> None:
    book = load_workbook(folder / "carte.xlsx")
    book[sheet][cell] = value
    book.save(folder / "carte.xlsx")


def address(folder: Path, sheet: str, heading: str, row: int) -> str:
    cells = load_workbook(folder / "carte.xlsx")[sheet][1]
    found: str = next(cell.column_letter for cell in cells if cell.value == heading)
    return f"{found}{row}"


def test_a_cell_that_cannot_be_read_is_told_with_its_sheet_and_its_cell(tmp_path: Path) -> None:
    folder, _ = study(tmp_path, name="carte.xlsx")
    price = address(folder, "Carte des effets", "Approximation financière", 2)
    start = address(folder, "Carte des effets", "Début (année)", 2)
    typed(folder, "Carte des effets", price, "mille euros")
    typed(folder, "Carte des effets", start, 2024)
    before = listed(folder)
    code, said = checked(folder)
    assert (code, listed(folder)) == (1, before)
    assert "Carte des effets" in said
    faults = opened(folder).faults
    places = {(f.code, f.place.sheet, f.place.cell) for f in faults if f.place}
    assert places == {
        ("not_a_number", "Carte des effets", price),
        ("calendar_year_for_rank", "Carte des effets", start),
    }
    for language, words in (("fr", "feuille"), ("en", "sheet")):
        told = render_error(ImpactEvalError(faults), language)
        assert told.count("Carte des effets") == told.count(words) == 2
        assert price in told
        assert start in told
    assert faults == refused_by_run(folder)


def test_a_heading_that_was_renamed_is_told(tmp_path: Path) -> None:
    folder, _ = study(tmp_path, name="carte.xlsx")
    heading = address(folder, "Carte des effets", "Durée (années)", 1)
    typed(folder, "Carte des effets", heading, "Combien de lunes")
    cell = heading.replace("1", "2")
    faults = opened(folder).faults
    assert {f.code for f in faults} == {"unknown_column", "missing_duration"}
    (unknown,) = (f for f in faults if f.code == "unknown_column")
    assert unknown.place is not None
    where = (unknown.place.sheet, unknown.place.cell, unknown.place.column)
    assert where == ("Carte des effets", cell, "Combien de lunes")
    assert faults == refused_by_run(folder)


@pytest.mark.parametrize("name", ["carte.toml", "carte.xlsx"])
def test_a_sound_map_adds_nothing(tmp_path: Path, name: str) -> None:
    folder, _ = study(tmp_path, name=name)
    before, with_map = listed(folder), opened(folder)
    code, said = checked(folder)
    text = (folder / "study.toml").read_text("utf-8")
    (folder / "study.toml").write_text(text.replace(f'[value]\nmap = "{name}"\n', ""), "utf-8")
    assert checked(folder) == (code, said)
    assert code == 0
    assert (opened(folder).noticed, opened(folder).faults) == (with_map.noticed, with_map.faults)
    assert set(listed(folder)) == set(before)


def test_a_missing_map_is_told_once(tmp_path: Path) -> None:
    folder, _ = study(tmp_path)
    (folder / "carte.toml").unlink()
    assert [f.code for f in opened(folder).faults] == ["file_not_found"]
    code, said = checked(folder)
    assert code == 1
    assert "value_map_not_found" not in said


def test_a_file_that_is_no_workbook_is_told(tmp_path: Path) -> None:
    folder, _ = study(tmp_path, name="carte.xlsx")
    (folder / "carte.xlsx").write_bytes(b"nothing of a workbook")
    assert opened(folder).faults == refused_by_run(folder)
    assert checked(folder)[0] == 1


@pytest.mark.parametrize(("changes", "codes"), [
    ({"duration": 240}, {"duration_too_long"}),
    ({"drop_off": 1}, {"share_of_one"}),
    ({"price_year": None}, {"missing_price_year"}),
    ({"map__discount_rate": "4.5 %", "map__discount_schedule": "green_book"},
     {"rate_against_schedule"}),
    ({"map__currency": "GBP", "currency": "GBP", "unit": "parts"},
     {"currency_mix", "unknown_choice"}),
    ({"lines": [{"id": "ligne"}, "rien"]},
     {"duplicate_id", "missing_cell", "table_not_rows", "no_proxy", "missing_price_year",
      "missing_currency", "no_quantity", "missing_duration", "missing_kind"}),
])  # fmt: skip
def test_check_and_run_tell_the_same_of_what_is_read(
    tmp_path: Path, changes: dict[str, Any], codes: set[str]
) -> None:
    folder, _ = study(tmp_path, **changes)
    faults = opened(folder).faults
    assert {f.code for f in faults} == codes
    assert faults == refused_by_run(folder)
    code, said = checked(folder, "--json")
    assert code == 1
    assert json.loads(said) == [f.to_dict() for f in faults]


@pytest.mark.parametrize(("changes", "code", "cell"), [
    ({"estimate": "empli"}, "unknown_estimate", "estimate"),
    ({"take_up": "venus"}, "unknown_estimate", "take_up"),
    ({"unit": "euros"}, "unit_mismatch", "unit"),
    ({"people": None}, "no_people", "people"),
    ({"deadweight": "20 %"}, "deadweight_on_net_effect", "deadweight"),
    ({"index": "rien", "price_year": 2024}, "unknown_index", None),
    ({"price_year": 1950, "expires": "2030-01-01"}, "price_year_unknown", None),
])  # fmt: skip
def test_what_the_study_file_already_contradicts_is_told_at_check(
    tmp_path: Path, changes: dict[str, Any], code: str, cell: str | None
) -> None:
    folder, _ = study(tmp_path, **changes)
    (fault,) = opened(folder).faults
    assert fault.code == code
    assert fault.place is not None
    assert fault.place.file == "carte.toml"
    assert fault.place.key == ("lines[1]" if cell is None else f"lines[1].{cell}")
    assert [f.code for f in refused_by_run(folder)] == [code]
    assert checked(folder)[0] == 1


def test_a_fault_against_the_study_says_the_cell_of_the_workbook(tmp_path: Path) -> None:
    folder, _ = study(tmp_path, name="carte.xlsx", estimate="empli")
    (fault,) = opened(folder).faults
    where = address(folder, "Carte des effets", "Effet estimé", 2)
    assert fault.place is not None
    assert (fault.place.sheet, fault.place.cell) == ("Carte des effets", where)
    assert fault.values["nearest"] == "emploi"


def test_a_map_in_pounds_and_an_override_of_no_guard_are_told_together(tmp_path: Path) -> None:
    aside = [{"guard": "G99", "reason": "nous le savons"}]
    folder, raw = study(tmp_path, map__currency="GBP", currency="GBP", overrides=aside)
    raw["inputs"][0]["currency"] = "GBP"
    (folder / "carte.toml").write_text(tomli_w.dumps(raw), encoding="utf-8")
    codes = [f.code for f in opened(folder).faults]
    assert codes == ["report_in_euros", "override_unknown"]
    assert refused_by_run(folder)[0].code == "report_in_euros"


@pytest.mark.parametrize(("method", "changes", "asked"), [
    ("before_after", {"deadweight": "20 %"}, False),
    ("before_after", {}, True),
    ("difference_in_means", {}, False),
])  # fmt: skip
def test_only_an_effect_without_comparison_is_asked_for_its_deadweight(
    tmp_path: Path, method: str, changes: dict[str, Any], asked: bool
) -> None:
    folder, _ = study(tmp_path, method=method, **changes)
    found = opened(folder)
    codes = {f.code for f in (*found.noticed, *found.faults)}
    assert "deadweight_on_net_effect" not in codes
    assert ("guard_gross_without_deadweight" in codes) is asked


GUARDS: dict[str, dict[str, Any]] = {
    "duration_perhaps_months": {"duration": 24},
    "guard_price_without_source": {"proxy_source": None},
    "guard_price_old": {"price_year": 2015},
    "guard_no_displacement": {"displacement": None},
    "guard_transfer_as_resource": {
        "proxy_source": "RSA versé, 2024", "kind": "avoided_cost", "payer": "departement",
        "receiver": None},
    "guard_volunteers_twice": {"inputs": [
        VOLUNTEERS, {**VOLUNTEERS, "id": "temps-2", "kind": "in_kind"}]},
    "guard_line_twice": {"lines": [{
        "id": "autre", "stakeholder": "Bénéficiaires", "outcome": "emploi", "kind": "non_market",
        "receiver": "beneficiary", "currency": "EUR", "price_year": 2025, "proxy": 1000,
        "duration": 1, "unit": "share", "estimate": "emploi", "people": 200, **SOURCED}]},
    "guard_more_people_than_eligible": {"map__eligible": 150},
    "follow_up_missing": {"map__follow_up": None},
    "guard_never_fades": {"duration": 4, "drop_off": None},
    "guard_left_out_for_its_result": {"dropped": [
        {"outcome": "Santé", "reason": "effet négatif"}]},
    "direction_against_study": {"direction": "lower_is_better"},
}  # fmt: skip


@pytest.mark.parametrize("code", GUARDS)
def test_a_guard_that_needs_no_effect_speaks_at_check(tmp_path: Path, code: str) -> None:
    folder, _ = study(tmp_path, **GUARDS[code])
    found = opened(folder)
    assert found.faults == ()
    told = {f.code: f for f in found.noticed}
    assert code in told
    place = told[code].place
    assert place is not None
    assert place.file == "carte.toml"
    exit_code, said = checked(folder)
    assert exit_code == 0
    assert f"[{code}]" in said
    by_run = ie.evaluate(ie.Study.read(folder)).value
    assert isinstance(by_run, AccountSection)
    of_map = {f.code for f in found.noticed if f.place and f.place.file == "carte.toml"}
    assert of_map <= {f.code for f in by_run.findings}  # check says nothing that the run denies


def test_a_guard_set_aside_is_silent(tmp_path: Path) -> None:
    aside = [{"guard": "G14", "reason": "Lu chez nous", "author": "A. Martin"}]
    folder, _ = study(tmp_path, proxy_source=None, overrides=aside)
    assert [f.code for f in opened(folder).noticed if f.code.startswith("guard")] == []


def test_faults_of_the_map_are_told_with_those_of_the_study_and_of_its_tables(
    tmp_path: Path,
) -> None:
    folder, _ = study(tmp_path, duration=240)
    text = (folder / "study.toml").read_text("utf-8")
    wrong = text.replace('treatment = "aide"', 'treatment = "aidee"')
    wrong = wrong.replace('column = "emploi"', 'column = "emplois"')
    (folder / "study.toml").write_text(wrong, encoding="utf-8")
    told = {f.code for f in opened(folder).faults}
    assert "duration_too_long" in told
    assert len(told) > 1
    (folder / "donnees.csv").unlink()
    code, said = checked(folder)
    assert code == 1
    assert "[file_not_found]" in said
    assert "[duration_too_long]" in said


def test_two_rows_that_lack_the_same_cell_are_both_told(tmp_path: Path) -> None:
    folder, raw = study(tmp_path)
    line = raw["lines"][0]
    raw["lines"] = [{**line, "id": name, "stakeholder": ""} for name in ("a", "b")]
    (folder / "carte.toml").write_text(tomli_w.dumps(raw), encoding="utf-8")
    faults = opened(folder).faults
    assert [(f.code, f.place and f.place.row) for f in faults] == [
        ("missing_cell", 1), ("missing_cell", 2)]  # fmt: skip


def test_the_published_study_says_no_more_than_its_run(tmp_path: Path) -> None:
    root = Path(__file__).parents[3] / "datasets/mobilite_bassins"
    folder = Path(shutil.copytree(root, tmp_path / "etude"))
    found = opened(folder)
    assert found.faults == ()
    weights = {f.severity for f in found.noticed if f.place and f.place.file == "carte.toml"}
    assert weights <= {Severity.WARNING}
