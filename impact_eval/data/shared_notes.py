"""What is noted of a table, on the table: shared by all that is made from it."""

from __future__ import annotations

from typing import Any, Self


class SharedNotes(dict[str, Any]):
    """Notes in the `attrs` of a table, which are never changed in place.

    pandas copies the attributes in depth each time that a column is taken: with one entry per
    column and per run of rows that cost more than the work itself.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"x": [1, 2]})
    >>> table.attrs["reading"] = SharedNotes(file="a.csv")
    >>> table["x"].attrs["reading"] is table.attrs["reading"]
    True
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself."""
        return self
