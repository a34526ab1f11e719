"""French, as it is written in France."""

from __future__ import annotations

import re

from impact_eval.report.languages.language import (
    MINUS,
    NO_BREAK,
    LanguageFormats,
    register_language,
)
from impact_eval.report.typography import APOSTROPHE, typography_fr

_VOWEL = r"(?=[aàâeéèêiîoôuûyœæ]|h(?:abit|eure|omme|éberg|oraire))"


@register_language
class French(LanguageFormats):
    """French: decimal comma, no-break spaces, “0 personne”."""

    code = "fr"
    locale = "fr"
    region = "FR"
    rank = 0
    decimal_mark = ","
    and_word = "et"
    others = "{n} autres"
    yes, no = "oui", "non"
    less = "moins de"
    more = "plus de"
    colon = " : "
    quotes = ("«\u202f", "\u202f»")
    alone = (
        r"sur|sont|est|ont|a|n’\w+|ne|manquent|montre|montrent|vont|seulement|et|ou|dont|à|"
        r"en|dans|au|aux|du|des|pour"
    )
    before = (("de", "d’"), ("des", "d’"), ("que", "qu’"), ("aux", "à "), ("les", ""),
              ("ces", ""), ("leurs", ""), ("ses", ""))  # fmt: skip
    report_stem, check_stem, account_stem = "rapport", "controle", "compte"

    def single(self, n: float) -> bool:
        """Whether a count takes the singular: zero does."""
        return abs(n) < 2

    def percent(self, number: str) -> str:
        """Write a number of per cent."""
        return f"{number}{NO_BREAK}%"

    def euros(self, number: str, *, negative: bool) -> str:
        """Write an amount from its size and its sign."""
        return f"{MINUS if negative else ''}{number}{NO_BREAK}€"

    def times(self, n: int, among: int) -> str:
        """Write a chance as a count."""
        whole = f"{among:,}".replace(",", "\u202f")
        if n == 0:
            return f"moins d’une fois sur {whole}"
        return f"{'une' if n == 1 else n} fois sur {whole}"

    def day(self, text: str) -> str:
        """Write the first of the month as an ordinal."""
        return text.replace("1 ", "1er ", 1) if text.startswith("1 ") else text

    def typography(self, text: str) -> str:
        """Put French spaces, apostrophes and quotation marks right."""
        return typography_fr(text)

    def joined(self, text: str, count: str, last: str) -> str:
        """Elide “de” before a vowel."""
        at = re.escape(count)
        return re.sub(rf"({at}) {last}\s+{_VOWEL}", rf"\1 d{APOSTROPHE}", text, flags=re.I)
