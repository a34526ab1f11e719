"""The cells of a sample's roles, before rows are counted: labels, numbers, what is carried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.core.hidden_text import HIDDEN, shown_text
from impact_eval.core.vocabulary import LabelsAlike
from impact_eval.data.carried import carry_covariates
from impact_eval.data.hidden_characters import hidden_cells
from impact_eval.data.labelled_yes_no import yes_no_by_label
from impact_eval.data.measures import covariate_numbers
from impact_eval.data.sample_labels import spell_labels


def read_cells(
    frame: pd.DataFrame,
    columns: Mapping[str, Sequence[str]],
    alike: LabelsAlike,
    faults: FindingCollector,
) -> pd.DataFrame:
    """Return a table whose cells are read, and known at every period where they were asked once.

    Labels have one spelling, labelled yes and no are 1 and 0, covariates are numbers where they can
    be, marks as missing.

    Parameters
    ----------
    frame : DataFrame
        It is not changed.
    columns : mapping of role to columns
    alike : LabelsAlike
    faults : FindingCollector
    """
    for name in dict.fromkeys(name for names in columns.values() for name in names):
        hidden = hidden_cells(frame[name])
        if HIDDEN.search(name) or hidden.any():
            shown = shown_text(name)
            faults.add(Finding.error("hidden_in_table", Place(column=shown), column=shown))
    faults.raise_if_errors()
    frame = yes_no_by_label(frame, faults, roles=columns)
    frame = spell_labels(frame, columns, alike, faults)
    covariates = columns.get("covariates", ())
    new = {}
    for name in covariates:
        if pd.api.types.is_numeric_dtype(frame[name]):
            continue
        numbers = covariate_numbers(frame[name], faults)
        if numbers is not None:
            new[name] = pd.Series(numbers, index=frame.index, name=name)
    frame = frame.assign(**new) if new else frame
    faults.raise_if_errors()
    if "unit" not in columns or "time" not in columns:
        return frame
    when, who = columns["time"][0], columns["unit"][0]
    roles = tuple(columns[role][0] if role in columns else None for role in ("cohort", "treatment"))
    return carry_covariates(frame, (who, when), (roles[0], roles[1]), covariates, faults)
