r"""What a covariance is: a value that knows its columns and how errors are tied.

A design hands over either a least-squares fit of rows, or the influence values of units, or the
means to estimate again on samples drawn anew; a covariance says which of them it can work from
(`sources`), which columns it needs, and gives back a matrix, degrees of freedom and a label. A new
one is one file: a frozen dataclass under `@register_covariance`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from enum import StrEnum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from impact_eval.core import Finding, ImpactEvalError, Registry, nearest
from impact_eval.stats.inference.cluster_moments import ClusterMoments
from impact_eval.stats.inference.randomisation import Assignments, DeclaredDraw
from impact_eval.stats.inference.regression import LinearFit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ENTRY_POINTS = "impact_eval.covariances"
NOT_PSD = "covariance_not_psd"
LEVEL = 0.95  # of the intervals that a test of its own inverts


class Source(StrEnum):
    """What a design hands over to a covariance.

    `FIT`: a least-squares fit of rows. `INFLUENCE`: one row of influence values per unit. `REDRAW`:
    the estimate itself, made again on samples where who is treated is drawn anew.
    """

    FIT = "fit"
    INFLUENCE = "influence"
    REDRAW = "redraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """What a sample says of n rows (or units) whose errors may be tied.

    Attributes
    ----------
    codes : tuple of (n,) arrays of int
        Clusters, one array per dimension; empty when every row stands alone.
    numbers : (n, q) array or None
        The columns asked for as numbers, in the order of `Covariance.measured`.
    times : (n,) array or None
        Period of each row, in the units of the calendar.
    groups : (n,) array of int or None
        Groups whose means are compared: what a row weighs in its own is its leverage. Only for
        influence values; None means one group.
    weights : (n,) array or None
        Weight of each row within its group.
    """

    codes: tuple[IntArray, ...] = ()
    numbers: FloatArray | None = None
    times: FloatArray | None = None
    groups: IntArray | None = None
    weights: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTest:
    """Test and interval of one combination that do not come from its standard error.

    Attributes
    ----------
    statistic, p_value : float
    conf_low, conf_high : float
        Infinite where the test never rejects.
    findings : tuple of Finding
    """

    statistic: float
    p_value: float
    conf_low: float
    conf_high: float
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Redraws:
    """Estimates made again on b assignments.

    Attributes
    ----------
    compared : Assignments
    observed : (k,) array
    values : (b, k) array
        NaN where an estimate could not be made.
    own_reach, reach : (k,) and (b, k) arrays, or None
        The same with the observed exposure as outcome, for a design linear in the outcome.
    """

    compared: Assignments
    observed: FloatArray
    values: FloatArray
    own_reach: FloatArray | None = None
    reach: FloatArray | None = None


Law = Callable[[FloatArray], FloatArray]
Tests = Callable[[FloatArray, FloatArray], tuple[OwnTest, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CovarianceResult:
    """A covariance with what inference needs beside it.

    Attributes
    ----------
    label : str
        Name of the formula used.
    matrix : (k, k) array
    df : (k,) array
        Degrees of freedom of each coefficient's t; infinite means the normal law.
    n_clusters : tuple of int
        Numbers of clusters, one per dimension; empty when rows are independent.
    signed : (k, k) array or None
        The matrix before its negative eigenvalues were raised to zero; None when it had none.
    influence : (m, k) array or None
        Rows (one per row or per cluster) whose sum of outer products is `matrix`; None for
        covariances that are no such sum (multi-way, spatial).
    moments : ClusterMoments or None
        The law of the covariance under the working model, for joint tests.
    law : function or None
        From (q, k) contrasts to their degrees of freedom, (q,); None when they do not depend on the
        contrast.
    tests : function or None
        From (q, k) contrasts and their (q,) values to tests of their own (bootstrap).
    findings : tuple of Finding
    """

    label: str
    matrix: FloatArray
    df: FloatArray
    n_clusters: tuple[int, ...] = ()
    signed: FloatArray | None = None
    influence: FloatArray | None = None
    moments: ClusterMoments | None = None
    law: Law | None = None
    tests: Tests | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def std_errors(self) -> FloatArray:
        """(k,) array, NaN where the variance is negative."""
        variance = np.diag(self.matrix)
        return np.sqrt(np.where(variance >= 0, variance, np.nan))

    def combine(self, contrasts: FloatArray) -> CovarianceResult:
        """Return the covariance of linear combinations, (q, k), with their own law and tests.

        Negative eigenvalues are those of the combinations: what is wrong with a coefficient that is
        not in them does not change them.
        """
        own = self.tests
        whole = self.matrix if self.signed is None else self.signed
        combined = contrasts @ whole @ contrasts.T
        matrix, raised = combined, self.findings
        if self.signed is not None:
            kept = tuple(f for f in self.findings if f.code != NOT_PSD)
            matrix, found = nearest_psd(combined)
            raised = (*kept, *found)
        return replace(
            self,
            matrix=matrix,
            signed=None if matrix is combined else combined,
            findings=raised,
            df=self._df(contrasts),
            influence=None if self.influence is None else self.influence @ contrasts.T,
            moments=None,
            law=None,
            tests=None if own is None else lambda more, values: own(more @ contrasts, values),
        )

    def _df(self, contrasts: FloatArray) -> FloatArray:
        one = contrasts != 0
        if self.law is not None and not (one.sum(axis=1) == 1).all():
            return self.law(contrasts)
        if self.law is not None:  # one coefficient each: the degrees known, whatever the scale
            return np.asarray(self.df[one.argmax(axis=1)])
        used = np.where(contrasts != 0, self.df, np.inf)
        return np.asarray(used.min(axis=1, initial=np.inf))


class Covariance(ABC):
    """How errors are tied: a frozen dataclass whose fields are its options.

    Class attributes
    ----------------
    name : str
        Registry name: what a study file writes.
    sources : frozenset of Source
        What it can be computed from.
    by_cluster : bool
        Whether it sums within clusters: those of `coded`, else the sample's own.
    by_time : bool
        Whether it needs the period of each row.
    stands_alone : bool
        Rows are independent, whatever the clusters of the sample.
    tests_itself : bool
        Its p-values and intervals are its own, not those of a standard error.
    holds_with_one : bool
        It says something of chance where one unit or cluster alone is treated, or compared with:
        who was drawn is replayed, or errors are all of one variance.
    """

    __slots__ = ()

    name: ClassVar[str]
    sources: ClassVar[frozenset[Source]]
    by_cluster: ClassVar[bool] = False
    by_time: ClassVar[bool] = False
    stands_alone: ClassVar[bool] = False
    tests_itself: ClassVar[bool] = False
    holds_with_one: ClassVar[bool] = False

    @property
    @abstractmethod
    def label(self) -> str:
        """Short name printed beside the numbers."""

    @property
    def coded(self) -> tuple[str, ...]:
        """Columns read as labels of clusters."""
        return ()

    @property
    def measured(self) -> tuple[str, ...]:
        """Columns read as numbers."""
        return ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All the columns named."""
        return (*self.coded, *self.measured)

    @property
    def needs_design(self) -> bool:
        """Whether it works on the whole design.

        Effects swept out must then be columns of it, unless they are nested in the clusters.
        """
        return False

    @classmethod
    def from_text(cls, text: str) -> Covariance | None:
        """Return the covariance that a short name of the study file means, None if not ours."""
        return None

    def of_fit(self, fit: LinearFit, ties: Ties) -> CovarianceResult:
        """Compute the covariance of the coefficients of a fit of rows."""
        raise self.refusal(Source.FIT)

    def of_influence(self, influence: FloatArray, ties: Ties) -> CovarianceResult:
        """Compute the covariance of estimates from their (n, k) influence values."""
        raise self.refusal(Source.INFLUENCE)

    def assigned(self, draw: DeclaredDraw) -> Assignments:
        """Return the assignments to compare with the one that was declared."""
        raise self.refusal(Source.REDRAW)

    def of_redraws(self, made: Redraws) -> tuple[OwnTest, ...]:
        """Test each of k estimates by what it is on samples drawn anew."""
        raise self.refusal(Source.REDRAW)

    def refusal(self, source: Source) -> ImpactEvalError:
        """Return the refusal of a source that this covariance cannot work from."""
        return ImpactEvalError(
            Finding.error("covariance_source", name=self.label, source=str(source))
        )


