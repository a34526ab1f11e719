"""The accounts of several studies read as one: who is in the sum, who is apart and why.

An account enters only when its own study could print it: a result attributed to the action (level
3 at least), no guard that refuses, every error known, and the same money, prices, rate and timing
as the others. Amounts add up; ratios are never averaged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable
from impact_eval.results.account_records import (
    AccountSection,
    ValueSection,
    account_from_record,
    estimates_used,
)
from impact_eval.results.finding_records import RefusalRecord
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.records import StudyResults
from impact_eval.value.account.doors import Account
from impact_eval.value.account.study_facts import NO_FACTS
from impact_eval.value.map.choices import Agent, Perspective, QuantitySource
from impact_eval.value.map.prices import ZERO, exact
from impact_eval.value.readouts.standing import standing_of
from impact_eval.value.readouts.sum_of_accounts import (
    DRAWS,
    SETTINGS,
    Consolidated,
    SumUncertainty,
    consolidate,
    settings_of,
    shared_prices,
    society_draws,
    uncertainty_of_sum,
)

ATTRIBUTED_FROM = 3  # the first level of evidence whose euros are the action's
FEWEST = 2  # accounts that make a sum
GUARDS = "guards"
REFUSED = "account_refused"
ACCOUNT_LEVEL_TOO_LOW = "account_level_too_low"
BLOCKED = "account_blocked"
OTHER_SETTING = "account_other_setting"
SAME_DATA = "account_same_data"
NO_COST = "account_no_cost"
NULL_EFFECT = "value_of_null_effect"  # why a study alone tells no amount
NULL_SUM = "sum_of_null_effects"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyAccount:
    """The account of one study, as its `results.json` says it.

    Attributes
    ----------
    study : str
    title : BilingualRecord
    territory : str
    section : AccountSection or ValueRefused
    level : int
        Lowest level of evidence among the effects that the account stands on.
    data : str
        Fingerprint of the data it was computed on.
    """

    study: str
    title: BilingualRecord
    territory: str
    section: ValueSection
    level: int
    data: str


@dataclass(frozen=True, slots=True)
class AccountApart:
    """A study whose account is left out of the sum, and why."""

    entry: StudyAccount
    reason: NotApplicable


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountIn:
    """A study whose account is in the sum, and its part of it, for society, as present values.

    Attributes
    ----------
    entry : StudyAccount
    benefits, costs, net : Decimal
    declared : tuple of str
        Lines whose quantity is declared and not estimated.
    clear : bool
        Whether one effect of the account stands clear of zero. One that does not enters the sum all
        the same, for to add only what succeeded would inflate it; its own amount is not told.
    """

    entry: StudyAccount
    benefits: Decimal
    costs: Decimal
    net: Decimal
    declared: tuple[str, ...]
    clear: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SumOfAccounts:
    """The sum itself.

    Attributes
    ----------
    consolidated : Consolidated
        By payer and by year, benefits, costs, net value, ratio of the sums.
    pays, gains : mapping of Agent to Decimal
        What each pays and gains in all, as present values without sign.
    uncertainty : SumUncertainty
    settings : mapping of str to str
        Money, year of the prices, rate and timing, the same for all.
    level : int
        The lowest of the studies added.
    hypothesis : tuple of str
        Studies whose quantities are in part declared: nothing may be concluded from the sum.
    """

    consolidated: Consolidated
    pays: Mapping[Agent, Decimal]
    gains: Mapping[Agent, Decimal]
    uncertainty: SumUncertainty
    settings: Mapping[str, str]
    level: int
    hypothesis: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsTogether:
    """The accounts of several studies: their sum, and those left apart.

    Attributes
    ----------
    total : SumOfAccounts or NotApplicable
        `too_few_accounts` when fewer than two can be added; `sum_of_null_effects` when the interval
        of what they are worth together does not leave zero out.
    included : tuple of AccountIn
    excluded : tuple of AccountApart
    without : tuple of str
        Studies that have no account at all.
    findings : tuple of Finding
        One outcome claimed twice; a price that several accounts share.
    """

    total: SumOfAccounts | NotApplicable
    included: tuple[AccountIn, ...]
    excluded: tuple[AccountApart, ...]
    without: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


def study_account(results: StudyResults) -> StudyAccount | None:
    """Return the account that a study's results hold; None when it has no value map."""
    if results.value is None:
        return None
    levels = {
        record.outcome: 0 if record.evidence is None else record.evidence.level
        for record in results.headlines
    }
    used: tuple[str, ...] = ()
    if isinstance(results.value, AccountSection):
        used = estimates_used(results.value)
    known = [levels[name] for name in used if name in levels]
    return StudyAccount(
        study=results.study.id,
        title=results.study.title,
        territory=results.study.territory,
        section=results.value,
        level=min(known or levels.values(), default=0),
        data=results.data.sha256,
    )


