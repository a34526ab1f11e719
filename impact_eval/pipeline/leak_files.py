"""The texts of every file of a folder, unpacked as an attacker would: archives, pages, pictures.

Names of files are texts too. What cannot be unpacked is told: nobody can say that it holds nothing.
"""

from __future__ import annotations

import base64
import binascii
import html
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from impact_eval.core.archives import gaps_of, notes_of, part_content
from impact_eval.core.limits import MILLION, SEARCHED_MB
from impact_eval.pipeline.leak_pdf import pdf_parts

DEEPEST = 4  # a file in a file in a file in a file
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_DATA = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w=-]+)*;base64,([A-Za-z0-9+/=\s]+)")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{64,}={0,2}")
_MARKUP = re.compile(r"<[!?A-Za-z/]")
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"PK\x03\x04", b"%PDF", b"GIF8", b"<svg", b"<?xml")
_TOO_LARGE = bytes(1)
_MARKED = frozenset({"html", "htm", "svg", "xml", "rels", "vml"})


@dataclass(frozen=True, slots=True)
class FoundText:
    """A text and where it stands: the file, and the part of it."""

    file: str
    part: str
    text: str


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The texts of a folder, how many files they come from, and the files that stayed closed."""

    texts: tuple[FoundText, ...]
    files: tuple[str, ...]
    closed: tuple[str, ...]


def _most() -> int:
    """Return the bytes of one file, or of one part of an archive, that are looked into."""
    return SEARCHED_MB.value * MILLION


class _Closed(Exception):
    """A file that cannot be unpacked."""


def unpack(folder: Path, *, skip: frozenset[str] = frozenset()) -> Unpacked:
    """Return the texts of every file of a folder, hidden ones included.

    Parameters
    ----------
    folder : Path
        Or a single file.
    skip : frozenset of str
        Files left out, by their path from the folder.

    Returns
    -------
    Unpacked
    """
    paths = [folder] if folder.is_file() else sorted(p for p in folder.rglob("*") if p.is_file())
    base = folder.parent if folder.is_file() else folder
    texts: list[FoundText] = []
    closed: list[str] = []
    files: list[str] = []
    for path in paths:
        name = path.relative_to(base).as_posix()
        if name in skip:
            continue
        files.append(name)
        texts.append(FoundText(name, "name", name))
        try:
            raw = path.read_bytes() if path.stat().st_size <= _most() else _TOO_LARGE
            for part, text in _texts(raw, name):  # what was read before it closes counts
                texts.append(FoundText(name, part, text))
        except (_Closed, OSError, zipfile.BadZipFile, zlib.error, struct.error, RecursionError):
            closed.append(name)
    return Unpacked(tuple(texts), tuple(files), tuple(closed))


def texts_of(raw: bytes, name: str) -> tuple[tuple[str, str], ...]:
    """Return the texts of one file, with the part of it where each stands.

    Parameters
    ----------
    raw : bytes
    name : str
        Its name: the extension tells what its first bytes do not.
    """
    return tuple(_texts(raw, name))


def _texts(raw: bytes, name: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > DEEPEST or raw is _TOO_LARGE:
        raise _Closed
    if raw.startswith(b"PK\x03\x04"):
        yield from _of_archive(raw, depth)
    elif raw.startswith(b"%PDF"):
        parts = pdf_parts(raw)
        yield from parts.texts
        for i, attached in enumerate(parts.attached):
            yield from _within(f"attached {i + 1}", attached, "", depth)
    elif raw.startswith(_PNG):
        yield from _of_png(raw)
    elif raw.startswith(_JPEG):
        yield "segments", _strings(raw)
    elif raw.startswith(b"\x1f\x8b"):
        inflated = zlib.decompressobj(31).decompress(raw, _most())
        yield from _within("gzip", inflated, "", depth)
    else:
        yield from _of_text(raw, name, depth)


def _within(part: str, raw: bytes, name: str, depth: int) -> Iterator[tuple[str, str]]:
    for inner, text in _texts(raw, name, depth + 1):
        yield f"{part}/{inner}", text


def _of_archive(raw: bytes, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the texts of an archive: a Word file, a workbook, a zip; all of its bytes are read.

    What stands beside its parts is read as letters; where it may be packed too, the file is closed.
    """
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        infos = archive.infolist()
    beside = [*notes_of(raw, infos), *(gaps := list(gaps_of(raw, infos)))]
    yield from (("beside the parts", _strings(bytes_)) for bytes_ in beside if bytes_)
    odd = bool(gaps)
    for info in infos:
        if info.flag_bits & 1:  # locked
            raise _Closed
        held = part_content(raw, info, _most())
        if held is None:  # too large, or packed in a way that is not read
            raise _Closed
        content, after = held
        odd = odd or bool(after)
        yield f"{info.filename}/name", info.filename
        if after:
            yield f"{info.filename}/after", _strings(after)
        if content or not info.is_dir():
            yield from _within(info.filename, content, info.filename, depth)
    if odd:
        raise _Closed


