"""A sample, a scale, its scores on a screen: roles, counts, what left at each step; never a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from impact_eval.core.findings import NotApplicable
from impact_eval.data.sample import Sample
from impact_eval.designs.base import treated_and_comparison
from impact_eval.report.blocks import AnyBlock, Bilingual, Heading, Messages, Said, say
from impact_eval.report.objects.remarks import known, named, noticed, sayable
from impact_eval.report.typography import readable
from impact_eval.report.wording import pick, written
from impact_eval.results.estimates import FlowRecord
from impact_eval.results.stated import received, share
from impact_eval.survey.agreement_reading import RatingAgreement
from impact_eval.survey.fact_words import FACT_LANGUAGES
from impact_eval.survey.instrument_file import Instrument
from impact_eval.survey.scale import LOCAL, OWN, TOTAL, ScoringRule, WordingClass
from impact_eval.survey.scores import Scores


def sample_card(sample: Sample) -> list[AnyBlock]:
    """Return a sample: its shape, the roles of its columns, who left and why."""
    title = say(
        f"shown.shape.{sample.shape.value}",
        n=sample.n,
        units=sample.n_units,
        periods=sample.n_periods,
    )
    facts: list[Said] = [say(f"shown.rows_are.{sample.rows_are.value}"), *_roles(sample)]
    if sample.treated is not None:
        treated, comparison = treated_and_comparison(sample)
        facts.append(say("shown.compared", n_treated=treated, n_comparison=comparison))
    facts += _flow(sample)
    return [
        Heading(level=3, words=title),
        Messages(items=tuple(facts)),
        *noticed(sample.findings),
    ]


def _roles(sample: Sample) -> list[Said]:
    told = [
        say(f"shown.role.{role}", columns=[named(column) for column in columns])
        for role, columns in sample.roles.items()
    ]
    return [say("shown.roles", roles=told)] if told else []


def _flow(sample: Sample) -> list[Said]:
    """Return the flow in words: in all, then each step that left rows or people out."""
    steps = [FlowRecord.of(step) for step in sample.flow]
    start, end = received(steps[0]), steps[-1].n
    if start is None or end is None:
        return []
    if start == end:
        return [say("flow.sentence_all", n=end)]
    out: list[Said] = [say("flow.sentence", start=start, n=end, share=share(end, start))]
    who = sample.rows_are.value
    for step in steps:
        reason = step.reason or step.step
        why = known(reason, f"flow_reason.{reason}", f"reason.{reason}", f"label.{reason}")
        if step.dropped:
            out.append(say("shown.left", n=step.dropped, reason=why))
        if step.units_dropped:
            out.append(say(f"shown.left_{who}", n=step.units_dropped))
    return out


def scores_card(scores: Scores) -> list[AnyBlock]:
    """Return a scored scale: its range, its mean, how far to trust it."""
    title = known(scores.instrument, f"instrument.{scores.instrument}.name")
    if scores.scale != TOTAL:
        title = say("shown.subscale", name=title, part=named(scores.scale))
    facts: list[Said] = [
        say("shown.scored", n=scores.n, rows=len(scores.values)),
        say(
            "shown.range",
            low=scores.low,
            high=scores.high,
            items=len(scores.items),
            direction=say(f"portfolio.other_direction.{scores.direction.value}"),
        ),
    ]
    match scores.to_dict():  # without two answers there is no spread, and no error
        case {"mean": float(mean), "sd": float(sd)}:
            facts.append(say("shown.mean", mean=mean, sd=sd))
    facts.append(_reliability(scores))
    match scores.to_dict():
        case {"std_error_measurement": float(error)}:
            facts.append(say("shown.error", x=error))
    if scores.prorated:
        facts.append(say("shown.prorated", n=scores.prorated))
    if scores.subscales:
        facts.append(say("shown.subscales", names=[*map(named, scores.subscales)]))
    return [
        Heading(level=3, words=title),
        Messages(items=tuple(facts)),
        *noticed(scores.findings),
    ]


def _reliability(scores: Scores) -> Said:
    alpha = scores.reliability
    if isinstance(alpha, NotApplicable):
        codes = (f"reason.{alpha.reason}", f"finding.{alpha.reason}")
        return say("shown.no_alpha", reason=pick(*codes, codes[0], **sayable(alpha.values)))
    values = sayable({"alpha": alpha.value, "low": alpha.conf_low, "high": alpha.conf_high})
    return say("shown.alpha", **values)


def agreement_card(found: RatingAgreement) -> list[AnyBlock]:
    """Return the agreement of two scorings: how often alike, how far, and which one is higher."""
    facts: list[Said] = [
        say("shown.agreement.alike", exact=found.exact, within=found.within_one),
        say("shown.agreement.bias", bias=found.bias, low=found.bias_low, high=found.bias_high),
    ]
    icc = found.icc
    if not isinstance(icc, NotApplicable):
        values = {"value": icc.value, "low": icc.conf_low, "high": icc.conf_high}
        facts.append(say("shown.agreement.icc", **sayable(values)))
    return [
        Heading(level=3, words=say("shown.agreement.title", n=found.n)),
        Messages(items=tuple(facts)),
        *noticed(found.findings),
    ]


def instrument_card(scale: Instrument) -> list[AnyBlock]:
    """Return a scale: what it measures, how it counts, what may be done with it, who says so."""
    text = f"instrument.{scale.id}.text"
    facts: list[Said] = [say("shown.scale.about", text=say(text))] if _listed(scale, text) else []
    if not facts and scale.construct != LOCAL:
        facts.append(say("shown.scale.measures", construct=named(scale.construct)))
    if scale.items:
        answers = {"n": len(scale.items), "low": scale.low, "high": scale.high}
        facts.append(say("shown.scale.items", **answers))
    facts.append(_scoring(scale))
    facts.append(_rights(scale))
    facts.append(say(f"shown.scale.{_standing(scale)}"))
    facts.append(_citation(scale))
    return [Heading(level=3, words=_name(scale)), Messages(items=tuple(facts))]


def _listed(scale: Instrument, code: str) -> bool:
    """Whether a code is that of this scale: a user's own may bear the name of another."""
    return scale.listed and written(code)


