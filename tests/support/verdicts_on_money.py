"""What a report says of money, and the words by which it would judge an action worth its cost."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence

from impact_eval.report import narrative
from impact_eval.report.blocks import AnyBlock, Figure, Number, Table
from impact_eval.report.html import preview_html
from impact_eval.results.records import StudyResults

VERDICTS: Mapping[str, str] = {
    "fr": r"produi[ts]|la valeur dépasse|reste inférieure|chances que|rembourse|1 € engagé",
    "en": r"produces|value exceeds|stays below|chances that|repay|turns positive|€1 put in",
}
RATIO: Mapping[str, str] = {
    "fr": r"pour 1 € (dépensé|engagé)",
    "en": r"for €1 spent|per €1 spent|€1 put in",
}
EURO = ("eur", "eur2")


def said(blocks: Sequence[AnyBlock], language: str) -> str:
    """Return what blocks say: pages, tables, figures and their descriptions."""
    page = re.sub("<style.*?</style>", " ", preview_html(list(blocks), language), flags=re.S)
    words = html.unescape(re.sub("<[^>]+>", " ", page))
    return re.sub(r"\s+", " ", words).replace("\u202f", " ")


def money(results: StudyResults, language: str) -> str:
    """Return what the first page and the value section say."""
    blocks = [*narrative.summary_blocks(results), *narrative.value_blocks(results)]
    return said(blocks, language)


def amounts_shown(results: StudyResults) -> set[str]:
    """Return what the value section shows in euros: numbers, figures, columns of its tables."""
    shown: set[str] = set()
    for block in narrative.value_blocks(results):
        if isinstance(block, (Number, Figure)):
            shown.add(type(block).__name__)
        elif isinstance(block, Table):
            shown |= {c.key for c in block.columns if c.form.value in EURO}
    return shown
