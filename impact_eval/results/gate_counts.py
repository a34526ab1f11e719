"""Which counts of people may leave together: one judge for all that an edition publishes.

A count leaves when it is not small, and when no count of the same kind that left before it is
within a few people of it: their difference would count those few. What was published in an earlier
edition counts as having left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from impact_eval.results.disclosure.profiles import Profile
from impact_eval.results.disclosure.suppression import far_apart
from impact_eval.results.study_records import ReleasedCount


class CountKind(StrEnum):
    """What a count of people is about; only counts of one kind can be subtracted."""

    TREATED = "treated"
    COMPARISON = "comparison"
    EVERYONE = "everyone"
    PART = "part"  # some of a group: lost, improved, who gave an answer


KINDS = {
    "n_treated": CountKind.TREATED,
    "n_comparison": CountKind.COMPARISON,
    "n_controls": CountKind.COMPARISON,
    "units": CountKind.EVERYONE,
    **dict.fromkeys(
        ("n", "n_rows", "n_units", "n_before", "n_after", "rows_in", "rows_out", "of", "total"),
        CountKind.EVERYONE,
    ),
}
_WHOLES = frozenset({"main", "all"})  # places of everybody that bear no name of a field


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
    _kept: dict[CountKind, set[int]] = field(default_factory=dict)

    def small(self, n: float | None) -> bool:
        """Whether a count is of few people."""
        return n is not None and self.profile.small(n)

    def allows(self, key: str, kind: CountKind, n: int) -> bool:
        """Whether a count may leave; one that may is remembered.

        Parameters
        ----------
        key : str
            Where it stands, the same from one edition to the next.
        kind : CountKind
        n : int
        """
        if self.small(n) or not self._apart(kind, n) or self._conflicts(key, kind, n):
            return False
        self._keep(kind, n)
        self.told[key] = n
        return True

    def told_already(self, kind: CountKind, n: int) -> bool:
        """Whether the same count of the same kind left already: it tells nothing new."""
        return n in self._kept.get(kind, ())

    def allows_pair(self, key: str, treated: int, comparison: int) -> bool:
        """Whether the counts of both groups may leave: each of them, and their sum."""
        parts = ((CountKind.TREATED, treated), (CountKind.COMPARISON, comparison))
        whole = (CountKind.EVERYONE, treated + comparison)
        fine = all(not self.small(n) and self._apart(kind, n) for kind, n in (*parts, whole))
        if not fine or any(self._conflicts(f"{key}.{kind}", kind, n) for kind, n in parts):
            return False
        for kind, n in (*parts, whole):
            self._keep(kind, n)
        self.told.update({f"{key}.{kind}": n for kind, n in parts})
        return True

    def _apart(self, kind: CountKind, n: int) -> bool:
        if kind is CountKind.PART:
            return True
        alike = all(self._far(kind, n, other) for other in self._kept.get(kind, ()))
        return alike and not self._leaves_few(kind, n)

    def _leaves_few(self, kind: CountKind, n: int) -> bool:
        """Whether a group and everybody tell that few people are of the other group."""
        if kind is CountKind.EVERYONE:
            pairs = [
                (n, arm)
                for one in (CountKind.TREATED, CountKind.COMPARISON)
                for arm in self._kept.get(one, ())
            ]
        else:
            pairs = [(whole, n) for whole in self._kept.get(CountKind.EVERYONE, ())]
        return any(self._rest_is_few(whole, arm) for whole, arm in pairs)

    def _rest_is_few(self, whole: int, arm: int) -> bool:
        """Whether everybody less a group is few people; a group of more rows is seen at dates."""
        if arm <= whole:
            return arm < whole and self.small(whole - arm)
        return any(arm < dates * whole and self.small(whole - arm / dates) for dates in self.dates)

    def _far(self, kind: CountKind, n: int, other: int) -> bool:
        """Whether two counts of one kind tell of no few people, once or at several dates."""
        least = self.profile.threshold
        times = (1, *self.dates) if kind is CountKind.EVERYONE else (1,)
        return all(
            far_apart(n, dates * other, threshold=least)
            and far_apart(dates * n, other, threshold=least)
            for dates in times
        )

    def _keep(self, kind: CountKind, n: int) -> None:
        if kind is not CountKind.PART:
            self._kept.setdefault(kind, set()).add(n)

    def _conflicts(self, key: str, kind: CountKind, n: int) -> bool:
        """Whether an earlier edition told it, or its like, with a few people more or less.

        What an edition of other data told of the same kind of people is held against it wherever
        it stood: a count kept back in one place is not told by another.
        """
        told = [entry for entry in self.earlier if entry.key == key]
        if any(entry.same_source and entry.count == n for entry in told):
            return False
        if kind is not CountKind.PART:
            told += [e for e in self.earlier if not e.same_source and kind_of(e.key) is kind]
        return not all(self._far(kind, n, entry.count) for entry in told)


def kind_of(key: str) -> CountKind:
    """Return what a count of the ledger is about, from its place.

    Examples
    --------
    >>> kind_of("estimates.emploi.main.treated").value, kind_of("data.n_rows").value
    ('treated', 'everyone')
    >>> kind_of("scores.estime.people.improved").value
    'part'
    """
    name = key.rpartition(".")[2]
    if name in set(CountKind):
        return CountKind(name)
    return CountKind.EVERYONE if name in _WHOLES else KINDS.get(name, CountKind.PART)
