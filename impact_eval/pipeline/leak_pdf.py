"""The texts of a PDF, as an attacker reads them: pages, bookmarks, metadata, attached files.

A page holds numbers of glyphs and not letters; the table that gives the letters back is in the file
(ISO 32000-1, 9.10.3). No page is drawn: order and place of words do not matter to a search.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

MOST_BYTES = 50_000_000  # of one stream once inflated
_OBJECT = re.compile(rb"(?<!\d)(\d{1,9})\s+\d{1,5}\s+obj\b")
_STREAM = re.compile(rb"stream\r?\n")
_FIRST = re.compile(rb"/First\s+(\d+)")
_COUNT = re.compile(rb"/N\s+(\d+)")
_FONTS = re.compile(rb"/Font\s*(?:<<(.*?)>>|(\d+)\s+\d+\s+R)", re.DOTALL)
_RESOURCES = re.compile(rb"/Resources\s+(\d+)\s+\d+\s+R")
_NAMED = re.compile(rb"/([^\s/<>\[\]()]+)\s+(\d+)\s+\d+\s+R")
_TO_UNICODE = re.compile(rb"/ToUnicode\s+(\d+)\s+\d+\s+R")
_CONTENTS = re.compile(rb"/Contents\s*(?:\[(.*?)\]|(\d+)\s+\d+\s+R)", re.DOTALL)
_REFERENCE = re.compile(rb"(\d+)\s+\d+\s+R")
_MAPPED = re.compile(rb"beginbf(char|range)(.*?)endbf", re.DOTALL)
_HEX = re.compile(rb"<([0-9A-Fa-f\s]*)>|\[([^\]]*)\]")
_TOKEN = re.compile(
    rb"\((?:\\.|[^\\()]|\((?:\\.|[^\\()])*\))*\)|<(?!<)[0-9A-Fa-f\s]*>|/[^\s/<>\[\]()]+|[A-Za-z'\"*]+",
    re.DOTALL,
)
_ESCAPES = MappingProxyType({b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"})
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
CMap = Mapping[bytes, str]


@dataclass(frozen=True, slots=True)
class PdfParts:
    """What a PDF holds: its texts, by where they stand, and the files attached to it."""

    texts: tuple[tuple[str, str], ...]
    attached: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Object:
    """One object: its dictionary, and its stream once inflated."""

    head: bytes
    stream: bytes | None


def pdf_parts(raw: bytes) -> PdfParts:
    """Return the texts and the attached files of a PDF.

    Parameters
    ----------
    raw : bytes
        The file.

    Returns
    -------
    PdfParts
    """
    objects = _objects(raw)
    texts = [("strings", " ".join(s for o in objects.values() for s in _strings(o.head)))]
    attached: list[bytes] = []
    for number, item in objects.items():
        if item.stream is None:
            continue
        if b"/EmbeddedFile" in item.head:
            attached.append(item.stream)
        elif b"/Metadata" in item.head or b"<x:xmpmeta" in item.stream:
            texts.append(("metadata", item.stream.decode("utf-8", errors="replace")))
        elif b"/Form" in item.head:
            fonts = _fonts(item.head, objects)
            texts.append((f"form {number}", _shown(item.stream, fonts, objects)))
    for page, item in objects.items():
        for found in _CONTENTS.finditer(item.head):
            numbers = _REFERENCE.findall(found[1]) if found[1] else [found[2]]
            content = b"\n".join(
                objects[int(n)].stream or b"" for n in numbers if int(n) in objects
            )
            texts.append((f"page {page}", _shown(content, _fonts(item.head, objects), objects)))
    return PdfParts(tuple((place, text) for place, text in texts if text), tuple(attached))


def _objects(raw: bytes) -> dict[int, _Object]:
    """Return the objects of a file by their number, those packed in streams included."""
    found: dict[int, _Object] = {}
    for start in _OBJECT.finditer(raw):
        end = raw.find(b"endobj", start.end())
        body = raw[start.end() : end if end >= 0 else len(raw)]
        split = _STREAM.search(body)
        if split is None:
            found[int(start[1])] = _Object(body, None)
            continue
        last = body.rfind(b"endstream")
        stream = body[split.end() : last if last >= 0 else len(body)]
        found[int(start[1])] = _Object(body[: split.start()], _inflated(stream))
    for item in list(found.values()):
        if b"/ObjStm" in item.head and item.stream is not None:
            found.update(_packed(item.head, item.stream))
    return found


def _inflated(stream: bytes) -> bytes:
    """Return a stream as it was before it was deflated; as it is when it was not."""
    try:
        return zlib.decompressobj().decompress(stream, MOST_BYTES)
    except zlib.error:
        return stream


def _packed(head: bytes, stream: bytes) -> dict[int, _Object]:
    """Return the objects that one stream holds."""
    first, count = _FIRST.search(head), _COUNT.search(head)
    if first is None or count is None:
        return {}
    start = int(first[1])
    numbers = [int(n) for n in stream[:start].split()[: 2 * int(count[1])]]
    places = [*numbers[1::2], len(stream) - start]
    return {
        number: _Object(stream[start + places[i] : start + places[i + 1]], None)
        for i, number in enumerate(numbers[0::2])
    }


def _fonts(head: bytes, objects: Mapping[int, _Object]) -> dict[bytes, CMap]:
    """Return the letters of each font that a page names."""
    named = _RESOURCES.search(head)
    parts = [head]
    if named is not None and int(named[1]) in objects:
        parts.append(objects[int(named[1])].head)
    found: dict[bytes, CMap] = {}
    for part in parts:
        for fonts in _FONTS.finditer(part):
            listed = fonts[1]
            if listed is None:
                there = objects.get(int(fonts[2]))
                listed = b"" if there is None else there.head
            for name, number in _NAMED.findall(listed):
                letters = _letters(objects.get(int(number)), objects)
                if letters:
                    found[name] = letters
    return found


def _letters(font: _Object | None, objects: Mapping[int, _Object]) -> CMap:
    """Return the letters of a font, by glyph number."""
    table = None if font is None else _TO_UNICODE.search(font.head)
    item = None if table is None else objects.get(int(table[1]))
    return {} if item is None or item.stream is None else _cmap(item.stream)


def _cmap(table: bytes) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for kind, body in _MAPPED.findall(table):
        parts = [(bytes.fromhex(h.decode()), many) for h, many in _HEX.findall(body)]
        step = 2 if kind == b"char" else 3
        for i in range(0, len(parts) - step + 1, step):
            code = parts[i][0]
            if kind == b"char":
                found[code] = _utf16(parts[i + 1][0])
                continue
            low, high = int.from_bytes(code), int.from_bytes(parts[i + 1][0])
            target, several = parts[i + 2]
            listed = [bytes.fromhex(h.decode()) for h, _ in _HEX.findall(several)]
            for k, number in enumerate(range(low, min(high, low + 65_535) + 1)):
                letter = listed[k] if k < len(listed) else _plus(target, k)
                found[number.to_bytes(len(code))] = _utf16(letter)
    return found


def _plus(target: bytes, k: int) -> bytes:
    return (int.from_bytes(target) + k).to_bytes(max(len(target), 2))


def _utf16(raw: bytes) -> str:
    return raw.decode("utf-16-be", errors="replace")


def _shown(content: bytes, fonts: Mapping[bytes, CMap], objects: Mapping[int, _Object]) -> str:
    """Return what a content stream shows, with each font in turn; every font when none is known."""
    every = list(fonts.values())
    if not every:
        every = [c for item in objects.values() if (c := _letters(item, objects))]
    current: list[CMap] = every
    out: list[list[str]] = [[]]
    name = b""
    for token in _TOKEN.findall(content):
        if token.startswith(b"/"):
            name = token[1:]
        elif token == b"Tf":
            current = [fonts[name]] if name in fonts else every
        elif token in (b"Td", b"TD", b"T*", b"Tm", b"ET", b"BDC", b"'", b'"'):
            out.append([])
        elif token[:1] in b"(<":
            raw = _bytes_of(token)
            out[-1].append(" ".join(_decoded(raw, cmap) for cmap in current) or _latin(raw))
    return "\n".join("".join(line) for line in out if line)


def _decoded(raw: bytes, letters: CMap) -> str:
    width = len(next(iter(letters), b"\0"))
    return "".join(letters.get(raw[i : i + width], "") for i in range(0, len(raw), width))


def _strings(head: bytes) -> Iterator[str]:
    """Yield the strings of an object: titles, alternative texts, dates."""
    for token in _TOKEN.findall(head):
        if token[:1] in b"(<":
            yield _latin(_bytes_of(token))


def _bytes_of(token: bytes) -> bytes:
    if token.startswith(b"<"):
        digits = re.sub(rb"\s", b"", token[1:-1])
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())

    def escaped(found: re.Match[bytes]) -> bytes:
        sign = found[1]
        if sign.isdigit():
            return bytes([int(sign, 8) & 255])
        return b"" if sign in (b"\n", b"\r\n") else _ESCAPES.get(sign, sign)

    return _ESCAPE.sub(escaped, token[1:-1])


def _latin(raw: bytes) -> str:
    if raw.startswith(b"\xfe\xff"):
        return _utf16(raw[2:])
    if raw.startswith(b"\xef\xbb\xbf"):
        return raw[3:].decode("utf-8", errors="replace")
    return raw.decode("latin-1")
