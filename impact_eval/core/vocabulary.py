"""Closed lists that several floors share, each declared once."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeAlias

# how the p-values of a family of outcomes are corrected
Correction: TypeAlias = Literal[
    "holm", "bonferroni", "hochberg", "hommel", "bh", "by", "sharpened_q", "westfall_young"
]


class Unit(StrEnum):
    """The unit of an outcome: how a number of it is read aloud."""

    SHARE = "share"  # between 0 and 1, told as people out of 100
    PERCENT = "percent"  # between 0 and 100; differences are percentage points
    LOG100 = "log100"  # 100 × logarithm: differences are about per cents
    SCORE = "score"  # points of a scale
    EUR = "eur"
    COUNT = "count"
    HOURS = "hours"
    DAYS = "days"
    NUMBER = "number"  # no unit of its own


class Direction(StrEnum):
    """Which way is better for the people concerned."""

    HIGHER = "higher_is_better"
    LOWER = "lower_is_better"
    NEITHER = "neither"


class RowsAre(StrEnum):
    """What a row of a table stands for: territories are not people, and are not withheld."""

    PEOPLE = "people"
    TERRITORIES = "territories"


class Pillar(StrEnum):
    """The pillars of the Pacte des solidarités."""

    CHILDHOOD = "enfance"
    EMPLOYMENT = "emploi"
    RIGHTS = "droits"
    TRANSITION = "transition"


class ShareFormula(StrEnum):
    """What an estimate of yes and no gives back of the counts behind it.

    `TWO_GROUPS`: a difference of two means of independent rows. `TWO_DATES`: the mean of paired
    changes. `OTHER`: nothing that a hand calculation could undo.
    """

    TWO_GROUPS = "two_groups"
    TWO_DATES = "two_dates"
    OTHER = "other"


class ScoreGroup(StrEnum):
    """Whose answers to a questionnaire are told: each group has its own."""

    EVERYONE = "everyone"  # nothing says who is accompanied
    ACCOMPANIED = "accompanied"
    COMPARISON = "comparison"


class LabelsAlike(StrEnum):
    """What labels are that differ by case, accents or dashes alone: told before they are counted.

    `ASKED`: nobody said, and a table that has some is refused. `SAME`: one label. `DIFFERENT`: two.
    """

    ASKED = "asked"
    SAME = "same"
    DIFFERENT = "different"
