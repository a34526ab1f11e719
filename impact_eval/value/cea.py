r"""Cost-effectiveness of several options: their frontier, and what draws say of the best choice.

With :math:`\lambda` given to one unit of effect, the net benefit of an option in a draw is
:math:`NB_d = \lambda E_d - C_d`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import Finding, FindingCollector, NotApplicable
from impact_eval.value.uncertainty.information import evpi

FloatArray = NDArray[np.float64]
_FEWEST = 2  # options: one alone is not chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierRow:
    """One option on, or off, the efficiency frontier.

    Attributes
    ----------
    name : str
    cost, effect : float
    icer : float or NotApplicable
        Extra cost by extra unit of effect against the option before it on the frontier.
    status : str
        `reference`, `frontier`, `dominated` (another costs less and does more) or
        `extended_dominated` (a mix of two others does).

    Examples
    --------
    >>> row = frontier(["none", "a"], [0.0, 10.0], [0.0, 2.0])[1]
    >>> isinstance(row, FrontierRow), row.icer
    (True, 5.0)
    """

    name: str
    cost: float
    effect: float
    icer: float | NotApplicable
    status: str


def frontier(
    names: Sequence[str], costs: Sequence[float], effects: Sequence[float]
) -> tuple[FrontierRow, ...]:
    """Return the efficiency frontier: strong, then extended dominance.

    Parameters
    ----------
    names : sequence of str
    costs, effects : sequences of float
        Mean cost and mean effect of each option.

    Returns
    -------
    tuple of FrontierRow
        By cost.

    Raises
    ------
    ImpactEvalError
        `options_too_few`, `option_twice`, `option_draws_shape`, `option_draw_not_finite`.

    Examples
    --------
    >>> rows = frontier(["none", "a"], [0.0, 10.0], [0.0, 2.0])
    >>> rows[1].icer
    5.0
    """
    _check(names, _rows(costs), _rows(effects))
    order = sorted(range(len(names)), key=lambda i: (costs[i], -effects[i]))
    live, status = _efficient(order, costs, effects)
    rows = []
    for i in order:
        icer: float | NotApplicable = NotApplicable.because(f"option_{status[i]}")
        if status[i] == "frontier":
            j = live[live.index(i) - 1]
            icer = (costs[i] - costs[j]) / (effects[i] - effects[j])
        rows.append(
            FrontierRow(
                name=names[i], cost=costs[i], effect=effects[i], icer=icer, status=status[i]
            )
        )
    return tuple(rows)


def _efficient(
    order: Sequence[int], costs: Sequence[float], effects: Sequence[float]
) -> tuple[list[int], dict[int, str]]:
    """Return the options on the frontier by cost, and the status of each."""
    status = dict.fromkeys(order, "frontier")
    best = -np.inf
    for i in order:
        if effects[i] <= best:
            status[i] = "dominated"
        else:
            best = effects[i]
    live = [i for i in order if status[i] == "frontier"]
    k = 1
    while k < len(live) - 1:
        a, b, c = live[k - 1 : k + 2]
        first = (costs[b] - costs[a]) / (effects[b] - effects[a])
        second = (costs[c] - costs[b]) / (effects[c] - effects[b])
        if second <= first:
            status[b] = "extended_dominated"
            live.pop(k)
            k = max(k - 1, 1)
        else:
            k += 1
    status[live[0]] = "reference"
    return live, status


@dataclass(frozen=True, kw_only=True)
class Acceptability:
    """What draws say of the best option, by value given to one unit of effect.

    Attributes
    ----------
    names : tuple of str
    thresholds : (thresholds,) array
    chances : (thresholds, options) array
        Chance that the option has the highest net benefit; options that tie in a draw share it, so
        that each row adds up to one.
    expected : (thresholds, options) array
        Mean net benefit.
    frontier : tuple of str
        By threshold, the option of highest mean net benefit; the first named when two are equal.
    frontier_chances : (thresholds,) array
        Chance that this option is the best (CEAF).
    evpi : (thresholds,) array
        What it is worth to know everything before choosing, by decision.

    Examples
    --------
    >>> draws = np.array([[1.0, 2.0], [1.0, 3.0]])
    >>> found = acceptability(["a", "b"], np.zeros((2, 2)), draws, [1.0])
    >>> isinstance(found, Acceptability), found.chances.tolist()
    (True, [[0.0, 1.0]])
    """

    names: tuple[str, ...]
    thresholds: FloatArray
    chances: FloatArray
    expected: FloatArray
    frontier: tuple[str, ...]
    frontier_chances: FloatArray
    evpi: FloatArray


def acceptability(
    names: Sequence[str], costs: ArrayLike, effects: ArrayLike, thresholds: ArrayLike
) -> Acceptability:
    r"""Return the chance that each option is the best, and what perfect information is worth.

    :math:`CEAC_d(\lambda) = \Pr(NB_d = \max_j NB_j)` and :math:`EVPI(\lambda) = E[\max_d NB_d] -
    \max_d E[NB_d]`.

    Parameters
    ----------
    names : sequence of str
        Options.
    costs, effects : (draws, options) arrays
        The same draw on the same row of both.
    thresholds : (thresholds,) array
        Values given to one unit of effect, in the money of the costs.

    Returns
    -------
    Acceptability

    Raises
    ------
    ImpactEvalError
        `options_too_few`, `option_twice`, `option_draws_shape`, `option_draw_not_finite`,
        `threshold_not_valid`: all faults at once.

    References
    ----------
    Fenwick, E., Claxton, K. and Sculpher, M. (2001). doi:10.1002/hec.635

    Examples
    --------
    >>> read = acceptability(["none", "a"], [[0, 10], [0, 10]], [[0, 3], [0, 1]], [5])
    >>> read.chances.tolist(), read.evpi.tolist()
    ([[0.5, 0.5]], [2.5])
    """
    paid, gained, values = _draws(costs), _draws(effects), _draws(thresholds)
    _check(names, paid, gained, values)
    chances, expected, known = [], [], []
    for value in values:
        net = value * gained - paid
        best = net == net.max(axis=1, keepdims=True)
        chances.append((best / best.sum(axis=1, keepdims=True)).mean(axis=0))
        expected.append(net.mean(axis=0))
        known.append(max(evpi(net), 0.0))
    first = [int(row.argmax()) for row in expected]
    return Acceptability(
        names=tuple(names),
        thresholds=values,
        chances=np.array(chances),
        expected=np.array(expected),
        frontier=tuple(names[k] for k in first),
        frontier_chances=np.array([row[k] for row, k in zip(chances, first, strict=True)]),
        evpi=np.array(known),
    )


def _draws(given: ArrayLike) -> FloatArray:
    """Return numbers as an array; what is not a number is none (NaN), and is refused as such."""
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return _one_by_one(given)


def _one_by_one(given: ArrayLike) -> FloatArray:
    try:
        cells = np.asarray(given, dtype=object)
    except ValueError:  # rows of unequal length
        return np.empty((0,))
    return np.vectorize(_number, otypes=[np.float64])(cells) if cells.size else np.empty((0,))


def _number(cell: object) -> float:
    try:
        return float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return np.nan


def _rows(means: ArrayLike) -> FloatArray:
    """Return the means of the options as one draw."""
    return np.atleast_2d(_draws(means))


def _check(
    names: Sequence[str],
    costs: FloatArray,
    effects: FloatArray,
    thresholds: FloatArray | None = None,
) -> None:
    """Refuse options and draws that cannot be held against each other."""
    faults = FindingCollector()
    if len(names) < _FEWEST:
        faults.add(Finding.error("options_too_few", found=len(names), least=_FEWEST))
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        faults.add(Finding.error("option_twice", names=tuple(twice)))
    if costs.ndim != 2 or costs.shape != effects.shape or costs.shape[-1] != len(names):
        faults.add(
            Finding.error(
                "option_draws_shape",
                expected=len(names),
                costs=_shape(costs),
                effects=_shape(effects),
            )
        )
    elif not costs.size:
        faults.add(Finding.error("option_draws_absent"))
    else:
        faults.add(*_not_numbers(names, costs, effects))
    if thresholds is not None:
        faults.add(*_bad_thresholds(thresholds))
    faults.raise_if_errors()


def _shape(array: FloatArray) -> str:
    return " × ".join(map(str, array.shape)) or "1"


def _not_numbers(names: Sequence[str], costs: FloatArray, effects: FloatArray) -> list[Finding]:
    """Tell each option with draws that are not numbers: how many, and the first."""
    out = []
    for k, name in enumerate(names):
        bad = ~(np.isfinite(costs[:, k]) & np.isfinite(effects[:, k]))
        if bad.any():
            out.append(
                Finding.error(
                    "option_draw_not_finite",
                    name=name,
                    draws=int(bad.sum()),
                    position=int(bad.argmax()) + 1,
                )
            )
    return out


def _bad_thresholds(thresholds: FloatArray) -> list[Finding]:
    if thresholds.ndim != 1 or not thresholds.size:
        return [Finding.error("thresholds_absent")]
    wrong = ~np.isfinite(thresholds) | (thresholds < 0)
    if not wrong.any():
        return []
    return [Finding.error("threshold_not_valid", position=int(wrong.argmax()) + 1)]
