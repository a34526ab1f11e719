"""From results to blocks. Every builder takes the content of `results.json` and returns blocks.

    summary_blocks(results, decisions=())   the decision-maker's page
    flow_blocks(results)                    who was observed: keys `data.flow`
    effect_blocks(results)                  the result: keys `estimates`
    check_blocks(results)                   what was checked: key `checks`
    soft_outcome_blocks(results)            key `scores`   (see `narrative_soft`)
    value_blocks(results)                   key `value`    (see `narrative_value`)
    limit_blocks(results)                   what not to conclude: `estimates`, `findings`
    provenance_blocks(results)              keys `provenance`, `disclosure`, `data`
    report_blocks(results, decisions=())    all of them, in the order of the report

`results` is the mapping that `StudyResults.to_dict()` returns; a section that is missing or empty
gives no block. Blocks hold codes and values: the same list is exported in every language.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.vocabulary import Unit as Vocabulary
from impact_eval.designs import designs
from impact_eval.report.blocks import (
    WITHHELD,
    AnyBlock,
    Column,
    Decision,
    Evidence,
    Form,
    Heading,
    Messages,
    Note,
    Number,
    Paragraph,
    Said,
    Table,
    say,
)
from impact_eval.report.figures.effects import (
    EventPoint,
    Interval,
    data_for_effect_forest,
    data_for_event_study,
)
from impact_eval.report.figures.people import Step, data_for_flow
from impact_eval.report.narrative_checks import check_blocks, check_message, headline_outcome
from impact_eval.report.narrative_limits import limit_blocks, provenance_blocks
from impact_eval.report.narrative_soft import soft_message, soft_outcome_blocks
from impact_eval.report.narrative_value import value_blocks, value_message
from impact_eval.report.quantities import period_words, unit_of
from impact_eval.report.wording import (
    CAUSAL_FROM,
    Result,
    Verdict,
    caution_sentences,
    headline_results,
    main_sentence,
    of_territories,
    pick,
    result_of,
    said,
    written,
)

Results = Mapping[str, Any]

KEY_MESSAGES = 3

__all__ = [
    "check_blocks",
    "effect_blocks",
    "flow_blocks",
    "limit_blocks",
    "provenance_blocks",
    "report_blocks",
    "soft_outcome_blocks",
    "summary_blocks",
    "title_blocks",
    "value_blocks",
]


def report_blocks(results: Results, decisions: Sequence[Said] = ()) -> list[AnyBlock]:
    """Return the whole report.

    Parameters
    ----------
    results : mapping
        The content of `results.json`.
    decisions : sequence of words
        What the steering committee decided, when it did.
    """
    return [
        *title_blocks(results),
        *summary_blocks(results, decisions),
        *flow_blocks(results),
        *effect_blocks(results),
        *check_blocks(results),
        *soft_outcome_blocks(results),
        *value_blocks(results),
        *limit_blocks(results),
        *provenance_blocks(results),
    ]


def title_blocks(results: Results) -> list[AnyBlock]:
    """Return the title."""
    return [Heading(level=1, words=said(results["study"]["title"]), anchor="title")]


# ------------------------------------------------------------------ the decision-maker's page


def summary_blocks(results: Results, decisions: Sequence[Said] = ()) -> list[AnyBlock]:
    """Return the one-page summary: the answer, its evidence, three messages, what to decide."""
    found = headline_results(results.get("estimates", ()))
    heading = Heading(level=2, words=say("report.section.summary"), anchor="summary")
    if not found:
        return [heading, Paragraph(words=(say("report.no_estimate"),))]
    main = found[0]
    return [
        heading,
        Paragraph(words=(main_sentence(main),), evidence_level=main.level),
        headline_number(
            main,
            _scale_of(results, main),
            results.get("data", {}).get("n_units"),
            territories=of_territories(results),
        ),
        evidence_block(main),
        Messages(
            title=say("report.section.key_messages"),
            items=tuple(_key_messages(results, main, found[1:])),
            ordered=True,
        ),
        *decision_blocks(main, decisions),
    ]


def _scale_of(results: Results, main: Result) -> Said | None:
    """Return what to read the headline against: the mean without the action, when it is known."""
    for record in results["estimates"]:
        if result_of(record) == main and main.counterfactual and _has_level(main):
            mean = record.get("mean_comparison")
            if mean is not None:
                return say("sentence.headline_scale", value=main.unit.level(mean, main.digits))
    return None


def _has_level(result: Result) -> bool:
    """Whether a level of the outcome can be read aloud: a logarithm cannot."""
    return result.unit.code != Vocabulary.LOG100


def headline_number(
    result: Result,
    reading: Said | None = None,
    n_units: int | None = None,
    *,
    territories: bool = False,
) -> Number:
    """Return the big number of a result, with what to read it against.

    Units that serve in the comparison before they are treated are counted once: never more than
    `n_units`.
    """
    effect, unit = result.effect, result.unit
    people = [n for n in (effect.n_treated, effect.n_comparison) if n is not None]
    bounds = [effect.conf_low, effect.conf_high]
    low, high = (None if v is None else unit.factor * v for v in bounds)
    named = unit.code not in (Vocabulary.NUMBER, Vocabulary.COUNT)
    return Number(
        label=result.outcome,
        value=WITHHELD if effect.estimate is None else unit.factor * effect.estimate,
        form=unit.form(result.digits),
        unit=unit.label() if named else None,
        low=low,
        high=high,
        conf_level=effect.conf_level,
        n=min(sum(people), n_units or sum(people)) if people else None,
        counted="territories" if territories else "people",
        reading=reading,
        headline=True,
        evidence_level=result.level,
    )


def evidence_block(result: Result) -> Evidence:
    """Return the evidence level of a result, its reasons and what would raise it."""
    return Evidence(
        level=result.level,
        reasons=tuple(say(f"evidence_reason.{c}") for c in result.evidence.get("reasons", ())),
        raise_by=tuple(say(f"evidence_raise.{c}") for c in result.evidence.get("would_raise", ())),
    )


def _key_messages(results: Results, main: Result, others: Sequence[Result]) -> list[Said]:
    """Return three sentences: who was observed, how to read the result, what else was found."""
    candidates = [
        *caution_sentences(main)[:1],
        value_message(results),
        soft_message(results),
        check_message(results, headline_outcome(results)),
        *(main_sentence(other) for other in others),
    ]
    found: list[Said] = [message for message in candidates if message is not None]
    return [_observed(results, main), *found[: KEY_MESSAGES - 1]]


def _observed(results: Results, main: Result) -> Said:
    period = period_words(results["study"].get("period"))
    treated, comparison = main.effect.n_treated, main.effect.n_comparison
    rows = "_territories" if of_territories(results) else ""
    n_units = results.get("data", {}).get("n_units")
    if treated and comparison:
        values = {"n_treated": treated, "n_comparison": comparison, "period": period}
        if n_units and treated + comparison > n_units:  # some compared before their own entry
            return say(f"sentence.observed_in_turn{rows}", n=n_units, **values)
        return say(f"sentence.observed{rows}", **values)
    if treated is None and main.counterfactual:  # both counts are withheld with a small one
        return say("report.number.n_withheld")
    return say(f"sentence.observed_alone{rows}", n=treated or n_units or 0, period=period)


def decision_blocks(result: Result, decisions: Sequence[Said] = ()) -> list[AnyBlock]:
    """Return what a result allows to decide: said by rule, from its level and its sign."""
    out: list[Decision] = [Decision(words=said(d), status="declared") for d in decisions]
    if result.level < CAUSAL_FROM:
        out.append(Decision(words=say("decide.use_practice"), status="supported"))
        ways = [
            f"evidence_raise.{code}"
            for code in result.evidence.get("would_raise", ())
            if written(f"evidence_raise.{code}")
        ]
        way = (
            say("decide.keep_measuring", way=say(ways[0]))
            if ways
            else say("decide.keep_measuring_plain")
        )
        out.append(Decision(words=way, status="open"))
        out.append(Decision(words=say("decide.no_attribution"), status="unsupported"))
    elif result.verdict in (Verdict.UP, Verdict.DOWN):
        if result.wanted is False:
            out.append(Decision(words=say("decide.review"), status="open"))
        else:
            words = say("decide.continue", level=result.level)
            out.append(Decision(words=words, status="supported"))
            out.append(Decision(words=say("decide.extend"), status="open"))
    else:
        out.append(Decision(words=say("decide.pool"), status="open"))
        out.append(Decision(words=say("decide.no_stop"), status="unsupported"))
    return list(out)


# ------------------------------------------------------------------ who was observed


def flow_blocks(results: Results) -> list[AnyBlock]:
    """Return the sample's flow: sentence, figure, table with the reasons."""
    steps = list(results.get("data", {}).get("flow", ()))
    heading = Heading(level=2, words=say("report.section.flow"), anchor="flow")
    if not steps:
        return [heading, Paragraph(words=(say("flow.none"),))]
    start, end = steps[0]["n"] + steps[0].get("dropped", 0), steps[-1]["n"]
    if start == end:
        return [heading, Paragraph(words=(say("flow.sentence_all", n=end),))]
    territories = of_territories(results)
    sentence = Paragraph(words=_flow_sentences(steps, start, end, territories=territories))
    figure = data_for_flow(
        [Step(_step(step["step"]), step["n"], step.get("dropped", 0)) for step in steps]
    )
    return [heading, sentence, figure, _flow_table(steps)]


