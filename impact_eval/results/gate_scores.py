"""Counts of a questionnaire that are judged together: answers, classes, people who changed.

They add up to a number that is told elsewhere: one that is small, or all but small, gives itself
away with the others. The questions of one scale are all shown or none: some of them would tell
another story.
"""

from __future__ import annotations

from collections.abc import Sequence

from impact_eval.results.disclosure.suppression import far_apart
from impact_eval.results.gate_groups import HOMOGENEOUS
from impact_eval.results.gate_leaves import Context
from impact_eval.results.score_change import (
    ChangeReading,
    EffectSizeRecord,
    PairedEffectsRecord,
    ReliableRecord,
)
from impact_eval.results.score_facts import LostRecord, ScoreBandRecord
from impact_eval.results.score_records import (
    BinRecord,
    CategoryCode,
    CodeTableRecord,
    FavourableEnd,
    InvarianceRecord,
    ItemRecord,
    LevelRecord,
    PeopleChanged,
    ScoreRecord,
)
from impact_eval.results.score_tests import SignFlipRecord, WilcoxonRecord

FEWEST_BINS = 3  # fewer classes tell nothing


def prepared(score: ScoreRecord, context: Context, *, withheld: bool) -> ScoreRecord:
    """Return a questionnaire whose lists of counts have passed.

    Parameters
    ----------
    score : ScoreRecord
    context : Context
    withheld : bool
        Whether everything that counts people is kept back.
    """
    items, categories = _items(score, context, withheld=withheld)
    people, reading = _people(score, context, withheld=withheld)
    if reading is not None and levels_of_score(score, context) is not None:
        reading = _without_levels(reading)
    quality = score.quality
    if quality is not None:
        sides = tuple(_sides(found, context, withheld=withheld) for found in quality.invariance)
        quality = quality.model_copy(update={"invariance": sides})
    return score.model_copy(
        update={
            **_same_people(score, context),
            "bands": _bands(score, context, withheld=withheld),
            "lost": _lost(score, context),
            "items": items,
            "categories": categories,
            "codes": _codes(score, items, context, withheld=withheld),
            "bins": _bins(score, context, withheld=withheld),
            "people": people,
            "reading": reading,
            "quality": quality,
        }
    )


def levels_of_score(score: ScoreRecord, context: Context) -> str | None:
    """Return the rule under which the scores of a date are kept back, with those of the other.

    All have the same score, or all but a few have the lowest or the highest: the mean tells theirs,
    and the other date's mean with the change would give it back.
    """
    if context.exact:
        return None
    levels = (score.before, score.after, score.level)
    known = [level.fewest for level in levels if level is not None]
    if 0 in known:
        return HOMOGENEOUS
    return "share_of_few" if _few(known, context) else None


def _same_people(score: ScoreRecord, context: Context) -> dict[str, LevelRecord | None]:
    """Return both levels, of those seen twice where those seen once are only a few more.

    The mean of 30 people beside that of 27 of them tells the mean of the three.
    """
    change, reading = score.change, score.reading
    if change is None or change.n is None or reading is None:
        return {}
    least, n = context.profile.threshold, change.n
    both = reading.effects
    out: dict[str, LevelRecord | None] = {}
    for name, level in (("before", score.before), ("after", score.after)):
        if level is None or level.n is None or far_apart(level.n, n, threshold=least):
            continue
        context.log.add(context.part, "difference")
        if not isinstance(both, PairedEffectsRecord):
            out[name] = None
        elif name == "before":
            out[name] = level.model_copy(
                update={"mean": both.mean_before, "sd": both.sd_before, "n": n}
            )
        else:
            out[name] = level.model_copy(
                update={"mean": both.mean_after, "sd": both.sd_after, "n": n}
            )
    return out


def _few(counts: Sequence[int | None], context: Context) -> int:
    """Return how many counts of a list are of few people."""
    return sum(context.counts.small(n) for n in counts if n is not None)


