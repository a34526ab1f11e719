"""What a page must print of its blocks: every number, as many times, written as its form says.

The rounding is written here a second time, from the exact decimal value of a number and not from
`report/formats.py`. A page, a document or a drawing prints these numbers and no other.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from impact_eval.report.texts import Texts

Json = Any
SPACES = "\u202f\u00a0\u2009"
TOKEN = {
    "fr": re.compile(rf"[+−]?(?:\d{{1,3}}(?:[{SPACES}]\d{{3}})+|\d+)(?:,\d+)?"),
    "en": re.compile(r"[+−]?€?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"),
}
PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)(?::([a-z0-9_]+))?\}")
LONGEST = 12  # a longer list is cut after ten
LEVELS = range(5)


def tokens(text: str, language: str) -> Iterator[str]:
    """Yield the numbers of a text, as Python would write them, with the sign that is printed."""
    for found in TOKEN[language].findall(text):
        plain = re.sub(f"[{SPACES}€]", "", found).replace("−", "-")
        yield plain.replace(",", "." if language == "fr" else "")


# -- how a number is written -------------------------------------------------------------------


def _fixed(value: float, digits: int) -> str:
    told = Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    return f"{abs(told) if told == 0 else told:f}"


def _signed(value: float, digits: int) -> str:
    told = _fixed(value, digits)
    return f"+{told}" if Decimal(told) > 0 else told


def _significant(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return _fixed(value, min(max(places, 0), 6))


def _chance(value: float) -> list[str]:
    """Return the chances out of 100 or 1,000; one chance is written in letters."""
    if value < 0.001:
        return ["1000"]
    out_of = 1000 if value < 0.01 else 100
    n = _fixed(out_of * value, 0)
    return [str(out_of)] if n == "1" else [n, str(out_of)]


def written(value: float, form: str | None) -> list[str]:
    """Return a number as it must be printed in a form."""
    if isinstance(value, bool):
        return []
    match = re.fullmatch(r"(dec|signed|sig|pct|eur)(\d?)", form or "")
    if match:
        digits = int(match[2] or 0)
        kinds = {"dec": _fixed, "signed": _signed, "sig": _significant, "eur": _fixed}
        told = kinds.get(match[1], lambda v, d: _fixed(100 * v, d))(value, digits)
        return [told]
    if form == "int":
        return [_fixed(value, 0)]
    if form == "points":
        return [_signed(100 * value, 1)]
    if form == "per100":
        return [_fixed(100 * value, 0 if abs(100 * value) >= 9.5 else 1)]
    if form == "p":
        return ["0.001"] if value < 0.001 else [_fixed(value, 3 if value < 0.1 else 2)]
    if form == "odds":
        return ["99" if value >= 0.995 else "1" if value < 0.005 else _fixed(100 * value, 0)]
    if form == "chance":
        return _chance(value)
    whole = float(value).is_integer() and abs(value) < 1e15
    return [str(int(value)) if whole else f"{value:.6g}"]


# -- what words, cells and blocks print --------------------------------------------------------


class Expected:
    """The numbers that blocks print in one language."""

    def __init__(self, language: str) -> None:
        self.language, self.texts = language, Texts(language)

    def of_text(self, text: str) -> list[str]:
        return list(tokens(text, self.language))

    def said(self, code: str, **values: Json) -> list[str]:
        """Return the numbers of a text of the catalogue: its own, and those of its values."""
        if code not in self.texts:
            return [t for value in values.values() for t in self.shown(value, None)]
        source = self.texts.source(code).choose(values, self.language)
        out = self.of_text(PLACEHOLDER.sub(" ", source))
        for name, form in PLACEHOLDER.findall(source):
            out += self.shown(values[name], form or None)
        return out

    def shown(self, value: Json, form: str | None) -> list[str]:
        """Return the numbers of a value: scalar, list or words."""
        if value is None or isinstance(value, bool):
            return []
        if isinstance(value, (int, float)):
            return written(value, form)
        if isinstance(value, str):
            return self._text(value, form)
        if isinstance(value, (list, tuple)):
            kept = value if len(value) <= LONGEST else value[: LONGEST - 2]
            rest = [] if kept is value else [str(len(value) - len(kept))]
            return [t for v in kept for t in self.shown(v, None if form == "list" else form)] + rest
        if "code" in value:
            return self.said(str(value["code"]), **(value.get("values") or {}))
        other = "en" if self.language == "fr" else "fr"
        return self.of_text(value.get(self.language) or value.get(other) or "")

    def _text(self, text: str, form: str | None) -> list[str]:
        if form == "label":
            return self.of_text(self.texts.label(text))
        day = re.fullmatch(r"(\d{4})-(\d\d)(?:-(\d\d))?.*", text) if form == "date" else None
        if day:
            return [*([str(int(day[3]))] if day[3] else []), day[1]]
        return self.of_text(text)

    def cell(self, cell: Json, form: str) -> list[str]:
        """Return the numbers of a cell of a table."""
        if isinstance(cell, Mapping) and ("withheld" in cell or "reason" in cell):
            return []
        plain = form in ("text", "plain", "date") or (form == "label" and not isinstance(cell, str))
        return self.shown(cell, None if plain and form != "date" else form)

    def table(self, table: Json, rank: int | None) -> list[str]:
        out = self.shown(table["caption"], None) + ([] if rank is None else [str(rank)])
        for column in table["columns"]:
            out += self.shown(column["label"], None) + self.shown(column.get("unit"), None)
        for row in table["rows"]:
            for column, cell in zip(table["columns"], row, strict=True):
                out += self.cell(cell, column.get("form", "text"))
        notes = [self.shown(note, None) for note in table.get("notes", ())]
        return [*out, *(t for note in notes for t in note), *self._cell_notes(table)]

    def _cell_notes(self, table: Json) -> list[str]:
        cells = [c for row in table["rows"] for c in row if isinstance(c, Mapping)]
        why = {str(c): c for c in cells if "reason" in c}
        told = []
        for cell in why.values():
            known = [f"reason.{cell['reason']}", f"finding.{cell['reason']}"]
            code = known[0] if known[0] in self.texts else known[1]
            told += self.said(code, **cell.get("values", {}))
        return told

    def number(self, block: Json) -> list[str]:
        form, out = block["form"], []
        for key in ("label", "unit", "reading"):
            out += self.shown(block.get(key), None)
        out += self.cell(block["value"], form)
        if block.get("low") is not None and block.get("high") is not None:
            level = block.get("conf_level") or 0.95
            out += self.cell(block["low"], form) + self.cell(block["high"], form)
            out += self.said("report.number.interval", low="", high="", level=level)
        if isinstance(block.get("n"), int):
            code = "territories" if block.get("counted") == "territories" else "n"
            out += self.said(f"report.number.{code}", n=block["n"])
        return out

    def evidence(self, block: Json, *, ladder: bool) -> list[str]:
        level = block["level"]
        out = self.said("report.level.title", level=level)
        for part in ("basis", "meaning"):
            out += self.said(f"report.level.{part}.{level}")
        for words in (*block.get("reasons", ()), *block.get("raise_by", ())):
            out += self.shown(words, None)
        if ladder:
            steps = [self.said(f"report.level.short.{step}") for step in LEVELS]
            out += [str(step) for step in LEVELS] + [t for step in steps for t in step]
        return out

    def page(
        self,
        blocks: Sequence[Json],
        meta: Mapping[str, Json],
        *,
        ladder: bool,
        alts: int = 1,
        data: bool = True,
    ) -> Counter[str]:
        """Return the numbers that a page of blocks prints, with how many times.

        Parameters
        ----------
        blocks, meta : as they are given to the page
        ladder : bool
            Whether the page draws the five levels of evidence.
        alts : int
            How many times it writes the alternative text of a figure.
        data : bool
            Whether it prints the data of a figure beside it.
        """
        out: list[str] = []
        tables = figures = 0
        for block in blocks:
            kind = block["kind"]
            if kind == "number":
                out += self.number(block)
            elif kind == "evidence":
                out += self.evidence(block, ladder=ladder)
            elif kind == "table":
                tables += 1
                out += self.table(block, tables)
            elif kind == "figure":
                figures += 1
                out += [str(figures), *self.shown(block["question"], None)]
                out += self.shown(block["alt"], None) * alts
                out += self.shown(block.get("caption"), None)
                out += self.table(block["data"], None) if data else []
            else:
                for key in ("title", "words", "items", "alt", "repair"):
                    out += self.shown(block.get(key), None)
        return Counter(out) + Counter(self.head(meta))

    def head(self, meta: Mapping[str, Json]) -> list[str]:
        """Return the numbers of the head of a page: territory, contract, period."""
        out: list[str] = []
        for name in ("territory", "contract", "pillar", "operator", "mark"):
            value = meta.get(name)
            out += self.shown(value.model_dump() if hasattr(value, "model_dump") else value, None)
        for day in meta.get("period", ()):
            out += self._text(day, "date")
        return out


# -- what is read back -------------------------------------------------------------------------


def words_of(page: str) -> str:
    """Return the words of an HTML page that a reader meets, alternative texts included."""
    import html

    body = re.sub(r"<(style|title|script|nav)\b.*?</\1>", " ", page, flags=re.DOTALL)
    body = re.sub(r"<aside\b[^>]*>", " ", body)
    told = " ".join(re.findall(r'\balt="([^"]*)"', body))
    return html.unescape(re.sub(r"<[^>]+>", " ", body) + " " + told)


def words_of_docx(raw: bytes) -> str:
    """Return the words of a Word document, cells and headers included."""
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = [n for n in archive.namelist() if re.match(r"word/(document|header|footer)", n)]
        parts = [archive.read(name).decode("utf-8") for name in names]
    import html

    lines = [re.sub(r"</w:p>", "\n", part) for part in parts]
    return html.unescape("\n".join(re.sub(r"<[^>]+>", "", line) for line in lines))


UNSAID = frozenset(
    {"kind", "id", "css", "picture", "language", "region", "state", "ratio", "widths", "title_id",
     "short_title", "footer", "severity", "tone"}
)  # fmt: skip


def words_of_content(content: Json) -> Iterator[str]:
    """Yield the texts that are given to the typesetter: of a page, a table, a step of a ladder."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            if key == "number" and isinstance(value, int):
                yield str(value)
            elif key not in UNSAID:
                yield from words_of_content(value)
    elif isinstance(content, (list, tuple)):
        for part in content:
            yield from words_of_content(part)


def words_of_figure(figure: Any, texts: Texts) -> tuple[list[str], list[tuple[float, str]]]:
    """Return the texts drawn in a figure, and its ticks with what is written beside them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Sheet
    from matplotlib.text import Text

    from impact_eval.report.figures.drawing import style
    from impact_eval.report.figures.gallery import drawings

    with style():
        sheet = Sheet(figsize=(4.2, 3))
        FigureCanvasAgg(sheet)
        ax = sheet.subplots()
        drawings()[figure.figure].draw(figure, texts, ax)
        sheet.canvas.draw()
        ticks, labels = [], []
        for axis in (ax.xaxis, ax.yaxis):
            for tick in axis.get_major_ticks():
                labels += [tick.label1, tick.label2]
                ticks.append((float(tick.get_loc()), tick.label1.get_text()))
        drawn = [t for t in sheet.findobj(Text) if t.get_text() and t not in labels]
    return [t.get_text() for t in drawn], ticks
