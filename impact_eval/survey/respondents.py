"""Who answered, how carefully, and who was lost between two waves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable, Place, nearest
from impact_eval.data.roles import as_numbers, column_of
from impact_eval.stats.scales.response_quality import (
    Distances,
    acquiescence,
    longest_string,
    mahalanobis,
    person_total,
    response_spread,
)
from impact_eval.stats.surveys.response import ResponseModel, response_model
from impact_eval.survey.instrument_file import Instrument
from impact_eval.survey.scores import Scores

FloatArray = NDArray[np.float64]
_FAR = 0.001  # upper tail under which a pattern is called odd
_LOST_TOO_MANY = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Care:
    """How carefully people answered one instrument.

    Attributes
    ----------
    longest_run : (n,) int array
        Longest run of one same answer.
    spread : (n,) array
        SD of each person's own answers.
    distance : Distances or NotApplicable
    with_others : (n,) array
        Correlation of each person with the others.
    says_yes : (n,) array or NotApplicable
        Mean raw answer over a balanced set of items.
    straight : (n,) bool array
        Gave one same answer to all items.
    odd : (n,) bool array
        Lies farther than one pattern in a thousand.
    findings : tuple of Finding
    """

    longest_run: NDArray[np.int64]
    spread: FloatArray
    distance: Distances | NotApplicable
    with_others: FloatArray
    says_yes: FloatArray | NotApplicable
    straight: NDArray[np.bool_]
    odd: NDArray[np.bool_]
    findings: tuple[Finding, ...]


def care(instrument: Instrument, scores: Scores) -> Care:
    """Look for answers given without reading; people are pointed out, never dropped.

    On a balanced scale a person who gives one same answer stands exactly at the midpoint: the score
    hides them.

    Parameters
    ----------
    instrument : Instrument
    scores : Scores
        Of this instrument.
    """
    keyed = scores.matrix()
    turned = np.array([instrument.item(name).reversed for name in scores.items])
    lows = [instrument.item(n).low for n in scores.items]
    highs = [instrument.item(n).high for n in scores.items]
    ends = np.array([
        (instrument.low if low is None else low) + (instrument.high if high is None else high)
        for low, high in zip(lows, highs, strict=True)
    ])  # fmt: skip
    raw = np.where(turned, ends - keyed, keyed)
    k = raw.shape[1]
    spread = response_spread(raw)
    answered = (~np.isnan(raw)).sum(axis=1)
    straight = (spread == 0) & (answered == k) & (k >= 5)
    distance = mahalanobis(raw)
    odd = np.zeros(len(raw), dtype=bool)
    if isinstance(distance, Distances):
        with np.errstate(invalid="ignore"):
            odd = distance.tail < _FAR
    findings = []
    if straight.any():
        findings.append(Finding.warning("straightlining", instrument=instrument.id,
                                        n=int(straight.sum()), of=len(raw),
                                        balanced=bool(turned.any())))  # fmt: skip
    if odd.any():
        findings.append(Finding.info("odd_answers", instrument=instrument.id, n=int(odd.sum()),
                                     of=len(raw)))  # fmt: skip
    return Care(
        longest_run=longest_string(raw), spread=spread, distance=distance,
        with_others=person_total(keyed), says_yes=acquiescence(raw, turned), straight=straight,
        odd=odd, findings=tuple(findings),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LostRow:
    """One characteristic at entry: those who stayed, those who were lost, and the gap in SD."""

    variable: str
    mean_stayed: float
    mean_lost: float
    gap: float | None
    n_stayed: int
    n_lost: int

    @classmethod
    def of(cls, name: str, values: FloatArray, stayed: NDArray[np.bool_]) -> LostRow:
        """Compare one characteristic of those who stayed and of those who were lost.

        Parameters
        ----------
        name : str
        values : (n,) array
            NaN where it is not known.
        stayed : (n,) bool array
        """
        seen = ~np.isnan(values)
        here, gone = values[seen & stayed], values[seen & ~stayed]
        gap = None
        if len(here) > 1 and len(gone) > 1:
            spread = float(np.sqrt((here.var(ddof=1) + gone.var(ddof=1)) / 2))
            gap = float(here.mean() - gone.mean()) / spread if spread > 0 else None
        return cls(
            variable=name,
            mean_stayed=float(here.mean()) if len(here) else float("nan"),
            mean_lost=float(gone.mean()) if len(gone) else float("nan"),
            gap=gap,
            n_stayed=len(here),
            n_lost=len(gone),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attrition:
    """Who was lost between two waves.

    Attributes
    ----------
    n, n_lost : int
    share_lost : float
    lost_by_group : mapping of group to share
    table : tuple of LostRow
    model : ResponseModel or NotApplicable
        Logit of answering at the second wave, with its inverse-probability weights.
    findings : tuple of Finding
    """

    n: int
    n_lost: int
    share_lost: float
    lost_by_group: dict[str, float]
    table: tuple[LostRow, ...]
    model: ResponseModel | NotApplicable
    findings: tuple[Finding, ...]


def attrition(
    frame: pd.DataFrame,
    stayed: Sequence[bool] | NDArray[np.bool_],
    *,
    covariates: Sequence[str],
    group: str | None = None,
) -> Attrition:
    """Compare at entry those who answered the second wave with those who did not.

    Parameters
    ----------
    frame : DataFrame
        One row per person of the first wave.
    stayed : (n,) bool array
        Who answered the second wave.
    covariates : sequence of str
        Characteristics at entry: numbers, or texts turned into indicators.
    group : str, optional
        Column of the groups compared (beneficiaries or not).

    Returns
    -------
    Attrition

    Raises
    ------
    ImpactEvalError
        `missing_column`.
    """
    names = [str(name) for name in frame.columns]
    wanted = [*covariates, *([group] if group else [])]
    absent = [
        Finding.error("missing_column", Place(column=name), role="covariate", column=name,
                      nearest=nearest(name, names), known=names[:30])
        for name in wanted if name not in names
    ]  # fmt: skip
    if absent:
        raise ImpactEvalError(absent)
    kept = np.asarray(stayed, dtype=bool)
    columns = compared_at_entry(frame[[*([group] if group else []), *covariates]])
    table = tuple(LostRow.of(name, values, kept) for name, values in columns.items())
    n, lost = len(kept), int((~kept).sum())
    share = lost / n if n else 0.0
    by_group: dict[str, float] = {}
    if group is not None:
        cells = frame[group].astype(str).to_numpy()
        by_group = {g: float((~kept[cells == g]).mean()) for g in sorted(set(cells))}
    model: ResponseModel | NotApplicable = NotApplicable.because("nobody_lost", n=n)
    if lost and columns:
        model = response_model(kept, np.column_stack(list(columns.values())))
    findings = []
    if share > _LOST_TOO_MANY:
        findings.append(Finding.warning("many_lost", n=lost, of=n, share=share))
    apart = [row.variable for row in table if row.gap is not None and abs(row.gap) > 0.25]
    if lost and apart:
        findings.append(Finding.warning("lost_differ", variables=apart))
    return Attrition(n=n, n_lost=lost, share_lost=share, lost_by_group=by_group, table=table,
                     model=model, findings=tuple(findings))  # fmt: skip


def compared_at_entry(frame: pd.DataFrame) -> dict[str, FloatArray]:
    """Return the characteristics of a table as numbers: texts as indicators, but the first level.

    Parameters
    ----------
    frame : DataFrame
        One row per person.
    """
    columns: dict[str, FloatArray] = {}
    for name in frame.columns:
        columns.update(_indicators(frame, str(name)))
    return columns


def _indicators(frame: pd.DataFrame, name: str) -> dict[str, FloatArray]:
    numbers = as_numbers(column_of(frame, name))
    if numbers is not None:
        return {name: numbers}
    cells = frame[name].astype("string").fillna("")
    levels = sorted(set(cells))
    return {f"{name}={level}": np.asarray(cells == level, dtype=np.float64) for level in levels[1:]}