def accounts_together(
    entries: Sequence[StudyAccount], without: Iterable[str] = (), *, draws: int = DRAWS
) -> AccountsTogether:
    """Add the accounts that can be, and say which are left apart and why.

    Parameters
    ----------
    entries : sequence of StudyAccount
    without : iterable of str
        Studies that have no account.
    draws : int
        Of each account, for the interval of the sum.

    Returns
    -------
    AccountsTogether
    """
    apart: list[AccountApart] = []
    read: dict[str, tuple[StudyAccount, Account]] = {}
    for entry in entries:
        found = _publishable(entry, [other for other, _ in read.values()], draws)
        if isinstance(found, NotApplicable):
            apart.append(AccountApart(entry, found))
        else:
            read[entry.study] = entry, found
    kept, others = _same_settings(read)
    order = [entry.study for entry in entries]
    apart = sorted([*apart, *others], key=lambda a: order.index(a.entry.study))
    included = tuple(_part(entry, account) for entry, account in kept.values())
    total, findings = _total(kept, included, draws)
    return AccountsTogether(
        total=total,
        included=included,
        excluded=tuple(apart),
        without=tuple(without),
        findings=findings,
    )


def _publishable(
    entry: StudyAccount, before: Iterable[StudyAccount], draws: int
) -> Account | NotApplicable:
    """Return the account of a study, or why its amounts may not be added."""
    if not isinstance(entry.section, AccountSection):
        return NotApplicable.because(REFUSED, code=entry.section.not_applicable)
    same = next((other.study for other in before if other.data == entry.data), None)
    if same is not None:
        return NotApplicable.because(SAME_DATA, study=same)
    if entry.level < ATTRIBUTED_FROM:
        return NotApplicable.because(ACCOUNT_LEVEL_TOO_LOW, level=entry.level)
    try:
        account = account_from_record(entry.section)
        refused = _without_proof(account, _seed(entry), draws)
    except ImpactEvalError as error:
        return NotApplicable.because(REFUSED, code=error.codes[0])
    if refused is None:
        refused = _told_nothing(entry.section)
    return account if refused is None else refused


def _told_nothing(section: AccountSection) -> NotApplicable | None:
    """Return why the study tells no amount, unless its effect is merely not clear of zero."""
    standing = section.told.standing
    if not isinstance(standing, RefusalRecord) or standing.not_applicable == NULL_EFFECT:
        return None
    return NotApplicable(REFUSED, {**standing.values, "code": standing.not_applicable})


def _without_proof(account: Account, seed: int, draws: int) -> NotApplicable | None:
    """Return what forbids an account to be added: a guard, no cost, no known error."""
    if account.refusal is not None:
        return NotApplicable.because(BLOCKED, guards=account.refusal.values.get(GUARDS, ()))
    if account.inputs_present() <= 0:
        return NotApplicable.because(NO_COST)  # its gains would be set against the costs of others
    drawn = society_draws(account, seed=seed, draws=draws)
    if isinstance(drawn, NotApplicable):
        return NotApplicable(f"account_{drawn.reason}", drawn.values)
    return None


