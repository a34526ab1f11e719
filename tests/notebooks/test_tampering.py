"""Edits of an output folder, one by one: each is found, and the file that was edited is named.

One run is made and copied; a forged edition is caught by what the run gave, as `verify` would
compute it again (`test_run.py` holds that a second run gives the same).
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from one_process import without_kernel
from value_study import value_study

from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.pipeline.content import content_checksum
from impact_eval.pipeline.edition_checks import contents_of, recorded_asked
from impact_eval.pipeline.edition_files import Asked
from impact_eval.pipeline.remaking import remake
from impact_eval.pipeline.runner import run
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.verification import Verification, study_behind, verified, verify
from impact_eval.results.records import StudyResults, comparable

RESULTS, NOTEBOOK, CRATE, CONTROL = (
    "results.json", "notebook.ipynb", "ro-crate-metadata.json", "controle.json",
)  # fmt: skip
FRENCH, ENGLISH = "rapport-fr.html", "report-en.html"
TABLE, FIGURE, BOOK, WORD, PDF = (
    "tables/table-02.csv", "tables/figure-02-tornado.csv", "compte-fr.xlsx",
    "rapport-fr.docx", "report-en.pdf",
)  # fmt: skip
BLOCK = "application/vnd.impact-eval.block+json"
BUNDLE = "application/vnd.impact-eval.results+json"
Edit = Callable[[Path], set[str]]
SEED = 20261128


class Made:
    """One edition, what it is made again from, and what a second run gives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.study = Study.read(folder)
        with without_kernel():
            self.results = run(folder).results
        self.asked = Asked.by(self.study, "study_report")
        self._kept: dict[str, Any] = {}

    def remade(self, results: StudyResults, asked: Any) -> Any:
        """Return an edition made again, once for the same results."""
        key = sha256(json.dumps([results.to_dict() | {"provenance": None}, str(asked)]))
        if key not in self._kept:
            self._kept[key] = contents_of(results, asked)
        return self._kept[key]

    def verify(self, published: Path) -> Verification:
        """Verify a copy, without a kernel."""
        return verified(published, self.study, remade=self.remade, again=lambda *_: self.results)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("falsifiee") / "etude"
    return Made(value_study(folder, formats=("html", "pdf", "docx")))


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made.folder / "sortie", tmp_path / "sortie"))


# -- how a file is edited ------------------------------------------------------------------------


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def write(path: Path, content: Any, *, sort: bool = False) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=sort) + "\n"
    path.write_text(text, "utf-8", newline="\n")


def in_json(name: str, change: Callable[[Any], object]) -> Edit:
    def edit(folder: Path) -> set[str]:
        content = read(folder / name)
        change(content)
        write(folder / name, content, sort=name.endswith(".ipynb"))
        return {name}

    return edit


def in_text(name: str, change: Callable[[str], str]) -> Edit:
    def edit(folder: Path) -> set[str]:
        before = (folder / name).read_bytes().decode("utf-8")
        after = change(before)
        assert after != before, "the edit changes nothing"
        (folder / name).write_bytes(after.encode("utf-8"))
        return {name}

    return edit


def in_rows(name: str, change: Callable[[list[list[str]]], object]) -> Edit:
    def through(text: str) -> str:
        rows = list(csv.reader(io.StringIO(text, newline="")))
        change(rows)
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows(rows)
        return out.getvalue()

    return in_text(name, through)


def in_zip(name: str, part: str, change: Callable[[bytes], bytes | None]) -> Edit:
    def edit(folder: Path) -> set[str]:
        out = io.BytesIO()
        with zipfile.ZipFile(folder / name) as before, zipfile.ZipFile(out, "w") as after:
            for info in before.infolist():
                raw = before.read(info.filename)
                kept = change(raw) if info.filename == part else raw
                assert info.filename != part or kept != raw
                if kept is not None:
                    after.writestr(info, kept)
        (folder / name).write_bytes(out.getvalue())
        return {name}

    return edit


def in_bytes(name: str, change: Callable[[bytearray], object]) -> Edit:
    def edit(folder: Path) -> set[str]:
        raw = bytearray((folder / name).read_bytes())
        change(raw)
        (folder / name).write_bytes(raw)
        return {name}

    return edit


