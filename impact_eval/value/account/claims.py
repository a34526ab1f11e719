"""Guards of what a line claims: its quantity, its years, its people, its part (G1, G2, G8 to G13).

A quantity may be gross and said net, last beyond what was followed, or be multiplied by more
people than the effect was measured on.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.core.vocabulary import Unit
from impact_eval.value.account.books import Books, counted_flows, projected_share
from impact_eval.value.account.flow_ledger import horizon_of
from impact_eval.value.account.line_flows import observed_years
from impact_eval.value.account.line_words import (
    counted_lines,
    names_a_job,
    outcome_of,
    outcome_words,
    people_behind,
    price_of,
    receivers_of,
    stakeholder_of,
    years_of,
)
from impact_eval.value.account.quantity import LineQuantity
from impact_eval.value.map.choices import RECIPIENTS, Agent, LineKind, QuantitySource
from impact_eval.value.map.declared import Line
from impact_eval.value.map.prices import ONE, ZERO, decimal_of, exact, total
from impact_eval.value.map.spoken_words import Subject, words_named

# beyond, the total rests on people or on years that nobody followed
FARTHEST = Decimal(5)  # times the years observed
FEWEST_FAR_YEARS = Decimal(5)
LONGEST_FOLLOW_UP = Decimal(10)
# times the people accompanied and followed
PEOPLE_TOLD, PEOPLE_REFUSED = Decimal("1.5"), Decimal(10)
_LENGTH = re.compile(
    r"\d+\s*(?:mois|ans?|semaines?|jours?|months?|years?|weeks?|days?)\b", re.IGNORECASE
)
_SHARES = ("deadweight", "displacement", "attribution")


# --- quantities (G1, G2) ------------------------------------------------------------------------


def check_net(account: Books) -> Iterable[Finding]:
    """G1: a typed quantity whose words say that it is net, and a deadweight taken off it."""
    for line, quantity in counted_lines(account):
        share = line.adjustments.deadweight
        texts = (*outcome_words(line), line.indicator_source)
        if quantity.source is QuantitySource.DECLARED and share is not None and share.value > 0:
            words = words_named(Subject.NET, texts)
            if words:
                yield Finding.warning("guard_deadweight_on_net_words", line=line.id, name=words)


def check_gross(account: Books) -> Iterable[Finding]:
    """G2: a gross quantity with no deadweight; a share that takes the whole line off."""
    for line, quantity in counted_lines(account):
        for column in _SHARES:
            share = getattr(line.adjustments, column)
            if share is not None and share.value == 1:
                yield Finding.warning("guard_share_takes_all", line=line.id, column=column)
        if quantity.counterfactual or line.price.kind is LineKind.RESOURCE_COST:
            continue  # a cost that is not reduced makes nothing look better
        share = line.adjustments.deadweight
        if share is None or share.value == 0:
            yield Finding.warning(
                "guard_gross_without_deadweight",
                blocks=True,
                line=line.id,
                stated=share is not None,
                estimated=quantity.source is QuantitySource.ESTIMATE,
            )


# --- years (G8) ---------------------------------------------------------------------------------


def check_years(account: Books) -> Iterable[Finding]:
    """G8: what lies beyond the years observed, how far it goes, and whether it ever fades."""
    yield from _projected(account)
    yield from _lengths(account)


def check_stated_years(account: Books) -> Iterable[Finding]:
    """G8, of the years that the map states alone: no amount is asked."""
    yield from _follow_up_missing(account)
    yield from _lengths(account)


def _lengths(account: Books) -> Iterable[Finding]:
    settings = account.value_map.settings
    if settings.follow_up is not None and settings.follow_up > LONGEST_FOLLOW_UP:
        yield Finding.warning("guard_follow_up_long", years=float(settings.follow_up))
    for line, quantity in counted_lines(account):
        if line.timing.lifetime:
            continue
        years = years_of(line)
        with exact():
            seen = observed_years(line, account.value_map, quantity)
            beyond = line.timing.start - 1 + years - seen
        if years > max(FARTHEST * seen, FEWEST_FAR_YEARS):
            yield Finding.warning(
                "guard_projected_far", line=line.id, years=float(years), window=float(seen)
            )
        fades = line.timing.survival or line.timing.drop_off is not None
        if beyond >= ONE and years > ONE and not fades:
            yield Finding.warning("guard_never_fades", line=line.id, years=float(years))


def _projected(account: Books) -> Iterable[Finding]:
    share = projected_share(account)
    if isinstance(share, NotApplicable):
        return
    yield from _follow_up_missing(account)
    if share > 0:
        horizon = horizon_of(counted_flows(account))
        yield Finding.warning("guard_projected", share=float(share), horizon=horizon)


def _follow_up_missing(account: Books) -> Iterable[Finding]:
    """Tell a map that does not say how long people were followed; an event study says it itself."""
    if account.value_map.settings.follow_up is None and any(
        line.timing.follow_up is None and not quantity.profile and line.quantity.term != "event"
        for line, quantity in counted_lines(account)
    ):
        yield Finding.warning("follow_up_missing")


# --- parts of one effect (G10) ------------------------------------------------------------------


def check_parts_claimed(account: Books) -> Iterable[Finding]:
    """G10: parts that several lines claim of one effect, and that add up to more than the whole.

    Lines of one outcome with different prices add up what it is worth; those of the same price
    share it out.
    """
    claimed: dict[object, list[Line]] = defaultdict(list)
    for line, quantity in counted_lines(account):
        if quantity.source is QuantitySource.DECLARED and line.adjustments.attribution is not None:
            key = (stakeholder_of(line), outcome_of(line), price_of(line), line.timing.start)
            claimed[key].append(line)
    for lines in claimed.values():
        parts = [line.adjustments.attribution for line in lines]
        share = total(ONE - part.value for part in parts if part is not None)
        if len(lines) > 1 and share > 1:
            yield Finding.warning(
                "guard_attribution_over_one",
                blocks=True,
                line=lines[-1].id,
                lines=[line.id for line in lines],
                share=float(share),
            )


# --- displaced people (G11) ---------------------------------------------------------------------


def check_displacement(account: Books) -> Iterable[Finding]:
    """G11: an effect on employment with nobody displaced."""
    common = account.value_map.settings.pillar
    for line, _ in counted_lines(account):
        if line.price.kind is LineKind.RESOURCE_COST or not names_a_job(line, common):
            continue
        share = line.adjustments.displacement
        if share is None or share.value == 0:
            yield Finding.warning("guard_no_displacement", line=line.id, stated=share is not None)


# --- people (G13) -------------------------------------------------------------------------------


def check_people(account: Books) -> Iterable[Finding]:
    """G13: more people than were followed, or than there are people concerned."""
    yield from _beyond_eligible(account)
    for line, quantity in counted_lines(account):
        people = people_behind(line, account, quantity)
        observed = quantity.observed
        if people is None or not observed or people <= PEOPLE_TOLD * observed:
            continue
        yield Finding.warning(
            "guard_people_beyond_study",
            blocks=people > PEOPLE_REFUSED * observed,
            line=line.id,
            people=float(people),
            n=observed,
        )


def check_typed_people(account: Books, people: float | None) -> Iterable[Finding]:
    """G13: more people typed by hand than the action has.

    Of what one person has once (a job, a share of people), one more is one too many. Of anything
    else, only a number far beyond stops the totals: a person may relapse twice.
    """
    most = account.value_map.settings.people
    if most is None and people is not None:
        most = decimal_of(people)
    for line, quantity in counted_lines(account):
        counted = abs(quantity.value)
        if most is None or counted <= most or not _counts_the_accompanied(line, quantity):
            continue
        once = line.quantity.unit is Unit.SHARE or names_a_job(line, None)
        yield Finding.warning(
            "guard_people_beyond_action",
            blocks=once or counted > PEOPLE_REFUSED * most,
            line=line.id,
            people=float(counted),
            most=float(most),
        )


def _counts_the_accompanied(line: Line, quantity: LineQuantity) -> bool:
    """Whether a typed number is one of people accompanied, as far as its words say."""
    if quantity.source is not QuantitySource.DECLARED or line.price.kind is LineKind.RESOURCE_COST:
        return False
    if line.quantity.unit not in (Unit.COUNT, Unit.SHARE):
        return False
    theirs = stakeholder_of(line) is Agent.BENEFICIARY or receivers_of(line) & RECIPIENTS
    return bool(theirs) and not _several_each(line)


def _several_each(line: Line) -> str:
    """Return the words by which one person has several of what a line counts: nights, hours.

    A length of time is none: « être logé à 6 mois » is one each.
    """
    texts = (*outcome_words(line), line.price.proxy_unit)
    return words_named(Subject.SEVERAL_EACH, (_LENGTH.sub(" ", text) for text in texts))


def _beyond_eligible(account: Books) -> Iterable[Finding]:
    most = account.value_map.settings.eligible
    if most is None:
        return
    groups: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for line, quantity in counted_lines(account):
        people = _people_counted(line, account, quantity)
        if people > most:
            yield Finding.warning(
                "guard_more_people_than_eligible",
                blocks=True,
                line=line.id,
                people=float(people),
                eligible=most,
            )
        elif line.quantity.estimate and line.quantity.term:
            groups[line.quantity.estimate][line.quantity.term] = people
    for estimate, parts in groups.items():
        together = total(list(parts.values()))
        if together > most:
            yield Finding.warning(
                "guard_groups_beyond_eligible",
                blocks=True,
                outcome=estimate,
                people=float(together),
                eligible=most,
            )


def _people_counted(line: Line, account: Books, quantity: LineQuantity) -> Decimal:
    """Return the people a line is about: those of its effect, or as many as it counts."""
    people = people_behind(line, account, quantity)
    if people is not None:
        return people
    typed = total(list(line.quantity.people.values()))
    named = line.quantity.unit is Unit.COUNT and names_a_job(line, None)
    jobs = named and not _several_each(line)
    one_each = line.quantity.unit is Unit.SHARE or jobs
    return max(typed, abs(quantity.value)) if one_each else max(typed, ZERO)
