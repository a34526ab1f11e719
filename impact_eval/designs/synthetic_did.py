"""Synthetic difference-in-differences, for one or several dates of entry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Draws, Estimate, MethodRecord
from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.sample import DataShape, Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs.base import (
    ALWAYS_TREATED_RETOLD,
    EstimatorInfo,
    Minimum,
    Variant,
    check_options,
    options_of,
    refuse_unfit,
    register,
)
from impact_eval.designs.cell_aggregation import Alone, CellAggregator, Cells, Overall
from impact_eval.designs.contract import Example
from impact_eval.designs.few_independent import few_independent
from impact_eval.designs.influence_sources import DrawSource
from impact_eval.designs.options import option
from impact_eval.designs.panel_effects import CommonParts
from impact_eval.designs.synthetic_panel import CompletePanel, complete_panel
from impact_eval.stats.panels.sdid import (
    Penalty,
    SyntheticDid,
    draw_covariance,
    jackknife_covariance,
    placebo_sets,
    sdid_jackknife,
    sdid_penalty,
    synthetic_did,
)

FloatArray = NDArray[np.float64]


class SyntheticInference(StrEnum):
    """Where the standard error comes from."""

    AUTO = "auto"  # placebo with more controls than treated, else jackknife, else none
    PLACEBO = "placebo"
    JACKKNIFE = "jackknife"
    BOOTSTRAP = "bootstrap"


@register
@dataclass(frozen=True)
class SyntheticDiD:
    r"""Synthetic difference-in-differences: weighted units, weighted past periods.

    .. math:: \hat\tau_g = \Big(\bar Y_{g,post} - \sum_t\lambda_t \bar Y_{g,t}\Big)
              - \sum_i\omega_i\Big(\bar Y_{i,post} - \sum_t\lambda_t Y_{it}\Big)

    Each date of entry g is compared with the units never treated, with weights of its own; cells
    are averaged by treated units and periods.

    Parameters
    ----------
    inference : {"auto", "placebo", "jackknife", "bootstrap"}
        By default, placebo where controls are enough of them, else jackknife; with few units, with
        degrees of freedom of the controls less one in place of the normal law.
        Placebo: controls play the treated (all sets when there are few), needs more controls than
        treated units. Jackknife: weights kept, at least two treated units at each date. Bootstrap:
        units drawn again, at least two treated units at each date.
    draws : int
        Of the placebo or bootstrap.
    seed : int

    Raises
    ------
    ImpactEvalError
        `no_donor`, `no_treated_complete`, `too_few_controls_for_placebo`,
        `one_treated_unit_at_a_date`, and the refusals of `refuse_unfit`.

    Notes
    -----
    Units with a missing outcome, and those treated from the first period, are left out and counted.
    Assumes that a weighted mean of controls would have moved like the treated; the placebo error
    assumes the treated as noisy as the controls.

    References
    ----------
    Arkhangelsky, D. et al. (2021). doi:10.1257/aer.20190159
    Clarke, D. et al. (2024). doi:10.1177/1536867X241297914

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.data.synthetic import staggered_panel
    >>> frame = staggered_panel(np.random.default_rng(1))
    >>> sample = Sample(frame, unit="id", time="period", cohort="cohort")
    >>> SyntheticDiD(draws=20).fit(sample, "y").aggregate("simple").effects[0].term
    'att'
    """

    info: ClassVar[EstimatorInfo] = EstimatorInfo(
        name="synthetic_did",
        shapes=frozenset({DataShape.PANEL}),
        estimands=("att",),
        counterfactual=True,
        weights=False,
        clusters=False,
        covariates=False,
        minimum=Minimum(units=3, periods=2, treated=1, comparison=2),
        retold=ALWAYS_TREATED_RETOLD,
        assumptions=("synthetic_parallel_trends", "no_anticipation", "no_interference"),
        checks=("synthetic_fit", "attrition", "placebo", "leave_one_out"),
        references=("10.1257/aer.20190159", "10.1177/1536867X241297914"),
        oracle="R synthdid 0.0.9 on California and a simulated panel of 60 units",
        evidence_ceiling=3,
        variants=(Variant("synthetic_did", 9, frozenset({DataShape.PANEL}), largest=20_000),),
        seeded=True,
    )

    inference: str = option(SyntheticInference.AUTO.value, one_of=SyntheticInference)
    draws: int = option(200, low=2)
    seed: int = option(1, low=0)

    def __post_init__(self) -> None:
        check_options(self)

    @classmethod
    def contract_example(cls, rng: np.random.Generator) -> Example:
        """Return a panel with more controls than treated units, for the contract battery."""
        frame = staggered_panel(rng, units=20, cohorts=(4.0, 5.0, *([np.inf] * 8)))
        roles = {"unit": "id", "time": "period", "cohort": "cohort"}
        return Example(cls(draws=40), frame, roles)

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate on one outcome: rows `att_gt` (cohort, period)."""
        refuse_unfit(self.info, sample, outcome)
        panel = complete_panel(sample, outcome, method=self.info.name)
        entries = [_Entry.of(panel, date) for date in panel.cohorts]
        chosen = self._choose(panel, entries)
        draws = self._draws(panel, entries, chosen)
        treated, others = int((~panel.never).sum()), int(panel.never.sum())
        few = few_independent(
            treated=treated, total=treated + others, clustered=False, holds_with_one=True
        )
        findings = [*panel.findings, *few]
        if draws is None:
            findings.append(Finding.warning("synthetic_no_error", n=treated))
        elif treated == 1:
            findings.append(Finding.info("synthetic_one_treated"))
        report = CommonParts(
            outcome=outcome,
            estimand="att",
            method=MethodRecord(self.info.name, options_of(self), chosen or "none"),
            n_clusters=None,
            findings=tuple(findings),
            flow=panel.flow,
            details={"synthetic": [entry.details(panel) for entry in entries]},
        )
        return CellAggregator(
            cells=_cells(panel, entries, untested=draws is None),
            report=report,
            source=DrawSource(
                _covariance(draws, entries), draws, self._degrees(panel, few=bool(few))
            ),
            alone=Alone.AS_ASKED,
            overall=Overall.OF_CELLS,
            label=panel.period,
        ).estimate()

    def _degrees(self, panel: CompletePanel, *, few: bool) -> float:
        """Return the degrees of freedom: with few, a variance over c controls knows c - 1 of it.

        An inference asked for by name keeps the normal law, as the paper's does.
        """
        if not few or self.inference != SyntheticInference.AUTO:
            return float("inf")
        return float(max(int(panel.never.sum()) - 1, 1))

    def _choose(self, panel: CompletePanel, entries: list[_Entry]) -> str | None:
        """Return the inference that these numbers allow, or refuse the one asked for."""
        n_treated, n_controls = int((~panel.never).sum()), int(panel.never.sum())
        pairs = min(int(entry.treated.sum()) for entry in entries) >= 2
        asked = SyntheticInference(self.inference)
        if asked is SyntheticInference.AUTO:
            if n_controls > n_treated:
                return SyntheticInference.PLACEBO.value
            return SyntheticInference.JACKKNIFE.value if pairs and n_controls > 1 else None
        if asked is SyntheticInference.PLACEBO and n_controls <= n_treated:
            raise ImpactEvalError(
                Finding.error(
                    "too_few_controls_for_placebo", n_controls=n_controls, n_treated=n_treated
                )
            )
        if asked is not SyntheticInference.PLACEBO and not pairs:
            raise ImpactEvalError(
                Finding.error("one_treated_unit_at_a_date", inference=asked.value)
            )
        return asked.value

    def _draws(self, panel: CompletePanel, entries: list[_Entry], kind: str | None) -> Draws | None:
        rng = np.random.default_rng(self.seed)
        if kind == SyntheticInference.PLACEBO:
            return Draws(kind, _placebos(panel, entries, self.draws, rng))
        if kind == SyntheticInference.BOOTSTRAP:
            return Draws(kind, _bootstrap(panel, entries, self.draws, rng))
        if kind == SyntheticInference.JACKKNIFE:
            parts = [
                sdid_jackknife(
                    panel.y, entry.fit, entry.treated, _indicator(panel.never), n_pre=entry.start
                )
                for entry in entries
            ]
            return Draws(kind, np.hstack(parts))
        return None