def _of_text(raw: bytes, name: str, depth: int) -> Iterator[tuple[str, str]]:
    text = _decoded(raw)
    suffix = name.rsplit(".", 1)[-1].lower()
    yield from _data_uris(text, depth)
    if suffix == "ipynb" or text.lstrip()[:1] in ("{", "["):
        try:
            yield from _of_json(json.loads(text), depth)
            return
        except ValueError:
            pass  # cut, or no JSON: read as it is
    if suffix in _MARKED or text.lstrip()[:5].lower() in ("<?xml", "<!doc", "<html", "<svg "):
        yield "text", _of_markup(text)
        if suffix not in ("html", "htm"):
            yield "lines", _of_markup(text, glued=True)
        return
    yield "text", text


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _strings(raw) if b"\0" in raw else raw.decode("cp1252", errors="replace")


def _strings(raw: bytes) -> str:
    """Return what can be read in bytes that are no text, in one byte or two a letter."""
    wide = raw.decode("utf-16-le", errors="replace") if b"\0" in raw else ""
    return raw.decode("latin-1") + "\n" + wide


# -- JSON and notebooks ---------------------------------------------------------------------


def _of_json(data: object, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the keys and the values of a JSON document; texts in it are unpacked too.

    The letters that stand for a picture are no words: three of them are a code by chance.
    """
    words: list[str] = []
    for text in _leaves(data):
        picture = _picture(text) if _BASE64.fullmatch(text) else None
        if picture is not None:
            yield from _within("inline", picture, "", depth)
            continue
        words.append(_DATA.sub(_unless_picture, text))
        if _MARKUP.search(text):
            words.append(_of_markup(text))
        yield from _data_uris(text, depth)
    yield "values", "\n".join(words)


def _leaves(data: object) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield str(key)
            yield from _leaves(value)
    elif isinstance(data, list):
        if data and all(isinstance(item, str) for item in data):
            yield "".join(data)  # a notebook keeps a text as its lines
        for item in data:
            yield from _leaves(item)
    elif data is not None and not isinstance(data, bool):
        yield str(data)


# -- pages ----------------------------------------------------------------------------------


class _Markup(HTMLParser):
    """The texts, attributes, comments and declarations of a page, without its tags' names."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_comment(self, data: str) -> None:
        self.found.append(f" {data} ")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f" {value} " for _, value in attrs if value]
        self.found.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.found.append(" ")

    def handle_decl(self, decl: str) -> None:
        self.found.append(f" {decl} ")

    def handle_pi(self, data: str) -> None:
        self.found.append(f" {data} ")

    def unknown_decl(self, data: str) -> None:
        self.found.append(f" {data} ")


_TAG = re.compile(r"<[^>]*>")


def _of_markup(text: str, *, glued: bool = False) -> str:
    """Return the texts of a page; `glued` joins what tags cut, as Word cuts a name in two."""
    if glued:
        return html.unescape(_TAG.sub("", text))
    page = _Markup()
    page.feed(_DATA.sub(" ", text))
    page.close()
    return "".join(page.found)


def _data_uris(text: str, depth: int) -> Iterator[tuple[str, str]]:
    for found in _DATA.finditer(text):
        picture = _picture(found[1])
        if picture is not None:
            yield from _within("inline", picture, "", depth)


def _unless_picture(found: re.Match[str]) -> str:
    return found[0] if _picture(found[1]) is None else " "


def _picture(text: str) -> bytes | None:
    """Return the file that letters stand for, when it is one of a known kind."""
    try:
        raw = base64.b64decode(re.sub(r"\s", "", text), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if raw.startswith(_IMAGES) else None


# -- pictures -------------------------------------------------------------------------------


def _of_png(raw: bytes) -> Iterator[tuple[str, str]]:
    """Yield the words beside the pixels of a PNG: tEXt, zTXt, iTXt, eXIf, and what follows it."""
    at = len(_PNG)
    while at + 8 <= len(raw):
        size, kind = struct.unpack(">I4s", raw[at : at + 8])
        body = raw[at + 8 : at + 8 + size]
        at += 12 + size
        if kind == b"tEXt":
            yield "tEXt", body.decode("latin-1")
        elif kind == b"zTXt":
            name, _, packed = body.partition(b"\0")
            yield "zTXt", f"{name.decode('latin-1')}\n{_inflated(packed[1:])}"
        elif kind == b"iTXt":
            yield "iTXt", _international(body)
        elif kind == b"eXIf":
            yield "eXIf", _strings(body)
        elif kind == b"IEND":
            break
    if at < len(raw):
        yield "after the picture", _strings(raw[at:])


def _international(body: bytes) -> str:
    name, _, rest = body.partition(b"\0")
    packed, rest = rest[:1] == b"\1", rest[2:]
    language, _, rest = rest.partition(b"\0")
    translated, _, text = rest.partition(b"\0")
    told = _inflated(text) if packed else text.decode("utf-8", errors="replace")
    words = translated.decode("utf-8", errors="replace")
    return "\n".join([name.decode("latin-1"), language.decode("latin-1"), words, told])


def _inflated(packed: bytes) -> str:
    return zlib.decompressobj().decompress(packed, _most()).decode("utf-8", errors="replace")
