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
        What is counted: `seconds`, `megabytes`, `kilobytes`, `cells`, `columns`, `rows`, `sheets`,
        `merges`, `letters`, `levels`, `elements`, `times`.
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

    def refuse_beyond(self, found: int, file: str) -> None:
        """Refuse a file that holds more than the limit.

        Parameters
        ----------
        found : int
            What it holds, in the unit of the limit.
        file : str
            Its name.

        Raises
        ------
        ImpactEvalError
            `beyond_limit`.

        Examples
        --------
        >>> SHEETS.refuse_beyond(12, "suivi.xlsx")
        """
        most = self.value
        if found > most:
            raise ImpactEvalError(
                Finding.error(
                    "beyond_limit",
                    Place(file=file),
                    file=file,
                    limit=f"limit.{self.name}",
                    found=found,
                    most=most,
                    name=self.variable,
                )
            )


MILLION = 1_000_000

CELL_SECONDS = Limit("cell_seconds", 1_800, "seconds")
MEMORY_MB = Limit("memory_mb", 8_000, "megabytes")
RUN_SECONDS = Limit("run_seconds", 14_400, "seconds")

# What a file may hold to be read at all. A table of a study is far below each of them.
FILE_MB = Limit("file_mb", 2_000, "megabytes")
ROWS = Limit("rows", 20_000_000, "rows")
COLUMNS = Limit("columns", 5_000, "columns")
TABLE_CELLS = Limit("table_cells", 500_000_000, "cells")
LINE_LETTERS = Limit("line_letters", 5_000_000, "letters")
CELL_LETTERS = Limit("cell_letters", 1_000_000, "letters")
# A packed file: what it unpacks to, and how many times its own size once that counts.
UNPACKED_MB = Limit("unpacked_mb", 2_000, "megabytes")
PACKED_TIMES = Limit("packed_times", 100, "times")
PACKED_MB = Limit("packed_mb", 20, "megabytes")
# A workbook is loaded as rectangles: those nearly empty are small, whatever they hold.
SHEETS = Limit("sheets", 500, "sheets")
SHEET_CELLS = Limit("sheet_cells", 30_000_000, "cells")
EMPTY_CELLS = Limit("empty_cells", 3_000_000, "cells")
MERGES = Limit("merges", 50_000, "merges")
# What is declared or received as text: a study, a map, a questionnaire, a partner's results.
STUDY_KB = Limit("study_kb", 1_000, "kilobytes")
TOML_KB = Limit("toml_kb", 2_000, "kilobytes")
RESULTS_MB = Limit("results_mb", 10, "megabytes")
NOTEBOOK_MB = Limit("notebook_mb", 50, "megabytes")
QUESTIONNAIRE_MB = Limit("questionnaire_mb", 50, "megabytes")
QUESTIONNAIRE_ELEMENTS = Limit("questionnaire_elements", 500_000, "elements")
LEVELS = Limit("levels", 100, "levels")
# One file of a folder that is searched for what must not leave.
SEARCHED_MB = Limit("searched_mb", 100, "megabytes")

LIMITS = (
    CELL_SECONDS, RUN_SECONDS, MEMORY_MB,
    FILE_MB, ROWS, COLUMNS, TABLE_CELLS, LINE_LETTERS, CELL_LETTERS,
    UNPACKED_MB, PACKED_TIMES, PACKED_MB,
    SHEETS, SHEET_CELLS, EMPTY_CELLS, MERGES,
    STUDY_KB, TOML_KB, RESULTS_MB, NOTEBOOK_MB, QUESTIONNAIRE_MB, QUESTIONNAIRE_ELEMENTS, LEVELS,
    SEARCHED_MB,
)  # fmt: skip
