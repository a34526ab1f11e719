"""Guards against over-claiming and double counting, each with a code; set aside only with a reason.

A guard that blocks lets totals be computed and refuses the ratio. Those that make the arithmetic
itself wrong refuse earlier and cannot be set aside: a deduction from a net effect (G1,
`deadweight_on_net_effect`), a transfer without counterpart (G4), a lifetime value with a duration
(G6).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from impact_eval.core.findings import Finding, NotApplicable, Severity
from impact_eval.core.vocabulary import Pillar
from impact_eval.value.account.books import Books, counted_flows, projected_share
from impact_eval.value.account.flow_ledger import horizon_of
from impact_eval.value.account.quantity import Quantities
from impact_eval.value.map.choices import (
    UNVERIFIED,
    WELFARE_BASES,
    Agent,
    Costing,
    InputKind,
    LineKind,
    Mark,
    QuantitySource,
)
from impact_eval.value.map.declared import Line, MapContent, Override
from impact_eval.value.map.parameters import catalogue
from impact_eval.value.map.prices import ONE, ZERO, exact, total

OLD_PRICE_YEARS = 8
LARGEST_SHARE = Decimal("0.5")

GUARDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "G1": ("deadweight_on_net_effect",),
        "G2": ("guard_gross_without_deadweight",),
        "G3": ("guard_same_welfare_twice",),
        "G4": ("transfer_without_counterpart",),
        "G5": ("guard_average_cost",),
        "G6": ("lifetime_with_duration",),
        "G7": ("guard_lifetime_overlap",),
        "G8": ("guard_projected",),
        "G9": ("guard_outcome_not_valued",),
        "G10": ("guard_attribution_over_one",),
        "G11": ("guard_no_displacement",),
        "G12": ("guard_one_line_dominates",),
        "G13": ("guard_more_people_than_eligible",),
        "G14": ("guard_price_unverified", "guard_price_expired", "guard_price_old"),
        "G15": ("guard_volunteers_one_sided",),
    }
)
_NEVER_SET_ASIDE = frozenset({"G1", "G4", "G6"})


def check_lines(value_map: MapContent, quantities: Quantities) -> Sequence[Finding]:
    """Return the findings that need only the map and its quantities (errors refuse).

    Codes: `override_unknown`, `override_not_allowed`, `duplicate_override`, and what the
    quantities themselves noticed.
    """
    out: list[Finding] = list(quantities.findings)
    codes = {code: guard for guard, found in GUARDS.items() for code in found}
    for override in value_map.overrides:
        guard = codes.get(override.guard, override.guard)
        if guard not in GUARDS:
            out.append(Finding.error("override_unknown", name=override.guard, known=tuple(GUARDS)))
        elif guard in _NEVER_SET_ASIDE:
            out.append(Finding.error("override_not_allowed", guard=guard))
    return out


def check_account(account: Books) -> tuple[Finding, ...]:
    """Run every guard on an account; those set aside become a finding that tells the reason."""
    found: list[Finding] = []
    for guard, check in _CHECKS.items():
        for finding in check(account):
            found.append(_set_aside(guard, finding, account.value_map.overrides))
    return tuple(found)


def _set_aside(guard: str, finding: Finding, overrides: Iterable[Override]) -> Finding:
    line = finding.values.get("line", "")
    for override in overrides:
        named = override.guard in (guard, finding.code)
        if named and override.line in ("", line) and finding.severity is not Severity.INFO:
            return Finding.info(
                "guard_overridden",
                finding.place,
                guard=guard,
                found=finding.code,
                line=line,
                reason=override.reason,
                author=override.author or "—",
            )
    return finding


def _warn(code: str, *, blocks: bool = False, **values: Any) -> Finding:
    return Finding.warning(code, blocks=blocks, **values)


def _gross(account: Books) -> Iterable[Finding]:
    """G2: a gross quantity with no deadweight and no comparison."""
    for line, quantity in _pairs(account):
        if quantity.counterfactual:
            continue
        if line.adjustments.deadweight is None or line.adjustments.deadweight.value == 0:
            yield _warn(
                "guard_gross_without_deadweight",
                blocks=True,
                line=line.id,
                stated=line.adjustments.deadweight is not None,
                estimated=quantity.source is QuantitySource.ESTIMATE,
            )


def _same_welfare(account: Books) -> Iterable[Finding]:
    """G3: one person's change valued twice, by income, willingness to pay, QALY or WELLBY."""
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line, _ in _pairs(account):
        if line.guards.basis in WELFARE_BASES:
            groups[
                line.stakeholder, line.quantity.estimate or line.guards.family or line.outcome
            ].append(line)
    for (stakeholder, _), lines in groups.items():
        bases = sorted({line.guards.basis.value for line in lines if line.guards.basis is not None})
        if len(bases) > 1:
            yield _warn(
                "guard_same_welfare_twice",
                blocks=True,
                line=lines[-1].id,
                lines=[line.id for line in lines],
                stakeholder=stakeholder,
                bases=bases,
            )


