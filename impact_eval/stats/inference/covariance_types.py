"""Covariance as a typed value: which errors are tied to which, and which correction is used."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from impact_eval.core import Finding, ImpactEvalError, nearest

EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG


class HC(StrEnum):
    """Corrections for independent rows."""

    HC0 = "HC0"
    HC1 = "HC1"
    HC2 = "HC2"
    HC3 = "HC3"


class CR(StrEnum):
    """Corrections for clusters."""

    CR0 = "CR0"
    CR1 = "CR1"
    CR2 = "CR2"
    CR3 = "CR3"
    JACKKNIFE = "jackknife"


class SpatialKernel(StrEnum):
    """How the weight of a pair falls with distance: not at all up to the cutoff, or linearly."""

    UNIFORM = "uniform"
    BARTLETT = "bartlett"


def _member(kind: type[StrEnum], option: str, value: str) -> StrEnum:
    known = tuple(str(member) for member in kind)
    if value not in known:
        raise ImpactEvalError(
            Finding.error(
                "unknown_option",
                option=option,
                name=str(value),
                known=known,
                nearest=nearest(str(value), known),
            )
        )
    return kind(value)


@dataclass(frozen=True, slots=True)
class Homoskedastic:
    """Equal variances, independent rows: the textbook covariance."""

    @property
    def label(self) -> str:
        """Short name printed beside the numbers."""
        return "iid"


@dataclass(frozen=True, slots=True)
class Robust:
    """Heteroskedasticity-robust, independent rows.

    Parameters
    ----------
    kind : {"HC0", "HC1", "HC2", "HC3"}

    Examples
    --------
    >>> Robust("HC3").label
    'HC3'
    """

    kind: str = HC.HC2

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", _member(HC, "kind", self.kind))

    @property
    def label(self) -> str:
        """Short name printed beside the numbers."""
        return str(self.kind)


@dataclass(frozen=True, slots=True)
class Clustered:
    """Errors tied within clusters: the level at which the action was assigned.

    Parameters
    ----------
    by : str, tuple of str, or None
        Column(s) of the clusters; None takes the sample's own clusters. Several columns: multi-way.
    correction : {"CR0", "CR1", "CR2", "CR3", "jackknife"}

    Examples
    --------
    >>> Clustered("bassin").label
    'CR2 (bassin)'
    """

    by: str | tuple[str, ...] | None = None
    correction: str = CR.CR2

    def __post_init__(self) -> None:
        object.__setattr__(self, "correction", _member(CR, "correction", self.correction))
        if self.by is not None and not isinstance(self.by, str):
            object.__setattr__(self, "by", tuple(self.by))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns named, none when the sample's clusters are meant."""
        if self.by is None:
            return ()
        return (self.by,) if isinstance(self.by, str) else self.by

    @property
    def label(self) -> str:
        """Short name printed beside the numbers."""
        return f"{self.correction} ({', '.join(self.columns)})" if self.by else str(self.correction)


@dataclass(frozen=True, slots=True)
class Conley:
    """Errors tied in space: pairs of rows nearer than a cutoff.

    Parameters
    ----------
    latitude, longitude : str
        Columns, in decimal degrees.
    cutoff_km : float
        Distance beyond which errors are taken as independent.
    kernel : {"uniform", "bartlett"}
    """

    latitude: str
    longitude: str
    cutoff_km: float
    kernel: str = SpatialKernel.BARTLETT

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", _member(SpatialKernel, "kernel", self.kernel))
        if not (math.isfinite(self.cutoff_km) and self.cutoff_km > 0):
            raise ImpactEvalError(
                Finding.error(
                    "option_out_of_range",
                    option="cutoff_km",
                    value=self.cutoff_km,
                    low=0,
                    high=math.floor(math.pi * EARTH_RADIUS_KM),
                )
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns needed."""
        return (self.latitude, self.longitude)

    @property
    def label(self) -> str:
        """Short name printed beside the numbers."""
        return f"Conley {self.cutoff_km:g} km"


Covariance: TypeAlias = Homoskedastic | Robust | Clustered | Conley
