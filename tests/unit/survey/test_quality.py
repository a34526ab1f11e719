"""The quality report: what it says, what it refuses, and that it never breaks."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impact_eval.core.findings import NotApplicable
from impact_eval.report.texts import Texts
from impact_eval.stats.scales.cfa import CfaFit
from impact_eval.stats.scales.cfa_ordinal import OrdinalCfaFit
from impact_eval.stats.scales.conditional_rasch import ConditionalRasch
from impact_eval.stats.scales.invariance_chain import InvarianceLevel, InvarianceVerdict
from impact_eval.stats.scales.irt import IrtFit
from impact_eval.stats.scales.irt_models import IrtModel
from impact_eval.stats.scales.reliability import (
    Alpha,
    AlphaBootstrap,
    alpha_bootstrap,
    cronbach_alpha,
)
from impact_eval.survey import instrument
from impact_eval.survey.invariance import InvarianceScope
from impact_eval.survey.quality import QualityReport, measurement_quality, with_invariance
from impact_eval.survey.quality_common import CommonGround

TEXTS = [Texts("fr"), Texts("en")]
ALPHA_SENTENCES = {
    "quality_no_alpha",
    "quality_nothing_common",
    "quality_interval_wide",
    "quality_alpha_low",
    "quality_alpha_redundant",
    "quality_read_alpha_good",
    "quality_read_alpha_fair",
    "quality_read_alpha_several",
}
PRAISE = {
    "quality_alpha_redundant",
    "quality_general_factor",
    "quality_invariance_holds",
    "quality_read_adequacy",
    "quality_read_alpha_fair",
    "quality_read_alpha_good",
    "quality_read_bounds",
    "quality_read_halves",
    "quality_read_loadings",
    "quality_read_omega",
    "quality_read_one_factor",
    "quality_read_parallel",
    "quality_read_trait",
}


def answers(
    seed: int, n: int, k: int = 6, cuts: tuple[float, ...] = (-1.0, 0.0, 1.0)
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, 1)) + rng.normal(size=(n, k))
    return np.digitize(latent, cuts).astype(float) + 1


def said_in_both_languages(report: QualityReport) -> None:
    said = [finding.code for finding in report.findings if finding.code in ALPHA_SENTENCES]
    assert len(said) == 1, said
    for texts in TEXTS:
        for finding in report.findings:
            told = texts.say(f"finding.{finding.code}.text", **finding.values)
            assert told, finding.code
            assert "{" not in told, finding.code
        for reason in report.refusals().values():
            home = "reason" if f"reason.{reason.reason}.text" in texts else "finding"
            told = texts.say(f"{home}.{reason.reason}.text", **reason.values)
            assert told, reason.reason
            assert "{" not in told, reason.reason


def codes(report: QualityReport) -> set[str]:
    return {finding.code for finding in report.findings}


def test_a_small_sample_keeps_alpha_and_is_refused_the_rest_by_name() -> None:
    report = measurement_quality(answers(1, 25))
    assert isinstance(report.consistency.alpha, Alpha)
    refusals = report.refusals()
    for name, least, instead in [
        ("omega", 50, "alpha_bootstrap"),
        ("categorical_omega", 100, "alpha_bootstrap"),
        ("factors", 100, "item_rest"),
        ("confirmatory", 200, "item_rest"),
        ("item_response", 100, "item_rest"),
    ]:
        assert refusals[name].reason == "quality_needs_more_persons"
        assert refusals[name].values["advised"] == least
        assert refusals[name].values["alternative"] == instead
        assert refusals[name].values["n"] == 25
    assert len(codes(report) & ALPHA_SENTENCES) == 1
    assert report.verdict is InvarianceVerdict.NOT_TESTABLE
    said_in_both_languages(report)


def test_a_large_sample_gets_everything() -> None:
    report = measurement_quality(answers(2, 600), groups=np.repeat(["F", "H"], 300))
    assert set(report.refusals()) == {"hierarchical"}
    assert report.consistency.hierarchical.reason == "quality_one_dimension"
    assert isinstance(report.structure.confirmatory, OrdinalCfaFit)
    assert isinstance(report.structure.item_response, IrtFit)
    assert report.structure.item_response.model is IrtModel.GRADED
    assert report.structure.factors.loadings.shape == (6, 1)
    assert report.dif.flagged == ()
    assert report.verdict is InvarianceVerdict.HOLDS
    assert report.invariance[0].comparison is InvarianceScope.GROUPS
    assert {"quality_invariance_holds", "quality_read_alpha_good"} <= codes(report)
    said_in_both_languages(report)


def test_between_the_two_the_simple_latent_model_is_used() -> None:
    report = measurement_quality(answers(3, 150))
    assert report.structure.item_response.model is IrtModel.PARTIAL_CREDIT
    binary = measurement_quality(answers(3, 150, cuts=(0.0,)))
    assert binary.structure.item_response.model is IrtModel.RASCH
    rng = np.random.default_rng(0)
    many = measurement_quality(rng.normal(size=(300, 1)) + rng.normal(size=(300, 5)) + 3)
    assert many.structure.item_response.reason == "too_many_categories"
    assert isinstance(many.structure.confirmatory, CfaFit)


def test_an_item_left_unreversed_is_named() -> None:
    x = answers(4, 200)
    x[:, 2] = 5 - x[:, 2]
    report = measurement_quality(x, names=["a", "b", "c", "d", "e", "f"])
    assert report.consistency.unreversed == ("c",)
    found = next(f for f in report.findings if f.code == "quality_item_unreversed")
    assert found.values["names"] == ("c",)
    assert "c" in TEXTS[0].say("finding.quality_item_unreversed.text", **found.values)
    said_in_both_languages(report)


def test_two_dimensions_are_seen() -> None:
    x = np.hstack([answers(5, 400, 4), answers(6, 400, 4)])
    report = measurement_quality(x)
    assert report.structure.factors.loadings.shape[1] == 2
    assert report.consistency.hierarchical.hierarchical < report.consistency.hierarchical.total
    assert {"quality_several_things", "quality_one_factor_poor"} <= codes(report)
    said_in_both_languages(report)


def test_ends_and_incomplete_answers() -> None:
    x = np.full((80, 5), 4.0)
    x[:30] = answers(7, 30, 5)
    x[0, 0] = np.nan
    report = measurement_quality(x, bounds=(5, 20))
    assert "quality_ceiling" in codes(report)
    assert report.consistency.ends.ceiling == pytest.approx(50 / 79, abs=0.03)
    assert (report.n, report.n_complete) == (80, 79)
    assert "quality_incomplete" in codes(report)
    said_in_both_languages(report)


def test_drift_between_groups_is_fragile_and_its_item_named() -> None:
    rng = np.random.default_rng(8)
    group = np.repeat(["F", "H"], 400)
    latent = rng.normal(size=(800, 1)) + rng.normal(size=(800, 6))
    latent[group == "H", 1] += 1.5
    report = measurement_quality(np.digitize(latent, [-1, 0, 1]).astype(float), groups=group)
    assert report.verdict is InvarianceVerdict.FRAGILE
    assert report.invariance[0].reached is InvarianceLevel.METRIC
    assert report.dif.flagged == (1,)
    assert {"quality_dif", "quality_invariance_fragile"} <= codes(report)
    said_in_both_languages(report)


def test_scores_carry_the_verdict() -> None:
    scale = instrument("rses-fr")
    rng = np.random.default_rng(9)
    names = [item.id for item in scale.items]
    trait = rng.normal(size=(240, 1))
    frames = []
    for wave in (0, 1):
        latent = trait + 0.4 * wave + rng.normal(size=(240, len(names)))
        keyed = np.digitize(latent, [-1, 0, 1]) + 1
        turned = [5 - keyed[:, j] if item.reversed else keyed[:, j]
                  for j, item in enumerate(scale.items)]  # fmt: skip
        frames.append(pd.DataFrame(dict(zip(names, turned, strict=True))))
    before, after = (scale.score(frame) for frame in frames)
    report = measurement_quality(before, later=after)
    assert report.names == tuple(before.items)
    assert report.consistency.alpha.value == pytest.approx(before.reliability.value, abs=1e-12)
    assert report.consistency.std_error_measurement == pytest.approx(
        before.std_error_measurement, rel=1e-9
    )
    assert report.invariance[0].comparison is InvarianceScope.WAVES
    carried = with_invariance(before, report)
    assert carried.invariance == report.invariance
    assert carried.to_dict()["invariance"][0]["verdict"] == report.verdict.value
    assert before.invariance == ()
    said_in_both_languages(report)


def test_retest_agreement() -> None:
    x = answers(10, 60)
    total = x.sum(axis=1)
    again = total + np.random.default_rng(0).normal(size=60)
    report = measurement_quality(x, retest=again)
    assert 0.8 < report.consistency.retest.value < 1
    assert "quality_read_retest" in codes(report)
    few = measurement_quality(x[:10], retest=again[:10])
    assert few.refusals()["retest"].reason == "quality_needs_more_persons"
    said_in_both_languages(few)


def test_json_holds_no_person_and_no_nan() -> None:
    x = answers(11, 300)
    report = measurement_quality(x, groups=np.repeat([0, 1], 150))
    text = json.dumps(report.to_dict(), allow_nan=False)
    longest = 0

    def measure(value: object) -> None:
        nonlocal longest
        if isinstance(value, list):
            longest = max(longest, len(value))
            for inner in value:
                measure(inner)
        elif isinstance(value, dict):
            for inner in value.values():
                measure(inner)

    measure(json.loads(text))
    assert longest < 40, "an array as long as the sample would be rows of persons"


def test_same_seed_same_report_and_input_unchanged() -> None:
    x = answers(12, 120)
    kept = x.copy()
    first, second = (measurement_quality(x, seed=3).to_dict() for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(x, kept)
    assert cronbach_alpha(x).value == measurement_quality(x).consistency.alpha.value


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(0, 40),
    k=st.integers(1, 6),
    top=st.integers(1, 7),
    holes=st.floats(0, 0.9),
)
def test_whatever_the_answers_a_report_comes_out(
    seed: int, n: int, k: int, top: int, holes: float
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(1, top + 1, size=(n, k)).astype(float)
    x[rng.random(x.shape) < holes] = np.nan
    report = measurement_quality(x, groups=rng.integers(0, 2, n))
    json.dumps(report.to_dict(), allow_nan=False)
    said_in_both_languages(report)


def test_one_person_alone_differs_in_total() -> None:
    """Without that person every total is the same: no alpha, and no number of rounding noise."""
    x = np.array([[1, 2, 1, 2, 1, 2], [2, 1, 2, 1, 2, 1], [2, 2, 1, 1, 1, 2], [1, 1, 2, 2, 2, 1],
                  [2, 2, 2, 1, 2, 1]], dtype=float)  # fmt: skip
    found = alpha_bootstrap(x, rng=np.random.default_rng(1), draws=500)
    assert isinstance(found, AlphaBootstrap)
    assert -1e6 < found.conf_low <= found.conf_high <= 1
    assert 0 < found.std_error < 1e6


def test_odd_large_samples_do_not_break_it_either() -> None:
    rng = np.random.default_rng(13)
    twins = np.repeat(rng.integers(1, 5, size=(300, 1)), 5, axis=1).astype(float)
    noise = rng.integers(1, 5, size=(300, 5)).astype(float)
    constant = answers(14, 300, 5)
    constant[:, 0] = 2
    rare = answers(15, 300, 5)
    rare[0, 0] = 5
    for x in (twins, noise, constant, rare):
        report = measurement_quality(x, groups=np.repeat([0, 1], 150), later=x[::-1])
        json.dumps(report.to_dict(), allow_nan=False)
        said_in_both_languages(report)
        for reason in report.refusals().values():
            assert isinstance(reason, NotApplicable)


def noise(seed: int, n: int, k: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 5, size=(n, k)).astype(float)


def test_noise_is_praised_by_no_sentence() -> None:
    first, second = noise(20, 300, 10), noise(21, 300, 10)
    report = measurement_quality(first, later=second, groups=np.repeat(["F", "H"], 150))
    assert report.common is CommonGround.NOTHING
    assert "quality_nothing_common" in codes(report)
    assert not codes(report) & PRAISE
    assert [r.reason.reason for r in report.invariance] == ["invariance_nothing_common"] * 2
    assert report.refusals()["confirmatory"].reason == "quality_no_dimension"
    said_in_both_languages(report)


def test_a_scale_at_one_date_and_noise_at_the_other_are_not_compared() -> None:
    report = measurement_quality(answers(22, 300), later=noise(23, 300, 6))
    assert report.common is CommonGround.SHOWN
    assert report.verdict is InvarianceVerdict.NOT_TESTABLE
    assert report.invariance[0].reason.reason == "invariance_nothing_common"


def test_two_unrelated_sets_of_questions_are_not_called_one_dimension() -> None:
    for n in (60, 400):
        report = measurement_quality(np.hstack([answers(5, n, 5), answers(6, n, 5)]))
        assert report.structure.parallel.n_dimensions == 2, n
        assert {"quality_several_perhaps", "quality_several_things"} & codes(report), n
        assert not codes(report) & {"quality_read_alpha_good", "quality_read_omega"}, n
        said_in_both_languages(report)


def test_half_the_items_below_the_others_by_chance_are_not_to_be_turned() -> None:
    assert measurement_quality(noise(24, 200, 10)).consistency.unreversed == ()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_one_question_is_spoken_of_in_the_singular(language: str) -> None:
    texts = Texts(language)
    x = answers(4, 200)
    x[:, 2] = 5 - x[:, 2]
    one = next(f for f in measurement_quality(x).findings if f.code == "quality_item_unreversed")
    assert str(texts.finding(one).text).startswith({"fr": "Cette question", "en": "This"}[language])
    x[:, 3] = 5 - x[:, 3]
    two = next(f for f in measurement_quality(x).findings if f.code == "quality_item_unreversed")
    assert str(texts.finding(two).text).startswith({"fr": "Ces", "en": "These"}[language])


def binary(seed: int, n: int, k: int = 8) -> np.ndarray:
    rng = np.random.default_rng(seed)
    trait = 1.8 * rng.normal(size=(n, 1))
    return (rng.random((n, k)) < 1 / (1 + np.exp(np.linspace(-1, 1, k) - trait))).astype(float)


def test_item_fit_is_read_from_thirty_people_when_answers_are_two() -> None:
    report = measurement_quality(binary(30, 40))
    assert isinstance(report.structure.conditional, ConditionalRasch)
    assert report.structure.item_response.reason == "quality_needs_more_persons"
    assert "quality_read_item_fit" in codes(report)
    said_in_both_languages(report)
    assert measurement_quality(binary(30, 25)).refusals()["item_fit"].values["advised"] == 30
    graded = measurement_quality(answers(30, 40)).refusals()["item_fit"]
    assert graded.values["advised"] == 100


def test_a_question_that_follows_something_else_is_named() -> None:
    x = binary(31, 300)
    x[:, 4] = np.random.default_rng(31).integers(0, 2, 300)
    report = measurement_quality(x, names=list("abcdefgh"))
    found = next(f for f in report.findings if f.code == "quality_item_misfit")
    assert found.values["names"] == ("e",)
    clean = measurement_quality(binary(33, 300))
    assert "quality_item_misfit" not in codes(clean)
    said_in_both_languages(report)
