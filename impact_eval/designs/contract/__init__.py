"""The contract battery: what every registered design must satisfy, ours or a third party's.

Each check is a function of a design class that raises `AssertionError` with the reason. A plug-in's
tests need three lines::

    @pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
    def test_my_design(check):
        check(MyDesign)

A design whose options have no default that works on the usual synthetic tables (it names a column,
say) gives its own example by a class method ``contract_example(rng) -> Example``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from impact_eval.core.estimate import TIDY_COLUMNS, Estimate
from impact_eval.core.findings import ImpactEvalError, NotApplicable
from impact_eval.core.provenance import canonical_json
from impact_eval.data import synthetic
from impact_eval.data.sample import DataShape, Sample
from impact_eval.designs.base import Design, check_options

SEED = 20240101
CLOSE = 1e-8  # relative: what another order of summation may move


@dataclass(frozen=True, slots=True)
class Example:
    """A design with options that work on a table, the roles of its columns, and an outcome."""

    design: Design
    frame: pd.DataFrame
    roles: Mapping[str, Any]
    outcome: str = "y"

    def fit(self) -> Estimate:
        """Fit the design on the example."""
        return self.design.fit(Sample(self.frame, **self.roles), self.outcome)


def example_of(design: type[Design], seed: int = SEED) -> Example:
    """Return the example of a design: its own, or the usual table of the first shape it accepts."""
    rng = np.random.default_rng(seed)
    own = getattr(design, "contract_example", None)
    if own is not None:
        example = own(rng)
        assert isinstance(example, Example), "contract_example returns an Example"
        return example
    return Example(design(), *_usual_table(design, rng))


def _usual_table(
    design: type[Design], rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, Any]]:
    shapes = design.info.shapes
    if DataShape.PANEL in shapes:
        roles = {"unit": "id", "time": "period"}
        if not design.info.assignment:
            return synthetic.before_after(rng), roles
        return synthetic.staggered_panel(rng), roles | {"cohort": "cohort"}
    if DataShape.CROSS_SECTION in shapes:
        return synthetic.trial(rng), {"unit": "id", "treatment": "treated"}
    return synthetic.repeated_cross_section(rng), {"time": "period", "cohort": "cohort"}


def _same(one: Estimate, other: Estimate, what: str, scale: float = 1.0) -> None:
    a, b = one.estimates * scale, other.estimates
    size = np.nanmax(np.abs(a), initial=1e-12)
    assert a.shape == b.shape, f"{what}: {a.shape[0]} rows became {b.shape[0]}"
    np.testing.assert_allclose(b, a, rtol=1e-6, atol=CLOSE * size, err_msg=what)
    pa = [np.nan if e.p_value is None else e.p_value for e in one.effects]
    pb = [np.nan if e.p_value is None else e.p_value for e in other.effects]
    np.testing.assert_allclose(pb, pa, rtol=1e-5, atol=1e-9, err_msg=f"{what}: p-values")


def check_inputs_unchanged(design: type[Design]) -> None:
    """1. The caller's table is never changed."""
    example = example_of(design)
    before = example.frame.copy(deep=True)
    example.fit()
    pd.testing.assert_frame_equal(example.frame, before)


def check_deterministic(design: type[Design]) -> None:
    """2. The same inputs and seed give the same bytes."""
    example = example_of(design)
    one, other = (canonical_json(example.fit().to_dict()) for _ in range(2))
    assert one == other, "two runs on the same inputs differ"


def check_order_and_labels(design: type[Design]) -> None:
    """3. Row order and unit labels do not matter."""
    example = example_of(design)
    reference = example.fit()
    shuffled = example.frame.sample(frac=1, random_state=7).reset_index(drop=True)
    _same(reference, replace(example, frame=shuffled).fit(), "row order")
    unit = example.roles.get("unit")
    if unit is None or design.info.seeded:
        return  # a seeded draw is attached to units in the order of their labels
    relabelled = shuffled.copy()
    relabelled[unit] = "u" + shuffled[unit].rank(method="dense", ascending=False).astype(str)
    _same(reference, replace(example, frame=relabelled).fit(), "unit labels")


def check_affine_outcome(design: type[Design]) -> None:
    """4. Outcome a + b·y multiplies the effect by b and leaves p alone."""
    if not design.info.linear_in_outcome:
        return
    example = example_of(design)
    reference = example.fit()
    scale, shift = 3.5, 0.0 if not _removes_level(design) else 40.0
    moved = example.frame.assign(
        **{example.outcome: shift + scale * example.frame[example.outcome]}
    )
    _same(reference, replace(example, frame=moved).fit(), "outcome a + b·y", scale)


def _removes_level(design: type[Design]) -> bool:
    """Whether every row is a contrast: then a constant added to the outcome changes nothing."""
    return set(design.info.estimands) != {"mean"}