@dataclass(frozen=True, slots=True)
class OfOneColumn(Covariance):
    """A covariance of clusters that one column names, and whose tests are its own.

    Parameters
    ----------
    by : str, optional
        Column of the clusters; by default the sample's own, else its units.
    """

    by_cluster: ClassVar[bool] = True
    tests_itself: ClassVar[bool] = True

    by: str | None = None

    def _check_draws(self, draws: object, seed: object, *, most: int) -> None:
        """Refuse what is not one column, a number of draws and a seed."""
        if self.by is not None:
            one_column(self.name, "by", self.by)
        whole_in_range(self.name, "draws", draws, low=99, high=most)
        whole_in_range(self.name, "seed", seed, low=0, high=2**63 - 1)

    @property
    def coded(self) -> tuple[str, ...]:
        """The column named, none when the sample's clusters are meant."""
        return as_columns(self.by)

    def _of(self, what: str) -> str:
        return what if self.by is None else f"{what} ({self.by})"


covariances: Registry[type[Covariance]] = Registry("covariance", ENTRY_POINTS)
register_covariance = covariances.decorator(lambda kind: kind.name)


def serves(kind: type[Covariance], sources: frozenset[Source], *, wald_only: bool) -> bool:
    """Whether a covariance can work from one of these sources (and from its standard error)."""
    return bool(kind.sources & sources) and not (wald_only and kind.tests_itself)


