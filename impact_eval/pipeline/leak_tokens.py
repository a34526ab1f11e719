"""What names people in the tables of a study, as tokens to be searched in what leaves.

A token is a text of the study's own tables that nobody needs in order to read the report: the
label of a person, a cell or a heading of a column that the study does not use, a title row, a
comment of a cell, a hidden sheet. Words that the study file, the templates or the catalogues hold
are no tokens: they are in every report. Nor are short numbers and single letters.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import pandas as pd

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.provenance import versions
from impact_eval.core.vocabulary import RowsAre
from impact_eval.data.identity import distinct_cells, identifying_columns, labels_of_people
from impact_eval.data.reading import read_table
from impact_eval.pipeline.columns_used import used_columns
from impact_eval.pipeline.declared_codes import declared_codebook
from impact_eval.pipeline.leak_files import texts_of
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import DataPart
from impact_eval.pipeline.templates import read_notebook, resource_folder
from impact_eval.results.records import StudyResults

MOST_CELLS = 200_000  # of one table; its first rows name people as its last ones do
MOST_DISTINCT = 400  # taken at a time
FEWEST_DIGITS = 6  # a shorter number is a year, an amount, a code of a commune
FEWEST_LETTERS = 4
GLUED = 10  # letters from which a token is found even where words are cut or joined
_START = 8
_WORD = re.compile(r"[^\W_]+")
_LETTER = re.compile(r"[^\W\d_]")
Words = tuple[str, ...]


class TokenKind(StrEnum):
    """What a token is."""

    PERSON = "person"  # a name, a number, an address: a column that names people
    UNIT = "unit"  # the label of a person
    HEADING = "heading"  # of a column that the study does not use
    SHEET = "sheet"  # that the study does not declare
    CELL = "cell"  # anything else of the tables that the study does not use
    EXTREME = "extreme"  # the least or greatest answer: one person's


@dataclass(frozen=True, slots=True)
class Token:
    """One token: what it is, its words, and how to show it on a terminal without telling it."""

    kind: TokenKind
    words: Words

    @property
    def masked(self) -> str:
        """The first letter of each word.

        Examples
        --------
        >>> Token(TokenKind.PERSON, ("amelie", "dupont")).masked
        'a… d…'
        """
        return " ".join(f"{word[0]}…" for word in self.words[:4])


def words_of(text: str) -> Words:
    """Return the words of a text, without accents or case.

    Examples
    --------
    >>> words_of("Amélie DUPONT-Lajoie, 06.12")
    ('amelie', 'dupont', 'lajoie', '06', '12')
    """
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return tuple(_WORD.findall(letters.casefold()))


class TokenIndex:
    """Tokens, ready to be searched in long texts.

    Parameters
    ----------
    tokens : iterable of Token

    Examples
    --------
    >>> index = TokenIndex([Token(TokenKind.PERSON, ("amelie", "dupont"))])
    >>> [token.masked for token in index.found_in("Vu : Amélie Dupont, le 3 mai")]
    ['a… d…']
    """

    def __init__(self, tokens: Iterable[Token]) -> None:
        self.tokens = tuple({token.words: token for token in tokens}.values())
        self._first: dict[str, list[Token]] = {}
        self._glued: dict[str, list[tuple[str, Token]]] = {}
        for token in self.tokens:
            self._first.setdefault(token.words[0], []).append(token)
            whole = "".join(token.words)
            if len(whole) >= (FEWEST_DIGITS + 2 if whole.isdigit() else GLUED):
                self._glued.setdefault(whole[:_START], []).append((whole, token))

    def found_in(self, text: str) -> frozenset[Token]:
        """Return the tokens that a text holds, as words or with its words cut or joined."""
        words = words_of(text)
        found: set[Token] = set()
        for i, word in enumerate(words):
            for token in self._first.get(word, ()):
                if words[i : i + len(token.words)] == token.words:
                    found.add(token)
        glued = "".join(words)
        for i in range(len(glued) - _START + 1 if self._glued else 0):
            for whole, token in self._glued.get(glued[i : i + _START], ()):
                if token not in found and glued.startswith(whole, i) and _stands(whole, text):
                    found.add(token)
        return frozenset(found)


def _stands(whole: str, text: str) -> bool:
    """Whether a number stands alone in a text: not inside a longer one."""
    if not whole.isdigit():
        return True
    spaced = r"[\s.,\-/_]?".join(whole)
    return re.search(rf"(?<![\d.,]){spaced}(?!\d)", text) is not None


def study_tokens(study: Study) -> tuple[Token, ...]:
    """Return the tokens of a study's tables.

    Parameters
    ----------
    study : Study
        Its data files beside it; one that is not there, or cannot be read, gives none.

    Returns
    -------
    tuple of Token
        Without what the study file, the templates and the catalogues hold.
    """
    found: dict[Words, TokenKind] = {}
    allowed: set[Words] = set()
    for part in _parts(study):
        for file, sheet in part.tables:
            if not study.path(file).is_file():
                continue
            told, used = _of_table(study, part, file, sheet)
            allowed |= used
            for kind, text in (*told, *_of_file(study.path(file), study)):
                words = words_of(text)
                if _is_token(words, kind):
                    found.setdefault(words, kind)
    named = {TokenKind.PERSON, TokenKind.UNIT, TokenKind.EXTREME}
    tokens = [Token(k, w) for w, k in found.items() if k in named or w not in allowed]
    return tuple(_not_known(tokens, study))


def _parts(study: Study) -> tuple[DataPart, ...]:
    return (study.declaration.data, *(i.data for i in study.declaration.instruments))


def _is_token(words: Words, kind: TokenKind) -> bool:
    whole = "".join(words)
    if not whole:
        return False
    if whole.isdigit():
        return len(whole) >= FEWEST_DIGITS
    mixed = any(sign.isdigit() for sign in whole) and kind in (TokenKind.UNIT, TokenKind.PERSON)
    return len(whole) >= (FEWEST_LETTERS - mixed)


# -- what the tables hold -------------------------------------------------------------------


def _of_table(
    study: Study, part: DataPart, file: str, sheet: str | int | None
) -> tuple[list[tuple[TokenKind, str]], set[Words]]:
    """Return the candidates of one table, and the texts of it that the report may print."""
    try:
        names = used_columns(study.declaration, study.folder, part)
        codes = declared_codebook(study, part, file, names)
        frame = read_table(
            study.path(file), sheet=sheet, codes=codes, text_columns=part.text_columns
        )
    except ImpactEvalError:
        return [], set()
    people = study.rows_are(part) is RowsAre.PEOPLE
    unit = part.roles.unit
    identifying = identifying_columns(frame, unit=unit, rows_are=study.rows_are(part))
    naming = {found.column for found in identifying}
    naming |= {name for name in _groups(part) if _named_after_people(name, frame, people=people)}
    used = study.used_columns | used_columns(study.declaration, study.folder, part)
    found: list[tuple[TokenKind, str]] = []
    allowed: set[Words] = set()
    for name in map(str, frame.columns):
        column = frame.loc[:, name]
        cells = _cells(column)
        if name in naming or (people and name == unit):
            kind = TokenKind.PERSON if name in naming else TokenKind.UNIT
            found += [(kind, cell) for cell in cells]
        elif name in used:
            allowed |= {words_of(cell) for cell in cells}
            if people:
                found += [(TokenKind.EXTREME, text) for text in _extremes(column)]
        else:
            found += [(TokenKind.CELL, cell) for cell in cells]
        if name in used:
            allowed.add(words_of(name))
        else:
            found.append((TokenKind.HEADING, name))
    return found, allowed


def _groups(part: DataPart) -> tuple[str, ...]:
    """Return the columns of the groups of a table: what its rows are in, and not what they are."""
    cluster, strata = part.roles.cluster, part.roles.strata
    clusters = (cluster,) if isinstance(cluster, str) else tuple(cluster or ())
    return (*clusters, *((strata,) if strata else ()))


def _named_after_people(name: str, frame: pd.DataFrame, *, people: bool) -> bool:
    here = people and name in frame.columns
    return here and labels_of_people(name, distinct_cells(frame.loc[:, name]))


def _cells(column: pd.Series[Any]) -> list[str]:
    values = column.head(MOST_CELLS).dropna().drop_duplicates()
    steps = range(0, len(values), MOST_DISTINCT)
    return [text for i in steps for text in distinct_cells(values[i : i + MOST_DISTINCT])]


def _extremes(column: pd.Series[Any]) -> Iterator[str]:
    """Yield the least and the greatest answer, when their digits are nobody else's."""
    numbers = pd.to_numeric(column, errors="coerce").dropna()
    for value in {numbers.min(), numbers.max()} if len(numbers) else ():
        digits = f"{abs(value):.10g}".rstrip("0").replace(".", "")
        if int((numbers == value).sum()) == 1 and len(digits.lstrip("0")) >= FEWEST_DIGITS:
            yield f"{abs(value):.10g}"
            whole = str(int(abs(value)))
            if len(whole) >= FEWEST_DIGITS:
                yield whole


