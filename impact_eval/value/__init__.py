"""Social value: accounts that balance, priced from the effect, never a lone ratio."""

from impact_eval.value.account import Account, Avoided
from impact_eval.value.flows import LineValue
from impact_eval.value.ledger import Balance, Flow
from impact_eval.value.parameters import Catalogue, FiscalCase, Parameter, catalogue
from impact_eval.value.value_map import Input, Line, ValueMap

__all__ = [
    "Account",
    "Avoided",
    "Balance",
    "Catalogue",
    "FiscalCase",
    "Flow",
    "Input",
    "Line",
    "LineValue",
    "Parameter",
    "ValueMap",
    "catalogue",
]
