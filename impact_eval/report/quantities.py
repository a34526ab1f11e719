"""How much, in the reader's words, with the digits that the precision deserves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from impact_eval.core.vocabulary import Unit as Vocabulary
from impact_eval.report.blocks import Bilingual, Form, Said, Words, say

_MORE = ("sd", "months", "kilometres", "kwh", "scale_0_10")
_NUMBERS, _UNITS = "number.", "unit."  # the codes of numbers and of amounts
KNOWN_UNITS = frozenset({*(unit.value for unit in Vocabulary), *_MORE})


@dataclass(frozen=True, slots=True)
class ShownUnit:
    """The unit of an outcome.

    Attributes
    ----------
    code : str
        One of `KNOWN_UNITS`, or `other`.
    name : str or Bilingual or None
        The authors' own words for a unit that is not known.
    """

    code: str
    name: str | Bilingual | None = None

    @property
    def factor(self) -> float:
        """What a value is multiplied by to be shown: shares are shown per 100."""
        return 100.0 if self.code == Vocabulary.SHARE else 1.0

    def _words(self, part: str, value: float, digits: int, sign: str = "dec") -> Words:
        shown = say(f"number.{sign}{digits}", x=value)
        n = round(abs(value), digits)
        return say(f"unit.{self.code}.{part}", value=shown, n=n, **self._named())

    def _named(self) -> dict[str, str | Bilingual]:
        return {} if self.name is None else {"unit": self.name}

    def label(self, part: str = "name") -> Words:
        """Return the unit's name, or the title of an axis (`axis`, `axis_level`)."""
        return say(f"unit.{self.code}.{part}", **self._named())

    def level(self, value: float, digits: int = 1) -> Words:
        """Return a level: “32 %”, “1 250 €”."""
        return self._words("level", self.factor * value, min(digits, 1))

    def change(self, value: float, digits: int) -> Words:
        """Return a signed change: “+6 points”."""
        return self._words("change", self.factor * value, digits, sign="signed")

    def size(self, value: float, digits: int) -> Words:
        """Return a size without sign: “6 people in 100”."""
        return self._words("size", abs(self.factor * value), digits)

    def amount(self, value: float, digits: int) -> Words:
        """Return a difference in words: “6 more people in 100”, “no visible difference”."""
        shown = self.factor * value
        if round(shown, digits) == 0:
            return say("sentence.none")
        return self._words("more" if shown > 0 else "less", abs(shown), digits)

    def between(self, low: float, high: float, digits: int) -> Words:
        """Return an interval in words: “between +1 and +11”."""
        return say("sentence.interval", **self._bounds(low, high, digits))

    def brackets(self, low: float, high: float, digits: int) -> Words:
        """Return an interval for a table: “[+1 ; +11]”."""
        return say("number.brackets", **self._bounds(low, high, digits))

    def _bounds(self, low: float, high: float, digits: int) -> dict[str, Words]:
        code = f"number.signed{digits}"
        return {
            "low": say(code, x=self.factor * low),
            "high": say(code, x=self.factor * high),
        }

    def form(self, digits: int) -> Form:
        """Return how a signed value of this unit is written in a column."""
        return Form(f"signed{min(digits, 3)}")


def unit_of(name: Said | None) -> ShownUnit:
    """Return the unit that a study file names; what is not known keeps its own words.

    Examples
    --------
    >>> unit_of("share").factor
    100.0
    >>> unit_of("foyers").code
    'other'
    """
    if name is None:
        return ShownUnit(Vocabulary.NUMBER)
    if isinstance(name, str) and name in KNOWN_UNITS:
        return ShownUnit(name)
    return ShownUnit("other", name if isinstance(name, (str, Bilingual)) else None)


def numbers_in(words: Words) -> tuple[float, ...]:
    """Return the numbers of an amount or of an interval, lowest first; none of other words.

    The order of the values of words says nothing: a notebook sorts them by name.

    Examples
    --------
    >>> numbers_in(ShownUnit("score").change(0.84, 1))
    (0.84,)
    >>> numbers_in(ShownUnit("share").brackets(0.5, 0.75, 0))
    (50.0, 75.0)
    """
    found: list[float] = []
    for value in words.values.values():
        if isinstance(value, Words):
            found += numbers_in(value)
        elif words.code.startswith(_NUMBERS) and isinstance(value, (int, float)):
            found.append(float(value))
    return tuple(sorted(found)) if words.code.startswith((_NUMBERS, _UNITS)) else ()


def unit_in(words: Words) -> Words | None:
    """Return the name of the unit of an amount; None of other words."""
    if not words.code.startswith(_UNITS):
        return None
    named = {name: value for name, value in words.values.items() if name == "unit"}
    return say(f"{words.code.rpartition('.')[0]}.name", **named)


def digits_for(
    unit: ShownUnit, low: float | None, high: float | None, estimate: float | None
) -> int:
    """Return the decimals that the precision deserves: two significant digits of the half-width.

    A bound that would be rounded to zero gets one decimal more, so that “0” is never printed for
    an interval that leaves zero out.
    """
    shown = [unit.factor * v for v in (low, high, estimate) if v is not None]
    if low is not None and high is not None and high > low:
        spread = unit.factor * (high - low) / 4
    else:
        spread = max((abs(v) for v in shown), default=1.0) / 4
    if spread <= 0 or not math.isfinite(spread):
        return 1
    digits = min(max(math.ceil(-math.log10(spread)), 0), 4)
    if any(v != 0 and round(v, digits) == 0 for v in shown):
        digits = min(digits + 1, 4)
    return digits


def period_words(period: Sequence[str] | None) -> Said:
    """Return a study's period in words: days in full, years and months as they are."""
    if not period:
        return ""
    start, end = period[0], period[-1]
    if len(start) == 10 and len(end) == 10:
        return say("report.period.both", start=start, end=end)
    return say("report.period.loose", start=start, end=end)
