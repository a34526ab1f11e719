"""Rambachan–Roth kernels held to brute force and to what must hold by construction."""

import numpy as np
import pytest
from scipy import optimize, stats

from impact_eval.core import NotApplicable
from impact_eval.stats.panels.extreme_rays import extreme_rays
from impact_eval.stats.panels.honest import (
    HonestInterval,
    HonestOptions,
    HonestProblem,
    IntervalMethod,
    honest_breakdown,
    honest_interval,
)
from impact_eval.stats.panels.honest_arp import (
    FirstStage,
    Hybrid,
    accepts,
    dual_test,
    truncated_normal_quantile,
)
from impact_eval.stats.panels.honest_flci import fixed_length_interval, folded_normal_quantile
from impact_eval.stats.panels.honest_restrictions import (
    DriftShape,
    Polyhedron,
    Shape,
    first_differences,
    polyhedra,
    second_differences,
)

RNG = np.random.default_rng(4)
N_PRE, N_POST = 3, 3
ROOT = RNG.normal(size=(6, 6)) * 0.1
SIGMA = ROOT @ ROOT.T + 0.02 * np.eye(6)
BETA = np.array([0.1, -0.05, 0.08, 0.9, 1.1, 1.0])
WEIGHTS = np.array([0.5, 0.3, 0.2])
PROBLEM = HonestProblem(BETA, SIGMA, WEIGHTS)


def interval(
    m: float,
    shape: Shape = Shape.RELATIVE_MAGNITUDES,
    method: IntervalMethod = IntervalMethod.C_LF,
    direction: DriftShape = DriftShape.NONE,
    problem: HonestProblem = PROBLEM,
) -> HonestInterval:
    found = honest_interval(
        problem, m, HonestOptions(shape=shape, method=method, direction=direction)
    )
    assert not isinstance(found, NotApplicable)
    return found


def test_extreme_rays_by_enumeration_of_supports() -> None:
    X = RNG.normal(size=(7, 3))
    rays = extreme_rays(X)
    assert not isinstance(rays, NotApplicable)
    np.testing.assert_allclose(rays @ X, 0, atol=1e-9)
    expected = set()
    from itertools import combinations

    for chosen in combinations(range(7), 4):
        kernel = np.linalg.svd(X[list(chosen)].T)[2][-1]
        if (kernel > 1e-12).all() or (kernel < -1e-12).all():
            ray = np.zeros(7)
            ray[list(chosen)] = kernel / kernel[np.abs(kernel).argmax()]
            expected.add(tuple(ray.round(8)))
    assert {tuple(ray.round(8)) for ray in rays} == expected


def test_extreme_rays_without_equation_are_the_axes() -> None:
    np.testing.assert_array_equal(extreme_rays(np.empty((3, 0))), np.eye(3))


@pytest.mark.parametrize(("low", "high"), [(-1.0, 2.0), (1.0, 1.5), (-3.0, -2.0), (-np.inf, 0.5)])
@pytest.mark.parametrize("probability", [0.05, 0.5, 0.9548])
def test_truncated_quantile_against_scipy(low: float, high: float, probability: float) -> None:
    found = truncated_normal_quantile(probability, np.array([low]), np.array([high]))
    assert found[0] == pytest.approx(stats.truncnorm(low, high).ppf(probability), rel=1e-9)


def test_truncated_quantile_far_in_the_tails() -> None:
    low, high = np.array([40.0, -np.inf, 50.0]), np.array([np.inf, -40.0, 50.1])
    found = truncated_normal_quantile(0.95, low, high)
    # Far out a normal tail is exponential of rate `low`.
    far = -np.log(0.05)
    expected = 40 + far / 40 - (far + far**2 / 2) / 40**3
    assert found[0] == pytest.approx(expected, abs=1e-6)
    assert -40.01 < found[1] < -40
    assert 50 < found[2] < 50.1


@pytest.mark.parametrize("mean", [0.0, 0.3, 1.0, 3.0, 9.0])
def test_folded_normal_quantile_against_scipy(mean: float) -> None:
    found = folded_normal_quantile(0.95, mean)
    assert stats.norm.cdf(found - mean) - stats.norm.cdf(-found - mean) == pytest.approx(0.95)


