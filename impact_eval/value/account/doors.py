"""The two nouns of the door: a map that gives its account, an account that keeps its map.

Each names the other, so they stand together, above all that their verbs call: the rooms below work
on `MapContent` and `Books`, which hold the same fields and know no verb.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal, DecimalException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    NotApplicable,
    Place,
)
from impact_eval.core.shown import Shown, one_line
from impact_eval.core.vocabulary import Unit
from impact_eval.value.account import books as read
from impact_eval.value.account.account_json import account_to_dict, books_from_dict
from impact_eval.value.account.account_table import value_map_table
from impact_eval.value.account.bridges import check_bridges
from impact_eval.value.account.confrontation import (
    check_declared,
    check_directions,
    with_directions,
    with_outcomes_named,
)
from impact_eval.value.account.flow_ledger import Balance, Flow, horizon_of
from impact_eval.value.account.guards import check_account, check_lines, set_aside
from impact_eval.value.account.line_flows import LineValue, input_flow, line_flows
from impact_eval.value.account.quantity import Quantities, quantities_of
from impact_eval.value.account.sroi import Sroi
from impact_eval.value.account.study_facts import NO_FACTS, Facts
from impact_eval.value.map.choices import Agent
from impact_eval.value.map.declared import Line, MapContent, changed_line
from impact_eval.value.map.map_files import (
    digest_of,
    read_value_map,
    tables_of_value_map,
    value_map_of_tables,
    write_value_map,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueMap(MapContent):
    """What an effect is worth, to whom, paid by whom, when.

    Read it with `ValueMap.read`, compute it with `account`.

    Attributes
    ----------
    settings : Settings
    inputs, outputs, lines, not_monetised, correlations, overrides, dropped, incomes, cases : tuples

    Examples
    --------
    >>> ValueMap.read("carte.toml").account(estimates)  # doctest: +SKIP
    """

    @classmethod
    def read(cls, path: str | Path) -> ValueMap:
        """Read a value map from TOML or from an Excel workbook: all faults at once.

        Parameters
        ----------
        path : str or Path
            `.toml` or `.xlsx`; headings in French or English.

        Raises
        ------
        ImpactEvalError
            `value_map_not_found`, `value_map_not_readable`, `unknown_column`, `missing_cell`,
            `share_out_of_range`, `unknown_choice`, `currency_mix`…
        """
        return read_value_map(Path(path), cls)

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> ValueMap:
        """Read back what `to_dict` wrote, or a TOML document already parsed."""
        return value_map_of_tables(data, cls)

    def to_dict(self) -> dict[str, object]:
        """Return the map as JSON: numbers are exact texts, and what is not stated is absent."""
        return tables_of_value_map(self)

    def write(self, path: str | Path, language: str = "fr") -> None:
        """Write the map as TOML, or as an Excel workbook with the headings people know."""
        write_value_map(self, Path(path), language)

    def account(
        self,
        estimates: Mapping[str, Estimate] | None = None,
        *,
        people: float | None = None,
        units: Mapping[str, Unit] | None = None,
        take_up: Mapping[str, Estimate] | None = None,
        facts: Facts = NO_FACTS,
    ) -> Account:
        """Compute the balanced account of this map, its quantities taken from the estimates.

        Parameters
        ----------
        estimates : mapping of str to Estimate
            Outcome to result.
        people : float, optional
            People concerned, where neither the line nor the map says.
        units : mapping of str to Unit, optional
            Unit of each outcome; a line of another unit is refused.
        take_up : mapping of str to Estimate, optional
            Estimates of participation, for effects measured on all those invited.
        facts : mapping of str to OutcomeFacts, optional
            What the study knows of each outcome: direction, people, labels, means. The map is held
            against it.

        Raises
        ------
        ImpactEvalError
            Every fault of the lines and the quantities, and the guards that refuse.
        """
        both = {**(estimates or {}), **(take_up or {})}
        try:
            return _account_of(self, both, people=people, units=units or {}, facts=facts)
        except ImpactEvalError as error:
            if self.origins is None:
                raise
            raise ImpactEvalError(list(map(self.origins.located, error.findings))) from None

    @property
    def digest(self) -> str:
        """SHA-256 of the map's content."""
        return digest_of(self)

    def line(self, name: str) -> Line:
        """Return the line of this id."""
        return next(line for line in self.lines if line.id == name)

    def with_line(self, name: str, **changes: object) -> ValueMap:
        """Return a copy in which some fields of a line have changed."""
        lines = tuple(
            changed_line(line, changes) if line.id == name else line for line in self.lines
        )
        return replace(self, lines=lines)

    def with_settings(self, **changes: object) -> ValueMap:
        """Return a copy in which some settings have changed."""
        return replace(self, settings=replace(self.settings, **changes))  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, repr=False)
