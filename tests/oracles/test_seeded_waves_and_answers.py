"""Ordered answers, imputations, two waves, careless answers, answering, indices and clusters'
power.

Against R's ordinal and mice, and base R's own lines, on the invented files
(seeded/r/17_waves_and_answers.R).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from seeded_cases import ALGEBRA, numbers, result, same, table

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.inference.multiple_imputation import PooledImputations, pool_imputations
from impact_eval.stats.inference.outcome_index import IndexWeights, outcome_index
from impact_eval.stats.planning.power import ClusterDesign, clustered_means, power_of_effect
from impact_eval.stats.scales.cumulative_link import (
    CumulativeLink,
    Link,
    cumulative_link,
    cumulative_link_by_group,
    proportional_odds_test,
)
from impact_eval.stats.scales.reliable_change import (
    ancova,
    change_contrast,
    edwards_nunnally,
    equivalence,
)
from impact_eval.stats.scales.response_quality import (
    Distances,
    longest_string,
    mahalanobis,
    person_total,
    response_spread,
)
from impact_eval.stats.surveys.response import ResponseModel, response_model


def notes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The notes of three raters stacked, who rated, who was rated."""
    frame = table("avant_apres_60")
    y = np.concatenate([frame[f"note_{rater}"] for rater in "abc"]).astype(float)
    rater = np.repeat(np.arange(3), len(frame))
    return y, np.column_stack([rater == 1, rater == 2]).astype(float), np.tile(frame["personne"], 3)


def held(
    found: object, stored: Mapping[str, Any], *, tolerance: float, errors: float = 1e-6
) -> None:
    assert isinstance(found, CumulativeLink)
    both = np.concatenate([found.thresholds, found.coefficients])
    same(both, stored["estimate"], rtol=0, atol=tolerance)
    same(found.std_errors[: len(both)], stored["std_error"], rtol=errors)
    assert found.log_likelihood == pytest.approx(stored["loglik"], abs=tolerance)


@pytest.mark.parametrize("link", list(Link))
def test_ordered_answers(link: Link) -> None:
    y, x, _ = notes()
    held(
        cumulative_link(y, x, link=link),
        result("cumulative_links")[f"clm_{link.value}"],
        tolerance=1e-7,
    )


@pytest.mark.parametrize("nodes", [1, 10])
def test_ordered_answers_by_person(nodes: int) -> None:
    """clmm stops at its default, 4e-5 of a threshold from the top; ours is as high or higher.

    Its errors are second differences of a likelihood whose inner modes are iterated: 1e-3 with one
    node.
    """
    y, x, person = notes()
    stored = result("cumulative_links")[f"clmm_{nodes}"]
    found = cumulative_link_by_group(y, x, person, nodes=nodes)
    assert isinstance(found, CumulativeLink)
    held(found, stored, tolerance=2e-4, errors=2e-3)
    assert found.log_likelihood >= stored["loglik"] - 1e-8
    assert found.group_variance == pytest.approx(stored["variance"], rel=2e-4)


@pytest.mark.parametrize("column", [0, 1])
def test_same_effect_at_every_threshold(column: int) -> None:
    y, x, _ = notes()
    stored = result("cumulative_links")["nominal"]
    found = proportional_odds_test(y, x, column)
    assert not isinstance(found, NotApplicable)
    assert found.df == stored["df"][column]
    assert found.statistic == pytest.approx(stored["lrt"][column], abs=1e-4)
    assert found.p_value == pytest.approx(stored["p"][column], abs=1e-4)


@pytest.mark.parametrize("case", ["few", "many"])
def test_rubin(case: str) -> None:
    stored = result("pooled_imputations")[case]
    found = pool_imputations(stored["q"], stored["u"], df_complete=stored["df_complete"])
    assert isinstance(found, PooledImputations)
    got = [found.estimate, found.within, found.between, found.total, found.increase, found.df,
           found.missing_information]  # fmt: skip
    names = ("estimate", "within", "between", "total", "increase", "df", "missing_information")
    same(got, [stored[name] for name in names], rtol=1e-9)


def waves() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frame = table("essai")
    before, after = (frame[f"score_{wave}"].to_numpy() for wave in ("avant", "apres"))
    return before, after, frame["offre"].to_numpy() == 1


