"""What an account owes to its unknowns: shares of variance, and what knowing each is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.value.account.doors import Account
from impact_eval.value.uncertainty.asked import check_known, check_whole
from impact_eval.value.uncertainty.block_draws import stream
from impact_eval.value.uncertainty.compiled import (
    BENEFITS,
    COSTS,
    Model,
    compile_model,
    draws_refused,
)
from impact_eval.value.uncertainty.information import evpi, evppi
from impact_eval.value.uncertainty.normal_scores import from_normal
from impact_eval.value.uncertainty.sensitivity import tornado
from impact_eval.value.uncertainty.simulate import NOTHING_VARIES, simulate
from impact_eval.value.uncertainty.variance_shares import (
    Function,
    ShapleyEffects,
    SobolIndices,
    shapley_effects,
    sobol_indices,
)

FloatArray = NDArray[np.float64]
OTHERS = "others"
MOST_NAMED = 7
_FEWEST = 2  # draws: one has no spread


def unknown_names(model: Model) -> tuple[str, ...]:
    """Return every uncertain number of a model: those of the map, then effects with an error."""
    effects = [n for k, n in enumerate(model.effects) if model.effect_laws.varies(k)]
    return (*(item.name for item in model.uncertain), *effects)


def score_correlation(account: Account, model: Model) -> FloatArray:
    """Return the correlation of the normal scores: declared ones, and those of the effects."""
    names = unknown_names(model)
    matrix = np.eye(len(names))
    for item in account.value_map.correlations:
        if item.first in names and item.second in names:
            i, j = names.index(item.first), names.index(item.second)
            matrix[i, j] = matrix[j, i] = float(item.rho)
    for a, first in enumerate(model.effects):
        for b, second in enumerate(model.effects):
            if a != b and first in names and second in names:
                own = model.effect_laws.correlation[a, b]
                matrix[names.index(first), names.index(second)] = own
    return matrix


def net_value_function(model: Model) -> Function:
    """Return the net value as a function of normal scores, one column by unknown."""
    names = unknown_names(model)
    laws = {item.name: item.law for item in model.uncertain}
    gain, paid = model.column(BENEFITS), model.column(COSTS)

    def net(scores: FloatArray) -> FloatArray:
        numbers: dict[str, FloatArray] = {}
        for k, name in enumerate(names):
            if name in laws:
                numbers[name] = from_normal(laws[name], scores[:, k])
            else:
                rank = model.effects.index(name)
                numbers[name] = model.effect_laws.at_normal(rank, scores[:, k])
        totals = model.totals(numbers, len(scores))
        result: FloatArray = totals[:, gain] - totals[:, paid]
        return result

    return net


def account_sobol(
    account: Account, *, draws: int = 20_000, seed: int = 20240101
) -> SobolIndices | NotApplicable:
    """Return Sobol shares of the net value, by uncertain number.

    Returns
    -------
    SobolIndices or NotApplicable
        `nothing_varies`; `inputs_correlated` when some numbers move together: read Shapley effects
        instead, which still add up; what refuses the draws.
    """
    check_whole("draws", draws, least=_FEWEST)
    check_whole("seed", seed, least=0)
    refusal = draws_refused(account)
    if refusal is not None:
        return refusal
    model = compile_model(account)
    names = unknown_names(model)
    if not names:
        return NotApplicable.because(NOTHING_VARIES)
    if not np.allclose(score_correlation(account, model), np.eye(len(names))):
        return NotApplicable.because("inputs_correlated")
    shape = (draws, len(names))
    first = stream(seed, "sobol", 0).standard_normal(shape)
    second = stream(seed, "sobol", 1).standard_normal(shape)
    return sobol_indices(net_value_function(model), first, second, names)


def account_shapley(
    account: Account, *, draws: int = 5_000, seed: int = 20240101
) -> ShapleyEffects | NotApplicable:
    """Return Shapley shares of the net value: the widest numbers by name, the rest as `others`.

    Shares add up to one, correlated numbers included. Refused as the draws are.
    """
    check_whole("draws", draws, least=_FEWEST)
    check_whole("seed", seed, least=0)
    bars = tornado(account)
    if isinstance(bars, NotApplicable):
        return bars
    model = compile_model(account)
    names = unknown_names(model)
    if not names:
        return NotApplicable.because(NOTHING_VARIES)
    widest = [bar.name for bar in bars if bar.name in names][:MOST_NAMED]
    groups: list[list[int]] = [[names.index(name)] for name in widest]
    rest = [k for k, name in enumerate(names) if name not in widest]
    order = [k for group in groups for k in group] + rest
    if rest:
        groups.append(rest)
    matrix = score_correlation(account, model)
    return shapley_effects(
        net_value_function(model),
        (*widest, OTHERS) if rest else widest,
        rng=stream(seed, "shapley"),
        correlation=matrix if sorted(order) == list(range(len(names))) else None,
        draws=draws,
        groups=groups,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationValue:
    """What it would be worth to know more before deciding to fund the action or not.

    Attributes
    ----------
    perfect : float
        Expected value of knowing everything, for the whole action.
    by_number : tuple of (str, float)
        Expected value of knowing one number, largest first.
    chance_wrong : float
        Chance that today's best decision is not the right one.
    """

    perfect: float
    by_number: tuple[tuple[str, float], ...]
    chance_wrong: float


def value_of_information(
    account: Account,
    *,
    names: Sequence[str] | None = None,
    draws: int = 20_000,
    seed: int = 20240101,
) -> InformationValue | NotApplicable:
    """Return EVPI and EVPPI of the decision to fund the action, or not, from the map's perspective.

    Compare with the cost of one more survey wave: information worth less is not worth buying for
    this decision alone.

    Parameters
    ----------
    account : Account
    names : sequence of str, optional
        Numbers to look at; the widest of the tornado by default.
    draws, seed : int

    Returns
    -------
    InformationValue or NotApplicable
        `nothing_varies`; what refuses the draws.
    """
    bars = tornado(account)
    if isinstance(bars, NotApplicable):
        return bars
    model = compile_model(account)
    known = unknown_names(model)
    if not known:
        return NotApplicable.because(NOTHING_VARIES)
    wide = [bar.name for bar in bars if bar.name in known][: MOST_NAMED + 3]
    chosen = tuple(wide if names is None else names)
    check_known(chosen, known)
    drawn = simulate(account, draws=draws, seed=seed, keep=chosen)
    perspective = account.value_map.settings.perspective
    gain = drawn.benefits(perspective) - drawn.costs(perspective)
    options = np.column_stack([np.zeros_like(gain), gain])
    worth = [(name, evppi(options, drawn.inputs[name])) for name in chosen]
    wrong = gain < 0 if gain.mean() > 0 else gain > 0
    return InformationValue(
        perfect=evpi(options),
        by_number=tuple(sorted(worth, key=lambda item: (-item[1], item[0]))),
        chance_wrong=float(wrong.mean()),
    )