def beside_parts(name: str, where: str, words: bytes = b"Zoe Dubois") -> Edit:
    """Write words where no reader of an archive looks, all its parts left as they are."""

    def edit(folder: Path) -> set[str]:
        raw = (folder / name).read_bytes()
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(raw)) as before, zipfile.ZipFile(out, "w") as after:
            for k, info in enumerate(before.infolist()):
                kept = before.read(info)
                if k == 1 and where == "gap":
                    out.write(words)
                    after.start_dir = out.tell()
                if k == 1 and where == "comment of a part":
                    info.comment = words
                if k == 1 and where == "extra field":
                    info.extra = b"\xfe\xca" + len(words).to_bytes(2, "little") + words
                after.writestr(info, kept)
            if where == "comment":
                after.comment = words
        with zipfile.ZipFile(io.BytesIO(raw)) as before, zipfile.ZipFile(out) as after:
            for part in before.namelist():
                assert before.read(part) == after.read(part)
        assert words in out.getvalue()
        (folder / name).write_bytes(out.getvalue())
        return {name}

    return edit


def in_moment(name: str) -> Edit:
    """Write a name where a document says when it was changed."""
    core = "docProps/core.xml"
    return in_zip(
        name,
        core,
        lambda raw: raw.replace(b"</dcterms:modified>", b" Zoe Dubois</dcterms:modified>"),
    )


def in_book(change: Callable[[Any], object]) -> Edit:
    def edit(folder: Path) -> set[str]:
        from openpyxl import load_workbook

        book = load_workbook(folder / BOOK)
        change(book)
        book.save(folder / BOOK)
        return {BOOK}

    return edit


