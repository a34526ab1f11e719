"""Discount schedules, half-years, and price indices of a currency."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from openpyxl import load_workbook

from impact_eval.core.findings import ImpactEvalError
from impact_eval.report.texts import render_error
from impact_eval.value import Account, ValueMap
from impact_eval.value.map.choices import Timing
from impact_eval.value.map.declared_cells import CellFault
from impact_eval.value.map.discounting import GREEN_BOOK, french_rate, read_schedule
from impact_eval.value.map.prices import discount_factor
from impact_eval.value.uncertainty.sensitivity import discount_variants
from impact_eval.value.uncertainty.simulate import simulate

Make = Callable[..., dict[str, Any]]
D = Decimal


def test_the_green_book_year_by_year() -> None:
    """Brute force: one year after another, each at the rate of its period, in fractions."""
    factor = Fraction(1)
    for year in range(1, 401):
        rate = next(
            r
            for last, r in ((30, 35), (75, 30), (125, 25), (200, 20), (300, 15), (400, 10))
            if year <= last
        )
        factor /= 1 + Fraction(rate, 1000)
        assert float(GREEN_BOOK.factor(D(year))) == pytest.approx(float(factor), rel=1e-14)
    half = GREEN_BOOK.factor(D("30.5"))
    assert float(half) == pytest.approx(1.035**-30 * 1.03**-0.5, rel=1e-14)


@pytest.mark.parametrize(("year", "end", "mid"), [
    (1, "0.968992", "0.984374"), (2, "0.938946", "0.953851"), (5, "0.854283", "0.867843"),
    (10, "0.729799", None), (30, "0.388695", None),
])  # fmt: skip
def test_factors_of_the_french_rate(year: int, end: str, mid: str | None) -> None:
    """Factors at 3.2 %, computed apart in the project's research note (5.8)."""
    rate = french_rate("france_strategie")
    assert rate is not None
    assert round(discount_factor(rate, year), 6) == D(end)
    if mid is not None:
        assert round(discount_factor(rate, year, Timing.MID), 6) == D(mid)


@pytest.mark.parametrize(("text", "rate"), [
    ("france_strategie", "0.032"), ("France Stratégie bêta 0,5", "0.022"),
    ("france_strategie beta -0.2", "0.008"), ("france_strategie beta 0", "0.012"),
    ("france", None), ("3.2 %", None),
])  # fmt: skip
def test_the_french_rate_by_its_beta(text: str, rate: str | None) -> None:
    found = french_rate(text)
    assert found == (None if rate is None else D(rate))


@pytest.mark.parametrize("said", [
    "green_book", "Green Book", "3,5 % (30) ; 3 % (75) ; 2,5 %",
    [{"rate": "3.5 %", "until": 30}, {"rate": "3 %", "until": 75}, {"rate": D("0.025")}],
])  # fmt: skip
def test_a_map_says_its_schedule(make_tables: Make, tmp_path: Path, said: Any) -> None:
    raw = make_tables(map__discount_rate=said, duration="40 ans")
    value_map = ValueMap.from_dict(raw)
    account = value_map.account()
    expected = sum(500 * GREEN_BOOK.factor(D(t)) for t in range(1, 41))
    assert float(account.sroi().benefits) == pytest.approx(float(expected), rel=1e-12)
    assert value_map.settings.discount_rate == D("0.035")
    assert ValueMap.from_dict(value_map.to_dict()) == value_map
    value_map.write(tmp_path / "carte.xlsx")
    assert ValueMap.read(tmp_path / "carte.xlsx") == value_map
    flat = next(v for v in discount_variants(account) if v.value == "0.035")
    assert flat.benefits < account.sroi().benefits


def test_the_french_rate_of_a_map(make_tables: Make) -> None:
    settings = ValueMap.from_dict(make_tables(map__discount_rate="france_strategie")).settings
    assert (settings.discount_rate, settings.discount_schedule) == (D("0.032"), None)


@pytest.mark.parametrize("said", [
    "3 % (30) ; 2 % (20) ; 1 %", "3 % (30)", "3 % ; 2 %", "(30) ; 2 %", "", ("a ; b"),
    [], [{"rate": "3 %", "to": 30}, {"rate": "2 %"}],
])  # fmt: skip
def test_a_schedule_that_cannot_be_read_is_refused(make_tables: Make, said: Any) -> None:
    with pytest.raises(CellFault):
        read_schedule(said)
    with pytest.raises(ImpactEvalError):
        ValueMap.from_dict(make_tables(map__discount_rate=said))


