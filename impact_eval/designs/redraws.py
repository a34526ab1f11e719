"""The same design on samples where who is treated is drawn anew, as it was drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Draws, Estimate, MethodRecord
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs.base import Design, options_of
from impact_eval.designs.few_independent import OF_FEW
from impact_eval.designs.own_tests import with_test
from impact_eval.designs.ties import cluster_columns
from impact_eval.stats.inference.covariances import Covariance, Redraws, Source
from impact_eval.stats.inference.randomisation import (
    Assignments,
    DeclaredDraw,
    declare_draw,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_LABEL, _TIME, _EXPOSED = "__label__", "__time__", "__exposed__"


def by_redraws(covariance: Covariance | None) -> TypeGuard[Covariance]:
    """Whether a covariance works from samples drawn anew."""
    return covariance is not None and Source.REDRAW in covariance.sources


def redrawn(design: Design, covariance: Covariance, sample: Sample, outcome: str) -> Estimate:
    """Estimate with a design, and test by estimating again on samples drawn anew.

    Parameters
    ----------
    design : Design
        Its `covariance` is left aside.
    covariance : Covariance
        One whose sources hold `REDRAW`: what was drawn, how many draws, which seed.
    sample : Sample
    outcome : str

    Returns
    -------
    Estimate
        Rows without standard error, `draws` of kind "permutation".

    Raises
    ------
    ImpactEvalError
        `treatment_switches_off`, `assignment_varies_within_cluster`, `no_variation_in_draw`, and
        what the design refuses.
    """
    plain: Design = replace(design, covariance=None)  # type: ignore[type-var]  # a dataclass
    fitted = plain.fit(sample, outcome)
    if sample.switches_off:
        raise ImpactEvalError(Finding.error("treatment_switches_off", method=design.info.name))
    codes, draw = _declared(sample, covariance)
    table = _Redrawn(
        plain=plain,
        covariance=covariance,
        sample=sample,
        outcome=outcome,
        codes=codes,
        draw=draw,
        compared=covariance.assigned(draw),
    )
    record = MethodRecord(design.info.name, options_of(design), covariance.label)
    return table.tested(replace(fitted, method=record), None)


def _declared(sample: Sample, covariance: Covariance) -> tuple[IntArray, DeclaredDraw]:
    """Return what was drawn (codes of rows), and how: labels within the strata of the sample."""
    names = cluster_columns(sample, covariance)
    codes = sample.unit_codes if not names else sample.codes(names[0]).codes
    if codes is None:
        codes = np.arange(sample.n)
    labels = sample.treated if sample.cohorts is None else sample.cohorts
    assert labels is not None
    size = int(codes.max()) + 1
    own = _of_drawn(np.asarray(labels, dtype=np.float64), codes, size)
    strata = sample.strata_codes
    blocks = None if strata is None else _of_drawn(strata.astype(np.float64), codes, size)
    return codes, declare_draw(own, blocks=blocks)


def _of_drawn(values: FloatArray, codes: IntArray, size: int) -> FloatArray:
    out = np.zeros(size)
    out[codes] = values
    moving = np.unique(codes[out[codes] != values])
    if moving.size:
        raise ImpactEvalError(Finding.error("assignment_varies_within_cluster", n=int(moving.size)))
    return out


@dataclass(frozen=True, kw_only=True)
class _Redrawn:
    """A design, its sample and the assignments compared: it tests any aggregation."""

    plain: Design
    covariance: Covariance
    sample: Sample
    outcome: str
    codes: IntArray
    draw: DeclaredDraw
    compared: Assignments
    offered: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of aggregation offered."""
        return self.offered

    def aggregate(self, estimate: Estimate, kind: str) -> Estimate:
        """Return the aggregated estimate, tested on the same assignments."""
        fitted = self._fit(self.draw.labels, self.outcome).aggregate(kind)
        options = {**estimate.method.options, "aggregation": kind}
        record = replace(estimate.method, options=options)
        return self.tested(replace(fitted, method=record), kind)

    def tested(self, fitted: Estimate, kind: str | None) -> Estimate:
        """Return the rows with the tests of the draws in place of those of a standard error."""
        # the same rows, in the same order, named by the numbers of the periods
        again = self._fit(self.draw.labels, self.outcome)
        again = again if kind is None else again.aggregate(kind)
        keys = [effect.key for effect in again.effects]
        linear = self.plain.info.linear_in_outcome
        own = self._values(self.draw.labels, _EXPOSED, kind, keys) if linear else None
        made = Redraws(
            compared=self.compared,
            observed=fitted.estimates,
            values=self._every(self.outcome, kind, keys),
            own_reach=own,
            reach=self._every(_EXPOSED, kind, keys) if linear else None,
        )
        tests = self.covariance.of_redraws(made)
        effects = [
            with_test(replace(effect, std_error=None, df=None), test)
            for effect, test in zip(fitted.effects, tests, strict=True)
        ]
        # the draw is replayed as it was made: its test is exact, however few were drawn
        told = Finding.info("draw_replayed")
        found = [*(f for f in fitted.findings if f.code not in (*OF_FEW, told.code)), told]
        found += [f for test in tests for f in test.findings if f not in found]
        offered = () if fitted.aggregator is None else fitted.aggregator.kinds
        return replace(
            fitted,
            effects=tuple(effects),
            covariance=np.full((len(keys), len(keys)), np.nan),
            influence=None,
            draws=Draws("permutation", made.values),
            aggregator=replace(self, offered=offered),
            findings=tuple(found),
        )

    def _every(self, outcome: str, kind: str | None, keys: list[str]) -> FloatArray:
        rows = [self._values(labels, outcome, kind, keys) for labels in self.compared.labels]
        return np.array(rows).reshape(len(rows), len(keys))

    def _values(
        self, labels: IntArray, outcome: str, kind: str | None, keys: list[str]
    ) -> FloatArray:
        """Return the rows of one assignment; NaN where it gives none."""
        try:
            fitted = self._fit(labels, outcome)
            fitted = fitted if kind is None else fitted.aggregate(kind)
        except ImpactEvalError:
            return np.full(len(keys), np.nan)
        found = {effect.key: effect.estimate for effect in fitted.effects}
        return np.array([np.nan if found.get(key) is None else found[key] for key in keys])

    def _fit(self, labels: IntArray, outcome: str) -> Estimate:
        sample = self.sample
        values = np.asarray(self.draw.values, dtype=np.float64)
        given: dict[str, Any] = {_LABEL: values[labels][self.codes]}
        given[_EXPOSED] = np.asarray(sample.treated, dtype=np.float64)
        if sample.cohorts is None:
            frame = sample.frame.assign(**given)
            return self.plain.fit(sample.derive(frame=frame, treatment=_LABEL), outcome)
        frame = sample.frame.assign(**given, **{_TIME: sample.time_values})
        return self.plain.fit(sample.derive(frame=frame, time=_TIME, cohort=_LABEL), outcome)
