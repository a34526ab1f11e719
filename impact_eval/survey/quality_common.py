"""Do the questions of a scale measure anything in common: asked before any praise is given.

A model of one dimension fits pure noise very well, so no index of fit can answer: what can is
alpha with its interval, and a count of the dimensions that rise above those of drawn noise.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.factor_adequacy import ParallelAnalysis
from impact_eval.stats.scales.reliability import Alpha, cronbach_alpha

FloatArray = NDArray[np.float64]
LEAST_ALPHA = 0.50


class CommonGround(StrEnum):
    """What the answers show of something common to all questions.

    `SHOWN`: alpha of at least .50 whose interval stays above 0, and no count of dimensions against
    it; `NOTHING`: no dimension above those of noise, and an alpha that may be 0; `WEAK`: neither.
    """

    SHOWN = "shown"
    WEAK = "weak"
    NOTHING = "nothing"


def common_ground(
    alpha: Alpha | NotApplicable, parallel: ParallelAnalysis | NotApplicable
) -> CommonGround:
    """Return whether the questions measure something in common.

    Parameters
    ----------
    alpha : Alpha or NotApplicable
    parallel : ParallelAnalysis or NotApplicable
        Refused on a small sample: alpha then speaks alone.

    Returns
    -------
    CommonGround
    """
    counted = parallel.n_dimensions if isinstance(parallel, ParallelAnalysis) else None
    if isinstance(alpha, NotApplicable):
        return CommonGround.NOTHING if counted == 0 else CommonGround.WEAK
    above = alpha.conf_low > 0
    if counted == 0:
        return CommonGround.WEAK if above else CommonGround.NOTHING
    return CommonGround.SHOWN if above and alpha.value >= LEAST_ALPHA else CommonGround.WEAK


def goes_together(matrix: FloatArray) -> bool:
    """Return whether alpha alone shows something common to all columns of answers."""
    nothing_counted = NotApplicable.because("quality_no_dimension")
    return common_ground(cronbach_alpha(matrix), nothing_counted) is CommonGround.SHOWN
