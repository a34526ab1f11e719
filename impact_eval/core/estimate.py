"""The one result of all designs: rows of `Effect`, their covariance, their influence values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.effect import TIDY_COLUMNS, Effect, Label, tidy_frame, wald_effect
from impact_eval.core.findings import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    NotApplicable,
    nearest,
)
from impact_eval.core.inference import (
    JointTest,
    critical_value,
    student_value,
    sup_t_critical_value,
    wald_test,
)
from impact_eval.core.multipliers import MULTIPLIERS, multiplier_sums
from impact_eval.core.shown import Shown, interval, name_of, one_line

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]


__all__ = [
    "TIDY_COLUMNS",
    "Aggregator",
    "Draws",
    "Effect",
    "Estimate",
    "FlowStep",
    "Influence",
    "Label",
    "MethodRecord",
    "tidy_frame",
    "wald_effect",
]


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One step of the sample's flow: what is left, what was dropped, and the code of the cause.

    `n` and `dropped` count rows; `units` and `units_dropped` count people or territories, None
    where rows are not followed. Each step is the one before less what it dropped, in both.
    """

    step: str
    n: int
    dropped: int = 0
    reason: str | None = None
    units: int | None = None
    units_dropped: int | None = None


@dataclass(frozen=True, slots=True)
class MethodRecord:
    """Which design made an estimate, with which options and which covariance, as plain data."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    covariance: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON."""
        return {"name": self.name, "options": dict(self.options), "covariance": self.covariance}


class Influence:
    r"""Influence values: one row per independent unit, one column per effect.

    Scaled so that the error of an estimate is the sum over rows; the covariance of the effects is
    :math:`\sum_i \psi_i \psi_i'` times the small-sample factor the design states. Two estimates on
    the same units share a joint covariance through the rows of their common labels.

    Parameters
    ----------
    values : (m, k) array, or a function of no argument that makes it when first asked
    units : (m,) array
        Labels of the independent units (people, or clusters).
    """

    __slots__ = ("_make", "_values", "units")

    def __init__(self, values: FloatArray | Callable[[], FloatArray], units: NDArray[Any]) -> None:
        self._make: Callable[[], FloatArray] | None = values if callable(values) else None
        self._values: FloatArray | None = None if callable(values) else _readonly(values)
        self.units = units

    @property
    def values(self) -> FloatArray:
        """(m, k) array of influence values; made at the first call when lazy."""
        if self._values is None:
            assert self._make is not None
            self._values = _readonly(self._make())
            self._make = None
        return self._values

    def transform(self, weights: FloatArray) -> Influence:
        """Return the influence of linear combinations: `weights` is (k, j)."""
        return Influence(lambda: self.values @ weights, self.units)

    def select(self, rows: Sequence[int]) -> Influence:
        """Return the influence of some effects."""
        index = list(rows)
        return Influence(lambda: self.values[:, index], self.units)


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws of a design without regular influence: placebo, permutation or bootstrap estimates.

    Attributes
    ----------
    kind : str
        `placebo`, `permutation`, `bootstrap`, `jackknife`.
    values : (b, k) array
    """

    kind: str
    values: FloatArray


class Aggregator(Protocol):
    """What an estimate needs to aggregate itself: the kinds it knows, and how."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of aggregation offered."""
        ...

    def aggregate(self, estimate: Estimate, kind: str) -> Estimate:
        """Return the aggregated estimate."""
        ...


def _readonly(values: FloatArray) -> FloatArray:
    out = np.asarray(values, dtype=np.float64)
    if out.flags.writeable:
        out = out.view()
        out.flags.writeable = False
    return out


