"""Blocks shown together in a notebook: for machines as they are, for readers as a preview."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, overload

from impact_eval.report.blocks import MIME_TYPE, AnyBlock, block_to_dict
from impact_eval.report.html import preview_html
from impact_eval.report.texts import user_language


class Page(Sequence[AnyBlock]):
    """Blocks to show together: emitted by a notebook's cell, previewed in JupyterLab.

    Examples
    --------
    >>> from impact_eval.report.blocks import Heading, say
    >>> page = Page([Heading(level=2, words=say("report.section.flow"))])
    >>> list(page._repr_mimebundle_())[0] == MIME_TYPE
    True
    """

    preview_language: ClassVar[str | None] = None

    def __init__(self, blocks: Iterable[AnyBlock], language: str | None = None) -> None:
        self._blocks = tuple(blocks)
        self._language = language

    def __len__(self) -> int:
        return len(self._blocks)

    @overload
    def __getitem__(self, index: int) -> AnyBlock: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[AnyBlock]: ...

    def __getitem__(self, index: int | slice) -> AnyBlock | Sequence[AnyBlock]:
        return self._blocks[index]

    def __repr__(self) -> str:
        return f"<Page: {', '.join(block.kind for block in self._blocks)}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        language = self._language or self.preview_language or user_language()
        return {
            MIME_TYPE: {"blocks": [block_to_dict(block) for block in self._blocks]},
            "text/html": preview_html(self._blocks, language),
            "text/plain": repr(self),
        }