def test_two_groups_over_two_waves() -> None:
    stored, args = result("two_waves"), waves()
    for found, name in (
        (ancova(*args), "ancova"),
        (change_contrast(*args, equal_variances=True), "change"),
        (change_contrast(*args), "welch"),
    ):
        assert not isinstance(found, NotApplicable)
        wanted = stored[name]
        got = [
            found.estimate,
            found.statistic,
            found.df,
            found.p_value,
            found.conf_low,
            found.conf_high,
        ]
        same(got, [wanted[k] for k in ("estimate", "t", "df", "p", "low", "high")], rtol=1e-9)


def test_equivalence_and_true_scores() -> None:
    stored, frame = result("two_waves"), table("avant_apres_24")
    change = (frame["apres"] - frame["avant"]).to_numpy(float)
    error = change.std(ddof=1) / np.sqrt(len(change))
    found = equivalence(change.mean(), error, df=len(change) - 1, bound=3)
    same([found.p_value, found.conf_low, found.conf_high], list(stored["equivalence_3"].values()),
         rtol=1e-9)  # fmt: skip
    true = edwards_nunnally(frame["avant"], frame["apres"], reliability=0.8)
    assert not isinstance(true, NotApplicable)
    wanted = stored["true_scores"]
    same(true.values[:5], wanted["first5"], rtol=ALGEBRA)
    assert true.half_width == pytest.approx(wanted["half_width"], rel=ALGEBRA)
    assert (true.n_improved, true.n_deteriorated) == (wanted["improved"], wanted["deteriorated"])


def test_careless_answers() -> None:
    stored = result("careless_answers")
    x = table("questionnaire_4points")[[f"v1_q{i}" for i in range(1, 11)]].to_numpy(float)
    x = x[~np.isnan(x).any(axis=1)]
    assert len(x) == stored["n"]
    same(longest_string(x), stored["longest"], rtol=0)
    same(response_spread(x), stored["spread"], rtol=ALGEBRA, atol=1e-14)
    far = mahalanobis(x)
    assert isinstance(far, Distances)
    same(far.squared, stored["distance"], rtol=1e-9)
    same(person_total(x), stored["person_total"], rtol=1e-9, atol=1e-12)


def test_who_answers() -> None:
    stored, frame = result("answering"), table("essai")
    answered = frame["score_apres"].notna().to_numpy()
    found = response_model(answered, frame[["age", "femme", "mois_chomage"]].to_numpy(float))
    assert isinstance(found, ResponseModel)
    same(found.fit.coefficients, stored["coefficients"], rtol=1e-8)
    same(np.sqrt(np.diag(found.fit.bread)), stored["std_error"], rtol=1e-7)
    same(found.probability, stored["probability"], rtol=1e-9)
    got = [found.weights.sum(), found.stabilised.sum(), found.r_indicator]
    same(got, [stored[k] for k in ("weights_sum", "stabilised_sum", "r_indicator")], rtol=1e-8)


@pytest.mark.parametrize(
    ("weighting", "key"),
    [(IndexWeights.INVERSE_COVARIANCE, "inverse_covariance"), (IndexWeights.EQUAL, "equal")],
)
def test_one_index_of_several_outcomes(weighting: IndexWeights, key: str) -> None:
    stored, frame = result("outcome_index"), table("essai")
    y = frame[["score_apres", "score_agence", "emploi"]].to_numpy(float)
    found = outcome_index(y, frame["offre"] == 0, weighting=weighting)
    same(found.values, stored[key], rtol=1e-9, atol=1e-12)
    if weighting is IndexWeights.INVERSE_COVARIANCE:
        same(found.weights, numbers(stored["weights"]), rtol=1e-9)


@pytest.mark.parametrize("case", ["a", "b", "c"])
def test_power_with_clusters(case: str) -> None:
    stored = result("power_clusters")[case]
    design = ClusterDesign(size=stored["size"], icc=stored["icc"])
    found = clustered_means(stored["clusters"], stored["clusters"], design)
    assert found.std_error == pytest.approx(stored["std_error"], rel=1e-12)
    assert found.df == stored["df"]
    assert power_of_effect(stored["effect"], found) == pytest.approx(stored["power"], rel=1e-9)
