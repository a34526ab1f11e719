r"""A treatment constant within a column that nobody declared as the level of the decision.

Where every place has only treated people, or none, the action was decided by place: errors that
take people one by one are then too small. With L values, U units and T of them treated, a draw of
single units gives whole values to one arm with a probability of at most
:math:`2^L/\binom{U}{T}`, the number of ways to share the values over that of drawing the units.

References
----------
MacKinnon, J., Nielsen, M. and Webb, M. (2023). doi:10.1016/j.jeconom.2022.04.001
"""

from __future__ import annotations

import copy
import functools
import math
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding
from impact_eval.data.sample import Sample
from impact_eval.designs.few_independent import clusters_declared
from impact_eval.stats.inference.covariances import Covariance

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
R = TypeVar("R")

CODE = "treatment_constant_within"
BY_CHANCE = 0.01  # probability under a draw of single units, over all the columns looked at
KNOWN = 0.9  # share of the units whose value is known, below which a column says nothing
# One value alone on the treated side is most often what they became (a status, an operator): it is
# taken for a place when there are others enough.
FEWEST_OTHERS, OTHERS_OF_ONE = 2, 4
_AGAIN = ("impact_eval.designs", "impact_eval.diagnostics")


def treatment_constant_within(
    sample: Sample, outcome: str, covariance: Covariance | None = None
) -> tuple[Finding, ...]:
    """Point out the columns that hold only treated units, or none, in each of their values.

    Parameters
    ----------
    sample : Sample
    outcome : str
        Left aside.
    covariance : Covariance, optional
        One that names clusters declares the level.

    Returns
    -------
    tuple of Finding
        `treatment_constant_within`, with the columns; none when clusters are declared.

    Examples
    --------
    >>> frame = pd.DataFrame({"town": ["a", "b", "c", "d"] * 6, "y": range(24)})
    >>> frame["z"] = frame["town"].isin(["a", "b"]) * 1
    >>> found = treatment_constant_within(Sample(frame, treatment="z"), "y")
    >>> found[0].values["columns"]
    ('town',)
    """
    if sample.treated is None or clusters_declared(sample, covariance):
        return ()
    first, arm = _units(sample)
    if not 0 < int(arm.sum()) < arm.size:
        return ()
    taken = {outcome, *(name for names in sample.roles.values() for name in names)}
    read = [(name, _codes(sample, name, first)) for name in sample.frame if name not in taken]
    looked = [(name, codes) for name, codes in read if codes is not None]
    names = tuple(str(name) for name, codes in looked if _decides(codes, arm, len(looked)))
    return (Finding.warning(CODE, columns=names, n=len(names)),) if names else ()


def _units(sample: Sample) -> tuple[IntArray, BoolArray]:
    """Return a row of each unit, and whether it is treated at some time."""
    assert sample.treated is not None
    treated = sample.treated if sample.cohorts is None else np.isfinite(sample.cohorts)
    codes = sample.unit_codes
    if codes is None:
        return np.arange(sample.n), treated
    first = np.zeros(sample.n_units, dtype=np.int64)
    first[codes[::-1]] = np.arange(sample.n)[::-1]
    arm = np.zeros(sample.n_units, dtype=bool)
    np.logical_or.at(arm, codes, treated)
    return first, arm


def _codes(sample: Sample, name: Any, first: IntArray) -> IntArray | None:
    """Return the value of each unit as a code, -1 when missing; None for what is no label."""
    column = sample.frame[name]
    if not isinstance(column, pd.Series) or not _is_label(column):
        return None
    try:
        codes = pd.factorize(column)[0].astype(np.int64)
    except TypeError:  # lists and the like
        return None
    units = codes[first]
    if sample.unit_codes is not None and (units[sample.unit_codes] != codes).any():
        return None
    values = int(units.max(initial=-1)) + 1
    known = float((units >= 0).mean())
    return units if 2 <= values < units.size / 2 and known >= KNOWN else None


def _is_label(column: pd.Series[Any]) -> bool:
    kind = column.dtype
    if pd.api.types.is_bool_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind):
        return False
    if not pd.api.types.is_numeric_dtype(kind):
        return True
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    known = values[np.isfinite(values)]
    return bool((known == np.floor(known)).all())


def _decides(codes: IntArray, arm: BoolArray, looked: int) -> bool:
    """Whether each value has one arm only, too often for a draw of single units."""
    known = codes >= 0
    values, side = codes[known], arm[known]
    size = int(values.max()) + 1
    total = np.bincount(values, minlength=size)
    treated = np.bincount(values[side], minlength=size)
    if ((treated > 0) & (treated < total)).any():
        return False
    ours = int((treated > 0).sum())
    others = int(((total > 0) & (treated == 0)).sum())
    if ours < 1 or others < (OTHERS_OF_ONE if ours == 1 else FEWEST_OTHERS):
        return False
    ways = _log_choose(int(total.sum()), int(treated.sum()))
    return (ours + others) * math.log(2) - ways < math.log(BY_CHANCE / looked)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def looking_at_levels(fit: Callable[[Any, Sample, str], R]) -> Callable[[Any, Sample, str], R]:
    """Return `fit` on a sample that tells a level that nobody declared.

    Parameters
    ----------
    fit : callable
        The method `fit` of a design, as somebody calls it: what a design or a check fits again
        (samples drawn anew, units left out) is not looked at.
    """

    @functools.wraps(fit)
    def fitted(design: Any, sample: Sample, outcome: str) -> R:
        if not _fitted_again():
            covariance = getattr(design, "covariance", None)
            sample = _noticing(sample, treatment_constant_within(sample, outcome, covariance))
        return fit(design, sample, outcome)

    return fitted


def _noticing(sample: Sample, found: tuple[Finding, ...]) -> Sample:
    """Return the sample, with what was found among its findings."""
    if not found or any(finding.code == CODE for finding in sample.findings):
        return sample
    told = copy.copy(sample)
    object.__setattr__(told, "findings", (*sample.findings, *found))
    return told


def _fitted_again() -> bool:
    """Whether a design or a check of ours is fitting once more: who called what is wrapped here."""
    caller = sys._getframe(3)  # beyond `fitted`, and what announces the findings of a design
    return str(caller.f_globals.get("__name__", "")).startswith(_AGAIN)