def _of_file(path: Path, study: Study) -> Iterator[tuple[TokenKind, str]]:
    """Yield what else a file holds: titles, footnotes, comments, hidden sheets, properties."""
    suffix = path.suffix.lower()
    if suffix in (".xlsx", ".xlsm"):
        yield from _of_workbook(path, study)
    elif suffix in (".csv", ".tsv", ".txt"):
        (_, text), *_ = texts_of(path.read_bytes(), path.name) or (("", ""),)
        separator = max(";,\t|", key=text[:10_000].count)
        for row in csv.reader(text.splitlines()[:MOST_CELLS], delimiter=separator):
            yield from ((TokenKind.CELL, cell) for cell in row if _LETTER.search(cell))


def _of_workbook(path: Path, study: Study) -> Iterator[tuple[TokenKind, str]]:
    from openpyxl import load_workbook

    book = load_workbook(path, data_only=True)
    declared = {str(p.sheet) for p in _parts(study) if p.file == path.name and p.sheet is not None}
    yield from ((TokenKind.SHEET, sheet) for sheet in book.sheetnames if sheet not in declared)
    about = book.properties
    for text in (about.creator, about.lastModifiedBy, about.title, about.subject, about.description,
                 about.keywords, about.category):  # fmt: skip
        if text:
            yield TokenKind.PERSON if text == about.creator else TokenKind.CELL, str(text)
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str):
                    yield TokenKind.CELL, cell.value
                if cell.comment is not None:
                    yield TokenKind.CELL, str(cell.comment.text)
                    yield TokenKind.CELL, str(cell.comment.author)


