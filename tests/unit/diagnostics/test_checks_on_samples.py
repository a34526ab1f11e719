"""Balance and attrition read from a Sample, in a cross-section and in a panel."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core import NotApplicable
from impact_eval.data.sample import Sample
from impact_eval.diagnostics.attrition import AttritionCheck, losses
from impact_eval.diagnostics.balance import Baseline, CovariateBalance, baseline
from impact_eval.diagnostics.check import CheckContext, CheckStatus


@dataclass(frozen=True)
class Declared:
    """Stands for a design of a given ceiling."""

    evidence_ceiling: int

    @property
    def info(self) -> Any:
        return self


def people(shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    treated = np.arange(200) % 2
    age = rng.normal(40, 10, 200)
    age[treated == 1] += 10 * shift - age[treated == 1].mean() + age[treated == 0].mean()
    return pd.DataFrame({"t": treated, "age": age, "y": rng.normal(size=200)})


def run(check: Any, sample: Sample, ceiling: int = 3) -> Any:
    design: Any = Declared(ceiling)
    none: Any = None
    return check.run(CheckContext(sample=sample, outcome="y", design=design, estimate=none))


@pytest.mark.parametrize(
    ("shift", "status"),
    [(0.0, CheckStatus.PASSED), (0.18, CheckStatus.WARNING), (0.5, CheckStatus.FAILED)],
)
def test_balance_of_an_observed_comparison(shift: float, status: CheckStatus) -> None:
    found = run(CovariateBalance(), Sample(people(shift), treatment="t", covariates=["age"]))
    assert found.status is status
    assert found.rows[0]["variable"] == "age"
    assert found.rows[0]["difference"] == pytest.approx(10 * shift, abs=1e-9)


def test_balance_of_a_draw_is_judged_jointly() -> None:
    sample = Sample(people(0.18), treatment="t", covariates=["age"])
    assert run(CovariateBalance(), sample, ceiling=4).status is CheckStatus.PASSED
    sample = Sample(people(0.6), treatment="t", covariates=["age"])
    assert run(CovariateBalance(), sample, ceiling=4).status is CheckStatus.FAILED


def test_balance_without_covariates_says_so() -> None:
    assert run(CovariateBalance(), Sample(people(), treatment="t")).reason == "no_covariates"


def panel() -> pd.DataFrame:
    unit, year = np.divmod(np.arange(40), 4)
    cohort = np.where(unit < 4, 2022, np.where(unit < 6, 2023, 0))
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"u": unit, "an": 2020 + year, "g": cohort, "x": unit * 1.0})
    frame["y"] = rng.normal(size=40) + unit
    return frame


def test_baseline_of_a_panel_adds_the_outcome_before_anybody_is_treated() -> None:
    frame = panel()
    found = baseline(Sample(frame, unit="u", time="an", cohort="g", covariates=["x"]), "y")
    assert isinstance(found, Baseline)
    assert found.names == ("x", "y")
    assert found.treated.sum() == 6
    before = frame[frame.an < 2022].groupby("u").y.mean().to_numpy()
    np.testing.assert_allclose(found.x[:, 1], before)


def test_losses_of_a_panel_are_units_missing_at_the_end() -> None:
    frame = panel()
    frame.loc[(frame.u == 0) & (frame.an == 2023), "y"] = np.nan
    frame.loc[(frame.u == 9) & (frame.an == 2021), "y"] = np.nan
    found = losses(Sample(frame, unit="u", time="an", cohort="g"), "y")
    assert not isinstance(found, NotApplicable)
    assert found[0].tolist() == [True] + [False] * 9


def test_attrition_statuses_of_a_trial() -> None:
    for lost, status in (((5, 5), "passed"), ((12, 5), "warning"), ((40, 5), "failed")):
        frame = people()
        for arm, count in zip((1, 0), lost, strict=True):
            frame.loc[frame.index[frame.t == arm][:count], "y"] = np.nan
        found = run(AttritionCheck(), Sample(frame, treatment="t"), ceiling=4)
        assert found.status.value == status
        assert found.values["lost"] == sum(lost)
        assert [row["lost"] for row in found.rows] == list(lost)


def test_no_treatment_role_says_so() -> None:
    sample = Sample(people(), covariates=["age"])
    assert run(CovariateBalance(), sample).reason == "no_treatment_role"
    assert run(AttritionCheck(), sample).reason == "no_treatment_role"
