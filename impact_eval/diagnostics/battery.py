"""Which checks an estimate gets: those its design asks for, and those its data allow."""

from __future__ import annotations

from impact_eval.data.sample import DataShape, Sample
from impact_eval.designs.base import EstimatorInfo

_PANEL = ("few_clusters", "placebo", "anticipation", "leave_one_out")
_REPEATED = ("few_clusters", "composition", "placebo", "leave_one_out")
_ACROSS = ("overlap", "confounding")
_CLUSTERED = ("few_clusters", "leave_one_out")
CAUSAL, RANDOMISED = 3, 4


def checks_for(info: EstimatorInfo, sample: Sample) -> tuple[str, ...]:
    """Return the names of the checks to run, the design's own first.

    Parameters
    ----------
    info : EstimatorInfo
    sample : Sample

    Returns
    -------
    tuple of str
        For `run_checks`. A design without counterfactual gets its own checks only.
    """
    if not info.counterfactual or sample.treated is None:
        return info.checks
    more: tuple[str, ...] = ()
    if sample.shape is DataShape.PANEL:
        more = _PANEL
    elif sample.shape is DataShape.REPEATED_CROSS_SECTION:
        more = _REPEATED
    elif info.evidence_ceiling == CAUSAL:
        more = _ACROSS
    if sample.shape is DataShape.CROSS_SECTION and sample.cluster_names:
        more = (*more, *_CLUSTERED)
    return tuple(dict.fromkeys((*info.checks, *more)))
