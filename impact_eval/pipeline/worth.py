"""The social value of a study's effects, when it gives a value map."""

from __future__ import annotations

from collections.abc import Mapping
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
