"""The books of a value map: its quantities, lines and flows, and every sum read from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable
from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.value.account.flow_ledger import Balance, Flow, balance_of_flows, matrix_of
from impact_eval.value.account.line_flows import LineValue
from impact_eval.value.account.quantity import Quantities
from impact_eval.value.account.sroi import Sroi, sroi
from impact_eval.value.map.choices import PUBLIC_AGENTS, Agent, FlowKind, Perspective
from impact_eval.value.map.declared import MapContent
from impact_eval.value.map.map_files import digest_of
from impact_eval.value.map.parameters import catalogue
from impact_eval.value.map.prices import ZERO, exact, total


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
class Books:
    """What a map comes to; `Account` adds the verbs, above.

    Attributes
    ----------
    value_map : MapContent
    quantities : Quantities
    lines : tuple of LineValue
    flows : tuple of Flow
        Inputs and outcomes, those left out included (`included` False).
    findings : tuple of Finding
        What the guards say.
    tested : tuple of str
        Outcomes that were estimated, valued or not.
    """

    value_map: MapContent
    quantities: Quantities
    lines: tuple[LineValue, ...]
    flows: tuple[Flow, ...]
    findings: tuple[Finding, ...] = ()
    tested: tuple[str, ...] = ()


def counted_flows(books: Books) -> tuple[Flow, ...]:
    """Return the flows that count: those of lines left out do not."""
    return tuple(flow for flow in books.flows if flow.included)


def vintage_of(books: Books) -> str:
    """Return the hash of the catalogue of values and of the map."""
    return sha256(canonical_json([catalogue().vintage, digest_of(books.value_map)]))


def balance_of_books(books: Books) -> Balance:
    """Return the identities of the ledger, in present value."""
    return balance_of_flows(counted_flows(books), _present)


def matrix_of_books(books: Books, *, present: bool = True) -> dict[tuple[Agent, int], Decimal]:
    """Return the account of each agent by year."""
    return matrix_of(counted_flows(books), _present if present else _amount)


def total_of(books: Books, agents: Iterable[Agent]) -> Decimal:
    """Return the present value of the accounts of some agents together."""
    wanted = set(agents)
    return total(v for (agent, _), v in matrix_of_books(books).items() if agent in wanted)


def perspectives_of(books: Books) -> dict[str, Decimal]:
    """Return the present value for society, for public bodies together, and for every agent."""
    cells = matrix_of_books(books)
    out = {
        Perspective.SOCIETY.value: total(list(cells.values())),
        Perspective.PUBLIC.value: total_of(books, PUBLIC_AGENTS),
    }
    for agent in Agent:
        values = [v for (who, _), v in cells.items() if who is agent]
        if values:
            out[agent.value] = total(values)
    return out


def refusal_of(books: Books) -> NotApplicable | None:
    """Return why no ratio may be given, if a guard refuses it."""
    # two lines that fire one guard are one reason
    codes = dict.fromkeys(f.code for f in books.findings if f.values.get("blocks"))
    return NotApplicable.because("ratio_refused", guards=[*codes]) if codes else None


def sroi_of(books: Books, perspective: str | None = None) -> Sroi:
    """Return the SROI read-out from a perspective (that of the map by default)."""
    agents = agents_of(perspective or books.value_map.settings.perspective)
    outcomes = [f for f in counted_flows(books) if not f.is_input]
    by_year: dict[int, Decimal] = {}
    present: dict[int, Decimal] = {}
    by_line: dict[str, Decimal] = {}
    with exact():
        for flow in (*outcomes, *_received_inputs(books, agents)):
            sign = _sign(flow, agents)
            by_year[flow.year] = by_year.get(flow.year, ZERO) + sign * flow.amount
            present[flow.year] = present.get(flow.year, ZERO) + sign * flow.present
            by_line[flow.line] = by_line.get(flow.line, ZERO) + sign * flow.present
    return sroi(
        by_year=by_year,
        present_by_year=present,
        by_line=by_line,
        costs=inputs_present(books, agents),
        refusal=refusal_of(books),
    )


def inputs_present(books: Books, agents: frozenset[Agent] | None = None) -> Decimal:
    """Return the present value of the inputs paid by some agents (all by default)."""
    return total(
        flow.present
        for flow in counted_flows(books)
        if flow.is_input and (agents is None or flow.payer in agents)
    )


def _received_inputs(books: Books, agents: frozenset[Agent] | None) -> tuple[Flow, ...]:
    """Return the inputs that are transfers, seen from the one who receives them."""
    return tuple(
        replace(flow, payer=None, kind=FlowKind.RESOURCE_GAIN)
        for flow in counted_flows(books)
        if flow.is_input and flow.kind is FlowKind.TRANSFER
        and (agents is None or flow.receiver in agents)
    )  # fmt: skip


def avoided_of(books: Books) -> tuple[Avoided, ...]:
    """Return avoided costs in three columns, by line and payer."""
    rows: dict[tuple[str, Agent], list[Decimal]] = {}
    with exact():
        for flow in counted_flows(books):
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


def projected_share(books: Books) -> Decimal | NotApplicable:
    """Return the share of the absolute present value that lies beyond the years observed."""
    lines = [line for line in books.lines if line.included]
    whole = total(abs(line.present) for line in lines)
    if whole == 0:
        return NotApplicable.because("no_value")
    with exact():
        return 1 - total(abs(line.observed) for line in lines) / whole


def agents_of(perspective: str) -> frozenset[Agent] | None:
    """Return the agents whose account a perspective reads; None is society as a whole."""
    if perspective == Perspective.SOCIETY:
        return None
    if perspective == Perspective.PUBLIC:
        return PUBLIC_AGENTS
    known = [*Perspective, *Agent]
    if perspective not in known:
        raise ImpactEvalError(
            Finding.error(
                "perspective_unknown", found=str(perspective), known=[str(one) for one in known]
            )
        )
    return frozenset({Agent(perspective)})


def _sign(flow: Flow, agents: frozenset[Agent] | None) -> int:
    if agents is None:
        return flow.social
    return (flow.receiver in agents) - (flow.payer in agents)


def _present(flow: Flow) -> Decimal:
    return flow.present


def _amount(flow: Flow) -> Decimal:
    return flow.amount
