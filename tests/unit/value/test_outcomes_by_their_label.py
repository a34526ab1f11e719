"""A line may call the effect it stands on by the name that people know it by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.vocabulary import Unit
from impact_eval.value import ValueMap
from impact_eval.value.account.before_estimates import AwaitedOutcome, check_before_estimates
from impact_eval.value.account.study_facts import OutcomeFacts

Make = Callable[..., Any]
CALLED = OutcomeFacts(labels=("Être en emploi", "In work"), unit=Unit.SHARE)


def linked(make_tables: Make, name: str) -> ValueMap:
    return ValueMap.from_dict(
        make_tables(estimate=name, quantity=None, people=100, unit="share", deadweight=None)
    )


@pytest.mark.parametrize("name", ["Être en emploi", "etre en  emploi", "In work", "ÊTRE EN EMPLOI"])
def test_a_label_is_the_identifier(make_tables: Make, employment: Estimate, name: str) -> None:
    facts = {"employment": CALLED, "housing": OutcomeFacts(labels=("Être logé",))}
    by_label = linked(make_tables, name).account({"employment": employment}, facts=facts)
    by_id = linked(make_tables, "employment").account({"employment": employment}, facts=facts)
    assert by_label.value_map == by_id.value_map
    assert by_label.flows == by_id.flows
    awaited = {key: AwaitedOutcome(facts=known, compared=True) for key, known in facts.items()}
    found = check_before_estimates(linked(make_tables, name), awaited)
    assert [f.code for f in found if f.code == "unknown_estimate"] == []


def test_a_label_of_two_outcomes_names_neither(make_tables: Make, employment: Estimate) -> None:
    facts = {"employment": CALLED, "work": CALLED}
    with pytest.raises(ImpactEvalError) as refused:
        linked(make_tables, "In work").account({"employment": employment}, facts=facts)
    assert "unknown_estimate" in refused.value.codes
    with pytest.raises(ImpactEvalError) as refused:
        linked(make_tables, "Emploi").account({"employment": employment}, facts=facts)
    assert "unknown_estimate" in refused.value.codes
