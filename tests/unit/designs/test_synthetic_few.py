"""Few controls know little of the variance: Student's law, with the controls less one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from impact_eval.data.sample import Sample
from impact_eval.designs.synthetic_did import SyntheticDiD


def regions(treated: int, controls: int) -> Sample:
    rng, n = np.random.default_rng(3), treated + controls
    frame = pd.DataFrame({"id": np.repeat(np.arange(n), 6), "year": np.tile(np.arange(6), n)})
    frame["entry"] = np.where(frame["id"] < treated, 4, 0)
    return Sample(frame.assign(y=rng.normal(size=6 * n)), unit="id", time="year", cohort="entry")


def overall(sample: Sample, **options: Any) -> Any:
    return SyntheticDiD(draws=30, **options).fit(sample, "y").aggregate("simple")["att"]


@pytest.mark.parametrize(("treated", "controls"), [(1, 6), (3, 17)])
def test_with_few_the_variance_has_its_degrees_of_freedom(treated: int, controls: int) -> None:
    """A normal law over six controls announced 13 false effects in 100."""
    sample = regions(treated, controls)
    row = overall(sample)
    law = stats.t(controls - 1)
    assert row.p_value == pytest.approx(2 * law.sf(abs(row.estimate / row.std_error)))
    assert row.conf_high == pytest.approx(row.estimate + law.ppf(0.975) * row.std_error)
    named = overall(sample, inference="placebo")
    assert named.std_error == pytest.approx(row.std_error)
    normal = stats.norm.ppf(0.975) * row.std_error
    assert named.conf_high == pytest.approx(row.estimate + normal)


def test_with_many_the_law_is_normal() -> None:
    row = overall(regions(12, 40))
    assert row.p_value == pytest.approx(2 * stats.norm.sf(abs(row.estimate / row.std_error)))
