"""Draws of one block: a random stream by number, a table by law, effects drawn jointly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.value.account.line_formula import annuity
from impact_eval.value.map.declared import Correlation
from impact_eval.value.map.laws import Distribution
from impact_eval.value.uncertainty.compiled import DrawnNumbers, Model
from impact_eval.value.uncertainty.normal_scores import atoms_of, from_normal, lower_root

FloatArray = NDArray[np.float64]


def stream(seed: int, name: str, block: int = 0) -> np.random.Generator:
    """Return the random stream of one number: the same whatever else is drawn.

    The stream depends on the seed, the number's name and the block, never on the other numbers, so
    that adding a line to the map leaves every other draw where it was.
    """
    bits = np.random.SFC64(0)
    set_stream(bits, seed, name, block)
    return np.random.Generator(bits)


def set_stream(bits: np.random.SFC64, seed: int, name: str, block: int) -> None:
    """Put a generator at the start of a stream: its state is a hash of what names the stream."""
    digest = hashlib.sha256(f"{seed}\0{name}\0{block}".encode()).digest()
    state = np.empty(4, dtype=np.uint64)
    state[:3] = np.frombuffer(digest[:24], dtype="<u8")
    state[3] = 1
    bits.state = {
        "bit_generator": "SFC64", "state": {"state": state}, "has_uint32": 0, "uinteger": 0,
    }  # fmt: skip
    bits.random_raw(12, output=False)  # as the generator's own seeding does


def copula_root(
    names: Sequence[str], correlations: Sequence[Correlation]
) -> tuple[tuple[str, ...], FloatArray]:
    """Return the names bound by declared correlations and the root of their matrix.

    Raises
    ------
    ImpactEvalError
        `correlation_not_positive` when no joint law has these correlations.
    """
    bound = [n for n in names if any(n in (c.first, c.second) for c in correlations)]
    matrix = np.eye(len(bound))
    for item in correlations:
        if item.first in bound and item.second in bound:
            i, j = bound.index(item.first), bound.index(item.second)
            matrix[i, j] = matrix[j, i] = float(item.rho)
    if not bound:
        return (), matrix
    smallest = float(np.linalg.eigvalsh(matrix).min())
    if smallest < -1e-10:
        raise ImpactEvalError(
            Finding.error("correlation_not_positive", names=bound, smallest=smallest)
        )
    return tuple(bound), lower_root(matrix)


@dataclass(frozen=True)
class Sampler:
    """All that is needed to draw one block of uncertain numbers."""

    model: Model
    bound: tuple[str, ...]
    root: FloatArray
    effect_root: FloatArray
    laws: Mapping[str, Distribution]
    tables: dict[tuple[Distribution, tuple[float, ...]], FloatArray] = field(default_factory=dict)

    def table(self, law: Distribution, coefficients: tuple[float, ...]) -> FloatArray | None:
        """Return the values of a polynomial in 1 - x at the atoms of a law."""
        key = (law, coefficients)
        if key not in self.tables:
            atoms = atoms_of(law)
            if atoms is None:
                return None
            self.tables[key] = np.asarray(annuity(coefficients, atoms), dtype=np.float64)
        return self.tables[key]

    def tied(self, seed: int, block: int, size: int) -> dict[str, FloatArray]:
        """Return the draws that go together: numbers bound by correlations, and effects."""
        out: dict[str, FloatArray] = {}
        if self.bound:
            free = np.stack([self.scores(name, seed, block, size) for name in self.bound])
            for name, z in zip(self.bound, self.root @ free, strict=True):
                out[name] = from_normal(self.laws[name], z)
        out.update(self._effects(seed, block, size))
        return out

    def scores(self, name: str, seed: int, block: int, size: int) -> FloatArray:
        """Return the normal scores of one number, before any correlation."""
        return stream(seed, name, block).standard_normal(size)

    def _effects(self, seed: int, block: int, size: int) -> dict[str, FloatArray]:
        model = self.model
        if not model.effects:
            return {}
        laws = model.effect_laws
        if laws.draws is not None:
            rows = stream(seed, "effects", block).integers(0, len(laws.draws), size)
            return {name: laws.draws[rows, k] for k, name in enumerate(model.effects)}
        free = np.stack([self.scores(name, seed, block, size) for name in model.effects])
        tied = self.effect_root @ free
        scales: dict[float, FloatArray] = {}
        out = {}
        for k, name in enumerate(model.effects):
            df = laws.df[k]
            if df is not None:
                if df not in scales:
                    uniform = stream(seed, f"df:{df}", block).random(size)
                    scales[df] = np.sqrt(df / (2 * special.gammaincinv(df / 2, uniform)))
                tied[k] *= scales[df]
            out[name] = laws.at(k, tied[k])
        return out


class BlockDraws(DrawnNumbers):
    """The numbers of one block: each drawn from its own stream, when it is asked for."""

    def __init__(self, sampler: Sampler, seed: int, block: int, size: int) -> None:
        self._sampler, self._seed, self._block, self._size = sampler, seed, block, size
        self._bits = np.random.SFC64(0)
        self._tied = sampler.tied(seed, block, size)

    def __getitem__(self, name: str) -> FloatArray:
        if name in self._tied:
            return self._tied[name]
        law = self._sampler.laws[name]
        atoms = atoms_of(law)
        if atoms is None:
            return from_normal(law, self._scores(name))
        return atoms.take(self._ranks(name))

    def through(self, name: str, coefficients: tuple[float, ...]) -> FloatArray:
        """Return a polynomial in 1 - x of a number, read in a table of its atoms."""
        if name not in self._tied:
            table = self._sampler.table(self._sampler.laws[name], coefficients)
            if table is not None:
                return table.take(self._ranks(name))
        return np.asarray(annuity(coefficients, self[name]), dtype=np.float64)

    def _ranks(self, name: str) -> NDArray[np.intp]:
        """Return the ranks of the atoms drawn: 14 of each 16 bits of the stream."""
        set_stream(self._bits, self._seed, name, self._block)
        words = np.asarray(self._bits.random_raw((self._size + 3) // 4)).astype("<u8", copy=False)
        return (words.view("<u2")[: self._size] >> 2).astype(np.intp)

    def _scores(self, name: str) -> FloatArray:
        return self._sampler.scores(name, self._seed, self._block, self._size)

    def __contains__(self, name: object) -> bool:
        return name in self._tied or name in self._sampler.laws

    def __iter__(self) -> Iterator[str]:
        return iter({**self._sampler.laws, **self._tied})

    def __len__(self) -> int:
        return len({**self._sampler.laws, **self._tied})


def sampler_of(model: Model, correlations: Sequence[Correlation] = ()) -> Sampler:
    """Return the sampler of a model and its declared correlations."""
    names = [item.name for item in model.uncertain]
    bound, root = copula_root(names, correlations)
    laws = {item.name: item.law for item in model.uncertain}
    return Sampler(model, bound, root, lower_root(model.effect_laws.correlation), laws)
