"""How people or territories came to be treated: a declared fact, carried as a check."""

from __future__ import annotations

from impact_eval.diagnostics.check import CheckResult, CheckStatus

CODE = "random_assignment"


def random_assignment(declared: bool, *, recorded: bool = False) -> CheckResult:
    """Return the declared assignment as a check result: only a draw opens evidence level 4.

    Parameters
    ----------
    declared : bool
        The study states that a draw decided who was treated.
    recorded : bool
        The draw has a record (seed, list, minutes) that others can check; without it the result is
        a warning.

    Returns
    -------
    CheckResult
        `failed` when there was no draw.

    Examples
    --------
    >>> random_assignment(True).status.value
    'warning'
    """
    if not declared:
        return CheckResult(code=CODE, status=CheckStatus.FAILED, reason="no_draw")
    if not recorded:
        return CheckResult(code=CODE, status=CheckStatus.WARNING, reason="draw_not_recorded")
    return CheckResult(code=CODE, status=CheckStatus.PASSED)
