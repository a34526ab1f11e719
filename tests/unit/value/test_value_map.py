"""Reading a value map: what is accepted, what is refused, all at once, and exact round trips."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact_eval.core.findings import ImpactEvalError
from impact_eval.report.texts import render_error
from impact_eval.value import ValueMap, catalogue
from impact_eval.value.map.choices import Agent, Law
from impact_eval.value.map.declared_cells import (
    Amount,
    CellFault,
    read_amount,
    read_number,
    read_share,
)

D = Decimal
Tables = Callable[..., dict[str, Any]]


def codes(raw: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(raw)
    return caught.value.codes


def test_both_formats_and_both_languages_round_trip(
    insertion_map: ValueMap, wheels: ValueMap, tmp_path: Path
) -> None:
    for value_map in (insertion_map, wheels):
        for name, language in (("m.toml", "fr"), ("fr.xlsx", "fr"), ("en.xlsx", "en")):
            path = tmp_path / name
            value_map.write(path, language)
            assert ValueMap.read(path) == value_map
        assert ValueMap.from_dict(json.loads(json.dumps(value_map.to_dict()))) == value_map


def test_a_sheet_filled_by_hand_in_french(tmp_path: Path, make_tables: Tables) -> None:
    from openpyxl import load_workbook

    path = tmp_path / "carte.xlsx"
    ValueMap.from_dict(make_tables()).write(path)
    book = load_workbook(path)
    sheet = book["Carte des effets"]
    heads = {cell.value: cell.column for cell in sheet[1]}
    sheet.cell(2, heads["Receveur"]).value = "Personnes accompagnées"
    sheet.cell(2, heads["Nature"]).value = "Gain de ressources"
    sheet.cell(2, heads["Approximation financière"]).value = "1\u202f200,50 €"
    sheet.cell(2, heads["Poids mort"]).value = 0.25
    book.create_sheet("Mes notes")["A1"] = "libre"
    book.save(path)
    line = ValueMap.read(path).lines[0]
    assert line.price.receiver is Agent.BENEFICIARY
    assert line.price.proxy == Amount(value=D("1200.50"))
    assert line.adjustments.deadweight == Amount(value=D("0.25"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"deadweight": "120 %"}, "share_out_of_range"),
        ({"deadweight": 5}, "share_out_of_range"),
        ({"attribution": "-1 %"}, "share_out_of_range"),
        ({"unit": None}, "missing_cell"),
        ({"unit": "personnne"}, "unknown_choice"),
        ({"price_year": None}, "missing_price_year"),
        ({"currency": None}, "missing_currency"),
        ({"receiver": "quartier"}, "unknown_choice"),
        ({"receiver": None}, "missing_receiver"),
        ({"input__payer": "la CAFF"}, "unknown_choice"),
        ({"kind": "transfer"}, "transfer_without_counterpart"),
        ({"kind": "transfer", "payer": "beneficiary"}, "transfer_to_oneself"),
        ({"kind": "avoided_cost"}, "missing_payer"),
        ({"kind": None}, "missing_kind"),
        ({"lifetime": True, "duration": 3, "persistence": "80 %"}, "lifetime_with_duration"),
        ({"lifetime": True}, "lifetime_without_persistence"),
        ({"currency": "GBP"}, "currency_mix"),
        ({"input__currency": "USD"}, "currency_mix"),
        ({"duration": -1}, "negative_duration"),
        ({"duration": None}, "missing_duration"),
        ({"start": 0}, "start_before_one"),
        ({"survival": [1, 0.5]}, "duration_and_survival"),
        ({"survival": [0.5, 1], "duration": None}, "survival_rises"),
        ({"proxy": "abc"}, "not_a_number"),
        ({"proxy": None}, "no_proxy"),
        ({"proxy": "5 [9 ; 3]"}, "interval_out_of_order"),
        ({"proxy": "5 [3 ; 9] cauchy"}, "unknown_choice"),
        ({"proxy": "5 [-3 ; 9] gamma"}, "law_needs_positive"),
        ({"quantity": None}, "no_quantity"),
        ({"estimate": "employment"}, "two_quantities"),
        ({"included": False}, "excluded_without_reason"),
        ({"parameter": "chrs_place", "proxy": None}, "parameter_conflict"),
        ({"parameter": "rsa_singel", "proxy": None}, "unknown_price"),
        ({"case": "rsa_to_moon", "proxy": None}, "unknown_case"),
        ({"people": 0}, "people_not_positive"),
        ({"deadwight": "5 %"}, "unknown_column"),
        ({"input__amount": None}, "input_without_amount"),
        ({"input__kind": "transfer"}, "transfer_without_counterpart"),
        ({"map__discount_rate": 3.2}, "rate_out_of_range"),
        ({"map__price_year": 25}, "not_a_year"),
        ({"map__currency": None}, "missing_cell"),
        ({"overrides": [{"guard": "G5", "line": "b", "reason": "x"}]}, "unknown_line"),
        ({"overrides": [{"guard": "G5"}]}, "missing_cell"),
        ({"deadweight": "50 % [1 % ; 99 %] normal"}, "law_not_for_share"),
        ({"deadweight": "5 % [1 % ; 99 %] beta"}, "interval_not_of_law"),
        ({"deadweight": "5 % [0 % ; 20 %] beta"}, "law_out_of_support"),
        ({"proxy": "1000 [900 ; 1500] normal"}, "interval_not_of_law"),
        ({"input__amount": "1000 [980 ; 1500] gamma"}, "interval_not_of_law"),
        ({"correlations": [{"first": "a.proxy", "second": "a.quantity", "rho": 2}]},
         "correlation_out_of_range"),
        ({"lines": []}, "no_line"),
        ({"covers": ["unemploiment"]}, "line_unknown_family"),
        ({"covers": "rsa ; helth"}, "line_unknown_family"),
        ({"covers": ["logement"]}, "line_unknown_family"),
    ],
)  # fmt: skip
def test_refusals(make_tables: Tables, changes: dict[str, Any], code: str) -> None:
    assert code in codes(make_tables(**changes))


def test_what_a_line_contains_is_a_family_or_a_flow(make_tables: Tables) -> None:
    """Of the catalogue, of its list, of a flow of a case, or of another line of the map."""
    raw = make_tables(covers=["rsa", "unemployment", "wage", "logement"])
    raw["lines"].append({**raw["lines"][0], "id": "b", "covers": None, "family": "logement"})
    covers = ValueMap.from_dict(raw).lines[0].guards.covers
    assert covers == ("rsa", "unemployment", "wage", "logement")
    raw["lines"][0]["covers"] = ["logemant"]
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(raw)
    (found,) = caught.value.findings
    assert (found.code, found.values["nearest"]) == ("line_unknown_family", "logement")
    assert found.place is not None
    assert found.place.key == "lines[1].covers"
    for language, words in (
        ("fr", ("« logemant »", "Vouliez-vous dire « logement » ?")),
        ("en", ("“logemant”", "Did you mean “logement”?")),
    ):
        told = render_error(caught.value, language).replace("\u00a0", " ").replace("\u202f", " ")
        assert all(word in told for word in words)


def test_all_faults_are_told_at_once_with_their_place(make_tables: Tables) -> None:
    raw = make_tables(
        deadweight="120 %", unit=None, price_year=None, receiver="benefciary", duration=-2,
        map__currency="euros", input__payer="nobody",
    )  # fmt: skip
    raw["linse"] = []
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(raw)
    found = {f.code: f for f in caught.value.findings}
    assert set(found) >= {
        "share_out_of_range", "missing_cell", "missing_price_year", "unknown_choice",
        "negative_duration", "unknown_table",
    }  # fmt: skip
    assert found["share_out_of_range"].place.key == "lines[1].deadweight"
    assert found["unknown_table"].values["nearest"] == "lines"
    nearest = [f.values["nearest"] for f in caught.value.findings if f.code == "unknown_choice"]
    assert "beneficiary" in nearest


def test_files_that_are_no_value_map(tmp_path: Path) -> None:
    for name, content, code in (
        ("a.toml", b"[map\n", "value_map_not_readable"),
        ("b.xlsx", b"not a workbook", "value_map_not_readable"),
        ("c.toml", b"\xff\xfe", "value_map_not_readable"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImpactEvalError) as caught:
            ValueMap.read(tmp_path / name)
        assert caught.value.codes == (code,)
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.read(tmp_path / "none.toml")
    assert caught.value.codes == ("value_map_not_found",)


def test_amounts_carry_their_interval() -> None:
    assert read_amount("94 [80 ; 110] gamma") == Amount(
        value=D(94), low=D(80), high=D(110), law=Law.GAMMA
    )
    assert read_share("5 % [2 % ; 10 %]") == Amount(
        value=D("0.05"), low=D("0.02"), high=D("0.10"), law=Law.PERT
    )
    assert read_number("−1\u202f234,5") == D("-1234.5")
    assert read_number(0.1) == D("0.1")  # what a person reads, not the binary fraction


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.none(), st.booleans(),
                 st.lists(st.integers()),
                 st.dictionaries(st.text(max_size=5), st.integers())))  # fmt: skip
def test_a_cell_is_read_or_refused(raw: Any) -> None:
    for read in (read_amount, read_share, read_number):
        try:
            found = read(raw)
        except CellFault as fault:
            told = fault.code
            found = None
        if found is None:
            assert told
        else:
            number = found.value if isinstance(found, Amount) else found
            assert number.is_finite()


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["deadweight", "proxy", "unit", "kind", "payer", "start",
                                        "duration", "survival", "people", "bundle", "covers",
                                        "take_up", "lifetime"]),
                       st.one_of(st.text(max_size=8), st.integers(-5, 5), st.floats(),
                                 st.lists(st.text(max_size=3), max_size=2))))  # fmt: skip
def test_any_line_is_read_or_refused_in_words(cells: dict[str, Any]) -> None:
    line = {
        "id": "a", "stakeholder": "s", "outcome": "o", "quantity": 10, "unit": "count",
        "kind": "resource_gain", "receiver": "beneficiary", "proxy": 100, "currency": "EUR",
        "price_year": 2025, "duration": 1,
    }  # fmt: skip
    common = {"currency": "EUR", "price_year": 2025, "discount_rate": "3.2 %"}
    try:
        value_map = ValueMap.from_dict({"map": common, "lines": [{**line, **cells}]})
    except ImpactEvalError as error:
        value_map, told = None, error.codes
    if value_map is None:
        assert told
    else:
        assert ValueMap.from_dict(value_map.to_dict()) == value_map


def test_catalogue_is_dated_marked_and_consistent() -> None:
    book = catalogue()
    assert len(book.vintage) == 64
    for figure in book.parameters.values():
        assert figure.source
        assert figure.expires >= "2021"
        assert set(figure.label) == {"fr", "en"}
        assert figure.unit
        for rival in figure.rivals:
            assert figure.id in book.parameters[rival].rivals or figure.item == (
                book.parameters[rival].item
            )
    assert not book.get("cofp").verified
    assert not book.get("life_year").verified
    assert [r.id for r in book.rivals("chrs_place@senate")] == ["chrs_place@plf2019"]
