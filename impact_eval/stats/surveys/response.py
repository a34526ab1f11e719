"""Who answered: a logit of response, inverse-probability weights, representativity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.inference.regression import LogitFit, logit_fit

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseModel:
    """A fitted model of who answers.

    Attributes
    ----------
    fit : LogitFit
    probability : (n,) array
    weights : (n,) array
        ``1 / p`` for those who answered, 0 for the others.
    stabilised : (n,) array
        ``share answering / p`` for those who answered, 0 for the others.
    r_indicator : float
        ``1 - 2 SD(p)``: 1 when all are as likely to answer.
    n_answered : int
    """

    fit: LogitFit
    probability: FloatArray
    weights: FloatArray
    stabilised: FloatArray
    r_indicator: float
    n_answered: int


def response_model(answered: ArrayLike, covariates: ArrayLike) -> ResponseModel | NotApplicable:
    """Model the probability of answering by what is known of everybody.

    Parameters
    ----------
    answered : (n,) array
        0 or 1.
    covariates : (n, p) array
        Without constant; no missing value.

    Returns
    -------
    ResponseModel or NotApplicable
        `all_answered`, `none_answered`.

    Assumptions
    -----------
    Given the covariates, answering has nothing to do with the outcome.

    References
    ----------
    Schouten, B., Cobben, F. and Bethlehem, J. (2009). Survey Methodology 35(1), 101-113

    Examples
    --------
    >>> import numpy as np
    >>> x = np.repeat([0.0, 1.0], 4)[:, None]
    >>> m = response_model([1, 1, 1, 0, 1, 1, 0, 0], x)
    >>> m.probability.round(4).tolist()[::4]
    [0.75, 0.5]
    """
    y = np.asarray(answered, dtype=np.float64)
    if y.all():
        return NotApplicable.because("all_answered", n=len(y))
    if not y.any():
        return NotApplicable.because("none_answered", n=len(y))
    matrix = np.asarray(covariates, dtype=np.float64).reshape(len(y), -1)
    fit = logit_fit(y, np.column_stack([np.ones(len(y)), matrix]))
    p = fit.fitted
    weights = np.where(y == 1, 1 / p, 0.0)
    return ResponseModel(
        fit=fit, probability=p, weights=weights, stabilised=weights * y.mean(),
        r_indicator=float(1 - 2 * p.std(ddof=1)), n_answered=int(y.sum()),
    )  # fmt: skip
