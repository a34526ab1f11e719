"""What a received file or a run may cost: each limit is stated here once, and adjustable.

A limit is raised or lowered by a variable of the user's own environment: never by a study file,
which may come from somebody else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from impact_eval.core.findings import Finding, ImpactEvalError, Place

_PREFIX = "IMPACT_EVAL_MOST_"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: its name, what it is without a word of the user, what it counts.

    Attributes
    ----------
    name : str
        Lower case; the variable `IMPACT_EVAL_MOST_<NAME>` sets it.
    default : int
    unit : str
        What is counted: `seconds`, `megabytes`, `cells`, `columns`, `times`.
    """

    name: str
    default: int
    unit: str

    @property
    def variable(self) -> str:
        """The variable of the environment that sets it."""
        return _PREFIX + self.name.upper()

    @property
    def value(self) -> int:
        """The limit in force.

        Raises
        ------
        ImpactEvalError
            `wrong_limit` when the variable holds no whole number above zero.
        """
        given = os.environ.get(self.variable)
        if given is None or not given.strip():
            return self.default
        try:
            value = int(given)
        except ValueError:
            value = 0
        if value < 1:
            raise ImpactEvalError(
                Finding.error("wrong_limit", Place(key=self.variable), name=self.variable,
                              found=given, usual=self.default)
            )  # fmt: skip
        return value


CELL_SECONDS = Limit("cell_seconds", 1_800, "seconds")
MEMORY_MB = Limit("memory_mb", 8_000, "megabytes")
RUN_SECONDS = Limit("run_seconds", 14_400, "seconds")
LIMITS = (CELL_SECONDS, MEMORY_MB, RUN_SECONDS)
