# ruff: noqa: E501, SIM117
"""Files of a few kilobytes or megabytes that ask for gigabytes: one maker per kind."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

Maker = Callable[[Path], Path]
MAKERS: dict[str, Maker] = {}

_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_ROOT = (
    f'<?xml version="1.0"?><Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)


def hostile(name: str) -> Callable[[Maker], Maker]:
    """Register what makes a file."""

    def keep(maker: Maker) -> Maker:
        MAKERS[name] = maker
        return maker

    return keep


def workbook(
    path: Path,
    sheets: Iterator[str] | list[str],
    extra: dict[str, str] | None = None,
    *,
    names: str = "",
    head: str = '<?xml version="1.0"?>',
) -> Path:
    """Write a workbook from the content of its sheets."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        n = 0
        for n, content in enumerate(sheets, start=1):
            archive.writestr(
                f"xl/worksheets/sheet{n}.xml",
                content if content.startswith("<?xml")
                else f'{head}<worksheet xmlns="{_MAIN}"><sheetData>{content}</sheetData></worksheet>',
            )  # fmt: skip
        listed = "".join(
            f'<sheet name="F{i}" sheetId="{i}" r:id="rId{i}"/>' for i in range(1, n + 1)
        )
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _ROOT)
        archive.writestr(
            "xl/workbook.xml",
            f'<?xml version="1.0"?><workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
            f"<sheets>{listed}</sheets>{names}</workbook>",
        )
        relations = "".join(
            f'<Relationship Id="rId{i}" Type="{_OFFICE}/worksheet" '
            f'Target="worksheets/sheet{i}.xml"/>'
            for i in range(1, n + 1)
        )
        relations += "".join(
            f'<Relationship Id="x{i}" Type="{_OFFICE}/{part.split("/")[-1][:-4]}" Target="{part}"/>'
            for i, part in enumerate(extra or {})
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<?xml version="1.0"?><Relationships xmlns="{_PACKAGE}">{relations}</Relationships>',
        )
        for part, content in (extra or {}).items():
            archive.writestr(f"xl/{part}", content)
    return path


def cell(address: str, value: object) -> str:
    """Return the text of a cell."""
    if isinstance(value, str):
        return f'<c r="{address}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{address}"><v>{value}</v></c>'


def small_table() -> str:
    """Return the rows of a small table."""
    rows = [f'<row r="1">{cell("A1", "id")}{cell("B1", "x")}</row>']
    rows += [f'<row r="{i}">{cell(f"A{i}", f"P{i}")}{cell(f"B{i}", i)}</row>' for i in range(2, 32)]
    return "".join(rows)


@hostile("one_far_cell")
def one_far_cell(folder: Path) -> Path:
    far = f'<row r="1048576">{cell("XFD1048576", 1)}</row>'
    return workbook(folder / "loin.xlsx", [small_table() + far])


@hostile("million_sparse_cells")
def million_sparse_cells(folder: Path) -> Path:
    rows = "".join(f'<row r="{i}"><c r="XFD{i}"><v>1</v></c></row>' for i in range(1, 1_000_000))
    return workbook(folder / "epars.xlsx", [rows])


@hostile("diagonal")
def diagonal(folder: Path) -> Path:
    def letters(n: int) -> str:
        out = ""
        while n:
            n, rest = divmod(n - 1, 26)
            out = chr(65 + rest) + out
        return out

    rows = "".join(
        f'<row r="{60 * i}"><c r="{letters(i)}{60 * i}"><v>1</v></c></row>'
        for i in range(1, 16_000)
    )
    return workbook(folder / "diagonale.xlsx", [small_table() + rows])


@hostile("shared_strings_long")
def shared_strings_long(folder: Path) -> Path:
    """Thirty thousand cells that each point to one text of a million letters."""
    long = "a" * 1_000_000
    strings = f'<?xml version="1.0"?><sst xmlns="{_MAIN}"><si><t>{long}</t></si></sst>'
    rows = "".join(f'<row r="{i}"><c r="A{i}" t="s"><v>0</v></c></row>' for i in range(1, 30_001))
    return workbook(folder / "textes.xlsx", [rows], {"sharedStrings.xml": strings})


