"""What a value map must satisfy before anything is computed: every fault, at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from impact_eval.core.findings import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    Place,
    nearest,
)
from impact_eval.value.map.choices import PEOPLE, Agent, InputKind, LineKind
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.discounting import LARGEST_RATE, unusual_rates
from impact_eval.value.map.laws import fit
from impact_eval.value.map.parameters import catalogue
from impact_eval.value.map.typed_numbers import is_bare_number

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
_TWO_ENDS = frozenset({LineKind.TRANSFER, LineKind.AVOIDED_TRANSFER})
# Lengths written bare that are asked about: a year and its multiples, or what nobody has followed.
_MONTHS, _HALF_YEAR = 12, 6
_SHORT_FOLLOW_UP, LONGEST_BARE, _VERY_LONG = 2, 5, 10
_GAINS = frozenset({LineKind.RESOURCE_GAIN, LineKind.NON_MARKET})
_PAID = frozenset({LineKind.RESOURCE_COST, LineKind.AVOIDED_COST})


def check_value_map(
    settings: Mapping[str, Any], rows: Rows, file: str | None, faults: FindingCollector
) -> None:
    """Add every fault of a map whose cells were read.

    Codes: `duplicate_id`, `currency_mix`, `missing_price_year`, `missing_currency`, `no_proxy`,
    `two_prices`, `no_quantity`, `two_quantities`, `missing_kind`, `transfer_without_counterpart`,
    `missing_receiver`, `missing_payer`, `duration_and_survival`, `missing_duration`,
    `lifetime_with_duration`, `lifetime_without_persistence`, `excluded_without_reason`,
    `input_without_amount`, `law_out_of_support`, `interval_not_of_law`, `unknown_line`,
    `correlation_not_positive`, `income_of_a_body`, `exchange_of_one_currency`,
    `line_unknown_family`, `discount_rate_unusual`.
    """
    for key, rate in unusual_rates(settings):
        place = Place(file=file, key=f"map.{key}")
        most = float(LARGEST_RATE)
        faults.add(Finding.error("discount_rate_unusual", place, rate=float(rate), most=most))
    for table in ("inputs", "lines", "outputs", "not_monetised", "cases"):
        names = Counter(row.get("id") for row in rows[table] if row.get("id"))
        for name, count in names.items():
            if count > 1:
                faults.add(
                    Finding.error("duplicate_id", Place(file=file, key=table), name=name, n=count)
                )
    for number, row in enumerate(rows["inputs"], start=1):
        add = _adder(file, "inputs", number, row, faults)
        _check_input(row, settings, add)
        _check_laws(row, add)
    for number, row in enumerate(rows["lines"], start=1):
        add = _adder(file, "lines", number, row, faults)
        _check_price(row, settings, add)
        _check_quantity(row, add)
        _check_time(row, add)
        for payer, receiver, kind, name in _ends(row):
            _check_ends(kind, payer, receiver, name, add)
        _check_laws(row, add)
        if row.get("included") is False and not row.get("reason"):
            add("excluded_without_reason", "reason")
    if not rows["lines"]:
        faults.add(Finding.error("no_line", Place(file=file, key="lines")))
    _check_incomes(rows["incomes"], file, faults)
    _check_names(rows, file, faults)
    _check_families(rows["lines"], file, faults)
    _check_correlations(rows["correlations"], file, faults)


Add = Callable[..., None]


def _adder(
    file: str | None, table: str, number: int, row: Mapping[str, Any], faults: FindingCollector
) -> Add:
    def add(code: str, key: str, **values: Any) -> None:
        place = Place(file=file, key=f"{table}[{number}].{key}", row=number)
        faults.add(Finding.error(code, place, line=str(row.get("id") or number), **values))

    return add


def _check_currency(row: Mapping[str, Any], settings: Mapping[str, Any], add: Add) -> None:
    own, common = row.get("currency"), settings.get("currency")
    if own and common and own != common:
        add("currency_mix", "currency", found=own, expected=common)


def _check_input(row: Mapping[str, Any], settings: Mapping[str, Any], add: Add) -> None:
    _check_currency(row, settings, add)
    timed = "hours" in row and "hourly_rate" in row
    if ("amount" in row) == timed:
        add("input_without_amount", "amount")
    kind = row.get("kind", InputKind.CASH)
    if kind is InputKind.TRANSFER and not row.get("receiver"):
        add("transfer_without_counterpart", "receiver")
    elif kind is InputKind.TRANSFER and row.get("receiver") is row.get("payer"):
        add("transfer_to_oneself", "receiver")


def _check_price(row: Mapping[str, Any], settings: Mapping[str, Any], add: Add) -> None:
    own, common = row.get("currency"), settings.get("currency")
    if row.get("exchange_rate") is None:
        _check_currency(row, settings, add)
    elif own and own == common:
        add("exchange_of_one_currency", "exchange_rate", found=own)
    priced, bundled = "proxy" in row, bool(row.get("bundle"))
    if not priced and not bundled:
        add("no_proxy", "proxy")
    if priced and bundled:
        add("two_prices", "proxy")
    if "price_year" not in row:
        add("missing_price_year", "price_year")
    if "currency" not in row:
        add("missing_currency", "currency")


def _check_quantity(row: Mapping[str, Any], add: Add) -> None:
    if "quantity" not in row and "estimate" not in row:
        add("no_quantity", "quantity")
    if "quantity" in row and "estimate" in row:
        add("two_quantities", "quantity")
    if "take_up" in row and "take_up_share" in row:
        add("two_take_ups", "take_up")
    share = row.get("take_up_share")
    if share is not None and share.value <= 0:
        add("take_up_zero", "take_up_share")


def _check_laws(row: Mapping[str, Any], add: Add) -> None:
    """Refuse an interval that its law cannot have."""
    amounts = [(key, cell) for key, cell in row.items() if isinstance(cell, Amount)]
    amounts += [("bundle", flow.amount) for flow in row.get("bundle") or ()]
    for key, cell in amounts:
        if not cell.certain:
            try:
                fit(cell)
            except ImpactEvalError as error:
                for finding in error.findings:
                    add(finding.code, key, **finding.values)


def _check_correlations(
    rows: Sequence[Mapping[str, Any]], file: str | None, faults: FindingCollector
) -> None:
    """Refuse correlations that no joint law has."""
    pairs = [(str(r["first"]), str(r["second"]), r["rho"]) for r in rows if r.get("rho") is not None
             and r.get("first") and r.get("second")]  # fmt: skip
    names = sorted({name for first, second, _ in pairs for name in (first, second)})
    if not names:
        return
    matrix = np.eye(len(names))
    for first, second, rho in pairs:
        i, j = names.index(first), names.index(second)
        matrix[i, j] = matrix[j, i] = float(rho)
    smallest = float(np.linalg.eigvalsh(matrix).min())
    if smallest < -1e-10:
        faults.add(
            Finding.error(
                "correlation_not_positive",
                Place(file=file, key="correlations"),
                names=names,
                smallest=smallest,
            )
        )


def _check_incomes(
    rows: Sequence[Mapping[str, Any]], file: str | None, faults: FindingCollector
) -> None:
    """Ask for one income by agent, and for none of those who are not people."""
    told = Counter(row["agent"] for row in rows if row.get("agent"))
    for number, row in enumerate(rows, start=1):
        agent, place = row.get("agent"), Place(file=file, key=f"incomes[{number}].agent")
        if agent is None:
            continue
        if told[agent] > 1:
            faults.add(Finding.error("duplicate_id", place, name=agent.value, n=told[agent]))
        if agent not in PEOPLE:
            known = sorted(people.value for people in PEOPLE)
            faults.add(Finding.error("income_of_a_body", place, name=agent.value, known=known))


def _check_time(row: Mapping[str, Any], add: Add) -> None:
    survival = row.get("survival")
    duration = row.get("duration")
    if survival and ("duration" in row or "drop_off" in row):
        add("duration_and_survival", "survival")
    if not row.get("lifetime") and not survival and "duration" not in row:
        add("missing_duration", "duration")
    if row.get("lifetime"):
        if (duration is not None and duration > 1) or survival:
            add("lifetime_with_duration", "duration", duration=str(duration or len(survival or ())))
        if row.get("persistence") is None:
            add("lifetime_without_persistence", "persistence")


def _ends(row: Mapping[str, Any]) -> list[tuple[Agent | None, Agent | None, Any, str]]:
    if row.get("bundle"):
        return [(f.payer, f.receiver, f.kind, f.name) for f in row["bundle"]]
    if "kind" in row and row["kind"] is None:  # written, and its cell said that it is not read
        return []
    return [(row.get("payer"), row.get("receiver"), row.get("kind"), "")]


def _check_ends(
    kind: LineKind | None, payer: Agent | None, receiver: Agent | None, name: str, add: Add
) -> None:
    if kind is None:
        add("missing_kind", "kind")
    elif kind in _TWO_ENDS and (payer is None or receiver is None):
        missing = "payer" if payer is None else "receiver"
        add("transfer_without_counterpart", missing, flow=name)
    elif kind in _TWO_ENDS and payer is receiver:
        add("transfer_to_oneself", "receiver", flow=name)
    elif kind in _GAINS and receiver is None:
        add("missing_receiver", "receiver", flow=name)
    elif kind in _PAID and payer is None:
        add("missing_payer", "payer", flow=name)


_OF_LINE = ("quantity", "proxy", "deadweight", "displacement", "attribution", "drop_off",
            "persistence", "cashable", "take_up_share")  # fmt: skip
_OF_INPUT = ("amount", "hours", "hourly_rate")


def _uncertain(rows: Rows, owner: str) -> tuple[str, ...]:
    """Return the numbers of a line or of an input that may be drawn."""
    for row in rows["lines"]:
        if row.get("id") == owner:
            return (*_OF_LINE, *(flow.name for flow in row.get("bundle") or () if flow.name))
    return _OF_INPUT


def question_durations(
    settings: Mapping[str, Any], rows: Rows, typed: Sequence[Any], file: str | None
) -> tuple[Finding, ...]:
    """Ask whether a duration typed without its unit is in months.

    Nothing is asked of a duration that was observed for half of its length at least. Where it is
    most likely in months no total stands until it is answered: it could be twelve times too large.

    Codes: `duration_perhaps_months` (blocks), `duration_without_unit` (asked only).
    """
    asked = []
    for number, (row, raw) in enumerate(zip(rows["lines"], typed, strict=False), start=1):
        duration = row.get("duration")
        if duration is None or not is_bare_number(raw):
            continue
        seen = row.get("follow_up") or settings.get("follow_up") or 0
        place = Place(file=file, key=f"lines[{number}].duration", row=number)
        values = {"line": str(row.get("id") or number), "found": str(int(duration))}
        if _read_as_months(duration, seen):
            asked.append(Finding.warning("duration_perhaps_months", place, blocks=True, **values))
        elif _never_followed(duration, seen):
            asked.append(Finding.warning("duration_without_unit", place, **values))
    return tuple(asked)


def _read_as_months(duration: Decimal, seen: Decimal | int) -> bool:
    """Whether a bare length is one that people write in months: half-years, or very long."""
    halves = duration % _HALF_YEAR == 0
    if _never_followed(duration, seen):
        return halves or duration > _VERY_LONG
    return halves and duration >= _MONTHS and 2 * seen < duration


def _never_followed(duration: Decimal, seen: Decimal | int) -> bool:
    """Whether a whole number of years is long, beside less than two years observed."""
    whole = duration == int(duration)
    return whole and duration > LONGEST_BARE and seen < _SHORT_FOLLOW_UP


def _check_names(rows: Rows, file: str | None, faults: FindingCollector) -> None:
    lines = [str(row["id"]) for row in rows["lines"] if row.get("id")]
    costs = [str(row["id"]) for row in rows["inputs"] if row.get("id")]
    for number, row in enumerate(rows["overrides"], start=1):
        name = row.get("line")
        if name and name not in (*lines, *costs):  # a guard may be set aside on a cost
            faults.add(
                Finding.error(
                    "unknown_line",
                    Place(file=file, key=f"overrides[{number}].line"),
                    name=name,
                    nearest=nearest(name, lines),
                    known=lines,
                )
            )
    for number, row in enumerate(rows["correlations"], start=1):
        for end in ("first", "second"):
            owner, _, field = str(row.get(end, "")).rpartition(".")
            known = [*lines, *(str(r["id"]) for r in rows["inputs"] if r.get("id"))]
            if owner and owner not in known:
                faults.add(
                    Finding.error(
                        "unknown_line",
                        Place(file=file, key=f"correlations[{number}].{end}"),
                        name=owner,
                        nearest=nearest(owner, known),
                        known=known,
                    )
                )
            elif owner and field not in (fields := _uncertain(rows, owner)):
                faults.add(
                    Finding.error(
                        "unknown_number_of_line",
                        Place(file=file, key=f"correlations[{number}].{end}"),
                        line=owner,
                        name=field,
                        nearest=nearest(field, fields),
                        known=fields,
                    )
                )


def _check_families(
    lines: Sequence[Mapping[str, Any]], file: str | None, faults: FindingCollector
) -> None:
    """Refuse what a line says it contains when nothing bears that name.

    The guard against counting twice looks for these names: one that is misspelt blinds it.
    """
    own = {str(row["family"]) for row in lines if row.get("family")}
    own |= {flow.name for row in lines for flow in row.get("bundle") or () if flow.name}
    known = tuple(sorted(catalogue().families | own))
    for number, row in enumerate(lines, start=1):
        add = _adder(file, "lines", number, row, faults)
        for name in row.get("covers") or ():
            if name and name not in known:
                add(
                    "line_unknown_family",
                    "covers",
                    name=name,
                    nearest=nearest(name, known),
                    known=known,
                )
