"""What a design noticed reaches whoever fits it, through Python's own warnings, once."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterable
from types import FrameType
from typing import ParamSpec, Protocol, TypeVar

from impact_eval.core.findings import Finding, ImpactEvalError, Severity
from impact_eval.core.shown import name_of

P = ParamSpec("P")
PACKAGE = "impact_eval"
_TOLD: set[tuple[str, str, str]] = set()  # (code, method, outcome), for the life of the process


class FindingWarning(UserWarning):
    """A finding that lowers trust, told when a researcher fits a design.

    Each (code, method, outcome) is told once by process, and never inside `evaluate` or `run`,
    whose report tells it. Silence them as any warning:
    `warnings.simplefilter("ignore", ie.FindingWarning)`; `estimate.findings` keeps them all.

    Attributes
    ----------
    finding : Finding
    method, outcome : str
        Empty when it is of no method: what a report could not show.
    """

    def __init__(self, finding: Finding, method: str = "", outcome: str = "") -> None:
        super().__init__(finding, method, outcome)
        self.finding, self.method, self.outcome = finding, method, outcome

    def __str__(self) -> str:
        words = ImpactEvalError(self.finding)  # the door gives it the user's language
        if not self.method:
            return str(words)
        return f"{name_of(self.method)}, {name_of(self.outcome)}: {words}"


class Noticed(Protocol):
    """What a fitted estimate tells of itself."""

    @property
    def findings(self) -> Iterable[Finding]:
        """What was noticed."""
        ...

    @property
    def outcome(self) -> str:
        """Name of the outcome."""
        ...


R = TypeVar("R", bound=Noticed)


def announcing(method: str, fit: Callable[P, R]) -> Callable[P, R]:
    """Return `fit`, telling what its estimate noticed when somebody outside the package calls it.

    Parameters
    ----------
    method : str
        Registry name of the design.
    fit : callable
        Its method `fit`.
    """

    @functools.wraps(fit)
    def fitted(*args: P.args, **kwargs: P.kwargs) -> R:
        estimate = fit(*args, **kwargs)
        if not _inside(depth=2):
            for finding in estimate.findings:
                _tell(finding, method, estimate.outcome)
        return estimate

    return fitted


def _tell(finding: Finding, method: str, outcome: str) -> None:
    told = (finding.code, method, outcome)
    if finding.severity is Severity.INFO or told in _TOLD:
        return
    _TOLD.add(told)
    warnings.warn(FindingWarning(finding, method, outcome), stacklevel=3)


def _inside(depth: int) -> bool:
    """Whether the package itself called: a pipeline, a check that fits again, another design."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name == PACKAGE or name.startswith(f"{PACKAGE}."):
            return True
        frame = frame.f_back
    return False
