"""The social value of a study's effects, when it gives a value map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.map_checked import money_faults, value_map_of
from impact_eval.pipeline.study import Study
from impact_eval.report.languages.language import formats_of
from impact_eval.results.account_records import (
    AccountSection,
    ValueSection,
    account_from_record,
    record_of_account,
)
from impact_eval.value.account.study_facts import Facts
from impact_eval.value.readouts.excel_export import export_account
from impact_eval.value.readouts.published_value import tell
from impact_eval.value.readouts.standing import ValueStanding


def value_section(
    study: Study, estimates: Mapping[str, Estimate], facts: Facts, seed: int
) -> AccountSection | None:
    """Return the account of a study and all that is told of it; None without a value map.

    Parameters
    ----------
    study : Study
    estimates : mapping of outcome to Estimate
        Headline estimates, with their influence values.
    facts : mapping of outcome to OutcomeFacts
        What the study knows of each: the map is held against it.
    seed : int
        Of the draws.

    Raises
    ------
    ImpactEvalError
        What the map and its account refuse; `report_in_euros` for a map in another money.
    """
    part, value_map = study.declaration.value, value_map_of(study)
    if part is None or value_map is None:
        return None
    units = {outcome.id: outcome.unit for outcome in study.declaration.outcomes}
    if foreign := money_faults(value_map):
        raise ImpactEvalError(foreign)
    account = value_map.account(estimates, people=part.people, units=units, facts=facts)
    return record_of_account(account, tell(account, seed=seed, facts=facts))


def write_workbook(section: ValueSection | None, folder: Path, language: str) -> None:
    """Write the account as a workbook whose formulas recompute the same totals.

    Parameters
    ----------
    section : AccountSection, ValueRefused or None
        Nothing is written without an account to publish, nor where no amount may be told.
    folder : Path
    language : str
        A code of `language_codes`.
    """
    if not isinstance(section, AccountSection) or not section.told.may_be_told:
        return
    path = folder / formats_of(language).account_file()
    told = section.told.standing
    standing = told if isinstance(told, ValueStanding) else ValueStanding.ATTRIBUTED
    export_account(account_from_record(section), path, language, standing=standing)
