"""Who answers a questionnaire: accompanied or not, with what weight, and what they were like.

The roles of the questionnaire's own table come first; those of the study's table hold for the same
people, found by their label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.core.vocabulary import ScoreGroup
from impact_eval.data import roles
from impact_eval.data.measures import read_weights
from impact_eval.pipeline.study_models import DataPart, RolesPart

FloatArray = NDArray[np.float64]
Table: TypeAlias = tuple[DataPart, pd.DataFrame]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PeopleRoles:
    """What is known of the people of a questionnaire, by their label as a text.

    Attributes
    ----------
    accompanied : Series of bool or None
        Whether each person was ever helped; None when no role says so.
    weights : Series of float or None
    characteristics : DataFrame or None
        The covariates declared, one row a person: as they were first seen.
    findings : tuple of Finding
    """

    accompanied: pd.Series[Any] | None = None
    weights: pd.Series[Any] | None = None
    characteristics: pd.DataFrame | None = None
    findings: tuple[Finding, ...] = ()

    def group_of(self, labels: Sequence[str]) -> tuple[ScoreGroup | None, ...]:
        """Return the group of each person; None for one whom no table describes."""
        if self.accompanied is None:
            return (ScoreGroup.EVERYONE,) * len(labels)
        named = {True: ScoreGroup.ACCOMPANIED, False: ScoreGroup.COMPARISON}
        known = {str(label): named[bool(helped)] for label, helped in self.accompanied.items()}
        return tuple(known.get(label) for label in labels)

    def weights_of(self, labels: Sequence[str]) -> FloatArray | None:
        """Return the weight of each person, 0 for one without; None without declared weights."""
        if self.weights is None:
            return None
        return self.weights.reindex(list(labels)).fillna(0.0).to_numpy(dtype=np.float64)


def people_roles(
    own: Table, study: Table, unit: str, described_by: Sequence[str] = ()
) -> PeopleRoles:
    """Return what is known of the people who answer a questionnaire.

    Parameters
    ----------
    own, study : (DataPart, DataFrame)
        The questionnaire's table and the study's, with their roles.
    unit : str
        Column of the person in the questionnaire's table.
    described_by : sequence of str
        Further columns that say what people were like at entry.

    Raises
    ------
    ImpactEvalError
        What the roles `treatment`, `cohort` and `weights` refuse.
    """
    faults = FindingCollector()
    answering = _labels(own[1], unit)
    helped = _first_known(own, study, faults, _helped)
    weights = _first_known(own, study, faults, _weights)
    described = _first_known(own, study, faults, partial(_characteristics, also=described_by))
    faults.raise_if_errors()
    if helped is not None:
        known = set(helped.index) & set(answering)
        here = helped.loc[sorted(known)]
        if here.all() or not here.any():
            if known and not here.any():
                faults.add(Finding.warning("nobody_accompanied_answers", Place(column=unit)))
            elif not known and helped.any() and not helped.all():
                faults.add(Finding.info("groups_not_known", Place(column=unit)))
            helped = None
        elif lacking := len(set(answering) - known):
            faults.add(Finding.warning("some_in_no_group", Place(column=unit), n=lacking))
    if weights is not None and not set(weights.index) & set(answering):
        weights = None
    return PeopleRoles(
        accompanied=None if helped is None else helped.astype(bool),
        weights=weights,
        characteristics=described,
        findings=faults.findings,
    )


def _labels(frame: pd.DataFrame, unit: str) -> pd.Series[str]:
    return frame[unit].dropna().astype(str)


def _first_known(
    own: Table, study: Table, faults: FindingCollector, ask: Callable[[_Described], T | None]
) -> T | None:
    """Return what the questionnaire's own table says, else what the study's table says."""
    for part, frame in (own, study):
        unit = part.roles.unit
        if unit is None or unit not in frame.columns:
            continue
        kept = frame[frame[unit].notna()]
        found = ask(_Described(kept, part.roles, _labels(kept, unit), faults))
        if found is not None:
            return found
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Described:
    """A table with a unit, its roles, and the label of each row."""

    frame: pd.DataFrame
    roles: RolesPart
    labels: pd.Series[str]
    faults: FindingCollector

    def column(self, name: str | None) -> pd.Series[Any] | None:
        """Return a column that is there."""
        here = name is not None and name in self.frame.columns
        return roles.column_of(self.frame, name) if here and name is not None else None


def _helped(asked: _Described) -> pd.Series[Any] | None:
    """Return who was ever helped, by person."""
    treatment, cohort = asked.column(asked.roles.treatment), asked.column(asked.roles.cohort)
    if treatment is not None:
        helped = roles.read_treatment(treatment, asked.faults)
    elif cohort is not None and (time := asked.column(asked.roles.time)) is not None:
        periods = roles.read_periods(time, asked.faults)
        starts = roles.read_cohorts(cohort, periods, asked.faults)
        helped = (starts <= periods.values[-1]).astype(np.float64)
    else:
        return None
    told = pd.Series(helped, index=asked.labels.to_numpy()).dropna()
    return told.groupby(level=0).max() > 0


def _weights(asked: _Described) -> pd.Series[Any] | None:
    """Return the weight of each person: that of the first row; two weights are told."""
    column = asked.column(asked.roles.weights)
    if column is None:
        return None
    weights = pd.Series(read_weights(column, asked.faults), index=asked.labels.to_numpy())
    by_person = weights.groupby(level=0)
    apart = int((by_person.max() > by_person.min()).sum())
    if apart:
        place = Place(column=asked.roles.weights)
        asked.faults.add(Finding.warning("weights_differ_by_date", place, n=apart))
    return by_person.first()


def _characteristics(asked: _Described, also: Sequence[str]) -> pd.DataFrame | None:
    """Return the covariates of each person, as first seen."""
    wanted = dict.fromkeys((*asked.roles.covariates, *also))
    names = [name for name in wanted if name in asked.frame.columns]
    if not names:
        return None
    table = asked.frame[names].set_axis(asked.labels.to_numpy(), axis=0)
    return table[~table.index.duplicated()]
