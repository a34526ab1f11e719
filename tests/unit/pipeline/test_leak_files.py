"""Every place where a word may hide in a file is opened."""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import docx
import openpyxl
import pytest
import typst
from openpyxl.comments import Comment

from impact_eval.pipeline.leak_files import texts_of, unpack
from impact_eval.pipeline.leak_pdf import pdf_parts

WORD = "Zyxwabulon"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes, after: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + data + chunk(b"IEND", b"") + after


WORD_BYTES = WORD.encode()
PNGS = {
    "tEXt": png(chunk(b"tEXt", b"Author\0" + WORD_BYTES)),
    "zTXt": png(chunk(b"zTXt", b"Author\0\0" + zlib.compress(WORD_BYTES))),
    "iTXt": png(chunk(b"iTXt", b"Author\0\1\0fr\0\0" + zlib.compress(WORD_BYTES))),
    "eXIf": png(chunk(b"eXIf", b"II*\0" + WORD_BYTES)),
    "after": png(after=WORD_BYTES),
}


def inline(raw: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(raw).decode()


def holds(raw: bytes, name: str) -> bool:
    return any(WORD in text for _, text in texts_of(raw, name))


@pytest.mark.parametrize("place", PNGS)
def test_pictures(place: str) -> None:
    assert not holds(png(), "a.png")
    assert holds(PNGS[place], "a.png")
    assert holds(f'<p><img src="{inline(PNGS[place])}"></p>'.encode(), "a.html")
    notebook = {
        "cells": [{"outputs": [{"data": {"image/png": base64.b64encode(PNGS[place]).decode()}}]}]
    }
    assert holds(json.dumps(notebook).encode(), "a.ipynb")


def test_the_letters_of_a_picture_are_no_words() -> None:
    """A code of three letters stands in the letters of any large picture, by chance."""
    letters = base64.b64encode(PNGS["tEXt"]).decode()
    page = f'<p>une page</p><img src="{inline(PNGS["tEXt"])}">'
    outputs = [{"data": {"image/png": letters}}, {"data": {"text/html": [page]}}]
    for cells in (outputs, [{"data": {"text/html": [page, "<p>fin</p>"]}}]):
        told = texts_of(json.dumps({"cells": [{"outputs": cells}]}).encode(), "a.ipynb")
        assert not any(letters[20:60] in text for _, text in told)
        assert any("une page" in text for _, text in told)
        assert any(WORD in text for _, text in told)
    other = base64.b64encode(b"x" * 90).decode()  # what is no picture is read as it is written
    assert any(other in text for _, text in texts_of(json.dumps([other]).encode(), "a.json"))


@pytest.mark.parametrize(
    "page",
    [
        f"<p>{WORD}</p>",
        f'<p title="{WORD}">a</p>',
        f"<!-- {WORD} -->",
        f"<svg><desc>{WORD}</desc></svg>",
        "<p>&#90;yxwabulon</p>",
        f"<style>/* {WORD} */</style>",
    ],
)
def test_pages(page: str) -> None:
    assert holds(f"<html><body>{page}</body></html>".encode(), "a.html")
    assert holds(json.dumps({"text/html": [page]}).encode(), "a.ipynb")


def test_a_notebook_keeps_texts_as_lines() -> None:
    assert holds(json.dumps({"source": ["Zyxwa", "bulon"]}).encode(), "a.ipynb")
    assert holds(json.dumps({"metadata": {WORD: 1}}).encode(), "a.ipynb")


def test_word_files_even_where_a_name_is_cut_in_runs(tmp_path: Path) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph()
    paragraph.add_run("Zyxwa").bold = True
    paragraph.add_run("bulon")
    document.save(tmp_path / "a.docx")
    assert holds((tmp_path / "a.docx").read_bytes(), "a.docx")
    other = docx.Document()
    other.core_properties.author = WORD
    other.save(tmp_path / "b.docx")
    assert holds((tmp_path / "b.docx").read_bytes(), "b.docx")


def test_workbooks(tmp_path: Path) -> None:
    def saved(book: openpyxl.Workbook) -> bytes:
        out = io.BytesIO()
        book.save(out)
        return out.getvalue()

    hidden, comment, author = (openpyxl.Workbook() for _ in range(3))
    sheet = hidden.create_sheet("autre")
    sheet["B7"] = WORD
    sheet.sheet_state = "hidden"
    comment.active["A1"].comment = Comment(WORD, "moi")
    author.properties.lastModifiedBy = WORD
    assert all(holds(saved(book), "a.xlsx") for book in (hidden, comment, author))
    assert not holds(saved(openpyxl.Workbook()), "a.xlsx")


def test_a_pdf_gives_its_letters_back(tmp_path: Path) -> None:
    source = f"""#set document(title: "Énoncé", author: "{WORD}a")
#set text(lang: "fr")
= Titre {WORD}b
Éléonore *efficace* 987 654,32 €
#table(columns: 1, [{WORD}c])
#pdf.attach("/r.json", bytes("{{\\"a\\": \\"{WORD}d\\"}}"), description: "r")
"""
    (tmp_path / "a.typ").write_text(source, encoding="utf-8")
    raw = typst.compile(str(tmp_path / "a.typ"), format="pdf")
    assert WORD.encode() + b"c" not in raw  # it is there as glyphs
    texts = " ".join(text for _, text in texts_of(raw, "a.pdf"))
    for mark in "abcd":
        assert f"{WORD}{mark}" in texts
    assert "Éléonore" in texts
    assert "efficace" in texts
    assert "987 654,32" in texts
    assert len(pdf_parts(raw).attached) == 1


def test_archives_in_archives_and_what_stays_closed(tmp_path: Path) -> None:
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.txt", WORD)
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("b.zip", inner.getvalue())
        archive.comment = b"rien"
    (tmp_path / "a.zip").write_bytes(outer.getvalue())
    (tmp_path / "cut.docx").write_bytes(outer.getvalue()[:40])
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / f"{WORD}.log").write_text("rien", encoding="utf-8")
    found = unpack(tmp_path)
    assert found.closed == ("cut.docx",)
    holders = {text.file for text in found.texts if WORD in text.text}
    assert holders == {"a.zip", f".cache/{WORD}.log"}
    assert found.files == (f".cache/{WORD}.log", "a.zip", "cut.docx")


