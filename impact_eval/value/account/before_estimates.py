"""A map held against what a study declares, before anything is estimated.

What a study file says of its outcomes (their names, units, directions, whether they are compared)
settles most of what is wrong with a map. The quantities that estimates will give are zero here:
no amount is told, and no guard that looks at amounts is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from impact_eval.core.findings import (
    Finding,
    ImpactEvalError,
    NotApplicable,
    Place,
    Severity,
)
from impact_eval.core.vocabulary import Unit
from impact_eval.value.account.bridges import check_bridges
from impact_eval.value.account.confrontation import (
    check_directions,
    with_directions,
    with_outcomes_named,
)
from impact_eval.value.account.doors import ValueMap, account_from_quantities
from impact_eval.value.account.guards import check_before_effects, check_lines
from impact_eval.value.account.line_demands import (
    at_line,
    net_faults,
    people_missing,
    people_of_line,
    unit_faults,
    unknown_outcome,
)
from impact_eval.value.account.quantity import LineQuantity, Quantities, declared_quantity
from impact_eval.value.account.quantity_error import Load
from impact_eval.value.account.study_facts import OutcomeFacts
from impact_eval.value.map.choices import QuantitySource
from impact_eval.value.map.declared import Line
from impact_eval.value.map.prices import ZERO, exact, total

# guards of years that an event study settles: its own years are not known yet
_OF_YEARS = frozenset({"guard_projected_far", "guard_never_fades"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedOutcome:
    """What a study declares of an outcome that it is going to estimate.

    Attributes
    ----------
    facts : OutcomeFacts
        Its names, unit and direction.
    compared : bool or None
        Whether its method compares with who was not helped; None when the method is not known.
    """

    facts: OutcomeFacts
    compared: bool | None


Awaited = Mapping[str, AwaitedOutcome]


def check_before_estimates(
    value_map: ValueMap, outcomes: Awaited, people: float | None = None
) -> tuple[Finding, ...]:
    """Return every fault and warning of a map that needs no estimate.

    Parameters
    ----------
    value_map : ValueMap
    outcomes : mapping of str to AwaitedOutcome
        What the study will estimate.
    people : float, optional
        People concerned, where neither the line nor the map says.

    Returns
    -------
    tuple of Finding
        With the sheet and the row of each line, for a map that was read in a workbook.
    """
    facts = {name: outcome.facts for name, outcome in outcomes.items()}
    value_map = with_outcomes_named(value_map, facts)
    found = [*check_directions(value_map, facts)]
    sided = with_directions(value_map, facts)
    for number, line in enumerate(sided.lines, start=1):
        found += [at_line(f, line, number) for f in _demands(line, sided, outcomes, people)]
    quantities = _awaited_quantities(sided, outcomes, people)
    found += [*check_lines(sided, quantities), *check_bridges(sided, quantities)]
    try:
        account = account_from_quantities(sided, quantities, tuple(outcomes))
    except ImpactEvalError as error:
        found += error.findings
    else:
        found += [f for f in check_before_effects(account) if not _of_an_event_study(f, sided)]
    placed = (_placed(finding, value_map) for finding in found)
    told = placed if value_map.origins is None else map(value_map.origins.located, placed)
    return tuple(finding for finding in told if finding.severity is not Severity.INFO)


def _demands(
    line: Line, value_map: ValueMap, outcomes: Awaited, people: float | None
) -> Iterator[Finding]:
    """Yield what a line asks that the study does not declare."""
    count = line.quantity
    if count.estimate is None:
        return
    if count.take_up is not None and count.take_up not in outcomes:
        yield unknown_outcome(line, count.take_up, outcomes, column="take_up")
    outcome = outcomes.get(count.estimate)
    if outcome is None:
        yield unknown_outcome(line, count.estimate, outcomes, column="estimate")
        return
    yield from unit_faults(line, outcome.facts.unit)
    if outcome.compared:
        yield from net_faults(line)
    if not people_of_line(line, value_map, people):
        yield people_missing(line)


def _awaited_quantities(value_map: ValueMap, outcomes: Awaited, people: float | None) -> Quantities:
    """Return the quantities of a map: those that are stated, and zero for those to come."""
    lines = tuple(
        declared_quantity(line)
        if line.quantity.estimate is None
        else _to_come(line, value_map, outcomes, people)
        for line in value_map.lines
    )
    return Quantities(
        lines=lines,
        effects=("",),
        values=np.zeros(1),
        covariance=np.zeros((1, 1)),
        df=(None,),
        bounds=(None,),
    )


def _to_come(
    line: Line, value_map: ValueMap, outcomes: Awaited, people: float | None
) -> LineQuantity:
    assert line.quantity.unit is not None
    outcome = outcomes.get(line.quantity.estimate or "")
    with exact():
        per_unit = Decimal(100) if line.quantity.unit is Unit.PERCENT else Decimal(1)
        weight = total(list(people_of_line(line, value_map, people).values())) / per_unit
    return LineQuantity(
        line=line.id,
        source=QuantitySource.ESTIMATE,
        counterfactual=outcome is None or outcome.compared is not False,
        unit=line.quantity.unit,
        value=ZERO,
        loads=(Load(effect=0, weight=weight),),
        deadweight=NotApplicable.because("deadweight_declared", line=line.id),
    )


def _of_an_event_study(finding: Finding, value_map: ValueMap) -> bool:
    if finding.code not in _OF_YEARS:
        return False
    return value_map.line(str(finding.values["line"])).quantity.term == "event"


def _placed(finding: Finding, value_map: ValueMap) -> Finding:
    """Return a finding of a line that says where the line stands."""
    name = finding.values.get("line")
    numbers = [n for n, line in enumerate(value_map.lines, start=1) if line.id == name]
    if finding.place is not None or not numbers:
        return finding
    return replace(finding, place=Place(key=f"lines[{numbers[0]}]", row=numbers[0]))
