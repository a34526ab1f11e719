"""Which counts of people may leave together: one judge for all that an edition publishes.

A count leaves when it is not small, and when no count of the same kind that left before it is
within a few people of it: their difference would count those few. What was published in an earlier
edition counts as having left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from impact_eval.results.disclosure.profiles import Profile
from impact_eval.results.disclosure.suppression import far_apart
from impact_eval.results.study import ReleasedCount


class Kind(StrEnum):
    """What a count of people is about; only counts of one kind can be subtracted."""

    TREATED = "treated"
    COMPARISON = "comparison"
    EVERYONE = "everyone"
    PART = "part"  # some of a group: lost, improved, who gave an answer


KINDS = {
    "n_treated": Kind.TREATED,
    "n_comparison": Kind.COMPARISON,
    "n_controls": Kind.COMPARISON,
    **dict.fromkeys(
        ("n", "n_rows", "n_units", "n_before", "n_after", "rows_in", "rows_out", "of", "total"),
        Kind.EVERYONE,
    ),
}


@dataclass(slots=True)
class Counts:
    """The counts that leave, in the order in which they were asked for.

    Parameters
    ----------
    profile : Profile
    earlier : sequence of ReleasedCount
        What earlier editions published.
    dates : set of int
        At how many dates people are seen: rows beside people times dates tell who missed one.
    """

    profile: Profile
    earlier: tuple[ReleasedCount, ...] = ()
    dates: frozenset[int] = frozenset()
    told: dict[str, int] = field(default_factory=dict)
    _kept: dict[Kind, set[int]] = field(default_factory=dict)

    def small(self, n: float | None) -> bool:
        """Whether a count is of few people."""
        return n is not None and self.profile.small(n)

    def allows(self, key: str, kind: Kind, n: int) -> bool:
        """Whether a count may leave; one that may is remembered.

        Parameters
        ----------
        key : str
            Where it stands, the same from one edition to the next.
        kind : Kind
        n : int
        """
        if self.small(n) or not self._apart(kind, n) or self._conflicts(key, n):
            return False
        self._keep(kind, n)
        self.told[key] = n
        return True

    def told_already(self, kind: Kind, n: int) -> bool:
        """Whether the same count of the same kind left already: it tells nothing new."""
        return n in self._kept.get(kind, ())

    def allows_pair(self, key: str, treated: int, comparison: int) -> bool:
        """Whether the counts of both groups may leave: each of them, and their sum."""
        parts = ((Kind.TREATED, treated), (Kind.COMPARISON, comparison))
        whole = (Kind.EVERYONE, treated + comparison)
        fine = all(not self.small(n) and self._apart(kind, n) for kind, n in (*parts, whole))
        if not fine or any(self._conflicts(f"{key}.{kind}", n) for kind, n in parts):
            return False
        for kind, n in (*parts, whole):
            self._keep(kind, n)
        self.told.update({f"{key}.{kind}": n for kind, n in parts})
        return True

    def _apart(self, kind: Kind, n: int) -> bool:
        if kind is Kind.PART:
            return True
        others: Iterable[int] = self._kept.get(kind, ())
        least = self.profile.threshold
        times = (1, *self.dates) if kind is Kind.EVERYONE else (1,)
        return all(
            far_apart(n, dates * other, threshold=least)
            and far_apart(dates * n, other, threshold=least)
            for other in others
            for dates in times
        )

    def _keep(self, kind: Kind, n: int) -> None:
        if kind is not Kind.PART:
            self._kept.setdefault(kind, set()).add(n)

    def _conflicts(self, key: str, n: int) -> bool:
        """Whether an earlier edition told it with a few people more or less."""
        told = [entry for entry in self.earlier if entry.key == key]
        if any(entry.same_source and entry.count == n for entry in told):
            return False
        least = self.profile.threshold
        return not all(far_apart(n, entry.count, threshold=least) for entry in told)
