"""What every design declares and how it refuses: capabilities as data, a protocol, a registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place
from impact_eval.core.noticed import announcing
from impact_eval.core.registry import Registry
from impact_eval.core.vocabulary import ShareFormula
from impact_eval.data.assignment import PAIR, constant_by_unit
from impact_eval.data.sample import DataShape, Sample
from impact_eval.designs.options import COVARIANCE, choices_of, faults_of
from impact_eval.designs.undeclared_level import looking_at_levels
from impact_eval.stats.inference.covariances import Covariance, Source, names_for, serves

ENTRY_POINTS = "impact_eval.designs"
# Of a design that leaves out those treated from the first period: the sample had only noticed them.
ALWAYS_TREATED_RETOLD: Mapping[str, str] = MappingProxyType(
    {"always_treated": "always_treated_dropped"}
)


@dataclass(frozen=True, slots=True)
class Minimum:
    """The least numbers a design can work with; below them it refuses by name.

    Attributes
    ----------
    units, clusters, periods : int
    treated, comparison : int
        Units treated at some time, and units never or not yet treated.
    """

    units: int = 2
    clusters: int = 1
    periods: int = 1
    treated: int = 1
    comparison: int = 1


@dataclass(frozen=True, slots=True)
class Variant:
    """One line that a design adds to the table of other answers to a question.

    Attributes
    ----------
    label : str
        Code of its name in the report.
    rank : int
        Place among the others before they are sorted by size.
    shapes : frozenset of DataShape
        Data on which it is shown.
    options : mapping
        Options of the design.
    largest : int or None
        Units beyond which it is left out, for what it costs.
    """

    label: str
    rank: int
    shapes: frozenset[DataShape]
    options: Mapping[str, Any] = field(default_factory=dict)
    largest: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorInfo:
    """The capabilities of a design, as data.

    From it come refusals by name, `impact-eval methods`, the docs page, the report's assumptions,
    the default diagnostics and the contract battery.

    Attributes
    ----------
    name : str
        Registry name.
    shapes : frozenset of DataShape
        Data shapes accepted.
    estimands : tuple of str
    counterfactual : bool
        False when there is no comparison (before/after): its rows are never called effects.
    weights, clusters, covariates : bool
        Whether these roles are used; a role that is not is refused, never ignored.
    sources : frozenset of Source
        What it hands over to a covariance; empty when its errors cannot be chosen.
    wald_only : bool
        It needs a standard error: covariances that test by themselves are refused.
    options : mapping of str to tuple
        Allowed values of each option that is a choice; other options map to an empty tuple. A
        design does not write it: it is read from its fields, where `option(...)` declares them.
    minimum : Minimum
    assumptions, checks : tuple of str
        Codes: what must be believed; the diagnostics run by default.
    references : tuple of str
        DOIs.
    oracle : str
        What its numbers were held to.
    evidence_ceiling : int
        Highest evidence level (0–4) it can reach.
    assignment : bool
        Whether a cohort or treatment role is needed.
    reversible : bool
        Whether a treatment that switches off is accepted.
    linear_in_outcome, flips_sign, seeded, standard_error : bool
        Properties the contract battery tests; a design without standard error answers with
        p-values and intervals alone.
    variants : tuple of Variant
        Lines it adds to the table of other answers.
    shortcut_on : frozenset of DataShape
        Data on which it is the usual shortcut, shown beside another estimate.
    regression_on : frozenset of DataShape
        Data on which it is the regression whose CR2 interval stands beside when places are few.
    short_base : bool
        Effects are measured from the period just before, not from the mean of all those before.
    formula : ShareFormula
        What an estimate of yes and no gives back of counts.
    retold : mapping of str to str
        Findings of the sample that it tells by another code; it carries all the others.
    """

    name: str
    shapes: frozenset[DataShape]
    estimands: tuple[str, ...]
    counterfactual: bool
    weights: bool
    clusters: bool
    covariates: bool
    minimum: Minimum
    assumptions: tuple[str, ...]
    checks: tuple[str, ...]
    references: tuple[str, ...]
    oracle: str
    evidence_ceiling: int
    sources: frozenset[Source] = frozenset()
    wald_only: bool = False
    options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    assignment: bool = True
    reversible: bool = False
    linear_in_outcome: bool = True
    flips_sign: bool = False
    seeded: bool = False
    standard_error: bool = True
    variants: tuple[Variant, ...] = ()
    shortcut_on: frozenset[DataShape] = frozenset()
    regression_on: frozenset[DataShape] = frozenset()
    short_base: bool = False
    formula: ShareFormula = ShareFormula.OTHER
    retold: Mapping[str, str] = field(default_factory=dict)

    @property
    def covariances(self) -> tuple[str, ...]:
        """Registry names of the covariances it takes: all those that its sources serve."""
        return names_for(self.sources, wald_only=self.wald_only)

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration as JSON, for docs and results."""
        out: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in _OF_THE_HOUSE:
                continue
            if item.name == "shapes":
                value = sorted(shape.value for shape in value)
            elif item.name == "sources":
                out["covariances"] = list(self.covariances)
                continue
            elif item.name == "minimum":
                value = {f.name: getattr(value, f.name) for f in fields(value)}
            elif isinstance(value, Mapping):
                value = {key: [str(v) for v in allowed] for key, allowed in value.items()}
            elif isinstance(value, tuple):
                value = list(value)
            out[item.name] = value
        return out


