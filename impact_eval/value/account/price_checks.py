"""Guards of prices: read in a source, up to date, and fit for what they price (G14).

A price that does not go with what is counted stops the totals: no margin of error holds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from impact_eval.core.findings import Finding
from impact_eval.core.vocabulary import Unit
from impact_eval.value.account.books import Books
from impact_eval.value.account.line_words import (
    counted_lines,
    figure_of_line,
    outcome_words,
    price_words,
)
from impact_eval.value.account.quantity import LineQuantity
from impact_eval.value.map.choices import Mark, QuantitySource
from impact_eval.value.map.declared import Line
from impact_eval.value.map.parameters import catalogue
from impact_eval.value.map.prices import ONE, exact
from impact_eval.value.map.spoken_words import Subject, says_only, tokens_of, words_named

OLD_PRICE_YEARS = 8
# What one unit may be worth in a year: beyond, thousands of euros were most likely read as euros.
LARGEST_UNIT_PRICE = Decimal(1_000_000)
_MONEY_OF_THAT_SIZE = frozenset({"EUR", "GBP", "USD", "CHF"})
# how many times a year money comes: every month at most, or every fortnight, week, day
_MONTHS = Decimal(12)
_OFTEN = frozenset(map(Decimal, (24, 26, 52, 365)))
_CHANGED_MONEY = Decimal("0.05")  # exchange rates are rounded
_DAY_FIRST = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})")
_YEAR = re.compile(r"\d{4}")


def check_prices(account: Books) -> Iterable[Finding]:
    """G14: a price without source, past its date, of another year, or unfit for what it prices."""
    book = catalogue()
    # the day of the catalogue's review, or the year of the map: never the clock of the machine
    today = max(book.reviewed, f"{account.value_map.settings.price_year:04d}-01-01")
    for line, quantity in counted_lines(account):
        if line.quantity.unit is Unit.EUR:
            if not all(_worth_its_euro(line, amount) for amount in _unit_prices(line)):
                yield Finding.warning("guard_price_of_a_euro", blocks=True, line=line.id)
        elif _beyond_reason(line, account, quantity):
            yield Finding.warning("guard_price_beyond_reason", blocks=True, line=line.id)
        mark = line.guards.mark
        if mark is not None and not says_only(Subject.VERIFIED, mark):
            yield Finding.warning("guard_price_unverified", line=line.id, mark=mark)
        if not _sourced(line):
            yield Finding.warning(
                "guard_price_without_source", line=line.id, known=bool(line.price.proxy_source)
            )
        if line.guards.expires is not None and _date(line.guards.expires) < today:
            yield Finding.warning("guard_price_expired", line=line.id, expires=line.guards.expires)
        if (
            line.price.price_year is not None
            and int(today[:4]) - line.price.price_year > OLD_PRICE_YEARS
        ):
            yield Finding.warning("guard_price_old", line=line.id, year=line.price.price_year)
        yield from _catalogue_notes(line, account)


def _unit_prices(line: Line) -> list[Decimal]:
    """Return what one unit moves each time, in money of the map: its price, or its flows."""
    price = line.price
    amounts = [flow.amount.value for flow in price.bundle]
    if price.proxy is not None:
        amounts.append(price.proxy.value)
    with exact():
        return [abs(amount) * (price.exchange_rate or ONE) for amount in amounts]


def _worth_its_euro(line: Line, amount: Decimal) -> bool:
    """Whether one euro is priced as one euro, as a share of it (a levy), or twelve months of it."""
    often = line.price.per_year
    margin = ONE if line.price.exchange_rate is None else ONE + _CHANGED_MONEY
    if amount <= margin:
        return often <= _MONTHS or often in _OFTEN
    twelve = _MONTHS / margin <= amount <= _MONTHS * margin
    return twelve and often == ONE


def _beyond_reason(line: Line, account: Books, quantity: LineQuantity) -> bool:
    """Whether one unit is worth in a year what almost nothing is, but a life.

    The one unit of a line that prices its whole outcome may be worth as much.
    """
    price, figure = line.price, figure_of_line(line)
    if line.timing.lifetime or account.value_map.settings.currency not in _MONEY_OF_THAT_SIZE:
        return False
    if figure is not None and price.proxy is not None and price.proxy.value == figure.amount.value:
        return False
    if quantity.source is QuantitySource.DECLARED and abs(quantity.value) <= ONE:
        return False
    with exact():
        largest = max((amount * price.per_year for amount in _unit_prices(line)), default=ONE)
    texts = (*price_words(line), *outcome_words(line))
    return largest > LARGEST_UNIT_PRICE and not words_named(Subject.LIFE, texts)


def _catalogue_notes(line: Line, account: Books) -> Iterable[Finding]:
    """Tell conflicting sources, a figure changed by hand, and a price index that is derived."""
    book = catalogue()
    figure = figure_of_line(line)
    if figure is not None:
        year = line.price.price_year
        if figure.price_year is not None and year != figure.price_year:
            yield Finding.warning(
                "guard_price_year_changed", line=line.id, name=figure.id, year=year,
                first=figure.price_year,
            )  # fmt: skip
        rivals = book.rivals(figure.id)
        if rivals:
            yield Finding.info(
                "sources_conflict",
                line=line.id,
                used=figure.id,
                others=[f"{r.id} : {r.amount} ({r.price_year})" for r in rivals],
            )
        if line.price.proxy is not None and line.price.proxy.value != figure.amount.value:
            yield Finding.warning(
                "parameter_changed", line=line.id, name=figure.id, found=str(line.price.proxy)
            )
    base = account.value_map.settings.price_year
    if line.price.price_year not in (None, base):
        index = book.index(line.price.index or account.value_map.settings.price_index)
        derived = [
            y for y in (line.price.price_year, base) if index.marks.get(y or 0) is Mark.DERIVED
        ]
        if derived:
            yield Finding.info("price_index_derived", line=line.id, years=derived)


def _sourced(line: Line) -> bool:
    """Whether the price of a line says where it comes from."""
    price = line.price
    if price.parameter or price.case or price.proxy is None:
        return True
    words = tokens_of(price.proxy_source)
    return bool(words) and not says_only(Subject.NO_SOURCE, price.proxy_source)


def _date(text: str) -> str:
    """Return a date as `2025-01-31`, whatever the order of its parts; a year alone is its end."""
    found = _DAY_FIRST.search(text)
    if found:
        day, month, year = found.groups()
        return f"{year}-{int(month):02d}-{int(day):02d}"
    if re.match(r"\d{4}-\d{2}", text.strip()):
        return text.strip()
    year_alone = _YEAR.search(text)
    return f"{year_alone[0]}-12-31" if year_alone else text
