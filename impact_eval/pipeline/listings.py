"""The catalogue of scales, as lines for a terminal and as records for a machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from impact_eval.pipeline.scale_card import scale_card
from impact_eval.pipeline.scale_card_lines import card_lines
from impact_eval.pipeline.scale_words import rights_words, scale_title
from impact_eval.report.texts import Texts
from impact_eval.survey.instrument_file import Instrument, instrument, instruments

OWN_FILE = ".toml"


def named_scale(name: str) -> Instrument:
    """Return a scale of the catalogue, or a user's own from the file that a path names.

    Parameters
    ----------
    name : str
        Such as `rses-fr`, or `mon_echelle.toml`.

    Raises
    ------
    ImpactEvalError
        `unknown_instrument`, and what `Instrument.read` refuses.
    """
    return Instrument.read(Path(name)) if name.endswith(OWN_FILE) else instrument(name)


def instrument_records(name: str | None = None) -> list[dict[str, Any]]:
    """Return the cards of the scales as JSON.

    Parameters
    ----------
    name : str, optional
        One scale; all by default.
    """
    chosen = instruments() if name is None else (named_scale(name),)
    return [scale_card(scale).to_dict() for scale in chosen]


def instrument_lines(name: str | None, texts: Texts) -> list[str]:
    """Return the scales as lines: one each, or the card of one."""
    if name is None:
        return [_line(scale, texts) for scale in instruments()]
    return card_lines(scale_card(named_scale(name)), texts)


def _line(scale: Instrument, texts: Texts) -> str:
    return texts.say(
        "cli.instruments.line",
        name=scale.id,
        title=scale_title(scale, texts),
        items=len(scale.item_ids),
        rights=rights_words(scale, texts),
    )
