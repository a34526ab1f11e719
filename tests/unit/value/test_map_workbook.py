"""Whatever an association types in a workbook is read right, or refused with its sheet and cell."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from impact_eval.core.findings import ImpactEvalError
from impact_eval.value.account.doors import Account, ValueMap
from impact_eval.value.map.choices import PUBLIC_AGENTS, Agent, LineKind
from impact_eval.value.map.columns import choice
from impact_eval.value.map.map_headings import read_heading, table_of_sheet
from impact_eval.value.map.typed_numbers import CellFault, SheetText, read_number, read_years

LINE = {"id": "line", "stakeholder": "Bénéficiaires", "outcome": "emploi", "unit": "count",
            "kind": "non_market", "receiver": "beneficiary", "currency": "EUR", "price_year": 2025,
            "quantity": 10, "proxy": 1000, "duration": 1, "deadweight": "20 %"}  # fmt: skip
COST = {"id": "subvention", "stakeholder": "Département", "payer": "departement", "amount": 10000,
            "currency": "EUR", "price_year": 2025}  # fmt: skip
SETTINGS = {"currency": "EUR", "price_year": 2025, "discount_rate": "0.035"}


def content(line: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"map": SETTINGS, "inputs": [COST], "lines": [{**LINE, **(line or {})}], **more}


@pytest.fixture
def book(tmp_path: Path) -> tuple[Path, Any]:
    path = tmp_path / "carte.xlsx"
    ValueMap.from_dict(content()).write(path)
    return path, load_workbook(path)


def column(sheet: Any, heading: str, row: int = 1) -> int:
    return next(cell.column for cell in sheet[row] if cell.value == heading)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("1 200,50 €", "1200.50"),
        ("1\u202f200", "1200"),
        ("1,200.50", "1200.50"),
        ("1.200,50", "1200.50"),
        ("1,200,000", "1200000"),
        ("1,2 k€", "1200"),
        ("3 M€", "3000000"),
        ("12 000 euros", "12000"),
        ("~ 5", "5"),
        ("environ 40 personnes", "40"),
        ("0,125", "0.125"),
        ("1.234", "1.234"),
        ("−3", "-3"),
    ],
)
def test_a_number_is_read_as_people_write_it(typed: str, read: str) -> None:
    assert read_number(typed) == Decimal(read)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("1,200", "two_readings"),
        ("1.200", "two_readings"),
        (SheetText("1.234"), "two_readings"),
        ("1e30", "number_too_large"),
        (36252187900034, "number_too_large"),
        ("1e999999999", "not_a_number"),
        ("NaN", "not_a_number"),
        (float("inf"), "not_a_number"),
        ("#DIV/0!", "formula_error"),
        ("£94", "not_a_number"),
        (True, "not_a_number"),
    ],
)
def test_a_number_that_is_none_is_refused(typed: Any, code: str) -> None:
    with pytest.raises(CellFault) as caught:
        read_number(typed)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("typed", "read"),
    [("24 mois", "2"), ("18 mois", "1.5"), ("6 months", "0.5"), ("un an et demi", "1.5"),
     ("0,5", "0.5"), ("3 ans", "3"), ("2 trimestres", "0.5"), (5, "5")],
)  # fmt: skip
def test_a_length_of_time_carries_its_unit(typed: Any, read: str) -> None:
    assert read_years(typed) == Decimal(read)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"deadweight": 1}, "share_of_one"),
        ({"drop_off": "1"}, "share_of_one"),
        ({"start": 2024}, "calendar_year_for_rank"),
        ({"quantity": "1,200"}, "two_readings"),
        ({"proxy": "1e30"}, "number_too_large"),
        ({"duration": 240}, "duration_too_long"),
    ],
)
def test_a_wrong_unit_is_refused(line: dict[str, Any], code: str) -> None:
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(content(line))
    assert caught.value.codes == (code,)


def test_a_share_of_one_is_written_with_its_sign() -> None:
    made = ValueMap.from_dict(content({"deadweight": "100 %"}))
    assert ValueMap.from_dict(made.to_dict()).lines[0].adjustments.deadweight.value == 1


def test_months_typed_as_years_are_questioned() -> None:
    asked = ValueMap.from_dict(content({"duration": 24}, map={**SETTINGS, "follow_up": 1}))
    assert [f.code for f in asked.noticed] == ["duration_perhaps_months"]
    said = ValueMap.from_dict(content({"duration": "24 ans"}))
    assert said.noticed == ()


def test_amounts_too_large_together_are_refused_in_words() -> None:
    huge = {"proxy": 9 * 10**12, "quantity": 9 * 10**12, "per_year": 9 * 10**12}
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(content(huge)).account({})
    assert caught.value.codes == ("amount_too_large",)


@pytest.mark.parametrize(
    ("said", "agent"),
    [
        ("Conseil général", Agent.DEPARTEMENT),
        ("Conseil départemental du 62", Agent.DEPARTEMENT),
        ("le Département", Agent.DEPARTEMENT),
        ("CD", Agent.DEPARTEMENT),
        ("CD 62", Agent.DEPARTEMENT),
        ("Métropole de Lille", Agent.METROPOLE),
        ("Communauté de communes", Agent.EPCI),
        ("EPCI", Agent.EPCI),
        ("ARS", Agent.ARS),
        ("l’hôpital", Agent.HOSPITAL),
        ("CNAV", Agent.CARSAT),
        ("Rectorat", Agent.EDUCATION_NATIONALE),
        ("OPCO", Agent.OPCO),
        ("Mission locale", Agent.MISSION_LOCALE),
        ("AGEFIPH", Agent.AGEFIPH),
        ("Bailleur social", Agent.BAILLEUR_SOCIAL),
        ("L'État", Agent.STATE),
    ],
)
def test_payers_of_departements_are_known(said: str, agent: Agent) -> None:
    assert choice(Agent)(said) is agent


def test_a_landlord_is_no_public_body_and_a_metropole_is() -> None:
    assert Agent.METROPOLE in PUBLIC_AGENTS
    assert Agent.BAILLEUR_SOCIAL not in PUBLIC_AGENTS


def test_a_correlation_names_a_number_that_exists() -> None:
    rows = [{"first": "line.proxi", "second": "line.quantity", "rho": "0.5"}]
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(content(correlations=rows))
    assert caught.value.findings[0].values["nearest"] == "proxy"


def test_a_fault_says_sheet_cell_and_heading(book: tuple[Path, Any]) -> None:
    path, opened = book
    sheet = opened["Carte des effets"]
    sheet.insert_rows(1, 2)
    sheet["B1"] = "Carte de notre association"
    at = column(sheet, "Poids mort", 3)
    sheet.cell(4, at).value = 30
    opened.save(path)
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.read(path)
    place = caught.value.findings[0].place
    assert place is not None
    assert (place.sheet, place.row, place.column) == ("Carte des effets", 4, "Poids mort")
    assert place.cell == sheet.cell(4, at).coordinate


def test_a_fault_found_later_says_the_row_of_the_sheet(book: tuple[Path, Any]) -> None:
    path, opened = book
    sheet = opened["Carte des effets"]
    sheet.insert_rows(2, 3)
    sheet.cell(5, column(sheet, "Année des prix")).value = 1901
    opened.save(path)
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.read(path).account({})
    place = caught.value.findings[0].place
    assert place is not None
    assert (place.sheet, place.row) == ("Carte des effets", 5)


def test_totals_upper_case_and_other_order_are_read(book: tuple[Path, Any]) -> None:
    path, opened = book
    sheet = opened["Ressources"]
    sheet.append(["TOTAL", None, None, None, None, None, 10000])
    for cell in sheet[1]:
        cell.value = str(cell.value).upper().replace("É", "E")
    sheet.title = "Dépenses 2025"
    opened.save(path)
    made = ValueMap.read(path)
    assert [str(item.amount) for item in made.inputs] == ["10000"]
    assert [f.code for f in made.noticed] == ["map_rows_not_lines"]


def test_a_heading_in_per_cent_reads_plain_numbers_so(book: tuple[Path, Any]) -> None:
    path, opened = book
    sheet = opened["Carte des effets"]
    at = column(sheet, "Poids mort")
    sheet.cell(1, at).value, sheet.cell(2, at).value = "Poids mort (%)", 30
    opened.save(path)
    made = ValueMap.read(path)
    assert made.lines[0].adjustments.deadweight.value == Decimal("0.3")
    assert [f.code for f in made.noticed] == ["map_columns_in_per_cent"]
    sheet.cell(2, at).value = 0.3
    opened.save(path)
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.read(path)
    assert caught.value.codes == ("per_cent_or_share",)
    sheet.cell(2, at).number_format = "0 %"
    opened.save(path)
    assert ValueMap.read(path).lines[0].adjustments.deadweight.value == Decimal("0.3")


def test_a_formula_without_its_result_is_refused(book: tuple[Path, Any]) -> None:
    path, opened = book
    sheet = opened["Ressources"]
    sheet.cell(2, column(sheet, "Montant")).value = "=2*5000"
    opened.save(path)
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.read(path)
    assert "formula_without_value" in caught.value.codes


def test_a_sheet_that_is_not_read_is_named(book: tuple[Path, Any]) -> None:
    path, opened = book
    opened.create_sheet("Calculs").append(["brouillon", 12])
    opened.save(path)
    found = ValueMap.read(path).noticed
    assert [(f.code, f.values["name"]) for f in found] == [("sheet_not_read", "Calculs")]


SIMPLE = [
    ["Notre carte"],
    [],
    ["Qui", "Ce qui change", "Nature", "Combien", "Prix (€)", "Source", "Durée", "Poids mort (%)",
     "Déplacement (%)", "Attribution (%)", "Réduction (%)", "Qui paie"],
    ["Bénéficiaires", "moins isolés", "bien-être", 20, 500, "barème", "18 mois", 30, 0, 10, 20, ""],
    ["Département", "moins de RSA", "coût évité", 5, 7000, "CD 62", 1, 20, 10, 0, 0,
     "Conseil départemental"],
    ["Département", "subvention", "coût", "", 10000, "", "", "", "", "", "", "Département"],
    ["Total", "", "", "", 17500],
]  # fmt: skip


def test_a_map_on_one_sheet_is_read_with_its_defaults_told(tmp_path: Path) -> None:
    path = tmp_path / "carte.xlsx"
    opened = Workbook()
    for row in SIMPLE:
        opened.worksheets[0].append([cell if cell != "" else None for cell in row])
    opened.save(path)
    made = ValueMap.read(path)
    assert [line.price.kind for line in made.lines] == [LineKind.NON_MARKET, LineKind.AVOIDED_COST]
    assert [str(item.amount) for item in made.inputs] == ["10000"]
    assert made.lines[0].timing.duration == Decimal("1.5")
    assert made.lines[1].price.payer is Agent.DEPARTEMENT
    assert "map_defaults" in [f.code for f in made.noticed]
    text = tmp_path / "carte.csv"
    with text.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows(SIMPLE)
    assert ValueMap.read(text).digest == made.digest


def test_the_map_of_social_value_uk_is_read(tmp_path: Path) -> None:
    path = tmp_path / "value map.xlsx"
    opened = Workbook()
    sheet = opened.worksheets[0]
    sheet.append(["Stage 1", None, "Stage 2", None, None, "Stage 3"])
    sheet.append(["Stakeholders", "Intended/unintended changes", "Inputs", "Value £", "Outputs",
                  "The Outcomes", "Indicator", "Source", "Quantity", "Duration",
                  "Financial Proxy", "Value £", "Source", "Deadweight %", "Displacement %",
                  "Attribution %", "Drop off %", "Impact"])  # fmt: skip
    sheet.append(["Residents", "less alone", "time", 0, "meals", "fewer falls", "falls", "survey",
                  7, 1, "cost of A&E", 94, "NHS", 0, 0, 5, 50, 625.1])  # fmt: skip
    sheet.append(["Council", None, "grant", 24375, None, None])
    sheet.append(["Total", None, None, 24375])
    opened.save(path)
    made = ValueMap.read(path)
    line = made.lines[0]
    assert made.settings.currency == "GBP"
    assert (str(line.price.proxy), str(line.quantity.declared)) == ("94", "7")
    assert line.indicator_source == "survey"
    assert line.price.proxy_source == "cost of A&E ; NHS"
    assert str(line.adjustments.attribution) == "0.05"
    assert [str(item.amount) for item in made.inputs] == ["0", "24375"]


def test_an_unknown_column_is_refused_with_the_headings_people_see(book: tuple[Path, Any]) -> None:
    path, opened = book
    sheet = opened["Carte des effets"]
    sheet.cell(1, column(sheet, "Poids mort")).value = "Poid morts"
    opened.save(path)
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.read(path)
    assert caught.value.findings[0].values["nearest"] == "Poids mort"


@pytest.mark.parametrize(
    ("heading", "key"),
    [("Poids mort (%)", "deadweight"), ("DUREE (ANS)", "duration"), ("Montant (€)", "amount"),
     ("Deadweight %", "deadweight"), ("Approximation  financiere", "proxy")],
)  # fmt: skip
def test_headings_are_known_as_people_write_them(heading: str, key: str) -> None:
    assert read_heading(heading, "inputs" if key == "amount" else "lines").key == key


@pytest.mark.parametrize("typed", ["1 mois", "10 mois", "7 months", "5 semaines", "1MOIS"])
def test_a_length_without_a_last_digit_is_read_back(typed: str, tmp_path: Path) -> None:
    made = ValueMap.from_dict(content({"duration": typed}))
    account = made.account()
    assert ValueMap.from_dict(made.to_dict()) == made
    assert Account.from_dict(account.to_dict()).sroi() == account.sroi()
    for name in ("carte.toml", "carte.xlsx"):
        made.write(tmp_path / name)
        assert ValueMap.read(tmp_path / name) == made


def test_other_names_of_sheets_are_known() -> None:
    names = ("Coûts", "Ressources", "BUDGET", "Dépenses", "Charges", "Inputs")
    assert {table_of_sheet(name) for name in names} == {"inputs"}


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.datetimes(),
    st.sampled_from(["#REF!", "1,2 k€", "5 %", "[1;2]", "1 [2 ; 3] pert", "{}", "x [1]", "-"]),
    st.from_regex(r"\A[-~]?[0-9 .,]{1,8}( ?(%|€|k€|mois|ans))?\Z"),
)  # fmt: skip


NAMES = sorted({*LINE, "people", "survival", "bundle", "covers", "start", "drop_off", "growth",
                "included", "per_year"})  # fmt: skip


@given(key=st.sampled_from(NAMES), cell=CELLS)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_cell_gives_a_map_or_words(key: str, cell: Any) -> None:
    try:
        made = ValueMap.from_dict(content({key: cell}))
        made.account({})
    except ImpactEvalError:
        return
    assert ValueMap.from_dict(made.to_dict()).digest == made.digest


@pytest.mark.parametrize(
    ("typed", "price", "low"),
    [("12", "12000", None), ("12 [10 ; 15]", "12000", "10000"), ("9 500 €", "9500", None)],
)
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_the_unit_of_a_heading_is_that_of_its_cells(
    tmp_path: Path, suffix: str, typed: str, price: str, low: str | None
) -> None:
    rows = [
        ["Qui", "Ce qui change", "Combien", "Prix (k€)", "Source", "Durée (mois)", "Poids mort"],
        ["Bénéficiaires", "Emploi", "10", typed, "Insee", "18", "20 %"],
    ]
    path = tmp_path / f"carte.{suffix}"
    if suffix == "csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, delimiter=";").writerows(rows)
    else:
        made = Workbook()
        for row in rows:
            made.worksheets[0].append(row)
        made.save(path)
    (line,) = ValueMap.read(path).lines
    assert line.price.proxy is not None
    assert line.price.proxy.value == Decimal(price)
    assert line.price.proxy.low == (None if low is None else Decimal(low))
    assert line.timing.duration == Decimal("1.5")
