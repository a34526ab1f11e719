r"""Tests of no effect on many balanced panels at once, for false-positive rates and power.

Each takes (b, N, T) panels and (b, N) cohorts (1 to T, infinite: never) and says which of the b
panels reject at 5 %:

* `twfe_rejects`: two-way fixed effects, CR1 by unit, t with N - 1 degrees of freedom;
* `twfe_cr2_rejects`: the same estimate with the Bell-McCaffrey variance and Satterthwaite degrees
  of freedom;
* `group_time_rejects`: the mean group-time effect against the never treated, influence-function
  variance, normal law;
* `permutation_rejects`: the two-way estimate against the same with cohorts dealt anew.

References
----------
Callaway, B. and Sant'Anna, P. (2021). doi:10.1016/j.jeconom.2020.12.001
Pustejovsky, J. and Tipton, E. (2018). doi:10.1080/07350015.2016.1247004
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.stats.inference.covariance import Clustered, covariance_of_fit
from impact_eval.stats.inference.regression import Absorbed, least_squares

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

SIZE = 0.05


def _exposure(cohorts: FloatArray, periods: int) -> FloatArray:
    """(b, N, T) exposure, unit and period means taken out."""
    exposed = (np.arange(1, periods + 1) >= cohorts[:, :, None]).astype(np.float64)
    return _demean(exposed)


def _demean(values: FloatArray) -> FloatArray:
    return np.asarray(
        values
        - values.mean(axis=1, keepdims=True)
        - values.mean(axis=2, keepdims=True)
        + values.mean(axis=(1, 2), keepdims=True)
    )


def _twfe(panels: FloatArray, cohorts: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Estimates (b,), demeaned exposure (b, N, T), its sum of squares (b,)."""
    exposure = _exposure(cohorts, panels.shape[2])
    square = np.einsum("bit,bit->b", exposure, exposure)
    return np.einsum("bit,bit->b", exposure, panels) / square, exposure, square


def twfe_rejects(panels: FloatArray, cohorts: FloatArray) -> BoolArray:
    """Test two-way fixed effects with CR1 by unit and t(N - 1)."""
    units, periods = panels.shape[1:]
    estimate, exposure, square = _twfe(panels, cohorts)
    residual = _demean(panels) - estimate[:, None, None] * exposure
    scores = np.einsum("bit,bit->bi", exposure, residual)
    cells = units * periods
    # unit effects are nested in the clusters and not counted; period effects and the slope are
    factor = units / (units - 1) * (cells - 1) / (cells - periods - 1)
    variance = factor * np.einsum("bi,bi->b", scores, scores) / square**2
    value = float(special.stdtrit(units - 1, 1 - SIZE / 2))
    return np.asarray(np.abs(estimate) > value * np.sqrt(variance))


def twfe_cr2_rejects(panels: FloatArray, cohorts: FloatArray) -> BoolArray:
    """Test two-way fixed effects with CR2 by unit and Satterthwaite degrees of freedom."""
    size, units, periods = panels.shape
    codes = np.repeat(np.arange(units), periods)
    dummies = np.tile(np.eye(periods)[:, 1:] - 1 / periods, (units, 1))
    exposed = (np.arange(1, periods + 1) >= cohorts[:, :, None]).astype(np.float64)
    within = exposed - exposed.mean(axis=2, keepdims=True)
    y = panels - panels.mean(axis=2, keepdims=True)
    out = np.zeros(size, dtype=bool)
    for b in range(size):
        X = np.column_stack([within[b].ravel(), dummies])
        fit = least_squares(y[b].ravel(), X, absorbed=Absorbed(units))
        result = covariance_of_fit(fit, Clustered(), clusters=codes)
        value = float(special.stdtrit(result.df[0], 1 - SIZE / 2))
        out[b] = abs(fit.coefficients[0]) > value * result.std_errors[0]
    return out


def group_time_rejects(panels: FloatArray, cohorts: FloatArray) -> BoolArray:
    """Test the mean group-time effect (never-treated comparison) with its influence function."""
    size, units, periods = panels.shape
    never = ~(cohorts <= periods)
    n_never = never.sum(axis=1)
    entries = [g for g in np.unique(cohorts) if 1 < g <= periods]
    effects, shares, lengths = [], [], []
    influence = np.zeros((size, units))
    contrast_never = np.zeros((size, units))
    for g in entries:
        start = int(g) - 1
        change = panels[:, :, start:].mean(axis=2) - panels[:, :, start - 1]
        member = cohorts == g
        n_group = np.maximum(member.sum(axis=1), 1)
        mean = (change * member).sum(axis=1) / n_group
        base = (change * never).sum(axis=1) / n_never
        effects.append(mean - base)
        lengths.append(periods - start)
        shares.append(member.sum(axis=1) * (periods - start))
        # Treated part of psi: (change - mean) / n_g, times the weight of the cohort's cells. A unit
        # never treated serves every cohort: its parts are summed before they are squared.
        influence += member * (change - mean[:, None]) * (shares[-1] / n_group)[:, None]
        contrast_never += (change - base[:, None]) * shares[-1][:, None]
    total = np.sum(shares, axis=0)
    estimate = np.sum([e * s for e, s in zip(effects, shares, strict=True)], axis=0) / total
    influence = influence - never * contrast_never / n_never[:, None]
    for g, effect, length in zip(entries, effects, lengths, strict=True):
        # Weights are shares of the sample, hence random: their part is (effect - estimate) times
        # length.
        influence += (cohorts == g) * (length * (effect - estimate))[:, None]
    influence = influence / total[:, None]
    error = np.sqrt(np.einsum("bi,bi->b", influence, influence))
    return np.asarray(np.abs(estimate) > float(special.ndtri(1 - SIZE / 2)) * error)


def permutation_rejects(
    panels: FloatArray, cohorts: FloatArray, *, rng: np.random.Generator, draws: int = 199
) -> BoolArray:
    """Test the two-way estimate against `draws` deals of the cohorts, the observed one counted."""
    observed = np.abs(_twfe(panels, cohorts)[0])
    above = np.ones(len(panels))
    for _ in range(draws):
        dealt = rng.permuted(cohorts, axis=1)
        above += np.abs(_twfe(panels, dealt)[0]) >= observed * (1 - 1e-9)
    return np.asarray(above / (draws + 1) <= SIZE)
