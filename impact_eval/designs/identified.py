"""Which coefficients of a panel regression the data tell, whatever column is left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impact_eval.designs.cohort_panel import Panel
from impact_eval.stats.panels.imputed_effects import estimable
from impact_eval.stats.panels.panel_regression import panel_regression

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def identified_columns(panel: Panel, cells: FloatArray, used: BoolArray | None) -> BoolArray:
    """Return the cell columns whose coefficient is the same in every solution of least squares.

    When columns are tied to each other, leaving one out gives the others a value that hangs on
    which one it was: none of those is an effect.

    Parameters
    ----------
    panel : Panel
    cells : (G, T, K) array
    used : (G, T) array of bool, optional

    Returns
    -------
    (K,) array of bool
    """
    columns = panel.columns(cells)
    rows = panel.observed if used is None else panel.observed & used[panel.codes]
    fit = panel_regression(panel.y, columns, rows, weights=panel.weights)
    wanted = np.eye(columns.total)[columns.nuisance :]
    return fit.kept[columns.nuisance :] & estimable(wanted, fit.normal, fit.bread)
