"""A score in words: its name, its part, its group, and its mean change in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from impact_eval.core.vocabulary import Direction, ScoreGroup
from impact_eval.report.blocks import Said, Words, say
from impact_eval.report.quantities import ShownUnit, digits_for, unit_of
from impact_eval.report.wording import said, written
from impact_eval.results.score_records import AlphaRecord, ScoreRecord

CLEAR = 0.05  # below it, a change is told as distinct from chance


def scale_name(score: ScoreRecord) -> Said:
    """Return a scale's name: as given, or from the catalogue, or its identifier."""
    if score.name is not None:
        return said(score.name)
    code = f"instrument.{score.instrument}.name"
    return say(code) if written(code) else score.instrument


def record_name(score: ScoreRecord) -> Said:
    """Return the name of a line: the scale, its part, the group whose answers they are."""
    name = part_name(score)
    if score.group is ScoreGroup.EVERYONE:
        return name
    return say(f"soft.of_{score.group.value}", scale=name)


def part_name(score: ScoreRecord) -> Said:
    """Return the name of a scale and of its part, whoever answers."""
    name = scale_name(score)
    if score.part is None:
        return name
    return say("soft.part_of", scale=name, part=_own_word(score, "part", score.part))


def band_words(score: ScoreRecord, band: str) -> Said:
    """Return the name of a band of scores, in the words of its scale."""
    return _own_word(score, "band", band)


def _own_word(score: ScoreRecord, kind: str, name: str) -> Said:
    """Return the words of a part or of a band; a user's own scale keeps its own name for it."""
    codes = [f"label.{kind}.{name}"]
    if not score.local:
        codes.insert(0, f"label.{kind}.{score.instrument}.{name}")
    return next((say(code) for code in codes if written(code)), name)


def shown_unit(score: ScoreRecord) -> ShownUnit:
    """Return how a number of a score is read aloud."""
    return unit_of(score.unit.value)


@dataclass(frozen=True, slots=True)
class KnownChange:
    """A mean change that is known, and so can be told."""

    estimate: float
    low: float | None
    high: float | None
    digits: int


def known_change(score: ScoreRecord) -> KnownChange | None:
    """Return the mean change of a scale; None when there is none, or when it is kept back."""
    change = score.change
    if change is None or change.estimate is None:
        return None
    digits = digits_for(shown_unit(score), change.conf_low, change.conf_high, change.estimate)
    return KnownChange(change.estimate, change.conf_low, change.conf_high, digits)


def change_sentence(score: ScoreRecord) -> Words:
    """Return the mean change of a group: its way, where it is told from chance.

    It is judged by its own interval, then with the other changes of the study.

    Parameters
    ----------
    score : ScoreRecord
        Whose change is known.
    """
    change = known_change(score)
    assert change is not None
    unit, low, high = shown_unit(score), change.low, change.high
    interval, clear = say("report.no_interval"), False
    if low is not None and high is not None:
        interval, clear = unit.between(low, high, change.digits), not low <= 0 <= high
    return say(
        f"soft.sentence_{_judged(score) if clear else 'flat'}",
        scale=record_name(score),
        change=unit.change(change.estimate, change.digits),
        interval=interval,
    )


def _judged(score: ScoreRecord) -> str:
    """Return which sentence tells a change whose own interval leaves chance out."""
    change = score.change
    assert change is not None
    together = change.p_corrected
    if together is not None and not together < CLEAR:
        return "together"
    if score.direction is Direction.NEITHER or change.estimate is None:
        return "up"
    rises = change.estimate > 0
    return "better" if rises is (score.direction is Direction.HIGHER) else "worse"


def alpha_shown(score: ScoreRecord) -> float | None:
    """Return the alpha of a scale, when it has one that may be told."""
    found = score.reliability
    return found.alpha if isinstance(found, AlphaRecord) else None


def never_added(score: ScoreRecord) -> bool:
    """Whether a scale is made of questions that are never added, told one by one.

    A total that is never made has no bounds; files written before kept them, and their count.
    """
    if score.part is not None or score.change is not None or score.level is not None:
        return False
    return (score.low is None and score.high is None) or bool(score.n)