@dataclass(frozen=True, slots=True)
class _Entry:
    """A date of entry: position of the first period from it on, who is treated (n,), its fit."""

    date: float
    start: int
    treated: FloatArray
    penalty: Penalty
    fit: SyntheticDid

    @classmethod
    def of(cls, panel: CompletePanel, date: float) -> _Entry:
        treated = _indicator(panel.entries == date)
        start = int(np.searchsorted(panel.times, date))
        controls = _indicator(panel.never)
        penalty = sdid_penalty(panel.y[panel.never], n_pre=start, n_treated=int(treated.sum()))
        fit = synthetic_did(panel.y, treated[None], controls[None], n_pre=start, penalty=penalty)
        return cls(date, start, treated, penalty, fit)

    def details(self, panel: CompletePanel) -> dict[str, Any]:
        """Return the weights and the two paths, as JSON."""
        omega, lambda_ = self.fit.omega[0], self.fit.lambda_[0]
        treated = self.treated @ panel.y / self.treated.sum()
        synthetic = omega @ panel.y
        shift = float((treated[: self.start] - synthetic[: self.start]) @ lambda_)
        gap = treated - synthetic - shift
        before = panel.y[:, : self.start]
        spread = before - before.mean(axis=1, keepdims=True)
        order = [int(i) for i in np.argsort(-omega) if omega[i] > 0]
        centred = gap[: self.start] - gap[: self.start].mean()
        return {
            "group": self.date,
            "unit_weights": [[panel.label(i), float(omega[i])] for i in order],
            "period_weights": [
                [float(t), float(w)]
                for t, w in zip(panel.times[: self.start], lambda_, strict=True)
                if w > 0
            ],
            "zeta": self.penalty.omega,
            "times": panel.times.tolist(),
            "treated": treated.tolist(),
            "synthetic": (synthetic + shift).tolist(),
            "n_pre": self.start,
            "rmspe_pre": float(np.sqrt((centred**2).mean())),
            "spread_pre": float(np.sqrt((spread**2).mean())),
        }


