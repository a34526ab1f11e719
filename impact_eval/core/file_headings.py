"""The headings of the files that a floor without words writes: plugged in by the door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol


class HeadingSource(Protocol):
    """What knows the headings of a kind of file; plugged in by the door of the package."""

    def __call__(self, kind: str, language: str) -> Mapping[str, str]:
        """Return the headings by key."""
        ...


class FileHeadings:
    """Where the floors below the words find the headings of what they write.

    Attributes
    ----------
    source : HeadingSource
        The catalogues of texts: a language that is registered has its headings there.
    """

    source: ClassVar[HeadingSource]
