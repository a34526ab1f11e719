"""Random weights of mean zero and variance one, for wild and multiplier bootstraps."""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_ROOT5 = math.sqrt(5)
_WEBB = np.sqrt([1.5, 1.0, 0.5])
WEBB_POINTS = np.concatenate([-_WEBB, _WEBB])


class RandomWeights(StrEnum):
    """The law of the weights.

    Rademacher: -1 or 1. Webb: six points, for few clusters. Mammen: two points with third moment
    one. Gaussian.

    References
    ----------
    Webb, M. (2023). doi:10.1111/caje.12661
    Mammen, E. (1993). doi:10.1214/aos/1176349025
    """

    RADEMACHER = "rademacher"
    WEBB = "webb"
    MAMMEN = "mammen"
    GAUSSIAN = "gaussian"


def draw_weights(
    law: RandomWeights, rng: np.random.Generator, shape: tuple[int, int]
) -> FloatArray:
    """Draw an array of independent weights.

    Examples
    --------
    >>> import numpy as np
    >>> draw = draw_weights(RandomWeights.RADEMACHER, np.random.default_rng(1), (2, 100))
    >>> sorted(set(draw.ravel().tolist()))
    [-1.0, 1.0]
    """
    match RandomWeights(law):
        case RandomWeights.RADEMACHER:
            return rng.integers(0, 2, shape, dtype=np.int8).astype(np.float64) * 2 - 1
        case RandomWeights.WEBB:
            return np.asarray(WEBB_POINTS[rng.integers(0, 6, shape, dtype=np.int8)])
        case RandomWeights.MAMMEN:
            low = rng.random(shape) < (_ROOT5 + 1) / (2 * _ROOT5)
            return np.where(low, (1 - _ROOT5) / 2, (1 + _ROOT5) / 2)
        case RandomWeights.GAUSSIAN:
            return rng.standard_normal(shape)


def all_signs(size: int) -> FloatArray:
    """Return the (2^size, size) array of all sign vectors; the first row is all ones.

    Examples
    --------
    >>> all_signs(2).tolist()
    [[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]
    """
    bits: FloatArray = ((np.arange(2**size)[:, None] >> np.arange(size)) & 1).astype(np.float64)
    return 1 - 2 * bits
