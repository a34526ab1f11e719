"""What each account pays and gains in all, exactly: what the report prints, and the workbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from impact_eval.value.account.flow_ledger import Flow
from impact_eval.value.map.choices import Agent
from impact_eval.value.map.prices import ZERO, exact, total
from impact_eval.value.readouts.told import SOCIAL, MatrixRow, MatrixTold


@dataclass(frozen=True, slots=True)
class PartyTotal:
    """What one account pays and gains, as present values."""

    agent: Agent
    pays: Decimal
    gains: Decimal


def party_totals(flows: Sequence[Flow]) -> tuple[PartyTotal, ...]:
    """Return what each account pays and gains, the largest payer first.

    Parameters
    ----------
    flows : sequence of Flow
        Those that count.
    """
    pays: dict[Agent, Decimal] = {}
    gains: dict[Agent, Decimal] = {}
    with exact():
        for flow in flows:
            for agent in (flow.payer, flow.receiver):
                if agent is None:
                    continue
                amount = flow.for_agent(agent) * flow.present
                side = gains if amount > 0 else pays
                side[agent] = side.get(agent, ZERO) + abs(amount)
    return ranked_parties(pays, gains)


def ranked_parties(
    pays: Mapping[Agent, Decimal], gains: Mapping[Agent, Decimal]
) -> tuple[PartyTotal, ...]:
    """Return what each account pays and gains, the largest payer first."""

    def size(agent: Agent) -> tuple[Decimal, Decimal, str]:
        return -pays.get(agent, ZERO), -gains.get(agent, ZERO), agent.value

    return tuple(
        PartyTotal(agent, pays.get(agent, ZERO), gains.get(agent, ZERO))
        for agent in sorted({*pays, *gains}, key=size)
    )


def matrix_told(cells: Mapping[tuple[Agent, int], Decimal]) -> MatrixTold:
    """Return the account of each agent by year; the last row is what society gains."""
    agents = [agent for agent in Agent if any(who is agent for who, _ in cells)]
    years = tuple(sorted({year for _, year in cells}))
    rows = {agent.value: [cells.get((agent, year), ZERO) for year in years] for agent in agents}
    rows[SOCIAL] = [total(rows[a.value][k] for a in agents) for k in range(len(years))]
    return MatrixTold(
        years=years,
        rows=tuple(
            MatrixRow(name=name, amounts=tuple(float(v) for v in (*values, total(values))))
            for name, values in rows.items()
        ),
    )
