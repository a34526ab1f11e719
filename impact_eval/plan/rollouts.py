"""A roll-out by waves before it starts: what each estimator could see under the same noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core import Finding, ImpactEvalError, NotApplicable
from impact_eval.plan.comparisons import (
    InItsUnit,
    refuse_low,
    refuse_not_positive,
    refuse_not_whole,
    refuse_unknown,
)
from impact_eval.plan.detection import Detection, smallest_effect
from impact_eval.plan.detection import power as power_of
from impact_eval.stats.planning.power import Precision
from impact_eval.stats.planning.rollout_power import (
    RolloutEstimator,
    rollout_precision,
    territory_covariance,
)

MOST_PERIODS = 1_000  # the noise of a territory is a square of that size


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout(InItsUnit):
    r"""Territories that join by waves, people measured in each at every period.

    The noise of a territory over the periods is
    :math:`\sigma^2\rho\,r^{|s-t|} + \sigma^2\frac{1-\rho}{m}[(1-a)1_{s=t}+a]`; every estimator is
    linear in the outcomes, so its standard error follows from the calendar.

    Attributes
    ----------
    joining : mapping of int to int
        For each period of entry (from 2 to the last), how many territories join.
    never : int
        Territories that never join.
    periods : int
    size : float
        People measured per territory and period.
    icc : float
        Share of the variance common to a territory and period, from 0 to 1.
    autocorrelation : float
        Of that common part from one period to the next, from -1 to 1.
    repeated : float
        Share of a person's own variance that lasts when the same people are measured each time;
        0 for new people.
    sd : float
        Standard deviation between people.
    estimator : {"not_yet_treated", "never_treated", "twfe", "gls"}

    Raises
    ------
    ImpactEvalError
        `number_too_low`, `number_not_positive`, `option_out_of_range`, `unknown_option`;
        `rollout_not_identified` when the calendar leaves nothing to compare (when the precision is
        asked).

    References
    ----------
    Hussey, M. and Hughes, J. (2007). doi:10.1016/j.cct.2006.05.007

    Examples
    --------
    >>> from impact_eval import plan
    >>> waves = plan.Rollout(
    ...     joining={3: 5, 5: 5}, never=10, periods=6, size=40, icc=0.05, autocorrelation=0.5
    ... )
    >>> round(plan.smallest_effect(waves).effect, 2)
    0.35
    """

    joining: Mapping[int, int]
    periods: int
    never: int = 0
    size: float = 1.0
    icc: float = 0.0
    autocorrelation: float = 0.0
    repeated: float = 0.0
    sd: float = 1.0
    estimator: str = field(default=RolloutEstimator.NOT_YET_TREATED.value)

    def __post_init__(self) -> None:
        given: object = self.joining
        if not isinstance(given, Mapping):
            found = str(given)[:60]
            raise ImpactEvalError(Finding.error("joining_not_counts", name=found))
        object.__setattr__(self, "joining", MappingProxyType(dict(self.joining)))
        counts = {"periods": self.periods, "never": self.never}
        counts |= {f"joining[{period}]": n for period, n in self.joining.items()}
        refuse_not_whole(*counts.items(), *((f"joining[{p}]", p) for p in self.joining))
        if self.periods > MOST_PERIODS:
            raise ImpactEvalError(
                Finding.error(
                    "option_out_of_range",
                    option="periods",
                    value=self.periods,
                    low=2,
                    high=MOST_PERIODS,
                )
            )
        refuse_low(
            ("periods", self.periods, 2),
            ("never", self.never, 0),
            ("size", self.size, 1),
            *((f"joining[{period}]", number, 1) for period, number in self.joining.items()),
            *((f"joining[{period}]", period, 1) for period in self.joining),
        )
        refuse_not_positive(("sd", self.sd))
        refuse_unknown("estimator", self.estimator, tuple(RolloutEstimator))
        self._noise()

    def __reduce__(self) -> tuple[object, ...]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return (_rebuilt, ({**values, "joining": dict(self.joining)},))

    def _noise(self) -> NDArray[np.float64]:
        return territory_covariance(
            self.periods,
            sd=self.sd,
            icc=self.icc,
            autocorrelation=self.autocorrelation,
            size=self.size,
            repeated=self.repeated,
        )

    @property
    def entries(self) -> NDArray[np.float64]:
        """Period of entry of each territory; infinite: never. Shape (N,)."""
        waves = [float(period) for period, n in sorted(self.joining.items()) for _ in range(n)]
        return np.array(waves + [math.inf] * self.never)

    @property
    def precision(self) -> Precision:
        """Standard error of the mean effect on the treated; territories less cohorts."""
        chosen = RolloutEstimator(self.estimator)
        return rollout_precision(self.entries, self._noise(), estimator=chosen)


def _rebuilt(values: Mapping[str, object]) -> Rollout:
    return Rollout(**values)  # type: ignore[arg-type]  # its own fields, read back


@dataclass(frozen=True, slots=True)
class RolloutPower:
    """What each estimator could see of one roll-out.

    Attributes
    ----------
    rows : mapping of str to Detection or NotApplicable
        By estimator; a reason where the calendar leaves it nothing to compare.
    """

    rows: Mapping[str, Detection | NotApplicable]

    def tidy(self) -> pd.DataFrame:
        """Return one row per estimator: its effect, power, standard error, or its reason."""
        return pd.DataFrame(
            [
                {"estimator": name, "effect": None, "power": None, "std_error": None,
                 "reason": row.reason}
                if isinstance(row, NotApplicable)
                else {"estimator": name, "effect": row.effect, "power": row.power,
                      "std_error": row.std_error, "reason": None}
                for name, row in self.rows.items()
            ]
        )  # fmt: skip


def rollout_power(
    rollout: Rollout,
    *,
    effect: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
) -> RolloutPower:
    """Compare what four estimators could see of one roll-out, under the same noise.

    Parameters
    ----------
    rollout : Rollout
        Its own `estimator` does not matter here.
    effect : float, optional
        The power for this effect; without it, the smallest effect seen with `power`.
    power, alpha : float
        Between 0 and 1.

    Returns
    -------
    RolloutPower

    Raises
    ------
    ImpactEvalError
        `option_out_of_range`.

    References
    ----------
    Callaway, B. and Sant'Anna, P. (2021). doi:10.1016/j.jeconom.2020.12.001
    Burlig, F., Preonas, L. and Woerman, M. (2020). doi:10.1016/j.jdeveco.2020.102458

    Examples
    --------
    >>> from impact_eval import plan
    >>> waves = plan.Rollout(joining={3: 5, 5: 5}, periods=6, size=40, icc=0.05)
    >>> plan.rollout_power(waves).rows["never_treated"].reason
    'rollout_not_identified'
    """
    if type(rollout) is not Rollout:
        raise ImpactEvalError(Finding.error("not_a_comparison", name=str(rollout)[:60]))
    rows: dict[str, Detection | NotApplicable] = {}
    for estimator in RolloutEstimator:
        planned = replace(rollout, estimator=estimator.value)
        try:
            planned.precision  # noqa: B018  # asked for its refusal
        except ImpactEvalError as error:
            rows[estimator.value] = NotApplicable.because(error.codes[0])
            continue
        rows[estimator.value] = (
            smallest_effect(planned, power=power, alpha=alpha)
            if effect is None
            else power_of(planned, effect, alpha=alpha)
        )
    return RolloutPower(MappingProxyType(rows))
