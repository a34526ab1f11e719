"""From results to blocks. Every builder takes a `StudyResults` and returns the blocks of a section.

    summary_blocks(results, decisions=())   the decision-maker's page
    action_blocks(results)                  the action, the question (see `narrative_action`)
    flow_blocks(results)                    who was observed: `data.flow`
    effect_blocks(results)                  the result: `estimates`
    check_blocks(results)                   what was checked: `checks`
    soft_outcome_blocks(results)            `scores` (see `narrative_soft`)
    value_blocks(results)                   `value` (see `narrative_value`)
    limit_blocks(results)                   what not to conclude: `estimates`, `findings`
    provenance_blocks(results)              `provenance`, `disclosure`
    report_blocks(results, decisions=())    all of them, in the order of the report

Blocks hold codes and values: the same list is exported in every language. What the gate kept back
is said to be kept back: it is never a zero, a gap or a guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from impact_eval.core.vocabulary import Unit as Vocabulary
from impact_eval.report import narrative_value
from impact_eval.report.blocks import (
    WITHHELD,
    Absent,
    AnyBlock,
    Decision,
    Evidence,
    Heading,
    Messages,
    Number,
    Paragraph,
    Said,
    Withheld,
    say,
)
from impact_eval.report.edition import marked
from impact_eval.report.narrative_action import action_blocks
from impact_eval.report.narrative_checks import check_blocks, check_message, headline_outcome
from impact_eval.report.narrative_codes import code_blocks
from impact_eval.report.narrative_dossier import dossier_blocks
from impact_eval.report.narrative_effects import effect_blocks, has_level
from impact_eval.report.narrative_flow import flow_of
from impact_eval.report.narrative_limits import limit_blocks, provenance_blocks
from impact_eval.report.narrative_reading import reading_blocks
from impact_eval.report.narrative_soft import soft_message, soft_outcome_blocks
from impact_eval.report.quantities import period_words
from impact_eval.report.wording import (
    CAUSAL_FROM,
    Result,
    ZeroVerdict,
    caution_sentences,
    count_or_words,
    headline_results,
    main_sentence,
    of_territories,
    result_of,
    said,
    written,
)
from impact_eval.results.account_records import AccountSection
from impact_eval.results.records import StudyResults
from impact_eval.results.stated import observed

KEY_MESSAGES = 3

__all__ = [
    "action_blocks",
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


def report_blocks(results: StudyResults, decisions: Sequence[Said] = ()) -> list[AnyBlock]:
    """Return the whole report.

    Parameters
    ----------
    results : StudyResults
    decisions : sequence of words
        What the steering committee decided, when it did.
    """
    return [
        *title_blocks(results),
        *summary_blocks(results, decisions),
        *action_blocks(results),
        *flow_blocks(results),
        *effect_blocks(results),
        *check_blocks(results),
        *dossier_blocks(results),
        *soft_outcome_blocks(results),
        *value_blocks(results),
        *limit_blocks(results),
        *code_blocks(results),
        *provenance_blocks(results),
    ]


def title_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return the title."""
    title = Heading(level=1, words=said(results.study.title), anchor="title")
    return marked([title], results.disclosure)


def value_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return the account of social value; see `narrative_value`."""
    if results.value is None:
        return []
    level, labels = _value_context(results)
    blocks = narrative_value.account_blocks(results.value, level=level, labels=labels)
    return marked(blocks, results.disclosure)


def value_of_study(results: StudyResults) -> Said | None:
    """Return what the account of a study says in one sentence, at its level of evidence."""
    if results.value is None:
        return None
    level, labels = _value_context(results)
    return narrative_value.value_message(results.value, level=level, labels=labels)


def _value_context(results: StudyResults) -> tuple[int, Mapping[str, Said]]:
    """Return the lowest level of the effects the account stands on, and the outcomes' own words."""
    labels = {record.outcome: said(record.label) for record in results.headlines}
    if not isinstance(results.value, AccountSection):
        return 0, labels
    levels = {record.outcome: result_of(record).level for record in results.headlines}
    return narrative_value.value_level(results.value, levels), labels


# ------------------------------------------------------------------ the decision-maker's page


def summary_blocks(results: StudyResults, decisions: Sequence[Said] = ()) -> list[AnyBlock]:
    """Return the one-page summary: the answer, its evidence, three messages, what to decide."""
    found = headline_results(results.estimates)
    heading = Heading(level=2, words=say("report.section.summary"), anchor="summary")
    if not found:
        return marked([heading, *_without_estimate(results)], results.disclosure)
    main = found[0]
    blocks: list[AnyBlock] = [
        heading,
        Paragraph(words=(main_sentence(main),), evidence_level=main.level),
        headline_number(main, _scale_of(results, main), results.data.n_units),
        evidence_block(main),
        Messages(
            title=say("report.section.key_messages"),
            items=tuple(_key_messages(results, main, found[1:])),
            ordered=True,
        ),
        *decision_blocks(main, decisions),
    ]
    return marked(blocks, results.disclosure)


def _without_estimate(results: StudyResults) -> list[AnyBlock]:
    """Return the first page of a study that estimates nothing: the change of its score, if any."""
    nothing = Paragraph(words=(say("report.no_estimate"),))
    message = soft_message(results)
    if message is None:
        return [nothing]
    return [nothing, Paragraph(words=(message, say("soft.caution")), evidence_level=1)]


