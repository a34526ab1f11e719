"""What the codes of a scale say by themselves: shifted by one, of no answer, of another yes and no.

A file without labels is taken at its codes. Those that are not the scale's are refused with what
they look like and the declaration to write; an end of the scale that nobody met is told.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.data.labels import EXAMPLES, LabelMap
from impact_eval.data.source_rows import SourceRows
from impact_eval.data.value_labels import MISSING_CODES
from impact_eval.survey.answer_codes import Answers, ReadBy

FloatArray = NDArray[np.float64]
Bounds = Mapping[str, tuple[float, float]]

FEW_CODES = 7  # a scale of more answers may well leave an end unmet
ENOUGH = 10  # answers from which an unmet zero is worth a word
MANY = 50  # answers from which an unmet top is
YES = "oui"


def check_codes(
    read: Mapping[str, Answers],
    columns: Mapping[str, str],
    bounds: Bounds,
    labels: Mapping[str, LabelMap],
    rows: SourceRows,
    faults: FindingCollector,
) -> None:
    """Refuse codes that are not the scale's, by what they look like.

    Parameters
    ----------
    read : mapping of item to Answers
    columns : mapping of item to column
    bounds : mapping of item to (lowest, highest) code
    labels : mapping of item to LabelMap
    rows : SourceRows
        Rows of the file of the answers.
    faults : FindingCollector
        Receives `yes_no_codes`, `codes_shifted`, `missing_code_undeclared`, `off_range`, and the
        warnings `lowest_code_never_met`, `highest_code_never_met`.
    """
    coded = {name: answers.codes for name, answers in read.items() if answers.by is ReadBy.CODE}
    seen = {name: _values(codes) for name, codes in coded.items()}
    one_two = _yes_no(seen, bounds, labels)
    if one_two:
        faults.add(Finding.error("yes_no_codes", Place(column=columns[one_two[0]]),
                                 columns=[columns[name] for name in one_two], n=len(one_two),
                                 column=columns[one_two[0]]))  # fmt: skip
    shifted = {} if one_two else _shifted(seen, bounds)
    for (low, high), step in shifted.items():
        names = [name for name in seen if bounds[name] == (low, high)]
        faults.add(Finding.error("codes_shifted", Place(column=columns[names[0]]),
                                 columns=[columns[name] for name in names], n=len(names),
                                 low=low, high=high, first=low + step,
                                 last=high + step))  # fmt: skip
    for name, answers in read.items():
        if name not in one_two and bounds[name] not in shifted:
            _check_range(name, answers.codes, columns[name], bounds[name], rows, faults)
    if not faults.has_errors and coded:
        _ends_met(coded, bounds, faults)


def _values(codes: FloatArray) -> set[float]:
    return set(np.unique(codes[~np.isnan(codes)]).tolist())


def _yes_no(
    seen: Mapping[str, set[float]], bounds: Bounds, labels: Mapping[str, LabelMap]
) -> list[str]:
    """Return the items of yes and no that hold 1 and 2 where the scale has 0 and 1.

    In national surveys 1 is yes and 2 is no, but not everywhere: it is asked, never supposed.
    """
    asked = [
        name for name in seen if labels[name].code_of(YES) is not None and bounds[name][0] == 0
    ]  # fmt: skip
    pooled = set().union(*(seen[name] for name in asked)) if asked else set()
    return [
        name for name in asked
        if 2.0 in seen[name] and seen[name] <= {1.0, 2.0}
        and (bounds[name][1] == 1 or pooled == {1.0, 2.0})
    ]  # fmt: skip


def _shifted(seen: Mapping[str, set[float]], bounds: Bounds) -> dict[tuple[float, float], float]:
    """Return, by range of codes, the step by which all the items of that range are shifted."""
    out = {}
    for low, high in dict.fromkeys(bounds[name] for name in seen):
        pooled = set().union(*(seen[name] for name in seen if bounds[name] == (low, high)))
        values = {v for v in pooled if low - 1 <= v <= high + 1 or v not in MISSING_CODES}
        for step, beyond in ((1.0, high + 1), (-1.0, low - 1)):
            within = all(low + step <= v <= high + step and v == np.floor(v) for v in values)
            if beyond in values and within and (step > 0 or low >= 1):
                out[low, high] = step
    return out


def _check_range(
    item: str,
    codes: FloatArray,
    column: str,
    ends: tuple[float, float],
    rows: SourceRows,
    faults: FindingCollector,
) -> None:
    low, high = ends
    with np.errstate(invalid="ignore"):
        off = (codes < low) | (codes > high) | (codes != np.floor(codes)) & ~np.isnan(codes)
    if not off.any():
        return
    values = np.unique(codes[off]).tolist()
    code = "missing_code_undeclared" if set(values) <= MISSING_CODES else "off_range"
    faults.add(
        Finding.error(code, rows.place(off, column), item=item, column=column,
                      n=int(off.sum()), values=values[:EXAMPLES], low=low, high=high,
                      rows=rows.file_rows(off, column, most=EXAMPLES))
    )  # fmt: skip


def _ends_met(coded: Mapping[str, FloatArray], bounds: Bounds, faults: FindingCollector) -> None:
    """Tell an end of the scale that nobody met in any item: the codes may be shifted by one."""
    ranges = {bounds[name] for name in coded}
    if len(ranges) != 1 or len(coded) < 2:
        return
    low, high = ranges.pop()
    pooled = np.concatenate(list(coded.values()))
    pooled = pooled[~np.isnan(pooled)]
    if high - low >= FEW_CODES or not len(pooled):
        return
    if low == 0 and pooled.min() > low and len(pooled) >= ENOUGH:
        faults.add(Finding.warning("lowest_code_never_met", least=low, most=high, first=low + 1,
                                   last=high + 1))  # fmt: skip
    if low == 1 and pooled.max() < high and len(pooled) >= MANY:
        faults.add(Finding.warning("highest_code_never_met", least=low, most=high, first=low - 1,
                                   last=high - 1))  # fmt: skip
