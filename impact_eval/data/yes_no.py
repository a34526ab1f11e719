"""The one table of the words that say yes or no: treatment, outcome, ticked boxes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from impact_eval.data.labels import bare_spelling

TICKS = frozenset({"x", "coche"})
"""Yeses of a list where the no is left blank: alone, nothing says what a blank means."""
YES_NO: Mapping[str, float] = MappingProxyType(
    {
        **dict.fromkeys(("oui", "o", "yes", "y", "true", "vrai", "1", *TICKS), 1.0),
        **dict.fromkeys(("non", "n", "no", "false", "faux", "0", "non coche"), 0.0),
    }
)


def yes_or_no(text: str) -> float | None:
    """Return 1 for a yes, 0 for a no, None for anything else.

    Examples
    --------
    >>> yes_or_no(" OUI "), yes_or_no("Faux"), yes_or_no("peut-être")
    (1.0, 0.0, None)
    """
    return YES_NO.get(bare_spelling(text))


def is_tick(text: str) -> bool:
    """Whether a yes is one of those that go with blank cells (`x`, « coché »)."""
    return bare_spelling(text) in TICKS
