"""An estimate on a screen: the result, what was compared, what to believe, what was noticed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from impact_eval.core.estimate import Effect, Estimate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.vocabulary import Direction, RowsAre
from impact_eval.designs import EstimatorInfo, designs
from impact_eval.diagnostics.refit import headline_effect
from impact_eval.report.blocks import (
    AnyBlock,
    Cell,
    Column,
    Form,
    Heading,
    Messages,
    Paragraph,
    Said,
    Table,
    Words,
    say,
)
from impact_eval.report.narrative_limits import OF_USUAL_MARGIN
from impact_eval.report.objects.remarks import named, noticed, reason_card
from impact_eval.report.quantities import ShownUnit, digits_for, unit_of
from impact_eval.report.wording import Result, main_sentence, pick, written
from impact_eval.results.stated import observed

MOST_ROWS = 8
EVENT = "event"
UNIT = unit_of("number")  # an estimate in memory does not say the unit of its outcome


def estimate_card(estimate: Estimate) -> list[AnyBlock]:
    """Return an estimate in words: never more than its design may support, before any check."""
    overall = overall_effect(estimate)
    info = _info(estimate.method.name)
    table = _rows(estimate)
    words = [say("shown.several", outcome=named(estimate.outcome), n=len(estimate.effects))]
    if overall is not None:
        words = [main_sentence(_result(overall, estimate)), *_precision(overall)]
        if overall.conf_low is not None and _few_independent(estimate):
            words.append(say("shown.few"))
    # a table leaves no room for what the design compares: its own estimate tells it
    facts: list[Said] = [*_counts(estimate, overall), *_detail(estimate)]
    facts += _method(estimate.method.name, info, short=bool(table))
    out: list[AnyBlock] = [
        Heading(level=3, words=_title(estimate)),
        Paragraph(words=tuple(words), evidence_level=2 if estimate.counterfactual else 1),
    ]
    if facts:
        out.append(Messages(items=tuple(facts)))
    return [*out, *table, *noticed(estimate.findings)]


def overall_effect(estimate: Estimate) -> Effect | None:
    """Return the one effect that answers the question, if the estimate has one."""
    effect = headline_effect(estimate)
    return effect if len(estimate.effects) == 1 or effect.key == "att" else None


def _few_independent(estimate: Estimate) -> bool:
    """Whether few are independent: the usual margin would be too narrow, others may hold."""
    return any(finding.code in OF_USUAL_MARGIN for finding in estimate.findings)


def _title(estimate: Estimate) -> Words:
    name = estimate.method.name
    method = pick(f"method.{name}.name", "label.method_other")
    return say("shown.estimate", outcome=named(estimate.outcome), method=method)


def _info(method: str) -> EstimatorInfo | None:
    try:
        return designs.get(method).info
    except ImpactEvalError:  # made by hand, or by a pool of studies
        return None


def _result(effect: Effect, estimate: Estimate) -> Result:
    """Return what the sentences of the report read: an association until checks say more."""
    placed = estimate.counterfactual and effect.key != effect.term  # one cell, not the whole
    return Result(
        outcome=named(f"{estimate.outcome}, {effect.key}" if placed else estimate.outcome),
        unit=UNIT,
        effect=effect,
        level=2 if estimate.counterfactual else 1,
        method=estimate.method.name,
        direction=Direction.NEITHER,
        counterfactual=estimate.counterfactual,
        smallest_visible=None,
        smallest_useful=None,
        evidence=None,
        primary=False,
        withheld=False,
        counted=RowsAre.PEOPLE,
        clusters=RowsAre.PEOPLE,
    )


def _precision(effect: Effect) -> list[Words]:
    if effect.conf_low is None or effect.p_value is None:
        return []
    return [say("shown.precision", level=effect.conf_level, p=effect.p_value)]


def _counts(estimate: Estimate, overall: Effect | None) -> list[Said]:
    effect = overall or estimate.effects[0]
    treated, comparison, clusters = effect.n_treated, effect.n_comparison, effect.n_clusters
    told: list[Said] = []
    if treated is not None and comparison is not None:
        told.append(say("shown.compared", n_treated=treated, n_comparison=comparison))
    elif treated is not None:
        told.append(say("shown.observed", n=treated))
    if clusters is not None and clusters != observed(treated, comparison, None):
        told.append(say("shown.clusters", n=clusters))
    return [joined(told)] if told else []


def joined(parts: Sequence[Said]) -> Said:
    """Return sentences that follow each other as one item of a list."""
    out = parts[0]
    for part in parts[1:]:
        out = say("shown.joined", first=out, second=part)
    return out


def _detail(estimate: Estimate) -> list[Said]:
    aggregator = estimate.aggregator
    if aggregator is None or len(estimate.effects) < 2:
        return []
    code = "shown.cells_event" if EVENT in aggregator.kinds else "shown.cells"
    return [say(code, n=len(estimate.effects))]


def _method(name: str, info: EstimatorInfo | None, *, short: bool) -> list[Said]:
    if info is None:
        return []
    out: list[Said] = []
    if not short and written(f"method.{name}.compares"):
        out.append(say("effect.compares", words=say(f"method.{name}.compares")))
    known = [code for code in info.assumptions if written(f"assumption.{code}")]
    if known:
        out.append(say("effect.believes", words=say(f"assumption.{known[0]}")))
    level = info.evidence_ceiling
    code = "shown.ceiling" if info.counterfactual else "shown.ceiling_change"
    return [*out, say(code, level=level, name=say(f"report.level.name.{level}"))]


# ------------------------------------------------------------------ several rows


def _rows(estimate: Estimate) -> list[AnyBlock]:
    """Return the rows of an aggregation as a table: those nearest to entry when they are many."""
    rows = [e for e in estimate.effects if e is not overall_effect(estimate)]
    if not rows or estimate.aggregator is not None:
        return []
    kept = rows[:MOST_ROWS]
    if all(_number(_when(row)) is not None for row in rows) and rows[0].term == EVENT:
        nearest = sorted(rows, key=lambda row: abs(_number(_when(row)) or 0.0))[:MOST_ROWS]
        kept = [row for row in rows if row in nearest]
    digits = max(digits_for(UNIT, e.conf_low, e.conf_high, e.estimate) for e in kept)
    left = len(rows[len(kept) :])
    columns = (
        Column(key="row", label=_head(rows[0].term), header=True),
        Column(key="estimate", label=_column(estimate), form=Form.PLAIN),
        Column(key="interval", label=_interval_head(kept[0]), form=Form.PLAIN),
    )
    return [
        Table(
            caption=say("shown.rows_of", outcome=named(estimate.outcome)),
            columns=columns,
            rows=tuple(_cells(row, UNIT, digits) for row in kept),
            notes=(say("shown.more_rows", n=left),) if left else (),
        )
    ]


def _column(estimate: Estimate) -> Words:
    return say("effect.column_estimate" if estimate.counterfactual else "effect.column_change")


def _interval_head(effect: Effect) -> Words:
    return say("effect.column_interval", level=effect.conf_level)


def _cells(row: Effect, unit: ShownUnit, digits: int) -> tuple[Cell, ...]:
    told: Cell = say("report.absent_mark")
    if row.estimate is not None:
        told = unit.change(row.estimate, digits)
    ends: Cell = say("report.absent_mark")
    if row.conf_low is not None and row.conf_high is not None:
        ends = unit.brackets(row.conf_low, row.conf_high, digits)
    elif row.estimate == 0 and row.term == EVENT:
        ends = say("label.event_reference")
    return (_place(row), told, ends)


def _when(row: Effect) -> float | str | None:
    return row.group if row.time is None else row.time


def _number(value: float | str | None) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _place(row: Effect) -> Cell:
    when = _when(row)
    if row.term not in _HEADS or when is None:
        return named(row.key)
    return say("shown.plain", x=when if isinstance(when, (int, float)) else named(when))


_HEADS: Mapping[str, str] = MappingProxyType(
    {
        EVENT: "effect.column_event_time",
        "group": "effect.column_group",
        "calendar": "effect.column_period",
    }
)


def _head(term: str) -> Words:
    return say(_HEADS.get(term, "shown.row"))


# ------------------------------------------------------------------ one row


def effect_card(effect: Effect) -> list[AnyBlock]:
    """Return one row: its number and its interval, without a verb that would attribute it."""
    digits = digits_for(UNIT, effect.conf_low, effect.conf_high, effect.estimate)
    value: Said = say("report.absent_mark")
    if effect.estimate is not None:
        value = UNIT.change(effect.estimate, digits)
    between: Said = say("report.no_interval")
    if effect.conf_low is not None and effect.conf_high is not None:
        between = UNIT.between(effect.conf_low, effect.conf_high, digits)
    absent = reason_card(effect.reason) if effect.reason is not None else []
    words: list[Said] = [
        say(
            "shown.effect",
            outcome=named(effect.outcome),
            row=named(effect.key),
            value=value,
            interval=between,
        ),
        *_precision(effect),
    ]
    if effect.n_treated is not None and effect.n_comparison is not None:
        words.append(
            say("shown.compared", n_treated=effect.n_treated, n_comparison=effect.n_comparison)
        )
    return [Paragraph(words=tuple(words)), *absent]


BUILDERS: Mapping[str, Callable[..., list[AnyBlock]]] = MappingProxyType(
    {"Effect": effect_card, "Estimate": estimate_card}
)
