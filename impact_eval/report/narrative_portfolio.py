"""Several studies read together: the pooled effect, each study, the prediction, who is apart."""

from __future__ import annotations

from impact_eval.core.findings import Finding
from impact_eval.portfolio.accounts_record import AccountsRecord
from impact_eval.portfolio.portfolio import CONF_LEVEL, UNSEEN, Entry, Excluded, Pooling
from impact_eval.report.blocks import (
    AnyBlock,
    Cell,
    Column,
    Form,
    Heading,
    Limitation,
    Messages,
    Number,
    Paragraph,
    Said,
    Table,
    Words,
    say,
)
from impact_eval.report.figures.effects import NamedInterval, data_for_portfolio_forest
from impact_eval.report.narrative_accounts import accounts_blocks, accounts_message, namer_of
from impact_eval.report.quantities import ShownUnit, digits_for, unit_of
from impact_eval.report.wording import CAUSAL_FROM, said, written

FEW_STUDIES = 10  # below it the variance between studies is barely known


def portfolio_blocks(found: Pooling, accounts: AccountsRecord | None = None) -> list[AnyBlock]:
    """Return the consolidated report of one outcome, and of the accounts of its studies.

    Parameters
    ----------
    found : Pooling
    accounts : AccountsRecord, optional
        Of the studies that have one; nothing is said of value without it.

    Returns
    -------
    list of block
        The level of evidence of the whole is the lowest of the studies pooled.
    """
    first = found.included[0]
    unit = unit_of(first.unit.value)
    level = min(entry.evidence for entry in found.included)
    digits = digits_for(unit, found.pooled.conf_low, found.pooled.conf_high, found.pooled.estimate)
    return [
        Heading(level=1, words=say("portfolio.title", outcome=said(first.label)), anchor="title"),
        Heading(level=2, words=say("report.section.summary"), anchor="summary"),
        Paragraph(words=_sentences(found, unit, digits, level), evidence_level=level),
        _number(found, unit, level),
        Messages(
            title=say("report.section.key_messages"),
            items=tuple(_messages(found, unit, digits, level)),
            ordered=True,
        ),
        *([] if accounts is None else accounts_message(accounts)),
        Heading(level=2, words=say("report.section.portfolio"), anchor="portfolio"),
        data_for_portfolio_forest(
            [_interval(entry, _named(found, entry)) for entry in found.included],
            NamedInterval(
                say("portfolio.pooled"),
                found.pooled.estimate,
                found.pooled.conf_low,
                found.pooled.conf_high,
            ),
            _next_study(found, level),
            unit,
        ),
        _studies(found),
        *_robustness(found, unit, digits),
        *([] if accounts is None else accounts_blocks(accounts)),
        Heading(level=2, words=say("report.section.limits"), anchor="limits"),
        *_limits(found, level),
    ]


def _next_study(found: Pooling, level: int) -> tuple[float, float] | None:
    """Return where a further study is expected; nothing is promised below attribution."""
    if level < CAUSAL_FROM:
        return None
    return found.pooled.prediction_low, found.pooled.prediction_high


def _named(found: Pooling, entry: Entry) -> Said:
    """Return the title of a study, with its short name where two share a title."""
    entries = (*found.included, *(excluded.entry for excluded in found.excluded))
    return namer_of({e.study: e.title for e in entries})(entry.study, entry.title)


def _interval(entry: Entry, name: Said) -> NamedInterval:
    effect = entry.effect
    return NamedInterval(name, effect.estimate, effect.conf_low, effect.conf_high)


def _sentences(found: Pooling, unit: ShownUnit, digits: int, level: int) -> tuple[Words, ...]:
    pooled = found.pooled
    clear = not pooled.conf_low <= 0 <= pooled.conf_high
    basis = "causal" if level >= CAUSAL_FROM else "change" if level <= 1 else "association"
    code = f"portfolio.sentence.{basis}" if clear else "portfolio.sentence.unclear"
    return (
        say(
            code,
            n=pooled.k,
            outcome=said(found.included[0].label),
            amount=unit.amount(pooled.estimate, digits),
            interval=unit.between(pooled.conf_low, pooled.conf_high, digits),
        ),
    )


