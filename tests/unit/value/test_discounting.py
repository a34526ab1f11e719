"""Discount schedules, half-years, and price indices of a currency."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.value import ValueMap
from impact_eval.value.map.choices import Timing
from impact_eval.value.map.declared_cells import CellFault
from impact_eval.value.map.discounting import GREEN_BOOK, french_rate, read_schedule
from impact_eval.value.map.prices import discount_factor
from impact_eval.value.uncertainty.sensitivity import discount_variants

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
    raw = make_tables(map__discount_rate=said, duration=40)
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
