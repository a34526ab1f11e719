"""Extreme rays of a cone {g >= 0, X'g = 0}, by the double description method."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable

FloatArray = NDArray[np.float64]

_ZERO = 1e-10  # of a ray brought to largest entry one
MOST_RAYS = 2_000  # of each side of a hyperplane too: pairs are compared with all rays


def extreme_rays(X: FloatArray) -> FloatArray | NotApplicable:
    r"""Return the extreme rays of :math:`\{\gamma \ge 0 : X'\gamma = 0\}`.

    The equations are added one by one to the positive orthant: a ray off the new hyperplane is
    replaced by its combinations with the adjacent rays on the other side. Two rays are adjacent
    when no third one lives on the union of their supports.

    Parameters
    ----------
    X : (m, k) array
        One column per equation; k may be zero.

    Returns
    -------
    (v, m) array or NotApplicable
        One ray per row, largest entry one; `too_many_rays` beyond 2,000.

    References
    ----------
    Fukuda, K. and Prodon, A. (1996). doi:10.1007/3-540-61576-8_77

    Examples
    --------
    >>> import numpy as np
    >>> extreme_rays(np.array([[1.0], [-1.0], [0.0]])).tolist()
    [[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    """
    return _rays_of(np.ascontiguousarray(X, dtype=np.float64).tobytes(), X.shape)


@lru_cache(maxsize=16)
def _rays_of(cells: bytes, shape: tuple[int, ...]) -> FloatArray | NotApplicable:
    """Return the rays of a matrix given by its cells.

    The parts of a union, and every bound tried, share one matrix: hundreds of tests of a
    sensitivity analysis ask for the same rays.
    """
    rays: FloatArray = np.eye(shape[0])
    for column in np.frombuffer(cells, dtype=np.float64).reshape(shape).T:
        size = np.abs(column).max()
        if size == 0:
            continue
        values = rays @ (column / size)
        values[np.abs(values) < _ZERO] = 0.0
        kept, above, below = (rays[values == 0], values > 0, values < 0)
        if min(above.sum(), below.sum()) > MOST_RAYS / 4:
            return NotApplicable.because("too_many_rays", n=len(rays), most=MOST_RAYS)
        pairs = _adjacent(rays > _ZERO, np.flatnonzero(above), np.flatnonzero(below))
        one, other = pairs.T
        mixed = rays[one] * -values[other, None] + rays[other] * values[one, None]
        mixed[np.abs(mixed) < _ZERO * mixed.max(axis=1, keepdims=True, initial=0)] = 0.0
        rays = np.vstack([kept, mixed / mixed.max(axis=1, keepdims=True, initial=_ZERO)])
        if len(rays) > MOST_RAYS:
            return NotApplicable.because("too_many_rays", n=len(rays), most=MOST_RAYS)
    rays.flags.writeable = False  # it is given to whoever asks again
    return rays


def _adjacent(
    support: NDArray[np.bool_], above: NDArray[np.intp], below: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the pairs (one above, one below) that share a face with no third ray."""
    found: list[NDArray[np.intp]] = [np.empty((0, 2), dtype=np.intp)]
    full = support.astype(np.float32)
    for i in above:
        union = support[i] | support[below]
        inside = (full @ (~union).T.astype(np.float32)) == 0  # (v, pairs): support within union
        partners = below[inside.sum(axis=0) == 2]
        found.append(np.column_stack([np.full(len(partners), i, dtype=np.intp), partners]))
    return np.vstack(found)
