"""The example on which a design is checked: options, a table with its truth, and its variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate
from impact_eval.data import synthetic
from impact_eval.data.sample import DataShape, Sample
from impact_eval.designs.base import Design

SEED = 20240101
TRUTH = "truth"  # column: the effect contained in the outcome of each row
WEIGHTS, COVARIATE, CLUSTER = "w", "x", "cluster"  # columns of the usual tables
CLUSTER_SIZE = 3
# An assumption of designs whose rows average effects with weights of their own: on tables where
# effects differ they do not aim at the mean effect, and are held to tables of one effect.
CONSTANT_EFFECTS = "constant_effects"


@dataclass(frozen=True, slots=True)
class Example:
    """A design with options that work on a table, the roles of its columns, and the truth in it.

    A design whose options have no default that works on the usual tables gives its own by a class
    method ``contract_example(rng) -> Example``; each call draws a fresh table of one process.

    Attributes
    ----------
    design : Design
    frame : DataFrame
        Its column `truth` is the effect contained in the outcome of each row (0 where nothing
        happened): the outcome less this column is the same draw without any effect.
    roles : mapping
        Roles of the columns, as `Sample` takes them.
    outcome : str
    truth : mapping of str to float
        What a row of the result (its key, or its term) estimates, where it is not the mean of
        `truth` over the treated rows that the row names.
    without : mapping of str to float
        Rows that do not depend on the outcome, and their value: entries, for instance.
    concerned : str, optional
        Column of 0/1: the rows whose effect is estimated, when it is not all the treated.
    own_intervals : tuple of str
        Terms whose interval and p-value are not those of the standard error (Fieller's set…).
    alternatives : mapping of str to tuple
        Other values of options that the battery cannot guess.
    draws : int
        Tables drawn anew to see the size of errors; fewer for a slow design.
    """

    design: Design
    frame: pd.DataFrame
    roles: Mapping[str, Any]
    outcome: str = "y"
    truth: Mapping[str, float] = field(default_factory=dict)
    without: Mapping[str, float] = field(default_factory=dict)
    concerned: str | None = None
    own_intervals: tuple[str, ...] = ()
    alternatives: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    draws: int = 60

    def sample(self) -> Sample:
        """Read the table."""
        return Sample(self.frame, **self.roles)

    def fit(self) -> Estimate:
        """Fit the design on the example."""
        return self.design.fit(self.sample(), self.outcome)

    def on(self, frame: pd.DataFrame) -> Example:
        """Return the example on another table."""
        return replace(self, frame=frame)

    def with_outcome(self, values: NDArray[Any] | pd.Series[Any]) -> Example:
        """Return the example with another outcome."""
        return self.on(self.frame.assign(**{self.outcome: values}))

    def with_roles(self, **roles: Any) -> Example:
        """Return the example with more roles."""
        return replace(self, roles={**self.roles, **roles})

    # -- the truth ------------------------------------------------------------------------------

    def null(self) -> Example:
        """Return the same draw without any effect."""
        assert TRUTH in self.frame, "the example's table has no column `truth`"
        nothing = self.frame[self.outcome] - self.frame[TRUTH]
        frame = self.frame.assign(**{self.outcome: nothing}).assign(**{TRUTH: 0.0})
        truth = dict.fromkeys(self.truth, 0.0) | dict(self.without)
        return replace(self, frame=frame, truth=truth)

    def fair(self) -> Example:
        """Return the example with one effect for all if the design assumes it, else as it is."""
        if CONSTANT_EFFECTS not in self.design.info.assumptions:
            return self
        truth = self.frame[TRUTH].to_numpy(dtype=float)
        one = np.where(truth != 0, truth[truth != 0].mean(), 0.0)
        frame = self.frame.assign(**{self.outcome: self.frame[self.outcome] - truth + one})
        return self.on(frame.assign(**{TRUTH: one}))

    # -- variants -------------------------------------------------------------------------------

    def rows_of(self) -> str | None:
        """Return the column of the units, or None when each row stands alone."""
        return self.roles.get("unit")

    def per_unit(self) -> NDArray[np.int64]:
        """(n,) code of the unit of each row (the row itself without units)."""
        unit = self.rows_of()
        if unit is None:
            return np.arange(len(self.frame))
        return pd.factorize(self.frame[unit], sort=True)[0].astype(np.int64)

    def groups(self) -> NDArray[np.int64]:
        """(n,) code of the assignment of each row: cohort, treatment, blocks, eligibility."""
        roles = (self.roles.get(role) for role in ("cohort", "treatment", "strata"))
        columns = [column for column in (*roles, self.concerned) if column is not None]
        fixed = [c for c in columns if self._constant_within_units(c)]
        if not fixed:
            return np.zeros(len(self.frame), dtype=np.int64)
        return np.asarray(self.frame.groupby(fixed, dropna=False).ngroup(), dtype=np.int64)

    def _constant_within_units(self, column: str) -> bool:
        unit = self.rows_of()
        if unit is None:
            return True
        values = self.frame.groupby(unit)[column].nunique(dropna=False)
        return int(values.max()) == 1

    def weighted(self, seed: int = SEED) -> Example:
        """Return the example with weights that differ from one unit to the next."""
        if "weights" in self.roles:
            return self
        frame = self.frame
        if WEIGHTS not in frame:
            units = self.per_unit()
            drawn = np.random.default_rng(seed).uniform(0.5, 2.0, size=units.max() + 1)
            frame = frame.assign(**{WEIGHTS: drawn[units]})
        return self.on(frame).with_roles(weights=WEIGHTS)

    def covaried(self, seed: int = SEED) -> Example:
        """Return the example with a covariate that moves the outcome, and its trend."""
        if self.roles.get("covariates"):
            return self
        if COVARIATE in self.frame:
            return self.with_roles(covariates=[COVARIATE])
        units = self.per_unit()
        x = np.random.default_rng(seed).normal(size=units.max() + 1)[units]
        time = self.roles.get("time")
        since = 1.0 if time is None else self.frame[time].rank(method="dense").to_numpy()
        moved = self.frame[self.outcome] + 0.3 * since * x
        frame = self.frame.assign(**{COVARIATE: x, self.outcome: moved})
        return self.on(frame).with_roles(covariates=[COVARIATE])

    def clustered(self, seed: int = SEED, shared: float = 0.0) -> Example:
        """Return the example with units tied by three, of one assignment, with a shared noise.

        A draw of people cannot be told from one of groups when the groups are single people: the
        table's own clusters are kept only when they hold several units. The shared noise moves
        with the periods, so that no design takes it out.
        """
        if "cluster" in self.roles:
            return self
        units, frame = self.per_unit(), self.frame
        tied = frame[CLUSTER].nunique() < units.max() + 1 if CLUSTER in frame else False
        if not tied:
            frame = frame.assign(**{CLUSTER: self._threes()})
        if shared:
            codes = pd.factorize(frame[CLUSTER], sort=True)[0]
            time = self.roles.get("time")
            when = np.zeros(len(frame), int) if time is None else pd.factorize(frame[time])[0]
            noise = np.random.default_rng(seed).normal(
                scale=shared, size=(codes.max() + 1, when.max() + 1)
            )
            moved = frame[self.outcome] + noise[codes, when]
            frame = frame.assign(**{self.outcome: moved})
        return self.on(frame).with_roles(cluster=CLUSTER)

    def _threes(self) -> NDArray[np.int64]:
        units, groups = self.per_unit(), self.groups()
        first = np.unique(units, return_index=True)[1]
        group = groups[first]
        rank = pd.Series(np.arange(len(first))).groupby(group).cumcount().to_numpy()
        size = -(-np.bincount(group).max() // CLUSTER_SIZE)
        codes = group * size + rank // CLUSTER_SIZE
        return np.asarray(codes[units], dtype=np.int64)

    def rich(self) -> Example:
        """Return the example with every role that the design accepts, but clusters."""
        example = self.covaried() if self.design.info.covariates else self
        return example.weighted() if self.design.info.weights else example


def example_of(design: type[Design], seed: int = SEED) -> Example:
    """Return the example of a design: its own, or the usual table of the first shape it accepts."""
    rng = np.random.default_rng(seed)
    own = getattr(design, "contract_example", None)
    if own is not None:
        example = own(rng)
        assert isinstance(example, Example), "contract_example returns an Example"
        return example
    return Example(design(), *_usual_table(design, rng))


def _usual_table(
    design: type[Design], rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, Any]]:
    shapes = design.info.shapes
    if DataShape.PANEL in shapes:
        roles = {"unit": "id", "time": "period"}
        if not design.info.assignment:
            return synthetic.before_after(rng), roles
        return synthetic.staggered_panel(rng), roles | {"cohort": "cohort"}
    if DataShape.CROSS_SECTION in shapes:
        return synthetic.trial(rng), {"unit": "id", "treatment": "treated"}
    return synthetic.repeated_cross_section(rng), {"time": "period", "cohort": "cohort"}