def _indicator(mask: NDArray[np.bool_]) -> FloatArray:
    return mask.astype(np.float64)


def _covariance(draws: Draws | None, entries: list[_Entry]) -> FloatArray:
    if draws is None:
        size = sum(entry.fit.effects.shape[1] for entry in entries)
        return np.full((size, size), np.nan)
    if draws.kind == SyntheticInference.JACKKNIFE:
        return jackknife_covariance(draws.values)
    return draw_covariance(draws.values)


def _cells(panel: CompletePanel, entries: list[_Entry], *, untested: bool) -> Cells:
    after = [np.arange(entry.start, panel.n_periods) for entry in entries]
    position = np.concatenate(after)
    cohort = np.repeat(np.arange(len(entries)), [len(part) for part in after])
    dates = np.array([entry.date for entry in entries])
    sizes = np.array([int(entry.treated.sum()) for entry in entries])
    return Cells(
        effects=np.concatenate([entry.fit.effects[0] for entry in entries]),
        event_time=panel.times[position] - dates[cohort],
        period=panel.times[position],
        weight=sizes[cohort].astype(np.float64),
        share=np.full(len(position), -1),
        cohort=cohort,
        n_treated=sizes[cohort],
        n_comparison=np.full(len(position), int(panel.never.sum())),
        cohorts=dates,
        sizes=sizes.astype(np.float64),
        n_units=sizes,
        n_clusters=sizes,
        untested=np.full(len(position), untested),
    )


def _placebos(
    panel: CompletePanel, entries: list[_Entry], draws: int, rng: np.random.Generator
) -> FloatArray:
    """Let controls play the treated of every date; the others stay controls."""
    donors = np.flatnonzero(panel.never)
    sizes = [int(entry.treated.sum()) for entry in entries]
    if len(entries) == 1:
        chosen = placebo_sets(len(donors), sizes[0], draws=draws, rng=rng)
    else:  # who plays which date matters: order the draw
        chosen = rng.random((draws, len(donors))).argsort(axis=1)[:, : sum(sizes)]
    rows = np.arange(len(chosen))[:, None]
    controls = np.tile(panel.never * 1.0, (len(chosen), 1))
    controls[rows, donors[chosen]] = 0.0
    parts, first = [], 0
    for entry, size in zip(entries, sizes, strict=True):
        treated = np.zeros_like(controls)
        treated[rows, donors[chosen[:, first : first + size]]] = 1.0
        first += size
        fit = synthetic_did(panel.y, treated, controls, n_pre=entry.start, penalty=entry.penalty)
        parts.append(fit.effects)
    return np.hstack(parts)


def _bootstrap(
    panel: CompletePanel, entries: list[_Entry], draws: int, rng: np.random.Generator
) -> FloatArray:
    """Draw units again; a draw that loses a date of entry or all controls is drawn again."""
    size = len(panel.y)
    groups = np.vstack([*(entry.treated for entry in entries), panel.never * 1.0])
    copies = np.zeros((0, size))
    while len(copies) < draws:
        drawn = rng.multinomial(size, np.full(size, 1 / size), size=draws).astype(np.float64)
        whole = (drawn @ groups.T > 0).all(axis=1)
        copies = np.vstack([copies, drawn[whole]])[:draws]
    parts = [
        synthetic_did(
            panel.y,
            copies * entry.treated,
            copies * panel.never,
            n_pre=entry.start,
            penalty=entry.penalty,
        ).effects
        for entry in entries
    ]
    return np.hstack(parts)
