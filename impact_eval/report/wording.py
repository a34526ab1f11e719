"""The sentences of a result: their words obey the evidence level, in every language.

Below level 3 no sentence holds a causal verb (a test reads them all). A result that its interval
does not tell from zero is said in plain words, with the smallest effect the study could have seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

from impact_eval.core.estimate import Effect
from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.vocabulary import Direction, RowsAre
from impact_eval.designs import designs
from impact_eval.report.blocks import Bilingual, Said, SayValue, Words, say
from impact_eval.report.quantities import ShownUnit, digits_for, unit_of
from impact_eval.report.texts import WITHHELD_COUNT, Texts, placeholders
from impact_eval.results.estimates import EstimateRecord, EvidenceRecord, Role
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.record_base import Record, Rule
from impact_eval.results.value_names import Value, declared

CAUSAL_FROM = 3  # the first evidence level whose sentences attribute
LARGE_SHARE = 0.15  # beyond what support programmes usually reach: worth checking twice


class ZeroVerdict(StrEnum):
    """How a result reads against zero."""

    UP = "up"
    DOWN = "down"
    INCONCLUSIVE = "inconclusive"
    POINT = "point"  # no margin of error
    UNDEFINED = "undefined"
    WITHHELD = "withheld"  # the gate kept it back


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One outcome's headline result, ready to be put in words.

    Attributes
    ----------
    outcome : words
        Its label, as the study's authors wrote it.
    unit : ShownUnit
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
    smallest_useful : float or None
        Smallest effect that the study declares to matter, as a size.
    evidence : EvidenceRecord or None
        Level, its reasons, what would raise it.
    primary : bool
    withheld : bool
        Whether the gate kept it back.
    counted, clusters : RowsAre
        Whether its counts, and its independent units, are people or territories.
    """

    outcome: Said
    unit: ShownUnit
    effect: Effect
    level: int
    method: str
    direction: Direction
    counterfactual: bool
    smallest_visible: float | None
    smallest_useful: float | None
    evidence: EvidenceRecord | None
    primary: bool
    withheld: bool
    counted: RowsAre
    clusters: RowsAre

    @property
    def verdict(self) -> ZeroVerdict:
        """How the result reads against zero."""
        e = self.effect
        if e.estimate is None:
            return ZeroVerdict.WITHHELD if self.withheld else ZeroVerdict.UNDEFINED
        if e.conf_low is None or e.conf_high is None:
            return ZeroVerdict.POINT
        if e.conf_low <= 0 <= e.conf_high:
            return ZeroVerdict.INCONCLUSIVE
        return ZeroVerdict.UP if e.estimate > 0 else ZeroVerdict.DOWN

    @property
    def digits(self) -> int:
        """The decimals that the precision deserves."""
        return digits_for(
            self.unit, self.effect.conf_low, self.effect.conf_high, self.effect.estimate
        )

    @property
    def wanted(self) -> bool | None:
        """Whether a clear result goes the way hoped for; None when nothing is clear or hoped."""
        if self.direction is Direction.NEITHER or self.verdict not in (
            ZeroVerdict.UP,
            ZeroVerdict.DOWN,
        ):
            return None
        return (self.verdict is ZeroVerdict.UP) == (self.direction is Direction.HIGHER)

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


def said(text: BilingualRecord | Said | None) -> Said:
    """Return what a record holds as words: a text, or both languages; nothing is an empty text."""
    if isinstance(text, BilingualRecord):
        return Bilingual(fr=text.fr, en=text.en)
    return "" if text is None else text


def result_of(record: EstimateRecord) -> Result:
    """Read the headline of an estimate record."""
    fit, evidence = record.estimate, record.evidence
    by_basis = 2 if fit.counterfactual else 1
    return Result(
        outcome=said(record.label),
        unit=unit_of(record.unit.value),
        effect=record.headline.to_effect(),
        level=by_basis if evidence is None else evidence.level,
        method=fit.method.name,
        direction=record.direction,
        counterfactual=fit.counterfactual,
        smallest_visible=record.smallest_detectable,
        smallest_useful=record.declared_smallest_effect,
        evidence=evidence,
        primary=record.primary,
        withheld=record.withheld,
        counted=record.counted,
        clusters=record.clusters,
    )


@lru_cache(maxsize=1)
def _catalogue() -> Texts:
    return Texts("fr")


def pick(*codes: str, **values: SayValue) -> Words:
    """Return words of the first code that the catalogues hold; else of the last."""
    known = _catalogue()
    for code in codes:
        if code in known:
            return say(code, **values)
    return say(codes[-1], **values)


class Counted(Protocol):
    """What says whether its counts are of people or of territories."""

    @property
    def counted(self) -> RowsAre:
        """People or territories."""
        ...


def of_territories(*records: Counted) -> bool:
    """Whether all that is counted are territories: they are then never called people."""
    return bool(records) and all(r.counted is RowsAre.TERRITORIES for r in records)


# ------------------------------------------------------------------ values that are kept back

WITHHELD_VALUE, WITHHELD_NAME = "report.withheld_value", "report.withheld_name"
WITHHELD_INSIDE = "report.withheld_inside"
_INSTEAD: Mapping[Rule, str] = MappingProxyType(
    {
        **dict.fromkeys((Rule.PEOPLE, Rule.CLUSTERS), WITHHELD_COUNT),
        **dict.fromkeys((Rule.UNIT, Rule.COLUMN), WITHHELD_NAME),
        **dict.fromkeys(
            (Rule.SHARE, Rule.LEVEL, Rule.STATISTIC, Rule.ERROR, Rule.RATIO, Rule.AMOUNT),
            WITHHELD_VALUE,
        ),
        Rule.INSIDE: WITHHELD_INSIDE,  # a cell, a line, a sheet: whatever it is
    }
)  # fmt: skip