# how the pipeline shows a design among others: nothing that a reader of its page needs
_OF_THE_HOUSE = frozenset(
    {"variants", "shortcut_on", "regression_on", "short_base", "formula", "wald_only", "retold"}
)


@runtime_checkable
class Design(Protocol):
    """One estimator: a frozen dataclass whose fields are its options and nothing else."""

    info: ClassVar[EstimatorInfo]

    def fit(self, sample: Sample, outcome: str) -> Estimate:
        """Estimate on one outcome."""
        ...


designs: Registry[type[Design]] = Registry("design", ENTRY_POINTS, package=__package__)
_add = designs.decorator(lambda design: design.info.name)


def register(thing: type[Design]) -> type[Design]:
    """Register a design under its name: its options are read from its fields.

    Whoever fits it is told what it noticed, once.
    """
    thing.info = replace(thing.info, options=MappingProxyType(choices_of(thing)))
    if not hasattr(thing.fit, "__wrapped__"):
        fit = announcing(thing.info.name, looking_at_levels(thing.fit))
        setattr(thing, "fit", fit)  # noqa: B010 - a method
    return _add(thing)


def options_of(design: Design) -> dict[str, Any]:
    """Return the options of a design as plain data, for the record of an estimate."""
    found: dict[str, Any] = {}
    for item in fields(design):  # type: ignore[arg-type]  # every design is a dataclass
        value = getattr(design, item.name)
        plain = value is None or isinstance(value, (bool, int, float, str))
        found[item.name] = value if plain else _describe(value)
    return found


