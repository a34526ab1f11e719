"""A scale as data: items by identity, keys, range, missing rule, cut-offs, norms, rights, sources.

Nothing can be shown without a source: a cut-off, a norm or a change that matters has to name one.
What is said in words (populations, terms, notes on sources) is said in both languages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import ConfigDict, Field, StrictBool, StrictInt, model_validator
from pydantic.dataclasses import dataclass

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place, nearest
from impact_eval.core.vocabulary import Direction, Unit
from impact_eval.data.labels import LabelMap
from impact_eval.survey.fact_words import Fact, FactText
from impact_eval.survey.scale_checks import number_faults

SCHEMA = "impact-eval/instrument/1"
TOTAL = "total"
OWN = FactText.same("own")  # terms of a scale that its user wrote
LOCAL = "local"  # what such a scale measures, where its user does not say
CONFIG = ConfigDict(extra="forbid", str_strip_whitespace=True)
Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Items: TypeAlias = "Mapping[str | int, str] | Sequence[str]"


class WordingClass(StrEnum):
    """What may be done with the wording of a scale."""

    SHIP = "A"  # public domain or open licence: the wording is in the catalogue
    KEY_ONLY = "B"  # the key is here, the user brings the wording
    LICENCE = "C"  # scored only when the user declares a licence
    REFUSED = "X"  # neither wording nor layout


class FactMark(StrEnum):
    """How far a fact was checked."""

    READ = "read"  # read in a source, or run
    MEMORY = "to_check"  # from the literature; to be checked against the paper
    COMPUTED = "computed"


class ScoringRule(StrEnum):
    """How answers make a score."""

    SUM = "sum"
    MEAN = "mean"
    WEIGHTED = "weighted"  # constant + sum of weights times points
    CONVERSION = "conversion"  # the raw sum read in a published table
    NONE = "none"  # items are reported one by one, never added
    FUNCTION = "function"  # computed by a function of its own, named


class Change(StrEnum):
    """Kinds of published values about change."""

    MCID = "mcid"  # smallest change that matters to people
    SEM = "sem"  # standard error of measurement
    RETEST = "retest"  # test-retest reliability


frozen = dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)


@frozen
class Marked:
    """A fact with how far it was checked: shown with « à vérifier » where it was not."""

    mark: FactMark = FactMark.MEMORY

    @property
    def unchecked(self) -> bool:
        """Whether the fact was never read in its source."""
        return self.mark is FactMark.MEMORY


@frozen
class Response:
    """One answer: its code and how it is written, the first label being the published one."""

    code: StrictInt
    fr: tuple[str, ...] = ()
    en: tuple[str, ...] = ()


@frozen
class Item:
    """One item, known by its identity and not by its place.

    Attributes
    ----------
    id : str
    reversed : bool
        Whether a high answer means less of what the scale measures.
    low, high : int or None
        Range of its codes when it is not that of the instrument.
    weight : float
        Used by the rule `weighted`.
    points : mapping of code to float
        Points of each answer, where they are not the code itself.
    text : mapping of language to wording
        Only where the rights allow it.
    stem : FactText or None
        A short neutral reminder of what the item is about, in both languages.
    responses : tuple of Response
        Its own answers, where they are not those of the instrument.
    asked_if : mapping of item to code
        Answers without which the item is not asked: then a blank counts no point.
    asked_unless : mapping of item to code
        Answers that, all together, end the questions before the item: a screener.
    """

    id: str = Field(min_length=1)
    reversed: StrictBool = False
    low: StrictInt | None = None
    high: StrictInt | None = None
    weight: float = 1.0
    points: Mapping[str, float] = field(default_factory=dict)
    text: Mapping[Literal["fr", "en"], str] = field(default_factory=dict)
    stem: Fact | None = None
    responses: tuple[Response, ...] = ()
    asked_if: Mapping[str, int] = field(default_factory=dict)
    asked_unless: Mapping[str, int] = field(default_factory=dict)


@frozen
class Missing:
    """How many answers a score needs, and whether the others are filled by the person's mean."""

    least: int = Field(ge=1)
    prorate: bool = True
    source: Fact


@frozen
class Scoring:
    """The rule, its constants, and the range of the score.

    Where not all the items make the total, `parts` names the subscales that do: it is their sum.
    """

    rule: ScoringRule
    low: Finite | None = None
    high: Finite | None = None
    constant: float = 0.0
    factor: float = 1.0
    table: tuple[tuple[float, float], ...] = ()
    table_source: Fact | None = None
    function: str | None = None
    missing: Missing | None = None
    parts: tuple[str, ...] = ()


@frozen
class Subscale:
    """A part of the scale with a score of its own.

    Attributes
    ----------
    id : str
    items : tuple of str
    scoring : Scoring
    direction : Direction or None
        Which way is better for the person; that of the scale when it is not said.
    """

    id: str
    items: tuple[str, ...] = Field(min_length=1)
    scoring: Scoring
    direction: Direction | None = None