def _items(
    score: ScoreRecord, context: Context, *, withheld: bool
) -> tuple[tuple[ItemRecord, ...], tuple[object, ...]]:
    """Join answers into unfavourable and favourable when some are few; then show all or none."""
    answers = [n for item in score.items for n in _answers(item)]
    if not score.items:
        return score.items, score.categories
    if not withheld and not _answered_alike(score, context):
        context.log.add(context.part, "difference")
        return (), score.categories
    if not withheld and not _few(answers, context) and not _one_answer(score.items, context):
        return score.items, score.categories
    few = max(_few(answers, context), 1)
    if any(item.better is FavourableEnd.NONE or item.answers for item in score.items):
        context.log.add(context.part, "threshold", few)  # nothing says which halves would be joined
        return (), () if withheld else score.categories
    joined = tuple(_joined(item) for item in score.items)
    left = [n for item in joined for n in _answers(item)]
    if withheld or _few(left, context) or _one_answer(joined, context):
        context.log.add(context.part, "threshold", few)
        return (), () if withheld else score.categories
    context.log.add(context.part, "joined", few)
    names = ("answer_low", "answer_middle", "answer_high")
    middle = len(score.categories) % 2
    kept = names if middle else (names[0], names[2])
    return joined, tuple(CategoryCode.model_validate({"code": name}) for name in kept)


def _answers(item: ItemRecord) -> list[int]:
    return [*(item.before or ()), *(item.after or ())]


def _answered_alike(score: ScoreRecord, context: Context) -> bool:
    """Whether the people that the answers to each question add up to may be told.

    A question that three people left blank counts three less than the scale: it tells them.
    """
    _those_seen_twice(score, context)
    return all(
        context.counts.allows(f"{context.key}.items[{i}].{date}", context.everyone, sum(counts))
        for i, item in enumerate(score.items)
        for date, counts in (("before", item.before), ("after", item.after))
        if counts
    )


def _those_seen_twice(score: ScoreRecord, context: Context) -> bool:
    """Whether those seen at both dates may be told: they come before those of one date."""
    n = None if score.change is None else score.change.n
    key = f"{context.key}.change.n"
    return n is None or context.counts.allows(key, context.everyone, n)


def _one_answer(items: Sequence[ItemRecord], context: Context) -> bool:
    """Whether everybody gave one answer to a question: it tells each person's."""
    lists = [counts for item in items for counts in (item.before, item.after) if counts]
    return not context.exact and any(_all_in_one(counts) for counts in lists)


def _all_in_one(counts: Sequence[int]) -> bool:
    return len(counts) > 1 and max(counts) == sum(counts) > 0  # all people in one of several


def _joined(item: ItemRecord) -> ItemRecord:
    """Return a question's counts as unfavourable, middle when there is one, favourable."""
    turned = item.better is FavourableEnd.FIRST
    halves = {
        name: None if counts is None else _halves(counts[::-1] if turned else counts)
        for name, counts in (("before", item.before), ("after", item.after))
    }
    return item.model_copy(update={**halves, "better": FavourableEnd.LAST})


def _codes(
    score: ScoreRecord, items: tuple[ItemRecord, ...], context: Context, *, withheld: bool
) -> tuple[CodeTableRecord, ...]:
    """Return what codes were taken for, with the answers to all of them or to none.

    With answers by question at two dates, these are their sums: they leave with them, as they are.
    """
    if context.exact or not score.codes:
        return score.codes
    counts = [table.answers or () for table in score.codes]
    told = (
        not withheld
        and items == score.items
        and context.exact_counts
        and not any(_few(row, context) or _all_in_one(row) for row in counts)
        and _totals_allowed(score, counts, context)
    )
    if told:
        return score.codes
    if not withheld:
        context.log.add(context.part, "threshold", max(sum(_few(r, context) for r in counts), 1))
    return tuple(table.model_copy(update={"answers": None}) for table in score.codes)


