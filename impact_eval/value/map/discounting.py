"""Rates that later amounts are discounted at: one rate, or a schedule that steps down with time.

A cell may say `3.2 %`, `green_book`, `france_strategie beta 0.5`, or steps of its own:
`3.5 % (30) ; 3 % (75) ; 2.5 %`, each rate with the last year it holds for.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from impact_eval.value.map.declared_cells import plain_decimal, read_rate, read_whole
from impact_eval.value.map.prices import ONE, exact, risky_rate
from impact_eval.value.map.typed_numbers import CellFault, typed_text

# France Stratégie, Complément opérationnel I, 2021: 1.2 % without risk, 2 % by unit of beta.
FREE_RATE, RISK_PREMIUM = Decimal("0.012"), Decimal("0.02")
# no public body discounts at more: 15 % was the highest rate in use, long ago
LARGEST_RATE: Final = Decimal("0.2")
_FRENCH = re.compile(
    r"^france[ _-]strat[ée]gie(?:\s+b[eêé]ta\s*=?\s*(?P<beta>-?[0-9]+(?:[.,][0-9]+)?))?$"
)
_STEP = re.compile(r"^(?P<rate>[^()]+?)\s*(?:\(\s*(?P<until>[0-9]+)\s*\))?$")


@dataclass(frozen=True, slots=True)
class RateStep:
    """A real rate per year, and the last year that it holds for; None for ever after."""

    rate: Decimal
    until: int | None = None


@dataclass(frozen=True, slots=True)
class DiscountSchedule:
    """Rates by period, from today; the last has no end.

    Examples
    --------
    >>> str(GREEN_BOOK)
    '0.035 (30) ; 0.03 (75) ; 0.025 (125) ; 0.02 (200) ; 0.015 (300) ; 0.01'
    """

    steps: tuple[RateStep, ...]

    def factor(self, years: Decimal) -> Decimal:
        r"""Return :math:`\prod_k (1+r_k)^{-m_k}`, :math:`m_k` the years that step k counts.

        Examples
        --------
        >>> round(GREEN_BOOK.factor(Decimal(31)), 4)
        Decimal('0.3459')
        """
        with exact():
            out, start = ONE, Decimal(0)
            for step in self.steps:
                end = years if step.until is None else min(years, Decimal(step.until))
                if end > start:
                    out /= (ONE + step.rate) ** (end - start)
                    start = end
            return out

    def __str__(self) -> str:
        return " ; ".join(
            plain_decimal(step.rate) + ("" if step.until is None else f" ({step.until})")
            for step in self.steps
        )


def _schedule(*steps: tuple[str, int | None]) -> DiscountSchedule:
    return DiscountSchedule(tuple(RateStep(Decimal(rate), until) for rate, until in steps))


# HM Treasury, The Green Book, annex A6: years 0-30, 31-75, 76-125, 126-200, 201-300, after.
GREEN_BOOK: Final = _schedule(
    ("0.035", 30), ("0.03", 75), ("0.025", 125), ("0.02", 200), ("0.015", 300), ("0.01", None)
)
_NAMED: Mapping[str, DiscountSchedule] = {"green_book": GREEN_BOOK, "green book": GREEN_BOOK}


def french_rate(text: str) -> Decimal | None:
    """Return the rate that `france_strategie` or `france_strategie beta 0.5` names, if it does.

    Examples
    --------
    >>> french_rate("france_strategie"), french_rate("France Stratégie bêta 0,5")
    (Decimal('0.032'), Decimal('0.0220'))
    """
    found = _FRENCH.match(text.strip().casefold())
    if found is None:
        return None
    beta = Decimal((found["beta"] or "1").replace(",", "."))
    return risky_rate(beta, free=FREE_RATE, premium=RISK_PREMIUM)


def read_schedule(raw: Any) -> DiscountSchedule:
    """Read a schedule: its name, a text of steps, or a list of tables with `rate` and `until`.

    Every step but the last says its last year, and these years rise.
    """
    if isinstance(raw, DiscountSchedule):
        return raw
    if isinstance(raw, str) and raw.strip().casefold() in _NAMED:
        return _NAMED[raw.strip().casefold()]
    items = raw if isinstance(raw, Sequence) and not isinstance(raw, str) else str(raw).split(";")
    steps = tuple(_read_step(item, raw) for item in items)
    if not steps:
        raise CellFault("schedule_not_readable", found=str(raw)[:60])
    ends = [step.until for step in steps[:-1]]
    known = [end for end in ends if end]
    rising = all(a < b for a, b in itertools.pairwise(known))
    if len(known) < len(ends) or not rising or steps[-1].until is not None:
        raise CellFault("schedule_not_readable", found=str(raw)[:60])
    return DiscountSchedule(steps)


def _read_step(item: Any, raw: Any) -> RateStep:
    if isinstance(item, Mapping):
        if not {"rate"} <= set(item) <= {"rate", "until"}:
            raise CellFault("schedule_not_readable", found=str(raw)[:60])
        until = item.get("until")
        return RateStep(read_rate(item["rate"]), None if until is None else read_whole(until))
    found = _STEP.match(str(item).strip())
    if found is None:
        raise CellFault("schedule_not_readable", found=str(raw)[:60])
    until = found["until"]
    return RateStep(read_rate(found["rate"].strip()), None if until is None else int(until))


def said_as_schedule(settings: Any) -> Any:
    """Return the settings with a rate that names a schedule set apart: its first rate, its steps.

    What cannot be read is left as it is, to be told by the reader of the cell; so is a schedule
    declared beside the rate, held against it by `schedule_disagrees`.
    """
    raw = settings.get("discount_rate") if isinstance(settings, Mapping) else None
    if isinstance(raw, str) and (rate := french_rate(raw)) is not None:
        return {**settings, "discount_rate": rate}
    if raw is None and isinstance(settings, Mapping) and settings.get("discount_schedule"):
        raw = settings["discount_schedule"]
    elif not _names_a_schedule(raw):
        return settings
    own = settings.get("discount_schedule")
    try:
        schedule = read_schedule(raw)
    except CellFault:
        return {**settings, "discount_rate": Decimal(0), "discount_schedule": raw}
    return {
        **settings,
        "discount_rate": schedule.steps[0].rate,
        "discount_schedule": schedule if own in (None, "") else own,
    }


def _names_a_schedule(raw: Any) -> bool:
    if isinstance(raw, str):
        return raw.strip().casefold() in _NAMED or ";" in raw
    return isinstance(raw, (list, tuple))


def schedule_disagrees(settings: Any) -> CellFault | None:
    """Return what is wrong with a rate and a schedule that are both declared and disagree.

    The amounts would follow the schedule, and the rate that is printed would be another. What
    cannot be read is for the reader of its cell to tell.

    Parameters
    ----------
    settings : mapping
        As they were typed.

    Returns
    -------
    CellFault or None
        `rate_against_schedule`.

    Examples
    --------
    >>> schedule_disagrees({"discount_rate": "4.5 %", "discount_schedule": "green_book"}).code
    'rate_against_schedule'
    """
    if not isinstance(settings, Mapping):
        return None
    raw, own = settings.get("discount_rate"), settings.get("discount_schedule")
    if raw in (None, "") or own in (None, ""):
        return None
    try:
        schedule = read_schedule(own)
        if _names_a_schedule(raw):
            agree = read_schedule(raw) == schedule
        else:
            agree = _one_rate(raw) == schedule.steps[0].rate
    except CellFault:
        return None
    if agree:
        return None
    return CellFault(
        "rate_against_schedule",
        found=typed_text(raw),
        schedule=typed_text(own),
        rate=float(schedule.steps[0].rate),
    )


def _one_rate(raw: Any) -> Decimal:
    french = french_rate(raw) if isinstance(raw, str) else None
    return read_rate(raw) if french is None else french


def unusual_rates(settings: Mapping[str, Any]) -> tuple[tuple[str, Decimal], ...]:
    """Return the rates, among those read, that nobody discounts at: the setting, the rate.

    Under zero, later years would count for more than today; over the largest, the number is most
    often ten times what was meant.
    """
    rate, schedule = settings.get("discount_rate"), settings.get("discount_schedule")
    held = [("discount_rate", rate)] if isinstance(rate, Decimal) else []
    if isinstance(schedule, DiscountSchedule):
        held += [("discount_schedule", s.rate) for s in schedule.steps if s.rate != rate]
    return tuple((key, own) for key, own in held if not 0 <= own <= LARGEST_RATE)
