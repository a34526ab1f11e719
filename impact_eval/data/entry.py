"""Since when: a column that says who is helped, dated by the first period of the action."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place, nearest
from impact_eval.data import roles


def helped_since(
    frame: pd.DataFrame, *, treatment: str, time: str, first: str | float
) -> pd.DataFrame:
    """Return the table with nobody helped before the first period of the action.

    Parameters
    ----------
    frame : DataFrame
        One row per unit and period.
    treatment : str
        Column yes/no: who is helped, the same at every period.
    time : str
        Column of the period.
    first : str or float
        The period from which those helped are so, as the column writes it.

    Returns
    -------
    DataFrame
        `treatment` as 1 and 0, 0 before `first`; missing where it was.

    Raises
    ------
    ImpactEvalError
        `missing_column`, `unknown_period`, and what the roles `treatment` and `time` refuse.

    Examples
    --------
    >>> table = pd.DataFrame({"wave": ["T0", "T1", "T2"], "helped": ["oui"] * 3})
    >>> helped_since(table, treatment="helped", time="wave", first="T1")["helped"].tolist()
    [0.0, 1.0, 1.0]
    """
    faults = FindingCollector()
    roles.check_columns(frame, {"treatment": treatment, "time": time}, faults)
    faults.raise_if_errors()
    column = roles.column_of(frame, treatment)
    given = roles.read_treatment(column, faults)
    given = np.where(column.isna().to_numpy(dtype=bool), np.nan, given)
    periods = roles.read_periods(roles.column_of(frame, time), faults)
    faults.raise_if_errors()
    names = [_plain(label) for label in periods.labels]
    wanted = _plain(first)
    if wanted not in names:
        raise ImpactEvalError(
            Finding.error(
                "unknown_period",
                Place(column=time, key="data.treated_from"),
                name=wanted,
                column=time,
                nearest=nearest(wanted, names),
                known=names[:12],
            )
        )
    before = periods.codes < names.index(wanted)
    return frame.assign(**{treatment: np.where(before & ~np.isnan(given), 0.0, given)})


def _plain(label: object) -> str:
    """Return a period as people write it: 2024 and 2024.0 are one year, a day has no hour."""
    if isinstance(label, (float, np.floating)) and float(label).is_integer():
        return str(int(label))
    text = str(label)
    return text.removesuffix("T00:00:00.000000000").removesuffix(" 00:00:00")