@hostile("shared_strings_many")
def shared_strings_many(folder: Path) -> Path:
    many = "<si><t>a</t></si>" * 5_000_000
    strings = f'<?xml version="1.0"?><sst xmlns="{_MAIN}">{many}</sst>'
    return workbook(folder / "mots.xlsx", [small_table()], {"sharedStrings.xml": strings})


@hostile("nested_entities")
def nested_entities(folder: Path) -> Path:
    entities = '<!ENTITY a0 "lol">' + "".join(
        f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10)
    )
    head = f'<?xml version="1.0"?><!DOCTYPE worksheet [{entities}]>'
    return workbook(folder / "entites.xlsx", [f'<row r="1">{cell("A1", "&a9;")}</row>'], head=head)


@hostile("quadratic_entity")
def quadratic_entity(folder: Path) -> Path:
    entity = f'<!ENTITY a "{"b" * 100_000}">'
    path = folder / "questionnaire.lss"
    path.write_text(
        f'<?xml version="1.0"?><!DOCTYPE document [{entity}]><document><questions><rows><row>'
        f"<title>{'&a;' * 100_000}</title></row></rows></questions></document>"
    )
    return path


@hostile("deep_xml")
def deep_xml(folder: Path) -> Path:
    path = folder / "profond.lss"
    path.write_text('<?xml version="1.0"?>' + "<a>" * 200_000 + "</a>" * 200_000)
    return path


@hostile("wide_xml")
def wide_xml(folder: Path) -> Path:
    path = folder / "large.lss"
    path.write_text(
        '<?xml version="1.0"?><document><questions><rows>'
        + "<row><qid>1</qid></row>" * 3_000_000
        + "</rows></questions></document>"
    )
    return path


@hostile("overlapping_members")
def overlapping_members(folder: Path) -> Path:
    """One compressed part that a thousand entries of the directory point to."""
    path = folder / "recouvre.xlsx"
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 10_000_000)
        first = archive.infolist()[0]
        for i in range(2, 1_000):
            twin = zipfile.ZipInfo(f"xl/worksheets/sheet{i}.xml")
            for key in ("compress_type", "CRC", "compress_size", "file_size", "header_offset"):
                setattr(twin, key, getattr(first, key))
            archive.filelist.append(twin)
            archive.NameToInfo[twin.filename] = twin
    path.write_bytes(memory.getvalue())
    return path


@hostile("high_ratio")
def high_ratio(folder: Path) -> Path:
    path = folder / "bombe.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(300):
                part.write(b" " * 1_000_000)
    return path


@hostile("lying_size")
def lying_size(folder: Path) -> Path:
    """A part whose directory says 1 kB, that unpacks to 300 MB."""
    path = folder / "mensonge.xlsx"
    high = high_ratio(folder).read_bytes()
    raw = bytearray(high)
    at = raw.rindex(b"PK\x01\x02")
    struct.pack_into("<I", raw, at + 24, 1_000)
    path.write_bytes(bytes(raw))
    return path


@hostile("ten_thousand_sheets")
def ten_thousand_sheets(folder: Path) -> Path:
    return workbook(folder / "feuilles.xlsx", [cell_row() for _ in range(10_000)])


def cell_row() -> str:
    """Return one row of one cell."""
    return f'<row r="1">{cell("A1", "id")}</row>'


@hostile("all_the_columns")
def all_the_columns(folder: Path) -> Path:
    rows = "".join(f'<row r="{i}">' + "<c><v>1</v></c>" * 16_384 + "</row>" for i in range(1, 400))
    return workbook(folder / "colonnes.xlsx", [rows])


@hostile("dense_sheet")
def dense_sheet(folder: Path) -> Path:
    """As many cells as a sheet may hold, each there: only a bound of cells sees it."""
    row = "<c><v>1</v></c>" * 1_000
    rows = "".join(f'<row r="{i}">{row}</row>' for i in range(1, 20_001))
    return workbook(folder / "dense.xlsx", [rows])