def _average(account: Books) -> Iterable[Finding]:
    """G5: an avoided cost priced at the average; what one more really saves is less."""
    for line, _ in _pairs(account):
        if line.price.kind is LineKind.AVOIDED_COST and line.guards.costing is not Costing.MARGINAL:
            yield _warn(
                "guard_average_cost", line=line.id, known=line.guards.costing is Costing.AVERAGE
            )
        if line.price.kind is LineKind.AVOIDED_COST and line.price.cashable is None:
            yield _warn("cashable_unknown", line=line.id)


def _lifetime(account: Books) -> Iterable[Finding]:
    """G7: a lifetime value beside the yearly amounts that it already contains."""
    lines = [line for line, _ in _pairs(account)]
    for whole in lines:
        if not whole.guards.covers:
            continue
        inside = [
            part.id
            for part in lines
            if part.id != whole.id
            and (
                part.guards.family in whole.guards.covers
                or {f.name for f in part.price.bundle} & set(whole.guards.covers)
            )
        ]
        if inside:
            yield _warn("guard_lifetime_overlap", blocks=True, line=whole.id, lines=inside)


def _projected(account: Books) -> Iterable[Finding]:
    """G8: the part of the value that lies beyond what was observed."""
    share = projected_share(account)
    if isinstance(share, NotApplicable):
        return
    if account.value_map.settings.follow_up is None and any(
        line.timing.follow_up is None and not account.quantities.of(line.id).profile
        for line, _ in _pairs(account)
    ):
        yield _warn("follow_up_missing")
    if share > 0:
        yield _warn(
            "guard_projected", share=float(share), horizon=horizon_of(counted_flows(account))
        )


def _not_valued(account: Books) -> Iterable[Finding]:
    """G9: outcomes tested and left without value or reason; those left out, with their share."""
    used = {line.quantity.estimate for line in account.value_map.lines}
    used |= {line.quantity.take_up for line in account.value_map.lines}
    told = {item.outcome for item in account.value_map.dropped}
    told |= {item.outcome for item in account.value_map.not_monetised}
    forgotten = [name for name in account.tested if name not in used | told]
    if forgotten:
        yield _warn(
            "guard_outcome_not_valued",
            names=forgotten,
            tested=len(account.tested),
            valued=len([name for name in account.tested if name in used]),
        )
    whole = total(line.present for line in account.lines if line.included)
    for value, line in zip(account.lines, account.value_map.lines, strict=True):
        if not value.included:
            with exact():
                share = float(value.present / whole) if whole else None
            yield Finding.info(
                "outcome_left_out",
                line=line.id,
                reason=line.reason,
                amount=float(value.present),
                share=share,
            )


def _attribution(account: Books) -> Iterable[Finding]:
    """G10: shares claimed of one outcome by several lines that add up to more than the whole."""
    claimed: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line, quantity in _pairs(account):
        if quantity.source is QuantitySource.DECLARED and line.adjustments.attribution is not None:
            claimed[line.stakeholder, line.outcome].append(line)
    for lines in claimed.values():
        share = total(
            ONE - line.adjustments.attribution.value
            for line in lines
            if line.adjustments.attribution
        )
        if len(lines) > 1 and share > 1:
            yield _warn(
                "guard_attribution_over_one",
                line=lines[-1].id,
                lines=[line.id for line in lines],
                share=float(share),
            )


def _displacement(account: Books) -> Iterable[Finding]:
    """G11: an effect on employment with nobody displaced."""
    common = account.value_map.settings.pillar
    for line, _ in _pairs(account):
        if (line.guards.pillar or common) is not Pillar.EMPLOYMENT:
            continue
        if line.adjustments.displacement is None or line.adjustments.displacement.value == 0:
            yield _warn(
                "guard_no_displacement",
                line=line.id,
                stated=line.adjustments.displacement is not None,
            )


def _dominates(account: Books) -> Iterable[Finding]:
    """G12: one line makes more than half of the value."""
    lines = [line for line in account.lines if line.included]
    whole = total(abs(line.present) for line in lines)
    for line in lines:
        if whole and len(lines) > 1 and abs(line.present) > LARGEST_SHARE * whole:
            with exact():
                share = float(abs(line.present) / whole)
            yield _warn("guard_one_line_dominates", line=line.line, share=share)


def _eligible(account: Books) -> Iterable[Finding]:
    """G13: more people changed than there are people concerned."""
    most = account.value_map.settings.eligible
    if most is None:
        return
    for line, _ in _pairs(account):
        people = total(list(line.quantity.people.values()))
        if people > most:
            yield _warn(
                "guard_more_people_than_eligible",
                blocks=True,
                line=line.id,
                people=float(people),
                eligible=most,
            )