def _flow_sentences(
    steps: Sequence[Mapping[str, Any]], start: int, end: int, *, territories: bool
) -> tuple[Said, ...]:
    """Return the flow in words; when a step counts people and no longer rows, no share is told."""
    same_unit = all(
        before["n"] == after["n"] + after.get("dropped", 0)
        for before, after in itertools.pairwise(steps)
    )
    if not same_unit:
        code = "flow.sentence_territories" if territories else "flow.sentence_units"
        return (say(code, start=start, n=end),)
    share = end / start if start else 0.0
    return (
        say("flow.sentence", start=start, n=end, share=share),
        say("flow.lost", n=start - end),
    )


def _step(code: str) -> Said:
    return pick(f"flow_step.{code}", f"label.{code}") if _known_step(code) else code


def _known_step(code: str) -> bool:
    return written(f"flow_step.{code}") or written(f"label.{code}")


def _flow_table(steps: Sequence[Mapping[str, Any]]) -> Table:
    columns = (
        Column(key="step", label=say("flow.step"), form=Form.LABEL, header=True),
        Column(key="n", label=say("flow.kept"), form=Form.INTEGER),
        Column(key="dropped", label=say("flow.dropped"), form=Form.INTEGER),
        Column(key="reason", label=say("flow.reason")),
    )
    rows = tuple(
        (
            _step(step["step"]),
            step["n"],
            step.get("dropped", 0),
            _drop_reason(step.get("reason")),
        )
        for step in steps
    )
    return Table(caption=say("flow.caption"), columns=columns, rows=rows)


