"""One table written in several ways, and several outcomes of one table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from impact_eval.core.provenance import canonical_json
from impact_eval.designs.base import Design
from impact_eval.designs.contract.comparing import same
from impact_eval.designs.contract.example import Example, example_of

OTHER = "another_outcome"


def check_written_otherwise(design: type[Design]) -> None:
    """3b. The same table written otherwise says the same: yes and no, never treated, columns."""
    example = example_of(design).rich()
    reference = example.fit()
    for what, frame in _writings(example):
        same(reference, example.on(frame).fit(), what)


def _writings(example: Example) -> Iterator[tuple[str, pd.DataFrame]]:
    frame = example.frame
    yield "columns in another order", frame[list(frame.columns[::-1])]
    yield "another index", frame.set_axis(np.arange(len(frame))[::-1] + 7)
    treatment, cohort = example.roles.get("treatment"), example.roles.get("cohort")
    if treatment is not None:
        yield "treatment as yes and no", frame.assign(**{treatment: frame[treatment] == 1})
    if cohort is not None:
        start = pd.to_numeric(frame[cohort], errors="coerce")
        treated = np.isfinite(start) & (start != 0)
        for told in (np.nan, 0.0, np.inf):
            written = frame.assign(**{cohort: start.where(treated, told)})
            yield f"never treated written {told}", written


def check_outcomes_apart(design: type[Design]) -> None:
    """18b. Each outcome of a sample has its own result, under its own name."""
    example = example_of(design).rich()
    values = example.frame[example.outcome].to_numpy(dtype=float)
    noise = np.random.default_rng(len(values)).normal(scale=values.std(), size=len(values))
    both = example.on(example.frame.assign(**{OTHER: values[::-1] + noise}))
    sample = both.sample()
    for outcome in (both.outcome, OTHER):
        found = both.design.fit(sample, outcome)
        names = {found.outcome, *(effect.outcome for effect in found.effects)}
        assert names == {outcome}, f"the result of {outcome} bears the name of {sorted(names)}"
        alone = both.design.fit(both.sample(), outcome)
        assert canonical_json(found.to_dict()) == canonical_json(alone.to_dict()), (
            f"{outcome}: another result after another outcome of the same sample"
        )
