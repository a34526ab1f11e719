"""Multiplier bootstrap of sums of influence values, block by block."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Coins = NDArray[np.float32]

_BLOCK = 2_048  # independent units whose coins are tossed together
_ROOT = math.sqrt(5)


def _fair(rng: np.random.Generator, shape: tuple[int, int]) -> Coins:
    """Toss fair coins, eight to a random byte: (draws, n) of 0 and 1."""
    draws, n = shape
    size = -(-n // 8)
    raw = np.frombuffer(rng.bytes(draws * size), dtype=np.uint8).reshape(draws, size)
    return np.unpackbits(raw, axis=1, count=n).astype(np.float32)


def _golden(rng: np.random.Generator, shape: tuple[int, int]) -> Coins:
    """Toss coins that fall on 1 with probability (root 5 + 1) / (2 root 5)."""
    return (rng.random(shape, dtype=np.float32) < (_ROOT + 1) / (2 * _ROOT)).astype(np.float32)


# name: how coins are tossed, and the weights of 1 and of 0
_LAWS: Mapping[str, tuple[Callable[..., Coins], float, float]] = MappingProxyType(
    {
        "rademacher": (_fair, 1.0, -1.0),
        "mammen": (_golden, (1 - _ROOT) / 2, (1 + _ROOT) / 2),
    }
)
MULTIPLIERS: tuple[str, ...] = tuple(_LAWS)


def multiplier_sums(
    influence: FloatArray, *, law: str, draws: int, rng: np.random.Generator
) -> FloatArray:
    r"""Draw :math:`\sum_i v_i\psi_i` with random weights v of mean 0 and variance 1.

    Parameters
    ----------
    influence : (m, k) array
        Of comparable columns (divide each by its standard error): products are in single precision.
    law : {"rademacher", "mammen"}
        Weights +1 or -1; or the two points of Mammen (1993), which keep the third moment.
    draws : int
    rng : numpy.random.Generator

    Returns
    -------
    (draws, k) array

    References
    ----------
    Mammen, E. (1993). doi:10.1214/aos/1176349025

    Examples
    --------
    >>> import numpy as np
    >>> sums = multiplier_sums(np.full((4, 1), 0.5), law="rademacher", draws=2000,
    ...                        rng=np.random.default_rng(1))
    >>> sorted(set(sums.ravel().tolist()))
    [-2.0, -1.0, 0.0, 1.0, 2.0]
    """
    toss, one, zero = _LAWS[law]
    total = np.tile(zero * influence.sum(axis=0), (draws, 1))
    for first in range(0, len(influence), _BLOCK):
        block = influence[first : first + _BLOCK].astype(np.float32)
        total += (one - zero) * (toss(rng, (draws, len(block))) @ block)
    return total