def check_weight_scale(design: type[Design]) -> None:
    """5. Weights times a constant change nothing."""
    if not design.info.weights:
        return
    example = example_of(design)
    if "w" not in example.frame:
        return
    roles = {**example.roles, "weights": "w"}
    heavier = example.frame.assign(w=example.frame["w"] * 1000)
    reference = replace(example, roles=roles).fit()
    _same(reference, replace(example, roles=roles, frame=heavier).fit(), "weights × 1000")
    unweighted = example.fit()
    assert not np.allclose(unweighted.estimates, reference.estimates, equal_nan=True), (
        "weights are accepted but change nothing"
    )


def check_sign_flip(design: type[Design]) -> None:
    """6. Swapping the groups flips the sign where it must."""
    role = "treatment"
    example = example_of(design)
    if not design.info.flips_sign or role not in example.roles:
        return
    column = example.roles[role]
    swapped = example.frame.assign(**{column: 1 - example.frame[column]})
    _same(example.fit(), replace(example, frame=swapped).fit(), "groups swapped", -1.0)


def _other_values(design: Design) -> Iterator[tuple[str, Any]]:
    """Yield, for each option, the other values worth trying."""
    for item in fields(design):  # type: ignore[arg-type]  # every design is a dataclass
        value = getattr(design, item.name)
        allowed = design.info.options.get(item.name, ())
        if allowed:
            yield from ((item.name, other) for other in allowed if other != value)
        elif isinstance(value, bool):
            yield item.name, not value
        elif isinstance(value, int):
            yield item.name, value + 1
        elif isinstance(value, float):
            yield item.name, value * 0.5 + 0.01


def check_no_inert_option(design: type[Design]) -> None:
    """7. Every option changes some result: rows, details or findings."""
    example = _rich_example(design)
    reference = _printed(example)
    moved: dict[str, bool] = {}
    for name, value in _other_values(example.design):
        try:
            other = replace(example, design=replace(example.design, **{name: value}))  # type: ignore[type-var]
            changed = _printed(other) != reference
        except ImpactEvalError:
            changed = True  # refused by name: the option is read
        moved[name] = moved.get(name, False) or changed
    inert = sorted(name for name, changed in moved.items() if not changed)
    assert not inert, f"options that change no result: {inert}"


def _rich_example(design: type[Design]) -> Example:
    """Return the example with the roles a design accepts that its table has."""
    example = example_of(design)
    roles = dict(example.roles)
    if design.info.covariates and "x" in example.frame:
        roles.setdefault("covariates", ["x"])
    if design.info.weights and "w" in example.frame:
        roles.setdefault("weights", "w")
    return replace(example, roles=roles)


def _printed(example: Example) -> str:
    """Return everything a result prints but the record of its own options."""
    estimate = example.fit()
    data = estimate.to_dict()
    data["method"].pop("options")
    if estimate.aggregator is not None:
        data["aggregates"] = [
            [effect.estimate for effect in estimate.aggregate(kind).effects]
            for kind in estimate.aggregator.kinds
        ]
    return canonical_json(data)


def check_denied_is_refused(design: type[Design]) -> None:
    """8. What the declaration denies is refused with a code, never ignored."""
    example = example_of(design)
    denied = {"weights": ("w", design.info.weights), "cluster": ("cluster", design.info.clusters),
              "covariates": (["x"], design.info.covariates)}  # fmt: skip
    for role, (column, accepted) in denied.items():
        name = column[0] if isinstance(column, list) else column
        if accepted or name not in example.frame or role in example.roles:
            continue
        _expect(replace(example, roles={**example.roles, role: column}), "role_not_accepted")
    for name, allowed in design.info.options.items():
        if allowed and isinstance(allowed[0], str):
            _expect_option_refused(example.design, name)


def _expect_option_refused(design: Design, name: str) -> None:
    try:
        check_options(replace(design, **{name: "no_such_choice"}))  # type: ignore[type-var]
        codes: tuple[str, ...] = ()
    except ImpactEvalError as error:
        codes = error.codes
    assert "unknown_option" in codes, f"{name}='no_such_choice' gave {codes or 'a result'}"


def _expect(example: Example, *codes: str) -> None:
    try:
        example.fit()
        found: tuple[str, ...] = ()
    except ImpactEvalError as error:
        found = error.codes
    assert set(found) & set(codes), f"expected one of {codes}, got {found or 'a result'}"


def check_result_shape(design: type[Design]) -> None:
    """9. Tidy columns are exact and the JSON round trip is exact."""
    estimate = example_of(design).fit()
    assert tuple(estimate.tidy().columns) == TIDY_COLUMNS
    data = estimate.to_dict()
    again = Estimate.from_dict(data)
    assert canonical_json(again.to_dict()) == canonical_json(data), "JSON round trip"
    assert again.effects == estimate.effects
    assert estimate.method.name == design.info.name
    assert estimate.counterfactual is design.info.counterfactual


