"""What a check is, what it answers, and how a list of checks is run on one estimate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError, Scalar, Value, freeze_values
from impact_eval.core.registry import Registry
from impact_eval.core.shown import Shown, one_line
from impact_eval.data.sample import Sample
from impact_eval.designs.base import Design

Row = Mapping[str, Value]


class CheckStatus(StrEnum):
    """The answer of a check; `not_applicable` always comes with its reason."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CheckResult(Shown):
    """What one check found.

    Attributes
    ----------
    code : str
        Name of the check (`pretrends`, `balance`…).
    status : CheckStatus
    statistic, p_value : float or None
        Of the check's own test, when it has one.
    values : mapping
        Numbers its sentence needs: plain scalars and tuples.
    rows : tuple of mapping
        A small table (one line per covariate, per placebo…), the same keys in each row.
    reason : str or None
        Why it does not apply, or which of its rules decided the status.

    Examples
    --------
    >>> CheckResult.not_applicable("pretrends", "one_pre_period", n=1).status.value
    'not_applicable'
    """

    code: str
    status: CheckStatus
    statistic: float | None = None
    p_value: float | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    reason: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", freeze_values(self.values))
        object.__setattr__(self, "rows", tuple(freeze_values(row) for row in self.rows))

    def _line(self) -> str:
        rows = len(self.rows) or None
        told = f"{self.code}: {self.status.value}"
        return one_line("CheckResult", told, p=self.p_value, rows=rows, reason=self.reason)

    def __reduce__(self) -> tuple[Any, ...]:
        return (CheckResult.from_dict, (self.to_dict(),))

    @classmethod
    def not_applicable(cls, code: str, reason: str, **values: Any) -> CheckResult:
        """Say why the check cannot be made."""
        return cls(code=code, status=CheckStatus.NOT_APPLICABLE, values=values, reason=reason)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON."""
        return {
            "code": self.code,
            "status": self.status.value,
            "statistic": self.statistic,
            "p_value": self.p_value,
            "values": _listed(self.values),
            "rows": [_listed(row) for row in self.rows],
            "reason": self.reason,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CheckResult:
        """Read back what `to_dict` wrote."""
        return cls(
            code=data["code"],
            status=CheckStatus(data["status"]),
            statistic=data["statistic"],
            p_value=data["p_value"],
            values=data["values"],
            rows=tuple(data["rows"]),
            reason=data["reason"],
        )


def _listed(values: Mapping[str, Value]) -> dict[str, Scalar | list[Scalar]]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    """What a check may look at: the data, the design and what it found.

    Attributes
    ----------
    sample : Sample
    outcome : str
    design : Design
    estimate : Estimate
        The headline estimate.
    event : Estimate or None
        The event study of the same design, when it has one.
    seed : int
        Of the checks that draw.
    """

    sample: Sample
    outcome: str
    design: Design
    estimate: Estimate
    event: Estimate | None = None
    seed: int = 1


@runtime_checkable
class Check(Protocol):
    """One check: a frozen dataclass whose fields are its options, and the code it answers under."""

    @property
    def code(self) -> str:
        """Name of the check."""
        ...

    def run(self, context: CheckContext) -> CheckResult:
        """Answer for one estimate."""
        ...


checks: Registry[type[Check]] = Registry("check", "impact_eval.checks")
register_check = checks.decorator(lambda check: str(check.code))


def event_study(estimate: Estimate) -> Estimate | None:
    """Return the event study in an estimate: its aggregation, itself, or None."""
    if estimate.aggregator is not None and "event" in estimate.aggregator.kinds:
        return estimate.aggregate("event")
    if any(effect.term == "event" for effect in estimate.effects):
        return estimate
    return None


def run_checks(names: Sequence[str], context: CheckContext) -> tuple[CheckResult, ...]:
    """Run checks by name, each on its own: one that cannot be made never stops the others.

    Parameters
    ----------
    names : sequence of str
        Registry names, usually `design.info.checks`; an unknown one is refused by name.
    context : CheckContext

    Returns
    -------
    tuple of CheckResult
        In the order of `names`.

    Raises
    ------
    ImpactEvalError
        `unknown_name`.
    """
    return tuple(_run_one(checks.get(name)(), context) for name in names)


def _run_one(check: Check, context: CheckContext) -> CheckResult:
    try:
        return check.run(context)
    except ImpactEvalError as error:
        return CheckResult.not_applicable(check.code, "check_refused", codes=error.codes)


def by_code(results: Iterable[CheckResult]) -> dict[str, CheckResult]:
    """Return the results by the code of their check."""
    return {result.code: result for result in results}
