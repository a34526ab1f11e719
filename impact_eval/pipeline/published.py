"""The effect that is published, from which a value may be computed: what is told is what counts.

An account computed from the digits that the gate rounds would give them back. The effect of people
is therefore rounded first, as the gate will round it, and euros are a function of what is printed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from impact_eval.core.estimate import Effect, Estimate
from impact_eval.core.vocabulary import RowsAre
from impact_eval.pipeline.estimation import OutcomeEvaluation
from impact_eval.results.disclosure.rounding import round_error, round_statistic


def published_effect(found: OutcomeEvaluation) -> Estimate:
    """Return the headline as it is published: of territories, exactly; of people, rounded.

    Parameters
    ----------
    found : OutcomeEvaluation

    Returns
    -------
    Estimate
        With its influence values, scaled to the error that is printed.
    """
    main = found.main
    effect = main.effects[0]
    if found.sample.rows_are is not RowsAre.PEOPLE or not effect.std_error:
        return main
    error = round_error(effect.std_error)
    row = _rounded(effect, error)
    influence = main.influence
    if influence is not None:
        influence = influence.transform(np.array([[error / effect.std_error]]))
    means = {
        name: round_statistic(value, error, close=True)
        for name, value in main.details.items()
        if name.startswith("mean_") and isinstance(value, float)
    }
    return replace(
        main,
        effects=(row,),
        covariance=np.array([[error**2]]),
        influence=influence,
        details={**main.details, **means},
    )


def _rounded(effect: Effect, error: float) -> Effect:
    def rounded(value: float | None) -> float | None:
        return None if value is None else round_statistic(value, error)

    return replace(
        effect,
        estimate=rounded(effect.estimate),
        std_error=error,
        conf_low=rounded(effect.conf_low),
        conf_high=rounded(effect.conf_high),
    )
