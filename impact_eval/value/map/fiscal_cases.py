"""What a job changes for each payer, from statute: shipped cases, or computed with OpenFisca.

OpenFisca-France is an optional engine (`pip install impact_eval[fiscal]`), never loaded unless
`compute_case` is called. Without it the shipped cases answer, with their date.
"""

from __future__ import annotations

import datetime
import importlib
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place
from impact_eval.value.map.choices import Agent, LineKind, Mark
from impact_eval.value.map.declared import DeclaredCase, UnitFlow
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.parameters import FiscalCase, catalogue, fill_from_case
from impact_eval.value.map.prices import ZERO, exact, total

_CENT = Decimal("0.01")
_CONTRIBUTIONS = (
    "cotisations_salariales",
    "csg_deductible_salaire",
    "csg_imposable_salaire",
    "crds_salaire",
    "crds_logement",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseHousehold:
    """A household whose rights are computed: one adult, children or not, tenant.

    Attributes
    ----------
    gross_wage : Decimal
        Euros by month, the same for two years (steady state).
    children : int
    rent : Decimal
        Euros by month.
    commune : str
        INSEE code, as text.
    birth : str
        ISO date of the adult.
    """

    gross_wage: Decimal
    children: int = 0
    rent: Decimal = Decimal(450)
    commune: str = "62041"
    birth: str = "1990-01-01"


def case_accounts(case: FiscalCase) -> Mapping[Agent, Decimal]:
    """Return each agent's account of one month of a case; they add up to the value produced.

    Examples
    --------
    >>> accounts = case_accounts(catalogue().case("rsa_single_to_full_smic"))
    >>> str(accounts[Agent.BENEFICIARY]), str(sum(accounts.values()))
    ('821.51', '1801.80')
    """
    accounts: dict[Agent, Decimal] = {}
    with exact():
        for flow in case.flows:
            amount = flow.amount.value
            if flow.kind is LineKind.AVOIDED_TRANSFER:
                amount = -amount
            for agent, side in ((flow.receiver, 1), (flow.payer, -1)):
                if agent is not None:
                    accounts[agent] = accounts.get(agent, ZERO) + side * amount
    return MappingProxyType(accounts)


def paid_by(case: FiscalCase, flow: str, payer: Agent) -> FiscalCase:
    """Return a case with another payer of a benefit: the State, where it took the RSA back."""
    flows = tuple(replace(f, payer=payer) if f.name == flow else f for f in case.flows)
    return replace(case, flows=flows)


def mixed_case(
    cases: Sequence[FiscalCase], weights: Sequence[Decimal], *, name: str = "mixed"
) -> FiscalCase:
    """Return the average of several cases, weighted by the actual caseload.

    Parameters
    ----------
    cases : sequence of FiscalCase
        Of one price year.
    weights : sequence of Decimal
        Positive; they need not add up to one.

    Raises
    ------
    ImpactEvalError
        `case_price_years_differ`, `weights_not_positive`.
    """
    faults = FindingCollector()
    years = sorted({case.price_year for case in cases})
    if len(years) != 1:
        faults.add(Finding.error("case_price_years_differ", years=years))
    whole = total(list(weights))
    if len(weights) != len(cases) or whole <= 0 or any(w < 0 for w in weights):
        faults.add(Finding.error("weights_not_positive", n=len(cases), found=len(weights)))
    faults.raise_if_errors()
    flows: dict[tuple[Any, ...], Decimal] = {}
    with exact():
        for case, weight in zip(cases, weights, strict=True):
            for flow in case.flows:
                key = (flow.name, flow.kind, flow.payer, flow.receiver)
                flows[key] = flows.get(key, ZERO) + flow.amount.value * weight / whole
    made = tuple(
        UnitFlow(name=key[0], kind=key[1], payer=key[2], receiver=key[3], amount=Amount(value=v))
        for key, v in flows.items()
    )
    return replace(cases[0], id=name, flows=made, population="mix", mark=Mark.DERIVED)


def complete_with_case(
    cells: dict[str, Any], rows: Sequence[Mapping[str, Any]], place: Place
) -> Iterable[Finding]:
    """Fill a line's bundle from the map's own case that it names, if it names one.

    A line that has its flows already, as one read back from results, computes nothing again.
    Returns the faults: `engine_missing`, `month_not_readable`, `unknown_case`,
    `case_without_change`, `rsa_not_in_case`.
    """
    own = [row for row in rows if row.get("id") and row["id"] == cells.get("case")]
    if not own or cells.get("bundle") or None in own[0].values():  # a cell at fault is told already
        return []
    try:
        fill_from_case(cells, case_of(DeclaredCase(**own[0])))
    except ImpactEvalError as error:
        return [Finding(f.code, f.severity, f.values, place) for f in error.findings]
    return []


def case_of(own: DeclaredCase) -> FiscalCase:
    """Return the case that a map declares: mixed from the catalogue, or computed from statute."""
    month, before, after = own.month, own.wage_before, own.wage_after
    computed = month is not None and before is not None and after is not None
    if computed == bool(own.mix):
        raise ImpactEvalError(Finding.error("case_without_change", name=own.id))
    if month is not None and before is not None and after is not None:
        home = CaseHousehold(
            gross_wage=before, children=own.children, rent=own.rent, commune=own.commune
        )
        case = compute_case(home, replace(home, gross_wage=after), month=month, name=own.id)
    else:
        cases = [catalogue().case(name) for name in own.mix]
        case = mixed_case(cases, list(own.mix.values()), name=own.id)
    if own.rsa_payer is None:
        return case
    if all(flow.name != "rsa" for flow in case.flows):
        raise ImpactEvalError(Finding.error("rsa_not_in_case", name=own.id))
    return paid_by(case, "rsa", own.rsa_payer)


def engine_available() -> bool:
    """Return whether the optional engine is installed, without loading it."""
    return importlib.util.find_spec("openfisca_france") is not None


def compute_case(
    before: CaseHousehold, after: CaseHousehold, *, month: str, name: str = "computed"
) -> FiscalCase:
    """Compute what a change of situation moves by month, by payer, from statute.

    Parameters
    ----------
    before, after : CaseHousehold
    month : str
        `2025-06`. Both situations hold since January of the year before.
    name : str

    Returns
    -------
    FiscalCase
        Wage, contributions, RSA, in-work benefit and housing aid; employer contributions left out.

    Raises
    ------
    ImpactEvalError
        `engine_missing`, `month_not_readable`.

    Assumptions
    -----------
    Steady state; full take-up of every right; housing aid gross of its CRDS, which is counted with
    contributions.
    """
    if not engine_available():
        raise ImpactEvalError(
            Finding.error("engine_missing", name="openfisca-france", known=tuple(catalogue().cases))
        )
    year, _, digits = month.partition("-")
    if not (year.isdigit() and digits.isdigit() and 1 <= int(digits) <= 12):
        raise ImpactEvalError(Finding.error("month_not_readable", found=month))
    system = importlib.import_module("openfisca_france").FranceTaxBenefitSystem()
    first = _rights(system, before, month)
    second = _rights(system, after, month)
    change = {key: second[key] - first[key] for key in first}
    flows = (
        _flow("gross_wage", LineKind.RESOURCE_GAIN, None, Agent.BENEFICIARY,
              after.gross_wage - before.gross_wage),
        _flow("contributions", LineKind.TRANSFER, Agent.BENEFICIARY, Agent.SOCIAL_SECURITY,
              -total(change[key] for key in _CONTRIBUTIONS)),
        _flow("rsa", LineKind.AVOIDED_TRANSFER, Agent.DEPARTEMENT, Agent.BENEFICIARY,
              -change["rsa"]),
        _flow("in_work_benefit", LineKind.TRANSFER, Agent.STATE, Agent.BENEFICIARY,
              change["ppa"]),
        _flow("housing_aid", LineKind.TRANSFER, Agent.STATE, Agent.BENEFICIARY,
              change["aide_logement"]),
    )  # fmt: skip
    from importlib.metadata import version

    return FiscalCase(
        id=name,
        label=MappingProxyType({"fr": name, "en": name}),
        flows=flows,
        price_year=int(year),
        month=month,
        computed_on=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        origin=f"OpenFisca-France {version('openfisca-france')}",
        population=f"tenant, rent {after.rent} €, commune {after.commune}, steady state",
        mark=Mark.COMPUTED,
        expires=f"{int(year) + 1}-12-31",
    )


def _flow(
    name: str, kind: LineKind, payer: Agent | None, receiver: Agent | None, amount: Decimal
) -> UnitFlow:
    return UnitFlow(
        name=name, kind=kind, payer=payer, receiver=receiver, amount=Amount(value=amount)
    )


def _rights(system: Any, household: CaseHousehold, month: str) -> dict[str, Decimal]:
    builder = importlib.import_module("openfisca_core.simulation_builder").SimulationBuilder()
    simulation = builder.build_from_entities(system, situation_of(household, int(month[:4])))
    names = ("rsa", "ppa", "aide_logement", *_CONTRIBUTIONS)
    return {
        name: Decimal(repr(round(float(simulation.calculate(name, month).sum()), 2))).quantize(
            _CENT
        )
        for name in names
    }


def situation_of(household: CaseHousehold, year: int) -> dict[str, Any]:
    """Return the household as the engine reads it: monthly amounts over two years."""
    months = [f"{y}-{m:02d}" for y in (year - 1, year) for m in range(1, 13)]
    people: dict[str, Any] = {
        "adult": {
            "date_naissance": {"ETERNITY": household.birth},
            "salaire_de_base": dict.fromkeys(months, float(household.gross_wage)),
        }
    }
    children = [f"child_{i}" for i in range(household.children)]
    for child in children:
        people[child] = {"date_naissance": {"ETERNITY": f"{year - 8}-01-01"}}
    home = {
        "personne_de_reference": ["adult"],
        "enfants": children,
        "loyer": dict.fromkeys(months, float(household.rent)),
        "statut_occupation_logement": dict.fromkeys(months, "locataire_vide"),
        "depcom": dict.fromkeys(months, household.commune),
    }
    return {
        "individus": people,
        "menages": {"home": home},
        "familles": {"family": {"parents": ["adult"], "enfants": children}},
        "foyers_fiscaux": {"tax": {"declarants": ["adult"], "personnes_a_charge": children}},
    }
