"""Some rows of a scored table, with the reliability of those rows: the codes are read once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.reliability import Alpha, cronbach_alpha
from impact_eval.survey.scores import Scores, error_of_measurement


def rows_of(scores: Scores, rows: ArrayLike) -> Scores:
    """Return the scores of some rows, their reliability computed on them.

    What the reading of the answers found (codes, findings) is about the whole table: it stays.

    Parameters
    ----------
    scores : Scores
    rows : (m,) int array
        Positions from 0, in the order wanted.

    Returns
    -------
    Scores

    Examples
    --------
    >>> import pandas as pd
    >>> from impact_eval.survey import instrument
    >>> table = pd.DataFrame({f"q{i}": [1, 2, 3, 4] for i in range(1, 11)})
    >>> scores = instrument("gse").score(table, list(table.columns))
    >>> rows_of(scores, [3, 0]).values.tolist()
    [40.0, 10.0]
    """
    places = np.asarray(rows, dtype=np.int64)
    items = {name: values[places] for name, values in scores.items.items()}
    values = scores.values[places]
    alpha: Alpha | NotApplicable = scores.reliability
    if isinstance(alpha, Alpha) or alpha.reason not in _OF_THE_SCALE:
        alpha = cronbach_alpha(np.column_stack(list(items.values())))
    return replace(
        scores,
        values=values,
        answered=scores.answered[places],
        items=items,
        answers={name: codes[places] for name, codes in scores.answers.items()},
        index=scores.index[places],
        reliability=alpha,
        std_error_measurement=error_of_measurement(values, alpha),
        subscales={name: rows_of(part, places) for name, part in scores.subscales.items()},
    )


_OF_THE_SCALE = frozenset({"single_item", "not_a_reflective_scale"})  # whoever answers it
