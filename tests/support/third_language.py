"""A third language as another package gives it: a class and the TOML of ours, each text marked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from impact_eval.report.texts import own_folder

MARK = "ẍ"
CLASS = """
from pathlib import Path

from impact_eval.report.languages.language import LanguageFormats, register_language


@register_language
class Pseudo(LanguageFormats):
    code, locale, region = "xx", "fr", "FR"
    decimal_mark, and_word, others = "·", "ẍet", "{n} ẍautres"
    yes, no, less, colon = "ẍoui", "ẍnon", "ẍmoins de", " = "
    account_stem = "konto"

    def percent(self, number):
        return f"{number} ẍ%"

    def euros(self, number, *, negative):
        return f"{'-' if negative else ''}{number} ẍ€"

    def times(self, n, among):
        return f"{n} ẍfois sur {among}"


folder = Path(__file__).with_name("texts")
"""


def marked(text: str) -> str:
    """Return a French catalogue in the pseudo-language: a mark before the text of each key.

    But for what is no text: a count that chooses, the names of an identifier and of a file.
    """
    told = re.sub(r'^([\w."-]+ = """|[\w."-]+ = ")(?!""")', rf"\1{MARK} ", text, flags=re.MULTILINE)
    return re.sub(
        rf'^(plural|outcome_id|data_file) = "{MARK} ', r'\1 = "', told, flags=re.MULTILINE
    )


def write_package(place: Path) -> Path:
    """Write a package of its own: a module, its TOML, and the metadata of what is installed."""
    (place / "pseudo.py").write_text(CLASS, encoding="utf-8")
    told = place / "pseudo-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: pseudo\nVersion: 1.0\n", "utf-8")
    groups = "[impact_eval.languages]\nxx = pseudo\n[impact_eval.texts]\nxx = pseudo:folder\n"
    (told / "entry_points.txt").write_text(groups, "utf-8")
    words = place / "texts" / "xx"
    words.mkdir(parents=True)
    for file in own_folder().joinpath("fr").iterdir():
        (words / file.name).write_text(marked(file.read_text("utf-8")), encoding="utf-8")
    return place


class _Visible(HTMLParser):
    """The texts of a page, outside of its style sheet, those of a picture included."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.texts += [text for name, text in attrs if name in ("alt", "title") and text]

    def handle_data(self, data: str) -> None:
        if data.strip() and self.inside != "style":
            self.texts.append(data.strip())


def unmarked(page: str, authors: str) -> Iterator[str]:
    """Yield the texts of a page that come from no catalogue of the pseudo-language.

    Parameters
    ----------
    page : str
        HTML.
    authors : str
        Where what authors wrote stands: a results file.
    """
    visible = _Visible()
    visible.feed(page)
    for text in visible.texts:
        if MARK not in text and re.search(r"[^\W\d_]{3}", text) and text not in authors:
            yield text


def sentences(page: str) -> int:
    """Return how many marked sentences a page tells."""
    visible = _Visible()
    visible.feed(page)
    return sum(MARK in text and len(text.split()) > 6 for text in visible.texts)