# -- what every report holds ----------------------------------------------------------------


def _not_known(tokens: list[Token], study: Study) -> Iterator[Token]:
    """Yield the tokens that no text of ours, and no text of the study's author, holds."""
    index = TokenIndex(tokens)
    known: set[Token] = set()
    for text in (*_texts_of_authors(study), *_texts_of_ours()):
        known |= index.found_in(text)
    yield from (token for token in index.tokens if token not in known)


def _texts_of_authors(study: Study) -> Iterator[str]:
    declared = study.declaration
    names = ["study.toml", *(i.definition for i in declared.instruments if i.definition)]
    names += [declared.value.map] if declared.value else []
    names += [part.codes for part in _parts(study) if part.codes]
    for name in names:
        path = study.path(name)
        if path.is_file():
            yield "\n".join(text for _, text in texts_of(path.read_bytes(), name))


@lru_cache(maxsize=1)
def _texts_of_ours() -> tuple[str, ...]:
    """Return the catalogues, the templates, the names of fields: the words of every report."""
    kept = (".toml", ".j2", ".css", ".typ")
    package = resources.files("impact_eval")
    files = [file for file in _files(package) if file.name.endswith(kept)]
    texts = [file.read_text(encoding="utf-8") for file in files]
    for template in sorted(resource_folder("_templates", "notebooks").iterdir()):
        if template.name.endswith(".ipynb"):
            texts += [str(cell.source) for cell in read_notebook(template).cells]
    texts.append(json.dumps(StudyResults.model_json_schema(), ensure_ascii=False))
    texts.append("\n".join(_flat(versions())))
    texts += _texts_of_blank_documents()
    return tuple(texts)


def _flat(table: Mapping[str, str]) -> Iterator[str]:
    for name, value in table.items():
        yield f"{name} {value}"


def _files(folder: Traversable) -> Iterator[Traversable]:
    for item in folder.iterdir():
        if item.is_dir():
            if item.name not in ("__pycache__", "_datasets"):
                yield from _files(item)
        else:
            yield item


def _texts_of_blank_documents() -> Iterator[str]:
    """Yield the words of a Word file and of a workbook in which nothing was written."""
    import docx
    import openpyxl

    document, book = io.BytesIO(), io.BytesIO()
    docx.Document().save(document)
    openpyxl.Workbook().save(book)
    for content, name in ((document, "a.docx"), (book, "a.xlsx")):
        yield "\n".join(text for _, text in texts_of(content.getvalue(), name))
