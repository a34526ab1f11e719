"""Social value: accounts that balance, priced from the effect, never a lone ratio."""

from impact_eval.value.account.books import Avoided
from impact_eval.value.account.doors import Account, ValueMap
from impact_eval.value.account.flow_ledger import Balance, Flow
from impact_eval.value.account.line_flows import LineValue
from impact_eval.value.map.declared import Input, Line
from impact_eval.value.map.parameters import Catalogue, FiscalCase, Parameter, catalogue
from impact_eval.value.readouts.excel_export import export_account
from impact_eval.value.readouts.published_value import tell
from impact_eval.value.readouts.ratio_sentence import Headline
from impact_eval.value.readouts.sum_of_accounts import Consolidated, consolidate
from impact_eval.value.readouts.summary import ValueSummary, summarise
from impact_eval.value.readouts.told import ValueTold
from impact_eval.value.uncertainty.certain_numbers import CertainTold, certain_numbers
from impact_eval.value.uncertainty.sensitivity import Grid, two_way_grid
from impact_eval.value.uncertainty.simulate import Simulation, simulate, uncertainty_of
from impact_eval.value.uncertainty.unknowns import (
    account_shapley,
    account_sobol,
    value_of_information,
)

__all__ = [
    "Account",
    "Avoided",
    "Balance",
    "Catalogue",
    "CertainTold",
    "Consolidated",
    "FiscalCase",
    "Flow",
    "Grid",
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
    "certain_numbers",
    "consolidate",
    "export_account",
    "simulate",
    "summarise",
    "tell",
    "two_way_grid",
    "uncertainty_of",
    "value_of_information",
]