@dataclass(frozen=True, kw_only=True, repr=False)
class Estimate(Shown):
    """The one result of all designs.

    Attributes
    ----------
    outcome, estimand : str
    method : MethodRecord
    effects : tuple of Effect
        k rows.
    covariance : (k, k) array
        Joint covariance of the rows, read-only; NaN where a row has no variance of its own.
    counterfactual : bool
        False for before/after: such an estimate is never called an effect.
    influence, draws, aggregator : optional
        In memory only; they do not travel in `results.json`.
    findings : tuple of Finding
    flow : tuple of FlowStep
    details : mapping
        Small JSON-able extra results (weights, decomposition…).
    """

    outcome: str
    estimand: str
    method: MethodRecord
    effects: tuple[Effect, ...]
    covariance: FloatArray
    counterfactual: bool
    influence: Influence | None = None
    draws: Draws | None = None
    aggregator: Aggregator | None = None
    findings: tuple[Finding, ...] = ()
    flow: tuple[FlowStep, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        size = len(self.effects)
        covariance = _readonly(np.asarray(self.covariance, dtype=np.float64))
        if covariance.shape != (size, size):
            raise ImpactEvalError(
                Finding.error("covariance_shape", expected=size, found=str(covariance.shape))
            )
        object.__setattr__(self, "covariance", covariance)
        object.__setattr__(self, "effects", tuple(self.effects))
        object.__setattr__(self, "findings", tuple(self.findings))
        object.__setattr__(self, "flow", tuple(self.flow))
        object.__setattr__(self, "details", MappingProxyType(dict(self.details)))

    def _line(self) -> str:
        single = [e for e in self.effects if e.term == "att" or len(self.effects) == 1]
        told = [
            f"{name_of(e.term)} {interval(e.estimate, e.conf_low, e.conf_high)}" for e in single[:1]
        ]
        several = Counter(e.term for e in self.effects if e not in single)
        told += [f"{name_of(term)}×{n}" for term, n in several.items()][:3]
        outcome, found = name_of(self.outcome), len(self.findings)
        return one_line(
            "Estimate", self.method.name, f"{outcome}: {', '.join(told)}", findings=found or None
        )

    def __len__(self) -> int:
        return len(self.effects)

    def __getitem__(self, key: str) -> Effect:
        """Return the row of this key (`att`, `event[2]`, `att_gt[2004, 2006]`)."""
        for effect in self.effects:
            if effect.key == key:
                return effect
        keys = [effect.key for effect in self.effects]
        raise ImpactEvalError(
            Finding.error("unknown_term", name=key, nearest=nearest(key, keys), known=keys)
        )

    @property
    def estimates(self) -> FloatArray:
        """(k,) array of the estimates, NaN where undefined."""
        return np.array([math.nan if e.estimate is None else e.estimate for e in self.effects])

    def tidy(self) -> pd.DataFrame:
        """Return the rows as a DataFrame with the columns of `TIDY_COLUMNS`, in that order."""
        return tidy_frame(self.effects)

    def aggregate(self, kind: str) -> Estimate:
        """Aggregate group-time effects.

        Parameters
        ----------
        kind : {"simple", "event", "group", "calendar"}
            What the design offers; anything else is refused by name.

        Raises
        ------
        ImpactEvalError
            `unknown_aggregation`, with what is offered.
        """
        kinds = () if self.aggregator is None else self.aggregator.kinds
        if self.aggregator is None or kind not in kinds:
            raise ImpactEvalError(
                Finding.error(
                    "unknown_aggregation", name=kind, known=kinds, method=self.method.name
                )
            )
        return self.aggregator.aggregate(self, kind)

    def select(self, rows: Sequence[int] | NDArray[np.bool_]) -> Estimate:
        """Keep some rows, by position or mask, with their covariance and influence."""
        index = np.arange(len(self.effects))[np.asarray(rows)]
        draws = self.draws and Draws(self.draws.kind, self.draws.values[:, index])
        return replace(
            self,
            effects=tuple(self.effects[i] for i in index),
            covariance=self.covariance[np.ix_(index, index)],
            influence=self.influence and self.influence.select(index.tolist()),
            draws=draws,
            aggregator=None,
        )

    def bands(
        self,
        level: float = 0.95,
        seed: int = 1,
        multipliers: str = "gaussian",
        draws: int = 9_999,
    ) -> pd.DataFrame:
        r"""Return `tidy()` with simultaneous `conf_low` and `conf_high`.

        The interval of a row is :math:`b_j \pm c\, se_j`, with c the `level` quantile of
        :math:`\max_j |t_j|`, so that all rows are covered together with probability `level`. With
        degrees of freedom, c is Student's value of the same tail; an interval with two unequal
        sides keeps their proportion. An
        overall effect (`att`) beside the rows it sums up is not one of them: it keeps its own
        pointwise interval, as in R's did.

        Parameters
        ----------
        level : float
            In (0, 1).
        seed : int
            Seed of the draws: same seed, same bands.
        multipliers : {"gaussian", "rademacher", "mammen"}
            Gaussian multipliers need the joint covariance only (milliseconds at any size); the
            others weight the influence values.
        draws : int

        References
        ----------
        Callaway, B. and Sant'Anna, P. (2021). doi:10.1016/j.jeconom.2020.12.001
        """
        _check_level(level)
        rng = np.random.default_rng(seed)
        overall = np.array([effect.term == "att" for effect in self.effects], dtype=bool)
        overall &= not overall.all()
        live = np.isfinite(np.diag(self.covariance)) & np.isfinite(self.estimates) & ~overall
        size = int(live.sum())
        if multipliers == "gaussian":
            covariance = self.covariance[np.ix_(live, live)]
            value = (
                sup_t_critical_value(covariance, level=level, rng=rng, draws=draws)
                if size
                else critical_value(level)
            )
        else:
            value = self._multiplier_critical_value(level, rng, multipliers, draws, live)
        alone = critical_value(level)
        rows = [
            _with_margin(effect, alone if apart else value, level)
            for effect, apart in zip(self.effects, overall, strict=True)
        ]
        frame = tidy_frame(rows)
        frame.attrs["critical_value"] = value
        return frame

    def _multiplier_critical_value(
        self,
        level: float,
        rng: np.random.Generator,
        multipliers: str,
        draws: int,
        live: NDArray[np.bool_],
    ) -> float:
        known = ("gaussian", *MULTIPLIERS)
        if multipliers not in MULTIPLIERS:
            raise ImpactEvalError(
                Finding.error("unknown_option", option="multipliers", name=multipliers, known=known)
            )
        if self.influence is None:
            raise ImpactEvalError(Finding.error("no_influence", method=self.method.name))
        psi = self.influence.values[:, live]
        scale = np.sqrt((psi**2).sum(axis=0))
        psi = psi[:, scale > 0] / scale[scale > 0]
        sums = multiplier_sums(psi, law=multipliers, draws=draws, rng=rng)
        largest = np.abs(sums).max(axis=1, initial=0.0)
        return max(critical_value(level), float(np.quantile(largest, level)))

    def test(self, terms: Iterable[str] | None = None) -> JointTest | NotApplicable:
        """Test jointly that the rows named are zero (all rows by default).

        Parameters
        ----------
        terms : iterable of str, optional
            Keys (`event[-2]`) or term names (`event`).

        Returns
        -------
        JointTest or NotApplicable
            `no_testable_row` when none of the rows has a variance.
        """
        wanted = None if terms is None else set(terms)
        chosen = [
            i
            for i, e in enumerate(self.effects)
            if (wanted is None or e.key in wanted or e.term in wanted)
            and e.estimate is not None
            and self.covariance[i, i] > 0
        ]
        if not chosen:
            return NotApplicable.because("no_testable_row")
        return wald_test(
            self.estimates[chosen],
            self.covariance[np.ix_(chosen, chosen)],
            terms=tuple(self.effects[i].key for i in chosen),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the estimate as JSON: no NaN, no influence, no row of a person."""
        return {
            "outcome": self.outcome,
            "estimand": self.estimand,
            "method": self.method.to_dict(),
            "counterfactual": self.counterfactual,
            "effects": [{f: getattr(e, f) for f in TIDY_COLUMNS} for e in self.effects],
            "covariance": [
                [v if math.isfinite(v) else None for v in row] for row in self.covariance.tolist()
            ],
            "findings": [finding.to_dict() for finding in self.findings],
            "flow": [{f.name: getattr(s, f.name) for f in fields(s)} for s in self.flow],
            "details": dict(self.details),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Estimate:
        """Read back exactly what `to_dict` wrote (influence and draws do not travel)."""
        effects = tuple(Effect(**row) for row in data["effects"])
        matrix = [[math.nan if v is None else v for v in row] for row in data["covariance"]]
        return cls(
            outcome=data["outcome"],
            estimand=data["estimand"],
            method=MethodRecord(**data["method"]),
            effects=effects,
            covariance=np.array(matrix, dtype=np.float64).reshape(len(effects), len(effects)),
            counterfactual=data["counterfactual"],
            findings=tuple(Finding.from_dict(f) for f in data["findings"]),
            flow=tuple(FlowStep(**step) for step in data["flow"]),
            details=data["details"],
        )


def _check_level(level: float) -> None:
    faults = FindingCollector()
    if not 0 < level < 1:
        faults.add(Finding.error("option_out_of_range", option="level", value=level, low=0, high=1))
    faults.raise_if_errors()


def _with_margin(effect: Effect, value: float, level: float) -> Effect:
    """Return a row whose interval is widened to a normal critical value, each side as it was."""
    if effect.estimate is None or not effect.std_error:
        return replace(effect, conf_low=None, conf_high=None, conf_level=level)
    wide = student_value(value, effect.df)
    ratio, margin = wide / critical_value(effect.conf_level, effect.df), wide * effect.std_error
    sides = (effect.conf_low, effect.conf_high)
    below, above = (margin if end is None else ratio * abs(end - effect.estimate) for end in sides)
    return replace(
        effect,
        conf_low=effect.estimate - below,
        conf_high=effect.estimate + above,
        conf_level=level,
    )