def conditional_test_by_linear_programs(part: Polyhedron, theta: float, alpha: float) -> bool:
    """Return whether the conditional test rejects, every quantity from its own linear program."""
    gamma = np.vstack([WEIGHTS, np.eye(3)[1:]])
    turned = part.A[:, N_PRE:] @ np.linalg.inv(gamma)
    y = part.A @ BETA - part.d - turned[:, 0] * theta
    spread = part.A @ SIGMA @ part.A.T
    equations = np.vstack([np.sqrt(np.diag(spread)), turned[:, 1:].T])
    right = np.eye(len(equations))[0]

    def largest(values: np.ndarray) -> optimize.OptimizeResult:
        return optimize.linprog(-values, A_eq=equations, b_eq=right, bounds=(0, None))

    best = largest(y)
    weights, statistic = best.x, -best.fun
    variance = float(weights @ spread @ weights)
    if variance < 1e-12:  # a vertex without noise, which some solvers end on: a plain inequality
        return bool(statistic > 0)
    push = spread @ weights / variance
    rest = y - push * statistic

    def optimal(value: float) -> bool:
        return bool(-largest(rest + push * value).fun - value < 1e-9)

    ends = []
    for far in (statistic - 200, statistic + 200):
        inside, outside = statistic, far
        if optimal(far):
            ends.append(far)
            continue
        for _ in range(60):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if optimal(middle) else (inside, middle)
        ends.append(inside)
    scale = np.sqrt(variance)
    cut = stats.truncnorm(ends[0] / scale, ends[1] / scale).ppf(1 - alpha)
    return bool(statistic / scale > max(cut, 0))


@pytest.mark.parametrize(
    ("shape", "direction", "m"),
    [
        (Shape.SMOOTHNESS, DriftShape.NONE, 0.1),
        (Shape.RELATIVE_MAGNITUDES, DriftShape.NONE, 1.0),
        (Shape.RELATIVE_MAGNITUDES, DriftShape.POSITIVE, 1.5),
        (Shape.RELATIVE_SMOOTHNESS, DriftShape.INCREASING, 1.0),
    ],
)
def test_conditional_test_against_linear_programs(
    shape: Shape, direction: DriftShape, m: float
) -> None:
    part = polyhedra(shape, m, n_pre=N_PRE, n_post=N_POST, direction=direction)[0].touching(N_PRE)
    test = dual_test(part, BETA, SIGMA, WEIGHTS)
    assert not isinstance(test, NotApplicable)
    stage = FirstStage(hybrid=Hybrid.CONDITIONAL, alpha=0.05, kappa=0.005)
    theta = np.linspace(-0.5, 2.5, 13)
    expected = [not conditional_test_by_linear_programs(part, t, 0.05) for t in theta]
    assert accepts(test, theta, stage).tolist() == expected


def test_smoothness_zero_is_extrapolation_of_a_straight_line() -> None:
    flci = fixed_length_interval(SIGMA, WEIGHTS, n_pre=N_PRE, m=0.0)
    # Best linear unbiased estimate of the effects when the drift is a line: generalised least
    # squares on a slope and the post-period effects.
    line = np.array([-3.0, -2, -1, 1, 2, 3])
    design = np.column_stack([line, np.vstack([np.zeros((3, 3)), np.eye(3)])])
    inverse = np.linalg.inv(SIGMA)
    solve = np.linalg.solve(design.T @ inverse @ design, design.T @ inverse)
    np.testing.assert_allclose(flci.weights, WEIGHTS @ solve[1:], atol=1e-9)
    assert flci.half_length == pytest.approx(1.959963984540054 * flci.std_error)
    assert flci.bias == 0


