"""Social value: accounts that balance, priced from the effect, never a lone ratio."""

from impact_eval.value.account import Account, Avoided
from impact_eval.value.consolidation import Consolidated, consolidate
from impact_eval.value.excel_export import export_account
from impact_eval.value.flows import LineValue
from impact_eval.value.headline import Headline
from impact_eval.value.ledger import Balance, Flow
from impact_eval.value.parameters import Catalogue, FiscalCase, Parameter, catalogue
from impact_eval.value.simulate import Simulation, simulate, uncertainty_of
from impact_eval.value.summary import ValueSummary, summarise
from impact_eval.value.told import ValueTold, tell
from impact_eval.value.unknowns import (
    account_shapley,
    account_sobol,
    value_of_information,
)
from impact_eval.value.value_map import Input, Line, ValueMap

__all__ = [
    "Account",
    "Avoided",
    "Balance",
    "Catalogue",
    "Consolidated",
    "FiscalCase",
    "Flow",
    "Headline",
    "Input",
    "Line",
    "LineValue",
    "Parameter",
    "Simulation",
    "ValueMap",
    "ValueSummary",
    "ValueTold",
    "account_shapley",
    "account_sobol",
    "catalogue",
    "consolidate",
    "export_account",
    "simulate",
    "summarise",
    "tell",
    "uncertainty_of",
    "value_of_information",
]
