"""Overlap, confounding, and what estimates say about themselves."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core import Estimate, MethodRecord
from impact_eval.data.sample import Sample
from impact_eval.diagnostics import (
    BaconCheck,
    CheckContext,
    Confounding,
    NegativeWeights,
    Overlap,
    SyntheticFit,
)

NOTHING: Any = None


def people(pull: float, effect: float = 1.0, hidden: float = 0.0) -> Sample:
    rng = np.random.default_rng(7)
    age, skill = rng.normal(size=(2, 400))
    treated = (pull * age + rng.logistic(size=400) > 0) * 1
    y = effect * treated + 0.5 * age + hidden * skill + rng.normal(size=400)
    frame = pd.DataFrame({"t": treated, "age": age, "skill": skill, "y": y})
    return Sample(frame, treatment="t", covariates=["age", "skill"])


def on(check: Any, sample: Sample = NOTHING, **details: Any) -> Any:
    estimate = Estimate(
        outcome="y",
        estimand="att",
        method=MethodRecord("m"),
        effects=(),
        covariance=np.empty((0, 0)),
        counterfactual=True,
        details=details,
    )
    return check.run(CheckContext(sample=sample, outcome="y", design=NOTHING, estimate=estimate))


def test_overlap() -> None:
    assert on(Overlap(), people(0.3)).status.value == "passed"
    found = on(Overlap(), people(6.0))
    assert found.status.value == "failed"
    assert found.values["share_outside"] > 0.1


def test_confounding() -> None:
    strong = on(Confounding(), people(0.5, effect=2.0))
    assert strong.status.value == "passed"
    assert strong.values["robustness"] > 0.3
    weak = on(Confounding(), people(2.0, effect=0.0))
    assert weak.status.value in ("warning", "failed")
    assert weak.values["benchmark"] == "age"


def test_bacon_and_negative_weights_read_the_details() -> None:
    kinds = {"treated_vs_never": {"weight": 0.7, "estimate": 1.0},
             "later_vs_earlier": {"weight": 0.3, "estimate": -1.0}}  # fmt: skip
    found = on(BaconCheck(), bacon={"kinds": kinds, "total": 0.4})
    assert (found.reason, found.values["forbidden"]) == ("bacon_forbidden", 0.3)
    weights = {"treated_cells": 10, "negative": 2, "negative_sum": -0.2}
    found = on(NegativeWeights(), effect_weights=weights)
    assert found.values["share"] == pytest.approx(0.2)
    assert on(BaconCheck()).reason == "no_decomposition"
    refused = {"not_applicable": "bacon_needs_balanced", "values": {}}
    assert on(BaconCheck(), bacon=refused).status.value == "not_applicable"


@pytest.mark.parametrize(("gap", "status"), [(0.1, "passed"), (0.3, "warning"), (0.9, "failed")])
def test_synthetic_fit(gap: float, status: str) -> None:
    entries = [{"group": 5.0, "rmspe_pre": 0.01, "spread_pre": 1.0},
               {"group": 6.0, "rmspe_pre": gap, "spread_pre": 1.0}]  # fmt: skip
    assert on(SyntheticFit(), synthetic=entries).status.value == status
