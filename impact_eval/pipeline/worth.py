"""The social value of a study's effects, when it gives a value map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impact_eval.core.estimate import Estimate
from impact_eval.pipeline.study import Study


def value_account(study: Study, estimates: Mapping[str, Estimate]) -> dict[str, Any] | None:
    """Return the account of a study as `results.json` holds it; None without a value map.

    Parameters
    ----------
    study : Study
    estimates : mapping of outcome to Estimate
        Headline estimates, with their influence values.
    """
    part = study.declaration.value
    if part is None:
        return None
    from impact_eval.value.value_map import ValueMap

    units = {outcome.id: outcome.unit for outcome in study.declaration.outcomes}
    value_map = ValueMap.read(study.path(part.map))
    account = value_map.account(estimates, people=part.people, units=units)
    content: dict[str, Any] = account.to_dict()
    return content


def write_workbook(value: Mapping[str, Any] | None, folder: Path, language: str) -> None:
    """Write the account as a workbook whose formulas recompute the same totals.

    Parameters
    ----------
    value : mapping or None
        The account of `results.json`; nothing is written without one.
    folder : Path
    language : {"fr", "en"}
    """
    if value is None:
        return
    from impact_eval.value.account import Account
    from impact_eval.value.excel_export import export_account

    name = {"fr": "compte-fr.xlsx", "en": "account-en.xlsx"}[language]
    export_account(Account.from_dict(value), folder / name, language)
