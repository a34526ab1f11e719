"""English, as it is written in Britain."""

from __future__ import annotations

from impact_eval.report.languages.language import LanguageFormats, register_language
from impact_eval.report.typography import typography_en


@register_language
class English(LanguageFormats):
    """English: decimal point, “0 people”."""

    code = "en"
    locale = "en_GB"
    region = "GB"
    rank = 1
    and_word = "and"
    others = "{n} others"
    yes, no = "yes", "no"
    less = "less than"
    more = "more than"
    alone = (
        r"of|are|were|is|was|have|has|answered|gave|left|out|that|show|shows|lack|for|in|"
        r"at|on|and|or|vary|missing"
    )
    before = (("the", ""), ("all", ""), ("these", ""), ("their", ""))

    def times(self, n: int, among: int) -> str:
        """Write a chance as a count."""
        if n == 0:
            return f"less than once in {among:,}"
        return f"once in {among:,}" if n == 1 else f"{n} times in {among:,}"

    def typography(self, text: str) -> str:
        """Put English apostrophes and ellipses right."""
        return typography_en(text)