def _describe(value: Any) -> Any:
    if isinstance(value, np.generic):  # 3 and not np.int64(3)
        return value.item()
    if isinstance(value, (tuple, list)):
        return [_describe(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        parts = [f"{f.name}={getattr(value, f.name)}" for f in fields(value)]
        return f"{type(value).__name__}({', '.join(parts)})"
    return value if isinstance(value, (bool, int, float, str)) or value is None else repr(value)


def check_options(design: Design) -> None:
    """Refuse what options may not be, all at once, by name. Call it in `__post_init__`.

    The type of each field says what is wanted there: a text, true or false, a number, a whole
    number, two of them. Choices and bounds are those that `option(...)` declares on the field.

    Raises
    ------
    ImpactEvalError
        `unknown_option`, `option_not_number`, `option_not_whole`, `option_wrong_kind`,
        `option_too_low`, `option_out_of_range`; `covariance_not_taken` for a covariance that the
        design cannot serve, or an object that is none.
    """
    faults = FindingCollector()
    if any(item.name == COVARIANCE for item in fields(design)):  # type: ignore[arg-type]
        faults.add(*_covariance_faults(design))
    faults.add(*faults_of(design))
    faults.raise_if_errors()


def _covariance_faults(design: Design) -> list[Finding]:
    given = getattr(design, COVARIANCE)
    if given is None:
        return []
    sources = getattr(design, "sources", design.info.sources)
    alone = design.info.wald_only
    if isinstance(given, Covariance) and serves(type(given), sources, wald_only=alone):
        return []
    return [
        Finding.error(
            "covariance_not_taken",
            method=design.info.name,
            name=given.label if isinstance(given, Covariance) else repr(given)[:60],
            known=names_for(sources, wald_only=alone),
        )
    ]


def refuse_unfit(info: EstimatorInfo, sample: Sample, outcome: str) -> None:
    """Refuse a sample that a design's declaration denies: all faults at once, each by name.

    Raises
    ------
    ImpactEvalError
        `rows_lost_to_covariate`, `shape_not_accepted`, `role_not_accepted`,
        `assignment_missing`, `treatment_undated`, `treatment_switches_off`, `too_few_periods`,
        `too_few_units`, `too_few_clusters`, `no_treated`, `too_few_treated`, `no_comparison`,
        `too_few_comparison`, and those of `Sample.outcome`.
    """
    faults, numbers = FindingCollector(), FindingCollector()
    _check_numbers(info, sample, numbers)
    if numbers.has_errors or sample.shape not in info.shapes:
        faults.add(*_lost_to_covariates(sample))  # the cause comes first
    _check_roles(info, sample, faults)
    faults.add(*numbers.findings)
    try:
        sample.outcome(outcome)
    except ImpactEvalError as error:
        faults.add(*error.findings)
    faults.raise_if_errors()


def _lost_to_covariates(sample: Sample) -> list[Finding]:
    """Return the covariates whose holes left rows out, as the cause of what is refused."""
    lost = [f for f in sample.findings if f.code == "missing_covariate"]
    return [
        Finding.error("rows_lost_to_covariate", f.place, column=f.place.column, n=f.values["n"])
        for f in lost
        if f.place is not None
    ]


def _check_roles(info: EstimatorInfo, sample: Sample, faults: FindingCollector) -> None:
    if sample.shape not in info.shapes:
        accepted = sorted(shape.value for shape in info.shapes)
        faults.add(
            Finding.error(
                "shape_not_accepted", method=info.name, shape=sample.shape.value, known=accepted
            )
        )
    given = {
        "weights": (info.weights, sample.has_weights),
        "cluster": (info.clusters, bool(sample.cluster_names)),
        "covariates": (info.covariates, bool(sample.covariate_names)),
    }
    for role, (accepted_role, present) in given.items():
        if present and not accepted_role:
            faults.add(Finding.error("role_not_accepted", method=info.name, role=role))
    if info.assignment and sample.treated is None:
        faults.add(Finding.error("assignment_missing", method=info.name))
    undated = _undated(sample)
    if info.assignment and undated is not None:
        faults.add(undated)
    if sample.switches_off and not info.reversible:
        faults.add(Finding.error("treatment_switches_off", method=info.name))


def _undated(sample: Sample) -> Finding | None:
    """Return the refusal of a panel of three periods or more whose treatment never changes.

    Read as it stands it would say that those helped were so from the first period on.
    """
    told = sample.cohort is None and sample.shape is DataShape.PANEL and sample.n_periods > PAIR
    if not told or sample.treated is None or not sample.treated.any():
        return None
    assert sample.unit_codes is not None
    if not constant_by_unit(sample.treated, sample.unit_codes, sample.n_units):
        return None
    return Finding.error(
        "treatment_undated",
        Place(column=sample.treatment),
        column=sample.treatment,
        n=sample.n_periods,
        first=str(sample.time_labels[0]),
        last=str(sample.time_labels[-1]),
    )


def _check_numbers(info: EstimatorInfo, sample: Sample, faults: FindingCollector) -> None:
    least = info.minimum
    clusters = sample.codes(sample.cluster_names[0]).labels.size if sample.cluster_names else None
    pairs = [
        ("too_few_periods", sample.n_periods, least.periods),
        ("too_few_units", sample.n_units, least.units),
    ]
    if clusters is not None and info.clusters:
        pairs.append(("too_few_clusters", clusters, least.clusters))
    for code, found, needed in pairs:
        if found < needed:
            faults.add(Finding.error(code, method=info.name, n=found, needed=needed))
    if not info.assignment or sample.treated is None:
        return
    treated, comparison = treated_and_comparison(sample)
    for group, found, needed in (
        ("treated", treated, least.treated),
        ("comparison", comparison, least.comparison),
    ):
        if needed and found == 0:
            faults.add(Finding.error(f"no_{group}", method=info.name, n=sample.n_units))
        elif found < needed:
            faults.add(Finding.error(f"too_few_{group}", method=info.name, n=found, needed=needed))


def treated_and_comparison(sample: Sample) -> tuple[int, int]:
    """Count units treated at some time, and units untreated at some time (possible comparisons)."""
    assert sample.treated is not None
    if sample.cohorts is None or sample.unit_codes is None:
        ever = sample.treated if sample.cohorts is None else np.isfinite(sample.cohorts)
        untreated = ~ever if sample.cohorts is None else ~sample.treated
        return int(ever.sum()), int(untreated.sum())
    treated = int(np.isfinite(sample.unit_cohorts).sum())
    never = sample.n_units - treated
    several = np.unique(sample.unit_cohorts[np.isfinite(sample.unit_cohorts)]).size > 1
    return treated, never if never or not several else treated