def _number(found: Pooling, unit: ShownUnit, level: int) -> Number:
    pooled = found.pooled
    return Number(
        label=said(found.included[0].label),
        value=unit.factor * pooled.estimate,
        form=Form.SIGNED_1,
        unit=unit.label(),
        low=unit.factor * pooled.conf_low,
        high=unit.factor * pooled.conf_high,
        conf_level=CONF_LEVEL,
        headline=True,
        evidence_level=level,
    )


def _messages(found: Pooling, unit: ShownUnit, digits: int, level: int) -> list[Said]:
    pooled, ahead = found.pooled, _next_study(found, level)
    unseen = any(finding.code == UNSEEN for finding in found.findings)
    return [
        say("portfolio.message.studies", n=pooled.k, apart=len(found.excluded)),
        say("portfolio.message.no_prediction")
        if ahead is None
        else say("portfolio.message.prediction", interval=unit.between(*ahead, digits)),
        say("portfolio.message.unseen")
        if unseen
        else say("portfolio.message.heterogeneity", share=pooled.i2),
    ]


def _studies(found: Pooling) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for entry, weight in zip(found.included, found.pooled.weights.tolist(), strict=True):
        rows.append(
            (
                _named(found, entry),
                entry.territory,
                entry.effect.n_treated,
                say(f"method.{entry.method}.name"),
                entry.evidence,
                weight,
            )
        )
    return Table(
        caption=say("portfolio.caption_studies"),
        columns=(
            Column(key="study", label=say("label.study"), header=True),
            Column(key="territory", label=say("report.meta.territory")),
            Column(key="n", label=say("portfolio.column.n"), form=Form.INTEGER),
            Column(key="method", label=say("effect.column_method")),
            Column(key="evidence", label=say("portfolio.column.evidence"), form=Form.INTEGER),
            Column(key="weight", label=say("portfolio.column.weight"), form=Form.PERCENT),
        ),
        rows=tuple(rows),
    )


def _robustness(found: Pooling, unit: ShownUnit, digits: int) -> list[AnyBlock]:
    """Return what the pooled effect becomes without each study in turn."""
    if not found.without_each:
        return []
    items = tuple(
        say(
            "portfolio.without",
            study=_named(found, entry),
            amount=unit.amount(other.estimate, digits),
            interval=unit.between(other.conf_low, other.conf_high, digits),
        )
        for entry, other in zip(found.included, found.without_each, strict=True)
    )
    return [Messages(title=say("portfolio.without_title"), items=items)]


def _limits(found: Pooling, level: int) -> list[AnyBlock]:
    out: list[AnyBlock] = [Limitation(words=say(f"portfolio.limit.level{level}"))]
    if found.pooled.k < FEW_STUDIES:
        few = "few" if level >= CAUSAL_FROM else "few_below"
        out.append(Limitation(words=say(f"portfolio.limit.{few}", n=found.pooled.k)))
    out += [_noticed(finding) for finding in found.findings]
    out += [_apart(found, excluded) for excluded in found.excluded]
    return out


def _noticed(finding: Finding) -> Limitation:
    """Return what was noticed on the files: refused, same data, strong disagreement."""
    code, values = f"finding.{finding.code}", dict(finding.values)
    return Limitation(
        words=say(code, **values),
        repair=say(f"{code}.repair", **values) if written(f"{code}.repair") else None,
        severity=finding.severity.value,
    )


def _apart(found: Pooling, excluded: Excluded) -> Limitation:
    reason = excluded.reason
    values = {name: _in_words(reason.reason, str(v)) for name, v in reason.values.items()}
    return Limitation(
        words=say(
            "portfolio.limit.apart",
            study=_named(found, excluded.entry),
            reason=say(f"reason.{reason.reason}", **values),
        ),
        severity="info",
    )


def _in_words(reason: str, value: str) -> Said:
    """Return what a study has, in words: its unit, its direction, what it estimates, its scale."""
    if reason == "other_scale":
        name, _, version = value.partition(" ")
        known = f"instrument.{name}.name"
        scale = say(known) if written(known) else name or say("portfolio.no_scale")
        return say("portfolio.scale", scale=scale, version=version) if version else scale
    codes = (f"portfolio.{reason}.{value}", f"unit.{value}.name")
    return next((say(code) for code in codes if written(code)), value)
