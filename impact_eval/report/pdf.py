"""A tagged PDF (PDF/UA-1) from the same blocks, set by Typst: no LaTeX, no browser.

The template is fixed and the report's content is passed to it as data, so that nothing a study
wrote can be read as code. A missing alternative text or a jump in headings stops the build.
"""

from __future__ import annotations

import datetime
import json
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.core.native_words import is_panic, panics_unspoken
from impact_eval.core.noticed import FindingWarning
from impact_eval.report.blocks import AnyBlock, Heading, Masthead
from impact_eval.report.html import Writer, grouped, meta_lines, page_mark, sections_of
from impact_eval.report.languages.language import formats_of
from impact_eval.report.texts import PageTexts, Texts

STANDARD = "ua-1"
# One fixed moment: the report says itself when it was computed, and the same blocks give the same
# bytes.
EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_NOT_SHOWN = re.compile(r'the text `"(.*?)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
WIDEST = 52  # characters after which a column grows no more


def render_pdf(blocks: Sequence[AnyBlock], meta: Masthead, language: str) -> bytes:
    """Write a report as a tagged PDF.

    Parameters
    ----------
    blocks : sequence of block
        After the disclosure gate.
    meta : mapping
        As in `render_html`.
    language : str

    Returns
    -------
    bytes
        The same blocks, `meta` and language give the same bytes.

    Raises
    ------
    ImpactEvalError
        `pdf_refused`, with what the typesetter said.

    Warns
    -----
    FindingWarning
        `signs_replaced`: signs that no font of the page holds are written by number.
    """
    content = pdf_content(blocks, meta, language)
    signs: frozenset[str] = frozenset()
    while True:
        made = _typeset(content if not signs else _replaced(content, signs, language))
        if isinstance(made, bytes):
            break
        if made <= signs:
            raise ImpactEvalError(Finding.error("pdf_refused", said=_code_points(made)))
        signs |= made
    if signs:
        told = Finding.warning("signs_replaced", n=len(signs), signs=_named(signs))
        warnings.warn(FindingWarning(told), stacklevel=2)
    return made


def _typeset(content: Mapping[str, Any]) -> bytes | frozenset[str]:
    """Return the PDF, or the signs that none of its fonts holds."""
    import typst

    template = resources.files("impact_eval.report").joinpath("templates", "report.typ")
    try:
        with panics_unspoken():
            made = typst.compile(  # type: ignore[call-overload]  # its stub refuses bytes with data
                template.read_bytes(),
                format="pdf",
                ignore_system_fonts=True,
                sys_inputs={"report": json.dumps(content, ensure_ascii=False)},
                pdf_standards=[STANDARD],
                timestamp=EPOCH,
            )
    except BaseException as error:
        if not (isinstance(error, typst.TypstError) or is_panic(error)):
            raise
        missing = _missing_signs(f"{error} {getattr(error, 'diagnostic', '')}")
        if missing:
            return missing
        said = (str(error).splitlines() or [""])[0][:300]
        raise ImpactEvalError(Finding.error("pdf_refused", said=said)) from None
    return bytes(made)


def _missing_signs(said: str) -> frozenset[str]:
    """Return the signs that the typesetter names; what a keyboard types is in every font."""
    texts = (_ESCAPED.sub(lambda m: chr(int(m[1], 16)), m[1]) for m in _NOT_SHOWN.finditer(said))
    typed = re.compile(r"[ -~]")
    return frozenset(sign for text in texts for sign in text if not typed.match(sign))


def _replaced(
    content: Mapping[str, Any], signs: frozenset[str], language: str
) -> Mapping[str, Any]:
    """Return the content with these signs written by number, and a line that says so."""
    runs = re.compile(f"[{re.escape(''.join(sorted(signs)))}]+")

    def told(value: Any) -> Any:
        if isinstance(value, str):
            return runs.sub(lambda found: f"[{_code_points(found[0])}]", value)
        if isinstance(value, dict):
            return {key: told(part) for key, part in value.items()}
        if isinstance(value, list) and not (value and isinstance(value[0], int)):
            return [told(part) for part in value]
        return value

    note = Texts(language).say("report.signs_by_number")
    return {**told(dict(content)), "footer": f"{content['footer']} {note}"}


def _named(signs: frozenset[str]) -> tuple[str, ...]:
    return tuple(f"U+{ord(sign):04X}" for sign in sorted(signs))


def _code_points(signs: Iterable[str]) -> str:
    return " ".join(f"U+{ord(sign):04X}" for sign in signs)


def pdf_content(blocks: Sequence[AnyBlock], meta: Masthead, language: str) -> dict[str, Any]:
    """Return what the template prints, as JSON-able data."""
    texts = PageTexts(language)
    writer = Writer(texts)
    title, sections = sections_of(grouped(writer.views(blocks)))
    anchors = [b.anchor for b in blocks if isinstance(b, Heading) and b.level == 2]
    shown = title["text"] if title else texts.words(meta.get("title"))
    return {
        "title": shown,
        "short_title": shown if len(shown) < 70 else f"{shown[:66]}…",
        "author": texts.words(meta["operator"]) if meta.get("operator") else "",
        "language": language,
        "region": formats_of(language).region,
        "document_kind": texts.say("report.document_kind"),
        "decision_title": texts.say("report.decision.title"),
        "repair_title": texts.say("report.repair_title"),
        "footer": texts.say("report.footer"),
        "mark": page_mark(meta, texts),
        "lines": [list(line) for line in meta_lines(meta, texts)],
        "sections": [
            {
                "heading": section.heading["text"] if section.heading else None,
                "summary": bool(section.heading and "summary" in anchors
                                and section.heading["id"] == "summary"),
                "blocks": [_plain(view) for view in section.views],
            }
            for section in sections
        ],
    }  # fmt: skip


def _plain(view: Mapping[str, Any]) -> dict[str, Any]:
    """Return a view as JSON-able data for the template."""
    out = {key: value for key, value in view.items() if key not in ("math", "table")}
    if view["kind"] == "table":
        return _table(view)
    if view["kind"] == "figure":
        import base64

        picture = view["picture"]["data"] if view["picture"] else ""
        out["picture"] = list(base64.b64decode(picture))
        out["ratio"] = view["picture"]["width"] / view["picture"]["height"]
    if view["kind"] == "answer":
        out["number"], out["evidence"] = _plain(view["number"]), _plain(view["evidence"])
    return out


def _table(view: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        [{"text": item["cell"].text, "strong": row["strong"]} for item in row["cells"]]
        for row in view["rows"]
    ]
    texts = [f"{h['text']} ({h['unit']})" if h["unit"] else str(h["text"]) for h in view["head"]]
    heads = [
        {"text": text, "num": bool(head["css"])}
        for text, head in zip(texts, view["head"], strict=True)
    ]
    widths = [
        max([_need(text) / 1.6, *(min(len(row[at]["text"]), WIDEST) for row in rows), 6])
        for at, text in enumerate(texts)
    ]
    return {
        "kind": "table",
        "caption": view["caption"],
        "head": heads,
        "rows": rows,
        "notes": view["notes"],
        "widths": widths,
    }


def _need(text: str) -> float:
    """Return the characters a heading needs in a row: its longest word, or half of it."""
    return max(max(map(len, text.split()), default=0) * 1.6, len(text) / 2)
