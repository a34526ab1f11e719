"""The one sentence that may carry a ratio: never a lone number."""

from __future__ import annotations

from dataclasses import dataclass

from impact_eval.core.findings import NotApplicable
from impact_eval.value.account.doors import Account
from impact_eval.value.readouts.standing import ValueStanding
from impact_eval.value.uncertainty.simulate import NOTHING_VARIES, Uncertainty


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The code of a sentence of the catalogue, and the values it says.

    Attributes
    ----------
    code : str
        `value.headline.clear`, `value.headline.unsure`, `value.headline.below` or
        `value.headline.harmful` (value is lost) of what is attributed to the action; else
        `value.headline.supposed` or `value.headline.hypothesis`, which hold no verdict.
    perspective : str
    horizon : int
        Years.
    ratio, low, high : float
        The central ratio and the interval of the draws.
    level : float
        Of the interval.
    projected : float
        Share of the value that lies beyond the years observed.
    chance : float or None
        Chance that the value exceeds the cost; of what is attributed alone.
    currency : str
    price_year : int
    """

    code: str
    perspective: str
    horizon: int
    ratio: float
    low: float
    high: float | None
    level: float
    projected: float
    chance: float | None
    currency: str
    price_year: int


def headline(
    account: Account, uncertainty: Uncertainty, standing: ValueStanding = ValueStanding.ATTRIBUTED
) -> Headline | NotApplicable:
    """Return the one sentence that may carry a ratio: perspective, horizon, interval, projection.

    Parameters
    ----------
    account : Account
    uncertainty : Uncertainty
        Its perspective is that of the sentence.
    standing : ValueStanding
        How the amounts may be told.

    Returns
    -------
    Headline or NotApplicable
        `ratio_refused` by the guards, `headline_needs_interval` when nothing is uncertain,
        `no_cost_to_compare`, `no_value`.
    """
    if account.refusal is not None:
        return account.refusal
    ratio, chance = uncertainty.ratio, uncertainty.chance_positive
    if isinstance(ratio, NotApplicable):
        certain = ratio.reason == NOTHING_VARIES
        return NotApplicable.because("headline_needs_interval") if certain else ratio
    projected = account.projected_share
    if isinstance(projected, NotApplicable):
        return projected
    if isinstance(chance, NotApplicable) or uncertainty.ratio_low is None:
        return NotApplicable.because("headline_needs_interval")
    attributed = standing is ValueStanding.ATTRIBUTED
    code = "value.headline.clear"
    if not attributed:
        code = f"value.headline.{standing.value}"
    elif uncertainty.ratio_low <= 1 <= (uncertainty.ratio_high or 1):
        code = "value.headline.unsure"
    elif uncertainty.ratio_high is not None and uncertainty.ratio_high < 0:
        code = "value.headline.harmful"
    elif uncertainty.ratio_low < 1:
        code = "value.headline.below"
    central = account.sroi(uncertainty.perspective).ratio  # exact; the draws give its interval
    settings = account.value_map.settings
    return Headline(
        code=code,
        perspective=uncertainty.perspective,
        horizon=account.horizon,
        ratio=ratio if isinstance(central, NotApplicable) else float(central),
        low=uncertainty.ratio_low,
        high=uncertainty.ratio_high,
        level=uncertainty.level,
        projected=float(projected),
        chance=chance if attributed else None,
        currency=settings.currency,
        price_year=settings.price_year,
    )
