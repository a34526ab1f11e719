r"""Randomisation inference, as a covariance: who is treated is drawn anew, as it was drawn.

The estimate is made again on every draw (or a sample of them). For a design that is linear in the
outcome, its value on draw z with the outcome :math:`y - \tau D` is :math:`A_z - \tau B_z`, with
:math:`A_z` its value on y and :math:`B_z` on the observed exposure D: the interval of a constant
additive effect is then closed (see `randomisation`).

References
----------
Fisher, R. A. (1935), The Design of Experiments.
Young, A. (2019). doi:10.1093/qje/qjy029
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from impact_eval.stats.inference.covariances.covariance_kind import (
    LEVEL,
    OfOneColumn,
    OwnTest,
    Redraws,
    Source,
    register_covariance,
)
from impact_eval.stats.inference.randomisation import (
    Assignments,
    DeclaredDraw,
    assignments,
    redrawn_test,
)


@register_covariance
@dataclass(frozen=True, slots=True)
class Randomisation(OfOneColumn):
    """Draw anew who is treated, among units or clusters, within the strata of the sample.

    Parameters
    ----------
    by : str, optional
        Column of what was drawn; by default the sample's clusters, else its units, else its rows.
    draws : int
        In [99, 10^6]. All assignments are listed when they are no more.
    seed : int

    Examples
    --------
    >>> Randomisation("bassin").label
    'randomisation (bassin)'
    """

    name: ClassVar[str] = "randomisation"
    sources: ClassVar[frozenset[Source]] = frozenset({Source.REDRAW})
    holds_with_one: ClassVar[bool] = True

    draws: int = 999
    seed: int = 1

    def __post_init__(self) -> None:
        self._check_draws(self.draws, self.seed, most=10**6)

    @property
    def label(self) -> str:
        """Short name printed beside the numbers."""
        return self._of(self.name)

    def assigned(self, draw: DeclaredDraw) -> Assignments:
        """Return all assignments when they are no more than `draws`, a sample of them otherwise."""
        return assignments(draw, rng=np.random.default_rng(self.seed), draws=self.draws)

    def of_redraws(self, made: Redraws) -> tuple[OwnTest, ...]:
        """Test each of k estimates by what it is on samples drawn anew."""
        return tuple(self._one(made, j) for j in range(len(made.observed)))

    def _one(self, made: Redraws, j: int) -> OwnTest:
        reach = None
        if made.own_reach is not None and made.reach is not None:
            reach = (float(made.own_reach[j]), made.reach[:, j])
        found = redrawn_test(
            made.compared, float(made.observed[j]), made.values[:, j], reach=reach, level=LEVEL
        )
        return OwnTest(
            statistic=found.statistic,
            p_value=found.p_value,
            conf_low=-math.inf if found.conf_low is None else found.conf_low,
            conf_high=math.inf if found.conf_high is None else found.conf_high,
            findings=found.findings,
        )
