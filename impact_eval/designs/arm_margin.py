"""The default margin of error of a comparison of two arms, and when there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding
from impact_eval.designs.few_independent import without_error
from impact_eval.designs.row_regression import (
    Independent,
    covariance_of_rows,
    independent_by_arm,
)
from impact_eval.stats.inference.arm_degrees import arm_degrees, unmeasured_rows
from impact_eval.stats.inference.covariances import Covariance, CovarianceResult
from impact_eval.stats.inference.few import FEW_TREATED
from impact_eval.stats.inference.regression import LinearFit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# Rows (clusters, for what characterises clusters) that an arm must have for each coefficient of its
# own regression.
# With fewer, its slopes follow the chance of a few: with 8 treated of 68 and three covariates,
# intervals are half as wide again; with 5 of 105 they hold the truth 88 times in 100.
PER_COEFFICIENT = 5
BY_ARM = "Welch-Satterthwaite"  # in the label: by name, the same errors have other degrees


def arm_margin(
    fit: LinearFit,
    place: int,
    treated: BoolArray,
    *,
    covariance: Covariance | None,
    tied: Independent,
) -> CovarianceResult:
    """Return the covariance of one coefficient, the difference between two arms.

    By default HC2 on Satterthwaite's degrees of freedom with a variance in each arm (Welch's when
    nothing is adjusted), or CR2 on those of one variance for all, the smaller of both when an arm
    has few clusters. A covariance asked for by name is what it is everywhere.

    Parameters
    ----------
    fit : LinearFit
    place : int
        The coefficient.
    treated : (n,) array of bool
    covariance : Covariance or None
    tied : Independent

    Returns
    -------
    CovarianceResult
        Its matrix is NaN where a row that moves the effect has no chance that could be seen
        (`leverage_one`).
    """
    pick = np.eye(len(fit.names))[place]
    found = covariance_of_rows(fit, covariance, tied).combine(pick[None])
    if covariance is not None:
        return found
    if not tied.clustered and unmeasured_rows(fit, pick).any():
        return without_error(found)
    if len(tied.codes) > 1 or (tied.clustered and _mixed(treated, tied.codes[0])):
        return found
    codes = tied.codes[0] if tied.clustered else None
    df = arm_degrees(fit, pick, treated, codes)
    if tied.clustered:
        few = min(independent_by_arm(treated, tied)) < FEW_TREATED
        if not few or df >= float(found.df[0]):
            return found
    return replace(found, df=np.array([df]), law=None, label=f"{found.label}, {BY_ARM}")


def _mixed(treated: BoolArray, codes: IntArray) -> bool:
    """Whether some cluster holds both arms."""
    share = np.bincount(codes, weights=treated) / np.bincount(codes)
    return bool(((share > 0) & (share < 1)).any())


def too_few_to_interact(
    covariates: FloatArray, treated: BoolArray, tied: Independent, *, blocks: int
) -> tuple[Finding, ...]:
    """Tell that an arm has too few for slopes of its own: `too_few_to_interact`.

    Characteristics of clusters need clusters, those of rows need rows.

    Parameters
    ----------
    covariates : (n, k) array
    treated : (n,) array of bool
    tied : Independent
    blocks : int
        Blocks with a level of their own in each arm (1 without blocks).
    """
    slopes = [(covariates.shape[1], min(int(treated.sum()), int((~treated).sum())))]
    if tied.clustered:
        of_clusters = _constant_within(covariates, tied.codes[0])
        slopes.append((int(of_clusters.sum()), min(independent_by_arm(treated, tied))))
    for k, least in slopes:
        needed = PER_COEFFICIENT * (k + 1) + blocks - 1
        if k and least < needed:
            return (Finding.warning("too_few_to_interact", n=least, advised=needed),)
    return ()


def _constant_within(covariates: FloatArray, codes: IntArray) -> BoolArray:
    """Return which covariates, (k,), have one value in each cluster."""
    first = np.zeros(int(codes.max()) + 1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return np.asarray((covariates == covariates[first[codes]]).all(axis=0))


def no_spread(y: FloatArray, treated: BoolArray, tied: Independent) -> bool:
    """Whether an arm of few has one value only: nothing is seen of its chance."""
    by_arm = zip((treated, ~treated), independent_by_arm(treated, tied), strict=True)
    return any(n < FEW_TREATED and bool((y[arm] == y[arm][0]).all()) for arm, n in by_arm)
