"""Guards of what a price is: money that changes hands, averages, whole lives (G4, G5, G6, G7).

A benefit that a budget no longer pays is lost by the one who received it, and a contribution is
paid by someone: typed as a resource saved or gained, either makes wealth out of nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from impact_eval.core.findings import Finding
from impact_eval.core.vocabulary import Direction
from impact_eval.value.account.books import Books
from impact_eval.value.account.line_words import (
    RESOURCES,
    TRANSFERS,
    counted_lines,
    figure_of_line,
    gains_of,
    kinds_of_line,
    price_words,
    same_count,
    same_effect,
    years_of,
)
from impact_eval.value.map.choices import PEOPLE, PUBLIC_AGENTS, Agent, Costing, LineKind
from impact_eval.value.map.declared import Line
from impact_eval.value.map.parameters import Parameter, catalogue
from impact_eval.value.map.prices import exact
from impact_eval.value.map.spoken_words import Subject, words_named

# a yearly price above this, for one unit over several years, is most often that of a whole life
LARGEST_YEARLY_PRICE = Decimal(100_000)
# taxpayers and « la collectivité » are names of the same purse
_PUBLIC_PURSES = PUBLIC_AGENTS | {Agent.TAXPAYERS, Agent.EVERYONE}
# what a value over a life contains, where it does not say: the parts of the catalogue's own
_PARTS_OF_A_LIFE = frozenset({"rsa", "unemployment", "health", "wage"})
_WORDS_OF_PARTS = (
    ("rsa", Subject.BENEFIT),
    ("unemployment", Subject.OUT_OF_WORK),
    ("health", Subject.HEALTH),
    ("wage", Subject.WAGE),
)


# --- money that changes hands (G4) --------------------------------------------------------------


def check_transfers(account: Books) -> Iterable[Finding]:
    """G4: a transfer typed as a resource, and a cost or a gain typed with a minus sign."""
    lines = [line for line, _ in counted_lines(account)]
    for line in lines:
        figure = figure_of_line(line)
        if figure is not None and figure.kind in TRANSFERS and not kinds_of_line(line) <= TRANSFERS:
            yield Finding.warning(
                "guard_transfer_turned_resource", blocks=True, line=line.id, name=figure.id
            )
            continue
        for words in _moved(line, figure):
            yield Finding.warning(
                "guard_transfer_as_resource", blocks=True, line=line.id, name=words
            )
            break
        else:
            yield from _beside_an_income(line, lines)
        if _cost_below_zero(line):
            yield Finding.warning("guard_cost_below_zero", blocks=True, line=line.id)
        if _gain_below_zero(line):
            yield Finding.warning("guard_gain_below_zero", blocks=True, line=line.id)


def _moved(line: Line, figure: Parameter | None) -> Iterable[str]:
    """Yield the words that name money moved, in a line or a flow that is typed as a resource."""
    if line.price.bundle:
        for flow in line.price.bundle:
            if flow.kind in RESOURCES:
                yield from _flow_words(flow.name)
        return
    if line.price.kind not in RESOURCES:
        return
    family = line.guards.family
    if family and family.casefold() in _moved_families():
        yield family
    priced = figure is not None and figure.kind in RESOURCES
    saving = line.price.kind is LineKind.AVOIDED_COST or line.price.receiver in PUBLIC_AGENTS
    texts = (line.price.proxy_source, line.price.proxy_unit)
    everything = (*texts, line.outcome)
    if words_named(Subject.UPKEEP, everything):
        return
    earned = not saving and _earned(line, everything)
    for cells in (() if earned else texts, () if priced or earned else (line.outcome,)):
        aside = (Subject.PEOPLE,) if saving else (Subject.PEOPLE, Subject.LEAVING)
        for subject in (Subject.BENEFIT, Subject.LEVY):
            found = words_named(subject, cells, aside)
            if found:
                yield found
    if saving and not priced:
        found = words_named(Subject.OUT_OF_WORK, everything, (Subject.PEOPLE,))
        if found:
            yield found
        yield from _words_of_a_body(line, texts)


def _words_of_a_body(line: Line, texts: Iterable[str]) -> Iterable[str]:
    """Yield words that name money moved where a public body is the one who pays or receives."""
    aside = (Subject.PEOPLE, Subject.OF_SERVICES)
    # a cost that is said to be marginal or average was looked at: its source may name a service
    cells = (line.outcome,) if line.guards.costing is not None else (*texts, line.outcome)
    subjects = [Subject.PAID_OUT]
    if line.price.kind is LineKind.RESOURCE_GAIN:
        subjects.append(Subject.TAKEN_IN)
    for subject in subjects:
        found = words_named(subject, cells, aside)
        if found:
            yield found


def _beside_an_income(line: Line, lines: Iterable[Line]) -> Iterable[Finding]:
    """Tell a gain of a public body on an effect that people earn or are paid for.

    What people gain by an effect is counted whole: what a body gains by it comes out of their
    pockets, whatever its name. An avoided cost may be real: it is asked about until its costing
    is declared.
    """
    price = line.price
    figure = figure_of_line(line)
    if line.price.bundle or (figure is not None and figure.kind in RESOURCES):
        return
    gains = price.kind is LineKind.RESOURCE_GAIN and price.receiver in _PUBLIC_PURSES
    saves = price.kind is LineKind.AVOIDED_COST and price.payer in _PUBLIC_PURSES
    if not gains and not (saves and line.guards.costing is None):
        return
    earned = [other for other in lines if other.id != line.id and _is_income(other)]
    measured = [other for other in earned if same_effect(line, other)]
    counted = [other for other in earned if same_count(line, other)]
    texts = (price.proxy_source, price.proxy_unit, line.outcome)
    served = bool(words_named(Subject.UPKEEP, texts))
    if measured and gains and not served and price.receiver is not Agent.EVERYONE:
        yield Finding.warning(
            "guard_transfer_as_resource", blocks=True, line=line.id, name=line.outcome
        )
    elif measured or (gains and counted):
        other = (measured or counted)[0]
        yield Finding.warning(
            "guard_public_gain_beside_income", line=line.id, lines=[other.id, line.id]
        )


def _is_income(line: Line) -> bool:
    """Whether a line is money that people earn, or that moves between them and a body."""
    earns = any(
        kind is LineKind.RESOURCE_GAIN and who in PEOPLE - _PUBLIC_PURSES
        for kind, who in gains_of(line)
    )
    return earns or bool(kinds_of_line(line) & TRANSFERS)


def _earned(line: Line, texts: Iterable[str]) -> bool:
    """Whether words say that people earn, are better, or work: benefits are then a circumstance."""
    if line.price.receiver in PUBLIC_AGENTS:
        return False
    subjects = (Subject.WAGE, Subject.INCOME, Subject.JOB, Subject.WELLBEING, Subject.QALY)
    aside = (Subject.BENEFIT, Subject.PEOPLE, Subject.NOT_JOB)
    return any(words_named(subject, texts, aside) for subject in subjects)


def _flow_words(name: str) -> Iterable[str]:
    if name in _moved_flows():
        yield name
    for subject in (Subject.BENEFIT, Subject.LEVY):
        found = words_named(subject, (name,), (Subject.PEOPLE,))
        if found:
            yield found


@lru_cache(maxsize=1)
def _moved_families() -> frozenset[str]:
    """Return the families of the catalogue of which every figure is a transfer."""
    kinds: dict[str, set[LineKind]] = {}
    for figure in catalogue().parameters.values():
        if figure.family and figure.kind is not None:
            kinds.setdefault(figure.family, set()).add(figure.kind)
    return frozenset(family for family, found in kinds.items() if found <= TRANSFERS)


@lru_cache(maxsize=1)
def _moved_flows() -> frozenset[str]:
    """Return the flows of the computed cases that are transfers."""
    flows = [flow for case in catalogue().cases.values() for flow in case.flows]
    return frozenset(flow.name for flow in flows if flow.kind in TRANSFERS)


def _cost_below_zero(line: Line) -> bool:
    """Whether a cost is typed with a minus sign: two minus signs make a gain."""
    declared, price = line.quantity.declared, line.price.proxy
    if line.price.kind is not LineKind.RESOURCE_COST or price is None:
        return False
    negative = price.value < 0
    return negative if declared is None else negative is not (declared.value < 0)


def _gain_below_zero(line: Line) -> bool:
    """Whether a gain or a saving has a price below zero, by a loss or by a slip of the pen.

    What has no market has no other way to say a loss (fatigue): there, only two minus signs, or a
    loss of what is counted as spared, make no sense.
    """
    declared, price = line.quantity.declared, line.price.proxy
    if line.price.kind not in RESOURCES or price is None or price.value >= 0:
        return False
    if line.price.kind is not LineKind.NON_MARKET:
        return True
    spared = line.quantity.direction is Direction.LOWER
    return spared if declared is None else declared.value < 0


# --- averages (G5) ------------------------------------------------------------------------------


def check_averages(account: Books) -> Iterable[Finding]:
    """G5: a saving priced at the average; what one more really saves is less."""
    for line, _ in counted_lines(account):
        if LineKind.AVOIDED_COST not in kinds_of_line(line):
            continue
        words = words_named(Subject.AVERAGE, price_words(line), (Subject.MARGINAL,))
        figure = figure_of_line(line)
        marginal = line.guards.costing is Costing.MARGINAL
        if not marginal:
            known = line.guards.costing is Costing.AVERAGE
            yield Finding.warning("guard_average_cost", line=line.id, known=known)
        elif figure is not None and figure.costing is Costing.AVERAGE:
            yield Finding.warning("guard_average_said_marginal", line=line.id, name=figure.id)
        elif words:
            yield Finding.warning("guard_average_said_marginal", line=line.id, name=words)
        cashable = line.price.cashable
        if cashable is None:
            yield Finding.warning("cashable_unknown", line=line.id)
        elif cashable.value == 1 and (not marginal or words):
            yield Finding.warning("guard_average_recovered", line=line.id)


# --- whole lives (G6, G7) -----------------------------------------------------------------------


def check_lifetimes(account: Books) -> Iterable[Finding]:
    """G6: a value over a whole life that the line counts again every year."""
    for line, _ in counted_lines(account):
        if line.timing.lifetime or line.price.bundle:
            continue
        years, known = years_of(line), _whole_life(line)
        large = line.guards.basis is None and _yearly_price(line) >= LARGEST_YEARLY_PRICE
        if known and (years > 1 or line.price.per_year > 1):
            yield Finding.warning(
                "guard_lifetime_every_year", blocks=True, line=line.id, years=float(years)
            )
        elif known:
            yield Finding.warning("guard_lifetime_unsaid", line=line.id)
        elif large and years > 1:
            yield Finding.warning(
                "guard_price_of_a_life", line=line.id, amount=float(_yearly_price(line)),
                years=float(years),
            )  # fmt: skip


def check_parts(account: Books) -> Iterable[Finding]:
    """G7: a value that contains others, beside them."""
    lines = [line for line, _ in counted_lines(account)]
    for whole in lines:
        covers, life = _covers(whole), whole.timing.lifetime or bool(_whole_life(whole))
        inside = [
            part.id for part in lines if part.id != whole.id and _parts(part, spoken=life) & covers
        ]
        if inside:
            yield Finding.warning(
                "guard_lifetime_overlap", blocks=True, line=whole.id, lines=inside
            )


def _yearly_price(line: Line) -> Decimal:
    price = line.price
    with exact():
        return Decimal(0) if price.proxy is None else abs(price.proxy.value) * price.per_year


def _whole_life(line: Line) -> Parameter | bool:
    """Return the figure over a life that a line uses without saying so, or whether words say it."""
    figure, price = figure_of_line(line), line.price.proxy
    if figure is not None:
        return figure if figure.lifetime else False
    for other in catalogue().parameters.values():
        same = price is not None and other.lifetime and other.amount.value == price.value
        if same and other.currency == line.price.currency:
            return other
    texts = (*price_words(line), line.outcome)
    return bool(words_named(Subject.LIFETIME, texts, (Subject.NOT_LIFETIME,)))


def _covers(line: Line) -> frozenset[str]:
    if line.guards.covers:
        return frozenset(line.guards.covers)
    whole = _whole_life(line)
    if isinstance(whole, bool):
        return _PARTS_OF_A_LIFE if whole or line.timing.lifetime else frozenset()
    return frozenset(whole.covers)


def _parts(line: Line, *, spoken: bool) -> frozenset[str]:
    """Return what a line is a part of: its family, its flows; else, if asked, what words name."""
    if line.price.bundle:
        # a computed case holds a wage under the name of its flow
        flows = {flow.name for flow in line.price.bundle}
        return frozenset(flows | ({"wage"} if "gross_wage" in flows else set()))
    if line.guards.family:
        return frozenset({line.guards.family})
    if not spoken or line.timing.lifetime or _whole_life(line):
        return frozenset()
    texts = (line.price.proxy_source, line.outcome)
    aside = (Subject.PEOPLE, Subject.NOT_JOB)
    found = {part for part, subject in _WORDS_OF_PARTS if words_named(subject, texts, aside)}
    if line.price.receiver is not None and line.price.receiver not in PEOPLE:
        found -= {"wage"}
    return frozenset(found)