def instead(rule: Rule) -> Words | None:
    """Return the words that stand for a value kept back; None where nothing is ever kept back."""
    return say(_INSTEAD[rule]) if rule in _INSTEAD else None


def count_or_words(n: int | None) -> int | Words:
    """Return a count of people, or the words that stand for it."""
    return say(WITHHELD_COUNT) if n is None else n


def spoken(code: str, values: Mapping[str, Value]) -> dict[str, SayValue]:
    """Return the values of a finding or of a reason, ready for its sentence.

    Parameters
    ----------
    code : str
        Of the finding, or of the reason.
    values : mapping
        As its record holds them: an empty value was kept back by the gate.

    Returns
    -------
    dict
        What the sentence needs and does not have is told in words; the names kept back in a list
        of names are left out of it.
    """
    texts = (f"finding.{code}", f"finding.{code}.repair", f"reason.{code}")
    rules = {name: declared(code, name).rule for name in (*values, *_needed(texts))}
    return _filled(values, rules, _needed(texts))


def finding_code(code: str, values: Mapping[str, Value]) -> str:
    """Return the text of a finding: the one without numbers when one was kept back."""
    untold = f"finding.{code}.untold"
    return untold if counts_hidden(code, values) and written(untold) else f"finding.{code}"


def counts_hidden(code: str, values: Mapping[str, Value]) -> bool:
    """Whether a count, or a share of people, that a finding carries was kept back by the gate."""
    rules = (Rule.PEOPLE, Rule.CLUSTERS, Rule.SHARE)
    return any(v is None and declared(code, name).rule in rules for name, v in values.items())


def spoken_record(code: str, record: Record | None) -> dict[str, SayValue]:
    """Return the fields of a record as the values of the text of a code."""
    needed = _needed((code,))
    values = {} if record is None else {n: getattr(record, n) for n in type(record).model_fields}
    rules = dict.fromkeys(needed, Rule.INSIDE) | dict({} if record is None else record.rules)
    known = {n: v for n, v in values.items() if v is not None or n in needed}
    return _filled(known, rules, needed)


def _filled(
    values: Mapping[str, Value], rules: Mapping[str, Rule], needed: Iterable[str]
) -> dict[str, SayValue]:
    out: dict[str, SayValue] = {}
    for name, value in values.items():
        if isinstance(value, tuple):
            kept = tuple(part for part in value if part is not None)
            out[name] = kept if kept or not value else (say(WITHHELD_NAME),)
        else:
            out[name] = value
    for name in (*values, *needed):
        if name not in out or out[name] is None:
            out[name] = instead(rules[name])
    return out


def _needed(codes: Iterable[str]) -> frozenset[str]:
    """Return the values that the texts of some codes ask for."""
    known = _catalogue()
    found = [placeholders(known.source(code)) for code in codes if code in known]
    return frozenset(name for names in found for name, _ in names)


def one_text(words: Said) -> str:
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
    if result.verdict in (ZeroVerdict.UNDEFINED, ZeroVerdict.WITHHELD):
        return say(f"sentence.{result.verdict.value}", outcome=result.outcome)
    if result.level == 0:
        return say("sentence.level0", n=count_or_words(result.effect.n_treated))
    values: dict[str, SayValue] = {"outcome": result.outcome, "interval": result.interval()}
    if result.level == 1:
        values["change"] = result.change()
    else:
        values["amount"] = result.amount()
    if result.level >= CAUSAL_FROM:
        values["assumption"] = assumption_clause(result.method)
    return say(f"sentence.level{result.level}.{result.verdict.value}", **values)


def caution_sentences(result: Result) -> list[Words]:
    """Return what goes with the sentence: what could be seen, how to read it, if it matters."""
    out: list[Words] = []
    if result.level == 0 or result.verdict in (ZeroVerdict.UNDEFINED, ZeroVerdict.WITHHELD):
        return out
    if result.verdict is ZeroVerdict.INCONCLUSIVE:
        smallest = result.smallest()
        if smallest is not None:
            out.append(say(f"sentence.level{result.level}.visible", mde=smallest))
    if result.level < CAUSAL_FROM:
        out.append(say(f"sentence.level{result.level}.caution"))
    useful = useful_sentence(result)
    return out if useful is None else [*out, useful]


def useful_sentence(result: Result) -> Words | None:
    """Return how the interval stands to the smallest effect declared useful; None without both.

    What is useful lies on the side hoped for; on either side when none is.
    """
    low, high, size = result.effect.conf_low, result.effect.conf_high, result.smallest_useful
    if low is None or high is None or size is None or result.level == 0:
        return None
    either = result.direction is Direction.NEITHER
    if result.direction is Direction.LOWER:
        low, high = -high, -low
    if low >= size or (either and high <= -size):
        code = "reached"
    elif high < size and not (either and low <= -size):
        code = "excluded"
    else:
        code = "open"
    told_size = result.unit.size(size, digits_for(result.unit, None, None, size))
    what = "useful_either" if either else "useful"
    useful = say(f"sentence.level{result.level}.{what}", size=told_size)
    return say(f"sentence.useful.{code}", useful=useful)


def headline_results(estimates: Sequence[EstimateRecord]) -> list[Result]:
    """Return the headline results, the primary outcome first, in the order of the study file."""
    main = [result_of(record) for record in estimates if record.role is Role.MAIN]
    return sorted(main, key=lambda result: not result.primary)