@hostile("styles")
def styles(folder: Path) -> Path:
    many = "<xf/>" * 10_000_000
    content = (
        f'<?xml version="1.0"?><styleSheet xmlns="{_MAIN}"><cellXfs>{many}</cellXfs></styleSheet>'
    )
    return workbook(folder / "styles.xlsx", [small_table()], {"styles.xml": content})


@hostile("number_formats")
def number_formats(folder: Path) -> Path:
    many = "".join(f'<numFmt numFmtId="{i}" formatCode="{"0" * 200}"/>' for i in range(200_000))
    content = (
        f'<?xml version="1.0"?><styleSheet xmlns="{_MAIN}"><numFmts>{many}</numFmts></styleSheet>'
    )
    return workbook(folder / "formats.xlsx", [small_table()], {"styles.xml": content})


@hostile("defined_names")
def defined_names(folder: Path) -> Path:
    names = "".join(f'<definedName name="n{i}">F1!$A$1</definedName>' for i in range(1_000_000))
    return workbook(
        folder / "noms.xlsx", [small_table()], names=f"<definedNames>{names}</definedNames>"
    )


@hostile("million_merges")
def million_merges(folder: Path) -> Path:
    merges = "".join(f'<mergeCell ref="A{i}:B{i}"/>' for i in range(1, 1_000_000))
    content = (
        f'<?xml version="1.0"?><worksheet xmlns="{_MAIN}"><sheetData>{small_table()}</sheetData>'
        f"<mergeCells>{merges}</mergeCells></worksheet>"
    )
    return workbook(folder / "fusions.xlsx", [content])


@hostile("one_giant_merge")
def one_giant_merge(folder: Path) -> Path:
    content = (
        f'<?xml version="1.0"?><worksheet xmlns="{_MAIN}"><sheetData>{small_table()}</sheetData>'
        f'<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells></worksheet>'
    )
    return workbook(folder / "fusion.xlsx", [content])


@hostile("odd_sheet_name")
def odd_sheet_name(folder: Path) -> Path:
    """A far cell in a sheet whose part has an unusual name."""
    path = one_far_cell(folder)
    out = folder / "ailleurs.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            raw = old.read(name).replace(b"worksheets/sheet1.xml", b"feuille.xml")
            new.writestr(name.replace("worksheets/sheet1.xml", "feuille.xml"), raw)
    return out


@hostile("prefixed_far_cell")
def prefixed_far_cell(folder: Path) -> Path:
    """A far cell written with a prefix and single quotes, as XML allows."""
    content = (
        f"<?xml version='1.0'?><x:worksheet xmlns:x='{_MAIN}'><x:sheetData>"
        "<x:row r='1'><x:c r='A1'><x:v>1</x:v></x:c></x:row>"
        "<x:row r='1048576'><x:c r='XFD1048576'><x:v>1</x:v></x:c></x:row>"
        "</x:sheetData></x:worksheet>"
    )
    return workbook(folder / "prefixe.xlsx", [content])


@hostile("xlsb_far_cell")
def xlsb_far_cell(folder: Path) -> Path:
    """A binary workbook: row 1,048,576, column 16,384."""

    def record(kind: int, body: bytes) -> bytes:
        out = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
        n, size = len(body), b""
        while True:
            size += bytes([n & 0x7F | (0x80 if n > 127 else 0)])
            n >>= 7
            if not n:
                return out + size + body

    def row(n: int) -> bytes:
        return record(0, struct.pack("<IIHHBI", n, 0, 300, 0, 0, 0))

    def number(column: int, value: float) -> bytes:
        return record(5, struct.pack("<IId", column, 0, value))

    sheet = record(0x81, b"")
    sheet += record(0x94, struct.pack("<IIII", 0, 1_048_575, 0, 16_383)) + record(0x91, b"")
    sheet += row(0) + number(0, 1.0) + number(1, 2.0) + row(1_048_575) + number(16_383, 1.0)
    sheet += record(0x92, b"") + record(0x82, b"")
    name, rid = "F1", "rId1"
    listed = struct.pack("<II", 0, 1) + struct.pack("<I", len(rid)) + rid.encode("utf-16-le")
    listed += struct.pack("<I", len(name)) + name.encode("utf-16-le")
    book = record(0x83, b"") + record(0x8F, b"") + record(0x9C, listed) + record(0x90, b"")
    book += record(0x84, b"")
    path = folder / "binaire.xlsb"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _ROOT.replace("workbook.xml", "workbook.bin"))
        archive.writestr("xl/workbook.bin", book)
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            f'<?xml version="1.0"?><Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.bin"/></Relationships>',
        )
        archive.writestr("xl/worksheets/sheet1.bin", sheet)
    return path


