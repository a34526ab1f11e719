"""What was noticed in the sample is told again with the estimate."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from impact_eval.core.findings import Finding, Place
from impact_eval.designs.base import Design
from impact_eval.designs.contract.comparing import codes_of
from impact_eval.designs.contract.example import Example, example_of

FEW = 2  # units that start before the first period, and after the last


def check_findings_kept(design: type[Design]) -> None:
    """20. Findings of the sample are those of the estimate, but for those that `info` retells."""
    for example in _examples(design):
        sample = example.sample()
        before = (*sample.findings, *_noticed_when_read(example))
        object.__setattr__(sample, "findings", before)  # as a reader of tables leaves them
        if codes_of(partial(example.design.fit, sample, example.outcome)) is not None:
            continue
        after = example.design.fit(sample, example.outcome).findings
        codes = {finding.code for finding in after}
        lost = {f.code for f in before if f not in after}
        lost = {code for code in lost if design.info.retold.get(code) not in codes}
        assert not lost, f"findings of the sample that the estimate does not tell: {sorted(lost)}"


def _noticed_when_read(example: Example) -> tuple[Finding, ...]:
    place = Place(column=example.outcome)
    return (Finding.info("numbers_written_as_text", place, column=example.outcome, n=1),)


def _examples(design: type[Design]) -> Iterator[Example]:
    """Yield the example, then with units that start too early or too late for the panel."""
    example = example_of(design)
    yield example
    cohort, time = example.roles.get("cohort"), example.roles.get("time")
    if cohort is None or time is None:
        return
    start = pd.to_numeric(example.frame[cohort], errors="coerce").to_numpy(dtype=float)
    times, units = example.frame[time], example.per_unit()
    never = np.unique(units[~np.isfinite(start) | (start == 0)])
    for chosen, when in ((never[:FEW], times.min()), (never[-FEW:], times.max() + 1)):
        moved = np.where(np.isin(units, chosen), when, start)
        yield example.on(example.frame.assign(**{cohort: moved}))
