"""The account of a value map: its flows, its balance, and the read-outs made from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from impact_eval.core.findings import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    NotApplicable,
    Place,
)
from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.value.account.flow_ledger import Balance, Flow, balance_of, horizon_of, matrix_of
from impact_eval.value.account.line_flows import LineValue, input_flow, line_flows
from impact_eval.value.account.quantity import Quantities, quantities_of
from impact_eval.value.account.sroi import Sroi, sroi
from impact_eval.value.map.choices import (
    PUBLIC_AGENTS,
    Agent,
    FlowKind,
    Perspective,
)
from impact_eval.value.map.declared import ValueMap
from impact_eval.value.map.parameters import catalogue
from impact_eval.value.map.prices import ZERO, exact, total

if TYPE_CHECKING:
    import pandas as pd

    from impact_eval.core.estimate import Estimate
    from impact_eval.core.vocabulary import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Avoided:
    """An avoided cost in three columns, as present values, and who would have paid.

    Attributes
    ----------
    line : str
    payer : Agent
    social : Decimal
        Resources that society keeps; zero for a transfer.
    cashable : Decimal
        What the payer's budget really recovers.
    released : Decimal
        Capacity freed and used again: worth something, and no saving.
    """

    line: str
    payer: Agent
    social: Decimal
    cashable: Decimal
    released: Decimal


@dataclass(frozen=True, kw_only=True)
class Account:
    """A ledger that balances, and what can be read from it.

    Attributes
    ----------
    value_map : ValueMap
    quantities : Quantities
    lines : tuple of LineValue
    flows : tuple of Flow
        Inputs and outcomes, those left out included (`included` False).
    findings : tuple of Finding
        What the guards say.
    tested : tuple of str
        Outcomes that were estimated, valued or not.
    """

    value_map: ValueMap
    quantities: Quantities
    lines: tuple[LineValue, ...]
    flows: tuple[Flow, ...]
    findings: tuple[Finding, ...] = ()
    tested: tuple[str, ...] = ()

    @property
    def counted(self) -> tuple[Flow, ...]:
        """The flows that count: those of lines left out do not."""
        return tuple(flow for flow in self.flows if flow.included)

    @property
    def horizon(self) -> int:
        """The last year with a flow."""
        return horizon_of(self.counted)

    @property
    def vintage(self) -> str:
        """Hash of the catalogue of values and of this map: two equal hashes, equal prices."""
        return sha256(canonical_json([catalogue().vintage, self.value_map.digest]))

    @property
    def balance(self) -> Balance:
        """The identities of the ledger, in present value."""
        return balance_of(self.counted, _present)

    def matrix(self, *, present: bool = True) -> dict[tuple[Agent, int], Decimal]:
        """Return the account of each agent by year."""
        return matrix_of(self.counted, _present if present else _amount)

    def total_of(self, agents: Iterable[Agent]) -> Decimal:
        """Return the present value of the accounts of some agents together."""
        wanted = set(agents)
        return total(v for (agent, _), v in self.matrix().items() if agent in wanted)

    @property
    def perspectives(self) -> dict[str, Decimal]:
        """Present value by perspective: society, public bodies together, and every agent."""
        cells = self.matrix()
        out = {
            Perspective.SOCIETY.value: total(list(cells.values())),
            Perspective.PUBLIC.value: self.total_of(PUBLIC_AGENTS),
        }
        for agent in Agent:
            values = [v for (who, _), v in cells.items() if who is agent]
            if values:
                out[agent.value] = total(values)
        return out

    @property
    def refusal(self) -> NotApplicable | None:
        """Why no ratio may be given, if a guard refuses it."""
        codes = [f.code for f in self.findings if f.values.get("blocks")]
        return NotApplicable.because("ratio_refused", guards=codes) if codes else None

    def sroi(self, perspective: str | None = None) -> Sroi:
        """Return the SROI read-out from a perspective (that of the map by default)."""
        agents = agents_of(perspective or self.value_map.settings.perspective)
        outcomes = [f for f in self.counted if not f.is_input]
        by_year: dict[int, Decimal] = {}
        present: dict[int, Decimal] = {}
        by_line: dict[str, Decimal] = {}
        with exact():
            for flow in (*outcomes, *self._received_inputs(agents)):
                sign = _sign(flow, agents)
                by_year[flow.year] = by_year.get(flow.year, ZERO) + sign * flow.amount
                present[flow.year] = present.get(flow.year, ZERO) + sign * flow.present
                by_line[flow.line] = by_line.get(flow.line, ZERO) + sign * flow.present
        return sroi(
            by_year=by_year,
            present_by_year=present,
            by_line=by_line,
            costs=self.inputs_present(agents),
            refusal=self.refusal,
        )

    def inputs_present(self, agents: frozenset[Agent] | None = None) -> Decimal:
        """Return the present value of the inputs paid by some agents (all by default)."""
        return total(
            flow.present
            for flow in self.counted
            if flow.is_input and (agents is None or flow.payer in agents)
        )

    def _received_inputs(self, agents: frozenset[Agent] | None) -> tuple[Flow, ...]:
        """Return the inputs that are transfers, seen from the one who receives them."""
        return tuple(
            replace(flow, payer=None, kind=FlowKind.RESOURCE_GAIN)
            for flow in self.counted
            if flow.is_input and flow.kind is FlowKind.TRANSFER
            and (agents is None or flow.receiver in agents)
        )  # fmt: skip

    @property
    def avoided(self) -> tuple[Avoided, ...]:
        """Avoided costs in three columns, by line and payer."""
        rows: dict[tuple[str, Agent], list[Decimal]] = {}
        with exact():
            for flow in self.counted:
                if not flow.avoided or flow.cashable is None:
                    continue
                moved = flow.kind is FlowKind.TRANSFER
                payer = flow.payer if moved else flow.receiver
                assert payer is not None
                gross = -flow.present if moved else flow.present
                row = rows.setdefault((flow.line, payer), [ZERO, ZERO, ZERO])
                row[0] += ZERO if moved else gross
                row[1] += flow.cashable
                row[2] += gross - flow.cashable
        return tuple(
            Avoided(line=line, payer=payer, social=s, cashable=c, released=r)
            for (line, payer), (s, c, r) in rows.items()
        )

    @property
    def projected_share(self) -> Decimal | NotApplicable:
        """Share of the absolute present value that lies beyond the years observed."""
        lines = [line for line in self.lines if line.included]
        whole = total(abs(line.present) for line in lines)
        if whole == 0:
            return NotApplicable.because("no_value")
        with exact():
            return 1 - total(abs(line.observed) for line in lines) / whole

    def tidy(self) -> pd.DataFrame:
        """Return one row by line: quantity, unit value, what is kept, impact, present value."""
        from impact_eval.value.account.account_table import value_map_table

        return value_map_table(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the account as JSON: exact amounts as text."""
        from impact_eval.value.account.account_json import account_to_dict

        return account_to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Account:
        """Read back exactly what `to_dict` wrote."""
        from impact_eval.value.account.account_json import account_from_dict

        return account_from_dict(data)