_ODS = (
    '<?xml version="1.0"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>'
    "<office:spreadsheet>{}</office:spreadsheet></office:body></office:document-content>"
)


def document(path: Path, content: str) -> Path:
    """Write an open document."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", _ODS.format(content))
    return path


@hostile("ods_repeated")
def ods_repeated(folder: Path) -> Path:
    full = '<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="1024"/>'
    return document(
        folder / "repete.ods",
        f'<table:table table:name="F1"><table:table-row table:number-rows-repeated="1048576">'
        f"{full}</table:table-row></table:table>",
    )


@hostile("ods_many_sheets")
def ods_many_sheets(folder: Path) -> Path:
    one = (
        '<table:table table:name="F{}"><table:table-row><table:table-cell office:value-type="float" '
        'office:value="1"/></table:table-row></table:table>'
    )
    return document(folder / "feuilles.ods", "".join(one.format(i) for i in range(200_000)))


@hostile("parquet_dictionary")
def parquet_dictionary(folder: Path) -> Path:
    """Two hundred million rows of one text: a file of some kilobytes."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "dictionnaire.parquet"
    block = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(5_000_000, dtype=np.int32)), pa.array(["x" * 1_000])
    )
    table = pa.table({"x": block})
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(40):
            writer.write_table(table)
    return path


