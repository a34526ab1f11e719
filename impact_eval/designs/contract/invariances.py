"""What must not change: the inputs, the bytes, the result when only order or names change."""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.provenance import canonical_json
from impact_eval.data.sample import Sample
from impact_eval.designs.base import Design
from impact_eval.designs.contract.comparing import same, same_points
from impact_eval.designs.contract.example import Example, example_of

READ = (
    "n", "n_units", "n_periods", "unit_codes", "unit_labels", "time_codes", "times", "time_labels",
    "time_values", "cluster_names", "cluster_codes", "strata_codes", "unit_cohorts",
)  # fmt: skip
LAST_DIGIT = 9  # periods 9, 10… have another order as text


def check_inputs_unchanged(design: type[Design]) -> None:
    """1. The caller's table is never changed."""
    example = example_of(design)
    before = example.frame.copy(deep=True)
    example.fit()
    pd.testing.assert_frame_equal(example.frame, before)


def check_deterministic(design: type[Design]) -> None:
    """2. The same inputs and seed give the same bytes, whatever the state of shared generators."""
    example = example_of(design)
    found = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the shared generator is what must not be read
        before = (random.getstate(), _global_state(), _settings())
        found.append(canonical_json(example.fit().to_dict()))
        after = (random.getstate(), _global_state(), _settings())
        assert before[:2] == after[:2], "a shared generator was used: draw from the design's seed"
        assert before == after, "settings of numpy, pandas or warnings were left changed"
    assert found[0] == found[1], "two runs on the same inputs differ"


def _global_state() -> str:
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002 - read, to see that nobody moved it
    return f"{kind} {np.asarray(keys).tobytes().hex()} {rest}"


def _settings() -> tuple[object, ...]:
    displayed = ("display.precision", "display.max_rows", "mode.chained_assignment")
    return (np.geterr(), *(pd.get_option(name) for name in displayed), list(warnings.filters))


def check_order_and_labels(design: type[Design]) -> None:
    """3. Row order, unit labels and the year in which time starts do not matter."""
    example = example_of(design).rich()
    reference = example.fit()
    shuffled = example.frame.sample(frac=1, random_state=7).reset_index(drop=True)
    same(reference, example.on(shuffled).fit(), "row order")
    _check_calendar(example)
    unit = example.rows_of()
    if unit is None or design.info.seeded:
        return  # a seeded draw is attached to units in the order of their labels
    relabelled = shuffled.copy()
    relabelled[unit] = "u" + shuffled[unit].rank(method="dense", ascending=False).astype(str)
    same(reference, example.on(relabelled).fit(), "unit labels")


def _check_calendar(example: Example) -> None:
    """Move every period and start by the same number: results move with it and nothing else."""
    time, cohort = example.roles.get("time"), example.roles.get("cohort")
    if time is None or not pd.api.types.is_numeric_dtype(example.frame[time]):
        return
    later = LAST_DIGIT - float(example.frame[time].min())
    frame = example.frame.assign(**{time: example.frame[time] + later})
    if cohort is not None:
        start = pd.to_numeric(frame[cohort], errors="coerce")
        never = start.isna() | (start == 0)
        frame = frame.assign(**{cohort: frame[cohort].where(never, start + later)})
    one, other = example.fit(), example.on(frame).fit()
    same_points(one, other, f"every period {later:g} later")
    shift = [(_shift(a.group, b.group), _shift(a.time, b.time)) for a, b in
             zip(one.effects, other.effects, strict=True)]  # fmt: skip
    for a, (group, when) in zip(one.effects, shift, strict=True):
        assert group in (0, later), f"{a.key}: time moved by {later:g}, its group by {group:g}"
        assert when in (0, later), f"{a.key}: time moved by {later:g}, its time by {when:g}"


def _shift(before: Any, after: Any) -> float:
    numbers = isinstance(before, (int, float)) and isinstance(after, (int, float))
    return float(after) - float(before) if numbers else float(before != after)


# -- the sample, deeply ------------------------------------------------------------------------


def check_sample_unchanged(design: type[Design]) -> None:
    """18. The sample is the same object, deeply, after a fit: a second fit gives the same bytes."""
    example = example_of(design).rich()
    outcome = example.outcome
    kept, used = example.on(example.frame.copy(deep=True)).sample(), example.sample()
    frame, table = used.frame, used.frame.copy(deep=True)
    parts = {item.name: getattr(used, item.name) for item in fields(used)}
    first = canonical_json(example.design.fit(used, outcome).to_dict())
    assert used.frame is frame, "the sample's table was replaced by another"
    pd.testing.assert_frame_equal(used.frame, table)
    changed = [name for name, part in parts.items() if getattr(used, name) is not part]
    assert not changed, f"parts of the sample were replaced: {changed}"
    one, other = _read(kept, outcome), _read(used, outcome)
    different = sorted(name for name in one if not _alike(one[name], other[name]))
    assert not different, f"parts of the sample were changed in place: {different}"
    again = canonical_json(example.design.fit(used, outcome).to_dict())
    assert first == again, "a second fit on the same sample gives another result"


def _read(sample: Sample, outcome: str) -> dict[str, Any]:
    parts = {item.name: getattr(sample, item.name) for item in fields(sample)}
    parts |= {name: getattr(sample, name) for name in READ}
    parts[outcome] = sample.outcome(outcome)
    return parts


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are equal, down to the bytes of their arrays."""
    if isinstance(one, pd.DataFrame):
        return isinstance(other, pd.DataFrame) and one.equals(other)
    if isinstance(one, np.ndarray):
        return _same_array(one, other)
    if isinstance(one, Mapping):
        return set(one) == set(other) and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(_alike, one, other))
    names = getattr(one, "__dataclass_fields__", None)
    if names is not None:
        return all(_alike(getattr(one, name), getattr(other, name)) for name in names)
    return bool(one == other)


def _same_array(one: NDArray[Any], other: Any) -> bool:
    if not isinstance(other, np.ndarray) or (one.shape, one.dtype) != (other.shape, other.dtype):
        return False
    if one.dtype == object:
        return bool(one.tolist() == other.tolist())
    return one.tobytes() == other.tobytes()