def agents_of(perspective: str) -> frozenset[Agent] | None:
    """Return the agents whose account a perspective reads; None is society as a whole."""
    if perspective == Perspective.SOCIETY:
        return None
    if perspective == Perspective.PUBLIC:
        return PUBLIC_AGENTS
    return frozenset({Agent(perspective)})


def _sign(flow: Flow, agents: frozenset[Agent] | None) -> int:
    if agents is None:
        return flow.social
    return (flow.receiver in agents) - (flow.payer in agents)


def _present(flow: Flow) -> Decimal:
    return flow.present


def _amount(flow: Flow) -> Decimal:
    return flow.amount


def account_of(
    value_map: ValueMap,
    estimates: Mapping[str, Estimate],
    *,
    people: float | None = None,
    units: Mapping[str, Unit] | None = None,
) -> Account:
    """Compute the account of a map; see `ValueMap.account`."""
    from impact_eval.value.account.guards import check_account, check_lines

    quantities = quantities_of(value_map, estimates, people=people, units=units)
    faults = FindingCollector()
    faults.add(*check_lines(value_map, quantities))
    faults.raise_if_errors()
    account = account_from_quantities(value_map, quantities, tuple(estimates))
    return replace(account, findings=(*faults.findings, *check_account(account)))


def account_from_quantities(
    value_map: ValueMap, quantities: Quantities, tested: tuple[str, ...] = ()
) -> Account:
    """Compute lines and flows from quantities already known; no guard is run.

    Raises
    ------
    ImpactEvalError
        `price_year_unknown`, `unknown_index`; `account_unbalanced` if the ledger does not close.
    """
    faults = FindingCollector()
    flows: list[Flow] = []
    lines: list[LineValue] = []
    for number, item in enumerate(value_map.inputs, start=1):
        try:
            flows.append(input_flow(item, value_map))
        except ImpactEvalError as error:
            faults.add(*_placed(error, f"inputs[{number}]", number))
    for number, line in enumerate(value_map.lines, start=1):
        try:
            made, value = line_flows(line, value_map, quantities.of(line.id))
        except ImpactEvalError as error:
            faults.add(*_placed(error, f"lines[{number}]", number))
            continue
        flows += made
        lines.append(value)
    faults.raise_if_errors()
    account = Account(
        value_map=value_map,
        quantities=quantities,
        lines=tuple(lines),
        flows=tuple(flows),
        tested=tested,
    )
    if not account.balance.closes:
        raise ImpactEvalError(Finding.error("account_unbalanced", found=str(account.balance)))
    return account


def _placed(error: ImpactEvalError, key: str, row: int) -> list[Finding]:
    place = Place(key=key, row=row)
    return [Finding(f.code, f.severity, f.values, place) for f in error.findings]
