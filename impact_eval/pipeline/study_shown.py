"""A study file on a screen: what is asked, on which data, by which method; nothing computed."""

from __future__ import annotations

from impact_eval.pipeline.study_models import StudyFile, in_both_languages
from impact_eval.report.blocks import AnyBlock, Heading, Messages, Said, say
from impact_eval.report.objects.remarks import known, named
from impact_eval.report.quantities import period_words
from impact_eval.report.wording import said

MOST_OUTCOMES = 6


def study_card(declaration: StudyFile) -> list[AnyBlock]:
    """Return the declaration of a study in a few lines."""
    study = declaration.study
    facts: list[Said] = [
        said(in_both_languages(study.action)),
        say("shown.studied", period=period_words([str(day) for day in study.period])),
        say("shown.file", file=named(declaration.data.file)),
    ]
    if declaration.method is not None:
        name = declaration.method.name
        facts.append(say("shown.by", method=known(name, f"method.{name}.name")))
    shown = [
        said(in_both_languages(outcome.label)) for outcome in declaration.outcomes[:MOST_OUTCOMES]
    ]
    facts.append(say("shown.outcomes", n=len(declaration.outcomes), names=shown))
    return [
        Heading(level=3, words=said(in_both_languages(study.title))),
        Messages(items=tuple(facts)),
    ]
