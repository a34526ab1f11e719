"""What the rows of a table are."""

from __future__ import annotations

from enum import StrEnum


class DataShape(StrEnum):
    """What the rows are: people once, the same units over time, or other people each time."""

    CROSS_SECTION = "cross_section"
    PANEL = "panel"
    REPEATED_CROSS_SECTION = "repeated_cross_section"
