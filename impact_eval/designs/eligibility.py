"""Read a column that says who the action is for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place
from impact_eval.data import roles
from impact_eval.data.odd_cells import refuse_empty_cells
from impact_eval.data.panel import first_of_unit, varies_within_unit
from impact_eval.data.sample import Sample

BoolArray = NDArray[np.bool_]


def row_flag(sample: Sample, column: str) -> BoolArray:
    """Return a 0/1 column by row, (n,).

    Raises
    ------
    ImpactEvalError
        `missing_column`, `treatment_not_binary`, `missing_role_values`.
    """
    faults = FindingCollector()
    values = roles.read_treatment(sample.column(column, role="eligible"), faults)
    missing = np.isnan(values)
    if not faults.has_errors:
        cells = sample.column(column)
        refuse_empty_cells(cells, missing, faults, role="eligible", column=column)
    faults.raise_if_errors()
    return np.asarray(values == 1)


def unit_flag(sample: Sample, column: str) -> BoolArray:
    """Return a 0/1 column by unit of a panel, (N,).

    Raises
    ------
    ImpactEvalError
        What `row_flag` refuses; `eligible_varies` when it changes within a unit.
    """
    flag = row_flag(sample, column)
    assert sample.unit_codes is not None
    assert sample.time_codes is not None
    moving = varies_within_unit(flag.astype(np.float64), sample.unit_codes, sample.n_units)
    if moving.any():
        raise ImpactEvalError(
            Finding.error(
                "eligible_varies",
                Place(column=column),
                column=column,
                n=int(moving.sum()),
                examples=[str(u) for u in sample.unit_labels[moving][: roles.FIRST_ROWS]],
            )
        )
    return first_of_unit(flag, sample.unit_codes, sample.time_codes, sample.n_units)
