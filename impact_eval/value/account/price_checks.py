"""Guards of prices: read in a source, up to date, of the year they say (G14)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from impact_eval.core.findings import Finding
from impact_eval.value.account.books import Books
from impact_eval.value.account.line_words import counted_lines, figure_of_line
from impact_eval.value.map.choices import Mark
from impact_eval.value.map.declared import Line
from impact_eval.value.map.parameters import catalogue
from impact_eval.value.map.spoken_words import Subject, says_only, tokens_of

OLD_PRICE_YEARS = 8
_DAY_FIRST = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})")
_YEAR = re.compile(r"\d{4}")


def check_prices(account: Books) -> Iterable[Finding]:
    """G14: a price without source, not read in it, past its date, old, or of another year."""
    book = catalogue()
    # the day of the catalogue's review, or the year of the map: never the clock of the machine
    today = max(book.reviewed, f"{account.value_map.settings.price_year:04d}-01-01")
    for line, _ in counted_lines(account):
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
