r"""How often a method cries wolf on this panel's own noise.

The noise is what unit and period effects (and the effects estimated, when given) leave of the
panel. Panels without any effect are made from it unit by unit, whole series at a time, so that
serial correlation and unequal variances stay:

* RESAMPLE: each unit receives the series of a unit drawn with replacement, with a random sign;
* WILD: each unit keeps its own series, with a random sign.

Residuals are stretched by :math:`\sqrt{NT/((N-1)(T-1))}` for the effects taken out. Cohorts are
dealt anew in each panel, then the method is run as it would be run on the real data. The share of
rejections is the method's false-positive rate, with its Monte Carlo error.

References
----------
Bertrand, M., Duflo, E. and Mullainathan, S. (2004), placebo laws. doi:10.1162/003355304772839588
Ferman, B. and Pinto, C. (2019). doi:10.1162/rest_a_00759
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core import Finding, FindingCollector

FloatArray = NDArray[np.float64]

Rejects = Callable[[FloatArray, FloatArray], NDArray[np.bool_]]
"""From (b, N, T) panels and (b, N) cohorts to (b,) rejections of no effect."""

_BLOCK = 1 << 21


class NoiseModel(StrEnum):
    """How panels without effect are made from residual series."""

    RESAMPLE = "resample"
    WILD = "wild"


@dataclass(frozen=True, slots=True)
class FalsePositiveRate:
    """Share of panels without effect on which a method finds one.

    Attributes
    ----------
    method : str
    rate : float
    std_error : float
        Monte Carlo error of `rate`.
    conf_low, conf_high : float
        95 % Wilson interval of the rate.
    size : float
        The rate the method promises.
    n_draws : int
    """

    method: str
    rate: float
    std_error: float
    conf_low: float
    conf_high: float
    size: float
    n_draws: int


def panel_noise(panel: ArrayLike, *, effects: ArrayLike | None = None) -> FloatArray:
    """Return the noise of a balanced panel: what unit and period effects leave, stretched.

    Parameters
    ----------
    panel : (N, T) array
        Without holes.
    effects : (N, T) array, optional
        Estimated effects, taken out first so that a real effect is not mistaken for noise.

    Returns
    -------
    (N, T) array

    Raises
    ------
    ImpactEvalError
        `panel_has_holes`, `panel_too_small`.

    Examples
    --------
    >>> import numpy as np
    >>> float(abs(panel_noise(np.add.outer(np.arange(4.0), np.arange(3.0)))).max())
    0.0
    """
    y = np.asarray(panel, dtype=np.float64)
    if effects is not None:
        y = y - np.asarray(effects, dtype=np.float64)
    faults = FindingCollector()
    holes = int((~np.isfinite(y)).sum())
    if holes:
        faults.add(Finding.error("panel_has_holes", n=holes))
    if y.ndim != 2 or min(y.shape) < 2:
        faults.add(Finding.error("panel_too_small", shape=str(y.shape)))
    faults.raise_if_errors()
    residual = y - y.mean(axis=0) - y.mean(axis=1, keepdims=True) + y.mean()
    units, periods = y.shape
    stretch = np.sqrt(units * periods / ((units - 1) * (periods - 1)))
    return np.asarray(residual * stretch)


def null_panels(
    noise: FloatArray,
    draws: int,
    *,
    rng: np.random.Generator,
    model: NoiseModel = NoiseModel.RESAMPLE,
) -> FloatArray:
    """Return (draws, N, T) panels without effect.

    Parameters
    ----------
    noise : (N, T) array
    draws : int
    rng : numpy.random.Generator
    model : NoiseModel
    """
    units = len(noise)
    signs = rng.integers(0, 2, (draws, units)).astype(np.float64) * 2 - 1
    if model is NoiseModel.WILD:
        return np.asarray(signs[:, :, None] * noise)
    return np.asarray(signs[:, :, None] * noise[rng.integers(0, units, (draws, units))])


def false_positive_rates(
    noise: FloatArray,
    cohorts: ArrayLike,
    methods: Mapping[str, Rejects],
    *,
    rng: np.random.Generator,
    model: NoiseModel = NoiseModel.RESAMPLE,
    draws: int = 400,
    size: float = 0.05,
) -> tuple[FalsePositiveRate, ...]:
    """Run methods on panels without effect, cohorts dealt anew each time.

    Parameters
    ----------
    noise : (N, T) array
        From `panel_noise`.
    cohorts : (N,) array
        First treated period of each unit, 1 to T; infinite: never.
    methods : mapping of name to callable
        From (b, N, T) panels and (b, N) cohorts to (b,) booleans. All see the same panels.
    rng : numpy.random.Generator
    model : NoiseModel
    draws : int
    size : float
        Nominal rate of the tests.

    Returns
    -------
    tuple of FalsePositiveRate

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.stats.panels.panel_tests import twfe_rejects
    >>> rng = np.random.default_rng(1)
    >>> noise = panel_noise(rng.standard_normal((20, 8)))
    >>> waves = np.array([4.0] * 10 + [np.inf] * 10)
    >>> found = false_positive_rates(noise, waves, {"twfe": twfe_rejects}, rng=rng)
    >>> found[0].conf_low < 0.07 < found[0].conf_high
    True
    """
    entry = np.asarray(cohorts, dtype=np.float64)
    counts = dict.fromkeys(methods, 0)
    step = max(1, _BLOCK // noise.size)
    for start in range(0, draws, step):
        block = min(step, draws - start)
        panels = null_panels(noise, block, rng=rng, model=model)
        dealt = rng.permuted(np.tile(entry, (block, 1)), axis=1)
        for name, rejects in methods.items():
            counts[name] += int(np.count_nonzero(rejects(panels, dealt)))
    return tuple(_rate(name, count, draws, size) for name, count in counts.items())


def detection_rates(
    noise: FloatArray,
    cohorts: ArrayLike,
    rejects: Rejects,
    effects: ArrayLike,
    *,
    rng: np.random.Generator,
    model: NoiseModel = NoiseModel.RESAMPLE,
    draws: int = 400,
) -> FloatArray:
    """Return the power of a method by simulation: shares of panels where an effect is seen.

    Parameters
    ----------
    noise : (N, T) array
    cohorts : (N,) array
    rejects : callable
    effects : (e,) array
        Constant effects added to treated cells; the same panels serve all of them.
    rng : numpy.random.Generator
    model : NoiseModel
    draws : int

    Returns
    -------
    (e,) array
    """
    entry = np.asarray(cohorts, dtype=np.float64)
    panels = null_panels(noise, draws, rng=rng, model=model)
    dealt = rng.permuted(np.tile(entry, (draws, 1)), axis=1)
    exposed = np.arange(1, noise.shape[1] + 1) >= dealt[:, :, None]
    shares = [
        float(np.mean(rejects(panels + effect * exposed, dealt)))
        for effect in np.asarray(effects, dtype=np.float64)
    ]
    return np.array(shares)


def _rate(name: str, count: int, draws: int, size: float) -> FalsePositiveRate:
    rate = count / draws
    z = 1.959963984540054
    centre = (rate + z**2 / (2 * draws)) / (1 + z**2 / draws)
    half = z / (1 + z**2 / draws) * np.sqrt(rate * (1 - rate) / draws + z**2 / (4 * draws**2))
    error = float(np.sqrt(rate * (1 - rate) / draws))
    low, high = max(0.0, float(centre - half)), min(1.0, float(centre + half))
    return FalsePositiveRate(name, rate, error, low, high, size, draws)
