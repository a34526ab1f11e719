"""Whether the values of an outcome can be in the unit that the study declares."""

from __future__ import annotations

import numpy as np

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.core.vocabulary import Unit
from impact_eval.data.number_cells import number_column
from impact_eval.data.odd_cells import OddCells
from impact_eval.data.sample import Sample
from impact_eval.pipeline.study_models import OutcomePart


def refuse_beyond_share(part: OutcomePart, sample: Sample, column: str) -> None:
    """Refuse a share that is not between 0 and 1: 38 % would be told as 3,800 people out of 100.

    Parameters
    ----------
    part : OutcomePart
    sample : Sample
    column : str
        Of the outcome in the sample.

    Raises
    ------
    ImpactEvalError
        `beyond_share`.
    """
    if part.unit is not Unit.SHARE or column not in sample.frame.columns:
        return
    cells = sample.frame.loc[:, column]
    if getattr(cells, "ndim", 1) != 1:
        return  # a name twice is refused elsewhere
    values = number_column(cells).values
    with np.errstate(invalid="ignore"):
        beyond = (values < 0) | (values > 1)
    if not beyond.any():
        return
    odd = OddCells.of(cells, beyond)
    raise ImpactEvalError(
        Finding.error(
            "beyond_share", odd.place, column=column, n=odd.n, examples=odd.examples, rows=odd.rows
        )
    )
