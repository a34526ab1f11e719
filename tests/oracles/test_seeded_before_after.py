"""Before and after, small groups and agreement against R's stats, coin, effectsize, psych and
irr.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from seeded_cases import ALGEBRA, numbers, result, same, table

from impact_eval.core.findings import NotApplicable
from impact_eval.data.sample import Sample
from impact_eval.designs.before_after import BeforeAfter
from impact_eval.designs.difference_in_means import DifferenceInMeans
from impact_eval.stats.inference.proportion import ShareMethod, share_interval
from impact_eval.stats.inference.randomisation import (
    declare_draw,
    difference_scores,
    linear_randomisation_test,
)
from impact_eval.stats.scales.agreement import (
    IccModel,
    IccType,
    IccUnit,
    KappaWeights,
    Metric,
    cohen_kappa,
    fleiss_kappa,
    intraclass_correlation,
    kendall_w,
    krippendorff_alpha,
)
from impact_eval.stats.scales.effect_size import (
    PairedEffects,
    group_effects,
    hedges_factor,
    paired_effects,
)
from impact_eval.stats.scales.paired_tests import ZeroRule, mcnemar, paired_t, sign_test, wilcoxon
from impact_eval.stats.scales.reliable_change import (
    ReliableChange,
    change_contrast,
    reliable_change,
)

SIZES = pytest.mark.parametrize("n", [24, 60])


def stored_of(n: int) -> dict[str, Any]:
    return dict(result(f"before_after_{n}"))


def pairs(n: int) -> tuple[np.ndarray, np.ndarray]:
    frame = table(f"avant_apres_{n}")
    return frame["avant"].to_numpy(float), frame["apres"].to_numpy(float)


def notes(n: int) -> np.ndarray:
    return table(f"avant_apres_{n}")[["note_a", "note_b", "note_c"]].to_numpy(float)


@SIZES
def test_paired_t(n: int) -> None:
    stored = stored_of(n)["t_test"]
    found = paired_t(*pairs(n))
    assert not isinstance(found, NotApplicable)
    got = [found.mean_change, found.std_error, found.statistic, found.df, found.p_value,
           found.conf_low, found.conf_high]  # fmt: skip
    same(got, list(stored.values()), rtol=ALGEBRA)


@SIZES
def test_before_after_design_is_the_paired_t(n: int) -> None:
    stored, frame = stored_of(n)["t_test"], table(f"avant_apres_{n}")
    long = frame.melt("personne", ["avant", "apres"], var_name="vague", value_name="score")
    long["vague"] = (long["vague"] == "apres").astype(int)
    row = BeforeAfter().fit(Sample(long, unit="personne", time="vague"), "score").effects[0]
    got = [row.estimate, row.std_error, row.statistic, row.df, row.p_value, row.conf_low,
           row.conf_high]  # fmt: skip
    same(got, list(stored.values()), rtol=ALGEBRA)


@SIZES
def test_trial_by_pairs_is_the_paired_t(n: int) -> None:
    """One treated and one other in each block: the variance is that between pairs."""
    stored, frame = stored_of(n)["t_test"], table(f"avant_apres_{n}")
    long = frame.melt("personne", ["avant", "apres"], var_name="bras", value_name="score")
    long["bras"] = (long["bras"] == "apres").astype(int)
    sample = Sample(long, treatment="bras", strata="personne")
    row = DifferenceInMeans().fit(sample, "score").effects[0]
    got = [row.estimate, row.std_error, row.statistic, row.df, row.p_value, row.conf_low,
           row.conf_high]  # fmt: skip
    same(got, list(stored.values()), rtol=ALGEBRA)


@SIZES
def test_wilcoxon_and_sign(n: int) -> None:
    stored, (before, after) = stored_of(n), pairs(n)
    drop, pratt = wilcoxon(before, after), wilcoxon(before, after, zero_rule=ZeroRule.PRATT)
    assert not isinstance(drop, NotApplicable)
    assert not isinstance(pratt, NotApplicable)
    exact, pratt_exact = stored["wilcoxon_exact_zeros_left_out"], stored["wilcoxon_exact_pratt"]
    assert drop.statistic == stored["wilcoxon_corrected"]["V"]
    for value, wanted in (
        (drop.p_corrected, stored["wilcoxon_corrected"]["p"]),
        (drop.p_normal, stored["wilcoxon_uncorrected"]["p"]),
        (drop.p_value, exact["p"]),
        (drop.z, exact["z"]),
        (pratt.p_value, pratt_exact["p"]),
        (pratt.z, pratt_exact["z"]),
        (drop.rank_biserial, stored["effect_sizes"]["rank_biserial"]),
        (sign_test(before, after), stored["sign_test"]["p"]),
    ):
        assert value == pytest.approx(wanted, rel=1e-9)
    # R's pseudo-median leaves those without change out (README) and stops its root search at 1e-4
    moved = wilcoxon(before[before != after], after[before != after])
    assert not isinstance(moved, NotApplicable)
    assert moved.shift == pytest.approx(stored["wilcoxon_corrected"]["hodges_lehmann"], abs=2e-4)
    assert drop.n_zero == stored["sign_test"]["zero"]


@SIZES
def test_mcnemar(n: int) -> None:
    stored, frame = stored_of(n)["mcnemar"], table(f"avant_apres_{n}")
    gained = int(((frame["emploi_avant"] == 0) & (frame["emploi_apres"] == 1)).sum())
    lost = int(((frame["emploi_avant"] == 1) & (frame["emploi_apres"] == 0)).sum())
    found = mcnemar(gained=gained, lost=lost)
    assert not isinstance(found, NotApplicable)
    assert found.statistic == pytest.approx(stored["chi2_corrected"], rel=ALGEBRA)
    assert found.p_corrected == pytest.approx(stored["p_corrected"], rel=ALGEBRA)
    assert found.p_exact == pytest.approx(stored["p_exact"], rel=ALGEBRA)


@SIZES
def test_effect_sizes_of_pairs(n: int) -> None:
    stored = stored_of(n)
    found, sizes = paired_effects(*pairs(n)), stored["effect_sizes"]
    assert isinstance(found, PairedEffects)
    for value, wanted in (
        (found.dz.value, sizes["d_z"]),
        (found.glass.value, sizes["d_before_sd"]),
        (found.d_av.value, sizes["d_average_sd"]),
        (found.d_rm.value, sizes["d_rm"]),
        (found.g_z.value, sizes["effectsize_g"]["Hedges_g"]),
        (hedges_factor(n - 1), sizes["hedges_exact_J"]),
        (found.correlation, stored["correlation"]),
        (found.sd_before, stored["sd_before"]),
        (found.sd_after, stored["sd_after"]),
        (found.sd_change, stored["sd_difference"]),
    ):
        assert value == pytest.approx(wanted, rel=1e-9)
    # effectsize stops its search of the noncentrality at 1e-7
    assert found.dz.conf_low == pytest.approx(sizes["effectsize_d"]["CI_low"], abs=1e-5)
    assert found.dz.conf_high == pytest.approx(sizes["effectsize_d"]["CI_high"], abs=1e-5)


FORMS = {
    "ICC1": (IccModel.ONE_WAY, IccType.CONSISTENCY, IccUnit.SINGLE),
    "ICC2": (IccModel.TWO_WAY, IccType.AGREEMENT, IccUnit.SINGLE),
    "ICC3": (IccModel.TWO_WAY, IccType.CONSISTENCY, IccUnit.SINGLE),
    "ICC1k": (IccModel.ONE_WAY, IccType.CONSISTENCY, IccUnit.AVERAGE),
    "ICC2k": (IccModel.TWO_WAY, IccType.AGREEMENT, IccUnit.AVERAGE),
    "ICC3k": (IccModel.TWO_WAY, IccType.CONSISTENCY, IccUnit.AVERAGE),
}


@SIZES
@pytest.mark.parametrize("form", FORMS)
def test_intraclass_correlations(form: str, n: int) -> None:
    stored = stored_of(n)["icc"]
    place = stored["type"].index(form)
    model, kind, unit = FORMS[form]
    found = intraclass_correlation(notes(n), model=model, kind=kind, unit=unit)
    assert not isinstance(found, NotApplicable)
    got = [found.value, found.statistic, found.conf_low, found.conf_high]
    same(got, [stored[key][place] for key in ("icc", "F", "low", "high")], rtol=1e-8)


@SIZES
@pytest.mark.parametrize(
    ("name", "weights"), zip(("unweighted", "linear", "quadratic"), KappaWeights, strict=True)
)
def test_kappa_of_two_raters(name: str, weights: KappaWeights, n: int) -> None:
    x = notes(n)
    found = cohen_kappa(x[:, 0], x[:, 1], weights=weights)
    assert not isinstance(found, NotApplicable)
    assert found.value == pytest.approx(stored_of(n)["kappa"][name]["value"], rel=ALGEBRA)


@SIZES
def test_agreement_of_three_raters(n: int) -> None:
    """irr's 1 - alpha is (N - 0.5)/(N - 1) times Krippendorff's own, N answers (README)."""
    stored, x = stored_of(n), notes(n)
    fleiss = fleiss_kappa(x)
    assert not isinstance(fleiss, NotApplicable)
    assert fleiss.value == pytest.approx(stored["fleiss"]["value"], rel=ALGEBRA)
    assert fleiss.statistic == pytest.approx(stored["fleiss"]["z"], rel=1e-9)
    assert kendall_w(x) == pytest.approx(stored["kendall_w"]["value"], rel=ALGEBRA)
    for name in ("nominal", "ordinal", "interval"):
        alpha = krippendorff_alpha(x, metric=Metric(name))
        assert isinstance(alpha, float)
        theirs = 1 - (1 - alpha) * (x.size - 0.5) / (x.size - 1)
        assert theirs == pytest.approx(stored["krippendorff"][name], rel=1e-9), name


@SIZES
def test_reliable_change(n: int) -> None:
    stored = stored_of(n)["reliable_change_reliability_08"]
    found = reliable_change(*pairs(n), reliability=0.8)
    assert isinstance(found, ReliableChange)
    assert found.std_error_measurement == pytest.approx(stored["sem"], rel=ALGEBRA)
    assert found.std_error_difference == pytest.approx(stored["sdiff"], rel=ALGEBRA)
    assert (found.n_improved, found.n_deteriorated) == (stored["better"], stored["worse"])
    same(found.index[:5], stored["rci_first5"], rtol=ALGEBRA)


@SIZES
@pytest.mark.parametrize(
    ("name", "method"),
    [("proportion_wilson", ShareMethod.WILSON), ("proportion_exact", ShareMethod.CLOPPER_PEARSON)],
)
def test_interval_of_a_share(name: str, method: ShareMethod, n: int) -> None:
    employed = int(table(f"avant_apres_{n}")["emploi_apres"].sum())
    same(share_interval(employed, n, method=method), stored_of(n)[name], rtol=1e-9)


def small_groups() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    frame = table("essai").query("agence <= 3")
    offered = frame["offre"] == 1
    score = frame["score_complet"].to_numpy()
    return frame, score[offered], score[~offered]


def test_exact_permutation_of_two_groups() -> None:
    """coin enumerates; here 40 million draws of the lot are sampled: four errors of 9,999 draws."""
    frame, *_ = small_groups()
    stored = result("small_groups")
    draw = declare_draw(frame["offre"].to_numpy())
    score = difference_scores(frame["score_complet"], draw)
    found = linear_randomisation_test(draw, score, rng=np.random.default_rng(1), draws=19_999)
    p = stored["permutation_exact_p"]
    assert found.p_value == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 20_000))


def test_two_small_groups() -> None:
    frame, a, b = small_groups()
    stored = result("small_groups")
    assert [len(a), len(b)] == stored["n"]
    treated = frame["offre"].to_numpy() == 1
    zero = np.zeros(len(frame))
    welch = change_contrast(zero, frame["score_complet"].to_numpy(), treated)
    assert not isinstance(welch, NotApplicable)
    got = [
        welch.estimate,
        welch.statistic,
        welch.df,
        welch.p_value,
        welch.conf_low,
        welch.conf_high,
    ]
    same(got, list(stored["welch"].values()), rtol=1e-9)
    pooled = change_contrast(zero, frame["score_complet"].to_numpy(), treated, equal_variances=True)
    assert not isinstance(pooled, NotApplicable)
    assert pooled.p_value == pytest.approx(stored["pooled_p"], rel=1e-9)
    sizes = group_effects(a, b)
    assert not isinstance(sizes, NotApplicable)
    same([sizes.d.value, sizes.d.conf_low, sizes.d.conf_high], list(stored["cohens_d"].values()),
         rtol=1e-5)  # fmt: skip
    assert sizes.g.value == pytest.approx(stored["hedges_g"]["Hedges_g"], rel=1e-9)
    assert numbers(stored["cliff_delta"]) == pytest.approx(np.sign(a[:, None] - b).mean())


@SIZES
def test_two_waves_as_two_groups_are_welch(n: int) -> None:
    stored, (before, after) = stored_of(n)["welch_unpaired"], pairs(n)
    treated = np.repeat([True, False], n)
    found = change_contrast(np.zeros(2 * n), np.concatenate([after, before]), treated)
    assert not isinstance(found, NotApplicable)
    same([found.statistic, found.df, found.p_value], list(stored.values()), rtol=1e-9)
