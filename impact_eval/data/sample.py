"""`Sample`: a checked table with roles. Below it nobody checks again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.estimate import FlowStep
from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place, nearest
from impact_eval.core.shown import Shown, one_line
from impact_eval.core.vocabulary import LabelsAlike, RowsAre
from impact_eval.data import measures, roles
from impact_eval.data.assignment import RowStructure, read_assignment
from impact_eval.data.covariate_checks import refuse_useless_covariates
from impact_eval.data.flow import first_step, step_of_rows
from impact_eval.data.panel import (
    PanelGrid,
    WidePanel,
    covariates_by_unit,
    find_grid,
    first_of_unit,
    to_wide,
    unit_mean,
    varies_within_unit,
)
from impact_eval.data.roles import Codes, FloatArray, IntArray, Periods
from impact_eval.data.sample_cells import read_cells
from impact_eval.data.sample_rows import drop_missing, refuse_duplicates
from impact_eval.data.shape import DataShape
from impact_eval.data.table import as_table, refuse_missing

__all__ = ["DataShape", "Sample"]
_SINGLE = ("unit", "time", "cohort", "treatment", "strata", "weights")  # roles of one column


@dataclass(frozen=True, eq=False, repr=False)
class Sample(Shown):
    """A checked table and the roles of its columns: a proof of validity.

    Parameters
    ----------
    frame : pandas, polars or pyarrow table
        One row per unit and period. It is never changed.
    unit : str, optional
        Column that identifies a person or territory followed over time.
    time : str, optional
        Column of the period. Dates, quarters, months (202012) are in the calendar; texts, ranked.
    cohort : str, optional
        First treated period. Missing, 0, infinite, « jamais », "never" mean never treated.
    treatment : str, optional
        0/1 (oui/non). Varying over time in a panel (the cohort is then derived), constant in a
        cross-section.
    covariates : sequence of str
        Numbers, or texts of at most 20 levels (turned into indicators).
    cluster : str or tuple of str, optional
        Level of the decision to treat (basin, structure…), when above the unit.
    strata, weights : str, optional
        Blocks of a draw; sampling weights, non-negative.
    rows_are : RowsAre
        People (whose labels are never told) or territories.
    labels_alike : LabelsAlike
        What labels that differ by case, accents or dashes alone are: "same" or "different"; they
        are refused while nobody said.
    prior_flow : tuple of FlowStep
        What happened to the rows before (reading, linkage).

    Attributes
    ----------
    shape : DataShape
    n, n_units, n_periods : int
    flow : tuple of FlowStep
        How many rows left at each step, and why.
    findings : tuple of Finding
        Warnings that travel to the report.

    Raises
    ------
    ImpactEvalError
        All faults at once: `missing_column`, `duplicated_rows`, `missing_role_values`,
        `cohort_varies`, `treatment_not_binary`, `negative_weights`, `collinear_covariates`…

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"id": [1, 1, 2, 2], "an": [2023, 2024] * 2, "g": [2024, 2024, 0, 0],
    ...                       "y": [1.0, 3.0, 1.0, 1.5]})
    >>> sample = Sample(frame, unit="id", time="an", cohort="g")
    >>> sample.shape.value, sample.n_units, sample.wide("y").y.shape
    ('panel', 2, (2, 2))
    """

    frame: pd.DataFrame
    unit: str | None = None
    time: str | None = None
    cohort: str | None = None
    treatment: str | None = None
    covariates: Sequence[str] = ()
    cluster: str | tuple[str, ...] | None = None
    strata: str | None = None
    weights: str | None = None
    rows_are: RowsAre = RowsAre.PEOPLE
    prior_flow: InitVar[tuple[FlowStep, ...]] = ()
    labels_alike: LabelsAlike = LabelsAlike.ASKED

    shape: DataShape = field(init=False)
    flow: tuple[FlowStep, ...] = field(init=False)
    findings: tuple[Finding, ...] = field(init=False)
    covariate_names: tuple[str, ...] = field(init=False)
    covariate_matrix: FloatArray = field(init=False, repr=False)
    weights_array: FloatArray = field(init=False, repr=False)
    cohorts: FloatArray | None = field(init=False, repr=False)
    entries: FloatArray | None = field(init=False, repr=False)
    treated: NDArray[np.bool_] | None = field(init=False, repr=False)
    switches_off: bool = field(init=False)
    _units: Codes | None = field(init=False, repr=False)
    _periods: Periods | None = field(init=False, repr=False)
    _grid: PanelGrid | None = field(init=False, repr=False)

    def __post_init__(self, prior_flow: tuple[FlowStep, ...]) -> None:
        frame = as_table(self.frame)
        self._name_roles()
        faults = FindingCollector()
        roles.check_columns(frame, self._role_columns(), faults)
        if frame.empty and not faults.has_errors:
            faults.add(Finding.error("empty_table"))
        faults.raise_if_errors()
        frame = read_cells(frame, self.roles, self.labels_alike, faults)
        flow = list(prior_flow) or [first_step(frame, self.unit)]
        frame = drop_missing(frame, self.unit, self.treatment, tuple(self.covariates), flow, faults)
        self._set("frame", frame)
        self._read_structure(frame, faults)
        faults.raise_if_errors()
        self._read_assignment(frame, faults)
        self._read_covariates(frame, faults)
        weights = (
            np.ones(len(frame))
            if self.weights is None
            else measures.read_weights(roles.column_of(frame, self.weights), faults)
        )
        self._set("weights_array", _frozen(weights))
        faults.raise_if_errors()
        self._set("flow", tuple(flow))
        self._set("findings", faults.findings)

    def _line(self) -> str:
        counts = {"rows": self.n, "units": self.n_units, "periods": self.n_periods}
        return one_line("Sample", self.shape.value, **counts, **self.roles)

    @property
    def roles(self) -> dict[str, tuple[str, ...]]:
        """The columns that have a role, by the name of the role."""
        single = {role: getattr(self, role) for role in _SINGLE}
        several = {"covariates": tuple(self.covariates), "cluster": self.cluster_names}
        found = {role: (column,) for role, column in single.items() if column is not None}
        return found | {role: columns for role, columns in several.items() if columns}

    # -- reading, once --------------------------------------------------------------------------

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _name_roles(self) -> None:
        """Name columns by text, as the table does; one covariate may stand without its list."""
        for role in _SINGLE:
            name = getattr(self, role)
            self._set(role, None if name is None else str(name))
        self._set("rows_are", RowsAre(self.rows_are))
        self._set("labels_alike", LabelsAlike(self.labels_alike))
        several = self.covariates or ()
        self._set("covariates", tuple(map(str, [several] if isinstance(several, str) else several)))
        if self.cluster is not None and not isinstance(self.cluster, str):
            self._set("cluster", tuple(map(str, self.cluster)))

    def _role_columns(self) -> dict[str, str]:
        named = [(r, i, c) for r, columns in self.roles.items() for i, c in enumerate(columns)]
        return {role if role in _SINGLE else f"{role}[{i}]": column for role, i, column in named}

    def _read_structure(self, frame: pd.DataFrame, faults: FindingCollector) -> None:
        units = self.unit and roles.read_codes(roles.column_of(frame, self.unit), "unit", faults)
        periods = self.time and roles.read_periods(roles.column_of(frame, self.time), faults)
        self._set("_units", units or None)
        self._set("_periods", periods or None)
        self._set("shape", self._find_shape())
        self._set("_grid", None)
        if self.shape is DataShape.PANEL:
            assert self.unit_codes is not None
            assert self.time_codes is not None
            size = (self.n_units, self.n_periods)
            self._set("_grid", find_grid(self.unit_codes, self.time_codes, *size))
        levels = {"strata": self.strata} if self.strata else {}
        levels |= {f"cluster[{i}]": name for i, name in enumerate(self.cluster_names)}
        refuse_missing(frame, levels, faults)
        if self._grid is not None or faults.has_errors:
            return  # each unit once at each period
        if self.shape is DataShape.PANEL or (self.unit is not None and self.time is None):
            names = tuple(name for name in (self.unit, self.time) if name is not None)
            assert self.unit_codes is not None
            refuse_duplicates(frame, names, self.unit_codes, self._periods, faults)

    def _find_shape(self) -> DataShape:
        if self._periods is None:
            return DataShape.CROSS_SECTION
        repeated = self._units is not None and len(self._units.labels) < len(self._units.codes)
        return DataShape.PANEL if repeated else DataShape.REPEATED_CROSS_SECTION

    def _read_assignment(self, frame: pd.DataFrame, faults: FindingCollector) -> None:
        structure = RowStructure(
            shape=self.shape,
            unit_codes=self.unit_codes,
            unit_labels=self.unit_labels,
            n_units=self.n_units,
            periods=self._periods,
            time_values=self.time_values,
            grid=self._grid,
        )
        found = read_assignment(frame, self.cohort, self.treatment, structure, faults)
        self._set("cohorts", None if found.cohorts is None else _frozen(found.cohorts))
        self._set("entries", None if found.entries is None else _frozen(found.entries))
        self._set("treated", found.treated)
        self._set("switches_off", found.switches_off)

    def _read_covariates(self, frame: pd.DataFrame, faults: FindingCollector) -> None:
        names: list[str] = []
        parts: list[FloatArray] = []
        for name in self.covariates:
            found, values = measures.read_covariate(roles.column_of(frame, name), faults)
            names.extend(found)
            parts.append(values)
        width = sum(part.shape[1] for part in parts)
        matrix = np.empty((len(frame), width), order="F")  # columns are read one at a time
        if parts:
            np.concatenate(parts, axis=1, out=matrix)
        refuse_useless_covariates(matrix, names, faults)
        self._set("covariate_names", tuple(names))
        matrix.flags.writeable = False
        self._set("covariate_matrix", matrix)

    # -- what designs read ----------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def n(self) -> int:
        """Number of rows kept."""
        return len(self.frame)

    @property
    def n_units(self) -> int:
        """Number of units (rows when there is no unit role)."""
        return self.n if self._units is None else len(self._units.labels)

    @property
    def n_periods(self) -> int:
        """Number of periods (1 without a time role)."""
        return 1 if self._periods is None else len(self._periods.values)

    @property
    def unit_codes(self) -> IntArray | None:
        """(n,) codes of the units, in the order of `unit_labels`."""
        return None if self._units is None else self._units.codes

    @property
    def unit_labels(self) -> NDArray[Any]:
        """(N,) sorted labels of the units (row numbers without a unit role)."""
        return np.arange(self.n) if self._units is None else self._units.labels

    @property
    def time_codes(self) -> IntArray | None:
        """(n,) codes of the periods, in the order of `times`."""
        return None if self._periods is None else self._periods.codes

    @property
    def times(self) -> FloatArray:
        """(T,) sorted periods, as numbers."""
        return np.zeros(1) if self._periods is None else self._periods.values

    @property
    def time_labels(self) -> NDArray[Any]:
        """(T,) periods as the table wrote them."""
        return np.zeros(1) if self._periods is None else self._periods.labels

    def period_label(self, value: float) -> float | str:
        """Return a period, or a date of entry between two, as the table has it."""
        return float(value) if self._periods is None else self._periods.label(float(value))

    @cached_property
    def time_values(self) -> FloatArray:
        """(n,) period of each row, as a number."""
        return self.times[self.time_codes] if self.time_codes is not None else np.zeros(self.n)

    @property
    def has_weights(self) -> bool:
        """Whether a weights role was given."""
        return self.weights is not None

    @property
    def cluster_names(self) -> tuple[str, ...]:
        """Columns of the cluster role."""
        if self.cluster is None:
            return ()
        return (self.cluster,) if isinstance(self.cluster, str) else tuple(self.cluster)

    def codes(self, column: str) -> Codes:
        """Return any column as integer codes and sorted labels; missing values are refused."""
        kept: dict[str, Codes] = self.__dict__.setdefault("_codes_read", {})
        if column not in kept:  # a column of clusters is read at several places of a fit
            faults = FindingCollector()
            coded = roles.read_codes(self.column(column, role="cluster"), "cluster", faults)
            faults.raise_if_errors()
            kept[column] = coded
        return kept[column]

    @property
    def cluster_codes(self) -> IntArray | None:
        """(n,) codes of the first cluster role, or None."""
        return self.codes(self.cluster_names[0]).codes if self.cluster_names else None

    @property
    def strata_codes(self) -> IntArray | None:
        """(n,) codes of the strata, or None."""
        return None if self.strata is None else self.codes(self.strata).codes

    def column(self, name: str, *, role: str = "outcome") -> pd.Series[Any]:
        """Return a column; a name that is not there is refused, with its role and the nearest."""
        known = list(self.frame.columns)
        if known.count(name) > 1:
            fault = Finding.error("duplicated_column", Place(column=name), column=name)
            raise ImpactEvalError(fault)
        if name not in known:
            raise ImpactEvalError(
                Finding.error(
                    "missing_column",
                    Place(column=name),
                    role=role,
                    column=name,
                    nearest=nearest(name, known),
                    known=known[:30],
                )
            )
        return roles.column_of(self.frame, name)

    def outcome(self, name: str) -> FloatArray:
        """Return an outcome as (n,) float64, NaN where missing.

        Raises
        ------
        ImpactEvalError
            `missing_column`, `text_outcome`, `several_scales`, `ticks_only`, `infinite_values`,
            `empty_outcome`, `constant_outcome`.
        """
        kept = self.__dict__.get("_last_outcome")
        if kept is not None and kept[0] == name:
            return kept[1]  # type: ignore[no-any-return]  # one outcome is read several times
        faults = FindingCollector()
        values = _frozen(measures.read_outcome(self.column(name), faults))
        faults.raise_if_errors()
        self._set("_last_outcome", (name, values, faults.findings))
        return values

    def findings_on(self, outcome: str) -> tuple[Finding, ...]:
        """Return what was noticed in the sample, and in how the cells of an outcome read."""
        self.outcome(outcome)
        read: tuple[Finding, ...] = self.__dict__["_last_outcome"][2]
        return (*self.findings, *read)

    def complete(self, outcome: str) -> tuple[NDArray[np.bool_], FlowStep]:
        """Return the rows where the outcome is observed, and the step to add to the flow."""
        observed = ~np.isnan(self.outcome(outcome))
        step, reason = "outcome_observed", "missing_outcome"
        return observed, step_of_rows(observed, None, self.unit_codes, step=step, reason=reason)

    def restrict(self, mask: NDArray[np.bool_], step: str, reason: str) -> Sample:
        """Return the sample of some rows; the flow says how many left and why."""
        kept = step_of_rows(mask, None, self.unit_codes, step=step, reason=reason)
        return self.derive(frame=self.frame.loc[mask], flow=(*self.flow, kept))

    def derive(
        self,
        *,
        frame: pd.DataFrame | None = None,
        time: str | None = None,
        cohort: str | None = None,
        treatment: str | None = None,
        cluster: str | tuple[str, ...] | None = None,
        covariates: Sequence[str] | None = None,
        flow: tuple[FlowStep, ...] | None = None,
    ) -> Sample:
        """Return a sample that differs by what is given, read and checked again.

        Parameters
        ----------
        frame : DataFrame, optional
        time, cohort, treatment, cluster, covariates : optional
            Roles of the new sample; its own where nothing is given. A cohort or a treatment takes
            the place of both.
        flow : tuple of FlowStep, optional
            What happened to the rows before; by default what happened to those of this sample.

        Returns
        -------
        Sample
        """
        given = {"frame": frame, "time": time, "cluster": cluster, "covariates": covariates}
        changes: dict[str, Any] = {name: new for name, new in given.items() if new is not None}
        if cohort is not None or treatment is not None:
            changes |= {"cohort": cohort, "treatment": treatment}
        return replace(self, **changes, prior_flow=self.flow if flow is None else flow)

    def number(self, name: str) -> FloatArray:
        """Return any column as (n,) float64, NaN where missing; a text is `column_not_number`."""
        return measures.numbers_or_refused(self.column(name, role="measure"))

    def wide(self, outcome: str) -> WidePanel:
        """Return the panel as arrays, one row per unit (see `WidePanel`)."""
        if self.shape is not DataShape.PANEL:
            raise ImpactEvalError(Finding.error("panel_needed", shape=self.shape.value))
        assert self.unit_codes is not None
        assert self.time_codes is not None
        size = {"n_units": self.n_units, "n_times": self.n_periods}
        y = to_wide(
            self.outcome(outcome), self.unit_codes, self.time_codes, grid=self._grid, **size
        )
        weights = np.ones(self.n_units)
        if self.has_weights:
            weights = unit_mean(self.weights_array, self.unit_codes, self.n_units)
        return WidePanel(
            y=y,
            times=self.times,
            cohorts=self.unit_cohorts,
            units=self.unit_labels,
            covariates=self._spread_covariates[0],
            covariates_by_time=self._spread_covariates[1],
            weights=weights,
            clusters=self.unit_clusters,
            balanced=not bool(np.isnan(y).any()),
        )

    def _first(self, values: NDArray[Any]) -> NDArray[Any]:
        assert self.unit_codes is not None
        assert self.time_codes is not None
        if self._grid is not None:
            return self._grid.first(values)
        return first_of_unit(values, self.unit_codes, self.time_codes, self.n_units)

    @cached_property
    def unit_cohorts(self) -> FloatArray:
        """(N,) first treated period of each unit; infinity without a cohort or treatment role."""
        if self.cohorts is None:
            return np.full(self.n_units, np.inf)
        return self._first(self.cohorts)

    @cached_property
    def unit_clusters(self) -> IntArray:
        """(N,) cluster code of each unit; the unit itself without a cluster role."""
        codes = self.cluster_codes
        if codes is None:
            return np.arange(self.n_units)
        assert self.unit_codes is not None
        values = codes.astype(np.float64)
        moving = varies_within_unit(values, self.unit_codes, self.n_units, self._grid)
        if moving.any():
            raise ImpactEvalError(
                Finding.error(
                    "cluster_varies_within_unit",
                    Place(column=self.cluster_names[0]),
                    column=self.cluster_names[0],
                    n=int(moving.sum()),
                    examples=[str(u) for u in self.unit_labels[moving][: roles.FIRST_ROWS]],
                )
            )
        return self._first(codes)

    @cached_property
    def _spread_covariates(self) -> tuple[FloatArray | None, FloatArray | None]:
        """Return the covariates at each unit's first period, and by period if some vary."""
        if not self.covariate_names:
            return None, None
        assert self.unit_codes is not None
        assert self.time_codes is not None
        return covariates_by_unit(
            self.covariate_matrix,
            self.unit_codes,
            self.time_codes,
            (self.n_units, self.n_periods),
            self._grid,
        )


def _frozen(values: FloatArray) -> FloatArray:
    out = np.ascontiguousarray(values).view()
    out.flags.writeable = False
    return out
