"""How people or territories came to be treated: a declared fact, carried as a check."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from impact_eval.diagnostics.check import CheckResult, CheckStatus

CODE = "random_assignment"


class DrawRecord(StrEnum):
    """What was found of the record of a draw."""

    NONE = "none"
    UNREAD = "unread"
    DIFFERS = "differs"
    AGREES = "agrees"


_REASONS: Mapping[DrawRecord, str] = MappingProxyType(
    {DrawRecord.NONE: "draw_not_recorded", DrawRecord.UNREAD: "draw_record_unread"}
)


def random_assignment(declared: bool, *, record: DrawRecord = DrawRecord.NONE) -> CheckResult:
    """Return the declared assignment as a check result: only a draw opens evidence level 4.

    Parameters
    ----------
    declared : bool
        The study states that a draw decided who was treated.
    record : DrawRecord
        What was read of its record (seed, list, minutes): a record that agrees with who was treated
        passes; without one, or with a file that is none, the result is a warning; a record at odds
        with the data fails.

    Returns
    -------
    CheckResult
        `failed` when there was no draw, or when its record says otherwise.

    Examples
    --------
    >>> random_assignment(True).status.value
    'warning'
    >>> random_assignment(True, record=DrawRecord.DIFFERS).status.value
    'failed'
    """
    if not declared:
        return CheckResult(code=CODE, status=CheckStatus.FAILED, reason="no_draw")
    if record is DrawRecord.DIFFERS:
        return CheckResult(code=CODE, status=CheckStatus.FAILED, reason="draw_record_differs")
    if record in _REASONS:
        return CheckResult(code=CODE, status=CheckStatus.WARNING, reason=_REASONS[record])
    return CheckResult(code=CODE, status=CheckStatus.PASSED)
