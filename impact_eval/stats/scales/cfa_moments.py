r"""What a factor model says the moments are, and how they move with its parameters.

Continuous items: :math:`\mu = \nu + \Lambda\alpha`, :math:`\Sigma = \Lambda\Psi\Lambda' + \Theta`.
Ordered items: thresholds :math:`\delta_i(\tau_{ic} - \mu_i)` and correlations
:math:`\delta_i\delta_j(\Lambda\Psi\Lambda' + \Theta)_{ij}`. Derivatives are complex steps on stacks
of parameter vectors: exact to rounding, one code for all models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.scales.cfa_model import FIXED, CfaModel, Matrix

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ComplexArray = NDArray[np.complex128]
_STEP = 1e-30


@dataclass(frozen=True, slots=True)
class _Slot:
    """One matrix of one group: template of fixed values, places and numbers of free cells."""

    template: FloatArray
    rows: IntArray
    columns: IntArray
    free: IntArray


@dataclass(frozen=True, slots=True)
class GroupMoments:
    """Implied moments of one group.

    Attributes
    ----------
    mean : (p,) array
        Continuous items; zeros when means are not modelled.
    covariance : (p, p) array
        Continuous items, or latent responses before scaling.
    vector : (q,) array
        What the fit compares: means then lower triangle, or thresholds then correlations.
    """

    mean: FloatArray
    covariance: FloatArray
    vector: FloatArray


@dataclass(frozen=True, eq=False)
class ModelMoments:
    """A compiled model: implied moments and Jacobians of each group.

    Attributes
    ----------
    model : CfaModel
    p : int
        Items.
    """

    model: CfaModel
    p: int = field(init=False)
    _slots: tuple[dict[Matrix, _Slot], ...] = field(init=False, repr=False)
    _cuts: tuple[tuple[IntArray, IntArray], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        groups = range(self.model.n_groups)
        object.__setattr__(self, "p", len(self.model.items))
        object.__setattr__(self, "_slots", tuple(_slots(self.model, g) for g in groups))
        object.__setattr__(self, "_cuts", tuple(_cuts(self.model, g) for g in groups))

    def matrices(self, theta: FloatArray, group: int) -> dict[Matrix, FloatArray]:
        """Return the group's matrices at the parameters, symmetric ones in full."""
        stacks = self._matrices(np.asarray(theta)[None], group)
        return {name: stack[0].real.astype(np.float64) for name, stack in stacks.items()}

    def _matrices(self, stack: NDArray[np.generic], group: int) -> dict[Matrix, ComplexArray]:
        out = {}
        for name, slot in self._slots[group].items():
            full = np.empty((len(stack), *slot.template.shape), dtype=np.complex128)
            full[:] = slot.template
            if len(slot.free):
                full[:, slot.rows, slot.columns] = stack[:, slot.free]
            out[name] = full
        return out

    def _structure(self, stack: NDArray[np.generic], group: int) -> tuple[ComplexArray, ...]:
        m = self._matrices(stack, group)
        loading = m[Matrix.LOADING]
        common = loading @ m[Matrix.FACTOR_COVARIANCE] @ np.swapaxes(loading, 1, 2)
        mean = (m[Matrix.INTERCEPT] + loading @ m[Matrix.FACTOR_MEAN])[:, :, 0]
        return mean, common + m[Matrix.RESIDUAL], common, m[Matrix.THRESHOLD], m[Matrix.SCALE]

    def _vectors(self, structure: tuple[ComplexArray, ...], group: int) -> ComplexArray:
        mean, covariance, common, thresholds, scales = structure
        if not self.model.ordinal:
            rows, columns, _ = triangle(self.p)
            lower = covariance[:, rows, columns]
            return np.concatenate([mean, lower], axis=1) if self.model.means else lower
        scale: ComplexArray = np.diagonal(scales, axis1=1, axis2=2)
        if self.model.theta:  # scales are those of residual variances of one
            own = np.diagonal(common, axis1=1, axis2=2)
            scale = (own + 1 / scale**2) ** -0.5
        cuts, category = self._cuts[group]
        limits = scale[:, cuts] * (thresholds[:, cuts, category] - mean[:, cuts])
        rows, columns = np.tril_indices(self.p, -1)
        joint = scale[:, rows] * scale[:, columns] * covariance[:, rows, columns]
        return np.concatenate([limits, joint], axis=1)

    def group(self, theta: FloatArray, group: int) -> GroupMoments:
        """Return the implied moments of one group."""
        structure = self._structure(theta[None], group)
        mean, covariance = (part[0].real.astype(np.float64) for part in structure[:2])
        vector = self._vectors(structure, group)[0].real.astype(np.float64)
        return GroupMoments(mean, covariance, vector)

    def jacobian(self, theta: FloatArray, group: int) -> FloatArray:
        """Return the (q, k) derivatives of the compared moments with respect to parameters."""
        return self.moved(theta, group)[1]

    def moved(self, theta: FloatArray, group: int) -> tuple[GroupMoments, FloatArray]:
        """Return the implied moments and their Jacobian, from one stack."""
        stack = np.empty((len(theta) + 1, len(theta)), dtype=np.complex128)
        stack[:] = theta
        stack[1:].imag[np.diag_indices(len(theta))] = _STEP
        structure = self._structure(stack, group)
        vectors = self._vectors(structure, group)
        mean, covariance = (part[0].real.astype(np.float64) for part in structure[:2])
        moments = GroupMoments(mean, covariance, vectors[0].real.astype(np.float64))
        return moments, np.asarray(vectors[1:].imag.T / _STEP, dtype=np.float64)