@pytest.mark.parametrize(("timing", "moments"), [
    ("end", (1, 2, 2, 3)), ("mid", (0.75, 1.25, 1.75, 2.25)), ("start", (0.5, 1, 1.5, 2)),
])  # fmt: skip
def test_an_outcome_that_starts_in_the_middle_of_a_year(
    make_tables: Make, timing: str, moments: tuple[float, ...]
) -> None:
    """Two years from the middle of the first: four halves, the last two faded, each at its date."""
    raw = make_tables(start="1,5", duration=2, drop_off="20 %", growth="1 %", map__timing=timing)
    account = ValueMap.from_dict(raw).account()
    amounts = (250, 250, 200, 200)  # 10 units at 100 euros, half of them net, by half-year
    dated = zip(amounts, moments, strict=True)
    expected = sum(a * 1.01**t / 1.032**t for a, t in dated)
    assert float(account.sroi().benefits) == pytest.approx(expected, rel=1e-12)
    assert {flow.year for flow in account.flows if not flow.is_input} == {1, 2, 3}
    drawn = simulate(account, draws=2).benefits("society")
    assert drawn == pytest.approx(expected, rel=1e-12)
    assert ValueMap.from_dict(account.value_map.to_dict()) == account.value_map


@pytest.mark.parametrize(("timing", "moment"), [("end", 1), ("mid", 0.75), ("start", 0.5)])
def test_an_input_of_the_second_half_of_the_first_year(
    make_tables: Make, timing: str, moment: float
) -> None:
    raw = make_tables(input__year=1.5, map__timing=timing)
    costs = ValueMap.from_dict(raw).account().sroi().costs
    assert float(costs) == pytest.approx(1000 / 1.032**moment, rel=1e-12)


def test_half_a_year_counts_for_half(make_tables: Make) -> None:
    for duration, whole in ((0.5, 250 / 1.032), (1.5, 500 / 1.032 + 250 / 1.032**2)):
        found = ValueMap.from_dict(make_tables(duration=duration)).account().sroi().benefits
        assert float(found) == pytest.approx(whole, rel=1e-12)


def test_a_survival_curve_and_a_lifetime_from_the_middle_of_a_year(make_tables: Make) -> None:
    curve = ValueMap.from_dict(make_tables(start=1.5, duration=None, survival=[1, 0.5])).account()
    expected = 250 / 1.032 + (250 + 125) / 1.032**2 + 125 / 1.032**3
    assert float(curve.sroi().benefits) == pytest.approx(expected, rel=1e-12)
    life = ValueMap.from_dict(
        make_tables(start=1.5, duration=None, lifetime=True, persistence="80 %")
    ).account()
    assert float(life.sroi().benefits) == pytest.approx(400 / 1.032, rel=1e-12)


def test_a_moment_before_the_first_year_is_refused(make_tables: Make) -> None:
    for cells in ({"start": 0.5}, {"input__year": 0.5}):
        with pytest.raises(ImpactEvalError) as caught:
            ValueMap.from_dict(make_tables(**cells))
        assert caught.value.codes == ("start_before_one",)


def test_prices_in_pounds_do_not_follow_french_prices(make_tables: Make) -> None:
    pounds: dict[str, Any] = {"map__currency": "GBP", "input__currency": "GBP", "currency": "GBP"}
    same_year = ValueMap.from_dict(make_tables(**pounds)).account()
    assert float(same_year.sroi().net) != 0
    for older in ({"price_year": 2015}, {"input__price_year": 2015},
                  {"price_year": 2015, "map__price_index": "fr_cpi"}):  # fmt: skip
        with pytest.raises(ImpactEvalError) as caught:
            ValueMap.from_dict(make_tables(**pounds, **older)).account()
        assert caught.value.codes == ("index_of_other_currency",)
    euros = ValueMap.from_dict(make_tables(price_year=2015)).account()
    assert float(euros.lines[0].unit_value) == pytest.approx(121)


BOTH = {
    "a plain rate": ("4.5 %", "green_book"),
    "the French rate": ("france_strategie", "green_book"),
    "a named schedule": ("green_book", "3.5 % (10) ; 2 %"),
    "a bare share": (0.045, "4 % (30) ; 2 %"),
}


