"""Several studies read together: what was pooled, what was left apart and why.

    portfolio_blocks(portfolio, title=None)     the whole consolidated report

Only what `results.json` files say is used; the pooled sentence obeys the lowest evidence level
among the studies pooled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from impact_eval.core.estimate import Effect
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.core.inference import smallest_detectable_effect
from impact_eval.core.vocabulary import Direction
from impact_eval.portfolio.portfolio import Entry, Pooling, Portfolio
from impact_eval.report.blocks import (
    AnyBlock,
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
from impact_eval.report.figures.effects import Interval, data_for_portfolio_forest
from impact_eval.report.narrative import evidence_block, headline_number
from impact_eval.report.quantities import digits_for, unit_of
from impact_eval.report.wording import (
    Result,
    caution_sentences,
    main_sentence,
    pick,
    said,
)


def portfolio_blocks(portfolio: Portfolio, title: Said | None = None) -> list[AnyBlock]:
    """Return the consolidated report of a portfolio.

    Parameters
    ----------
    portfolio : Portfolio
    title : words, optional
    """
    heading = title if title is not None else say("portfolio.title")
    studies = list(dict.fromkeys(entry.study for entry in portfolio.entries))
    out: list[AnyBlock] = [
        Heading(level=1, words=heading, anchor="title"),
        Heading(level=2, words=say("report.section.summary"), anchor="summary"),
        Paragraph(words=(say("portfolio.sentence", n=len(studies), k=len(portfolio.outcomes)),)),
    ]
    pooled = [_pooling(portfolio, outcome) for outcome in portfolio.outcomes]
    known = [found for found in pooled if isinstance(found, Pooling)]
    if known:
        items = tuple(main_sentence(pooled_result(found)) for found in known)
        out.append(Messages(title=say("portfolio.messages"), items=items, ordered=True))
    out.append(Heading(level=2, words=say("portfolio.studies"), anchor="studies"))
    out.append(_studies_table(portfolio.entries))
    for outcome, found in zip(portfolio.outcomes, pooled, strict=True):
        out += _outcome_blocks(portfolio, outcome, found)
    return [*out, *_limits(known)]


def _pooling(portfolio: Portfolio, outcome: str) -> Pooling | ImpactEvalError:
    try:
        return portfolio.pooling(outcome)
    except ImpactEvalError as error:
        return error


def pooled_result(found: Pooling) -> Result:
    """Return a pooled outcome as a result, at the lowest evidence level of its studies."""
    first, p = found.included[0], found.pooled
    level = min(entry.evidence for entry in found.included)
    counts = {
        name: _sum([getattr(entry.effect, name) for entry in found.included])
        for name in ("n_treated", "n_comparison")
    }
    return Result(
        outcome=said(first.label),
        unit=unit_of(first.unit),
        effect=Effect(
            outcome=first.outcome,
            estimand=first.estimand,
            term="pooled",
            estimate=p.estimate,
            std_error=p.std_error,
            df=p.df,
            p_value=p.p_value,
            conf_low=p.conf_low,
            conf_high=p.conf_high,
            n_clusters=p.k,
            **counts,
        ),
        level=level,
        method=first.method,
        direction=Direction(first.direction),
        counterfactual=first.counterfactual,
        smallest_visible=smallest_detectable_effect(p.std_error, df=p.df),
        evidence={"level": level, "reasons": (), "would_raise": ()},
        primary=True,
    )


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [n for n in counts if n is not None]
    return sum(known) if len(known) == len(counts) else None


def _study_name(entry: Entry) -> Said:
    return say("portfolio.study", title=said(entry.title), territory=entry.territory)


def _studies_table(entries: Sequence[Entry]) -> Table:
    columns = (
        Column(key="study", label=say("label.study"), header=True),
        Column(key="outcome", label=say("label.outcome")),
        Column(key="estimate", label=say("effect.column_estimate"), form=Form.PLAIN),
        Column(key="interval", label=say("effect.column_interval", level=0.95), form=Form.PLAIN),
        Column(key="level", label=say("effect.column_level")),
    )
    rows = tuple(
        (
            _study_name(entry),
            said(entry.label),
            *_numbers(entry),
            say("effect.level_of", level=entry.evidence),
        )
        for entry in entries
    )
    return Table(caption=say("portfolio.caption"), columns=columns, rows=rows)


def _numbers(entry: Entry) -> tuple[Words, Words]:
    unit, e = unit_of(entry.unit), entry.effect
    if e.estimate is None or e.conf_low is None or e.conf_high is None:
        return say("report.absent_mark"), say("report.absent_mark")
    digits = digits_for(unit, e.conf_low, e.conf_high, e.estimate)
    return unit.change(e.estimate, digits), unit.brackets(e.conf_low, e.conf_high, digits)


def _outcome_blocks(
    portfolio: Portfolio, outcome: str, found: Pooling | ImpactEvalError
) -> list[AnyBlock]:
    label = next(said(e.label) for e in portfolio.entries if e.outcome == outcome)
    heading = Heading(level=2, words=say("report.section.outcome", outcome=label))
    if isinstance(found, ImpactEvalError):
        return [heading, Paragraph(words=tuple(_finding(f) for f in found.findings))]
    result = pooled_result(found)
    out: list[AnyBlock] = [
        heading,
        Paragraph(words=(main_sentence(result),), evidence_level=result.level),
        headline_number(result),
        evidence_block(result),
        _forest(found, result),
        Paragraph(words=(*_heterogeneity(found, result), *caution_sentences(result))),
    ]
    if found.excluded:
        items = tuple(
            say(
                "portfolio.left_apart",
                study=_study_name(excluded.entry),
                reason=_reason(excluded.reason.reason, dict(excluded.reason.values)),
            )
            for excluded in found.excluded
        )
        out.append(Messages(title=say("portfolio.left_apart_title"), items=items))
    return out


def _finding(finding: Finding) -> Words:
    return say(f"finding.{finding.code}", **dict(finding.values))


def _reason(code: str, values: dict[str, Any]) -> Words:
    return pick(f"reason.{code}", f"label.{code}", "reason.unknown", **values)


def _forest(found: Pooling, result: Result) -> AnyBlock:
    p = found.pooled
    rows = [
        Interval(_study_name(e), e.effect.estimate, e.effect.conf_low, e.effect.conf_high)
        for e in found.included
    ]
    pooled = Interval(say("figure.pooled"), p.estimate, p.conf_low, p.conf_high)
    prediction = None if p.k < 3 else (p.prediction_low, p.prediction_high)
    return data_for_portfolio_forest(rows, pooled, prediction, result.unit)


def _heterogeneity(found: Pooling, result: Result) -> list[Words]:
    p = found.pooled
    out = [say("portfolio.heterogeneity", i2=p.i2, k=p.k)]
    if p.k >= 3:
        between = result.unit.between(p.prediction_low, p.prediction_high, result.digits)
        out.append(say("portfolio.prediction", interval=between))
    return out


def _limits(known: Sequence[Pooling]) -> list[AnyBlock]:
    out: list[AnyBlock] = [
        Heading(level=2, words=say("report.section.limits"), anchor="limits"),
        Limitation(words=say("portfolio.limit_level")),
    ]
    if any(found.pooled.k < 5 for found in known):
        out.append(Limitation(words=say("portfolio.limit_few")))
    return out