def _prices(account: Books) -> Iterable[Finding]:
    """G14: a price not read in its source, past its date, or old."""
    book = catalogue()
    # the day of the catalogue's review, or the year of the map: never the clock of the machine
    today = max(book.reviewed, f"{account.value_map.settings.price_year:04d}-01-01")
    marks = {mark.value for mark in UNVERIFIED}
    for line, _ in _pairs(account):
        if line.guards.mark is not None and line.guards.mark in marks | {"m"}:
            yield _warn("guard_price_unverified", line=line.id, mark=line.guards.mark)
        if line.guards.expires is not None and line.guards.expires < today:
            yield _warn("guard_price_expired", line=line.id, expires=line.guards.expires)
        if (
            line.price.price_year is not None
            and int(today[:4]) - line.price.price_year > OLD_PRICE_YEARS
        ):
            yield _warn("guard_price_old", line=line.id, year=line.price.price_year)
        yield from _catalogue_notes(line, account)


def _catalogue_notes(line: Line, account: Books) -> Iterable[Finding]:
    """Tell conflicting sources, a figure changed by hand, and a price index that is derived."""
    book = catalogue()
    figure = book.parameters.get(line.price.parameter or "")
    if figure is not None:
        rivals = book.rivals(figure.id)
        if rivals:
            yield Finding.info(
                "sources_conflict",
                line=line.id,
                used=figure.id,
                others=[f"{r.id} : {r.amount} ({r.price_year})" for r in rivals],
            )
        if line.price.proxy is not None and line.price.proxy.value != figure.amount.value:
            yield _warn(
                "parameter_changed", line=line.id, name=figure.id, found=str(line.price.proxy)
            )
    base = account.value_map.settings.price_year
    if line.price.price_year not in (None, base):
        index = book.index(line.price.index or account.value_map.settings.price_index)
        derived = [
            y for y in (line.price.price_year, base) if index.marks.get(y or 0) is Mark.DERIVED
        ]
        if derived:
            yield Finding.info("price_index_derived", line=line.id, years=derived)


def _volunteers(account: Books) -> Iterable[Finding]:
    """G15: volunteers' time counted and not what they gain, or the reverse."""
    given = any(i.kind is InputKind.VOLUNTEER_TIME for i in account.value_map.inputs)
    gained = any(
        Agent.VOLUNTEERS in (line.price.receiver, line.price.payer)
        or any(f.receiver is Agent.VOLUNTEERS for f in line.price.bundle)
        for line in account.value_map.lines
    )
    if given != gained:
        yield _warn("guard_volunteers_one_sided", given=given, gained=gained)


def _pairs(account: Books) -> list[tuple[Line, Any]]:
    """Return the lines that count, each with its quantity."""
    return [
        (line, account.quantities.of(line.id)) for line in account.value_map.lines if line.included
    ]


_CHECKS: Mapping[str, Callable[[Books], Iterable[Finding]]] = MappingProxyType(
    {
        "G2": _gross,
        "G3": _same_welfare,
        "G5": _average,
        "G7": _lifetime,
        "G8": _projected,
        "G9": _not_valued,
        "G10": _attribution,
        "G11": _displacement,
        "G12": _dominates,
        "G13": _eligible,
        "G14": _prices,
        "G15": _volunteers,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardStatus:
    """What one guard said: `passed`, `warned`, `blocked` or `set_aside`, and of which lines."""

    guard: str
    status: str
    lines: tuple[str, ...]


def guard_statuses(account: Books) -> tuple[GuardStatus, ...]:
    """Return every guard with what it said, for the log of the report.

    The guards that refuse before an account exists are `passed` once it does.
    """
    out = []
    for guard, codes in GUARDS.items():
        own = [f for f in account.findings if f.code in codes]
        aside = [
            f for f in account.findings
            if f.code == "guard_overridden" and f.values["guard"] == guard
        ]  # fmt: skip
        status = "passed"
        if any(f.values.get("blocks") for f in own):
            status = "blocked"
        elif own:
            status = "warned"
        elif aside:
            status = "set_aside"
        names = {str(f.values["line"]) for f in (*own, *aside) if f.values.get("line")}
        out.append(GuardStatus(guard=guard, status=status, lines=tuple(sorted(names))))
    return tuple(out)


def check_attribution(accounts: Mapping[str, Books]) -> tuple[Finding, ...]:
    """Check that shares claimed of one outcome by several accounts stay within the whole (G10).

    Parameters
    ----------
    accounts : mapping of str to Account
        Name of the study to its account. Lines are the same outcome when their estimate (or their
        outcome) and their stakeholder have the same names.
    """
    claims: dict[tuple[str, str], list[tuple[str, Decimal]]] = defaultdict(list)
    for study, account in accounts.items():
        for line, _ in _pairs(account):
            share = ONE - (
                ZERO if line.adjustments.attribution is None else line.adjustments.attribution.value
            )
            claims[line.stakeholder, line.quantity.estimate or line.outcome].append((study, share))
    out = []
    for (stakeholder, outcome), shares in claims.items():
        whole = total(share for _, share in shares)
        if len({study for study, _ in shares}) > 1 and whole > 1:
            out.append(
                _warn(
                    "guard_attribution_over_one",
                    line=outcome,
                    lines=[study for study, _ in shares],
                    share=float(whole),
                    stakeholder=stakeholder,
                )
            )
    return tuple(out)