@frozen
class CutOff(Marked):
    """A band of scores with a name; both bounds belong to it.

    A band is a `case` where its source says so: the people that a screening would send further.
    """

    id: str
    source: Fact
    population: Fact
    low: Finite | None = None
    high: Finite | None = None
    year: StrictInt | None = None
    scale: str = TOTAL
    case: StrictBool = False


@frozen
class Norm(Marked):
    """Mean and standard deviation of a reference population."""

    id: str
    mean: float
    source: Fact
    population: Fact
    year: StrictInt
    sd: float | None = Field(default=None, gt=0)
    n: int | None = Field(default=None, gt=1)
    scale: str = TOTAL


@frozen
class ChangeValue(Marked):
    """A published value about change: what matters, or what can be measured."""

    kind: Change
    value: float = Field(gt=0)
    source: Fact
    scale: str = TOTAL


@frozen
class Safeguard:
    """An answer that calls for someone to look after the person, whatever the score."""

    item: str
    above: float
    source: Fact


@frozen
class Rights(Marked):
    """What may be done with the wording, and who says so."""

    wording: WordingClass
    terms: Fact
    holder: Fact | None = None


@frozen
class Scale:
    """A scale as data: what `Instrument` is made of, before it can be read or scored.

    Attributes
    ----------
    id, version : str
    language : "fr", "en" or "any"
        Language of the published order that is the default.
    name : mapping of language to str
        Only for local instruments; the names of the catalogue are in the texts.
    construct : str
        What it measures, as a code.
    direction : Direction
        Which way is better for the person.
    unit : Unit
    low, high : int
        Declared range of the codes: reversal uses it, never the observed one.
    responses : tuple of Response
    items : tuple of Item
    orders : mapping of order to item ids
        Each published order; the first one is the default.
    scoring : Scoring
    subscales, cutoffs, norms, change, safeguards : tuples
    health : bool
        Whether answers are special-category data (RGPD art. 9).
    rights : Rights
    citation : str
    doi : str or None
    evidence : tuple of FactText
        What is known of its quality in French, with sources.
    instruction : mapping of language to str
        What is read before the questions, only where the rights allow it.
    coded_both_ways : bool
        Whether other surveys give the same answers the opposite codes: codes without labels are
        read as the source cited, and it is told.
    local : bool
        Whether the scale is a user's own, outside the catalogue.
    validated : bool
        Whether a published study stands behind it.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_\-]*$")
    version: str
    language: Literal["fr", "en", "any"]
    construct: str
    direction: Direction
    scoring: Scoring
    rights: Rights
    citation: str
    low: StrictInt = 0
    high: StrictInt = 1
    schema: str = SCHEMA
    name: Mapping[Literal["fr", "en"], str] = field(default_factory=dict)
    unit: Unit = Unit.SCORE
    responses: tuple[Response, ...] = ()
    items: tuple[Item, ...] = ()
    orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    subscales: tuple[Subscale, ...] = ()
    cutoffs: tuple[CutOff, ...] = ()
    norms: tuple[Norm, ...] = ()
    change: tuple[ChangeValue, ...] = ()
    safeguards: tuple[Safeguard, ...] = ()
    health: StrictBool = False
    doi: str | None = None
    evidence: tuple[Fact, ...] = ()
    instruction: Mapping[Literal["fr", "en"], str] = field(default_factory=dict)
    coded_both_ways: StrictBool = False
    local: bool = False
    validated: bool = True

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        faults = _inner_faults(self)
        if faults:
            raise ImpactEvalError(faults)
        return self

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Identities of the items, in the default published order."""
        if self.orders:
            return next(iter(self.orders.values()))
        return tuple(item.id for item in self.items)

    @property
    def listed(self) -> bool:
        """Whether the scale is of the catalogue, and not a user's own."""
        return not self.local

    def item(self, name: str) -> Item:
        """Return one item by its identity."""
        for item in self.items:
            if item.id == name:
                return item
        raise ImpactEvalError(
            Finding.error("unknown_item", item=name, instrument=self.id,
                          nearest=nearest(name, self.item_ids), known=self.item_ids)
        )  # fmt: skip

    def bounds(self, item: str) -> tuple[float, float]:
        """Return the lowest and the highest code of an item."""
        low, high = self.item(item).low, self.item(item).high
        return float(self.low if low is None else low), float(self.high if high is None else high)

    def labels(self, item: str | None = None) -> LabelMap:
        """Return the written answers of each code, French and English, of an item or of all."""
        own = self.item(item).responses if item is not None else ()
        return LabelMap.of({r.code: (*r.fr, *r.en) for r in own or self.responses})

    def direction_of(self, scale: str = TOTAL) -> Direction:
        """Return which way is better on the total, or on a part that has its own way."""
        for part in self.subscales:
            if part.id == scale and part.direction is not None:
                return part.direction
        return self.direction

    def bands(self, scale: str = TOTAL) -> tuple[CutOff, ...]:
        """Return the cut-offs of a scale, lowest first."""
        mine = [cut for cut in self.cutoffs if cut.scale == scale]
        return tuple(sorted(mine, key=lambda c: -1e9 if c.low is None else c.low))

    def smallest_change(self, scale: str = TOTAL) -> tuple[ChangeValue, ...]:
        """Return the published values of the smallest change that matters."""
        return tuple(c for c in self.change if c.kind is Change.MCID and c.scale == scale)

    @property
    def total_items(self) -> tuple[str, ...]:
        """Identities of the items that make the total: all, or those of the parts it adds."""
        parts = {part.id: part.items for part in self.subscales}
        added = [name for part in self.scoring.parts for name in parts.get(part, ())]
        return tuple(added) or self.item_ids

    @property
    def unchecked(self) -> tuple[Marked, ...]:
        """Facts of the scale that were never read in their source, rights included."""
        facts = (*self.cutoffs, *self.norms, *self.change, self.rights)
        return tuple(fact for fact in facts if fact.unchecked)

    def wording(self, name: str, language: str) -> str | None:
        """Return the wording of an item where the rights allow it, else None."""
        if self.rights.wording is not WordingClass.SHIP and not self.local:
            return None
        return {**self.item(name).text}.get(language)  # type: ignore[call-overload,no-any-return]

    def ships_wording(self, language: str) -> bool:
        """Whether every question can be printed in a language: only then are they provided."""
        asked = [self.wording(item.id, language) for item in self.items]
        return bool(asked) and all(asked)


