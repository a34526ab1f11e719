"""Floor 2: the designs. One estimator, one file; `designs` lists them all."""

from impact_eval.designs.base import (
    Design,
    EstimatorInfo,
    Minimum,
    check_options,
    designs,
    options_of,
    refuse_unfit,
    register,
)
from impact_eval.designs.before_after import BeforeAfter
from impact_eval.designs.callaway_santanna import CallawaySantAnna
from impact_eval.designs.chaisemartin_dhaultfoeuille import ChaisemartinDHaultfoeuille
from impact_eval.designs.did import DifferenceInDifferences
from impact_eval.designs.difference_in_means import DifferenceInMeans
from impact_eval.designs.imputation import ImputationDiD
from impact_eval.designs.stacked import StackedDiD
from impact_eval.designs.sun_abraham import SunAbraham
from impact_eval.designs.synthetic_control import SyntheticControl
from impact_eval.designs.synthetic_did import SyntheticDiD
from impact_eval.designs.triple_difference import TripleDifference
from impact_eval.designs.twfe import TwoWayFixedEffects
from impact_eval.designs.wald_did import WaldDiD

__all__ = [
    "BeforeAfter",
    "CallawaySantAnna",
    "ChaisemartinDHaultfoeuille",
    "Design",
    "DifferenceInDifferences",
    "DifferenceInMeans",
    "EstimatorInfo",
    "ImputationDiD",
    "Minimum",
    "StackedDiD",
    "SunAbraham",
    "SyntheticControl",
    "SyntheticDiD",
    "TripleDifference",
    "TwoWayFixedEffects",
    "WaldDiD",
    "check_options",
    "designs",
    "options_of",
    "refuse_unfit",
    "register",
]