def test_fixed_length_weights_ignore_straight_lines_and_worst_bias_is_reached() -> None:
    m = 0.07
    flci = fixed_length_interval(SIGMA, WEIGHTS, n_pre=N_PRE, m=m)
    assert flci.weights @ np.array([-3.0, -2, -1, 1, 2, 3]) == pytest.approx(0, abs=1e-12)
    D = second_differences(N_PRE, N_POST)
    worst = optimize.linprog(
        -flci.weights,
        A_ub=np.vstack([D, -D]),
        b_ub=np.full(2 * len(D), m),
        bounds=(None, None),
    )
    assert flci.bias == pytest.approx(-worst.fun, rel=1e-9)


@pytest.mark.parametrize("m", [0.01, 0.05, 0.3])
def test_no_other_weights_give_a_shorter_interval(m: float) -> None:
    flci = fixed_length_interval(SIGMA, WEIGHTS, n_pre=N_PRE, m=m)
    D = second_differences(N_PRE, N_POST)
    free = N_PRE - 1
    given = np.linalg.lstsq(D.T, flci.weights, rcond=None)[0][free:]

    def length(c: np.ndarray) -> float:
        full = np.concatenate([c, given])
        v = D.T @ full
        spread = np.sqrt(v @ SIGMA @ v)
        return spread * folded_normal_quantile(0.95, m * np.abs(full).sum() / spread)

    best = min(
        optimize.minimize(length, start, method="Nelder-Mead", options={"xatol": 1e-8}).fun
        for start in RNG.normal(size=(6, free))
    )
    assert flci.half_length <= best + 1e-7
    assert flci.half_length == pytest.approx(best, rel=1e-4)


@pytest.mark.parametrize("method", [IntervalMethod.CONDITIONAL, IntervalMethod.C_LF])
@pytest.mark.parametrize("shape", list(Shape))
def test_intervals_grow_with_m(method: IntervalMethod, shape: Shape) -> None:
    step = 0.1 if shape is Shape.SMOOTHNESS else 1.0
    ends = [interval(m * step, shape, method) for m in (0, 1, 2)]
    assert ends[0].conf_low >= ends[1].conf_low >= ends[2].conf_low
    assert ends[0].conf_high <= ends[1].conf_high <= ends[2].conf_high


def test_relative_magnitudes_zero_is_the_plain_interval() -> None:
    found = interval(0.0, method=IntervalMethod.CONDITIONAL)
    one = HonestProblem(BETA, SIGMA, np.array([1.0, 0, 0]))
    single = interval(0.0, method=IntervalMethod.CONDITIONAL, problem=one)
    # Without drift the post-period moments pin each effect down: the test is the two-sided z-test.
    for problem, got in ((PROBLEM, found), (one, single)):
        margin = 1.959963984540054 * problem.std_error
        assert got.conf_low == pytest.approx(problem.estimate - margin, abs=0.02 * margin)
        assert got.conf_high == pytest.approx(problem.estimate + margin, abs=0.02 * margin)


def test_a_direction_only_shortens() -> None:
    plain = interval(1.0)
    for direction in (DriftShape.POSITIVE, DriftShape.NEGATIVE):
        # A drift known to be positive cannot hide a larger effect, and the other way round.
        found = interval(1.0, direction=direction)
        assert found.conf_low >= plain.conf_low - 0.02
        assert found.conf_high <= plain.conf_high + 0.02
    assert interval(1.0, direction=DriftShape.POSITIVE).conf_high < plain.conf_high - 0.05
    assert interval(1.0, direction=DriftShape.NEGATIVE).conf_low > plain.conf_low + 0.05


def test_scale_and_sign_equivariance() -> None:
    scaled = HonestProblem(-10 * BETA, 100 * SIGMA, WEIGHTS)
    one, other = interval(1.0), interval(1.0, problem=scaled)
    # The draws behind the critical value are not mirrored: 1 % of the width.
    slack = 0.1 * (one.conf_high - one.conf_low)
    assert other.conf_low == pytest.approx(-10 * one.conf_high, abs=slack)
    assert other.conf_high == pytest.approx(-10 * one.conf_low, abs=slack)
    same = interval(1.0, problem=HonestProblem(10 * BETA, 100 * SIGMA, WEIGHTS))
    assert same.conf_low == pytest.approx(10 * one.conf_low, rel=1e-4)


