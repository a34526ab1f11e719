"""The sentences of a result: their words obey the evidence level, in every language.

Below level 3 no sentence holds a causal verb (a test reads them all). A result that its interval
does not tell from zero is said in plain words, with the smallest effect the study could have seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from impact_eval.core.estimate import Effect
from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.vocabulary import Direction
from impact_eval.designs import designs
from impact_eval.report.blocks import Bilingual, Said, Words, say
from impact_eval.report.quantities import Unit, digits_for, unit_of
from impact_eval.report.texts import Texts

CAUSAL_FROM = 3  # the first evidence level whose sentences attribute
LARGE_SHARE = 0.15  # beyond what support programmes usually reach: worth checking twice


class Verdict(StrEnum):
    """How a result reads against zero."""

    UP = "up"
    DOWN = "down"
    INCONCLUSIVE = "inconclusive"
    POINT = "point"  # no margin of error
    UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One outcome's headline result, ready to be put in words.

    Attributes
    ----------
    outcome : words
        Its label, as the study's authors wrote it.
    unit : Unit
    effect : Effect
    level : int
        Evidence level, 0 to 4.
    method : str
        Registry name of the design.
    direction : Direction
        Which way is better for people.
    counterfactual : bool
    smallest_visible : float or None
        Smallest effect the study would have seen eight times in ten.
    evidence : mapping
        As in `results.json`: level, reasons, would_raise.
    primary : bool
    """

    outcome: Said
    unit: Unit
    effect: Effect
    level: int
    method: str
    direction: Direction
    counterfactual: bool
    smallest_visible: float | None
    evidence: Mapping[str, Any]
    primary: bool

    @property
    def verdict(self) -> Verdict:
        """How the result reads against zero."""
        e = self.effect
        if e.estimate is None:
            return Verdict.UNDEFINED
        if e.conf_low is None or e.conf_high is None:
            return Verdict.POINT
        if e.conf_low <= 0 <= e.conf_high:
            return Verdict.INCONCLUSIVE
        return Verdict.UP if e.estimate > 0 else Verdict.DOWN

    @property
    def digits(self) -> int:
        """The decimals that the precision deserves."""
        return digits_for(
            self.unit, self.effect.conf_low, self.effect.conf_high, self.effect.estimate
        )

    @property
    def wanted(self) -> bool | None:
        """Whether a clear result goes the way hoped for; None when nothing is clear or hoped."""
        if self.direction is Direction.NEITHER or self.verdict not in (Verdict.UP, Verdict.DOWN):
            return None
        return (self.verdict is Verdict.UP) == (self.direction is Direction.HIGHER)

    def change(self) -> Words:
        """Return the estimate as a signed change."""
        return self.unit.change(self.effect.estimate or 0.0, self.digits)

    def amount(self) -> Words:
        """Return the estimate as so much more, or less."""
        return self.unit.amount(self.effect.estimate or 0.0, self.digits)

    def interval(self) -> Words:
        """Return the interval as “between … and …”."""
        low, high = self.effect.conf_low, self.effect.conf_high
        if low is None or high is None:
            return say("report.no_interval")
        return self.unit.between(low, high, self.digits)

    def smallest(self) -> Words | None:
        """Return the smallest effect that could be seen, as a size."""
        if self.smallest_visible is None:
            return None
        digits = digits_for(self.unit, None, None, self.smallest_visible)
        return self.unit.size(self.smallest_visible, digits)


def said(text: Any) -> Said:
    """Return what a results file holds as words: a text, or both languages."""
    if isinstance(text, Mapping):
        known = {k: v for k, v in text.items() if v is not None}
        return Words(**known) if "code" in known else Bilingual(**known)
    return str(text)


def result_of(record: Mapping[str, Any]) -> Result:
    """Read the headline of an estimate record of `results.json`."""
    estimate = record["estimate"]
    evidence = record.get("evidence") or {}
    counterfactual = bool(estimate["counterfactual"])
    return Result(
        outcome=said(record.get("label") or record["outcome"]),
        unit=unit_of(record.get("unit")),
        effect=Effect(**estimate["effects"][0]),
        level=int(evidence.get("level", 2 if counterfactual else 1)),
        method=str(estimate["method"]["name"]),
        direction=Direction(record.get("direction", Direction.HIGHER)),
        counterfactual=counterfactual,
        smallest_visible=record.get("smallest_detectable"),
        evidence=evidence,
        primary=bool(record.get("primary", False)),
    )


@lru_cache(maxsize=1)
def _catalogue() -> Texts:
    return Texts("fr")


def pick(*codes: str, **values: Any) -> Words:
    """Return words of the first code that the catalogues hold; else of the last."""
    known = _catalogue()
    for code in codes:
        if code in known:
            return say(code, **values)
    return say(codes[-1], **values)


def of_territories(results: Mapping[str, Any]) -> bool:
    """Whether the rows of a study are territories: they are then never called people."""
    privacy = results.get("study", {}).get("privacy") or {}
    return bool(privacy.get("rows_are") == "territories")


def told(words: Said) -> str:
    """Return words as one text, to know whether two blocks say the same thing."""
    return _catalogue().words(words)


def written(code: str) -> bool:
    """Whether the catalogues hold a code."""
    return code in _catalogue()


def assumptions_of(method: str) -> tuple[str, ...]:
    """Return the assumption codes of a design; none when it is not installed here."""
    try:
        return designs.get(method).info.assumptions
    except ImpactEvalError:
        return ()


def assumption_clause(method: str) -> Words:
    """Return the main assumption of a design as a clause: “under the assumption that …”."""
    for code in assumptions_of(method):
        if written(f"clause.{code}"):
            return say(f"clause.{code}")
    return say("clause.default")


def main_sentence(result: Result) -> Words:
    """Return the sentence of a result, in the words its evidence level allows."""
    if result.verdict is Verdict.UNDEFINED:
        return say("sentence.undefined", outcome=result.outcome)
    if result.level == 0:
        return say("sentence.level0", n=result.effect.n_treated or 0)
    values: dict[str, Any] = {"outcome": result.outcome, "interval": result.interval()}
    if result.level == 1:
        values["change"] = result.change()
    else:
        values["amount"] = result.amount()
    if result.level >= CAUSAL_FROM:
        values["assumption"] = assumption_clause(result.method)
    return say(f"sentence.level{result.level}.{result.verdict.value}", **values)


def caution_sentences(result: Result) -> list[Words]:
    """Return what goes with the sentence: what could be seen when nothing is, how to read it."""
    out: list[Words] = []
    if result.level == 0 or result.verdict is Verdict.UNDEFINED:
        return out
    if result.verdict is Verdict.INCONCLUSIVE:
        smallest = result.smallest()
        if smallest is not None:
            out.append(say(f"sentence.level{result.level}.visible", mde=smallest))
    if result.level < CAUSAL_FROM:
        out.append(say(f"sentence.level{result.level}.caution"))
    return out


def result_sentences(result: Result) -> tuple[Said, ...]:
    """Return everything the report says of a result in a row."""
    return (main_sentence(result), *caution_sentences(result))


def headline_results(estimates: Sequence[Mapping[str, Any]]) -> list[Result]:
    """Return the headline results, the primary outcome first, in the order of the study file."""
    main = [result_of(r) for r in estimates if r.get("role", "main") == "main"]
    return sorted(main, key=lambda result: not result.primary)
