"""Every read-out of an account at once, for whoever studies it: the four tables and their checks.

What a report prints is `published_value.tell`; this adds what only a reader of accounts asks for:
the marginal value of public funds, costs and benefits, rival sources and scenarios, the state of
each guard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.value.account.account_json import account_to_dict, jsonable
from impact_eval.value.account.doors import Account
from impact_eval.value.account.guards import GuardStatus, guard_statuses
from impact_eval.value.account.sroi import Sroi
from impact_eval.value.readouts.cba import CostBenefit, cost_benefit
from impact_eval.value.readouts.cost_per_result import CostPerOutcome, cost_of_kept
from impact_eval.value.readouts.equity import (
    WeightedValue,
    equity_values,
    switching_elasticity,
)
from impact_eval.value.readouts.mvpf import Mvpf, account_mvpf
from impact_eval.value.readouts.public_reading import public_reading
from impact_eval.value.readouts.ratio_sentence import Headline, headline
from impact_eval.value.readouts.told import PublicTold
from impact_eval.value.uncertainty.assumed_laws import shares_made_uncertain
from impact_eval.value.uncertainty.sensitivity import (
    AccountVariant,
    Bar,
    SwitchingValue,
    discount_variants,
    displacement_variants,
    scenario_variants,
    source_variants,
    switching_value,
    tornado,
    without_largest_line,
)
from impact_eval.value.uncertainty.simulate import Simulation, Uncertainty, simulate, uncertainty_of

LARGEST_ERROR = 0.01


@dataclass(frozen=True, kw_only=True)
class ValueSummary:
    """Everything a report says of the value of an action.

    Attributes
    ----------
    account : Account
    simulation : Simulation
        In memory only.
    sroi, cost_benefit, mvpf, cost_per_outcome
        The four read-outs; cost by outcome for each line with an estimated quantity.
    public : PublicTold or NotApplicable
        What public money brings, the cost of public funds on its own line.
    uncertainty, public_uncertainty : Uncertainty
    headline : Sentence or NotApplicable
    tornado : tuple of Bar or NotApplicable
    variants : tuple of AccountVariant
        Discount rates, displacement, rival sources, scenarios.
    largest : AccountVariant or NotApplicable
        Without the line that counts most.
    switching : tuple of SwitchingValue
        For the quantity of each line, largest first, where a switch exists.
    equity : tuple of WeightedValue
        With incomes in the map: the net value at each usual elasticity.
    switching_elasticity : float or NotApplicable
    guards : tuple of GuardStatus
    findings : tuple of Finding
        Those of the account, and `monte_carlo_error_large`.
    """

    account: Account
    simulation: Simulation
    sroi: Sroi
    cost_benefit: CostBenefit
    mvpf: Mvpf | NotApplicable
    cost_per_outcome: Mapping[str, CostPerOutcome]
    public: PublicTold | NotApplicable
    uncertainty: Uncertainty
    public_uncertainty: Uncertainty
    headline: Headline | NotApplicable
    tornado: tuple[Bar, ...] | NotApplicable
    variants: tuple[AccountVariant, ...]
    largest: AccountVariant | NotApplicable
    switching: tuple[SwitchingValue, ...]
    equity: tuple[WeightedValue, ...]
    switching_elasticity: float | NotApplicable
    guards: tuple[GuardStatus, ...]
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON, the account included; draws do not travel."""
        kept = (
            "sroi", "cost_benefit", "mvpf", "public", "cost_per_outcome", "uncertainty",
            "public_uncertainty", "headline", "tornado", "variants", "largest", "switching",
            "equity", "switching_elasticity", "guards", "findings",
        )  # fmt: skip
        out = {name: jsonable(getattr(self, name)) for name in kept}
        return {"account": account_to_dict(self.account), **out}


def summarise(
    account: Account, *, draws: int = 20_000, seed: int = 20240101, level: float = 0.95
) -> ValueSummary:
    """Compute every read-out, the uncertainty and the sensitivity of an account.

    Parameters
    ----------
    account : Account
    draws, seed : int
    level : float

    Returns
    -------
    ValueSummary
    """
    simulation = simulate(account, draws=draws, seed=seed)
    perspective = account.value_map.settings.perspective
    uncertainty = uncertainty_of(simulation, perspective, level=level)
    findings = [*account.findings, *shares_made_uncertain(account)]
    if uncertainty.error_share > LARGEST_ERROR:
        findings.append(
            Finding.warning("monte_carlo_error_large", share=uncertainty.error_share, draws=draws)
        )
    return ValueSummary(
        account=account,
        simulation=simulation,
        sroi=account.sroi(),
        cost_benefit=cost_benefit(account),
        mvpf=account_mvpf(account, simulation, level=level),
        cost_per_outcome=_costs_by_outcome(account),
        public=public_reading(account, simulation, level=level),
        uncertainty=uncertainty,
        public_uncertainty=uncertainty_of(simulation, "public", level=level),
        headline=headline(account, uncertainty),
        tornado=tornado(account),
        variants=(
            *discount_variants(account),
            *displacement_variants(account),
            *source_variants(account),
            *scenario_variants(account),
        ),
        largest=without_largest_line(account),
        switching=_switches(account),
        equity=equity_values(account),
        switching_elasticity=switching_elasticity(account),
        guards=guard_statuses(account),
        findings=tuple(findings),
    )


def _costs_by_outcome(account: Account) -> dict[str, CostPerOutcome]:
    cost = float(account.inputs_present())
    out: dict[str, CostPerOutcome] = {}
    for line, value in zip(account.value_map.lines, account.lines, strict=True):
        own = value.quantity
        if line.included and own.loads and line.quantity.estimate is not None:
            out[line.quantity.estimate] = cost_of_kept(cost, value)
    return out


def _switches(account: Account) -> tuple[SwitchingValue, ...]:
    lines = sorted(
        (line for line in account.lines if line.included),
        key=lambda line: (-abs(line.present), line.line),
    )
    found = [switching_value(account, [line.line], "quantity") for line in lines]
    return tuple(s for s in found if isinstance(s, SwitchingValue))