@hostile("parquet_long_text")
def parquet_long_text(folder: Path) -> Path:
    """Few rows, each a text of fifty million letters."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "lettres.parquet"
    table = pa.table({"x": pa.array(["a" * 50_000_000] * 20)})
    pq.write_table(table, path, compression="zstd")
    return path


@hostile("parquet_many_columns")
def parquet_many_columns(folder: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "colonnes.parquet"
    pq.write_table(pa.table({f"c{i}": [1] for i in range(30_000)}), path)
    return path


@hostile("feather_ratio")
def feather_ratio(folder: Path) -> Path:
    import numpy as np
    import pyarrow as pa
    import pyarrow.feather as feather

    path = folder / "plume.feather"
    feather.write_feather(pa.table({"x": np.zeros(60_000_000)}), path, compression="zstd")
    return path


@hostile("arrow_nested")
def arrow_nested(folder: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "nested.parquet"
    pq.write_table(pa.table({"id": [1, 2], "x": [[{"a": [1, 2]}], []]}), path)
    return path


@hostile("gzip_under_csv")
def gzip_under_csv(folder: Path) -> Path:
    path = folder / "tableau.csv"
    path.write_bytes(gzip.compress(b"a;b\n" * 100_000_000, compresslevel=1))
    return path


@hostile("gzip_csv")
def gzip_csv(folder: Path) -> Path:
    path = folder / "tableau.csv.gz"
    path.write_bytes(gzip.compress(b"a;b\n" * 50_000_000, compresslevel=1))
    return path


@hostile("one_line_300_mb")
def one_line_300_mb(folder: Path) -> Path:
    path = folder / "ligne.csv"
    with path.open("wb") as stream:
        stream.write(b"id;x\nA;")
        for _ in range(300):
            stream.write(b"a" * 1_000_000)
    return path


@hostile("columns_50000")
def columns_50000(folder: Path) -> Path:
    path = folder / "large.csv"
    line = ";".join(f"c{i}" for i in range(50_000))
    path.write_text(line + "\n" + (";".join(["1"] * 50_000) + "\n") * 20)
    return path


@hostile("separators_only")
def separators_only(folder: Path) -> Path:
    path = folder / "vide.csv"
    path.write_bytes(b"id;x\n" + b";" * 30_000_000)
    return path


@hostile("quotes_only")
def quotes_only(folder: Path) -> Path:
    path = folder / "guillemets.csv"
    path.write_bytes(b'"' * 20_000_001)
    return path


@hostile("quote_lines")
def quote_lines(folder: Path) -> Path:
    path = folder / "guillemets2.csv"
    path.write_bytes(b"id;x\n" + b'"\n' * 100_000)
    return path


@hostile("quote_opened_each_line")
def quote_opened_each_line(folder: Path) -> Path:
    path = folder / "guillemets3.csv"
    path.write_bytes(b"id;x\n" + b'A;"b" c"\n' * 40_000)
    return path


@hostile("blank_lines")
def blank_lines(folder: Path) -> Path:
    path = folder / "blancs.csv"
    path.write_bytes(b"id;x\n" + b"\n" * 30_000_000)
    return path


@hostile("nul_bytes")
def nul_bytes(folder: Path) -> Path:
    path = folder / "nul.csv"
    path.write_bytes(b"id;x\n" + b"A;1\n" * 5_000 + b"\x00" * 50_000_000)
    return path


@hostile("deep_json")
def deep_json(folder: Path) -> Path:
    path = folder / "results.json"
    path.write_text("[" * 100_000 + "]" * 100_000)
    return path


@hostile("deep_json_closed_late")
def deep_json_objects(folder: Path) -> Path:
    path = folder / "results.json"
    path.write_text('{"schema": "impact-eval/results/2", "a":' + '{"a":' * 900 + "1" + "}" * 901)
    return path


@hostile("huge_json")
def huge_json(folder: Path) -> Path:
    path = folder / "results.json"
    with path.open("w") as stream:
        stream.write('{"schema": "impact-eval/results/2", "study": [')
        for _ in range(300):
            stream.write("[[[1]]]," * 125_000)
        stream.write("1]}")
    return path


@hostile("huge_integer")
def huge_integer(folder: Path) -> Path:
    path = folder / "results.json"
    path.write_text(
        json.dumps({"schema": "impact-eval/results/2"})[:-1] + ',"n":1' + "0" * 4_000 + "}"
    )
    return path


@hostile("deep_toml")
def deep_toml(folder: Path) -> Path:
    path = folder / "codes.codes.toml"
    path.write_text("a = " + "[" * 100_000 + "]" * 100_000)
    return path


@hostile("dotted_toml")
def dotted_toml(folder: Path) -> Path:
    path = folder / "points.codes.toml"
    path.write_text(".".join(["a"] * 100_000) + " = 1")
    return path


@hostile("dotted_toml_many")
def dotted_toml_many(folder: Path) -> Path:
    path = folder / "points2.codes.toml"
    path.write_text("".join(f"[{'.'.join(['a'] * 900)}.b{i}]\n" for i in range(2_500)))
    return path


@hostile("series_toml")
def series_toml(folder: Path) -> Path:
    """A column of the codebook that stands for a thousand million."""
    path = folder / "series.codes.toml"
    path.write_text('[columns."q_{1..999999999}"]\nfrom = "q {}"\n')
    return path


@hostile("form_far_cell")
def form_far_cell(folder: Path) -> Path:
    """A questionnaire with a far cell."""
    path = one_far_cell(folder)
    out = folder / "formulaire.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'name="F1"', b'name="survey"'))
    return out


@hostile("spss_declared_rows")
def spss_declared_rows(folder: Path) -> Path:
    """Twenty columns of thirty two thousand letters, compressed."""
    import pandas as pd
    import pyreadstat

    path = folder / "lettres.zsav"
    frame = pd.DataFrame({"x": ["a" * 30_000] * 5_000})
    pyreadstat.write_sav(frame, str(path), compress=True)
    return path


@hostile("stata_ratio")
def stata_rows(folder: Path) -> Path:
    """A header that declares a hundred million rows."""
    import pandas as pd

    path = folder / "lignes.dta"
    pd.DataFrame({"x": [1, 2, 3]}).to_stata(path, write_index=False, version=118)
    raw = path.read_bytes()
    at = raw.index(b"<N>") + 3
    path.write_bytes(raw[:at] + struct.pack("<Q", 10**9) + raw[at + 8 :])
    return path
