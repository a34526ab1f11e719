"""What can be computed about few people from `results.json` alone, and from earlier editions.

The attacker knows the format, the rules, and every sum among the counts. Nothing here calls the
gate: a rule that the gate forgot is found because the numbers say it.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from impact_eval.core.vocabulary import RowsAre, ShareFormula, Unit
from impact_eval.pipeline.leak_counts import implied_counts, sums_of
from impact_eval.pipeline.leak_files import FoundText
from impact_eval.pipeline.leak_leaves import Leaf, leaves
from impact_eval.pipeline.leak_report import Leak, LeakKind
from impact_eval.results.disclosure.attack_shares import (
    CountRange,
    ShownDifference,
    paired_counts,
    two_group_counts,
)
from impact_eval.results.disclosure.profiles import Profile, profile
from impact_eval.results.disclosure.releases import Ledger
from impact_eval.results.disclosure.rounding import percentage_unit
from impact_eval.results.disclosure.suppression import far_apart
from impact_eval.results.estimates import EstimateRecord, Role
from impact_eval.results.gate_counts import KINDS, CountKind
from impact_eval.results.record_base import Rule
from impact_eval.results.records import StudyResults

FILE = "results.json"
_COLUMNS = frozenset(
    {*KINDS, "n", "people", "dropped", "lost", "improved", "stable", "worsened", "count"}
)  # of tables
_ENDS = ("conf_low", "conf_high")
_COUNTS = (Rule.PEOPLE, Rule.CLUSTERS)
_SCALES: Mapping[Unit, float] = {Unit.SHARE: 1.0, Unit.PERCENT: 100.0}


@dataclass(frozen=True, slots=True)
class PublishedCount:
    """A count of people that a record tells."""

    key: str
    kind: CountKind
    n: int


def number_leaks(results: StudyResults, file: str = FILE) -> tuple[Leak, ...]:
    """Return what the numbers of a published record tell of few people.

    Parameters
    ----------
    results : StudyResults
        As published.
    file : str
        Where it stands, for the report.

    Returns
    -------
    tuple of Leak
        Empty for the operator's own edition: its numbers are its own.
    """
    disclosure = results.disclosure
    if disclosure.edition != "publication":
        return ()
    rules = profile(disclosure.profile).with_threshold(disclosure.threshold)
    counts = tuple(published_counts(results))
    found = [
        *(_leak(LeakKind.SMALL_COUNT, c.key, file) for c in counts if rules.small(c.n)),
        *_close(results, counts, rules, file),
        *_bounded(results, rules, file),
        *_shares(results, rules, file),
    ]
    return tuple(found)


def _leak(kind: LeakKind, key: str, file: str) -> Leak:
    return Leak(kind, file, 1, (key,))


def published_counts(results: StudyResults) -> Iterator[PublishedCount]:
    """Yield the counts of people that a record tells, with what each is about.

    Parameters
    ----------
    results : StudyResults
    """
    for leaf in leaves(results):
        if not leaf.people or leaf.rule not in _COUNTS:
            continue
        kind = KINDS.get(leaf.name, CountKind.PART)
        for value in leaf.value if isinstance(leaf.value, tuple) else (leaf.value,):
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                yield PublishedCount(leaf.key, kind, round(value))


def table_leaks(texts: Iterable[FoundText], results: StudyResults) -> tuple[Leak, ...]:
    """Return the small counts that stand in the columns of people of the tables shipped.

    Parameters
    ----------
    texts : iterable of FoundText
        Of the output folder; those of CSV files are read.
    results : StudyResults
        As published.
    """
    disclosure = results.disclosure
    people = all(record.counted is RowsAre.PEOPLE for record in results.headlines)
    if (
        disclosure.edition != "publication"
        or not people
        or results.data.counted is not RowsAre.PEOPLE
    ):
        return ()  # a table does not say whose counts it holds
    rules = profile(disclosure.profile).with_threshold(disclosure.threshold)
    return tuple(
        Leak(LeakKind.SMALL_COUNT, text.file, 1, (name,))
        for text in texts
        if text.file.endswith(".csv") and text.part == "text"
        for row in csv.DictReader(text.text.splitlines())
        for name, cell in row.items()
        if name in _COLUMNS and str(cell).isdigit() and rules.small(int(cell))
    )


# -- counts of the same people ----------------------------------------------------------------


def _close(
    results: StudyResults, counts: Sequence[PublishedCount], rules: Profile, file: str
) -> Iterator[Leak]:
    """Yield the pairs of counts of one kind that are a few people apart, implied ones included."""
    by_kind: dict[CountKind, dict[int, str]] = {}
    for count in counts:
        if count.kind is not CountKind.PART and count.n > 0:
            by_kind.setdefault(count.kind, {}).setdefault(count.n, count.key)
    everyone = by_kind.setdefault(CountKind.EVERYONE, {})
    for implied in implied_counts(results):
        if implied.low == implied.high:
            everyone.setdefault(implied.low, implied.key)
    for table in by_kind.values():
        for (one, key), (other, place) in combinations(table.items(), 2):
            widest = abs(one - other) + 2 * (rules.count_base // 2)  # once rounded
            if not far_apart(0, widest, threshold=rules.threshold):
                yield Leak(LeakKind.CLOSE_COUNTS, file, 1, (key, place))


def _bounded(results: StudyResults, rules: Profile, file: str) -> Iterator[Leak]:
    """Yield the withheld counts that sums give back: small, or bounded within the threshold."""
    for key, (low, high) in sums_of(results).bounds(rules.count_base).items():
        if high - low < rules.threshold and high > 0 and low < rules.threshold:
            yield _leak(LeakKind.BOUNDED_COUNT, key, file)


# -- shares -----------------------------------------------------------------------------------


def _shares(results: StudyResults, rules: Profile, file: str) -> Iterator[Leak]:
    """Yield the shares whose number of people tells a small count."""
    for leaf in leaves(results):
        if leaf.rule is not Rule.SHARE or not leaf.people or not isinstance(leaf.value, float):
            continue
        if leaf.name in _ENDS:
            continue  # of an interval: judged with the count that it surrounds
        if leaf.n is not None and _tells(leaf.value, _unit_of_share(leaf), leaf.n, rules):
            yield _leak(LeakKind.SMALL_SHARE, leaf.key, file)
    yield from _of_intervals(results, file)
    for i, record in enumerate(results.estimates):
        scale = _SCALES.get(record.unit)
        if record.counted is RowsAre.PEOPLE and scale is not None:
            yield from _of_levels(record, f"estimates[{i}]", scale, rules, file)
            yield from _of_difference(record, f"estimates[{i}]", scale, rules, file)


def _of_intervals(results: StudyResults, file: str) -> Iterator[Leak]:
    """Yield the intervals of shares whose count is withheld: they give it back."""
    for i, score in enumerate(results.scores):
        shares = {} if score.reading is None else score.reading.shares
        for name, share in shares.items():
            ends = (share.conf_low, share.conf_high)
            if score.counted is RowsAre.PEOPLE and share.count is None and ends != (None, None):
                yield _leak(LeakKind.SMALL_SHARE, f"scores[{i}].reading.shares.{name}", file)


def _unit_of_share(leaf: Leaf) -> float:
    """Return what a share is rounded to: points that hide one person, or three digits."""
    unit = percentage_unit(leaf.n or 0) if leaf.n is not None and leaf.n < 100 else None
    return 0.0 if unit is None else unit / 100


def _tells(share: float, unit: float, n: int, rules: Profile) -> bool:
    """Whether a share of n people leaves few counts, and small ones.

    The gate keeps back a share that counts few: what is shown as none is none.
    """
    if share in (0.0, 1.0):
        return rules.zeros_small
    low = max(math.ceil((share - unit / 2) * n - 1e-9), 0)
    high = min(math.floor((share + unit / 2) * n + 1e-9), n)
    if high < low:  # no whole number of people gives it: rounded otherwise
        low = high = round(share * n)
    return any(
        rules.small(end) and far - end < rules.threshold
        for end, far in ((max(low, 1), high), (max(n - high, 1), n - low))
        if end <= far
    )


def _of_levels(
    record: EstimateRecord, key: str, scale: float, rules: Profile, file: str
) -> Iterator[Leak]:
    """Yield the shares of groups, beside the numbers of people in them."""
    row, details = record.headline, record.estimate.details
    if details is None or record.role is not Role.MAIN:
        return
    everyone = row.n_treated if row.n_treated is not None else row.n_comparison
    error = row.std_error or 0.0
    unit = 10.0 ** (math.floor(math.log10(error)) - 1) if error > 0 else 0.0
    groups = {
        "mean_treated": row.n_treated,
        "mean_comparison": row.n_comparison,
        "mean_before": everyone,
        "mean_after": everyone,
    }
    for name, n in groups.items():
        mean = getattr(details, name)
        if mean is None or n is None:
            continue
        if _tells(mean / scale, 2 * unit / scale, n, rules):  # within one unit
            yield _leak(LeakKind.SMALL_SHARE, f"{key}.estimate.details.{name}", file)


def _of_difference(
    record: EstimateRecord, key: str, scale: float, rules: Profile, file: str
) -> Iterator[Leak]:
    """Yield the differences of shares whose error gives the shares back."""
    if record.role is not Role.MAIN:
        return
    for range_ in difference_tells(record, scale):
        if range_.tells(rules.threshold):
            yield _leak(LeakKind.SMALL_SHARE, f"{key}.estimate.effects[0]", file)
            return


def difference_tells(record: EstimateRecord, scale: float) -> tuple[CountRange, ...]:
    """Return what a published difference of shares gives back of the people behind it.

    Parameters
    ----------
    record : EstimateRecord
        As published, its answers in two values.
    scale : float
        1 for shares, 100 for percentages.
    """
    row = record.headline
    if row.estimate is None or not row.std_error:
        return ()
    shown = ShownDifference(row.estimate, row.std_error, row.statistic, scale)
    formula = record.estimate.formula
    if formula is ShareFormula.TWO_GROUPS and row.n_treated and row.n_comparison:
        return two_group_counts(shown, row.n_treated, row.n_comparison)
    lone = row.n_treated if row.n_treated is not None else row.n_comparison
    if formula is ShareFormula.TWO_DATES and lone:
        return paired_counts(shown, lone)
    return ()


# -- earlier editions ---------------------------------------------------------------------------


def edition_leaks(
    results: StudyResults, ledger: Ledger, counts: Mapping[str, int], file: str = FILE
) -> tuple[Leak, ...]:
    """Return the counts that an earlier edition told with a few people more or less.

    Parameters
    ----------
    results : StudyResults
        As published.
    ledger : Ledger
        What the study published, this edition included.
    counts : mapping of str to int
        Counts of this edition by their place, as the ledger names them.
    file : str
    """
    made = results.provenance
    least = results.disclosure.threshold
    others = [
        entry
        for entry in ledger.entries
        if (entry.data, entry.study) != (made.data_sha256, made.study_sha256)
    ]
    keys = dict.fromkeys(
        key
        for entry in others
        for key, n in entry.counts.items()
        if key in counts and not far_apart(counts[key], n, threshold=least)
    )
    return tuple(_leak(LeakKind.EARLIER_EDITION, key, file) for key in keys)


def withheld_numbers(whole: StudyResults, published: StudyResults) -> Iterable[Leaf]:
    """Yield the true leaves that the published record does not hold as they are, or rounds.

    Parameters
    ----------
    whole : StudyResults
        As computed, before the gate.
    published : StudyResults
        As published, of the same study.
    """
    shown = {leaf.key: leaf.value for leaf in leaves(published)}
    for leaf in leaves(whole):
        free = not leaf.people or leaf.rule is Rule.FREE
        if isinstance(leaf.value, float) and not free and shown.get(leaf.key) != leaf.value:
            yield leaf