def _drop_reason(code: str | None) -> Said:
    if code is None:
        return say("flow.no_reason")
    known = (f"flow_reason.{code}", f"reason.{code}", f"label.{code}")
    return pick(*known) if any(written(c) for c in known) else code


# ------------------------------------------------------------------ the result


def effect_blocks(results: Results) -> list[AnyBlock]:
    """Return the results: table, forest when units agree, event studies, the naive comparison."""
    records = list(results.get("estimates", ()))
    found = headline_results(records)
    if not found:
        return []
    out: list[AnyBlock] = [
        Heading(level=2, words=say("report.section.effect"), anchor="effect"),
        effect_table(found, territories=of_territories(results)),
    ]
    out += _forest(found)
    outcomes = [r for r in records if r.get("role", "main") == "main"]
    for record in sorted(outcomes, key=lambda r: not r.get("primary", False)):
        out += _outcome_blocks(record, records)
    for method in dict.fromkeys(r.method for r in found):
        out += method_blocks(method)
    return out


def effect_table(found: Sequence[Result], *, territories: bool = False) -> Table:
    """Return the table of headline results."""
    comparison = any(r.counterfactual for r in found)
    level = found[0].effect.conf_level
    estimate = "effect.column_estimate" if comparison else "effect.column_change"
    counted = "effect.column_n_territories" if territories else "effect.column_n"
    columns = (
        Column(key="outcome", label=say("label.outcome"), header=True),
        Column(key="estimate", label=say(estimate), form=Form.PLAIN),
        Column(key="interval", label=say("effect.column_interval", level=level), form=Form.PLAIN),
        Column(key="n_treated", label=say(counted), form=Form.INTEGER),
        Column(key="n_comparison", label=say("effect.column_comparison"), form=Form.INTEGER),
        Column(key="level", label=say("effect.column_level")),
    )
    rows = tuple(
        (
            r.outcome,
            r.change() if r.effect.estimate is not None else say("report.absent_mark"),
            _brackets(r),
            r.effect.n_treated,
            r.effect.n_comparison,
            say("effect.level_of", level=r.level),
        )
        for r in found
    )
    return Table(caption=say("effect.caption"), columns=columns, rows=rows)


