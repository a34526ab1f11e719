"""Floor 2: the designs. One estimator, one file, found by itself; `designs` lists them all.

A module of this folder that registers a design is loaded with it, and its class stands at this
door; a third party's comes by the entry point group `impact_eval.designs`.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from impact_eval.designs.base import (
    Design,
    EstimatorInfo,
    Minimum,
    Variant,
    check_options,
    designs,
    options_of,
    refuse_unfit,
    register,
)

if TYPE_CHECKING:  # for editors and type checkers: the loop below finds them, and any other
    from impact_eval.designs.before_after import BeforeAfter as BeforeAfter
    from impact_eval.designs.callaway_santanna import CallawaySantAnna as CallawaySantAnna
    from impact_eval.designs.chaisemartin_dhaultfoeuille import (
        ChaisemartinDHaultfoeuille as ChaisemartinDHaultfoeuille,
    )
    from impact_eval.designs.did import DifferenceInDifferences as DifferenceInDifferences
    from impact_eval.designs.difference_in_means import DifferenceInMeans as DifferenceInMeans
    from impact_eval.designs.imputation import ImputationDiD as ImputationDiD
    from impact_eval.designs.stacked import StackedDiD as StackedDiD
    from impact_eval.designs.sun_abraham import SunAbraham as SunAbraham
    from impact_eval.designs.synthetic_control import SyntheticControl as SyntheticControl
    from impact_eval.designs.synthetic_did import SyntheticDiD as SyntheticDiD
    from impact_eval.designs.triple_difference import TripleDifference as TripleDifference
    from impact_eval.designs.twfe import TwoWayFixedEffects as TwoWayFixedEffects
    from impact_eval.designs.wald_did import WaldDiD as WaldDiD

__all__ = [
    "Design",
    "EstimatorInfo",
    "Minimum",
    "Variant",
    "check_options",
    "designs",
    "options_of",
    "refuse_unfit",
    "register",
]

for _found in iter_modules(__path__):
    if not _found.ispkg:
        import_module(f"{__name__}.{_found.name}")

for _design in designs.here(__name__):
    globals()[_design.__name__] = _design
    __all__ += [_design.__name__]  # noqa: PLE0604 - the name of a class is a text
__all__.sort()