def _scale_of(results: StudyResults, main: Result) -> Said | None:
    """Return what to read the headline against: the mean without the action, when it is known."""
    mean = results.headlines[0].mean_comparison
    if mean is None or not main.counterfactual or not has_level(main):
        return None
    return say("sentence.headline_scale", value=main.unit.level(mean, main.digits))


def headline_number(
    result: Result,
    reading: Said | None = None,
    n_units: int | None = None,
) -> Number:
    """Return the big number of a result, with what to read it against.

    Units that serve in the comparison before they are treated are counted once: never more than
    `n_units`.
    """
    effect, unit = result.effect, result.unit
    bounds = [effect.conf_low, effect.conf_high]
    low, high = (None if v is None else unit.factor * v for v in bounds)
    named = unit.code not in (Vocabulary.NUMBER, Vocabulary.COUNT)
    return Number(
        label=result.outcome,
        value=_value(result),
        form=unit.form(result.digits),
        unit=unit.label() if named else None,
        low=low,
        high=high,
        conf_level=effect.conf_level,
        n=_observed_in_all(result, n_units),
        counted="territories" if of_territories(result) else "people",
        reading=reading,
        headline=True,
        evidence_level=result.level,
    )


def _value(result: Result) -> float | Withheld | Absent:
    """Return the number; one that could not be computed is absent, not kept back."""
    estimate = result.effect.estimate
    if estimate is not None:
        return result.unit.factor * estimate
    return WITHHELD if result.withheld else Absent(reason="effect_not_computed")


def _observed_in_all(result: Result, n_units: int | None) -> int | Withheld | None:
    """Return how many were observed; when one group is kept back, so is the sum."""
    effect = result.effect
    known = [n for n in (effect.n_treated, effect.n_comparison) if n is not None]
    if result.withheld or (result.counterfactual and len(known) == 1):
        return WITHHELD
    return observed(effect.n_treated, effect.n_comparison, n_units)


def evidence_block(result: Result) -> Evidence:
    """Return the evidence level of a result, its reasons and what would raise it."""
    found = result.evidence
    if found is None:
        return Evidence(level=result.level)
    return Evidence(
        level=result.level,
        reasons=tuple(say(f"evidence_reason.{code}") for code in found.reasons),
        raise_by=tuple(say(f"evidence_raise.{code}") for code in found.would_raise),
    )


def _key_messages(results: StudyResults, main: Result, others: Sequence[Result]) -> list[Said]:
    """Return three sentences: who was observed, how to read the result, what else was found."""
    candidates = [
        *caution_sentences(main)[:1],
        value_of_study(results),
        soft_message(results),
        check_message(results, headline_outcome(results)),
        *(main_sentence(other) for other in others),
    ]
    found: list[Said] = [message for message in candidates if message is not None]
    return [_observed(results, main), *found[: KEY_MESSAGES - 1]]


def _observed(results: StudyResults, main: Result) -> Said:
    period = period_words(results.study.period)
    treated, comparison = main.effect.n_treated, main.effect.n_comparison
    rows = "_territories" if of_territories(main) else ""
    n_units = results.data.n_units
    if treated and comparison:
        if n_units and treated + comparison > n_units:  # some compared before their own entry
            return say(
                f"sentence.observed_in_turn{rows}",
                n=n_units, n_treated=treated, n_comparison=comparison, period=period,
            )  # fmt: skip
        return say(
            f"sentence.observed{rows}", n_treated=treated, n_comparison=comparison, period=period
        )
    if main.withheld or (main.counterfactual and None in (treated, comparison)):
        return say("report.number.n_withheld")
    n = treated or n_units
    return say(f"sentence.observed_alone{rows}", n=count_or_words(n), period=period)


def decision_blocks(result: Result, decisions: Sequence[Said] = ()) -> list[AnyBlock]:
    """Return what a result allows to decide: said by rule, from its level and its sign."""
    out: list[Decision] = [Decision(words=said(d), status="declared") for d in decisions]
    if result.verdict is ZeroVerdict.WITHHELD:
        return [*out, Decision(words=say("decide.pool"), status="open")]
    if result.level < CAUSAL_FROM:
        out.append(Decision(words=say("decide.use_practice"), status="supported"))
        ways = [
            f"evidence_raise.{code}"
            for code in (result.evidence.would_raise if result.evidence else ())
            if written(f"evidence_raise.{code}")
        ]
        way = (
            say("decide.keep_measuring", way=say(ways[0]))
            if ways
            else say("decide.keep_measuring_plain")
        )
        out.append(Decision(words=way, status="open"))
        out.append(Decision(words=say("decide.no_attribution"), status="unsupported"))
    elif result.verdict in (ZeroVerdict.UP, ZeroVerdict.DOWN):
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


def flow_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return the sample's flow: sentence, figure, table with the reasons; what reading changed."""
    heading = Heading(level=2, words=say("report.section.flow"), anchor="flow")
    blocks = [heading, *flow_of(results), *reading_blocks(results.data)]
    return marked(blocks, results.disclosure)