def test_breakdown_is_where_the_interval_reaches_zero() -> None:
    options = HonestOptions(shape=Shape.RELATIVE_MAGNITUDES)
    found = honest_breakdown(PROBLEM, options, most=20)
    assert isinstance(found, float)
    assert interval(found * 0.98).conf_low > 0
    assert interval(found * 1.02).conf_low <= 0
    null = HonestProblem(np.append(BETA[:3], [0.01, 0.0, 0.02]), SIGMA, WEIGHTS)
    assert honest_breakdown(null, options, most=20) == 0
    strong = HonestProblem(np.append(BETA[:3], [900.0, 900, 900]), SIGMA, WEIGHTS)
    assert honest_breakdown(strong, options, most=5) == np.inf


def test_what_cannot_be_asked_says_so() -> None:
    flci = HonestOptions(shape=Shape.RELATIVE_MAGNITUDES, method=IntervalMethod.FLCI)
    found = honest_interval(PROBLEM, 1.0, flci)
    assert isinstance(found, NotApplicable)
    assert found.reason == "method_needs_smoothness"
    short = HonestProblem(BETA[2:], SIGMA[2:, 2:], WEIGHTS)
    found = honest_interval(short, 1.0, HonestOptions(shape=Shape.RELATIVE_SMOOTHNESS))
    assert isinstance(found, NotApplicable)
    assert found.reason == "too_few_pre_periods"


@pytest.mark.parametrize("n_post", [1, 2, 6, 12])
def test_other_lengths_of_the_path(n_post: int) -> None:
    size = 2 + n_post
    beta = np.append([0.1, -0.1], np.full(n_post, 1.0))
    problem = HonestProblem(beta, 0.01 * np.eye(size), np.full(n_post, 1 / n_post))
    for shape in Shape:
        for direction in (DriftShape.NONE, DriftShape.POSITIVE, DriftShape.INCREASING)[
            : 3 if n_post <= 6 else 1
        ]:
            found = interval(0.5, shape, direction=direction, problem=problem)
            assert found.conf_low < found.conf_high
            assert np.isfinite([found.conf_low, found.conf_high]).all()


def test_a_direction_over_a_very_long_path_is_refused_in_words() -> None:
    size = 2 + 16
    problem = HonestProblem(np.ones(size), 0.01 * np.eye(size), np.full(16, 1 / 16))
    options = HonestOptions(shape=Shape.RELATIVE_MAGNITUDES, direction=DriftShape.POSITIVE)
    found = honest_interval(problem, 1.0, options)
    assert isinstance(found, NotApplicable)
    assert found.reason == "too_many_rays"


def test_restrictions_at_unequal_dates_speak_of_the_unit_of_time() -> None:
    """A straight drift has one slope and no change of it; a square one changes by 2 everywhere."""
    dates = np.array([-7.0, -3.0, -1.0, 0.0, 2.0, 3.0])
    gaps, kept = np.diff(dates), np.delete(dates, 2)
    steps, turns = first_differences(2, 3, gaps), second_differences(2, 3, gaps)
    line, square = 3 * (kept + 1), (kept + 1) ** 2
    np.testing.assert_allclose(steps @ line, 3.0, atol=1e-12)
    np.testing.assert_allclose(turns @ line, 0.0, atol=1e-12)
    np.testing.assert_allclose(turns @ square, 2.0, atol=1e-12)


def test_fixed_length_interval_at_unequal_dates_has_no_bias_from_a_straight_drift() -> None:
    dates = np.array([-7.0, -3.0, -1.0, 0.0, 2.0, 3.0])
    weights = np.array([0.5, 0.2, 0.3])
    for m in (0.0, 0.4):
        flci = fixed_length_interval(np.eye(5), weights, n_pre=2, m=m, gaps=np.diff(dates))
        np.testing.assert_allclose(flci.weights[2:], weights, atol=1e-12)
        assert flci.weights @ (np.delete(dates, 2) + 1) == pytest.approx(0.0, abs=1e-9)
