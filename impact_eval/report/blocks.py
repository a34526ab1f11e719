"""Typed, language-neutral blocks: what a report is made of before it has a language.

A block holds codes and values, never a sentence, so that one execution exports in every language.
The one exception is what the study's authors wrote themselves (a title, a label), which is carried
as it is, or as `{"fr": …, "en": …}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

MIME_TYPE = "application/vnd.impact-eval.block+json"

Scalar: TypeAlias = bool | int | float | str | None


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Bilingual(_Model):
    """What the study's authors wrote themselves, in one language or both."""

    fr: str | None = None
    en: str | None = None

    @model_validator(mode="after")
    def _said(self) -> Bilingual:
        if not (self.fr or self.en):
            raise ValueError("at least one language is needed")
        return self


class Words(_Model):
    """A code of the catalogue with its values; a value may itself be words."""

    code: str
    values: dict[str, Value] = Field(default_factory=dict)


Value: TypeAlias = "Scalar | Words | Bilingual | list[Scalar | Words | Bilingual]"
Said: TypeAlias = Words | Bilingual | str
Masthead: TypeAlias = Mapping[str, Said | tuple[str, str]]  # what the head of a page shows
SayValue: TypeAlias = "Scalar | Words | Bilingual | Sequence[Scalar | Words | Bilingual]"


def say(code: str, /, **values: SayValue) -> Words:
    """Make words from a code and its values.

    Examples
    --------
    >>> say("sentence.flow_start", n=42).values["n"]
    42
    """
    return Words.model_validate({"code": code, "values": values})


class Withheld(_Model):
    """A number kept back; it never says whether it is small or protects one that is."""

    withheld: Literal["confidential"] = Field()


WITHHELD = Withheld(withheld="confidential")


class Absent(_Model):
    """A number that does not exist, with the code of the reason why."""

    reason: str
    values: dict[str, Value] = Field(default_factory=dict)


Cell: TypeAlias = Scalar | Withheld | Absent | Words | Bilingual


class Form(StrEnum):
    """How a number of a column or of a `Number` block is written."""

    TEXT = "text"
    LABEL = "label"  # a code whose label is in the catalogue
    INTEGER = "int"
    DECIMAL_1 = "dec1"
    DECIMAL_2 = "dec2"
    DECIMAL_3 = "dec3"
    SIGNED_0 = "signed0"
    SIGNED_1 = "signed1"
    SIGNED_2 = "signed2"
    SIGNED_3 = "signed3"
    SIGNIFICANT = "sig3"
    PERCENT = "pct"
    PERCENT_1 = "pct1"
    ODDS = "odds"  # of something: never 0 nor 100 %
    POINTS = "points"  # a difference of shares, in percentage points
    EURO = "eur"
    EURO_CENTS = "eur2"
    P_VALUE = "p"
    DATE = "date"
    PLAIN = "plain"

    @property
    def numeric(self) -> bool:
        """Whether a column of this form is set flush right."""
        return self not in (Form.TEXT, Form.LABEL, Form.DATE)


class Column(_Model):
    """One typed column. `header` marks the column whose cells name their row."""

    key: str
    label: Said
    form: Form = Form.TEXT
    unit: Said | None = None
    header: bool = False


class Table(_Model):
    """A table with typed columns, a caption and notes."""

    kind: Literal["table"] = "table"
    caption: Said
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[Said, ...] = ()
    emphasis: tuple[int, ...] = ()  # rows set in bold: totals

    @model_validator(mode="after")
    def _rectangular(self) -> Table:
        width = len(self.columns)
        if any(len(row) != width for row in self.rows):
            raise ValueError("every row needs one cell per column")
        keys = [column.key for column in self.columns]
        if len(set(keys)) != width:
            raise ValueError("column keys must differ")
        if sum(column.header for column in self.columns) > 1:
            raise ValueError("one column at most names the rows")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns' keys, in order."""
        return tuple(column.key for column in self.columns)

    def column(self, key: str) -> list[Cell]:
        """Return the cells of one column."""
        at = self.keys.index(key)
        return [row[at] for row in self.rows]

    def records(self) -> list[dict[str, Cell]]:
        """Return the rows as dictionaries by column key."""
        return [dict(zip(self.keys, row, strict=True)) for row in self.rows]


class Heading(_Model):
    """A heading: level 1 is the report's title, level 2 opens a section."""

    kind: Literal["heading"] = "heading"
    level: Literal[1, 2, 3]
    words: Said
    anchor: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9-]*$")


