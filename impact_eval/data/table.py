"""Any table as a pandas one whose columns are named by text."""

from __future__ import annotations

from typing import Any

import pandas as pd

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError
from impact_eval.data.odd_cells import refuse_empty_cells


def as_table(frame: Any) -> pd.DataFrame:
    """Accept pandas, polars and pyarrow tables; a pandas one is protected by copy-on-write.

    Raises
    ------
    ImpactEvalError
        `not_a_table`.
    """
    if isinstance(frame, pd.DataFrame):
        table = frame.copy(deep=False)
    else:
        import narwhals as nw

        try:
            table = nw.from_native(frame, eager_only=True).to_pandas()
        except TypeError:
            found = type(frame).__name__
            raise ImpactEvalError(Finding.error("not_a_table", found=found)) from None
    if not all(isinstance(name, str) for name in table.columns):
        table.columns = table.columns.map(str)
    return table


def refuse_missing(frame: pd.DataFrame, columns: dict[str, str], faults: FindingCollector) -> None:
    """Refuse rows that lack the value of a role: they cannot be attached to anything.

    Parameters
    ----------
    frame : DataFrame
    columns : dict of role to column
    faults : FindingCollector
    """
    for role, name in columns.items():
        missing = frame[name].isna().to_numpy(dtype=bool)
        refuse_empty_cells(frame, missing, faults, role=role, column=name)
