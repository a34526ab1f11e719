"""What a language must say of itself to be written, and the table of those that are known.

A language is its TOML (one folder of `locale`, or of another package's catalogue) and one class,
registered here. Those of this folder are found by themselves; another package declares the entry
point groups `impact_eval.languages` (the class) and `impact_eval.texts` (the folder of its TOML).
"""

from __future__ import annotations

from typing import ClassVar

from impact_eval.core.registry import Registry

ENTRY_POINTS = "impact_eval.languages"
MINUS = "\u2212"
NO_BREAK = "\u00a0"  # no-break space: before : % €


class LanguageFormats:
    """How one language writes values and sets a text: its attributes, and what it overrides.

    Attributes
    ----------
    code : str
        Name of its folder of texts: `fr`.
    locale : str
        Locale of Babel, for numbers and dates: `en_GB`.
    region : str
        Country of the documents' metadata: `GB`.
    rank : int
        Place among the languages: the first that has an author's words stands in for another.
    decimal_mark, and_word, yes, no, less, more, colon : str
        `less` and `more` stand before a bound, `colon` between a name and its value.
    others : str
        What ends a list that is cut, with `{n}`.
    quotes : tuple of str
    alone : str
        Pattern of what may follow a count that is no noun.
    before : tuple of (str, str)
        What comes before a plural and cannot come before “a number of”, and what replaces it.
    report_stem, check_stem, account_stem : str
        How the files of a study begin: `report-en.html`, `check-en.html`, `account-en.xlsx`.
    """

    code: ClassVar[str]
    locale: ClassVar[str]
    region: ClassVar[str]
    rank: ClassVar[int] = 9
    decimal_mark: ClassVar[str] = "."
    and_word: ClassVar[str]
    others: ClassVar[str]
    yes: ClassVar[str]
    no: ClassVar[str]
    less: ClassVar[str]
    more: ClassVar[str] = ">"
    colon: ClassVar[str] = ": "
    quotes: ClassVar[tuple[str, str]] = ("“", "”")
    alone: ClassVar[str] = r"(?!)"
    before: ClassVar[tuple[tuple[str, str], ...]] = ()
    report_stem: ClassVar[str] = "report"
    check_stem: ClassVar[str] = "check"
    account_stem: ClassVar[str] = "account"

    def report_file(self, kind: str) -> str:
        """Return the name of a report in a format: `report-en.html`."""
        return f"{self.report_stem}-{self.code}.{kind}"

    def check_file(self) -> str:
        """Return the name of the checker's page: `check-en.html`."""
        return f"{self.check_stem}-{self.code}.html"

    def account_file(self) -> str:
        """Return the name of the workbook of an account: `account-en.xlsx`."""
        return f"{self.account_stem}-{self.code}.xlsx"

    def single(self, n: float) -> bool:
        """Whether a count takes the singular."""
        return n == 1

    def percent(self, number: str) -> str:
        """Write a number of per cent."""
        return f"{number}%"

    def euros(self, number: str, *, negative: bool) -> str:
        """Write an amount from its size and its sign."""
        return f"{MINUS if negative else ''}€{number}"

    def times(self, n: int, among: int) -> str:
        """Write a chance as a count: “3 times in 100”; 0 is less than once."""
        raise NotImplementedError

    def day(self, text: str) -> str:
        """Put right a date in full."""
        return text

    def typography(self, text: str) -> str:
        """Put right the spaces, apostrophes and quotation marks of a text of the catalogue."""
        return text

    def joined(self, text: str, count: str, last: str) -> str:
        """Put right the word between a count told in words and what follows it."""
        return text


languages: Registry[LanguageFormats] = Registry("language", ENTRY_POINTS, package=__package__)


def register_language(kind: type[LanguageFormats]) -> type[LanguageFormats]:
    """Add a language to those that are known; a decorator of its class.

    Examples
    --------
    >>> language_codes()[:2]
    ('fr', 'en')
    """
    languages.add(kind.code, kind())
    return kind


def language_codes() -> tuple[str, ...]:
    """Return the codes of the languages, French first."""
    ranked = sorted(languages, key=lambda language: (language.rank, language.code))
    return tuple(language.code for language in ranked)


def formats_of(code: str) -> LanguageFormats:
    """Return how a language writes; an unknown one is refused with the nearest.

    Examples
    --------
    >>> formats_of("fr").percent("12") == "12\u00a0%"
    True
    """
    return languages.get(code)
