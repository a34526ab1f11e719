"""Identities of the numbers: outcomes, weights, groups swapped, rows twice, missing outcomes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import ImpactEvalError
from impact_eval.designs.base import Design
from impact_eval.designs.contract.comparing import codes_of, moved, same, same_points
from impact_eval.designs.contract.example import SEED, WEIGHTS, Example, example_of

SCALE, SHIFT = 3.5, 40.0
PART = 0.3  # of the weight of a unit that is there twice
HOLES = 0.08  # share of the outcomes that are made missing


def removes_level(design: type[Design]) -> bool:
    """Whether every row is a contrast: then a constant added to the outcome changes nothing."""
    return set(design.info.estimands) != {"mean"}


def check_affine_outcome(design: type[Design]) -> None:
    """4. Outcome a + b·y multiplies the effect by b and leaves p alone."""
    if not design.info.linear_in_outcome:
        return
    example = example_of(design)
    shift = SHIFT if removes_level(design) else 0.0
    other = example.with_outcome(shift + SCALE * example.frame[example.outcome])
    same(example.fit(), other.fit(), "outcome a + b·y", SCALE, fixed=example.without)


def check_weight_scale(design: type[Design]) -> None:
    """5. Weights times a constant change nothing."""
    if not design.info.weights:
        return
    example = example_of(design).weighted()
    column = example.roles["weights"]
    heavier = example.on(example.frame.assign(**{column: example.frame[column] * 1000}))
    same(example.fit(), heavier.fit(), "weights × 1000")


def check_weight_is_row_twice(design: type[Design]) -> None:
    """16. A unit of weight 2 is the unit twice; an unweighted table twice says the same."""
    example = example_of(design)
    units = example.per_unit()
    heavy = np.random.default_rng(SEED).integers(0, 2, size=units.max() + 1).astype(bool)[units]
    if design.info.weights and "weights" not in example.roles:
        frame = example.frame.assign(**{WEIGHTS: 1.0 + heavy})
        weighted = example.on(frame).with_roles(weights=WEIGHTS).fit()
        same_points(twice(example, heavy).fit(), weighted, "weight 2 and the unit twice")
        _check_split(example.weighted(), heavy)
    if design.info.linear_in_outcome and not design.info.seeded:
        same_points(example.fit(), twice(example, heavy | True).fit(), "the whole table twice")


def _check_split(example: Example, rows: NDArray[np.bool_]) -> None:
    """Hold a unit of any weight to the unit twice, with two parts of that weight."""
    pair, column = twice(example, rows), example.roles["weights"]
    copied = np.arange(len(pair.frame)) >= len(example.frame)
    part = np.where(copied, 1 - PART, np.concatenate([np.where(rows, PART, 1.0), copied[copied]]))
    split = pair.on(pair.frame.assign(**{column: pair.frame[column] * part}))
    same_points(example.fit(), split.fit(), "a weight and its two parts")


def twice(example: Example, rows: NDArray[np.bool_]) -> Example:
    """Return the example where the units of some rows are there twice, under another name."""
    frame = example.frame
    copies = frame.loc[np.asarray(rows)]
    names = [example.rows_of(), *_clusters(example)]
    for name in dict.fromkeys(name for name in names if name is not None):
        frame = frame.assign(**{name: frame[name].astype(str)})
        copies = copies.assign(**{name: copies[name].astype(str) + " bis"})
    return example.on(pd.concat([frame, copies], ignore_index=True))


def _clusters(example: Example) -> list[str]:
    named = example.roles.get("cluster")
    return [] if named is None else [named] if isinstance(named, str) else list(named)


def check_sign_flip(design: type[Design]) -> None:
    """6. Swapping the groups flips the sign where it must."""
    example = example_of(design)
    column = example.roles.get("treatment")
    if not design.info.flips_sign or column is None:
        return
    swapped = example.on(example.frame.assign(**{column: 1 - example.frame[column]}))
    same(example.fit(), swapped.fit(), "groups swapped", -1.0)


# -- missing outcomes --------------------------------------------------------------------------


def check_missing_outcomes_counted(design: type[Design]) -> None:
    """12b. Missing outcomes are left out, never read as a number, and counted."""
    example = example_of(design)
    holed, lost = _with_holes(example)
    try:
        estimate = holed.fit()
    except ImpactEvalError:
        return  # refused by name: a design may need a complete panel
    told = any(step.dropped or step.units_dropped for step in estimate.flow) or any(
        "missing" in finding.code or "unbalanced" in finding.code for finding in estimate.findings
    )
    assert told, "rows with a missing outcome left without being counted"
    _check_absent(holed, lost)
    if design.info.linear_in_outcome and removes_level(design):
        raised = holed.with_outcome(holed.frame[holed.outcome] + 1000 * SHIFT)
        same_points(estimate, raised.fit(), "missing outcomes, all outcomes higher")
    complete = example.fit()
    if len(complete) == len(estimate):
        assert moved(complete, estimate, "estimate"), "missing outcomes change nothing"


def _with_holes(example: Example) -> tuple[Example, NDArray[np.bool_]]:
    drawn = np.random.default_rng(SEED).random(len(example.frame))
    lost = drawn < max(HOLES, np.sort(drawn)[1])
    values = example.frame[example.outcome].astype(float)
    return example.with_outcome(values.mask(lost)), lost


def _check_absent(holed: Example, lost: NDArray[np.bool_]) -> None:
    """Hold a row without outcome to what an absent row says."""
    absent = holed.on(holed.frame.loc[~lost].reset_index(drop=True))
    if codes_of(absent.fit) is None:
        same_points(absent.fit(), holed.fit(), "a missing outcome and an absent row")
