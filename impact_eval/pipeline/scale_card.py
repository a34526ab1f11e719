"""The card of a scale as a record: what is asked, how it is scored and read, and whose it is.

What a person needs who chooses a scale and puts it in a questionnaire. Words are chosen by who
shows it; here are the wordings that the rights allow, the codes, the numbers and their sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from impact_eval.core.vocabulary import Direction
from impact_eval.report.languages.language import language_codes
from impact_eval.survey.fact_words import FactText
from impact_eval.survey.instrument_file import Instrument
from impact_eval.survey.scale import (
    ChangeValue,
    CutOff,
    Norm,
    Response,
    Safeguard,
    Scale,
    Scoring,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedItem:
    """One question of a scale, at its place in the questionnaire.

    Attributes
    ----------
    number : int
        Its place in the default published order.
    id : str
    text : mapping of language to wording
        Only what the rights allow.
    stem : FactText or None
        A neutral reminder of what it is about, in both languages.
    reversed : bool
    weight : float
    low, high : int
    answers : tuple of Response
        Its own, where they are not those of the scale.
    asked_if, asked_unless : mapping of item to code
        Answers without which it is not asked; answers that, all together, end the questions.
    """

    number: int
    id: str
    text: Mapping[str, str]
    stem: FactText | None
    reversed: bool
    weight: float
    low: int
    high: int
    answers: tuple[Response, ...]
    asked_if: Mapping[str, int]
    asked_unless: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedOrder:
    """A published order of the questions, and the numbers of those that are reversed in it."""

    name: str
    items: tuple[str, ...]
    reversed: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalePart:
    """A part of a scale: its questions, its scoring, which way is better."""

    id: str
    items: tuple[str, ...]
    direction: Direction
    scoring: Scoring


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleCard:
    """All that the catalogue holds of a scale, in the order in which a person asks for it.

    Attributes
    ----------
    scale : Instrument
    ships : mapping of language to bool
        Whether every question has a text in that language.
    instruction : mapping of language to str
    questions : tuple of AskedItem
    orders : tuple of PublishedOrder
    parts : tuple of ScalePart
    """

    scale: Instrument
    ships: Mapping[str, bool]
    instruction: Mapping[str, str]
    questions: tuple[AskedItem, ...]
    orders: tuple[PublishedOrder, ...]
    parts: tuple[ScalePart, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the card as JSON."""
        scale = self.scale
        cutoffs: tuple[CutOff, ...] = scale.cutoffs
        norms: tuple[Norm, ...] = scale.norms
        change: tuple[ChangeValue, ...] = scale.change
        safeguards: tuple[Safeguard, ...] = scale.safeguards
        told: dict[str, Any] = {
            "id": scale.id,
            "version": scale.version,
            "language": scale.language,
            "construct": scale.construct,
            "items": len(scale.item_ids),
            "rights": {
                "wording": scale.rights.wording,
                "terms": scale.rights.terms,
                "holder": scale.rights.holder,
                "mark": scale.rights.mark,
            },
            "citation": scale.citation,
            "doi": scale.doi,
            "evidence": scale.evidence,
            "name": scale.name,
            "direction": scale.direction,
            "unit": scale.unit,
            "health": scale.health,
            "local": scale.local,
            "validated": scale.validated,
            "ships": self.ships,
            "instruction": self.instruction,
            "questions": self.questions,
            "answers": scale.responses,
            "low": scale.low,
            "high": scale.high,
            "orders": self.orders,
            "scoring": scale.scoring,
            "parts": self.parts,
            "cutoffs": cutoffs,
            "norms": norms,
            "change": change,
            "safeguards": safeguards,
            "unchecked": len(scale.unchecked),
        }
        return {name: _plain(value) for name, value in told.items()}


def scale_card(scale: Instrument) -> ScaleCard:
    """Return the card of a scale.

    Parameters
    ----------
    scale : Instrument

    Examples
    --------
    >>> from impact_eval.survey import instrument
    >>> card = scale_card(instrument("rses-fr"))
    >>> [(order.name, order.reversed) for order in card.orders]
    [('fr', (3, 5, 8, 9, 10)), ('en', (2, 5, 6, 8, 9))]
    """
    orders = scale.orders or {scale.language: scale.item_ids}
    return ScaleCard(
        scale=scale,
        ships={language: scale.ships_wording(language) for language in language_codes()},
        instruction=dict(scale.instruction.items()),
        questions=tuple(_asked(scale, n, name) for n, name in enumerate(scale.item_ids, start=1)),
        orders=tuple(
            PublishedOrder(
                name=name,
                items=items,
                reversed=tuple(n for n, i in enumerate(items, start=1) if scale.item(i).reversed),
            )
            for name, items in orders.items()
        ),
        parts=tuple(
            ScalePart(id=part.id, items=part.items, scoring=part.scoring,
                      direction=scale.direction_of(part.id))
            for part in scale.subscales
        ),
    )  # fmt: skip


def _asked(scale: Scale, number: int, name: str) -> AskedItem:
    item = scale.item(name)
    low, high = scale.bounds(name)
    texts = {code: scale.wording(name, code) for code in language_codes()}
    return AskedItem(
        number=number,
        id=name,
        text={language: text for language, text in texts.items() if text},
        stem=item.stem,
        reversed=item.reversed,
        weight=item.weight,
        low=int(low),
        high=int(high),
        answers=item.responses,
        asked_if=item.asked_if,
        asked_unless=item.asked_unless,
    )


def _plain(value: Any) -> Any:
    """Return a record as mappings and lists, its codes as texts."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value