class Paragraph(_Model):
    """A sentence or a few; `evidence_level` is that of the result it speaks of."""

    kind: Literal["paragraph"] = "paragraph"
    words: tuple[Said, ...]
    evidence_level: int | None = Field(default=None, ge=0, le=4)


class Messages(_Model):
    """A short list of sentences: key messages, assumptions, what to read next."""

    kind: Literal["messages"] = "messages"
    title: Said | None = None
    items: tuple[Said, ...]
    ordered: bool = False
    evidence_level: int | None = Field(default=None, ge=0, le=4)


class Number(_Model):
    """One number with its unit, its uncertainty and the people behind it."""

    kind: Literal["number"] = "number"
    label: Said
    value: float | Withheld | Absent
    form: Form
    unit: Said | None = None
    low: float | None = None
    high: float | None = None
    conf_level: float | None = None
    n: int | Withheld | None = None
    counted: Literal["people", "territories"] = "people"
    reading: Said | None = None
    headline: bool = False
    evidence_level: int | None = Field(default=None, ge=0, le=4)


class Evidence(_Model):
    """The evidence level of a result, why it is this one, and what would raise it."""

    kind: Literal["evidence"] = "evidence"
    level: int = Field(ge=0, le=4)
    reasons: tuple[Said, ...] = ()
    raise_by: tuple[Said, ...] = ()


class Figure(_Model):
    """A figure kept as its data: it is drawn at export, once per language.

    Attributes
    ----------
    figure : str
        Name of the drawing (`effect_forest`, `event_study`…).
    question : words
        The one question it answers: its title.
    data : Table
        All that is drawn, shown beside it as a table.
    alt : words
        Alternative text, made from the data.
    options : mapping
        What the drawing needs beyond its rows: a unit, a threshold, a reference line.
    """

    kind: Literal["figure"] = "figure"
    figure: str
    question: Said
    data: Table
    alt: tuple[Said, ...] = Field(min_length=1)
    caption: Said | None = None
    options: dict[str, Value] = Field(default_factory=dict)


class Formula(_Model):
    """A formula in LaTeX with the words that read it aloud."""

    kind: Literal["formula"] = "formula"
    latex: str
    alt: Said


class Note(_Model):
    """A remark beside the text."""

    kind: Literal["note"] = "note"
    words: Said
    tone: Literal["info", "warning"] = "info"


class Limitation(_Model):
    """What a reader must not conclude, and what would mend it."""

    kind: Literal["limitation"] = "limitation"
    words: Said
    repair: Said | None = None
    severity: Literal["info", "warning", "error"] = "warning"


class Decision(_Model):
    """What the results allow to decide, or do not."""

    kind: Literal["decision"] = "decision"
    words: Said
    status: Literal["supported", "open", "unsupported", "declared"] = "open"


class Progress(_Model):
    """A step of a run under way; shown live, left out of reports."""

    kind: Literal["progress"] = "progress"
    step: Said
    done: int
    total: int


AnyBlock: TypeAlias = (
    Heading
    | Paragraph
    | Messages
    | Number
    | Evidence
    | Table
    | Figure
    | Formula
    | Note
    | Limitation
    | Decision
    | Progress
)
Block = Annotated[AnyBlock, Field(discriminator="kind")]

for _model in (Words, Absent, Table, Figure):
    _model.model_rebuild()

_ADAPTER: TypeAdapter[AnyBlock] = TypeAdapter(Block)


def block_to_dict(block: AnyBlock) -> dict[str, Any]:
    """Return a block as JSON, without what is at its default."""
    data = block.model_dump(mode="json", exclude_defaults=True)
    return {"kind": block.kind, **data}


def block_from_dict(data: Mapping[str, Any]) -> AnyBlock:
    """Read back what `block_to_dict` wrote."""
    return _ADAPTER.validate_python(dict(data))


def blocks_from_bundles(bundles: Iterable[Mapping[str, Any]]) -> list[AnyBlock]:
    """Gather the blocks of the MIME bundles of an executed notebook, in order.

    Parameters
    ----------
    bundles : iterable of mapping
        The `data` of each cell output; those without a block are passed over.
    """
    found: list[AnyBlock] = []
    for bundle in bundles:
        content = bundle.get(MIME_TYPE)
        if content is None:
            continue
        items = content if isinstance(content, list) else content.get("blocks", [content])
        found += [block_from_dict(item) for item in items]
    return found