def _cuts(model: CfaModel, group: int) -> tuple[IntArray, IntArray]:
    """Return the item and the step of each threshold, in the order of the moment vector."""
    cells = sorted((c.row, c.column) for c in model.select(Matrix.THRESHOLD, group))
    places = np.array(cells, dtype=np.int64).reshape(-1, 2)
    return places[:, 0], places[:, 1]


def _slots(model: CfaModel, group: int) -> dict[Matrix, _Slot]:
    p, m = len(model.items), len(model.factors)
    most = max((c.column for c in model.select(Matrix.THRESHOLD, group)), default=-1) + 1
    shapes = {
        Matrix.LOADING: (p, m), Matrix.INTERCEPT: (p, 1), Matrix.THRESHOLD: (p, most),
        Matrix.SCALE: (p, p), Matrix.RESIDUAL: (p, p), Matrix.FACTOR_COVARIANCE: (m, m),
        Matrix.FACTOR_MEAN: (m, 1),
    }  # fmt: skip
    slots = {}
    for name, shape in shapes.items():
        template = np.zeros(shape)
        cells = model.select(name, group)
        for cell in cells:
            template[cell.row, cell.column] = cell.value
        listed = [(c.row, c.column, c.free) for c in cells if c.free != FIXED]
        if name in (Matrix.RESIDUAL, Matrix.FACTOR_COVARIANCE):  # the other triangle as well
            template = np.tril(template) + np.tril(template, -1).T
            listed += [(column, row, free) for row, column, free in listed if row != column]
        places = np.array(listed, dtype=np.int64).reshape(-1, 3)
        slots[name] = _Slot(template, places[:, 0], places[:, 1], places[:, 2])
    return slots


@lru_cache(maxsize=64)
def triangle(p: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Return rows, columns and counting factor of the lower triangle, diagonal counted half."""
    rows, columns = np.tril_indices(p)
    factor = np.where(rows == columns, 0.5, 1.0)
    return rows, columns, np.outer(factor, factor)


def normal_weight(
    covariance: FloatArray, *, means: bool, inverse: FloatArray | None = None
) -> FloatArray:
    r"""Return the expected information of one normal observation about its moments.

    Blocks :math:`\Sigma^{-1}` for the means and :math:`\tfrac12 D'(\Sigma^{-1}\otimes
    \Sigma^{-1})D` for the lower triangle of the covariance.
    """
    p = len(covariance)
    inner = np.linalg.inv(covariance) if inverse is None else inverse
    rows, columns, factor = triangle(p)
    by_row, by_column = inner[rows], inner[columns]
    block = by_row[:, rows] * by_column[:, columns]
    block += by_row[:, columns] * by_column[:, rows]
    block *= factor
    if not means:
        return np.asarray(block, dtype=np.float64)
    whole = np.zeros((p + len(rows), p + len(rows)))
    whole[:p, :p] = inner
    whole[p:, p:] = block
    return whole
