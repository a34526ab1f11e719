"""The contract battery: what every registered design must satisfy, ours or a third party's.

Each check is a function of a design class that raises `AssertionError` with the reason. A plug-in's
tests need three lines::

    @pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
    def test_my_design(check):
        check(MyDesign)

Checks read an example: a table with a known truth, drawn by `impact_eval.data.synthetic` for the
first data shape that the design accepts, or given by its class method
``contract_example(rng) -> Example``. Seeds are fixed: what passes today passes tomorrow.

A design that gives an example imports this door: the checks are loaded when they are first asked.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from impact_eval.designs.contract.example import SEED, Example, example_of

if TYPE_CHECKING:
    from impact_eval.designs.contract.checks_by_name import CHECKS
    from impact_eval.designs.contract.simulated import null_rejections

_LATER = {"CHECKS": "checks_by_name", "null_rejections": "simulated"}

__all__ = ["CHECKS", "SEED", "Example", "example_of", "null_rejections"]

if not TYPE_CHECKING:  # for a checker, a name that is not there is a fault

    def __getattr__(name: str) -> object:
        """Load the checks when they are first asked for."""
        if name not in _LATER:
            raise AttributeError(name)
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
