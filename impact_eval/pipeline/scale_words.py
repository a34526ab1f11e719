"""What a scale is called and what may be done with it, in the words of a language."""

from __future__ import annotations

from impact_eval.report.texts import Texts
from impact_eval.survey.fact_words import FactText
from impact_eval.survey.scale import Response, Scale, WordingClass


def scale_title(scale: Scale, texts: Texts) -> str:
    """Return the name of a scale: its own where it is local, else that of the catalogue."""
    own = texts.words(dict(scale.name)) if scale.name else None
    return own or texts.first(f"instrument.{scale.id}.name", "cli.instruments.unnamed", id=scale.id)


def rights_words(scale: Scale, texts: Texts) -> str:
    """Return in a few words what may be done with a scale, and what the catalogue gives of it.

    « Questions fournies » is said only where every question has a text in the language.
    """
    if scale.local:
        return texts.say("scale_card.rights.own")
    wording = scale.rights.wording
    if wording is not WordingClass.SHIP:
        return texts.say(f"cli.rights.{wording.value}")
    if not scale.items:
        return texts.say("scale_card.rights.method")
    if scale.ships_wording(texts.language):
        return texts.say(f"cli.rights.{wording.value}")
    return texts.say("scale_card.rights.elsewhere")


def fact_words(fact: FactText, texts: Texts) -> str:
    """Return what a scale's file says of a fact, in the reader's language."""
    return texts.words(fact.by_language())


def own_word(scale: Scale, kind: str, name: str, texts: Texts) -> str:
    """Return the words of a part or of a band; a user's own scale keeps its own name for it."""
    code = f"label.{kind}.{name}"
    own = code if scale.local else f"label.{kind}.{scale.id}.{name}"
    return texts.first(own, code, "scale_card.part_unnamed", name=name)


def stem_words(scale: Scale, item: str, texts: Texts) -> str | None:
    """Return the neutral reminder of a question in the reader's language, None without one."""
    stem = scale.item(item).stem
    return None if stem is None else fact_words(stem, texts)


def answer_words(answer: Response, language: str) -> tuple[str, ...]:
    """Return how an answer is written in a language: the published label first."""
    return answer.fr if language == "fr" else answer.en
