"""What the columns of a file mean: names, types, labels, options, missing words; one small TOML.

```toml
schema = "impact-eval/codebook/1"
missing = ["ne veut pas dire"]            # words added to the usual ones

[columns.code]
from = ["CODE", "Votre code personnel"]   # headers of the files it may come from
type = "code"

[columns."rses_{1..10}"]                  # ten columns at once; {i} in the headers
from = ["RSES[SQ{i:03}]", "Affirmation n° {i}"]
labels = { 1 = "Tout à fait en désaccord", 2 = "Plutôt en désaccord", 3 = "Plutôt en accord",
           4 = ["Tout à fait en accord", "tout à fait d'accord"] }

[columns.aide]                            # a multiple choice: aide_rsa, aide_apl, aide_autre
type = "multiple"
from = ["AIDES", "Quelles aides percevez-vous ?"]
labels = { rsa = "RSA", apl = "Aide au logement (APL, ALS…)" }
other = "autre"
```
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place, nearest
from impact_eval.core.limits import COLUMNS
from impact_eval.core.toml_files import read_toml
from impact_eval.data.cells import ColumnType
from impact_eval.data.labels import LabelMap, MissingKind, bare_spelling, one_spelling
from impact_eval.data.readers.reader import reader_of_form

SCHEMA = "impact-eval/codebook/1"
_KEYS = ("from", "type", "labels", "other", "optional", "title", "missing")
_SERIES = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}")
_CODE_BEFORE = re.compile(r"\s*([A-Za-z]\w*(?:\[\w+\])?)[.:]\s+\S")
_PLACEHOLDER = re.compile(r"\{i(?::0?(\d+))?\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnCode:
    """What one column means.

    Attributes
    ----------
    name : str
        Name in the table read.
    sources : tuple of str
        Headers it may have in the file (any spelling); its own name always counts.
    type : ColumnType or None
        None infers it from the cells.
    labels : LabelMap or None
        Codes of a choice, or options of a multiple choice.
    other : str or None
        Ending of the text column that keeps the free answer of a multiple choice.
    optional : bool
        Whether the file may lack it.
    title : str or None
        Question text.
    missing : mapping
        Words that mean no answer in this column, beside the usual ones.
    """

    name: str
    sources: tuple[str, ...] = ()
    type: ColumnType | None = None
    labels: LabelMap | None = None
    other: str | None = None
    optional: bool = False
    title: str | None = None
    missing: Mapping[str, MissingKind] = field(default_factory=dict)

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header that means this column."""
        return (*self.sources, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Codebook:
    """What the columns of a file mean.

    Attributes
    ----------
    columns : tuple of ColumnCode
    missing : mapping of spelling to MissingKind
        Words added to the usual ones for every column.
    source : str or None
        File it was read from.
    """

    columns: tuple[ColumnCode, ...] = ()
    missing: Mapping[str, MissingKind] = field(default_factory=dict)
    source: str | None = None

    def merged(self, other: Codebook) -> Codebook:
        """Return this codebook completed by another; what this one says wins."""
        mine = {column.name: column for column in self.columns}
        joined = [
            _completed(column, theirs) if (theirs := _twin(column, other)) else column
            for column in self.columns
        ]
        taken = {t.name for c in self.columns if (t := _twin(c, other))}
        extra = [c for c in other.columns if c.name not in mine and c.name not in taken]
        return replace(self, columns=(*joined, *extra), missing={**other.missing, **self.missing})

    def named_as(self, names: Iterable[str]) -> Codebook:
        """Return this codebook with the columns named as somebody else does, by their headers.

        Examples
        --------
        >>> book = Codebook(columns=(ColumnCode(name="Q_1", sources=("Q[1]",)),))
        >>> [column.name for column in book.named_as(["Q[1]", "age"]).columns]
        ['Q[1]']
        """
        wanted = {one_spelling(name): name for name in names}
        columns = []
        for column in self.columns:
            known = [wanted[s] for s in map(one_spelling, column.headers) if s in wanted]
            if known and column.name not in known and column.type is not ColumnType.MULTIPLE:
                sources = (*column.sources, column.name)
                column = replace(column, name=known[0], sources=sources)
            columns.append(column)
        return replace(self, columns=tuple(columns))

    @classmethod
    def read(cls, path: str | Path) -> Codebook:
        """Read a codebook: TOML, LimeSurvey `.lss`, the XLSForm of Kobo and ODK, or another's."""
        path = Path(path)
        if not path.is_file():
            raise ImpactEvalError(
                Finding.error("file_not_found", Place(file=path.name), path=path.name, nearest=None)
            )
        reader = reader_of_form(path)
        if reader is not None and reader.read_form is not None:
            return reader.read_form(path)
        return cls.of(read_toml(path), source=path.name)

    @classmethod
    def of(cls, content: Mapping[str, Any], *, source: str | None = None) -> Codebook:
        """Make one from the content of its TOML; all faults are raised at once.

        A mapping without a `columns` table is taken as columns: `{"sexe": {1: "Femme"}}`.
        """
        faults = FindingCollector()
        if "columns" not in content and "schema" not in content:
            content = {"columns": dict(content)}
        for key in content:
            if key not in {"schema", "missing", "columns"}:
                _unknown_key(faults, key, ("schema", "missing", "columns"), key, source)
        if content.get("schema", SCHEMA) != SCHEMA:
            faults.add(Finding.error("wrong_schema", Place(file=source, key="schema"),
                                     found=str(content["schema"]), expected=SCHEMA))  # fmt: skip
        columns: list[ColumnCode] = []
        tables = content.get("columns", {})
        for name, table in tables.items() if isinstance(tables, Mapping) else ():
            columns.extend(_columns(str(name), table, faults, source))
            COLUMNS.refuse_beyond(len(columns), source or "")
        faults.raise_if_errors()
        words = _words(content.get("missing", ()))
        return cls(columns=tuple(columns), missing=words, source=source)


def _twin(column: ColumnCode, other: Codebook) -> ColumnCode | None:
    wanted = {one_spelling(header) for header in column.headers}
    for candidate in other.columns:
        if wanted & {one_spelling(header) for header in candidate.headers}:
            return candidate
    return None


def _completed(column: ColumnCode, other: ColumnCode) -> ColumnCode:
    return replace(
        column,
        sources=tuple(dict.fromkeys((*column.sources, *other.headers))),
        type=column.type or other.type,
        labels=column.labels or other.labels,
        other=column.other or other.other,
        title=column.title or other.title,
        missing={**other.missing, **column.missing},
    )


def _words(words: Any) -> dict[str, MissingKind]:
    if isinstance(words, Mapping):
        return {one_spelling(str(w)): MissingKind(kind) for w, kind in words.items()}
    listed = (words,) if isinstance(words, str) else words
    return {one_spelling(str(word)): MissingKind.NOT_RECORDED for word in listed}


def _unknown_key(
    faults: FindingCollector, key: str, known: tuple[str, ...], path: str, source: str | None
) -> None:
    faults.add(Finding.error("unknown_key", Place(file=source, key=path), key=path, name=key,
                             nearest=nearest(key, known), known=known))  # fmt: skip


def _columns(
    name: str, table: Any, faults: FindingCollector, source: str | None
) -> Iterator[ColumnCode]:
    """Yield the column of a table, or the columns of a series `x_{1..10}`."""
    path = f"columns.{name}"
    if isinstance(table, str):
        table = {"from": [table]}
    elif isinstance(table, Mapping) and _is_labels(table):
        table = {"labels": table}
    if not isinstance(table, Mapping):
        faults.add(Finding.error("not_a_table_key", Place(file=source, key=path), key=path))
        return
    for key in table:
        if key not in _KEYS:
            _unknown_key(faults, str(key), _KEYS, f"{path}.{key}", source)
    column = _column(name, table, faults, path, source)
    series = _SERIES.search(name)
    if column is None or series is None:
        if column is not None:
            yield column
        return
    COLUMNS.refuse_beyond(int(series[2]) - int(series[1]) + 1, source or "")
    for i in range(int(series[1]), int(series[2]) + 1):
        yield replace(
            column,
            name=_SERIES.sub(str(i), name),
            sources=tuple(_numbered(header, i) for header in column.sources),
            title=None if column.title is None else _numbered(column.title, i),
        )


def _is_labels(table: Mapping[Any, Any]) -> bool:
    """Whether a table is the short way to write labels: codes to texts, no key of a column."""
    plain = all(isinstance(value, (str, list, tuple)) for value in table.values())
    return bool(table) and plain and not set(map(str, table)) & set(_KEYS)


def _numbered(text: str, i: int) -> str:
    return _PLACEHOLDER.sub(lambda found: str(i).zfill(int(found[1] or 0)), text)


def _column(
    name: str, table: Mapping[str, Any], faults: FindingCollector, path: str, source: str | None
) -> ColumnCode | None:
    sources = table.get("from", ())
    kind: ColumnType | None = None
    if "type" in table:
        known = [member.value for member in ColumnType if member is not ColumnType.EMPTY]
        if table["type"] not in known:
            faults.add(
                Finding.error("wrong_choice", Place(file=source, key=f"{path}.type"),
                              key=f"{path}.type", found=str(table["type"]), known=known,
                              nearest=nearest(str(table["type"]), known))
            )  # fmt: skip
            return None
        kind = ColumnType(table["type"])
    labels = None
    if table.get("labels"):
        if not isinstance(table["labels"], Mapping):
            faults.add(Finding.error("not_a_table_key", Place(file=source, key=f"{path}.labels"),
                                     key=f"{path}.labels"))  # fmt: skip
            return None
        labels = LabelMap.of(table["labels"])
        kind = kind or ColumnType.CHOICE
    if kind is ColumnType.MULTIPLE and labels is None:
        faults.add(Finding.error("options_needed", Place(file=source, key=path), key=path))
        return None
    return ColumnCode(
        name=name,
        sources=(sources,) if isinstance(sources, str) else tuple(str(s) for s in sources),
        type=kind,
        labels=labels,
        other=table.get("other"),
        optional=bool(table.get("optional", False)),
        title=table.get("title"),
        missing=_words(table.get("missing", ())),
    )


def find_header(column: ColumnCode, headers: tuple[str, ...]) -> str | None:
    """Return the header of the file that means this column, or None.

    Exact spelling first, then without accents and punctuation, then by the code that LimeSurvey
    writes before the text (`RSES[SQ001]. Question [row]`), by the part in brackets or after the
    last slash (`Question [row]`, `group/name`), and only when that is unambiguous.
    """
    for spell in (one_spelling, bare_spelling):
        table: dict[str, list[str]] = {}
        for header in headers:
            table.setdefault(spell(header), []).append(header)
        for wanted in column.headers:
            found = table.get(spell(wanted), [])
            if len(found) == 1:
                return found[0]
    for wanted in column.headers:
        begins = [h for h in headers if _code_before(h) == one_spelling(wanted)]
        if len(begins) == 1:
            return begins[0]
    for wanted in column.headers:
        ends = [h for h in headers if bare_spelling(wanted) in map(bare_spelling, last_parts(h))]
        if len(ends) == 1:
            return ends[0]
    return None


def _code_before(header: str) -> str | None:
    """Return the code that stands before the text of a heading, None where there is none."""
    found = _CODE_BEFORE.match(header)
    return one_spelling(found[1]) if found else None


def last_parts(header: str) -> tuple[str, ...]:
    """Return the short names inside a long header: the row of a grid, the question of a group."""
    parts = re.findall(r"\[([^\[\]]+)\]\s*$", header)
    for joint in (" / ", "/", "-", "."):
        if joint in header and not header.startswith("http"):
            parts.append(header.rsplit(joint, 1)[1].strip())
    return tuple(part for part in parts if part)
