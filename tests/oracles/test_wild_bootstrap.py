"""Wild cluster bootstrap against fwildclusterboot and an enumeration by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.stats.inference.random_weights import RandomWeights
from impact_eval.stats.inference.regression import LinearFit, least_squares
from impact_eval.stats.inference.wild_bootstrap import (
    TailCount,
    WildOptions,
    WildScheme,
    wild_cluster_bootstrap,
)

AWARDS = SecondRung()

Read = Callable[[str], Any]
PARENTS = ("father_ed", "mother_ed")


def _girls(
    table: pd.DataFrame, *covariates: str, pairs: Any = None
) -> tuple[LinearFit, np.ndarray]:
    girls = table[(table.sex == "Girl") & (table.year.astype(str) == "2001")]
    if pairs is not None:
        girls = girls[girls.pair.isin(pairs)]
    girls = girls.dropna(subset=["Bagrut_status", "treated", *covariates])
    X = np.column_stack([np.ones(len(girls)), girls[["treated", *covariates]]])
    return least_squares(girls.Bagrut_status, X), pd.factorize(girls.school_id)[0]


def _run(fit: LinearFit, codes: np.ndarray, options: WildOptions, *, position: int = 1) -> Any:
    contrast = np.eye(len(fit.names))[position]
    return wild_cluster_bootstrap(
        fit, codes, contrast, rng=np.random.default_rng(5), options=options
    )


@AWARDS
def check_enumerated_restricted_and_unrestricted(real_data: Read, reference: Read) -> None:
    stored = reference("causal/wildboot_achievement_awards")["results"]
    exact = reference("causal/wildboot_bruteforce_exact")["results"]
    table = real_data("causal/achievement_awards.csv")
    # the stored regression has father_ed beside treated: it is the one whose coefficient agrees
    fit, codes = _girls(table, "father_ed", pairs=stored["few_clusters_pairs"])
    result = _run(fit, codes, WildOptions())
    few = stored["few_rademacher"]
    assert (result.n_clusters, result.n_draws, result.enumerated) == (9, 512, True)
    assert result.estimate == pytest.approx(few["estimate"], rel=1e-10)
    assert result.statistic == pytest.approx(few["t"], rel=1e-10)
    assert result.p_value_strict == exact["p_two_sided_share_abs_gt"] == few["p"]
    assert result.p_value == exact["p_share_abs_ge"]
    strict = _run(fit, codes, WildOptions(tail=TailCount.STRICT))
    assert strict.p_value == few["p"]
    # their root search stops at 1e-4 of the standard error (0.14)
    assert [strict.conf_low, strict.conf_high] == pytest.approx(few["ci"], abs=3e-5)
    assert result.conf_low < strict.conf_low
    assert result.conf_high > strict.conf_high
    free = _run(fit, codes, WildOptions(WildScheme.WCU11))
    assert free.p_value_strict == pytest.approx(stored["few_rademacher_wcu"]["p"])
    free = _run(fit, codes, WildOptions(WildScheme.WCU11, tail=TailCount.STRICT))
    bounds = stored["few_rademacher_wcu"]["ci"]
    assert [free.conf_low, free.conf_high] == pytest.approx(bounds, abs=1e-5)
    webb = _run(fit, codes, WildOptions(weights=RandomWeights.WEBB, draws=39_999))
    assert webb.p_value == pytest.approx(stored["few_webb"]["p"], abs=4 * 0.003)
    assert [webb.conf_low, webb.conf_high] == pytest.approx(stored["few_webb"]["ci"], abs=0.02)


@AWARDS
@pytest.mark.parametrize(
    ("case", "covariates", "options"),
    [
        ("girls_rademacher", (), WildOptions(draws=39_999)),
        ("girls_webb", (), WildOptions(weights=RandomWeights.WEBB, draws=39_999)),
        ("girls_cov_rademacher", PARENTS, WildOptions(draws=39_999)),
        (
            "girls_cov_wcr31",
            ("father_ed", "mother_ed"),
            WildOptions(WildScheme.WCR31, draws=39_999),
        ),
    ],
)
def check_thirty_four_schools(
    real_data: Read, reference: Read, case: str, covariates: tuple[str, ...], options: WildOptions
) -> None:
    stored = reference("causal/wildboot_achievement_awards")["results"][case]
    fit, codes = _girls(real_data("causal/achievement_awards.csv"), *covariates)
    result = _run(fit, codes, options)
    assert result.estimate == pytest.approx(stored["estimate"], rel=1e-9)
    assert result.statistic == pytest.approx(stored["t"], rel=1e-9)
    # Monte Carlo: sqrt(p(1-p)/B) is 0.0016 here and 0.001 there; four of them
    assert result.p_value == pytest.approx(stored["p"], abs=0.008)
    if stored["ci"]:
        assert [result.conf_low, result.conf_high] == pytest.approx(stored["ci"], abs=0.004)


def test_on_awards(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    AWARDS.run(request, subtests)


def test_castle_two_way_fixed_effects(real_data: Read, reference: Read) -> None:
    stored = reference("causal/wildboot_achievement_awards")["results"]["castle_twfe_rademacher"]
    table = real_data("causal/castle.csv")
    state, year = pd.factorize(table.sid)[0], pd.factorize(table.year)[0]
    X = np.column_stack([table.d, np.eye(50)[state], np.eye(year.max() + 1)[year]])
    result = _run(least_squares(table.l_homicide, X), state, WildOptions(), position=0)
    assert result.estimate == pytest.approx(stored["estimate"], rel=1e-9)
    assert result.statistic == pytest.approx(stored["t"], rel=1e-9)
    assert result.p_value == pytest.approx(stored["p"], abs=0.02)  # four errors of 9,999 draws
    assert [result.conf_low, result.conf_high] == pytest.approx(stored["ci"], abs=0.006)
