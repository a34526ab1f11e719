"""The operator's own edition: its mark, first in every section and on every page."""

from __future__ import annotations

from collections.abc import Sequence

from impact_eval.report.blocks import AnyBlock, Heading, Note, Words, say
from impact_eval.results.study_records import DisclosureRecord

INTERNAL = "internal"


def edition_mark(disclosure: DisclosureRecord) -> Words | None:
    """Return the words every page of an edition bears; None for the one to publish."""
    return say("disclosure.internal") if disclosure.edition == INTERNAL else None


def marked(blocks: Sequence[AnyBlock], disclosure: DisclosureRecord) -> list[AnyBlock]:
    """Return a section with the mark of its edition first, under its heading.

    Parameters
    ----------
    blocks : sequence of block
        One section, its heading first when it has one.
    disclosure : DisclosureRecord
    """
    mark = edition_mark(disclosure)
    if mark is None or not blocks:
        return list(blocks)
    at = 1 if isinstance(blocks[0], Heading) else 0
    return [*blocks[:at], Note(words=mark, tone="warning"), *blocks[at:]]