def odd(where: str) -> bytes:
    """Return an archive of one harmless part, a word hidden beside it."""
    out = io.BytesIO()
    hidden = zlib.compress(WORD_BYTES, wbits=-15)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("a.txt")
        info.compress_type = zipfile.ZIP_DEFLATED
        info.comment = WORD_BYTES if where == "comment of a part" else b""
        if where == "extra field":
            info.extra = b"\xfe\xca" + len(WORD_BYTES).to_bytes(2, "little") + WORD_BYTES
        archive.writestr(info, b"rien" + (WORD_BYTES if where == "past its size" else b""))
        if where.startswith("gap"):
            out.write(WORD_BYTES if where == "gap" else hidden)
            archive.start_dir = out.tell()
        archive.comment = WORD_BYTES if where == "comment" else b""
    raw = out.getvalue()
    if where == "past its size":  # readers stop at the size that is told, and find its sum right
        true, told = b"rien" + WORD_BYTES, b"rien"
        sums = [struct.pack("<L", zlib.crc32(part)) for part in (true, told)]
        raw = raw.replace(sums[0], sums[1])
        size = struct.pack("<L", len(true))
        raw = raw.replace(size + b"\x05\x00", struct.pack("<L", len(told)) + b"\x05\x00")
        assert zipfile.ZipFile(io.BytesIO(raw)).read("a.txt") == b"rien"
    return raw


def unpacked(raw: bytes, folder: Path) -> tuple[bool, bool]:
    """Return whether the word is found in an archive, and whether the archive stays closed."""
    (folder / "a.zip").write_bytes(raw)
    found = unpack(folder)
    return any(WORD in text.text for text in found.texts), bool(found.closed)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("nowhere", (False, False)),
        ("comment", (True, False)),
        ("comment of a part", (True, False)),
        ("extra field", (True, False)),
        ("past its size", (True, False)),
        ("gap", (True, True)),
        ("gap, packed", (False, True)),
    ],
)
def test_what_stands_beside_the_parts_of_an_archive(
    where: str, told: tuple[bool, bool], tmp_path: Path
) -> None:
    assert unpacked(odd(where), tmp_path) == told


def test_what_an_archive_says_of_itself_is_not_believed(tmp_path: Path) -> None:
    """A part that says to hold nothing, one packed in a way that is not read."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.txt", WORD)
    assert unpacked(out.getvalue(), tmp_path) == (False, True)
    assert unpacked(b"PK\x03\x04" + odd("nowhere"), tmp_path)[1]