def _brackets(result: Result) -> Said:
    low, high = result.effect.conf_low, result.effect.conf_high
    if low is None or high is None:
        return say("report.absent_mark")
    return result.unit.brackets(low, high, result.digits)


def _forest(found: Sequence[Result]) -> list[AnyBlock]:
    """Return one forest for outcomes that share a unit, when there are at least two of them."""
    unit = found[0].unit
    same = [r for r in found if r.unit == unit and r.effect.conf_low is not None]
    if len(same) < 2:
        return []
    rows = [
        Interval(r.outcome, r.effect.estimate, r.effect.conf_low, r.effect.conf_high) for r in same
    ]
    comparison = all(r.counterfactual for r in same)
    return [
        data_for_effect_forest(rows, unit, comparison=comparison, level=found[0].effect.conf_level)
    ]


def _outcome_blocks(
    record: Mapping[str, Any], records: Sequence[Mapping[str, Any]]
) -> list[AnyBlock]:
    result = result_of(record)
    out: list[AnyBlock] = [
        Heading(level=3, words=say("report.section.outcome", outcome=result.outcome)),
        Paragraph(words=(main_sentence(result),), evidence_level=result.level),
    ]
    cautions = caution_sentences(result)
    if result.wanted is not None:
        cautions.insert(0, say("sentence.wanted" if result.wanted else "sentence.unwanted"))
    if cautions:
        out.append(Paragraph(words=tuple(cautions)))
    known = record.get("mean_comparison") is not None
    if known and result.counterfactual and _has_level(result):
        level = result.unit.level(record["mean_comparison"], result.digits)
        words = say("sentence.mean_comparison", outcome=result.outcome, value=level)
        out.append(Paragraph(words=(words,)))
    for other in records:
        if other["outcome"] != record["outcome"]:
            continue
        if other.get("role") == "event":
            out += event_blocks(other, result.outcome)
        elif other.get("role") == "naive":
            out.append(_naive_note(other, result))
    return out


def event_blocks(record: Mapping[str, Any], outcome: Said) -> list[AnyBlock]:
    """Return the event-study figure of a record of role `event`."""
    bands = {row["key"]: row for row in record.get("bands", ())}
    points = []
    for row in record["estimate"]["effects"]:
        time = row["time"] if row.get("time") is not None else row.get("group")
        if time is None or row["term"] != "event":
            continue
        band = bands.get(f"event[{int(time)}]", {})
        has_error = row.get("conf_low") is not None
        points.append(
            EventPoint(
                int(time),
                row["estimate"],
                row.get("conf_low"),
                row.get("conf_high"),
                band.get("conf_low") if has_error else None,
                band.get("conf_high") if has_error else None,
            )
        )
    if len(points) < 2:
        return []
    level = record["estimate"]["effects"][0].get("conf_level", 0.95)
    return [data_for_event_study(points, unit_of(record.get("unit")), outcome, level=level)]


def _naive_note(record: Mapping[str, Any], main: Result) -> Note:
    naive = result_of(record)
    method = pick(f"method.{naive.method}.name", "label.method_other")
    return Note(
        words=say(
            "effect.naive",
            method=method,
            change=naive.unit.change(naive.effect.estimate or 0.0, main.digits),
            interval=naive.interval(),
        )
    )


def method_blocks(method: str) -> list[AnyBlock]:
    """Return how a result is computed: what is compared, what must be believed, what breaks it."""
    try:
        info = designs.get(method).info
    except ImpactEvalError:
        return []
    parts = [
        say(f"effect.{part}", words=say(f"method.{method}.{part}"))
        for part in ("compares", "believes", "breaks")
        if written(f"method.{method}.{part}")
    ]
    out: list[AnyBlock] = []
    if parts:
        out.append(
            Messages(
                title=say(
                    "effect.method_title",
                    method=pick(f"method.{method}.name", "label.method_other"),
                ),
                items=tuple(parts),
            )
        )
    believed = [
        say(f"assumption.{code}") for code in info.assumptions if written(f"assumption.{code}")
    ]
    if believed:
        out.append(Messages(title=say("report.section.assumptions"), items=tuple(believed)))
    return out
