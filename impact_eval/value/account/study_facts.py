"""What a study knows of its outcomes, beside their effects: a value map is held against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from impact_eval.core.vocabulary import Direction, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeFacts:
    """What a study knows of one outcome.

    Attributes
    ----------
    labels : tuple of str
        The names it gives to the outcome, in each language: a line may call it by any.
    unit : Unit or None
    direction : Direction or None
        Whether more is better.
    people : int or None
        People accompanied on whom the effect stands; None when they are territories, or unknown.
    mean, mean_error : float or None
        Mean of those accompanied once they are, in the unit of the outcome, and its standard error.
    level : int or None
        Evidence level of the effect, 0 to 4.
    """

    labels: tuple[str, ...] = ()
    unit: Unit | None = None
    direction: Direction | None = None
    people: int | None = None
    mean: float | None = None
    mean_error: float | None = None
    level: int | None = None


Facts = Mapping[str, OutcomeFacts]
NO_FACTS: Facts = MappingProxyType({})
