"""What must be refused in words: what the declaration denies, and bad input of every kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from impact_eval.designs.base import Design
from impact_eval.designs.contract.comparing import codes_of, expect
from impact_eval.designs.contract.example import Example, example_of
from impact_eval.designs.contract.heeding import NO_CHOICE


def check_denied_is_refused(design: type[Design]) -> None:
    """8. What the declaration denies is refused with a code, never ignored."""
    example, info = example_of(design), design.info
    with_role = {
        "weights": (info.weights, example.weighted),
        "cluster": (info.clusters, example.clustered),
        "covariates": (info.covariates, example.covaried),
    }
    for role, (accepted, variant) in with_role.items():
        if not accepted and not example.roles.get(role):
            expect(variant(), "role_not_accepted")
    for name, allowed in info.options.items():
        if allowed and isinstance(allowed[0], str):
            _expect_option_refused(example, name)


def _expect_option_refused(example: Example, name: str) -> None:
    def fit() -> object:
        design = replace(example.design, **{name: NO_CHOICE})  # type: ignore[type-var]
        return replace(example, design=design).fit()

    found = codes_of(fit)
    assert found is not None, f"{name}={NO_CHOICE!r} gave a result"
    assert "unknown_option" in found, f"{name}={NO_CHOICE!r} gave {found}"


def check_bad_input(design: type[Design]) -> None:
    """12. Bad input of every kind is refused in words, before any number."""
    example = example_of(design)
    _refuse_bad_outcomes(example)
    _refuse_bad_tables(example)


def _refuse_bad_outcomes(example: Example) -> None:
    values = example.frame[example.outcome]
    text = values.astype(object)
    text.iloc[0] = "environ 3"
    expect(example.with_outcome(text), "text_outcome")
    infinite = values.astype(float)
    infinite.iloc[0] = np.inf
    expect(example.with_outcome(infinite), "infinite_values")
    expect(example.with_outcome(pd.Series(1.0, index=values.index)), "constant_outcome")
    expect(example.with_outcome(pd.Series(np.nan, index=values.index)), "empty_outcome")
    expect(replace(example, outcome="no_such_column"), "missing_column")


def _refuse_bad_tables(example: Example) -> None:
    frame, roles = example.frame, example.roles
    expect(example.on(frame.iloc[:0]), "empty_table")
    if "unit" in roles:
        repeated = pd.concat([frame, frame.iloc[:2]], ignore_index=True)
        expect(example.on(repeated), "duplicated_rows")
    if "cohort" in roles:
        never = frame.assign(**{roles["cohort"]: np.inf})
        expect(example.on(never), "no_treated", "assignment_missing")
    if "treatment" in roles and "time" not in roles:
        column = roles["treatment"]
        expect(example.on(frame.assign(**{column: 0})), "no_treated")
        expect(example.on(frame.assign(**{column: 1})), "no_comparison")
    if "time" in roles:
        once = frame[frame[roles["time"]] == frame[roles["time"]].max()]
        codes = ("too_few_periods", "shape_not_accepted", "no_comparison", "empty_table")
        expect(example.on(once), *codes)
