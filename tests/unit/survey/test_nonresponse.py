"""Weights of those who answered again: by hand, what they mend, and when they are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.findings import ImpactEvalError, NotApplicable
from impact_eval.report.texts import Texts
from impact_eval.survey import NonresponseWeights, nonresponse_weights


def entry() -> tuple[pd.DataFrame, np.ndarray]:
    """Return 100 people: 30 of 40 women answered again, 30 of 60 men."""
    frame = pd.DataFrame({"sexe": ["F"] * 40 + ["H"] * 60})
    answered = np.r_[np.repeat([True, False], [30, 10]), np.repeat([True, False], [30, 30])]
    return frame, answered


def test_by_hand() -> None:
    """Sixty answer of a hundred: a woman weighs .6/.75 = .8, a man .6/.5 = 1.2."""
    frame, answered = entry()
    found = nonresponse_weights(frame, answered, characteristics=["sexe"])
    assert isinstance(found, NonresponseWeights)
    np.testing.assert_allclose(found.weights[:30], 0.8, rtol=1e-9)
    np.testing.assert_allclose(found.weights[40:70], 1.2, rtol=1e-9)
    assert not found.weights[~answered].any()
    assert found.effective_n == pytest.approx(60**2 / (30 * 0.8**2 + 30 * 1.2**2), rel=1e-9)
    assert found.design_effect == pytest.approx(60 / found.effective_n, rel=1e-12)
    assert (found.n, found.n_answered, found.n_trimmed) == (100, 60, 0)
    # half of those who answered are women, for 40 % at entry, whose spread is sqrt(.4 x .6)
    assert found.gap_before == pytest.approx(0.1 / np.sqrt(0.24), rel=1e-9)
    assert found.gap_after == pytest.approx(0, abs=1e-9)


def test_the_mean_at_entry_is_found_again_where_plain_means_are_biased() -> None:
    rng = np.random.default_rng(1)
    age = rng.normal(40, 10, 4_000)
    answered = rng.random(4_000) < 1 / (1 + np.exp(-(age - 40) / 10))
    score = age / 10 + rng.normal(size=4_000)
    found = nonresponse_weights(pd.DataFrame({"age": age}), answered, characteristics=["age"])
    weighted = np.average(score[answered], weights=found.weights[answered])
    assert abs(score[answered].mean() - score.mean()) > 0.3
    assert abs(weighted - score.mean()) < 0.08
    assert found.weights[answered].mean() == pytest.approx(1, rel=1e-9)


def test_heavy_weights_are_cut_and_it_is_told() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=1_500)
    answered = rng.random(1_500) < 1 / (1 + np.exp(-(1.2 + 1.2 * x)))
    frame = pd.DataFrame({"x": x})
    found = nonresponse_weights(frame, answered, characteristics=["x"])
    assert found.n_trimmed > 0
    assert found.weights.max() <= 3 + 1e-9
    assert [f.code for f in found.findings] == ["nonresponse_weighted", "nonresponse_trimmed"]
    for language in ("fr", "en"):
        for finding in found.findings:
            assert "{" not in Texts(language).finding(finding).text


def test_what_a_sample_cannot_bear_is_refused_in_words() -> None:
    frame, answered = entry()
    tiny = frame.assign(lieu=["Nord"] * 3 + ["Sud"] * 97)
    exact = frame.assign(age=np.where(answered, 50, 20))
    numbers = pd.DataFrame(np.random.default_rng(3).normal(size=(100, 9)))
    numbers.columns = [f"x{i}" for i in range(9)]
    heavy = pd.DataFrame({"g": ["a"] * 60 + ["b"] * 240})
    of_heavy = np.r_[np.repeat([True, False], [55, 5]), np.repeat([True, False], [10, 230])]
    cases = [
        (tiny, answered, ["sexe", "lieu"], "nonresponse_cell_too_small"),
        (exact, answered, ["age"], "nonresponse_foretold"),
        (numbers, answered, list(numbers), "nonresponse_too_few"),
        (frame, np.ones(100, bool), ["sexe"], "all_answered"),
        (heavy, of_heavy, ["g"], "nonresponse_too_costly"),
    ]
    for table, who, names, reason in cases:
        options = {"largest_weight": 50.0} if reason == "nonresponse_too_costly" else {}
        refused = nonresponse_weights(table, who, characteristics=names, **options)
        assert isinstance(refused, NotApplicable), reason
        assert refused.reason == reason
        for language in ("fr", "en"):
            told = Texts(language).say(f"reason.{reason}.text", **refused.values)
            assert told
            assert "{" not in told


def test_what_is_not_known_of_everybody_stops_it() -> None:
    frame, answered = entry()
    frame["age"] = 30.0
    frame.loc[4, "age"] = np.nan
    with pytest.raises(ImpactEvalError) as refusal:
        nonresponse_weights(frame, answered, characteristics=["sex", "age"])
    assert refusal.value.codes == ("missing_column", "nonresponse_unknown")
    with pytest.raises(ImpactEvalError) as refusal:
        nonresponse_weights(frame, answered[:50], characteristics=["sexe"])
    assert refusal.value.codes == ("nonresponse_wrong_length",)