def another_digit(text: str) -> str:
    """Change one digit of the words of a page, drawn at random."""
    found = [m.start() for m in re.finditer(r"(?<=[\s\u00a0>])\d(?=[\s\u00a0,.]?\d)", text)]
    at = random.Random(SEED).choice(found[len(found) // 2 :])
    return text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]


def flip(raw: bytearray) -> None:
    raw[random.Random(SEED).randrange(len(raw) // 4, len(raw) // 2)] ^= 1


def effect(data: Any) -> Any:
    return data["estimates"][0]["estimate"]["effects"][0]


def longer(moment: str) -> str:
    """Return a moment that holds the digits of a telephone number after its second."""
    return moment.replace("+00:00", ".0612345678+00:00")


def add_to(data: Any, key: str, by: float) -> None:
    data[key] += by


def bundles(notebook: Any, mime: str) -> list[Any]:
    return [
        output["data"][mime]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if mime in output["data"]
    ]


def first_estimate(notebook: Any) -> None:
    """Change the first number of the first block that holds one."""
    for bundle in bundles(notebook, BLOCK):
        for block in bundle["blocks"]:
            if block["kind"] == "table":
                for row in block["rows"]:
                    for i, cell in enumerate(row):
                        if isinstance(cell, (int, float)) and not isinstance(cell, bool):
                            row[i] = cell + 1
                            return
    raise AssertionError("no number in a block")


def entity(crate: Any, name: str) -> Any:
    return next(e for e in crate["@graph"] if e["@id"] == name)


def drop_entity(crate: Any) -> None:
    crate["@graph"].remove(entity(crate, TABLE))
    entity(crate, "./")["hasPart"].remove({"@id": TABLE})


def move(name: str, to: str) -> Edit:
    def edit(folder: Path) -> set[str]:
        (folder / name).rename(folder / to)
        return {name, to}

    return edit


def drop(name: str) -> Edit:
    def edit(folder: Path) -> set[str]:
        (folder / name).unlink()
        return {name}

    return edit


def add(name: str, content: bytes = b"x") -> Edit:
    def edit(folder: Path) -> set[str]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        return {name}

    return edit


def as_folder(folder: Path) -> set[str]:
    (folder / TABLE).unlink()
    (folder / TABLE).mkdir()
    return {TABLE}


def as_link(folder: Path) -> set[str]:
    kept = folder.parent / "ailleurs.csv"
    (folder / TABLE).rename(kept)
    (folder / TABLE).symlink_to(kept)
    return {TABLE}


def added_link(folder: Path) -> set[str]:
    (folder / "lien").symlink_to(folder.parent)
    return {"lien"}


def empty_folder(folder: Path) -> set[str]:
    (folder / "vide").mkdir()
    return {"vide"}


def swapped(one: str, other: str) -> Edit:
    def edit(folder: Path) -> set[str]:
        first, second = (folder / one).read_bytes(), (folder / other).read_bytes()
        (folder / one).write_bytes(second)
        (folder / other).write_bytes(first)
        return {one, other}

    return edit


def covered_up(folder: Path, name: str) -> set[str]:
    """Write the new checksum of a file wherever it is told."""
    crate, control = read(folder / CRATE), read(folder / CONTROL)
    entity(crate, name)["sha256"] = sha256((folder / name).read_bytes())
    told = next(o for o in control["outputs"] if o["name"] == name)
    old, told["sha256"] = told["sha256"], content_checksum(folder / name)
    write(folder / CONTROL, control)
    pages = ("controle-fr.html", "check-en.html")
    for page in pages:
        text = (folder / page).read_text("utf-8")
        (folder / page).write_text(text.replace(old, told["sha256"]), "utf-8", newline="\n")
    for page in (CONTROL, *pages):
        entity(crate, page)["sha256"] = sha256((folder / page).read_bytes())
    write(folder / CRATE, crate)
    return {CRATE, CONTROL, *pages}


def table_and_checksums(folder: Path) -> set[str]:
    return in_text(TABLE, another_digit_of_a_table)(folder) | covered_up(folder, TABLE)


def another_digit_of_a_table(text: str) -> str:
    return re.sub(r"(?<=,)(\d)", lambda m: str((int(m[1]) + 1) % 10), text, count=1)


def notebook_and_report(folder: Path) -> set[str]:
    """Change the notebook and export one report from it: the two agree with each other."""
    import nbformat

    from impact_eval.pipeline.exporters import EXPORTERS

    in_json(NOTEBOOK, first_estimate)(folder)
    notebook = nbformat.read(folder / NOTEBOOK, as_version=4)
    content, _ = EXPORTERS["html"](language="fr").from_notebook_node(notebook)
    assert content.encode() != (folder / FRENCH).read_bytes()
    (folder / FRENCH).write_text(content, "utf-8", newline="\n")
    return {NOTEBOOK, FRENCH}


def rename_key(data: Any) -> None:
    data["estimates"][0]["unité"] = data["estimates"][0].pop("estimate")


EDITS: dict[str, Edit] = {
    "results: a number": in_json(RESULTS, lambda d: add_to(effect(d), "estimate", 0.001)),
    "results: a label": in_json(RESULTS, lambda d: d["study"]["title"].update(fr="Autre")),
    "results: an unknown key": in_json(RESULTS, lambda d: d.update(added=1)),
    "results: a key deleted": in_json(RESULTS, lambda d: d.pop("checks")),
    "results: a key renamed": in_json(RESULTS, rename_key),
    "results: a hash": in_json(RESULTS, lambda d: d["provenance"].update(template_sha256="0" * 64)),
    "results: spaces": in_text(RESULTS, lambda t: t.replace(": ", ":  ", 1)),
    "results: truncated": in_text(RESULTS, lambda t: t[: len(t) // 2]),
    "results: emptied": in_text(RESULTS, lambda _: ""),
    "results: nested": in_text(RESULTS, lambda _: "[" * 5000),
    "results: another day": in_json(
        RESULTS, lambda d: d["provenance"].update(run_at="2019-05-04T08:32:00+00:00")
    ),
    "results: no day": in_json(RESULTS, lambda d: d["provenance"].update(run_at="")),
    "results: more than a second": in_json(
        RESULTS, lambda d: d["provenance"].update(run_at=longer(d["provenance"]["run_at"]))
    ),
    "results: deleted": drop(RESULTS),
    "notebook: a number of a block": in_json(NOTEBOOK, first_estimate),
    "notebook: the results": in_json(
        NOTEBOOK, lambda n: add_to(effect(bundles(n, BUNDLE)[0]), "estimate", 0.001)
    ),
    "notebook: a program": in_json(
        NOTEBOOK, lambda n: n["cells"][2]["source"].append("\nimport os")
    ),
    "notebook: a cell added": in_json(
        NOTEBOOK, lambda n: n["cells"].append({**n["cells"][0], "id": "c99"})
    ),
    "notebook: a preview": in_json(
        NOTEBOOK, lambda n: bundles(n, "text/html")[0].append("<script>alert(1)</script>")
    ),
    "notebook: truncated": in_text(NOTEBOOK, lambda t: t[: len(t) // 3]),
    "report: a digit": in_text(FRENCH, another_digit),
    "report: a sentence removed": in_text(
        ENGLISH, lambda t: re.sub(r"<p[^>]*>[^<]{60,}</p>", "", t, count=1)
    ),
    "report: a program": in_text(
        FRENCH, lambda t: t.replace("</body>", "<script>1</script></body>")
    ),
    "report: languages swapped": swapped(FRENCH, ENGLISH),
    "report: deleted": drop(ENGLISH),
    "report: Word text": in_zip(
        WORD, "word/document.xml", lambda raw: raw.replace(b"</w:t>", b"!</w:t>", 1)
    ),
    "report: a byte of a PDF": in_bytes(PDF, flip),
    "report: after the end of a PDF": in_bytes(PDF, lambda raw: raw.extend(b"% more")),
    "table: a cell": in_text(TABLE, another_digit_of_a_table),
    "table: a heading": in_rows(TABLE, lambda rows: rows[0].__setitem__(0, "autre")),
    "table: a row deleted": in_rows(TABLE, lambda rows: rows.pop()),
    "table: a row added": in_rows(TABLE, lambda rows: rows.append(list(rows[-1]))),
    "table: rows in another order": in_rows(
        "tables/figure-01-payers.csv", lambda rows: rows.insert(1, rows.pop())
    ),
    "table: a column more": in_rows(TABLE, lambda rows: [row.append("1") for row in rows]),
    "table: ends of lines": in_text(TABLE, lambda t: t.replace("\n", "\r\n")),
    "table: deleted": drop(TABLE),
    "table: one more": add("tables/table-99.csv", b"a\n1\n"),
    "table: emptied": in_text(TABLE, lambda _: ""),
    "figure: a number": in_text(FIGURE, another_digit_of_a_table),
    "workbook: a cell": in_book(lambda b: b.worksheets[0].__setitem__("B2", 42)),
    "workbook: a formula": in_book(lambda b: b.worksheets[-1].__setitem__("C9", "=1+1")),
    "workbook: a sheet deleted": in_book(lambda b: b.remove(b.worksheets[-1])),
    "workbook: after its end": in_bytes(BOOK, lambda raw: raw.extend(b"more")),
    **{
        f"{kind}: {where}": beside_parts(name, where)
        for kind, name in (("workbook", BOOK), ("report", WORD))
        for where in ("gap", "comment of a part", "extra field", "comment")
    },
    "workbook: its moment": in_moment(BOOK),
    "report: its moment": in_moment(WORD),
    "control: an outcome": in_json(
        CONTROL, lambda c: c["outputs"][0].update(status="review", summary="review")
    ),
    "control: its page": in_text("controle-fr.html", another_digit),
    "crate: a checksum": in_json(CRATE, lambda c: entity(c, TABLE).update(sha256="0" * 64)),
    "crate: a file removed": in_json(CRATE, drop_entity),
    "crate: a file added": in_json(
        CRATE, lambda c: c["@graph"].append({"@id": "autre.csv", "@type": "File"})
    ),
    "crate: damaged": in_text(CRATE, lambda t: t[:-40]),
    "a hidden file": add(".cache"),
    "a nested file": add("tables/a/b/c.csv"),
    "an empty folder": empty_folder,
    "a link added": added_link,
    "a file renamed": move(TABLE, "tables/table-2.csv"),
    "a folder for a file": as_folder,
    "a link for a file": as_link,
    "a table, its checksums everywhere": table_and_checksums,
    "the notebook and a report": notebook_and_report,
}


@pytest.mark.parametrize("name", EDITS)
def test_each_edit_is_found_and_its_file_named(name: str, made: Made, copy: Path) -> None:
    edited = EDITS[name](copy)
    found = made.verify(copy)
    assert not found.verified
    assert {one.file for one in found.differences} == edited


def test_the_corpus_is_large_enough() -> None:
    assert len(EDITS) >= 40


def test_nothing_is_found_in_a_copy(made: Made, copy: Path) -> None:
    found = made.verify(copy)
    assert found.verified, [str(one) for one in found.differences]


def test_the_moment_is_told_beside_the_results_and_nowhere_else(made: Made, copy: Path) -> None:
    """An edition received without its status is held to the form of a moment alone."""
    assert read(copy / "status.json")["at"] == made.results.provenance.run_at
    (copy / "status.json").unlink()
    assert made.verify(copy).verified
    elsewhere, more = "2019-05-04T10:32:00+02:00", longer(made.results.provenance.run_at)
    told = {"2019-05-04T08:32:00+00:00": [], elsewhere: [RESULTS], more: [RESULTS]}
    for moment, files in told.items():
        in_json(RESULTS, lambda d, at=moment: d["provenance"].update(run_at=at))(copy)
        assert [one.file for one in made.verify(copy).differences] == files


def test_what_results_tell_is_the_same_read_as_they_are_or_as_records(made: Made) -> None:
    records = sha256(canonical_json(comparable(made.results)))
    assert content_checksum(made.folder / "sortie" / RESULTS) == records


def test_a_forged_edition_is_caught_by_the_second_run(made: Made, copy: Path) -> None:
    """All is made again from forged results: nothing in the folder denies anything else."""
    data = made.results.to_dict()
    add_to(effect(data), "estimate", 0.001)
    forged = StudyResults.from_dict(data)
    for path in sorted(copy.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    remake(forged, made.asked, copy)
    found = made.verify(copy)
    assert (found.complete, found.stable, found.consistent) == (True, False, True)
    keys = [one.finding.place.key for one in found.differences if one.finding.place]
    assert "estimates[0].estimate.effects[0].estimate" in keys
    assert {one.file for one in found.differences} == {RESULTS}


@pytest.mark.parametrize("gone", [None, FRENCH, PDF, TABLE, CONTROL, "check-en.html", BOOK])
def test_an_edition_without_its_study_is_held_against_itself(
    made: Made, copy: Path, gone: str | None
) -> None:
    assert recorded_asked(copy) == made.asked
    if gone is not None:
        (copy / gone).unlink()
    found = verified(copy, None, remade=made.remade)
    assert (found.complete, found.stable, found.consistent) == (gone is None, None, True)
    assert not found.verified
    assert [one.file for one in found.differences] == ([] if gone is None else [gone])


def test_a_lone_edition_that_was_edited_is_told(made: Made, copy: Path) -> None:
    in_rows(TABLE, lambda rows: rows[1].__setitem__(1, "0.99"))(copy)
    found = verify(copy)
    assert (found.complete, found.stable, found.consistent) == (True, None, False)
    assert {one.file for one in found.differences} == {TABLE}


def test_where_is_said(made: Made, copy: Path) -> None:
    in_rows(TABLE, lambda rows: rows[1].__setitem__(1, "0.99"))(copy)
    (difference,) = made.verify(copy).differences
    head = (copy / TABLE).read_text("utf-8").split("\n")[0].split(",")[1]
    assert str(difference) == f"{TABLE}: column={head}, row=2 [verify_cell]"
    assert difference.finding.values["found"] == "0.99"


def test_other_data_are_the_reason(made: Made, copy: Path) -> None:
    data = made.results.to_dict()
    data["provenance"]["data_sha256"] = "0" * 64
    add_to(effect(data), "estimate", 0.001)
    other = StudyResults.from_dict(data)
    found = verified(copy, made.study, remade=made.remade, again=lambda *_: other)
    assert [one.finding.code for one in found.differences] == [
        "verify_other_data", "verify_values_moved",
    ]  # fmt: skip


@pytest.mark.parametrize("left", range(0, 25, 3))
def test_a_folder_half_deleted_is_told(left: int, made: Made, copy: Path) -> None:
    gone = set()
    files = sorted(p for p in copy.rglob("*") if p.is_file() and p.name != "status.json")
    for path in random.Random(left).sample(files, len(files) - left):
        path.unlink()
        gone.add(path.relative_to(copy).as_posix())
    found = made.verify(copy)
    told = {one.file for one in found.differences}
    readable = not {RESULTS, NOTEBOOK} <= gone
    assert told == ((gone - {"status.json"}) if readable else {RESULTS, NOTEBOOK})
    assert not found.complete


@pytest.mark.parametrize("name", [RESULTS, NOTEBOOK, CRATE, CONTROL])
@pytest.mark.parametrize("seed", range(9))
def test_damage_is_told_never_raised(seed: int, name: str, made: Made, copy: Path) -> None:
    """Thirty-six damaged files: bits turned, pieces lost, doubled, or of another encoding."""
    draw = random.Random(SEED + seed)
    raw = bytearray((copy / name).read_bytes())
    at = draw.randrange(len(raw) - 40)
    match seed % 6:
        case 0:
            raw[at] ^= 1 << draw.randrange(7)
        case 1:
            del raw[at : at + draw.randrange(1, 30)]
        case 2:
            raw[at:at] = raw[at : at + 30]
        case 3:
            raw = bytearray(raw.decode("utf-8").encode("utf-16"))
        case 4:
            raw = raw[:at]
        case _:
            raw[at:at] = b"\xff\x00\xfe"
    (copy / name).write_bytes(raw)
    found = made.verify(copy)
    assert name in {one.file for one in found.differences}


def test_the_study_is_found_where_the_folder_says(made: Made, tmp_path: Path) -> None:
    out = tmp_path / "loin" / "ailleurs"
    shutil.copytree(made.folder / "sortie", out)
    file = Path("../../../") / made.folder.relative_to(tmp_path.parent) / "study.toml"
    assert (out / file).is_file()
    (out / "status.json").write_text(
        json.dumps({"schema": "impact-eval/status/1", "study": {"file": file.as_posix()}}), "utf-8"
    )
    assert study_behind(out).digest == made.study.digest
    assert study_behind(out, made.folder).digest == made.study.digest
