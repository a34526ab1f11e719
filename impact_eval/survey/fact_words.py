"""The words of a published fact in both languages, beside its numbers in the file of a scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticKnownError

FACT_LANGUAGES = ("fr", "en")
_NOT_BLANK = r"\S"
_Told: TypeAlias = Annotated[str, Field(pattern=_NOT_BLANK)]


@dataclass(frozen=True, slots=True, kw_only=True,
           config=ConfigDict(extra="forbid", str_strip_whitespace=True))  # fmt: skip
class FactText:
    """What a fact says, in French and in English; a citation is the same in both.

    Examples
    --------
    >>> FactText.same("Topp et al. 2015").fr
    'Topp et al. 2015'
    """

    fr: _Told
    en: _Told

    @classmethod
    def same(cls, text: str) -> FactText:
        """Return a text that stays as it is written in both languages.

        Parameters
        ----------
        text : str
        """
        return cls(fr=text, en=text)

    def by_language(self) -> dict[str, str]:
        """Return the text of each language, by its code."""
        return {"fr": self.fr, "en": self.en}


def _in_both(value: object) -> object:
    """Read a plain text, or a table with one language, as what is said in both."""
    if isinstance(value, str):
        if not value.strip():
            raise PydanticKnownError("string_pattern_mismatch", {"pattern": _NOT_BLANK})
        return dict.fromkeys(FACT_LANGUAGES, value)
    if isinstance(value, Mapping):
        known = [value[language] for language in FACT_LANGUAGES if language in value]
        return {**dict.fromkeys(FACT_LANGUAGES, known[0]), **value} if known else value
    if isinstance(value, FactText):
        return value
    raise PydanticKnownError("string_type")


Fact: TypeAlias = Annotated[FactText, BeforeValidator(_in_both)]
