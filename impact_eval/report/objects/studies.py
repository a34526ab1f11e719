"""Results, a portfolio and an account on a screen: what passed the gate, each with its caution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from impact_eval.core.findings import NotApplicable
from impact_eval.portfolio.portfolio import Entry, Portfolio
from impact_eval.report.blocks import (
    AnyBlock,
    Cell,
    Column,
    Form,
    Heading,
    Limitation,
    Messages,
    Paragraph,
    Said,
    Table,
    Words,
    say,
)
from impact_eval.report.narrative import value_of_study
from impact_eval.report.narrative_checks import check_message
from impact_eval.report.narrative_limits import finding_limits
from impact_eval.report.objects.remarks import MOST, known, named, noticed, sayable
from impact_eval.report.quantities import digits_for, unit_of
from impact_eval.report.wording import headline_results, main_sentence, said
from impact_eval.results.gate import release
from impact_eval.results.records import StudyResults
from impact_eval.value.account.doors import Account
from impact_eval.value.account.study_facts import NO_FACTS
from impact_eval.value.map.choices import Perspective
from impact_eval.value.readouts.standing import ValueStanding, standing_of

MOST_OUTCOMES, MOST_ROWS = 3, 8


def results_card(results: StudyResults) -> list[AnyBlock]:
    """Return a study's results: each outcome in the words its evidence allows.

    They pass the gate first: what is shown in a notebook leaves with it.
    """
    results = release(results).results
    found = headline_results(results.estimates)
    out: list[AnyBlock] = [Heading(level=3, words=said(results.study.title))]
    if not found:
        return [*out, Paragraph(words=(say("report.no_estimate"),))]
    for result in found[:MOST_OUTCOMES]:
        level = say("shown.level", level=result.level, name=say(_level(result.level)))
        words = (main_sentence(result), level)
        out.append(Paragraph(words=words, evidence_level=result.level))
    left = len(found[MOST_OUTCOMES:])
    facts: list[Said] = [say("shown.more_outcomes", n=left)] if left else []
    facts += [m for m in (check_message(results), value_of_study(results)) if m is not None]
    if facts:
        out.append(Messages(items=tuple(facts)))
    labels = {record.outcome: said(record.label) for record in results.headlines}
    limits = finding_limits(results.findings, labels)
    out += limits[:MOST]
    if limits[MOST:]:
        more = say("shown.more_findings", n=len(limits[MOST:]))
        out.append(Limitation(words=more, severity="info"))
    return out


def _level(level: int) -> str:
    return f"report.level.name.{level}"


def portfolio_card(portfolio: Portfolio) -> list[AnyBlock]:
    """Return a portfolio: one row per study and outcome, nothing pooled before it is asked."""
    studies = {entry.study for entry in portfolio.entries}
    title = say("shown.portfolio", n=len(studies), outcomes=len(portfolio.outcomes))
    out: list[AnyBlock] = [Heading(level=3, words=title)]
    rows = portfolio.entries[:MOST_ROWS]
    left = len(portfolio.entries[MOST_ROWS:])
    columns = (
        Column(key="study", label=say("label.study"), header=True),
        Column(key="outcome", label=say("label.outcome")),
        Column(key="estimate", label=say("shown.result"), form=Form.PLAIN),
        Column(key="interval", label=say("effect.column_interval", level=0.95), form=Form.PLAIN),
        Column(key="level", label=say("effect.column_level")),
    )
    if rows:
        out.append(
            Table(
                caption=say("shown.studies"),
                columns=columns,
                rows=tuple(_entry(entry) for entry in rows),
                notes=(say("shown.more_rows", n=left),) if left else (),
            )
        )
    return [*out, *noticed(portfolio.findings)]


def _entry(entry: Entry) -> tuple[Cell, ...]:
    effect, unit = entry.effect, unit_of(entry.unit.value)
    digits = digits_for(unit, effect.conf_low, effect.conf_high, effect.estimate)
    value: Cell = say("report.absent_mark")
    ends: Cell = say("report.absent_mark")
    if effect.estimate is not None:
        value = unit.change(effect.estimate, digits)
    if effect.conf_low is not None and effect.conf_high is not None:
        ends = unit.brackets(effect.conf_low, effect.conf_high, digits)
    level = say("effect.level_of", level=entry.evidence)
    return (said(entry.title), said(entry.label), value, ends, level)


def account_card(account: Account) -> list[AnyBlock]:
    """Return an account: who gains what, in present value, with the caution that goes with it.

    Where none may be told (a guard, an error that is not known, no effect clear of zero), what is
    put in and the reason.
    """
    settings = account.value_map.settings
    titled = bool(settings.title)
    title = say("shown.account_of", title=named(settings.title)) if titled else say("shown.account")
    standing = standing_of(account, NO_FACTS)
    if isinstance(standing, NotApplicable):
        reason = say(f"reason.{standing.reason}", **sayable(standing.values))
        cost = _money(float(account.inputs_present()), settings.currency)
        return [
            Heading(level=3, words=title),
            Paragraph(words=(say("value.not_told", reason=reason),)),
            Messages(items=(say("shown.cost", cost=cost),)),
            *noticed(account.findings),
        ]
    nets = {
        name: _money(float(amount), settings.currency)
        for name, amount in account.perspectives.items()
    }
    society, public = nets.pop(Perspective.SOCIETY.value), nets.pop(Perspective.PUBLIC.value)
    parties = [(known(name, f"agent.{name}", f"party.{name}"), net) for name, net in nets.items()]
    left = len(parties[MOST_ROWS:])
    facts: list[Said] = [
        say("shown.public", net=public),
        say("shown.cost", cost=_money(float(account.inputs_present()), settings.currency)),
        say("shown.horizon", years=account.horizon, lines=len(account.lines)),
    ]
    if standing is ValueStanding.HYPOTHESIS:
        facts.insert(0, say("value.note_hypothesis"))
    projected = account.projected_share
    if not isinstance(projected, NotApplicable):
        facts.append(say("shown.projected", share=float(projected)))
    table = Table(
        caption=say("shown.accounts"),
        columns=(
            Column(key="party", label=say("value.payer"), header=True),
            Column(key="net", label=say("value.net"), form=Form.PLAIN),
        ),
        rows=tuple(parties[:MOST_ROWS]),
        notes=(say("shown.more_rows", n=left),) if left else (),
    )
    return [
        Heading(level=3, words=title),
        Paragraph(words=(say("shown.net", net=society), say("value.no_interval"))),
        Messages(items=tuple(facts)),
        table,
        *noticed(account.findings),
    ]


def _money(amount: float, currency: str) -> Words:
    if currency == "EUR":
        return say("number.eur", x=amount)
    return say("shown.money", x=amount, currency=currency)


BUILDERS: Mapping[str, Callable[..., list[AnyBlock]]] = MappingProxyType(
    {
        "Account": account_card,
        "Portfolio": portfolio_card,
        "StudyResults": results_card,
    }
)
