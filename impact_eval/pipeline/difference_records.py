"""`Difference`: one thing in which an edition is not what it should be, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from impact_eval.core.findings import Finding, Scalar

MOST_TOLD = 20  # of one file: the others are counted
MOST_COUNTED = 10_000  # beyond, it is only said that there are more
MOST_SHOWN = 60  # characters of a value


class Aspect(StrEnum):
    """What a difference denies: that an edition is complete, stable, or consistent."""

    COMPLETE = "complete"
    STABLE = "stable"
    CONSISTENT = "consistent"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: what it denies, and the finding that says which and where.

    Attributes
    ----------
    aspect : Aspect
    finding : Finding
        Its place names the file, and the key path, the row and the column where they are known.

    Examples
    --------
    >>> from impact_eval.core.findings import Place
    >>> place = Place(file="tables/table-01.csv", row=3, column="n_treated")
    >>> str(Difference(Aspect.CONSISTENT, Finding.error("verify_cell", place)))
    'tables/table-01.csv: column=n_treated, row=3 [verify_cell]'
    """

    aspect: Aspect
    finding: Finding

    @property
    def file(self) -> str | None:
        """The file that differs, by its path from the output folder."""
        return None if self.finding.place is None else self.finding.place.file

    def __str__(self) -> str:
        place = {} if self.finding.place is None else self.finding.place.to_dict()
        file = place.pop("file", "")
        where = ", ".join(f"{name}={part}" for name, part in place.items())
        told = ": ".join(str(part) for part in (file, where) if part)
        return f"{told} [{self.finding.code}]".lstrip()

    def to_dict(self) -> dict[str, Any]:
        """Return the difference as JSON."""
        return {"aspect": self.aspect.value, **self.finding.to_dict()}


def shown_value(value: object) -> Scalar:
    """Return a value short enough for a sentence: a scalar as it is, what holds others as a mark.

    Examples
    --------
    >>> shown_value(0.5), shown_value("x" * 100)[-1], shown_value([1, 2])
    (0.5, '…', '[2]')
    """
    if isinstance(value, (list, dict)):
        return f"[{len(value)}]" if isinstance(value, list) else f"{{{len(value)}}}"
    if isinstance(value, str):
        return value if len(value) <= MOST_SHOWN else value[: MOST_SHOWN - 1] + "…"
    return value if isinstance(value, (bool, int, float)) else "null"


def safe_name(name: str) -> str:
    """Return a file's name without what no terminal or JSON can write."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
