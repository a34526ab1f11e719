"""Units that switch and have nobody to be compared with: none of the same baseline that has not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.panels.switchers import SwitchInput

BoolArray = NDArray[np.bool_]


def never_compared(data: SwitchInput) -> BoolArray:
    """Return the units whose switch is compared with nobody, at any horizon.

    A comparison is a unit of the same baseline that has not switched at the period compared, both
    seen there and at the last period before the switch.

    Parameters
    ----------
    data : SwitchInput

    Returns
    -------
    (N,) array of bool

    Examples
    --------
    >>> from impact_eval.stats.panels.switchers import switching
    >>> path = switching(np.array([[0.0, 1], [1, 0], [0, 0]]))
    >>> every, alone = np.ones(3, dtype=bool), np.arange(3)
    >>> data = SwitchInput(y=np.zeros((3, 2)), path=path, weights=np.ones(3), clusters=alone,
    ...                    controls=every, switchers=path.sign != 0, times=np.arange(2.0),
    ...                    dates=np.array([1.0, 1.0, np.inf]))
    >>> never_compared(data).tolist()
    [False, True, False]
    """
    path, periods = data.path, data.y.shape[1]
    heavy = data.weights > 0
    switch = data.switchers & (path.sign != 0) & heavy
    met = np.zeros(len(data.y), dtype=bool)
    for first in np.unique(path.first[switch]):
        for baseline in np.unique(path.baseline[switch & (path.first == first)]):
            same = (path.baseline == baseline) & heavy
            mine = same & switch & (path.first == first)
            for target in range(int(first), periods):
                seen = np.isfinite(data.y[:, target] - data.y[:, int(first) - 1])
                if (same & data.controls & (path.first > target) & seen).any():
                    met |= mine & seen
    return np.asarray(switch & ~met)
