"""`Effect`: one row of an estimate, its inference, and the rows as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from impact_eval.core.findings import NotApplicable
from impact_eval.core.inference import critical_value, two_sided_p
from impact_eval.core.shown import Shown, interval, name_of, one_line

if TYPE_CHECKING:
    import pandas as pd

Label = float | str | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Effect(Shown):
    """One row of an estimate. What does not apply is None, with its reason in the findings.

    Attributes
    ----------
    outcome, estimand, term : str
        The outcome's name; what is estimated (`att`, `ate`, `late`, `change`…); what the row is
        (`att`, `att_gt`, `event`, a coefficient's name).
    group, time : float, str or None
        The cohort and the period, or the event time of an event study.
    estimate, std_error, df, statistic, p_value, conf_low, conf_high : float or None
        In the unit of the outcome; `df` None means the normal law.
    conf_level : float
    n_treated, n_comparison, n_clusters : int or None
        Numbers of units (rows in a cross-section) compared, and of independent clusters.
    reason : NotApplicable or None
        Why there is no estimate, where the design knows; in memory only.
    """

    outcome: str
    estimand: str
    term: str
    group: Label = None
    time: Label = None
    estimate: float | None
    std_error: float | None = None
    df: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    conf_level: float = 0.95
    n_treated: int | None = None
    n_comparison: int | None = None
    n_clusters: int | None = None
    reason: NotApplicable | None = None

    def _line(self) -> str:
        told = interval(self.estimate, self.conf_low, self.conf_high)
        return one_line("Effect", f"{name_of(self.outcome)}: {name_of(self.key)} {told}")

    @property
    def key(self) -> str:
        """A short name of the row: `term`, or `term[group, time]`."""
        return key_of(self.term, self.group, self.time)


def key_of(term: str, group: Label, time: Label) -> str:
    """Return the short name of a row, see `Effect.key`."""
    place = [_tell(part) for part in (group, time) if part is not None]
    return f"{term}[{', '.join(place)}]" if place else term


TIDY_COLUMNS: tuple[str, ...] = tuple(f.name for f in fields(Effect) if f.name != "reason")
_TEXT_COLUMNS = ("outcome", "estimand", "term")


def _tell(part: float | str) -> str:
    if isinstance(part, float) and part.is_integer():
        return str(int(part))
    return str(part)


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def wald_effect(  # noqa: PLR0913 - one argument per column of the tidy row
    *,
    outcome: str,
    estimand: str,
    term: str,
    estimate: float | None,
    std_error: float | None,
    df: float | None = None,
    group: Label = None,
    time: Label = None,
    conf_level: float = 0.95,
    n_treated: int | None = None,
    n_comparison: int | None = None,
    n_clusters: int | None = None,
) -> Effect:
    r"""Make the row of an estimate and its standard error: statistic, p-value, interval.

    :math:`estimate \pm c \cdot se`, with c normal when `df` is None and Student otherwise. A
    standard error that is zero, missing or not finite leaves the inference empty.

    Returns
    -------
    Effect

    Examples
    --------
    >>> row = wald_effect(outcome="y", estimand="att", term="att", estimate=1.0, std_error=0.5)
    >>> round(row.conf_low, 3), round(row.p_value, 4)
    (0.02, 0.0455)
    """
    estimate = _number(estimate)
    std_error = _number(std_error)
    df = None if df is None or not math.isfinite(df) else float(df)
    statistic = p_value = low = high = None
    if estimate is not None and std_error is not None and std_error > 0:
        statistic = estimate / std_error
        p_value = two_sided_p(statistic, df)
        margin = critical_value(conf_level, df) * std_error
        low, high = estimate - margin, estimate + margin
    return Effect(
        outcome=outcome,
        estimand=estimand,
        term=term,
        group=group,
        time=time,
        estimate=estimate,
        std_error=std_error,
        df=df,
        statistic=statistic,
        p_value=p_value,
        conf_low=low,
        conf_high=high,
        conf_level=conf_level,
        n_treated=n_treated,
        n_comparison=n_comparison,
        n_clusters=n_clusters,
    )


def tidy_frame(effects: Sequence[Effect]) -> pd.DataFrame:
    """Return rows as a DataFrame, one column per field; missing where it does not apply."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for name in TIDY_COLUMNS:
        values = [getattr(effect, name) for effect in effects]
        if name in _TEXT_COLUMNS:
            columns[name] = values
        elif name in ("group", "time") and any(isinstance(v, str) for v in values):
            columns[name] = pd.Series(values, dtype=object)
        elif name.startswith("n_"):
            columns[name] = pd.array(values, dtype="Int64")
        else:
            columns[name] = np.array([math.nan if v is None else v for v in values], dtype=float)
    return pd.DataFrame(columns)