def _seed(entry: StudyAccount) -> int:
    """Return a seed of one study alone.

    Studies of one county often share the seed of their files: the same stream would then be drawn
    for two of them, and their errors would add up instead of averaging out.
    """
    assert isinstance(entry.section, AccountSection)
    words = f"{entry.section.told.seed}/{entry.study}".encode()
    return int.from_bytes(hashlib.sha256(words).digest()[:8], "big")


def _same_settings(
    read: Mapping[str, tuple[StudyAccount, Account]],
) -> tuple[dict[str, tuple[StudyAccount, Account]], list[AccountApart]]:
    """Keep the largest group of accounts that can be added; a tie goes to the first read."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for study, (_, account) in read.items():
        groups.setdefault(tuple(settings_of(account).values()), []).append(study)
    if not groups:
        return {}, []
    kept = max(groups.values(), key=len)
    needed = settings_of(read[kept[0]][1])
    apart = []
    for study, (entry, account) in read.items():
        if study in kept:
            continue
        own = settings_of(account)
        name = next(name for name in SETTINGS if own[name] != needed[name])
        reason = NotApplicable.because(
            OTHER_SETTING, column=name, found=own[name], needed=needed[name]
        )
        apart.append(AccountApart(entry, reason))
    return {study: read[study] for study in kept}, apart


def _part(entry: StudyAccount, account: Account) -> AccountIn:
    society = account.sroi(Perspective.SOCIETY.value)
    standing = standing_of(account, NO_FACTS)
    declared = tuple(
        line.line
        for line in account.lines
        if line.included and line.quantity.source is QuantitySource.DECLARED
    )
    return AccountIn(
        entry=entry,
        benefits=society.benefits,
        costs=society.costs,
        net=society.net,
        declared=declared,
        clear=not (isinstance(standing, NotApplicable) and standing.reason == NULL_EFFECT),
    )


def _total(
    kept: Mapping[str, tuple[StudyAccount, Account]], included: Sequence[AccountIn], draws: int
) -> tuple[SumOfAccounts | NotApplicable, tuple[Finding, ...]]:
    """Return the sum with its interval, or why there is none, and what was noticed."""
    if len(kept) < FEWEST:
        return NotApplicable.because("too_few_accounts", kept=len(kept), needed=FEWEST), ()
    accounts = {study: account for study, (_, account) in kept.items()}
    seeds = {study: _seed(entry) for study, (entry, _) in kept.items()}
    found = consolidate(accounts)
    uncertainty = uncertainty_of_sum(accounts, seeds, draws=draws)
    if isinstance(uncertainty, NotApplicable):
        return uncertainty, found.findings
    if uncertainty.benefits.conf_low <= 0 <= uncertainty.benefits.conf_high:
        return NotApplicable.because(NULL_SUM, kept=len(kept)), found.findings
    findings = list(found.findings)
    sharing = shared_prices(accounts)
    if sharing:
        findings.append(Finding.info("prices_shared", names=sharing))
    pays, gains = _sides(accounts.values())
    return SumOfAccounts(
        consolidated=found,
        pays=pays,
        gains=gains,
        uncertainty=uncertainty,
        settings=settings_of(next(iter(accounts.values()))),
        level=min(part.entry.level for part in included),
        hypothesis=tuple(part.entry.study for part in included if part.declared),
    ), tuple(findings)


def _sides(accounts: Iterable[Account]) -> tuple[dict[Agent, Decimal], dict[Agent, Decimal]]:
    """Return what each account pays and gains over all the studies, without sign."""
    pays: dict[Agent, Decimal] = {}
    gains: dict[Agent, Decimal] = {}
    with exact():
        for account in accounts:
            for flow in account.counted:
                for agent in (flow.payer, flow.receiver):
                    if agent is None:
                        continue
                    amount = flow.for_agent(agent) * flow.present
                    side = gains if amount > 0 else pays
                    side[agent] = side.get(agent, ZERO) + abs(amount)
    return pays, gains