def names_for(sources: frozenset[Source], *, wald_only: bool = False) -> tuple[str, ...]:
    """Return the names of the covariances that can work from one of these sources.

    Parameters
    ----------
    sources : frozenset of Source
    wald_only : bool
        Leave out those that test by themselves: the design needs a standard error.
    """
    return tuple(k.name for k in covariances if serves(k, sources, wald_only=wald_only))


def covariance_from_text(text: str) -> Covariance:
    """Return the covariance of a short name: `HC2`, `CR1`, or a registered name by itself.

    Raises
    ------
    ImpactEvalError
        `unknown_name`, with the names that exist; `option_missing` for one that needs columns.

    Examples
    --------
    >>> from impact_eval.stats.inference.covariance import covariance_from_text
    >>> covariance_from_text("CR1").label
    'CR1'
    """
    for kind in covariances:
        found = kind.from_text(text)
        if found is not None:
            return found
    kind = covariances.get(text)
    needed = [item.name for item in fields(kind) if item.default is MISSING]  # type: ignore[arg-type]
    faults = [Finding.error("option_missing", option=name, method=text) for name in needed]
    if faults:
        raise ImpactEvalError(faults)
    return kind()


def member_of(kind: type[StrEnum], option: str, value: str) -> StrEnum:
    """Return the member of this value; an unknown one is refused with the nearest.

    Raises
    ------
    ImpactEvalError
        `unknown_option`.
    """
    known = tuple(str(member) for member in kind)
    if value not in known:
        raise ImpactEvalError(
            Finding.error(
                "unknown_option",
                option=option,
                name=str(value),
                known=known,
                nearest=nearest(str(value), known),
            )
        )
    return kind(value)


