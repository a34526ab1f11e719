"""What the gate does with one leaf, by the rule that its type declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from impact_eval.core.vocabulary import RowsAre
from impact_eval.results.disclosure.profiles import Profile
from impact_eval.results.disclosure.rounding import (
    round_count,
    round_error,
    round_percentage,
    round_ratio,
    round_significant,
    round_statistic,
)
from impact_eval.results.estimates import EffectRecord
from impact_eval.results.gate_counts import KINDS, CountKind, Counts
from impact_eval.results.parts import Matrix
from impact_eval.results.record_base import Rule
from impact_eval.results.value_names import (
    OF_EVERYONE,
    OF_LEFT_OUT,
    OF_TREATED,
    TIMES_COUNT,
    Value,
    declared,
)

MEANT_DIGITS = 5  # significant digits up to which a number may be many things
SMALL_GROUP = 100  # below it, a percentage stands for a count that can be read off
ON_PEOPLE = frozenset(
    {Rule.SHARE, Rule.LEVEL, Rule.STATISTIC, Rule.ERROR, Rule.RATIO}
)  # what rests on people


@dataclass(slots=True)
class Log:
    """What was kept back: by part of the results and rule, how many leaves."""

    lines: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, place: str, rule: str, n: int = 1) -> None:
        """Count leaves kept back."""
        if n:
            self.lines[place, rule] = self.lines.get((place, rule), 0) + n


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is known where a leaf stands.

    Attributes
    ----------
    profile : Profile
    counts : Counts
        The counts that leave, for the whole edition.
    log : Log
    counted, clusters : RowsAre
        Whether units, and independent units, are people.
    columns : frozenset of str
        Columns that the study uses.
    unsaid : frozenset of str
        Categories of few people: words of a cell, never repeated.
    part : str
        Part of the results, for the log.
    key : str
        Where it stands, for the ledger.
    withheld : str or None
        The rule under which everything that rests on these people is kept back.
    levels : str or None
        The rule under which their means are kept back.
    counts_hidden : bool
        Whether their counts are within a few people of others.
    close : bool
        Whether, moreover, the same quantity was told of those others: numbers are then coarser.
    error : float or None
        Standard error that statistics are rounded by.
    secret : frozenset of float
        Numbers kept back where they stand first: nothing repeats them.
    rows_hidden : bool
        Whether dates of an event study were kept back.
    n : int or None
        People that shares are of.
    total : int or None
        People of the result, both groups together: with those left out, they are everybody.
    arm : CountKind or None
        The group whose answers these are: it is not everybody.
    """

    profile: Profile
    counts: Counts
    log: Log
    counted: RowsAre
    clusters: RowsAre
    columns: frozenset[str]
    unsaid: frozenset[str] = frozenset()
    part: str = ""
    key: str = ""
    withheld: str | None = None
    levels: str | None = None
    counts_hidden: bool = False
    close: bool = False
    error: float | None = None
    secret: frozenset[float] = frozenset()
    rows_hidden: bool = False
    n: int | None = None
    total: int | None = None
    arm: CountKind | None = None

    @property
    def everyone(self) -> CountKind:
        """What a count of all who stand here is about."""
        return self.arm or CountKind.EVERYONE

    @property
    def people(self) -> bool:
        """Whether what stands here rests on people."""
        return self.counted is RowsAre.PEOPLE

    @property
    def exact(self) -> bool:
        """Whether numbers leave as they are: those of territories, or in an operator's edition."""
        return not self.people or self.profile.threshold == 1

    @property
    def exact_counts(self) -> bool:
        """Whether counts that leave are not rounded."""
        return self.profile.count_base == 1

    def at(self, name: str) -> Context:
        """Return the context of a part further down."""
        return replace(self, key=f"{self.key}.{name}" if self.key else name)

    def tells(self, key: str, kind: CountKind, n: int) -> bool:
        """Whether a count may be told here; where counts are hidden, only one told already."""
        if self.counts_hidden and kind is not CountKind.PART:
            return self.counts.told_already(kind, n)
        return self.counts.allows(key, kind, n)

    def kept_back(self, rule: str) -> None:
        """Write a leaf kept back in the log."""
        self.log.add(self.part, rule)


