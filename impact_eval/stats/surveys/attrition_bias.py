r"""How far attrition could bias a difference of means.

Outcome and willingness to answer are both standard normal with correlation :math:`\alpha_a` in arm
a; a person answers when the willingness is among the highest :math:`1 - p_a`. The mean outcome of
those who answer is then :math:`\alpha_a \varphi(\Phi^{-1}(p_a))/(1 - p_a)`, and the bias of the
difference, in standard deviations of the outcome, at most

.. math:: \Big|\alpha_1 \lambda(p_1) - \alpha_0 \lambda(p_0)\Big|, \quad
          \lambda(p) = \varphi(\Phi^{-1}(p))/(1-p),

with the larger correlation in the arm that lost more.

References
----------
Deke, J. and Chiang, H. (2017). doi:10.1177/0193841X16670047
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

TOLERABLE_BIAS = 0.05  # standard deviations of the outcome


@dataclass(frozen=True, slots=True)
class AttritionModel:
    """How strongly leaving is tied to the outcome, in the arm that lost more and in the other.

    Attributes
    ----------
    more, less : float
        Correlations of outcome and willingness to answer.
    """

    more: float
    less: float


CAUTIOUS = AttritionModel(more=0.45, less=0.39)  # the action itself may make people leave
OPTIMISTIC = AttritionModel(more=0.27, less=0.22)  # people leave for reasons of their own


def attrition_bias(lost_treated: float, lost_comparison: float, model: AttritionModel) -> float:
    """Return the largest bias of the difference of means, in standard deviations of the outcome.

    Parameters
    ----------
    lost_treated, lost_comparison : float
        Shares lost, in [0, 1).
    model : AttritionModel

    Returns
    -------
    float
        Infinity when an arm lost everybody.

    Examples
    --------
    >>> attrition_bias(0.0, 0.0, CAUTIOUS)
    0.0
    >>> round(attrition_bias(0.15, 0.05, CAUTIOUS), 4)
    0.0811
    """
    high, low = max(lost_treated, lost_comparison), min(lost_treated, lost_comparison)
    if high >= 1:
        return math.inf
    return abs(model.more * _inverse_mills(high) - model.less * _inverse_mills(low))


def _inverse_mills(share: float) -> float:
    if share <= 0:
        return 0.0
    cut = float(special.ndtri(share))
    return math.exp(-(cut**2) / 2) / math.sqrt(2 * math.pi) / (1 - share)