def as_columns(by: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the columns that `by` names: one, several, or none (the sample's own clusters)."""
    if by is None:
        return ()
    return (by,) if isinstance(by, str) else by


def named_columns(method: str, option: str, by: object) -> tuple[str, ...]:
    """Return the columns that an option names, each once: a text, or several.

    Raises
    ------
    ImpactEvalError
        `option_not_column` for anything else, and for no column at all.
    """
    named = (by,) if isinstance(by, str) else by
    if not isinstance(named, (tuple, list)):
        named = ()
    known = tuple(dict.fromkeys(name for name in named if isinstance(name, str) and name))
    if not known or len(known) != len(set(map(repr, named))):
        raise ImpactEvalError(
            Finding.error("option_not_column", method=method, option=option, name=str(by)[:60])
        )
    return known


def one_column(method: str, option: str, name: object) -> None:
    """Refuse what is not the name of one column: `option_not_column`."""
    if not isinstance(name, str):
        raise ImpactEvalError(
            Finding.error("option_not_column", method=method, option=option, name=str(name)[:60])
        )
    named_columns(method, option, name)


def in_range(method: str, option: str, value: object, *, low: float, high: float) -> None:
    """Refuse what is no number, and a number off its range.

    Raises
    ------
    ImpactEvalError
        `option_not_number`, `option_out_of_range`.
    """
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
        raise ImpactEvalError(
            Finding.error("option_not_number", method=method, option=option, name=str(value)[:60])
        )
    if not (math.isfinite(value) and low <= value <= high):
        raise ImpactEvalError(
            Finding.error("option_out_of_range", option=option, value=value, low=low, high=high)
        )


def whole_in_range(method: str, option: str, value: object, *, low: int, high: int) -> None:
    """Refuse what is no whole number, and one off its range.

    Raises
    ------
    ImpactEvalError
        `option_not_whole`, and what `in_range` refuses.
    """
    if isinstance(value, (float, np.floating)):
        raise ImpactEvalError(
            Finding.error("option_not_whole", method=method, option=option, name=str(value)[:60])
        )
    in_range(method, option, value, low=low, high=high)


def nearest_psd(matrix: FloatArray) -> tuple[FloatArray, tuple[Finding, ...]]:
    """Raise the negative eigenvalues of a covariance to zero, and say so.

    Returns
    -------
    matrix : (k, k) array
    findings : tuple of Finding
        `covariance_not_psd` with the number of eigenvalues raised.
    """
    values, vectors = np.linalg.eigh(matrix)
    negative = values < -1e-12 * np.abs(values).max(initial=0.0)
    if not negative.any():
        return matrix, ()
    repaired = (vectors * np.clip(values, 0, None)) @ vectors.T
    return repaired, (Finding.warning(NOT_PSD, n=int(negative.sum())),)


def residual_df(fit: LinearFit) -> FloatArray:
    """Return n - k for each coefficient; a fit without any left is refused.

    Raises
    ------
    ImpactEvalError
        `no_residual_df`.
    """
    if fit.df_residual <= 0:
        raise ImpactEvalError(
            Finding.error("no_residual_df", n=fit.n, parameters=fit.n - fit.df_residual)
        )
    return np.full(len(fit.names), float(fit.df_residual))


def crossed(codes: Sequence[IntArray]) -> IntArray:
    """Return one code per combination present of several dimensions."""
    if len(codes) == 1:
        return np.asarray(codes[0])
    return np.unique(np.column_stack(codes), axis=0, return_inverse=True)[1].ravel()


def sum_by_cluster(rows: FloatArray, clusters: IntArray) -> FloatArray:
    """Return the (G, k) sums of rows by cluster, in the order of the sorted codes."""
    codes = np.unique(np.asarray(clusters), return_inverse=True)[1].ravel()
    size = int(codes.max()) + 1
    return np.column_stack(
        [np.bincount(codes, weights=rows[:, j], minlength=size) for j in range(rows.shape[1])]
    )