class Account(Shown, read.Books):
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

    def _line(self) -> str:
        net = f"{self.balance.social:.0f} {self.value_map.settings.currency}"
        found = len(self.findings) or None
        return one_line("Account", lines=len(self.lines), net=net, findings=found)

    @property
    def counted(self) -> tuple[Flow, ...]:
        """The flows that count: those of lines left out do not."""
        return read.counted_flows(self)

    @property
    def horizon(self) -> int:
        """The last year with a flow."""
        return horizon_of(self.counted)

    @property
    def vintage(self) -> str:
        """Hash of the catalogue of values and of this map: two equal hashes, equal prices."""
        return read.vintage_of(self)

    @property
    def balance(self) -> Balance:
        """The identities of the ledger, in present value."""
        return read.balance_of_books(self)

    def matrix(self, *, present: bool = True) -> dict[tuple[Agent, int], Decimal]:
        """Return the account of each agent by year."""
        return read.matrix_of_books(self, present=present)

    def total_of(self, agents: Iterable[Agent]) -> Decimal:
        """Return the present value of the accounts of some agents together."""
        return read.total_of(self, agents)

    @property
    def perspectives(self) -> dict[str, Decimal]:
        """Present value by perspective: society, public bodies together, and every agent."""
        return read.perspectives_of(self)

    @property
    def refusal(self) -> NotApplicable | None:
        """Why no ratio may be given, if a guard refuses it."""
        return read.refusal_of(self)

    def sroi(self, perspective: str | None = None) -> Sroi:
        """Return the SROI read-out from a perspective (that of the map by default)."""
        return read.sroi_of(self, perspective)

    def inputs_present(self, agents: frozenset[Agent] | None = None) -> Decimal:
        """Return the present value of the inputs paid by some agents (all by default)."""
        return read.inputs_present(self, agents)

    @property
    def avoided(self) -> tuple[read.Avoided, ...]:
        """Avoided costs in three columns, by line and payer."""
        return read.avoided_of(self)

    @property
    def projected_share(self) -> Decimal | NotApplicable:
        """Share of the absolute present value that lies beyond the years observed."""
        return read.projected_share(self)

    def tidy(self) -> pd.DataFrame:
        """Return one row by line: quantity, unit value, what is kept, impact, present value."""
        return value_map_table(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the account as JSON: exact amounts as text."""
        return account_to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Account:
        """Read back exactly what `to_dict` wrote."""
        books = books_from_dict(data)
        return cls(**{**_parts(books), "value_map": ValueMap(**_parts(books.value_map))})


def _parts(record: read.Books | MapContent) -> dict[str, Any]:
    return {part.name: getattr(record, part.name) for part in fields(record)}


def _account_of(
    value_map: ValueMap,
    estimates: Mapping[str, Estimate],
    *,
    people: float | None = None,
    units: Mapping[str, Unit] | None = None,
    facts: Facts = NO_FACTS,
) -> Account:
    """Compute the account of a map; see `ValueMap.account`."""
    faults = FindingCollector()
    value_map = with_outcomes_named(value_map, facts)
    faults.add(*check_directions(value_map, facts))
    faults.raise_if_errors()
    typed = check_declared(value_map, estimates, facts, people)
    faults.add(*set_aside(typed, value_map.overrides))
    value_map = with_directions(value_map, facts)
    quantities = quantities_of(value_map, estimates, people=people, units=units, facts=facts)
    faults.add(*check_lines(value_map, quantities), *check_bridges(value_map, quantities))
    faults.raise_if_errors()
    account = account_from_quantities(value_map, quantities, tuple(estimates))
    said = (*value_map.noticed, *faults.findings, *check_account(account, people))
    return replace(account, findings=said)


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
        except DecimalException:
            faults.add(_too_large(item.id, f"inputs[{number}]", number))
    for number, line in enumerate(value_map.lines, start=1):
        try:
            made, value = line_flows(line, value_map, quantities.of(line.id))
        except ImpactEvalError as error:
            faults.add(*_placed(error, f"lines[{number}]", number))
            continue
        except DecimalException:
            faults.add(_too_large(line.id, f"lines[{number}]", number))
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


def _too_large(name: str, key: str, row: int) -> Finding:
    return Finding.error("amount_too_large", Place(key=key, row=row), line=name)


def _placed(error: ImpactEvalError, key: str, row: int) -> list[Finding]:
    place = Place(key=key, row=row)
    return [Finding(f.code, f.severity, f.values, place) for f in error.findings]
