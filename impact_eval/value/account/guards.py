"""Guards against over-claiming and counting twice, each with its codes; set aside with a reason.

A guard that blocks makes the total false: it hides every total, and not the division alone. One
that only warns makes it fragile. Those of `_NEVER_SET_ASIDE` are beyond doubt: no reason sets them
aside.
The rules themselves stand beside: `claims`, `counted_twice`, `money_moved`, `price_checks`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from impact_eval.core.findings import Finding, Severity
from impact_eval.value.account.books import Books
from impact_eval.value.account.claims import (
    check_displacement,
    check_gross,
    check_net,
    check_parts_claimed,
    check_people,
    check_stated_years,
    check_typed_people,
    check_years,
)
from impact_eval.value.account.costs_twice import check_costs
from impact_eval.value.account.counted_twice import check_welfare
from impact_eval.value.account.line_words import counted_lines, outcome_of, stakeholder_of
from impact_eval.value.account.money_moved import (
    check_averages,
    check_lifetimes,
    check_parts,
    check_transfers,
)
from impact_eval.value.account.price_checks import check_prices
from impact_eval.value.account.quantity import Quantities
from impact_eval.value.account.volunteer_time import check_volunteers
from impact_eval.value.map.declared import Line, MapContent, Override
from impact_eval.value.map.prices import ONE, ZERO, exact, total
from impact_eval.value.map.spoken_words import Subject, tokens_of, words_named

LARGEST_SHARE = Decimal("0.5")

GUARDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "G1": ("deadweight_on_net_effect", "guard_deadweight_on_net_words"),
        "G2": ("guard_gross_without_deadweight", "guard_share_takes_all"),
        "G3": (
            "guard_same_welfare_twice",
            "guard_same_people_twice",
            "guard_income_twice",
            "guard_line_twice",
            "guard_lines_alike",
            "guard_in_the_case",
            "guard_gain_twice",
            "guard_gains_of_one_effect",
            "guard_cost_is_sum",
            "guard_cost_perhaps_sum",
            "guard_cost_twice",
        ),
        "G4": (
            "transfer_without_counterpart",
            "guard_transfer_turned_resource",
            "guard_transfer_as_resource",
            "guard_public_gain_beside_income",
            "guard_cost_below_zero",
            "guard_gain_below_zero",
        ),
        "G5": (
            "guard_average_cost",
            "guard_average_said_marginal",
            "guard_average_recovered",
            "cashable_unknown",
        ),
        "G6": (
            "lifetime_with_duration",
            "guard_lifetime_every_year",
            "guard_lifetime_unsaid",
            "guard_price_of_a_life",
        ),
        "G7": ("guard_lifetime_overlap",),
        "G8": (
            "guard_projected",
            "guard_projected_far",
            "guard_never_fades",
            "guard_follow_up_long",
            "follow_up_missing",
            "duration_perhaps_months",
            "duration_without_unit",
        ),
        "G9": (
            "guard_outcome_not_valued",
            "guard_left_out_for_its_result",
            "guard_loss_left_out",
            "direction_against_study",
            "declared_beyond_study",
            "declared_though_measured",
            "sheet_not_read",
            "declared_beyond_alike",
            "declared_perhaps_measured",
        ),
        "G10": ("guard_attribution_over_one",),
        "G11": ("guard_no_displacement",),
        "G12": ("guard_one_line_dominates", "guard_one_outcome_dominates"),
        "G13": (
            "guard_more_people_than_eligible",
            "guard_groups_beyond_eligible",
            "guard_people_beyond_study",
            "guard_people_beyond_action",
        ),
        "G14": (
            "guard_price_without_source",
            "guard_price_unverified",
            "guard_price_expired",
            "guard_price_old",
            "guard_price_year_changed",
            "parameter_changed",
            "guard_price_of_a_euro",
            "guard_price_beyond_reason",
        ),
        "G15": (
            "guard_volunteers_one_sided",
            "guard_volunteers_twice",
            "guard_volunteers_as_gain",
        ),
    }
)
# the catalogue, the arithmetic or the study says it, or the map has only to be written out:
# nobody can say the contrary
_NEVER_SET_ASIDE = frozenset(
    {
        "deadweight_on_net_effect",
        "transfer_without_counterpart",
        "lifetime_with_duration",
        "guard_transfer_turned_resource",
        "duration_perhaps_months",
        "direction_against_study",
        "declared_beyond_study",
    }
)
_NEVER_AS_A_WHOLE = frozenset({"G1"})


def check_lines(value_map: MapContent, quantities: Quantities) -> Sequence[Finding]:
    """Return the findings that need only the map and its quantities (errors refuse).

    Codes: `override_unknown`, `override_not_allowed`, and what the quantities themselves noticed.
    """
    out: list[Finding] = list(quantities.findings)
    codes = {code for found in GUARDS.values() for code in found}
    for override in value_map.overrides:
        name = override.guard
        if name not in codes and name not in GUARDS:
            out.append(Finding.error("override_unknown", name=name, known=tuple(GUARDS)))
        elif name in _NEVER_SET_ASIDE | _NEVER_AS_A_WHOLE:
            guard = next(g for g, found in GUARDS.items() if name == g or name in found)
            out.append(Finding.error("override_not_allowed", guard=guard))
    return out


def check_account(account: Books, people: float | None = None) -> tuple[Finding, ...]:
    """Run every guard on an account; those set aside become a finding that tells the reason.

    `people` are those of the action, where the map does not say.
    """
    found = [finding for check in _CHECKS.values() for finding in check(account)]
    found += check_typed_people(account, people)
    return set_aside(found, account.value_map.overrides)


def set_aside(findings: Iterable[Finding], overrides: Iterable[Override]) -> tuple[Finding, ...]:
    """Return findings, those that the map sets aside told with the reason."""
    rows = {code: guard for guard, codes in GUARDS.items() for code in codes}
    own = tuple(overrides)
    return tuple(_set_aside(rows.get(f.code, ""), f, own) for f in findings)


def _set_aside(guard: str, finding: Finding, overrides: Iterable[Override]) -> Finding:
    line = finding.values.get("line", "")
    if finding.code in _NEVER_SET_ASIDE or finding.severity is Severity.INFO:
        return finding
    for override in overrides:
        if override.guard in (guard, finding.code) and override.line in ("", line):
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


# --- one amount, counted once (G3) --------------------------------------------------------------


def _twice(account: Books) -> Iterable[Finding]:
    """G3: a gain counted twice, or a cost."""
    yield from check_welfare(account)
    yield from check_costs(account)


# --- outcomes left out (G9) ---------------------------------------------------------------------


def _not_valued(account: Books) -> Iterable[Finding]:
    """G9: outcomes tested and left without value or reason; those left out, with their share."""
    yield from _untold(account)
    yield from _left_out_with_share(account)


def _untold(account: Books) -> Iterable[Finding]:
    """G9, of what the map says alone: no amount is asked."""
    used = {line.quantity.estimate for line in account.value_map.lines}
    used |= {line.quantity.take_up for line in account.value_map.lines}
    told = {item.outcome for item in account.value_map.dropped}
    told |= {item.outcome for item in account.value_map.not_monetised}
    forgotten = [name for name in account.tested if name not in used | told]
    if forgotten:
        yield Finding.warning(
            "guard_outcome_not_valued",
            names=forgotten,
            tested=len(account.tested),
            valued=len([name for name in account.tested if name in used]),
        )
    yield from _left_out_for_result(account)


def _left_out_with_share(account: Books) -> Iterable[Finding]:
    whole = total(line.present for line in account.lines if line.included)
    for value, line in zip(account.lines, account.value_map.lines, strict=True):
        if not value.included:
            if value.present < 0:
                yield Finding.warning(
                    "guard_loss_left_out", line=line.id, amount=float(value.present)
                )
            yield _left_out(line, value.present, whole)


def _left_out(line: Line, present: Decimal, whole: Decimal) -> Finding:
    """Tell a line left out; with its share where there is a total to be a share of."""
    amount = float(present)
    if whole <= 0:
        return Finding.info(
            "outcome_left_out_alone", line=line.id, reason=line.reason, amount=amount
        )
    with exact():
        share = float(present / whole)
    return Finding.info(
        "outcome_left_out", line=line.id, reason=line.reason, amount=amount, share=share
    )


def _left_out_for_result(account: Books) -> Iterable[Finding]:
    """Tell outcomes that are left out for the result they have: what is kept is then chosen."""
    value_map = account.value_map
    reasons = [(line.outcome, line.reason) for line in value_map.lines if not line.included]
    reasons += [(item.outcome, item.reason) for item in value_map.dropped]
    reasons += [(item.outcome, item.note) for item in value_map.not_monetised]
    for outcome, reason in reasons:
        if words_named(Subject.UNWANTED_RESULT, (reason,)):
            yield Finding.warning("guard_left_out_for_its_result", outcome=outcome, reason=reason)


# --- what carries the total (G12) ---------------------------------------------------------------


def _dominates(account: Books) -> Iterable[Finding]:
    """G12: one line makes more than half of the value."""
    lines = [line for line in account.lines if line.included]
    whole = total(abs(line.present) for line in lines)
    yield from _outcome_dominates(account, whole)
    for line in lines:
        if whole and len(lines) > 1 and abs(line.present) > LARGEST_SHARE * whole:
            with exact():
                share = float(abs(line.present) / whole)
            yield Finding.warning("guard_one_line_dominates", line=line.line, share=share)


def _outcome_dominates(account: Books, whole: Decimal) -> Iterable[Finding]:
    """Tell one outcome, cut into lines of which none dominates, that does with them together."""
    values = {line.line: abs(line.present) for line in account.lines if line.included}
    groups: dict[object, list[str]] = defaultdict(list)
    for line, _ in counted_lines(account):
        groups[outcome_of(line)].append(line.id)
    for lines in groups.values():
        together = total(values[line] for line in lines)
        alone = max(values[line] for line in lines)
        if len(groups) > 1 and alone <= LARGEST_SHARE * whole < together:
            with exact():
                share = float(together / whole)
            yield Finding.warning("guard_one_outcome_dominates", lines=lines, share=share)


_CHECKS: Mapping[str, Callable[[Books], Iterable[Finding]]] = MappingProxyType(
    {
        "G1": check_net,
        "G2": check_gross,
        "G3": _twice,
        "G4": check_transfers,
        "G5": check_averages,
        "G6": check_lifetimes,
        "G7": check_parts,
        "G8": check_years,
        "G9": _not_valued,
        "G10": check_parts_claimed,
        "G11": check_displacement,
        "G12": _dominates,
        "G13": check_people,
        "G14": check_prices,
        "G15": check_volunteers,
    }
)


# what needs no effect: of two guards, the part that looks at no amount; of one, nothing
_BEFORE: Mapping[str, Callable[[Books], Iterable[Finding]]] = MappingProxyType(
    {
        **{guard: check for guard, check in _CHECKS.items() if guard != "G12"},
        "G8": check_stated_years,
        "G9": _untold,
    }
)


def check_before_effects(account: Books) -> tuple[Finding, ...]:
    """Run what the guards can say of a map before any effect is estimated; see `check_account`.

    Parameters
    ----------
    account : Books
        Its quantities may be zero where an estimate will give them.

    Returns
    -------
    tuple of Finding
        What is not set aside by the map itself, and is no mere note.
    """
    found = [
        _set_aside(guard, finding, account.value_map.overrides)
        for guard, check in _BEFORE.items()
        for finding in check(account)
    ]
    return tuple(finding for finding in found if finding.severity is not Severity.INFO)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardStatus:
    """What one guard said: `passed`, `warned`, `blocked` or `set_aside`, and of which lines."""

    guard: str
    status: str
    lines: tuple[str, ...]


def guard_statuses(account: Books) -> tuple[GuardStatus, ...]:
    """Return every guard with what it said, for the log of the report.

    The guards that refuse before an account exists are `passed` once it does. Whatever refuses the
    totals stands in a row, wherever it was found: the log never says that all is well beside them.
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