def _name(scale: Instrument) -> Said:
    code = f"instrument.{scale.id}.name"
    if _listed(scale, code):
        return say(code)
    told = {language: named(name) for language, name in scale.name.items() if name.strip()}
    return Bilingual(**told) if told else named(scale.id)


def _scoring(scale: Instrument) -> Said:
    direction = say(f"portfolio.other_direction.{scale.direction.value}")
    low, high = scale.scoring.low, scale.scoring.high
    if low is not None and high is not None:
        return say("shown.scale.range", low=low, high=high, direction=direction)
    alone = scale.scoring.rule is ScoringRule.NONE
    return say(f"shown.scale.{'one_by_one' if alone else 'no_range'}", direction=direction)


def _rights(scale: Instrument) -> Said:
    if not scale.listed and scale.rights.terms == OWN:
        return say("shown.scale.own_rights")
    if not scale.items and scale.rights.wording is WordingClass.SHIP:
        return say("shown.scale.public_method")
    told = say(f"cli.rights.{scale.rights.wording.value}")
    if scale.rights.wording is WordingClass.SHIP:
        shipped = [language for language in FACT_LANGUAGES if scale.ships_wording(language)]
        if not shipped:
            told = say("scale_card.rights.elsewhere")
        elif len(shipped) < len(FACT_LANGUAGES):
            told = say(f"shown.scale.asked_in_{shipped[0]}")
    return say("shown.scale.rights", rights=told)


def _standing(scale: Instrument) -> str:
    where = "listed" if scale.listed else "local"
    return f"{where}_{'validated' if scale.validated else 'unproved'}"


def _citation(scale: Instrument) -> Said:
    if not scale.citation:
        return say("shown.scale.no_source")
    cited = readable(scale.citation).rstrip(".")
    if scale.doi:
        return say("shown.scale.source_doi", citation=cited, doi=readable(scale.doi))
    return say("shown.scale.source", citation=cited)


BUILDERS: Mapping[str, Callable[..., list[AnyBlock]]] = MappingProxyType(
    {
        "Instrument": instrument_card,
        "RatingAgreement": agreement_card,
        "Sample": sample_card,
        "Scores": scores_card,
    }
)