@pytest.mark.parametrize("case", BOTH)
@pytest.mark.parametrize("form", ["carte.toml", "carte.xlsx"])
def test_a_rate_that_is_not_the_first_of_its_schedule_is_refused(
    make_tables: Make, tmp_path: Path, case: str, form: str
) -> None:
    rate, schedule = BOTH[case]
    path = _written(make_tables(map__discount_rate=rate, map__discount_schedule=schedule),
                    tmp_path / form)  # fmt: skip
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.read(path)
    (fault,) = caught.value.findings
    assert fault.code == "rate_against_schedule"
    assert fault.place is not None
    if form.endswith("xlsx"):
        where = (fault.place.sheet, fault.place.cell, fault.place.column)
        assert where == ("Carte", "B4", "Taux d’actualisation")
    else:
        assert fault.place.key == "map.discount_rate"
    for language in ("fr", "en"):
        said = render_error(caught.value, language)
        assert str(rate) in said
        assert schedule in said
        assert {"fr": "Pour corriger", "en": "To mend it"}[language] in said


@pytest.mark.parametrize("form", ["carte.toml", "carte.xlsx"])
@pytest.mark.parametrize(("rate", "schedule"), [
    ("3.5 %", "green_book"), ("0.035", "green_book"), ("green_book", "Green Book"),
    ("3.2 %", None), (None, "green_book"), ("france_strategie", "3.2 % (30) ; 2 %"),
    ("0.035", str(GREEN_BOOK)),
])  # fmt: skip
def test_a_rate_and_a_schedule_that_agree_are_read(
    make_tables: Make, tmp_path: Path, rate: str | None, schedule: str | None, form: str
) -> None:
    raw = make_tables(map__discount_rate=rate, map__discount_schedule=schedule)
    read = ValueMap.read(_written(raw, tmp_path / form))
    assert ValueMap.from_dict(read.to_dict()) == read
    assert Account.from_dict(read.account().to_dict()).value_map.settings == read.settings


def test_a_schedule_that_cannot_be_read_is_not_hidden_by_one_that_can(make_tables: Make) -> None:
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.from_dict(
            make_tables(map__discount_rate="green_book", map__discount_schedule="3 % ; 2 %")
        )
    assert caught.value.codes == ("schedule_not_readable",)


def test_a_schedule_typed_as_the_rate_is_told_at_its_cell(
    make_tables: Make, tmp_path: Path
) -> None:
    path = _written(make_tables(map__discount_rate="3 % ; 2 %"), tmp_path / "carte.xlsx")
    with pytest.raises(ImpactEvalError) as caught:
        ValueMap.read(path)
    (fault,) = caught.value.findings
    assert (fault.code, fault.place and fault.place.cell) == ("schedule_not_readable", "B4")


@pytest.mark.parametrize(("rate", "code"), [
    ("-3 %", "discount_rate_unusual"), (-0.02, "discount_rate_unusual"),
    ("45 %", "discount_rate_unusual"), ("100 %", "discount_rate_unusual"),
    ("france_strategie beta -5", "discount_rate_unusual"),
    ("3.5 % (30) ; -1 %", "discount_rate_unusual"),
    (45, "rate_out_of_range"), ("3200 %", "rate_out_of_range"), (-1, "rate_out_of_range"),
])  # fmt: skip
def test_a_rate_that_nobody_discounts_at_is_refused_in_words(
    make_tables: Make, tmp_path: Path, rate: Any, code: str
) -> None:
    for form in ("carte.toml", "carte.xlsx"):
        path = _written(make_tables(map__discount_rate=rate), tmp_path / form)
        with pytest.raises(ImpactEvalError) as caught:
            ValueMap.read(path)
        assert caught.value.codes == (code,)
        place = caught.value.findings[0].place
        assert place is not None
        assert place.cell == ("B4" if form.endswith("xlsx") else None)
        for language, words in (("fr", "Pourquoi"), ("en", "Why")):
            assert words in render_error(caught.value, language)


@pytest.mark.parametrize("rate", [0, "0 %", "20 %", "15 %"])
def test_a_rate_between_nothing_and_the_largest_is_read(make_tables: Make, rate: Any) -> None:
    assert ValueMap.from_dict(make_tables(map__discount_rate=rate)).settings.discount_rate >= 0


def _written(raw: dict[str, Any], path: Path) -> Path:
    """Write tables as a map, whatever their settings say."""
    if path.suffix == ".toml":
        path.write_text(tomli_w.dumps(raw), encoding="utf-8")
        return path
    sound = {**raw["map"], "discount_rate": "3 %", "discount_schedule": "3 %"}
    ValueMap.from_dict({**raw, "map": sound}).write(path)
    book = load_workbook(path)
    for row in book["Carte"].iter_rows():
        heading = {"Taux d’actualisation": "discount_rate", "Taux par période": "discount_schedule"}
        key = heading.get(str(row[0].value))
        if key is not None:
            row[1].value = raw["map"].get(key)
    book.save(path)
    return path
