"""A covariance asked for is the one printed: its law, and its influence values, in every row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate
from impact_eval.core.inference import critical_value
from impact_eval.designs.base import Design
from impact_eval.designs.contract.comparing import codes_of
from impact_eval.designs.contract.example import Example, example_of
from impact_eval.designs.options import COVARIANCE
from impact_eval.stats.inference.covariances import Covariance, CovarianceResult, Source, Ties
from impact_eval.stats.inference.covariances.clustered import Clustered
from impact_eval.stats.inference.covariances.robust import Robust
from impact_eval.stats.inference.regression import LinearFit

FREE = 3.0  # degrees of freedom that no design finds by itself


@dataclass(frozen=True, slots=True)
class KnownLaw(Covariance):
    """Errors of independent rows, said to have three degrees of freedom."""

    name: ClassVar[str] = "known_law"
    sources: ClassVar[frozenset[Source]] = frozenset({Source.FIT, Source.INFLUENCE})
    stands_alone: ClassVar[bool] = True

    @property
    def label(self) -> str:
        """Short name printed beside the numbers."""
        return self.name

    def of_fit(self, fit: LinearFit, ties: Ties) -> CovarianceResult:
        """Sum the outer products of the influence of each row."""
        return self.of_influence(fit.scores @ fit.bread, ties)

    def of_influence(self, influence: NDArray[np.float64], ties: Ties) -> CovarianceResult:
        """Sum the outer products of influence values."""
        return CovarianceResult(
            label=self.label,
            matrix=influence.T @ influence,
            df=np.full(influence.shape[1], FREE),
            influence=influence,
        )


ASKED: tuple[Covariance, ...] = (
    KnownLaw(),
    Robust("HC0"),
    Robust("HC2"),
    Clustered(correction="CR1"),
    Clustered(),
)


def check_covariance_asked(design: type[Design]) -> None:
    """17d. A covariance asked for gives its degrees of freedom and its influence to every row."""
    if COVARIANCE not in {item.name for item in fields(design)}:  # type: ignore[arg-type]
        return
    example = example_of(design)
    tied = example.clustered() if design.info.clusters else example
    for each in (example, tied):
        usual = each.fit()
        for covariance in ASKED:
            for estimate in _fitted(each, covariance):
                if isinstance(covariance, KnownLaw):
                    _check_law(estimate)
                _check_influence(estimate)
                _check_usual(usual, estimate)


def _fitted(example: Example, covariance: Covariance) -> Iterator[Estimate]:
    """Yield the estimate with a covariance, then its aggregations; none when it is refused."""
    found: list[Estimate] = []

    def fit() -> None:
        chosen = replace(example.design, **{COVARIANCE: covariance})  # type: ignore[type-var]
        found.append(replace(example, design=chosen).fit())

    if codes_of(fit) is None:
        yield from found
        for kind in () if found[0].aggregator is None else found[0].aggregator.kinds:
            yield found[0].aggregate(kind)


def _check_law(estimate: Estimate) -> None:
    """Hold the rows to the t law of the covariance: never the normal one, nor another's."""
    for effect in estimate.effects:
        if effect.std_error is None:
            continue
        assert effect.df == FREE, (
            f"{effect.key}: the covariance says {FREE:g} degrees of freedom, the row {effect.df}"
        )
        if effect.conf_low is not None and effect.conf_high is not None:
            narrow = 2 * critical_value(effect.conf_level, None) * effect.std_error
            wide = effect.conf_high - effect.conf_low
            assert wide > 1.2 * narrow, f"{effect.key}: the interval is that of the normal law"


def _check_usual(usual: Estimate, asked: Estimate) -> None:
    """Hold the usual covariance to the law it has when it is asked for by its name."""
    if usual.method.covariance != asked.method.covariance or len(usual) != len(asked):
        return
    if np.allclose(usual.covariance, asked.covariance, rtol=1e-9, equal_nan=True):
        for one, other in zip(usual.effects, asked.effects, strict=True):
            alike = one.df == other.df or np.allclose(one.df or np.inf, other.df or np.inf)
            assert alike, (
                f"{one.key}: {usual.method.covariance} has {one.df} degrees of freedom when it is "
                f"the usual covariance, {other.df} when it is asked for"
            )


def _check_influence(estimate: Estimate) -> None:
    r"""Hold influence values to the covariance asked: it is :math:`\sum_i \psi_i\psi_i'`.

    A covariance that is no such sum gives no influence values, and a design none either.
    """
    if estimate.influence is None:
        return
    psi, matrix = estimate.influence.values, estimate.covariance
    variance = np.diag(matrix)
    live = np.isfinite(variance) & (variance > 0)
    size = np.sqrt(np.outer(variance[live], variance[live]))
    gap = np.abs(psi.T @ psi - matrix)[np.ix_(live, live)] / size
    assert gap.max(initial=0.0) < 1e-6, (
        f"{estimate.method.covariance}: the influence values are those of another covariance"
    )