def check_undefined_has_reason(design: type[Design]) -> None:
    """10. What is undefined says why: a reason, never a silent gap or a zero."""
    estimate = example_of(design).fit()
    absent = estimate.test(terms=["no_such_term"])
    assert isinstance(absent, NotApplicable), "a test of nothing gives its reason"
    for effect in estimate.effects:
        assert effect.std_error is None or effect.std_error > 0, f"{effect.key}: zero error"
        undefined = effect.estimate is None or effect.std_error is None
        assert not undefined or estimate.findings, f"{effect.key} is empty without a finding"


def check_bad_input(design: type[Design]) -> None:
    """12. Bad input of every kind is refused in words, before any number."""
    example = example_of(design)
    frame, roles, outcome = example.frame, dict(example.roles), example.outcome
    text = frame[outcome].astype(object)
    text.iloc[0] = "environ 3"
    _expect(replace(example, frame=frame.assign(**{outcome: text})), "text_outcome")
    infinite = frame[outcome].astype(float)
    infinite.iloc[0] = np.inf
    _expect(replace(example, frame=frame.assign(**{outcome: infinite})), "infinite_values")
    _expect(replace(example, frame=frame.assign(**{outcome: 1.0})), "constant_outcome")
    _expect(replace(example, frame=frame.assign(**{outcome: np.nan})), "empty_outcome")
    _expect(replace(example, outcome="no_such_column"), "missing_column")
    _expect(replace(example, frame=frame.iloc[:0]), "empty_table")
    if "unit" in roles:
        twice = pd.concat([frame, frame.iloc[:2]], ignore_index=True)
        _expect(replace(example, frame=twice), "duplicated_rows")
    if "cohort" in roles:
        never = frame.assign(**{roles["cohort"]: np.inf})
        _expect(replace(example, frame=never), "no_treated", "assignment_missing")
    if "treatment" in roles and "time" not in roles:
        nobody = frame.assign(**{roles["treatment"]: 0})
        _expect(replace(example, frame=nobody), "no_treated")
        everybody = frame.assign(**{roles["treatment"]: 1})
        _expect(replace(example, frame=everybody), "no_comparison")
    if "time" in roles:
        once = frame[frame[roles["time"]] == frame[roles["time"]].max()]
        codes = ("too_few_periods", "shape_not_accepted", "no_comparison", "empty_table")
        _expect(replace(example, frame=once), *codes)


def check_missing_outcomes_counted(design: type[Design]) -> None:
    """12b. Missing outcomes are left out and counted in the flow or the findings."""
    example = example_of(design)
    holes = example.frame[example.outcome].astype(float)
    holes.iloc[[0, 5]] = np.nan
    try:
        estimate = replace(example, frame=example.frame.assign(**{example.outcome: holes})).fit()
    except ImpactEvalError:
        return  # refused by name: a design may need a complete panel
    told = any(step.dropped for step in estimate.flow) or any(
        "missing" in finding.code or "unbalanced" in finding.code for finding in estimate.findings
    )
    assert told, "rows with a missing outcome left without being counted"


CHECKS: Mapping[str, Callable[[type[Design]], None]] = MappingProxyType(
    {
        "inputs_unchanged": check_inputs_unchanged,
        "deterministic": check_deterministic,
        "order_and_labels": check_order_and_labels,
        "affine_outcome": check_affine_outcome,
        "weight_scale": check_weight_scale,
        "sign_flip": check_sign_flip,
        "no_inert_option": check_no_inert_option,
        "denied_is_refused": check_denied_is_refused,
        "result_shape": check_result_shape,
        "undefined_has_reason": check_undefined_has_reason,
        "bad_input": check_bad_input,
        "missing_outcomes_counted": check_missing_outcomes_counted,
    }
)


def null_rejections(design: type[Design], *, draws: int, level: float = 0.05) -> tuple[int, int]:
    """13. Count rejections at `level` of the first row when nothing happens.

    Tables are redrawn with the effect removed; compare the count with the binomial band.

    Returns
    -------
    rejections, draws : int
    """
    rejections = used = 0
    for draw in range(draws):
        example = example_of(design, seed=SEED + draw)
        frame = example.frame
        if "truth" in frame:
            frame = frame.assign(**{example.outcome: frame[example.outcome] - frame["truth"]})
        estimate = replace(example, frame=frame).fit()
        if estimate.aggregator is not None and "simple" in estimate.aggregator.kinds:
            estimate = estimate.aggregate("simple")
        p_value = estimate.effects[0].p_value
        if p_value is not None:
            used += 1
            rejections += p_value < level
    return rejections, used
