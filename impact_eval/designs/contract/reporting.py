"""What a result says of itself: its shape, its gaps, its inference, its influence values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.effect import Effect
from impact_eval.core.estimate import TIDY_COLUMNS, Estimate, Influence
from impact_eval.core.findings import NotApplicable
from impact_eval.core.inference import critical_value, two_sided_p
from impact_eval.core.provenance import canonical_json
from impact_eval.designs.base import Design, options_of
from impact_eval.designs.contract.comparing import codes_of
from impact_eval.designs.contract.example import Example, example_of
from impact_eval.designs.contract.table_redraws import redraws_of

FACTOR = (0.5, 2.0)  # the factor for small samples between influence values and covariance
LEFT_OUT = 8  # units left out one by one, those with most influence
SLOPE = (0.6, 1.7)  # of the change without a unit on its influence: one, and more in small samples
AGREE = 0.9


def check_result_shape(design: type[Design]) -> None:
    """9. Tidy columns and the JSON round trip are exact; names and options are those declared."""
    example = _with_an_option(example_of(design))
    estimate = example.fit()
    assert tuple(estimate.tidy().columns) == TIDY_COLUMNS
    data = estimate.to_dict()
    again = Estimate.from_dict(data)
    assert canonical_json(again.to_dict()) == canonical_json(data), "JSON round trip"
    assert again.effects == estimate.effects
    assert estimate.method.name == design.info.name
    assert estimate.counterfactual is design.info.counterfactual
    options = options_of(example.design)
    assert dict(estimate.method.options) == options, "the options recorded are not those given"
    told = {estimate.estimand, *(effect.estimand for effect in estimate.effects)}
    unknown = told - set(design.info.estimands)
    assert not unknown, f"estimands that `info` does not list: {sorted(unknown)}"


def _with_an_option(example: Example) -> Example:
    """Return the example with a choice that is not the default, where one gives a result."""
    for name, allowed in example.design.info.options.items():
        for value in allowed:
            if value != getattr(example.design, name):
                chosen = replace(example.design, **{name: value})  # type: ignore[type-var]
                other = replace(example, design=chosen)
                if codes_of(other.fit) is None:
                    return other
    return example


def check_undefined_has_reason(design: type[Design]) -> None:
    """10. What is undefined says why: a reason, never a silent gap or a zero."""
    estimate = example_of(design).fit()
    absent = estimate.test(terms=["no_such_term"])
    assert isinstance(absent, NotApplicable), "a test of nothing gives its reason"
    for effect in estimate.effects:
        assert effect.std_error is None or effect.std_error > 0, f"{effect.key}: zero error"
        undefined = effect.estimate is None or effect.std_error is None
        told = bool(estimate.findings) or (
            effect.estimate is not None and not design.info.standard_error
        )
        assert not undefined or told, f"{effect.key} is empty without a finding"


def check_inference_is_of_the_error(design: type[Design]) -> None:
    """17b. Statistic, p-value and interval are those of the error and level that are printed."""
    example = example_of(design)
    estimate = example.fit()
    variance = np.diag(estimate.covariance)
    for position, effect in enumerate(estimate.effects):
        if not design.info.standard_error:
            assert effect.std_error is None, f"{effect.key}: an error that `info` denies"
            continue
        if effect.std_error is None or effect.estimate is None:
            continue
        own = float(np.sqrt(variance[position]))
        _close(own, effect.std_error, f"{effect.key}: error and covariance")
        if effect.term not in example.own_intervals:
            _check_wald(effect, effect.estimate, effect.std_error)
    _check_duality(design)


def _check_wald(effect: Effect, estimate: float, std_error: float) -> None:
    key = effect.key
    statistic = estimate / std_error
    margin = critical_value(effect.conf_level, effect.df) * std_error
    expected = {
        "statistic": statistic,
        "p_value": two_sided_p(statistic, effect.df),
        "conf_low": estimate - margin,
        "conf_high": estimate + margin,
    }
    for name, value in expected.items():
        found = getattr(effect, name)
        assert found is not None, f"{key}: an error without its {name}"
        _close(found, value, f"{key}: {name} is not that of the estimate and its error")


def _close(found: float, expected: float, what: str) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-10, err_msg=what)


def _check_duality(design: type[Design]) -> None:
    """Hold intervals to their p-values.

    An interval of level 1 - a leaves zero out when p is below a, and only then.
    """
    draws = redraws_of(design)
    for each in (draws.nothing, draws.effect):
        known = np.isfinite(each.p_value) & np.isfinite(each.low) & np.isfinite(each.high)
        out = (each.low > 0) | (each.high < 0)
        below = each.p_value < 1 - each.level
        wrong = known & (out != below)
        n = int(wrong.sum())
        assert n <= 0.01 * known.sum(), (
            f"{n} intervals of {int(known.sum())} contradict their own p-value"
        )


def check_influence(design: type[Design]) -> None:
    """17c. Influence values make the covariance, and say what changes when a unit is left out."""
    example = example_of(design)
    estimate = example.fit()
    if estimate.influence is None:
        return
    psi, covariance = estimate.influence.values, estimate.covariance
    assert psi.shape == (len(estimate.influence.units), len(estimate)), "shape of the influence"
    live = np.isfinite(np.diag(covariance)) & (np.diag(covariance) > 0)
    meat = (psi.T @ psi)[np.ix_(live, live)]
    factor = np.diag(covariance)[live] / np.diag(meat)
    assert ((factor > FACTOR[0]) & (factor < FACTOR[1])).all(), (
        f"the influence values give {1 / factor.min():.2f} times the variance"
    )
    scale = np.sqrt(np.outer(factor, factor))
    size = np.sqrt(np.outer(np.diag(meat), np.diag(meat)))
    gap = np.abs(covariance[np.ix_(live, live)] / scale - meat) / size
    assert gap.max(initial=0.0) < 0.02, "the correlations of the influence are not the covariance's"
    _check_left_out(example, estimate, estimate.influence, live)


def _check_left_out(
    example: Example, estimate: Estimate, influence: Influence, live: NDArray[np.bool_]
) -> None:
    unit = example.rows_of()
    if unit is None or "cluster" in example.roles:
        return
    if not np.isin(influence.units, example.frame[unit]).all():
        return
    psi = influence.values
    found, expected = [], []
    for position in np.argsort(-np.abs(psi).max(axis=1), kind="stable")[:LEFT_OUT]:
        less = example.on(example.frame[example.frame[unit] != influence.units[position]]).fit()
        if [e.key for e in less.effects] == [e.key for e in estimate.effects]:
            found.append(estimate.estimates - less.estimates)
            expected.append(psi[position])
    change, told = np.array(found), np.array(expected)
    for row in np.flatnonzero(live) if found else ():
        one, other = told[:, row], change[:, row]
        if not (np.ptp(one) > 0 and np.ptp(other) > 0):
            continue
        slope, agree = float(one @ other / (one @ one)), float(np.corrcoef(one, other)[0, 1])
        good = SLOPE[0] < slope < SLOPE[1] and agree > AGREE
        assert good, (
            f"{estimate.effects[row].key}: without a unit the estimate moves by {slope:.2f} times "
            f"its influence, with a correlation of {agree:.2f}"
        )
