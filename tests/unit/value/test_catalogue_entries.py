"""A figure added to the catalogue is checked when it is read: each fault, all at once, in words."""

from __future__ import annotations

from decimal import Decimal
from importlib import resources

import pytest

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.report.texts import Texts, render_error
from impact_eval.value.map.catalogue_columns import vocabulary
from impact_eval.value.map.parameters import Catalogue, catalogue, read_catalogue

FIGURE = {
    "id": '"essai@2025"',
    "item": '"essai"',
    "label": '{ fr = "Essai", en = "Trial" }',
    "value": "120.5",
    "currency": '"EUR"',
    "unit": '"per month"',
    "price_year": "2025",
    "payer": '"departement"',
    "receiver": '"beneficiary"',
    "basis": '"income"',
    "costing": '"marginal"',
    "kind": '"avoided_transfer"',
    "mark": '"V"',
    "source": '"Auteur, page 3"',
    "expires": '"2027-04-01"',
}
OTHER = {**FIGURE, "id": '"autre@2025"', "item": '"autre"'}
INDEX = """
[[index]]
id = "prix"
source = "INSEE"
values = { 2024 = 100, 2025 = 102.5 }
marks = { 2024 = "V", 2025 = "D" }
"""
CASE = """
[[case]]
id = "reprise"
label = { fr = "Reprise d’emploi", en = "Back to work" }
price_year = 2025
month = "2025-06"
computed_on = "2025-07-01"
origin = "Moteur 1.0"
population = "personne seule"
mark = "C"
expires = "2026-12-31"

[[case.flows]]
name = "wage"
kind = "resource_gain"
receiver = "beneficiary"
amount = "1801.80"

[[case.flows]]
name = "rsa"
kind = "avoided_transfer"
payer = "departement"
receiver = "beneficiary"
amount = "568.94"
"""
SHIPPED = ("social_fr.toml", "method.toml", "indices.toml", "fiscal_cases.toml")


def written(*figures: dict[str, str | None]) -> str:
    """Return a file of the catalogue; a cell that is None is left out."""
    blocks = [
        "\n".join(f"{key} = {cell}" for key, cell in figure.items() if cell is not None)
        for figure in figures
    ]
    return 'reviewed = "2026-11-23"\n' + "".join(f"\n[[parameter]]\n{block}\n" for block in blocks)


def read(*figures: dict[str, str | None], more: str = "") -> Catalogue:
    return read_catalogue({"a.toml": written(*figures), "b.toml": more})


def refusal(*figures: dict[str, str | None], more: str = "") -> ImpactEvalError:
    with pytest.raises(ImpactEvalError) as caught:
        read(*figures, more=more)
    return caught.value


def where(finding: Finding) -> tuple[str | None, str | None]:
    assert finding.place is not None
    return finding.place.file, finding.place.key


def test_a_right_figure_is_read() -> None:
    figure = read(FIGURE, more=INDEX + CASE).parameters["essai@2025"]
    assert figure.amount.value == Decimal("120.5")
    assert (figure.unit, figure.price_year, figure.geography) == ("per month", 2025, "FR")
    assert dict(figure.label) == {"fr": "Essai", "en": "Trial"}
    assert (figure.payer, figure.mark) == ("departement", "V")


def test_indices_and_cases_are_read() -> None:
    book = read(FIGURE, more=INDEX + CASE)
    assert book.indices["prix"].factor(2024, 2025) == Decimal("1.025")
    assert [flow.amount.value for flow in book.cases["reprise"].flows] == [
        Decimal("1801.80"),
        Decimal("568.94"),
    ]


