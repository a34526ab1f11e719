"""Rows of a sample: those left out for what they miss, those refused for being twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.estimate import FlowStep
from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.data import roles
from impact_eval.data.flow import units_of
from impact_eval.data.roles import Periods
from impact_eval.data.source_rows import SourceRows


def drop_missing(
    frame: pd.DataFrame,
    unit: str | None,
    treatment: str | None,
    covariates: Sequence[str],
    flow: list[FlowStep],
    faults: FindingCollector,
) -> pd.DataFrame:
    """Leave out rows whose treatment or covariates are missing, and count them by cause."""
    for reason, names in (
        ("missing_treatment", [treatment] if treatment else []),
        ("missing_covariate", list(covariates)),
    ):
        missing = [frame[name].isna().to_numpy(dtype=bool) for name in names]
        gone = np.logical_or.reduce(missing) if missing else np.zeros(len(frame), dtype=bool)
        if not gone.any():
            continue
        counted = np.zeros(len(frame), dtype=bool)
        for name, rows in zip(names, missing, strict=True):  # a row is lost once, to the first
            n = int((rows & ~counted).sum())
            counted |= rows
            if n:
                faults.add(Finding.warning(reason, Place(column=name), n=n, columns=[name]))
        before = units_of(frame, unit)
        frame = frame.loc[~gone]
        left = units_of(frame, unit)
        lost = None if before is None or left is None else before - left
        flow.append(FlowStep(reason, len(frame), int(gone.sum()), reason, left, lost))
        if frame.empty:
            most = names[int(np.argmax([rows.sum() for rows in missing]))]
            faults.add(Finding.error("no_complete_row", Place(column=most), columns=names))
            faults.raise_if_errors()
    return frame


def refuse_duplicates(
    frame: pd.DataFrame,
    names: Sequence[str],
    units: NDArray[np.int64],
    periods: Periods | None,
    faults: FindingCollector,
) -> None:
    """Refuse a unit that is there twice (at the same period, when there are periods).

    Parameters
    ----------
    frame : DataFrame
    names : sequence of str
        The column of the unit, then of the period if any.
    units : (n,) array of int
    periods : Periods or None
    faults : FindingCollector
    """
    n_times = 1 if periods is None else len(periods.values)
    cell = units if periods is None else units * n_times + periods.codes
    counts = np.bincount(cell)
    if counts.max(initial=0) <= 1:
        return
    repeated = counts[cell] > 1
    seen = SourceRows.of(frame)
    rows = seen.file_rows(repeated, names[0], most=roles.FIRST_ROWS)
    shown = frame.loc[repeated, list(names)].drop_duplicates().head(roles.FIRST_ROWS)
    faults.add(
        Finding.error(
            "duplicated_rows",
            seen.place(repeated, names[0]),
            n=int(repeated.sum()),
            columns=list(names),
            examples=[" × ".join(map(str, row)) for row in shown.itertuples(index=False)],
            rows=rows,
        )
    )
