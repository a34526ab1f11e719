"""Maximising smooth likelihoods by scoring steps, mixed so that they converge fast.

A scoring step solves the expected information against the score. Where the model does not hold, or
where answers are latent, plain steps converge only linearly: the last steps are mixed (Anderson).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
_MEMORY = 6


@dataclass(frozen=True, slots=True)
class ScoringPoint:
    """Value, score and expected information of an objective at one parameter vector."""

    value: float
    score: FloatArray
    information: FloatArray


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where the scoring steps ended."""

    theta: FloatArray
    value: float
    information: FloatArray
    iterations: int
    converged: bool


def minimise(
    objective: Callable[[FloatArray], ScoringPoint],
    start: FloatArray,
    *,
    tolerance: float = 1e-9,
    limit: int = 150,
) -> Optimum:
    """Minimise by damped scoring steps; `score` points downhill.

    Where the model does not fit, scoring converges only linearly: Anderson's mixing of the last
    steps is tried first, and kept when it lowers the objective.
    """
    theta, here = start, objective(start)
    past: list[tuple[FloatArray, FloatArray]] = []
    for iteration in range(1, limit + 1):
        step = _scoring_step(here)
        if np.abs(step).max() < tolerance * (1 + np.abs(theta).max()):
            return Optimum(theta, here.value, here.information, iteration, converged=True)
        past = [*past, (theta, step)][-_MEMORY:]
        mixed = _mixed(past)
        trial = objective(mixed) if mixed is not None else None
        if trial is not None and mixed is not None and trial.value <= here.value:
            theta, here = mixed, trial
            continue
        length = _downhill_length(objective, theta, step, here.value)
        if length == 0.0:
            flat = float(here.score @ step) < 1e-8
            return Optimum(theta, here.value, here.information, iteration, flat)
        if length < 1.0:
            past = []
        theta = theta + length * step
        here = objective(theta)
    return Optimum(theta, here.value, here.information, limit, converged=False)


def _downhill_length(
    objective: Callable[[FloatArray], ScoringPoint],
    theta: FloatArray,
    step: FloatArray,
    value: float,
) -> float:
    length = 1.0
    while length > 1e-5:
        if objective(theta + length * step).value <= value + 1e-13 * abs(value):
            return length
        length /= 2
    return 0.0


def _mixed(past: list[tuple[FloatArray, FloatArray]]) -> FloatArray | None:
    if len(past) < 3:
        return None
    points = np.array([point for point, _ in past])
    steps = np.array([step for _, step in past])
    change, moved = np.diff(steps, axis=0), np.diff(points, axis=0)
    weights = np.linalg.lstsq(change.T, steps[-1], rcond=1e-10)[0]
    return np.asarray(points[-1] + steps[-1] - (moved + change).T @ weights, dtype=np.float64)


def _scoring_step(here: ScoringPoint) -> FloatArray:
    scale = np.sqrt(np.maximum(np.diag(here.information), 1e-12))
    scaled = here.information / np.outer(scale, scale)
    try:
        solution = np.linalg.solve(scaled, here.score / scale)
    except np.linalg.LinAlgError:
        solution = np.linalg.lstsq(scaled, here.score / scale, rcond=1e-8)[0]
    return np.asarray(solution / scale, dtype=np.float64)


def singular(information: FloatArray) -> bool:
    """Return whether some direction of the parameters changes nothing."""
    scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
    return bool(np.linalg.cond(information / np.outer(scale, scale)) > 1e11)