FAULTS: dict[str, tuple[dict[str, str | None], str, str]] = {
    "unit unknown": ({"unit": '"per moon"'}, "unknown_price_unit", "unit"),
    "unit missing": ({"unit": None}, "missing_cell", "unit"),
    "unit empty": ({"unit": '""'}, "unknown_price_unit", "unit"),
    "price year too late": ({"price_year": "20255"}, "price_year_out_of_range", "price_year"),
    "price year to come": ({"price_year": "2027"}, "price_year_out_of_range", "price_year"),
    "price year too early": ({"price_year": "205"}, "price_year_out_of_range", "price_year"),
    "price year in words": ({"price_year": '"2025"'}, "not_a_year", "price_year"),
    "price year that is yes": ({"price_year": "true"}, "not_a_year", "price_year"),
    "price year with decimals": ({"price_year": "2025.5"}, "not_a_year", "price_year"),
    "price year missing": ({"price_year": None}, "missing_cell", "price_year"),
    "currency missing": ({"currency": None}, "missing_cell", "currency"),
    "currency unknown": ({"currency": '"euros"'}, "not_a_currency", "currency"),
    "currency of three letters unknown": ({"currency": '"EUX"'}, "unknown_currency", "currency"),
    "currency in small letters": ({"currency": '"eur"'}, "not_a_currency", "currency"),
    "département that is none": ({"geography": '"99"'}, "unknown_place", "geography"),
    "département left in 1976": ({"geography": '"20"'}, "unknown_place", "geography"),
    "place unknown": ({"geography": '"Mars"'}, "unknown_place", "geography"),
    "place empty": ({"geography": '""'}, "unknown_place", "geography"),
    "payer unknown": ({"payer": '"conseil_general"'}, "unknown_choice", "payer"),
    "payer missing": ({"payer": None}, "missing_cell", "payer"),
    "receiver unknown": ({"receiver": '"people"'}, "unknown_choice", "receiver"),
    "receiver missing": ({"receiver": None}, "missing_cell", "receiver"),
    "kind unknown": ({"kind": '"gift"'}, "unknown_choice", "kind"),
    "basis unknown": ({"basis": '"guess"'}, "unknown_choice", "basis"),
    "costing unknown": ({"costing": '"total"'}, "unknown_choice", "costing"),
    "mark unknown": ({"mark": '"X"'}, "unknown_choice", "mark"),
    "mark in small letters": ({"mark": '"v"'}, "unknown_choice", "mark"),
    "mark missing": ({"mark": None}, "missing_cell", "mark"),
    "expiry in words": ({"expires": '"spring 2027"'}, "entry_not_a_date", "expires"),
    "expiry of no calendar": ({"expires": '"2027-02-30"'}, "entry_not_a_date", "expires"),
    "expiry without a day": ({"expires": '"2027-04"'}, "entry_not_a_date", "expires"),
    "expiry missing": ({"expires": None}, "missing_cell", "expires"),
    "expiry before its year": ({"expires": '"2024-04-01"'}, "expires_before_its_year", "expires"),
    "paid to oneself": ({"receiver": '"departement"'}, "paid_to_oneself", "receiver"),
    "value below zero": ({"value": "-5"}, "figure_not_positive", "value"),
    "value of nothing": ({"value": "0"}, "figure_not_positive", "value"),
    "item of another": ({"item": '"autre"'}, "entry_bad_id", "item"),
    "value missing": ({"value": None}, "missing_cell", "value"),
    "value in words": ({"value": '"a lot"'}, "not_a_number", "value"),
    "value that is yes": ({"value": "true"}, "not_a_number", "value"),
    "value that is infinite": ({"value": "inf"}, "not_a_number", "value"),
    "value that is no number": ({"value": "nan"}, "not_a_number", "value"),
    "law that the range cannot have": (
        {"low": "90", "high": "130", "law": '"beta"'},
        "law_out_of_support",
        "value",
    ),
    "rival that is itself": ({"rivals": '["essai@2025"]'}, "rival_itself", "rivals"),
    "range crossed": ({"low": "130", "high": "90"}, "interval_out_of_order", "value"),
    "value out of its range": ({"low": "10", "high": "20"}, "interval_out_of_order", "value"),
    "range with one end": ({"low": "10"}, "not_an_amount", "value"),
    "range without its value": (
        {"value": None, "low": "10", "high": "20"},
        "not_an_amount",
        "value",
    ),
    "law unknown": ({"low": "90", "high": "130", "law": '"flat"'}, "unknown_choice", "value"),
    "source missing": ({"source": None}, "missing_cell", "source"),
    "source empty": ({"source": '" "'}, "not_a_text", "source"),
    "label in one language": ({"label": '{ fr = "x" }'}, "label_needs_languages", "label"),
    "label with an empty name": ({"label": '{ fr = "x", en = "" }'}, "not_a_text", "label"),
    "label that is a text": ({"label": '"x"'}, "label_needs_languages", "label"),
    "key unknown": ({"uint": '"per month"'}, "unknown_entry_key", "uint"),
    "amount is not the key": ({"amount": "12"}, "unknown_entry_key", "amount"),
    "rival unknown": ({"rivals": '["nobody"]'}, "unknown_price", "rivals"),
    "index unknown": ({"index": '"fr_cpy"'}, "unknown_index", "index"),
    "lifetime in words": ({"lifetime": '"yes"'}, "not_yes_or_no", "lifetime"),
    "covers misspelt": ({"covers": '["unemploiment"]'}, "unknown_family", "covers"),
    "covers the id of a figure": ({"covers": '["essai@2025"]'}, "unknown_family", "covers"),
    "item that only begins the id": ({"item": '"essa"'}, "entry_bad_id", "item"),
    "price without money": ({"currency": None, "price_year": None}, "missing_cell", "currency"),
    "law without a range": ({"law": '"normal"'}, "not_an_amount", "value"),
    "range that changes its sign": ({"low": "-5", "high": "200"}, "figure_not_positive", "value"),
    "value beyond reason": ({"value": "1e300"}, "figure_out_of_reach", "value"),
    "value of next to nothing": ({"value": "1e-300"}, "figure_out_of_reach", "value"),
    "covers that is no list": ({"covers": '"rsa"'}, "not_a_text", "covers"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_refused_with_its_place_and_in_words(name: str) -> None:
    change, code, key = FAULTS[name]
    error = refusal({**FIGURE, **change}, more=INDEX)
    assert error.codes == (code,)
    assert where(error.findings[0]) == ("a.toml", f"essai@2025.{key}")
    for language in ("fr", "en"):
        assert f"finding.{code}" in Texts(language)
        told = render_error(error, language)
        assert "a.toml" in told
        assert f"essai@2025.{key}" in told


def test_all_faults_of_all_entries_are_told_at_once() -> None:
    error = refusal(
        {**FIGURE, "unit": '"per moon"', "price_year": "20255"},
        {**OTHER, "mark": '"X"', "expires": '"soon"', "id": None},
        more=INDEX.replace("100", "0") + CASE.replace('"C"', '"c"'),
    )
    assert {(f.code, where(f)[1]) for f in error.findings} == {
        ("unknown_price_unit", "essai@2025.unit"),
        ("price_year_out_of_range", "essai@2025.price_year"),
        ("missing_cell", "parameter[2].id"),
        ("unknown_choice", "parameter[2].mark"),
        ("entry_not_a_date", "parameter[2].expires"),
        ("negative_amount", "prix.values"),
        ("unknown_choice", "reprise.mark"),
    }


def test_an_id_used_twice_is_told_where_it_stands_each_time() -> None:
    with pytest.raises(ImpactEvalError) as caught:
        read_catalogue({"a.toml": written(FIGURE), "b.toml": written(FIGURE)})
    assert caught.value.codes == ("duplicate_id", "duplicate_id")
    assert [where(f) for f in caught.value.findings] == [
        ("a.toml", "essai@2025"),
        ("b.toml", "essai@2025"),
    ]
    assert caught.value.findings[0].values["n"] == 2


def test_rivals_name_each_other() -> None:
    """Two sources that disagree: whoever uses either must see the other."""
    answered = {**OTHER, "rivals": '["essai@2025"]'}
    error = refusal(FIGURE, answered)
    assert error.codes == ("rival_not_mutual",)
    assert where(error.findings[0]) == ("a.toml", "autre@2025.rivals")
    book = read({**FIGURE, "rivals": '["autre@2025"]'}, answered)
    assert [rival.id for rival in book.rivals("essai@2025")] == ["autre@2025"]


def test_the_nearest_unit_and_payer_are_proposed() -> None:
    error = refusal({**FIGURE, "unit": '"per mont"', "payer": '"département"'})
    assert [f.values["nearest"] for f in error.findings] == ["per month", "departement"]
    assert "per person and year" in vocabulary()["units"]


def test_a_rate_needs_no_currency_and_no_price_year() -> None:
    rate = {
        key: FIGURE[key] for key in ("id", "item", "label", "value", "mark", "source", "expires")
    }
    assert read({**rate, "unit": '"per year"'}).get("essai").price_year is None


@pytest.mark.parametrize(
    ("old", "new", "code", "key"),
    [
        ('2025 = "D"', '2026 = "D"', "missing_cell", "prix.marks.2025"),
        ("2025 = 102.5", '2025 = "x"', "not_a_number", "prix.values"),
        ('2024 = "V"', '2024 = "W"', "unknown_choice", "prix.marks"),
        ("2024 = 100", "soon = 100", "not_a_number", "prix.values"),
        ('source = "INSEE"', "", "missing_cell", "prix.source"),
    ],
)
def test_an_index_is_checked_too(old: str, new: str, code: str, key: str) -> None:
    assert old in INDEX
    error = refusal(FIGURE, more=INDEX.replace(old, new))
    assert (code, ("b.toml", key)) in [(f.code, where(f)) for f in error.findings]


@pytest.mark.parametrize(
    ("old", "new", "code", "key"),
    [
        ('payer = "departement"', "", "missing_cell", "reprise.flows[2].payer"),
        ('"resource_gain"', '"gain"', "unknown_choice", "reprise.flows[1].kind"),
        ('"568.94"', '"beaucoup"', "not_a_number", "reprise.flows[2].amount"),
        ('"2025-06"', '"2025-13"', "entry_not_a_date", "reprise.month"),
        ("price_year = 2025", "price_year = 1789", "price_year_out_of_range", "reprise.price_year"),
    ],
)
def test_a_computed_case_is_checked_too(old: str, new: str, code: str, key: str) -> None:
    assert old in CASE
    error = refusal(FIGURE, more=CASE.replace(old, new))
    assert [(f.code, where(f)) for f in error.findings] == [(code, ("b.toml", key))]


def test_a_file_that_is_no_toml_is_told_with_its_line() -> None:
    error = refusal(FIGURE, more="\n[[parameter]\n")
    assert error.codes == ("catalogue_not_readable",)
    place = error.findings[0].place
    assert place is not None
    assert (place.file, place.row) == ("b.toml", 2)


def test_the_date_of_the_review_is_needed() -> None:
    with pytest.raises(ImpactEvalError) as caught:
        read_catalogue({"a.toml": written(FIGURE).replace('reviewed = "2026-11-23"', "")})
    assert caught.value.codes == ("missing_cell",)


def test_the_shipped_catalogue_is_right_and_whole() -> None:
    folder = resources.files("impact_eval.value").joinpath("catalogue")
    texts = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in SHIPPED}
    book = read_catalogue(texts)
    assert book == catalogue()
    assert len(book.parameters) == sum(t.count("[[parameter]]") for t in texts.values())
    assert len(book.cases) == texts["fiscal_cases.toml"].count("[[case]]")


def test_every_unit_and_place_known_is_used() -> None:
    figures = catalogue().parameters.values()
    assert set(vocabulary()["units"]) == {figure.unit for figure in figures}
    assert {*vocabulary()["currencies"], ""} == {figure.currency for figure in figures}
    assert set(vocabulary()["places"]) == {
        figure.geography for figure in figures if not figure.geography.isdigit()
    }


def test_a_table_misspelt_is_no_figure_lost() -> None:
    error = refusal(FIGURE, more=INDEX.replace("[[index]]", "[[indx]]"))
    assert error.codes == ("unknown_entry_key",)
    assert where(error.findings[0]) == ("b.toml", "indx")
    assert error.findings[0].values["nearest"] == "index"


@pytest.mark.parametrize("name", ["essai", "un essai@2025", "Essai@2025", "essai@"])
def test_an_id_is_an_item_and_a_date(name: str) -> None:
    error = refusal({**FIGURE, "id": f'"{name}"'})
    assert error.codes == ("entry_bad_id",)
    assert where(error.findings[0]) == ("a.toml", f"{name}.id")
