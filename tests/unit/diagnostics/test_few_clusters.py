"""The few-territories rule: the randomisation interval is exact, the usual one is set aside."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core import NotApplicable
from impact_eval.data.sample import Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs import CallawaySantAnna, ImputationDiD, SyntheticDiD
from impact_eval.diagnostics import CheckContext, FewClustersCheck, few_clusters_inference
from impact_eval.diagnostics.few_clusters import (
    FewClusters,
    Reliability,
    Territories,
    territories,
)
from impact_eval.stats.inference.covariance import Clustered

ROLES = {"unit": "id", "time": "period", "cohort": "cohort"}


def panel(units: int, cohorts: tuple[float, ...], seed: int = 2) -> pd.DataFrame:
    return staggered_panel(np.random.default_rng(seed), units=units, periods=6, cohorts=cohorts)


def answer(frame: pd.DataFrame, design: Any, **roles: Any) -> FewClusters:
    sample = Sample(frame, **(roles or ROLES))
    found = few_clusters_inference(sample, "y", design, design.fit(sample, "y"))
    assert isinstance(found, FewClusters)
    return found


def test_many_territories_keep_the_usual_interval() -> None:
    found = answer(panel(60, (3.0, 4.0, np.inf)), CallawaySantAnna())
    assert not found.few
    assert found.rows[0].status is Reliability.HEADLINE
    assert found.rows[0].method == "callaway_santanna"


def test_the_statistic_is_the_callaway_santanna_estimate() -> None:
    design = CallawaySantAnna()
    sample = Sample(panel(20, (3.0, 4.0, np.inf, np.inf)), **ROLES)
    found = few_clusters_inference(sample, "y", design, design.fit(sample, "y"))
    assert isinstance(found, FewClusters)
    effect = found.headline
    assert found.rows[0].method == "randomisation"
    assert effect.statistic == pytest.approx(effect.estimate, rel=1e-10)
    assert effect.conf_low < effect.estimate < effect.conf_high
    assert [row.status.value for row in found.rows] == ["headline", "beside", "not_reliable_here"]
    assert found.false_positive is not None
    assert 0.0 < found.false_positive.rate < 0.4


def test_enumeration_by_hand() -> None:
    rng = np.random.default_rng(5)
    y = rng.normal(size=(7, 4))
    starts = np.array([2, 2, 4, 4, 4, 4, 4])
    change = y[:, 2:].mean(axis=1) - y[:, 1]

    def gap(chosen: tuple[int, ...]) -> float:
        mask = np.isin(np.arange(7), chosen)
        return float(change[mask].mean() - change[~mask].mean())

    drawn = [gap(chosen) for chosen in combinations(range(7), 2)]
    expected = float(np.mean(np.abs(drawn) >= abs(drawn[0]) - 1e-12))
    frame = pd.DataFrame(
        {
            "u": np.repeat(np.arange(7), 4),
            "t": np.tile(np.arange(4), 7),
            "g": np.repeat(np.where(starts < 4, starts, np.inf), 4),
            "y": y.ravel(),
        }
    )
    found = answer(frame, CallawaySantAnna(), unit="u", time="t", cohort="g")
    assert found.exact
    assert found.n_draws == 21
    assert found.headline.p_value == pytest.approx(expected)
    assert found.headline.statistic == pytest.approx(drawn[0])


def test_adding_a_constant_effect_moves_the_interval_by_it() -> None:
    frame = panel(20, (3.0, 4.0, np.inf, np.inf))
    treated = frame.period >= frame.cohort
    one = answer(frame, ImputationDiD()).headline
    other = answer(frame.assign(y=frame.y + 5.0 * treated), ImputationDiD()).headline
    assert other.conf_low == pytest.approx(one.conf_low + 5, abs=1e-9)
    assert other.conf_high == pytest.approx(one.conf_high + 5, abs=1e-9)


def test_everybody_enters_in_the_end() -> None:
    found = answer(panel(12, (3.0, 5.0)), CallawaySantAnna(control_group="not_yet_treated"))
    assert found.rows[0].method == "randomisation"


def test_people_within_territories_are_gathered() -> None:
    frame = staggered_panel(
        np.random.default_rng(1), units=120, cohorts=(3.0, np.inf), units_per_cluster=10
    )
    frame["territory"] = frame.id % 2 + 2 * ((frame.id - 1000) // 20)
    sample = Sample(frame, **ROLES, cluster="territory")
    found = territories(sample, "y")
    assert isinstance(found, Territories)
    assert found.n == frame.territory.nunique()
    means = frame.groupby(["territory", "period"]).y.mean().unstack().to_numpy()
    np.testing.assert_allclose(found.y, means)


def test_a_margin_asked_for_by_name_is_the_one_printed() -> None:
    frame = panel(20, (3.0, 4.0, np.inf, np.inf))
    sample = Sample(frame, **ROLES)
    for correction, method in (("CR1", "asked"), ("CR2", "corrected")):
        design = CallawaySantAnna(covariance=Clustered(correction=correction))
        estimate = design.fit(sample, "y")
        found = few_clusters_inference(sample, "y", design, estimate)
        assert isinstance(found, FewClusters)
        assert found.rows[0].method == method
        assert found.headline == estimate.aggregate("simple")["att"]
        assert found.textbook is None


def test_the_usual_margin_stands_beside_as_not_reliable() -> None:
    sample = Sample(panel(20, (3.0, 4.0, np.inf, np.inf)), **ROLES)
    design = CallawaySantAnna()
    found = few_clusters_inference(sample, "y", design, design.fit(sample, "y"))
    assert isinstance(found, FewClusters)
    usual = CallawaySantAnna(covariance=Clustered(correction="CR1")).fit(sample, "y")
    last = found.rows[-1]
    assert last.status is Reliability.NOT_RELIABLE
    assert last.effect == usual.aggregate("simple")["att"]


def test_with_covariates_the_margin_is_corrected_not_dealt() -> None:
    frame = panel(20, (3.0, 4.0, np.inf, np.inf))
    frame["x"] = np.random.default_rng(1).normal(size=20).repeat(6)
    found = answer(frame, ImputationDiD(), **ROLES, covariates=["x"])
    assert found.rows[0].method == "corrected"
    assert found.n_draws == 0
    assert np.isfinite(found.headline.df)


def test_reasons() -> None:
    frame = panel(12, (3.0, np.inf))
    hole = frame.copy()
    hole.loc[hole.index[0], "y"] = np.nan
    found = territories(Sample(hole, **ROLES), "y")
    assert isinstance(found, NotApplicable)
    assert found.reason == "territory_with_hole"
    mixed = frame.assign(all="one")
    found = territories(Sample(mixed, **ROLES, cluster="all"), "y")
    assert isinstance(found, NotApplicable)
    assert found.reason == "assignment_varies_within_cluster"


def test_status_of_the_check() -> None:
    def status(frame: pd.DataFrame, design: Any) -> tuple[str, str | None]:
        sample = Sample(frame, **ROLES)
        context = CheckContext(
            sample=sample, outcome="y", design=design, estimate=design.fit(sample, "y")
        )
        found = FewClustersCheck().run(context)
        return found.status.value, found.reason

    assert status(panel(60, (3.0, 4.0, np.inf)), CallawaySantAnna()) == ("passed", None)
    few = status(panel(20, (3.0, np.inf, np.inf)), CallawaySantAnna())
    assert few == ("warning", "few_clusters_randomised")
    one = panel(8, (3.0, *([np.inf] * 7)))
    assert status(one, CallawaySantAnna()) == ("failed", "few_clusters_none")
    placebo = panel(20, (4.0, *([np.inf] * 9)))
    assert status(placebo, SyntheticDiD()) == ("warning", "few_clusters_placebo")