def _totals_allowed(score: ScoreRecord, counts: Sequence[Sequence[int]], context: Context) -> bool:
    """Whether the people that the answers to each code add up to may be told.

    The people of the scale come before them: those are told first.
    """
    if score.items:
        return True  # judged with the answers by question
    _those_seen_twice(score, context)
    everyone = f"{context.key}.n"
    if score.n is None or not context.counts.allows(everyone, context.everyone, score.n):
        return False
    return all(
        context.counts.allows(f"{context.key}.codes[{i}]", context.everyone, sum(row))
        for i, row in enumerate(counts)
    )


def _halves(counts: tuple[int, ...]) -> tuple[int, ...]:
    half = len(counts) // 2
    middle = counts[half : len(counts) - half]
    return (sum(counts[:half]), *middle, sum(counts[len(counts) - half :]))


def _bins(score: ScoreRecord, context: Context, *, withheld: bool) -> tuple[BinRecord, ...]:
    """Join neighbouring classes until none counts few people; fewer than three tell nothing.

    They add up to the people seen at each date, who must not be a few more than those seen twice.
    """
    bins = score.bins
    if withheld or not bins:
        return ()
    if not _sums_allowed(score, context):
        context.log.add(context.part, "difference")
        return ()
    joined: list[BinRecord] = []
    for row in bins:
        if joined and _few((joined[-1].before, joined[-1].after), context):
            joined[-1] = _together(joined[-1], row)
        else:
            joined.append(row)
    while len(joined) > 1 and _few((joined[-1].before, joined[-1].after), context):
        joined[-2:] = [_together(joined[-2], joined[-1])]
    if len(joined) < len(bins):
        few = sum(_few((row.before, row.after), context) for row in bins)
        context.log.add(context.part, "joined", few)
    dates = ([row.before or 0 for row in joined], [row.after or 0 for row in joined])
    if not context.exact and any(_all_in_one(date) for date in dates):
        context.log.add(context.part, HOMOGENEOUS)
        return ()
    return tuple(joined) if len(joined) >= FEWEST_BINS else ()


def _bands(score: ScoreRecord, context: Context, *, withheld: bool) -> tuple[ScoreBandRecord, ...]:
    """Return the published bands, with all the people in them or none: they add up to them."""
    counts = [n for band in score.bands for n in (band.before, band.after) if n is not None]
    if not counts:
        return score.bands
    dates = [[band.before or 0 for band in score.bands], [band.after or 0 for band in score.bands]]
    alike = not context.exact and any(_all_in_one(date) for date in dates)
    told = _those_seen_twice(score, context) and context.exact_counts
    few = _few(counts, context)
    if told and not withheld and not few and not alike:
        return score.bands
    context.log.add(context.part, "threshold" if few or withheld else HOMOGENEOUS, max(few, 1))
    return tuple(b.model_copy(update={"before": None, "after": None}) for b in score.bands)


def _lost(score: ScoreRecord, context: Context) -> LostRecord | None:
    """Return who was lost, without the rows that tell of a few people what they were like."""
    lost = score.lost
    if lost is None or context.exact:
        return lost
    rows = tuple(row for row in lost.rows if row.fewest and not context.counts.small(row.fewest))
    if len(rows) < len(lost.rows):
        context.log.add(context.part, "threshold", len(lost.rows) - len(rows))
    return lost.model_copy(update={"rows": rows})


def _sums_allowed(score: ScoreRecord, context: Context) -> bool:
    """Whether the people that classes add up to, at each date, may be told."""
    counts = context.counts
    _those_seen_twice(score, context)
    totals = {
        date: sum(getattr(row, date) or 0 for row in score.bins) for date in ("before", "after")
    }
    return all(
        counts.allows(f"{context.key}.bins.{date}", context.everyone, total)
        for date, total in totals.items()
    )


def _together(one: BinRecord, other: BinRecord) -> BinRecord:
    return one.model_copy(
        update={
            "high": other.high,
            "before": (one.before or 0) + (other.before or 0),
            "after": (one.after or 0) + (other.after or 0),
        }
    )