def _inner_faults(instrument: Scale) -> tuple[Finding, ...]:
    """Return what does not hang together inside an instrument."""
    faults = FindingCollector()
    ids = [item.id for item in instrument.items]
    if instrument.schema != SCHEMA:
        faults.add(Finding.error("wrong_schema", Place(key="schema"), found=instrument.schema,
                                 expected=SCHEMA))  # fmt: skip
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        faults.add(Finding.error("duplicated_item", Place(key="items"), item=name))
    _check_names(instrument, ids, faults)
    if instrument.high <= instrument.low and instrument.items:
        faults.add(Finding.error("empty_range", Place(key="high"), low=instrument.low,
                                 high=instrument.high))  # fmt: skip
    rule = instrument.scoring.rule
    if not ids and rule is not ScoringRule.FUNCTION:
        faults.add(Finding.error("missing_key", Place(key="items"), key="items"))
    for key, scoring in (
        ("scoring", instrument.scoring),
        *((f"subscales.{part.id}.scoring", part.scoring) for part in instrument.subscales),
    ):
        if scoring.rule is ScoringRule.CONVERSION and not (scoring.table and scoring.table_source):
            faults.add(Finding.error("missing_key", Place(key=f"{key}.table"), key=f"{key}.table"))
        if scoring.rule is ScoringRule.FUNCTION and not scoring.function:
            name = f"{key}.function"
            faults.add(Finding.error("missing_key", Place(key=name), key=name))
    shipped = instrument.rights.wording is WordingClass.SHIP or instrument.local
    worded = [(f"items.{item.id}.text", item.id) for item in instrument.items if item.text]
    worded += [("instruction", "instruction")] if instrument.instruction else []
    for key, name in () if shipped else worded:
        faults.add(Finding.error("wording_not_free", Place(key=key), item=name,
                                 wording=instrument.rights.wording))  # fmt: skip
    if not faults.findings:  # numbers are held to one another once names and bounds are right
        count = len(instrument.total_items)
        divisor = {ScoringRule.SUM: 1, ScoringRule.MEAN: count}.get(rule)
        faults.add(*number_faults(instrument, divisor=divisor))
    return faults.findings


def _check_names(instrument: Scale, ids: Sequence[str], faults: FindingCollector) -> None:
    """Every item named anywhere has to exist; every order holds all the items once."""
    parts = {part.id for part in instrument.subscales} | {TOTAL}
    named = [(f"subscales.{part.id}", name) for part in instrument.subscales for name in part.items]
    named += [(f"items.{item.id}", name) for item in instrument.items
              for name in (*item.asked_if, *item.asked_unless)]  # fmt: skip
    named += [("safeguards", guard.item) for guard in instrument.safeguards]
    for order, listed in instrument.orders.items():
        if sorted(listed) != sorted(ids):
            faults.add(Finding.error("order_incomplete", Place(key=f"orders.{order}"), order=order,
                                     lacking=sorted(set(ids) - set(listed)),
                                     unknown=sorted(set(listed) - set(ids))))  # fmt: skip
    for key, name in named:
        if name not in ids:
            faults.add(Finding.error("unknown_item", Place(key=key), item=name,
                                     instrument=instrument.id, nearest=nearest(name, ids),
                                     known=tuple(ids)))  # fmt: skip
    for key, scale in (
        *(("scoring.parts", part) for part in instrument.scoring.parts),
        *(("cutoffs", cut.scale) for cut in instrument.cutoffs),
        *(("norms", norm.scale) for norm in instrument.norms),
        *(("change", value.scale) for value in instrument.change),
    ):
        if scale not in parts and scale not in ids:
            faults.add(Finding.error("unknown_scale", Place(key=key), scale=scale,
                                     known=sorted(parts)))  # fmt: skip
