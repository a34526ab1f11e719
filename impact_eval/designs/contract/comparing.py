"""How two results are compared, and how a refusal is expected."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.provenance import canonical_json
from impact_eval.designs.contract.example import Example

CLOSE = 1e-8  # relative: what another order of summation may move


def column(estimate: Estimate, name: str) -> NDArray[np.float64]:
    """Return a column of the rows as (k,) floats, NaN where it does not apply."""
    values = [getattr(effect, name) for effect in estimate.effects]
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def same(
    one: Estimate, other: Estimate, what: str, scale: float = 1.0, fixed: Collection[str] = ()
) -> None:
    """Assert that two results are the same up to a scale, with the same p-values.

    Rows named in `fixed` do not depend on the outcome: they have no scale.
    """
    factor = np.array([1.0 if {e.key, e.term} & set(fixed) else scale for e in one.effects])
    same_points(one, other, what, factor)
    a, b = column(one, "std_error") * np.abs(factor), column(other, "std_error")
    np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-9, err_msg=f"{what}: errors")
    a, b = column(one, "p_value"), column(other, "p_value")
    np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-9, err_msg=f"{what}: p-values")


def same_points(
    one: Estimate, other: Estimate, what: str, factor: NDArray[np.float64] | float = 1.0
) -> None:
    """Assert that two results have the same estimates up to a factor."""
    assert len(one) == len(other), f"{what}: {len(one)} rows became {len(other)}"
    a, b = one.estimates * factor, other.estimates
    size = np.nanmax(np.abs(a), initial=1e-12)
    np.testing.assert_allclose(b, a, rtol=1e-6, atol=CLOSE * size, err_msg=what)


def moved(one: Estimate, other: Estimate, name: str) -> bool:
    """Whether a column of the rows is not the same in two results."""
    a, b = column(one, name), column(other, name)
    return a.shape != b.shape or not np.allclose(a, b, rtol=1e-9, atol=0.0, equal_nan=True)


def codes_of(attempt: Callable[[], object]) -> tuple[str, ...] | None:
    """Return the codes with which something is refused, or None when it is not.

    Any other exception is no refusal in words.
    """
    try:
        attempt()
    except ImpactEvalError as error:
        return error.codes
    except Exception as error:
        told = f"{type(error).__name__} instead of a refusal in words: {error}"
        raise AssertionError(told) from error
    return None


def expect(example: Example, *codes: str) -> None:
    """Assert that an example is refused with one of these codes."""
    found = codes_of(example.fit)
    assert found is not None, f"expected one of {codes}, got a result"
    assert set(found) & set(codes), f"expected one of {codes}, got {found}"


def printed(estimate: Estimate, *, method: bool = True) -> str:
    """Return everything a result prints but the record of its own options.

    Without `method`, the name of the covariance is left out too: a name is not a number.
    """
    data = estimate.to_dict()
    data["method"].pop("options")
    if not method:
        data.pop("method")
    if estimate.aggregator is not None:
        data["aggregates"] = [
            [(effect.estimate, effect.std_error) for effect in estimate.aggregate(kind).effects]
            for kind in estimate.aggregator.kinds
        ]
    return canonical_json(data)