def people_leaf(
    context: Context, name: str, value: int | None, kind: CountKind | None = None
) -> int | None:
    """Return a count of people, or nothing when it may not leave."""
    if value is None or not context.people:
        return value
    kind = kind or KINDS.get(name, CountKind.PART)
    kind = context.everyone if kind is CountKind.EVERYONE else kind
    key = f"{context.key}.{name}"
    rule = context.withheld
    if rule is None and not context.tells(key, kind, value):
        rule = "threshold" if context.counts.small(value) else "difference"
    if rule is not None:
        context.kept_back(rule)
        return None
    return round_count(value, context.profile.count_base)


def clusters_leaf(
    context: Context, name: str, value: int | None, kind: CountKind | None = None
) -> int | None:
    """Return a count of independent units: of people when people are the units."""
    if context.clusters is RowsAre.TERRITORIES:
        return value
    return people_leaf(context, name, value, kind)


def number_leaf(context: Context, rule: Rule, value: float | None) -> float | None:
    """Return a number that rests on people, rounded to what they support, or nothing."""
    if value is None or not context.people:
        return value
    hidden = context.withheld
    if hidden is None and rule is Rule.LEVEL:
        hidden = context.levels
    if hidden is None and exactly(value) in context.secret:
        hidden = "secondary"
    if hidden is None and rule is Rule.SHARE and _tells_few(context, value):
        hidden = "share_of_few"
    if hidden is not None:
        context.kept_back(hidden)
        return None
    if context.exact:
        return value
    return _rounded(context, rule, value)


def exactly(value: float) -> float | None:
    """Return the size of a number that is one number and no other, to twelve digits; else None.

    Examples
    --------
    >>> exactly(-1.23456789012345), exactly(0.35), exactly(-120.0)
    (1.23456789012, None, None)
    """
    told = float(f"{abs(value):.12g}")
    return None if told == float(f"{told:.{MEANT_DIGITS}g}") else told


def _tells_few(context: Context, share: float) -> bool:
    """Whether a share of a known number of people counts few of them, or all but few."""
    if context.n is None:
        return False
    concerned = round(share * context.n)
    return context.counts.small(concerned) or context.counts.small(context.n - concerned)


def _rounded(context: Context, rule: Rule, value: float) -> float | None:
    if rule is Rule.ERROR:
        return round_error(value)
    if rule is Rule.RATIO:
        return round_ratio(value)
    if rule is Rule.SHARE:
        if context.n is not None and context.n < SMALL_GROUP:
            told = round_percentage(100 * value, context.n)
            return None if told is None else told / 100
        return round_ratio(value)
    if context.error is None or context.error <= 0:
        return round_ratio(value)
    return round_statistic(value, context.error, close=context.close)


def value_leaf(
    context: Context, code: str, name: str, value: Value, *, refusal: bool = False
) -> Value:
    """Return one value of a finding under its own rule."""
    rule = declared(code, name).rule
    if rule is Rule.INSIDE:
        return None
    if rule is Rule.COLUMN:
        return _columns(context, value)
    if rule in (Rule.PEOPLE, Rule.CLUSTERS) and isinstance(value, (int, float)):
        kept = _counted(context, code, name, int(value), whole=refusal)
        return value if kept is not None and kept == int(value) else kept
    if rule in ON_PEOPLE and isinstance(value, (int, float)) and not isinstance(value, bool):
        return number_leaf(context, rule, float(value))
    return _said(context, value)


def _base(code: str, values: Mapping[str, Value]) -> int | None:
    """Return the people that the shares of a finding are of, when it says so itself."""
    names = ("of", "total", "n") if code in OF_EVERYONE else ("of", "total")
    found = (values.get(name) for name in names if declared(code, name).rule is Rule.PEOPLE)
    return next((n for n in found if isinstance(n, int) and not isinstance(n, bool)), None)


