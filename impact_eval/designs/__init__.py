"""Floor 2: the designs. One estimator, one file, found by itself; `designs` lists them all.

The class of a design that a module of this folder registers stands at this door; a third party's
comes by the entry point group `impact_eval.designs`. A study asks for one or two: each module is
loaded when its design is named, all of them only when their list is. Nor is what they compute with
loaded by this door: a study file is checked by what `shipped` says of their options.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors and type checkers: the functions below find them, and any other
    from impact_eval.designs.base import Design as Design
    from impact_eval.designs.base import EstimatorInfo as EstimatorInfo
    from impact_eval.designs.base import Minimum as Minimum
    from impact_eval.designs.base import Variant as Variant
    from impact_eval.designs.base import check_options as check_options
    from impact_eval.designs.base import designs as designs
    from impact_eval.designs.base import options_of as options_of
    from impact_eval.designs.base import refuse_unfit as refuse_unfit
    from impact_eval.designs.base import register as register
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

_HERE = (
    "Design",
    "EstimatorInfo",
    "Minimum",
    "Variant",
    "check_options",
    "designs",
    "options_of",
    "refuse_unfit",
    "register",
)


def __dir__() -> list[str]:
    ours = _import_module(f"{__name__}.base").designs.here(__name__)
    return sorted((*_HERE, *(design.__name__ for design in ours)))


if not TYPE_CHECKING:  # for a checker, a name that is not there is a fault

    def __getattr__(name: str) -> object:
        """Load what is asked for: the registry, the class of a design, or their list."""
        if name in _HERE:
            globals()[name] = found = getattr(_import_module(f"{__name__}.base"), name)
            return found
        if name == "__all__":
            return __dir__()
        if not name.startswith("_"):
            # with them come their modules, under their own names
            found = _import_module(f"{__name__}.base").designs.here(__name__)
            globals().update({design.__name__: design for design in found})
        if name not in globals():
            raise AttributeError(name)
        return globals()[name]
