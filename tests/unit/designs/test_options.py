"""Options are declared once: the same words refuse them, list them and check a study file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from impact_eval import ImpactEvalError
from impact_eval.core.findings import FindingCollector
from impact_eval.designs import Design, designs
from impact_eval.designs.options import rules_of
from impact_eval.pipeline.study_checks import _check_option

BOUNDED = [
    (name, option)
    for name in designs.names()
    for option, rule in rules_of(designs.get(name)).items()
    if rule.one_of or rule.low is not None
]


def _default(name: str) -> Any:
    made: Any = designs.get(name)
    return made()


def test_the_list_of_options_is_that_of_the_fields() -> None:
    for name in designs.names():
        assert set(designs.get(name).info.options) == set(rules_of(designs.get(name)))
    assert designs.get("imputation").info.options["variance"] == (
        "bjs",
        "bjs_leave_out",
        "two_stage",
    )
    assert len(BOUNDED) > 25


@pytest.mark.parametrize(("name", "option"), BOUNDED)
def test_what_an_option_may_not_be_is_refused_the_same_at_every_door(
    name: str, option: str
) -> None:
    rule = rules_of(designs.get(name))[option]
    wrong: list[tuple[Any, str]] = [("no such choice", "unknown_option"), (7, "unknown_option")]
    if rule.low is not None:
        wrong = [(rule.low - 1, "option_too_low"), ("1", "option_not_number"),
                 (float("nan"), "option_not_number"), (True, "option_not_number")]  # fmt: skip
    for value, code in wrong:
        with pytest.raises(ImpactEvalError) as caught:
            replace(_default(name), **{option: value})
        assert caught.value.codes == (code,)
        faults = FindingCollector()
        _check_option("method.options", designs.get(name), option, value, faults)
        assert [finding.code for finding in faults.findings] == [code]
        assert caught.value.findings[0].values == faults.findings[0].values


@pytest.mark.parametrize(("name", "option"), BOUNDED)
def test_what_an_option_may_be_is_taken(name: str, option: str) -> None:
    rule = rules_of(designs.get(name))[option]
    for value in rule.one_of or (rule.low,):
        made: Design = replace(_default(name), **{option: value})
        assert getattr(made, option) == value


def test_a_design_without_fields_has_no_option() -> None:
    class Bare:
        info = designs.get("callaway_santanna").info

    bare: Any = Bare
    assert rules_of(bare) == {}
    faults = FindingCollector()
    _check_option("method.options", bare, "base", "universal", faults)
    assert [finding.code for finding in faults.findings] == ["unknown_option_name"]