def _counted(context: Context, code: str, name: str, value: int, *, whole: bool) -> int | None:
    """Return a count of a finding: a part of the people, or all of them, or those left out."""
    place = name if name in ("of", "total") else f"{code}.{name}"
    kind = _kind(code, name, whole=whole)
    if declared(code, name).rule is Rule.CLUSTERS:
        return clusters_leaf(context, place, value, kind)
    if name == "n" and code in OF_LEFT_OUT and context.total is not None and context.people:
        everybody = f"{context.key}.{code}.all"
        small = context.counts.small(value)
        if not small and not context.counts.allows(
            everybody, CountKind.EVERYONE, value + context.total
        ):
            context.kept_back("difference")
            return None
    return people_leaf(context, place, value, kind)


def _kind(code: str, name: str, *, whole: bool) -> CountKind | None:
    """Return of whom the `n` of a finding is; None where it counts a part, or is not `n`."""
    if name != "n":
        return None
    if whole or code in OF_EVERYONE:
        return CountKind.EVERYONE
    return CountKind.TREATED if code in OF_TREATED else None


def _others_told(context: Context, code: str, told: Mapping[str, Value]) -> bool:
    """Whether those of whom a finding does not speak may be counted: 12 of 88 tells 76 others."""
    n, of = told.get("n"), told.get("of")
    if not isinstance(n, int) or not isinstance(of, int) or not context.people or context.exact:
        return True
    if any(declared(code, name).rule is not Rule.PEOPLE for name in ("n", "of")):
        return True
    return context.counts.allows(f"{context.key}.{code}.others", CountKind.EVERYONE, of - n)


def _said(context: Context, value: Value) -> Value:
    """Return a text, or a list of texts, without the categories of few people."""
    if isinstance(value, tuple):
        return tuple(part for part in value if part not in context.unsaid)
    return None if value in context.unsaid else value


def _columns(context: Context, value: Value) -> Value:
    """Return the columns that the study uses; the others are never named."""
    if isinstance(value, tuple):
        return tuple(v for v in value if v in context.columns)
    return value if value in context.columns else None


def finding_values(
    context: Context, code: str, values: Mapping[str, Value], *, refusal: bool = False
) -> dict[str, Value]:
    """Return the values of a finding: when a count is kept back, so are the shares it gives.

    What a refusal counts is everybody there was for what it refuses.
    """
    context = replace(context, n=_base(code, values) or context.n)
    told = {
        name: value_leaf(context, code, name, value, refusal=refusal)
        for name, value in values.items()
    }
    if not _others_told(context, code, told):
        context.kept_back("difference")
        told["n"] = None
    if code in TIMES_COUNT and told.get("n") != values.get("n"):  # kept back, or rounded
        told |= dict.fromkeys(("n", *TIMES_COUNT[code]))
    rules = {name: declared(code, name).rule for name in values}
    hidden = any(
        told[name] is None and value is not None
        for name, value in values.items()
        if rules[name] in (Rule.PEOPLE, Rule.CLUSTERS)
    )
    if not hidden:
        return told
    return {name: None if rules[name] is Rule.SHARE else value for name, value in told.items()}


def matrix_leaf(matrix: Matrix, hidden: list[bool], *, exact: bool) -> Matrix:
    """Return a covariance without what is kept back, to two digits of the errors it gives."""

    def cell(i: int, j: int, value: float | None) -> float | None:
        if value is None or hidden[i] or hidden[j]:
            return None
        if exact:
            return value
        if i == j:
            return round_error(value**0.5) ** 2
        return round_significant(value, 2)

    return tuple(
        tuple(cell(i, j, value) for j, value in enumerate(row)) for i, row in enumerate(matrix)
    )


def as_told(count: int | None, context: Context) -> int | None:
    """Return a count as the profile rounds it."""
    return None if count is None else round_count(count, context.profile.count_base)


def follows(row: EffectRecord) -> bool:
    """Whether the independent units of a row are just the people it counts."""
    known = [n for n in (row.n_treated, row.n_comparison) if n is not None]
    return row.n_clusters is None or row.n_clusters == sum(known)
