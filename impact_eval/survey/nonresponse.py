"""Weights for those who answered again: they stand for those, alike at entry, who did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import Finding, FindingCollector, NotApplicable, Place, nearest
from impact_eval.data.roles import as_numbers, column_of
from impact_eval.stats.surveys.calibration import (
    LARGEST_DESIGN_EFFECT,
    LEAST_CELL,
    effective_size,
    trim_weights,
)
from impact_eval.stats.surveys.response import ResponseModel, response_model

FloatArray = NDArray[np.float64]
LARGEST_WEIGHT = 3.0  # times the average weight
PER_CHARACTERISTIC = 5  # persons lost, and persons kept, for each coefficient


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NonresponseWeights:
    """Weights of those who answered again, and what they cost.

    Attributes
    ----------
    weights : (n,) array
        1 on average among those who answered, 0 for the others.
    model : ResponseModel
        Logit of answering.
    n, n_answered : int
    n_trimmed : int
        Weights that were cut.
    design_effect, effective_n : float
        Kish's, among those who answered.
    gap_before, gap_after : float
        Largest gap, over the characteristics, between those who answered and everybody at entry,
        in standard deviations: without the weights, and with them.
    findings : tuple of Finding
    """

    weights: FloatArray
    model: ResponseModel
    n: int
    n_answered: int
    n_trimmed: int
    design_effect: float
    effective_n: float
    gap_before: float
    gap_after: float
    findings: tuple[Finding, ...]


def nonresponse_weights(
    frame: pd.DataFrame,
    answered: ArrayLike,
    *,
    characteristics: Sequence[str],
    largest_weight: float = LARGEST_WEIGHT,
    least_cell: int = LEAST_CELL,
    largest_design_effect: float = LARGEST_DESIGN_EFFECT,
) -> NonresponseWeights | NotApplicable:
    r"""Weigh those who answered again by the inverse of their probability of answering.

    .. math:: w_i = \bar y / \hat p(x_i)\ \text{brought to 1 on average, cut at } c,
       \quad n_{eff} = (\sum w)^2 / \sum w^2

    Parameters
    ----------
    frame : DataFrame
        One row for each person at entry.
    answered : (n,) bool array
        Who answered the later date.
    characteristics : sequence of str
        Columns known of everybody at entry: numbers, or texts turned into indicators.
    largest_weight : float
        Cut c, in average weights; what is cut is shared among the others.
    least_cell : int
        Fewest persons who answered in each category of a text.
    largest_design_effect : float
        Kish's, above which the weights cost more than they bring.

    Returns
    -------
    NonresponseWeights or NotApplicable
        `all_answered`, `none_answered`, `nonresponse_cell_too_small`, `nonresponse_too_few` (fewer
        than five persons lost, or kept, by coefficient), `nonresponse_foretold` (the
        characteristics tell exactly who answers), `nonresponse_too_costly`.

    Raises
    ------
    ImpactEvalError
        `missing_column`, `nonresponse_unknown` (a characteristic not known of everybody),
        `nonresponse_wrong_length`.

    Assumptions
    -----------
    At equal characteristics, answering again has nothing to do with the score.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley (effective size); Robins, J. M., Rotnitzky, A. and Zhao,
    L. P. (1995). doi:10.1080/01621459.1995.10476493 (to_check: not read)

    Examples
    --------
    >>> import pandas as pd
    >>> entry = pd.DataFrame({"sexe": ["F"] * 40 + ["H"] * 40})
    >>> again = [i % 4 != 0 for i in range(40)] + [i % 2 == 0 for i in range(40)]
    >>> found = nonresponse_weights(entry, again, characteristics=["sexe"])
    >>> found.weights[[1, 40]].round(3).tolist()
    [0.833, 1.25]
    """
    stayed = np.asarray(answered, dtype=bool)
    _refuse_frame(frame, stayed, characteristics)
    refusal = _tiny_cell(frame, stayed, characteristics, least_cell)
    if refusal is not None:
        return refusal
    columns = np.column_stack([_entry_columns(frame, name) for name in characteristics])
    columns = columns[:, columns.std(axis=0) > 0]
    model = _modelled(stayed, columns)
    if isinstance(model, NotApplicable):
        return model
    raw = model.stabilised[stayed] / model.stabilised[stayed].mean()
    kept = trim_weights(raw, low=0.0, high=largest_weight)
    effective, trimmed = effective_size(kept), int(np.sum(raw > largest_weight))
    effect = len(kept) / effective
    if effect > largest_design_effect:
        return NotApplicable.because(
            "nonresponse_too_costly", effective_n=effective, n=len(kept), design_effect=effect,
            allowed=largest_design_effect,
        )  # fmt: skip
    weights = np.zeros(len(stayed))
    weights[stayed] = kept
    findings = [Finding.info("nonresponse_weighted", n=len(kept), of=len(stayed),
                             effective_n=effective)]  # fmt: skip
    if trimmed:
        findings.append(Finding.info("nonresponse_trimmed", n=trimmed, bound=largest_weight))
    return NonresponseWeights(
        weights=weights, model=model, n=len(stayed), n_answered=len(kept), n_trimmed=trimmed,
        design_effect=effect, effective_n=effective,
        gap_before=_gap(columns, stayed.astype(np.float64)), gap_after=_gap(columns, weights),
        findings=tuple(findings),
    )  # fmt: skip


def _refuse_frame(
    frame: pd.DataFrame, stayed: NDArray[np.bool_], characteristics: Sequence[str]
) -> None:
    faults = FindingCollector()
    names = [str(name) for name in frame.columns]
    if len(stayed) != len(frame):
        faults.add(Finding.error("nonresponse_wrong_length", n=len(stayed), expected=len(frame)))
    for name in characteristics:
        if name not in names:
            faults.add(Finding.error(
                "missing_column", Place(column=name), role="covariate", column=name,
                nearest=nearest(name, names), known=names[:30],
            ))  # fmt: skip
        elif unknown := _unknown(column_of(frame, name)):
            faults.add(Finding.error("nonresponse_unknown", Place(column=name), column=name,
                                     n=unknown))  # fmt: skip
    faults.raise_if_errors()


def _unknown(column: pd.Series[Any]) -> int:
    numbers = as_numbers(column)
    if numbers is not None:
        return int(np.isnan(numbers).sum())
    return int((column.isna() | (column.astype(str).str.strip() == "")).sum())


def _tiny_cell(
    frame: pd.DataFrame, stayed: NDArray[np.bool_], characteristics: Sequence[str], least: int
) -> NotApplicable | None:
    """Refuse a category for which next to nobody is left to speak."""
    for name in characteristics:
        if as_numbers(column_of(frame, name)) is not None:
            continue
        cells = frame[name].astype(str).to_numpy()
        for level in sorted(set(cells)):
            count = int(np.sum(stayed[cells == level]))
            if count < least:
                return NotApplicable.because(
                    "nonresponse_cell_too_small", variable=name, category=level, n=count,
                    advised=least,
                )  # fmt: skip
    return None


def _entry_columns(frame: pd.DataFrame, name: str) -> FloatArray:
    """Return a number as one column, a text as one indicator for each category but the first."""
    numbers = as_numbers(column_of(frame, name))
    if numbers is not None:
        return np.asarray(numbers, dtype=np.float64)[:, None]
    cells = frame[name].astype(str).to_numpy()
    return np.asarray(cells[:, None] == np.array(sorted(set(cells)))[1:], dtype=np.float64)


def _modelled(stayed: NDArray[np.bool_], columns: FloatArray) -> ResponseModel | NotApplicable:
    fewest, needed = int(min(stayed.sum(), (~stayed).sum())), columns.shape[1] * PER_CHARACTERISTIC
    if 0 < fewest < needed:
        return NotApplicable.because("nonresponse_too_few", n=fewest, advised=needed)
    model = response_model(stayed, columns)
    if isinstance(model, ResponseModel) and model.fit.findings:
        return NotApplicable.because("nonresponse_foretold")
    return model


def _gap(columns: FloatArray, weights: FloatArray) -> float:
    """Return the largest standardised gap between weighted and plain means."""
    if not columns.shape[1]:
        return 0.0
    apart = weights @ columns / weights.sum() - columns.mean(axis=0)
    return float(np.max(np.abs(apart) / columns.std(axis=0)))
