"""Errors tied in space: pairs of rows nearer than a cutoff.

References
----------
Conley, T. (1999). doi:10.1016/S0304-4076(98)00084-0
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np

from impact_eval.core import Finding, ImpactEvalError
from impact_eval.stats.inference.covariances.covariance_kind import (
    Covariance,
    CovarianceResult,
    FloatArray,
    Source,
    Ties,
    in_range,
    member_of,
    nearest_psd,
    one_column,
    register_covariance,
)
from impact_eval.stats.inference.regression import LinearFit

EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG
_BLOCK = 512  # places whose distances to all others are held at once


class SpatialKernel(StrEnum):
    """How the weight of a pair falls with distance: not at all up to the cutoff, or linearly."""

    UNIFORM = "uniform"
    BARTLETT = "bartlett"


@register_covariance
@dataclass(frozen=True, slots=True)
class Conley(Covariance):
    r"""Take errors as tied in space: :math:`\sum_{ij} K(d_{ij}/c)\,s_is_j'` between two breads.

    In a panel all pairs of rows within the cutoff count, whatever their periods.

    Parameters
    ----------
    latitude, longitude : str
        Columns, in decimal degrees.
    cutoff_km : float
        Distance beyond which errors are taken as independent, in kilometres.
    kernel : {"uniform", "bartlett"}

    Examples
    --------
    >>> Conley("lat", "lon", 50).label
    'Conley 50 km'
    """

    name: ClassVar[str] = "conley"
    sources: ClassVar[frozenset[Source]] = frozenset({Source.FIT, Source.INFLUENCE})

    latitude: str
    longitude: str
    cutoff_km: float
    kernel: str = SpatialKernel.BARTLETT

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", member_of(SpatialKernel, "kernel", self.kernel))
        for option in ("latitude", "longitude"):
            one_column(self.name, option, getattr(self, option))
        if self.latitude == self.longitude:
            raise ImpactEvalError(Finding.error("coordinates_same", column=self.latitude))
        farthest = math.floor(math.pi * EARTH_RADIUS_KM)
        in_range(self.name, "cutoff_km", self.cutoff_km, low=0, high=farthest)
        if self.cutoff_km == 0:
            raise ImpactEvalError(
                Finding.error(
                    "option_out_of_range", option="cutoff_km", value=0, low=0, high=farthest
                )
            )

    @property
    def measured(self) -> tuple[str, ...]:
        """Latitude and longitude."""
        return (self.latitude, self.longitude)

    @property
    def label(self) -> str:
        """Short name printed beside the numbers."""
        return f"Conley {self.cutoff_km:g} km"

    def of_fit(self, fit: LinearFit, ties: Ties) -> CovarianceResult:
        """Compute the covariance of the coefficients of a fit of rows.

        Raises
        ------
        ImpactEvalError
            `coordinates_missing`, `shape_mismatch`, `not_finite`, `coordinates_off_range`;
            `cutoff_covers_all` when no two places are farther apart than the cutoff.
        """
        return self.of_influence(fit.scores @ fit.bread, ties)

    def of_influence(self, influence: FloatArray, ties: Ties) -> CovarianceResult:
        """Compute the covariance of estimates from their (n, k) influence values."""
        spots = self._spots(ties, len(influence))
        places, index = np.unique(spots, axis=0, return_inverse=True)
        scores = np.zeros((len(places), influence.shape[1]))
        np.add.at(scores, index.ravel(), influence)
        total = np.zeros((influence.shape[1], influence.shape[1]))
        apart = False
        for start in range(0, len(places), _BLOCK):
            block = slice(start, start + _BLOCK)
            distance = great_circle_km(places[block], places)
            apart = apart or bool((distance > self.cutoff_km).any())
            total += scores[block].T @ (self._kernel(distance) @ scores)
        if not apart:
            # influence values sum to zero: with every pair in the sum, so does the variance
            raise ImpactEvalError(
                Finding.error("cutoff_covers_all", value=self.cutoff_km, n=len(places))
            )
        total = (total + total.T) / 2
        matrix, findings = nearest_psd(total)
        return CovarianceResult(
            label=self.label,
            matrix=matrix,
            signed=total if findings else None,
            df=np.full(influence.shape[1], np.inf),
            n_clusters=(len(places),),
            findings=findings,
        )

    def _spots(self, ties: Ties, n: int) -> FloatArray:
        if ties.numbers is None:
            raise ImpactEvalError(Finding.error("coordinates_missing", names=self.measured))
        spots = np.asarray(ties.numbers, dtype=np.float64)
        if spots.shape != (n, 2):
            raise ImpactEvalError(
                Finding.error(
                    "shape_mismatch", what="coordinates", expected=n, found=str(spots.shape)
                )
            )
        if not np.isfinite(spots).all():
            count = int((~np.isfinite(spots)).sum())
            raise ImpactEvalError(Finding.error("not_finite", what="coordinates", n=count))
        off = np.abs(spots) > np.array([90.0, 180.0])
        if off.any():
            raise ImpactEvalError(
                Finding.error(
                    "coordinates_off_range", names=self.measured, n=int(off.any(axis=1).sum())
                )
            )
        return spots

    def _kernel(self, distance: FloatArray) -> FloatArray:
        ratio = distance / self.cutoff_km
        if self.kernel == SpatialKernel.UNIFORM:
            return (ratio <= 1).astype(np.float64)
        return np.clip(1 - ratio, 0, None)


def great_circle_km(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the (a, b) great-circle distances between points given in degrees (haversine).

    Examples
    --------
    >>> import numpy as np
    >>> paris, lille = np.array([[48.8566, 2.3522]]), np.array([[50.6292, 3.0573]])
    >>> float(great_circle_km(paris, lille)[0, 0].round(0))
    204.0
    """
    a, b = np.radians(left)[:, None, :], np.radians(right)[None, :, :]
    half = np.sin((a - b) / 2) ** 2
    arc = half[..., 0] + np.cos(a[..., 0]) * np.cos(b[..., 0]) * half[..., 1]
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(arc, 0, 1))))
