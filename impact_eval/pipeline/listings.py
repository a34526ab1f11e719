"""The catalogue of scales, as lines for a terminal and as records for a machine."""

from __future__ import annotations

from typing import Any

from impact_eval.report.texts import Texts
from impact_eval.survey.instrument_file import Instrument, instrument, instruments


def _chosen(name: str | None) -> tuple[Instrument, ...]:
    return instruments() if name is None else (instrument(name),)


def instrument_records(name: str | None = None) -> list[dict[str, Any]]:
    """Return the scales with their rights and sources, as JSON.

    Parameters
    ----------
    name : str, optional
        One scale; all by default.
    """
    return [
        {
            "id": scale.id,
            "version": scale.version,
            "language": scale.language,
            "construct": scale.construct,
            "items": len(scale.item_ids),
            "rights": {
                "wording": scale.rights.wording.value,
                "terms": scale.rights.terms,
                "holder": scale.rights.holder,
                "mark": scale.rights.mark.value,
            },
            "citation": scale.citation,
            "doi": scale.doi,
            "evidence": list(scale.evidence),
        }
        for scale in _chosen(name)
    ]


def instrument_lines(name: str | None, texts: Texts) -> list[str]:
    """Return the scales as lines: one each, or one in full."""
    if name is None:
        return [_line(scale, texts) for scale in instruments()]
    scale = instrument(name)
    described = f"instrument.{scale.id}.description"
    lines = [_line(scale, texts)]
    if described in texts:
        lines.append(texts.say(described))
    lines += [texts.say("cli.instruments.terms", terms=scale.rights.terms)]
    lines += [texts.say("cli.instruments.citation", citation=scale.citation)]
    lines += [texts.say("cli.instruments.source", source=source) for source in scale.evidence]
    lines += [
        texts.say("cli.instruments.item", number=number, name=item)
        for number, item in enumerate(scale.item_ids, start=1)
    ]
    return lines


def _line(scale: Instrument, texts: Texts) -> str:
    path = f"instrument.{scale.id}.name"
    own = texts.words(dict(scale.name)) if scale.name else None
    title = own or texts.first(path, "cli.instruments.unnamed", id=scale.id)
    return texts.say(
        "cli.instruments.line",
        name=scale.id,
        title=title,
        items=len(scale.item_ids),
        rights=texts.say(f"cli.rights.{scale.rights.wording.value}"),
    )
