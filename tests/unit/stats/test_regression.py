"""Least squares, rank, logit, typed covariances: values and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact_eval.core import ImpactEvalError
from impact_eval.stats.inference.covariance import (
    Clustered,
    Conley,
    Homoskedastic,
    Robust,
    covariance_of_fit,
    covariance_of_influence,
)
from impact_eval.stats.inference.regression import (
    Absorbed,
    independent_columns,
    least_squares,
    logit_fit,
)


def test_weighted_least_squares_matches_statsmodels(rng: np.random.Generator) -> None:
    import statsmodels.api as sm

    X = np.column_stack([np.ones(40), rng.standard_normal((40, 2))])
    y, w = rng.standard_normal(40), rng.uniform(0.1, 2, 40)
    ours, theirs = least_squares(y, X, weights=w), sm.WLS(y, X, weights=w).fit()
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=1e-10)
    np.testing.assert_allclose(ours.leverage.sum(), 3, rtol=1e-10)
    iid = covariance_of_fit(ours, Homoskedastic())
    np.testing.assert_allclose(iid.matrix, theirs.cov_params(), rtol=1e-9)
    for kind in ("HC0", "HC1", "HC2", "HC3"):
        robust = covariance_of_fit(ours, Robust(kind))
        expected = getattr(theirs, f"cov_{kind}")
        np.testing.assert_allclose(robust.matrix, expected, rtol=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_dependent_columns_are_named_and_harmless(seed: int, free: int, tied: int) -> None:
    rng = np.random.default_rng(seed)
    base = rng.standard_normal((30, free)) * 10.0 ** rng.integers(-6, 7, free)
    extra = base @ rng.integers(1, 4, (free, tied)).astype(float)
    X = np.column_stack([base, extra])
    y = rng.standard_normal(30)
    fit = least_squares(y, X, names=[f"c{i}" for i in range(free + tied)])
    assert fit.dropped == tuple(f"c{i}" for i in range(free, free + tied))
    np.testing.assert_allclose(fit.fitted, least_squares(y, base).fitted, atol=1e-8)
    assert [f.code for f in fit.findings] == ["collinear_columns"]


def test_rank_keeps_the_first_of_each_tie_and_drops_zero_columns() -> None:
    X = np.array([[1.0, 0, 1, 0, 2], [1, 0, 0, 1, 3], [1, 0, 1, 0, 5], [1, 0, 0, 1, 1]])
    assert independent_columns(X).tolist() == [True, False, True, False, True]


def test_more_columns_than_rows() -> None:
    fit = least_squares([1.0, 2.0], np.array([[1.0, 0, 3], [1, 1, 4]]))
    assert fit.names == ("x0", "x1")
    assert {f.code for f in fit.findings} == {"collinear_columns", "no_residual_df"}
    with pytest.raises(ImpactEvalError) as error:
        covariance_of_fit(fit, Robust("HC1"))
    assert error.value.codes == ("no_residual_df",)


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(ImpactEvalError) as error:
        least_squares([1.0, np.nan], np.ones((2, 1)), weights=[-1.0, 0.0], names=["a", "b"])
    assert set(error.value.codes) == {
        "shape_mismatch",
        "not_finite",
        "weights_negative",
        "weights_all_zero",
    }
    with pytest.raises(ImpactEvalError) as error:
        least_squares([1.0, 2.0], np.zeros((2, 1)))
    assert error.value.codes == ("no_column_left",)


def test_logit_matches_statsmodels(rng: np.random.Generator) -> None:
    import statsmodels.api as sm

    X = np.column_stack([np.ones(200), rng.standard_normal((200, 2))])
    y = (rng.random(200) < 1 / (1 + np.exp(-X @ [0.2, 1, -0.5]))).astype(float)
    w = rng.integers(1, 4, 200).astype(float)
    ours = logit_fit(y, X, weights=w)
    theirs = sm.GLM(y, X, family=sm.families.Binomial(), freq_weights=w).fit(tol=1e-14)
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=1e-9)
    np.testing.assert_allclose(ours.bread, theirs.cov_params(), rtol=1e-6)
    assert ours.log_likelihood == pytest.approx(theirs.llf, rel=1e-10)
    np.testing.assert_allclose(ours.influence.sum(axis=0), 0, atol=1e-9)
    assert ours.converged
    assert ours.findings == ()


def test_logit_says_separation_and_refuses_what_is_no_share() -> None:
    X = np.column_stack([np.ones(10), np.arange(10.0)])
    fit = logit_fit((np.arange(10) > 4).astype(float), X)
    assert [f.code for f in fit.findings] == ["separation"]
    quasi = logit_fit(
        [0, 0, 0, 1, 0, 1, 1, 1, 0, 1], np.column_stack([np.ones(10), [0] * 3 + [1] * 7])
    )
    assert [f.code for f in quasi.findings] == ["separation"]
    assert quasi.findings[0].values["n"] == 3
    with pytest.raises(ImpactEvalError) as error:
        logit_fit([0.0, 2.0], np.ones((2, 1)))
    assert error.value.codes == ("outcome_not_share",)


def test_typed_covariances_refuse_unknown_names() -> None:
    for make in (
        lambda: Robust("HC9"),
        lambda: Clustered(correction="CR9"),
        lambda: Conley("a", "b", 10, "round"),
    ):
        with pytest.raises(ImpactEvalError) as error:
            make()
        assert error.value.codes == ("unknown_option",)
    with pytest.raises(ImpactEvalError) as error:
        Conley("a", "b", -1.0)
    assert error.value.codes == ("option_out_of_range",)
    assert Clustered(["a", "b"]).columns == ("a", "b")  # a list from a study file
    assert {Clustered("a"), Clustered("a")} == {Clustered("a")}


def test_covariance_refusals() -> None:
    fit = least_squares([1.0, 2, 4, 3], np.column_stack([np.ones(4), [0, 1, 2, 2]]))
    absorbed = least_squares([1.0, 2, 4, 3], [[0.0], [1], [2], [2]], absorbed=Absorbed(2))
    cases = [
        (fit, Clustered(), {}, "clusters_missing"),
        (fit, Clustered(), {"clusters": np.zeros(4, dtype=int)}, "one_cluster"),
        (fit, Clustered(), {"clusters": np.arange(3)}, "shape_mismatch"),
        (fit, Conley("a", "b", 1.0), {}, "coordinates_missing"),
        (fit, Conley("a", "b", 1.0), {"coordinates": np.ones((3, 2))}, "shape_mismatch"),
        (fit, Conley("a", "b", 1.0), {"coordinates": np.full((4, 2), np.nan)}, "not_finite"),
        (absorbed, Robust("HC2"), {}, "absorbed_leverage_missing"),
    ]
    for given_fit, kind, extra, code in cases:
        with pytest.raises(ImpactEvalError) as error:
            covariance_of_fit(given_fit, kind, **extra)
        assert error.value.codes == (code,)
    with pytest.raises(ImpactEvalError) as error:
        covariance_of_influence(np.ones((4, 1)), clusters=np.zeros(4, dtype=int))
    assert error.value.codes == ("one_cluster",)


def test_few_clusters_is_said_for_cr1_and_leverage_one_for_hc3() -> None:
    rng = np.random.default_rng(1)
    d = np.zeros(20)
    d[0] = 1  # one treated row: its leverage is one
    fit = least_squares(rng.standard_normal(20), np.column_stack([np.ones(20), d]))
    cr1 = covariance_of_fit(fit, Clustered(correction="CR1"), clusters=np.arange(20) // 2)
    assert cr1.findings[0].values == {"n": 10, "advised": 50}
    for kind in ("HC2", "HC3"):
        result = covariance_of_fit(fit, Robust(kind))
        assert [f.code for f in result.findings] == ["leverage_one"]


def test_long_tables_are_factored_in_blocks_to_the_same_numbers(rng: np.random.Generator) -> None:
    X = np.column_stack([np.ones(10_001), rng.standard_normal((10_001, 3)) * [1, 1e4, 1e-4]])
    y = rng.standard_normal(10_001)
    fit = least_squares(y, X)
    expected = np.linalg.lstsq(X, y, rcond=None)[0]
    np.testing.assert_allclose(fit.coefficients, expected, rtol=1e-9)
    np.testing.assert_allclose(fit.bread, np.linalg.inv(X.T @ X), rtol=1e-8)
