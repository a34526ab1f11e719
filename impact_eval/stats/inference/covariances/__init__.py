"""Covariance as a value: one file per type, found by itself.

A module of this folder that registers a `Covariance` is loaded with it; a third party's comes by
the entry point group `impact_eval.covariances`.
"""

from importlib import import_module
from pkgutil import iter_modules

from impact_eval.stats.inference.covariances.covariance_kind import (
    Covariance,
    CovarianceResult,
    OwnTest,
    Redraws,
    Source,
    Tests,
    Ties,
    covariance_from_text,
    covariances,
    names_for,
    register_covariance,
    serves,
)

for _found in iter_modules(__path__):
    import_module(f"{__name__}.{_found.name}")

__all__ = [
    "Covariance",
    "CovarianceResult",
    "OwnTest",
    "Redraws",
    "Source",
    "Tests",
    "Ties",
    "covariance_from_text",
    "covariances",
    "names_for",
    "register_covariance",
    "serves",
]