def _people(
    score: ScoreRecord, context: Context, *, withheld: bool
) -> tuple[PeopleChanged | None, ChangeReading | None]:
    """Return how many changed: all the counts or none, since they add up to people told."""
    people, reading = score.people, score.reading
    changed = [] if people is None else [people.improved, people.stable, people.worsened]
    shares = [] if reading is None else [share.count for share in reading.shares.values()]
    counts = [*changed, *shares]
    alike = not context.exact and any(
        _all_in_one([n or 0 for n in part]) for part in (changed, shares)
    )
    few = _few(counts, context) + alike
    told = _those_seen_twice(score, context)
    if reading is not None and not (told and context.exact_counts):
        reading = _without_sizes(reading)
    if reading is not None and not context.exact:
        reading = _without_those_who_changed(reading, context)
    if not few and not withheld and told:
        return people, reading
    rule = "threshold" if few or withheld else "difference"
    context.log.add(context.part, rule, max(few, 1) if counts else 0)
    return None, None if reading is None else _without_counts(reading)


def _without_sizes(reading: ChangeReading) -> ChangeReading:
    """Return a change without the sizes that give its number of people: a t is a size times √n."""
    effects = reading.effects
    if not isinstance(effects, PairedEffectsRecord):
        return reading
    empty = EffectSizeRecord(value=None, conf_low=None, conf_high=None)
    hidden = {"dz": empty, "g_z": empty, "d_rm": empty, "sd_change": None}
    return reading.model_copy(update={"effects": effects.model_copy(update=hidden)})


def _without_those_who_changed(reading: ChangeReading, context: Context) -> ChangeReading:
    """Return a change without what gives how many changed, where they or the others are few.

    All the signs of k changes are 2^k patterns; a sum of ranks over its largest, or a normal
    statistic beside it, gives k too.
    """
    flips, ranks = reading.permutation, reading.rank_test
    if isinstance(flips, SignFlipRecord) and flips.exact:
        flips = flips.model_copy(update={"patterns": None})
    if isinstance(ranks, WilcoxonRecord):
        same = ranks.n_zero or 0
        if _few((same, (ranks.n or 0) - same), context):
            hidden = ("statistic", "z", "rank_biserial", "p_corrected", "n_zero")
            ranks = ranks.model_copy(update=dict.fromkeys(hidden))
    return reading.model_copy(update={"permutation": flips, "rank_test": ranks})


def _without_levels(reading: ChangeReading) -> ChangeReading:
    """Return a change without its levels, their deviations, and the sizes over these."""
    effects = reading.effects
    if not isinstance(effects, PairedEffectsRecord):
        return reading
    empty = EffectSizeRecord(value=None, conf_low=None, conf_high=None)
    sizes = dict.fromkeys(("d_av", "d_rm", "glass"), empty)
    numbers = ("mean_before", "sd_before", "mean_after", "sd_after", "glass_corrected",
               "correlation")  # fmt: skip
    hidden = {**sizes, **dict.fromkeys(numbers)}
    return reading.model_copy(update={"effects": effects.model_copy(update=hidden)})


def _without_counts(reading: ChangeReading) -> ChangeReading:
    hidden = {"count": None, "conf_low": None, "conf_high": None}
    shares = {name: share.model_copy(update=hidden) for name, share in reading.shares.items()}
    reliable = reading.reliable
    if isinstance(reliable, ReliableRecord):
        reliable = reliable.model_copy(
            update=dict.fromkeys(("n_improved", "n_unchanged", "n_deteriorated"))
        )
    return reading.model_copy(update={"shares": shares, "reliable": reliable})


def _sides(found: InvarianceRecord, context: Context, *, withheld: bool) -> InvarianceRecord:
    """Return a verdict without its counts when one of them is small."""
    sides = found.n or ()
    told = all(
        context.counts.allows(f"{context.key}.invariance[{i}]", context.everyone, n)
        for i, n in enumerate(sides)
        if not withheld
    )
    if told and not withheld:
        return found
    return found.model_copy(update={"n": None})
