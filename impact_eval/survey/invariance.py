"""May two means of a score be compared: the verdict that travels with `Scores`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.invariance_chain import (
    InvarianceChain,
    InvarianceLevel,
    InvarianceVerdict,
    invariance_across_groups,
    invariance_over_time,
)
from impact_eval.stats.scales.invariance_ordinal import (
    ordinal_invariance_across_groups,
    ordinal_invariance_over_time,
)
from impact_eval.survey.quality_common import goes_together

FloatArray = NDArray[np.float64]
MOST_ORDINAL = 5  # up to five answers are taken as ordered categories, more as numbers
_FACTOR = "scale"


class InvarianceScope(StrEnum):
    """Between what the scale is compared."""

    GROUPS = "groups"
    WAVES = "waves"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvarianceReading:
    """Whether a scale measures the same thing on both sides of a comparison.

    Attributes
    ----------
    comparison : InvarianceScope
    verdict : InvarianceVerdict
        `HOLDS`: means may be compared; `FRAGILE`: part of a difference may come from the
        questions; `NOT_TESTABLE`: the comparison rests on an assumption.
    reached : InvarianceLevel or None
        Last level accepted.
    n : tuple of int
        Persons of each group, or who answered all waves.
    reason : NotApplicable or None
        Why it cannot be tested.
    chain : InvarianceChain or None
    """

    comparison: InvarianceScope
    verdict: InvarianceVerdict
    reached: InvarianceLevel | None = None
    n: tuple[int, ...] = ()
    reason: NotApplicable | None = None
    chain: InvarianceChain | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict and its steps, as JSON."""
        out: dict[str, Any] = {
            "comparison": self.comparison.value,
            "verdict": self.verdict.value,
            "reached": self.reached.value if self.reached else None,
            "n": list(self.n),
        }
        if self.reason is not None:
            out["reason"] = self.reason.to_dict()
        if self.chain is not None:
            out["steps"] = [
                {
                    "level": step.level.value,
                    "accepted": step.accepted,
                    "cfi_change": step.cfi_change,
                    "rmsea_change": step.rmsea_change,
                    "chi_square": step.fit.comparative.chi_square,
                    "df": step.fit.comparative.df,
                }
                for step in self.chain.steps
            ]
        return out


def _reading(
    comparison: InvarianceScope, found: InvarianceChain | NotApplicable
) -> InvarianceReading:
    if isinstance(found, NotApplicable):
        return InvarianceReading(
            comparison=comparison, verdict=InvarianceVerdict.NOT_TESTABLE, reason=found
        )
    return InvarianceReading(
        comparison=comparison, verdict=found.verdict, reached=found.reached, n=found.n,
        chain=found,
    )  # fmt: skip


def most_answers(matrix: FloatArray) -> int:
    """Return the largest number of different answers met on an item."""
    return max((len(np.unique(column[~np.isnan(column)])) for column in matrix.T), default=0)


def invariance_of_groups(
    matrix: FloatArray, items: Sequence[str], groups: ArrayLike
) -> InvarianceReading:
    """Test whether the scale works alike in each group.

    Parameters
    ----------
    matrix : (n, k) array
        Keyed answers.
    items : sequence of k str
    groups : (n,) array
    """
    factors: Mapping[str, Sequence[str]] = {_FACTOR: list(items)}
    labels = np.asarray(groups)
    refusal = _refused(matrix, [matrix[labels == label] for label in _kinds(labels)])
    if refusal is not None:
        return _reading(InvarianceScope.GROUPS, refusal)
    if most_answers(matrix) <= MOST_ORDINAL:
        found = ordinal_invariance_across_groups(matrix, factors, labels)
        if isinstance(found, InvarianceChain) or not _falls_back(found):
            return _reading(InvarianceScope.GROUPS, found)
    return _reading(InvarianceScope.GROUPS, invariance_across_groups(matrix, factors, labels))


def invariance_of_waves(
    before: FloatArray, after: FloatArray, items: Sequence[str]
) -> InvarianceReading:
    """Test whether the scale works alike at two waves answered by the same persons.

    Parameters
    ----------
    before, after : (n, k) arrays
        Keyed answers, one person in each row.
    items : sequence of k str
    """
    refusal = _refused(before, [before, after])
    if refusal is not None:
        return _reading(InvarianceScope.WAVES, refusal)
    both = np.hstack([before, after])
    waves = [[f"{item} 0" for item in items], [f"{item} 1" for item in items]]
    if most_answers(both) <= MOST_ORDINAL:
        found = ordinal_invariance_over_time(both, waves)
        if isinstance(found, InvarianceChain) or not _falls_back(found):
            return _reading(InvarianceScope.WAVES, found)
    return _reading(InvarianceScope.WAVES, invariance_over_time(both, waves))


def _kinds(labels: NDArray[np.generic]) -> list[object]:
    """Return the groups met, whatever they are written in."""
    return [k for k in dict.fromkeys(labels.tolist()) if not (isinstance(k, float) and isnan(k))]


def _refused(matrix: FloatArray, sides: Sequence[FloatArray]) -> NotApplicable | None:
    """Refuse a comparison of what is no scale on one of its sides: noise fits every model."""
    k = matrix.shape[1]
    if k < 3:
        return NotApplicable.because("invariance_few_items", n=k, advised=3)
    if len(sides) > 1 and not all(goes_together(side) for side in sides):
        return NotApplicable.because("invariance_nothing_common")
    return None


def _falls_back(found: NotApplicable) -> bool:
    """Return whether answers taken as numbers may still be tested (a category nobody chose)."""
    return found.reason in ("ordinal_empty_category", "polychoric_at_the_edge", "no_convergence")