def check_attribution(
    accounts: Mapping[str, Books], people: Mapping[str, str] = MappingProxyType({})
) -> tuple[Finding, ...]:
    """Check that parts claimed of one outcome of the same people stay within the whole (G10).

    Two studies are of different people unless it is declared that they are of the same: by
    `people`, or by the setting `population` of their maps. Several lines of one study that value
    the same outcome claim it once.

    Parameters
    ----------
    accounts : mapping of str to Account
        Name of the study to its account. Lines are of the same outcome when their estimate (or
        their outcome) and their stakeholder have the same names.
    people : mapping of str to str
        Name of the study to the name of its people, where it is known otherwise: studies of the
        same data have the same people.

    Returns
    -------
    tuple of Finding
        `guard_attribution_over_one`, one by outcome.
    """
    claims: dict[tuple[Any, ...], dict[str, Decimal]] = defaultdict(dict)
    words: dict[tuple[Any, ...], tuple[str, str]] = {}
    for study, account in accounts.items():
        who = tokens_of(people.get(study) or account.value_map.settings.population)
        for line, _ in counted_lines(account):
            part = line.adjustments.attribution
            key = (who or study, stakeholder_of(line), outcome_of(line))
            share = ONE - (ZERO if part is None else part.value)
            claims[key][study] = max(share, claims[key].get(study, ZERO))
            words[key] = (line.quantity.estimate or line.outcome, line.stakeholder)
    out = []
    for key, shares in claims.items():
        whole = total(shares.values())
        if len(shares) > 1 and whole > 1:
            outcome, stakeholder = words[key]
            out.append(
                Finding.warning(
                    "guard_attribution_over_one",
                    blocks=True,
                    line=outcome,
                    lines=list(shares),
                    share=float(whole),
                    stakeholder=stakeholder,
                )
            )
    return tuple(out)
