"""Two scorings of the same people: do two workers, or a person and a worker, score alike."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, NotApplicable
from impact_eval.core.shown import Shown, one_line
from impact_eval.stats.scales.agreement import IntraclassCorrelation, intraclass_correlation

FloatArray = NDArray[np.float64]
FEWEST = 10  # people scored twice under which an agreement says nothing
POOR, GOOD = 0.5, 0.75  # Koo and Li (2016), of the interval and not of the value


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RatingAgreement(Shown):
    """How far two scorings of the same people agree.

    Attributes
    ----------
    n, left_out : int
        People scored twice; people with one note alone.
    exact, within_one : float
        Shares of people with the same note, and with notes one point apart or less, in [0, 1].
    kappa : float or NotApplicable
        Chance-corrected agreement, a disagreement costing its square.
    icc : IntraclassCorrelation or NotApplicable
        ICC(A,1) with its interval: what one note of one rater is worth.
    bias, bias_low, bias_high : float
        Mean of the second note minus the first, in points, with its interval.
    findings : tuple of Finding
    """

    n: int
    left_out: int
    exact: float
    within_one: float
    kappa: float | NotApplicable
    icc: IntraclassCorrelation | NotApplicable
    bias: float
    bias_low: float
    bias_high: float
    findings: tuple[Finding, ...] = ()

    def _line(self) -> str:
        icc = self.icc
        return one_line(
            "RatingAgreement",
            n=self.n,
            exact=round(self.exact, 3),
            icc=None if isinstance(icc, NotApplicable) else round(icc.value, 3),
            bias=round(self.bias, 3),
            findings=len(self.findings) or None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the reading as JSON."""
        icc, kappa = self.icc, self.kappa
        return {
            "n": self.n,
            "left_out": self.left_out,
            "exact": self.exact,
            "within_one": self.within_one,
            "kappa": kappa.to_dict() if isinstance(kappa, NotApplicable) else kappa,
            "icc": icc.to_dict() if isinstance(icc, NotApplicable)
            else {"value": icc.value, "conf_low": icc.conf_low, "conf_high": icc.conf_high},
            "bias": {"value": self.bias, "conf_low": self.bias_low, "conf_high": self.bias_high},
            "findings": [finding.to_dict() for finding in self.findings],
        }  # fmt: skip


def rating_agreement(
    first: ArrayLike, second: ArrayLike, *, level: float = 0.95
) -> RatingAgreement:
    r"""Read the agreement of two scorings of the same people, such as a ladder or a star.

    :math:`\kappa_w = 1 - \overline{(y - x)^2} / (s_x^2 + s_y^2 + (\bar y - \bar x)^2)`, variances
    over :math:`n`; ICC(A,1) of McGraw and Wong; the mean of :math:`y - x` with a Student interval.

    Parameters
    ----------
    first, second : (n,) array
        Notes of each person by one rater and by the other, in points of the same scale; NaN where
        a person was not scored. One array for each domain: domains are not mixed.
    level : float
        Of the intervals.

    Returns
    -------
    RatingAgreement

    Raises
    ------
    ImpactEvalError
        `ratings_not_paired` (not one note of each rater by person), `too_few_rated_twice`.

    Assumptions
    -----------
    The two raters scored without seeing the note of the other, and the people scored twice are
    like those scored once.

    References
    ----------
    Cohen, J. (1968). doi:10.1037/h0026256; McGraw, K. O. and Wong, S. P. (1996).
    doi:10.1037/1082-989X.1.1.30; Koo, T. K. and Li, M. Y. (2016). doi:10.1016/j.jcm.2016.02.012

    Examples
    --------
    >>> person = [2, 3, 4, 4, 5, 6, 6, 7, 8, 9]
    >>> worker = [2, 3, 5, 4, 5, 7, 6, 7, 8, 10]
    >>> read = rating_agreement(person, worker)
    >>> read.exact, round(read.icc.value, 2), round(read.bias, 2)
    (0.7, 0.97, 0.3)
    """
    x, y = _notes(first), _notes(second)
    if x.shape != y.shape or x.ndim != 1:
        raise ImpactEvalError(
            Finding.error("ratings_not_paired", first=len(np.ravel(x)), second=len(np.ravel(y)))
        )
    both = ~(np.isnan(x) | np.isnan(y))
    once = int((np.isnan(x) != np.isnan(y)).sum())
    if both.sum() < FEWEST:
        raise ImpactEvalError(
            Finding.error("too_few_rated_twice", n=int(both.sum()), advised=FEWEST)
        )
    x, y = x[both], y[both]
    gap = y - x
    half = float(special.stdtrit(len(gap) - 1, (1 + level) / 2)) * gap.std(ddof=1)
    half = float(half / math.sqrt(len(gap)))
    bias = float(gap.mean())
    icc = intraclass_correlation(np.column_stack([x, y]), level=level)
    read = RatingAgreement(
        n=len(gap), left_out=once, exact=float((gap == 0).mean()),
        within_one=float((np.abs(gap) <= 1).mean()), kappa=squared_kappa(x, y), icc=icc,
        bias=bias, bias_low=bias - half, bias_high=bias + half,
    )  # fmt: skip
    return _told(read)


def _notes(given: ArrayLike) -> FloatArray:
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise ImpactEvalError(Finding.error("ratings_not_numbers")) from None


def squared_kappa(first: FloatArray, second: FloatArray) -> float | NotApplicable:
    r"""Return Cohen's kappa with squared weights, distances being those of the notes themselves.

    Unlike a kappa of categories, a step that nobody was given still counts as a step.

    Parameters
    ----------
    first, second : (n,) arrays

    Returns
    -------
    float or NotApplicable
        `no_variance` when everybody has one same note.

    References
    ----------
    Fleiss, J. L. and Cohen, J. (1973). doi:10.1177/001316447303300309

    Examples
    --------
    >>> squared_kappa(np.array([1.0, 1, 2, 2]), np.array([1.0, 1, 2, 1]))
    0.5
    """
    chance = first.var() + second.var() + (second.mean() - first.mean()) ** 2
    if chance == 0:
        return NotApplicable.because("no_variance")
    return float(1 - np.mean((second - first) ** 2) / chance)


def _told(read: RatingAgreement) -> RatingAgreement:
    """Return a reading with what it calls for: too few, apart, or sure to agree."""
    faults = FindingCollector()
    icc = read.icc
    if isinstance(icc, NotApplicable):
        code = "ratings_identical" if read.exact == 1 else "ratings_without_spread"
        make = Finding.info if read.exact == 1 else Finding.warning
        faults.add(make(code, n=read.n))
    else:
        make, code = Finding.warning, "agreement_unsure"
        if icc.conf_low >= GOOD:
            make, code = Finding.info, "raters_agree"
        elif icc.conf_high < POOR:
            code = "raters_disagree"
        faults.add(make(code, n=read.n, value=icc.value, low=icc.conf_low, high=icc.conf_high))
    if read.bias_low > 0 or read.bias_high < 0:
        faults.add(Finding.warning("raters_apart", bias=read.bias, low=read.bias_low,
                                   high=read.bias_high))  # fmt: skip
    if read.left_out:
        faults.add(Finding.info("rated_once", n=read.left_out, of=read.left_out + read.n))
    return replace(read, findings=faults.findings)
