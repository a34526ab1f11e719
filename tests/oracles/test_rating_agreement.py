"""Two scorings of the same people, held to R, to a brute force, and to simulated raters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from impact_eval.core.findings import ImpactEvalError, NotApplicable
from impact_eval.report.texts import Texts
from impact_eval.survey import rating_agreement
from impact_eval.survey.agreement_reading import RatingAgreement, squared_kappa


def codes(read: RatingAgreement) -> set[str]:
    for language in ("fr", "en"):
        for finding in read.findings:
            assert Texts(language).finding(finding).text
    return {finding.code for finding in read.findings}


def test_two_raters_of_anxiety_equal_irr(shared: Path) -> None:
    """R, irr 0.84.1: kappa2 with squared weights of the first two raters."""
    stored = json.loads((shared / "reference/survey/change_tests.json").read_text())
    notes = pd.read_csv(shared / "data/irr_anxiety.csv").to_numpy(float)
    read = rating_agreement(notes[:, 0], notes[:, 1])
    assert read.kappa == pytest.approx(stored["agreement_anxiety"]["kappa2_squared_1_2"], abs=1e-12)
    gap = notes[:, 1] - notes[:, 0]
    assert (read.n, read.exact) == (len(gap), float((gap == 0).mean()))
    test = stats.ttest_1samp(gap, 0).confidence_interval(0.95)
    assert (read.bias_low, read.bias_high) == pytest.approx((test.low, test.high))


def test_kappa_counts_the_disagreements_of_all_pairs(rng: np.random.Generator) -> None:
    """What chance would give is each note of one rater beside every note of the other."""
    first, second = rng.integers(1, 11, (2, 40)).astype(float)
    second = np.where(rng.random(40) < 0.6, first, second)
    by_hand = np.mean([(b - a) ** 2 for a in first for b in second])
    observed = np.mean([(b - a) ** 2 for a, b in zip(first, second, strict=True)])
    assert squared_kappa(first, second) == pytest.approx(1 - observed / by_hand)
    # a step that nobody was given is a step: 1, 5 and 10 are not three neighbours
    spread = squared_kappa(np.array([1.0, 5, 10, 1]), np.array([1.0, 5, 10, 5]))
    near = squared_kappa(np.array([1.0, 2, 3, 1]), np.array([1.0, 2, 3, 2]))
    assert isinstance(spread, float)
    assert isinstance(near, float)
    assert spread > near


def raters(
    rng: np.random.Generator, n: int, *, noise: float, shift: float
) -> tuple[np.ndarray, np.ndarray]:
    """Notes of people of a spread of 2, each rater with a noise, the second one higher."""
    true = rng.normal(5, 2, n)
    return true + rng.normal(0, noise, n), true + shift + rng.normal(0, noise, n)


def test_the_interval_covers_the_agreement_of_simulated_raters() -> None:
    """Spread 2, noise 1, shift 0: the agreement is 4 / (4 + 1); four errors of 600 draws."""
    rng = np.random.default_rng(7)
    covered = biased = 0
    for _ in range(600):
        read = rating_agreement(*raters(rng, 25, noise=1.0, shift=0.0))
        assert not isinstance(read.icc, NotApplicable)
        covered += read.icc.conf_low <= 4 / 5 <= read.icc.conf_high
        biased += read.bias_low > 0 or read.bias_high < 0
    error = 4 * np.sqrt(0.05 * 0.95 / 600)
    assert covered / 600 == pytest.approx(0.95, abs=error)
    assert biased / 600 == pytest.approx(0.05, abs=error)


@pytest.mark.parametrize(
    ("noise", "shift", "expected"),
    [
        (0.2, 0.0, {"raters_agree"}),
        (6.0, 0.0, {"raters_disagree"}),
        (1.2, 0.0, {"agreement_unsure"}),
        (0.2, 2.0, {"agreement_unsure", "raters_apart"}),
    ],
)
def test_what_is_told_of_two_raters(noise: float, shift: float, expected: set[str]) -> None:
    first, second = raters(np.random.default_rng(3), 60, noise=noise, shift=shift)
    assert codes(rating_agreement(first, second)) == expected


def test_people_scored_once_are_counted_apart(rng: np.random.Generator) -> None:
    first, second = raters(rng, 40, noise=0.2, shift=0.0)
    second[:7] = np.nan
    first[0] = np.nan  # nobody scored this one
    read = rating_agreement(first, second)
    assert (read.n, read.left_out) == (33, 6)
    assert "rated_once" in codes(read)
    assert read.to_dict()["left_out"] == 6


def test_the_same_note_twice_for_all_is_told_and_is_no_number() -> None:
    notes = np.arange(1.0, 13)
    read = rating_agreement(notes, notes)
    assert (read.exact, read.kappa, read.bias) == (1, 1, 0)
    assert codes(read) == {"ratings_identical"}
    flat = rating_agreement(np.full(12, 4.0), np.full(12, 5.0))
    assert codes(flat) == {"ratings_without_spread", "raters_apart"}
    assert flat.kappa == pytest.approx(0)


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (range(9), range(9), "too_few_rated_twice"),
        ([1.0] + [np.nan] * 30, [1.0] * 31, "too_few_rated_twice"),
        (range(12), range(11), "ratings_not_paired"),
        ([[1, 2]] * 12, [[1, 2]] * 12, "ratings_not_paired"),
        (["haut"] * 12, ["bas"] * 12, "ratings_not_numbers"),
    ],
)
def test_what_cannot_be_read_is_refused(first: object, second: object, code: str) -> None:
    with pytest.raises(ImpactEvalError) as refusal:
        rating_agreement(np.asarray(first), np.asarray(second))
    assert refusal.value.codes == (code,)
    assert all(Texts(language).finding(f).text for language in ("fr", "en")
               for f in refusal.value.findings)  # fmt: skip
