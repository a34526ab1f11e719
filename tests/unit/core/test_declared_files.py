"""What people write is read by one door: the same fault is told the same in every file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from impact_eval import ImpactEvalError, Study
from impact_eval.core.findings import Finding
from impact_eval.core.model_faults import key_path, known_keys
from impact_eval.core.toml_files import parse_toml, read_toml
from impact_eval.data.codebook import Codebook
from impact_eval.pipeline.study_models import StudyFile
from impact_eval.report.texts import Texts, render_error
from impact_eval.survey.instrument_file import Instrument
from impact_eval.value import ValueMap
from impact_eval.value.map.catalogue_entries import read_entries

READERS: dict[str, Callable[[Path], Any]] = {
    "study.toml": Study.read,
    "echelle.toml": Instrument.read,
    "codes.toml": Codebook.read,
    "carte.toml": ValueMap.read,
    "catalogue.toml": lambda path: read_entries({path.name: path.read_text("utf-8-sig")}),
}
SYNTAX = {"study_not_toml", "toml_syntax", "value_map_not_readable", "catalogue_not_readable"}
ENCODING = {"study_not_utf8", "toml_not_utf8", "value_map_not_readable"}
BADLY_WRITTEN: dict[str, tuple[str, int | None]] = {
    "a bracket left open": ('a = 1\nb = ["x",\n', 2),
    "no quotation marks": ("a = 1\nb = deux mots\n", 2),
    "a text never closed": ('a = "un\nb = 2\n', 1),
    "only an equals sign": ("\n\n= 3\n", 3),
    "a thousand brackets": ("a = " + "[" * 5_000, None),
    "a number of five thousand digits": ("a = " + "1" * 5_000, None),
    "a day that is none": ("a = 2024-13-45\n", 1),
    "a letter of control": ("a = 1\nb = 'x\x00'\n", 2),
}
TWICE: dict[str, tuple[str, int]] = {
    "a key": ("a = 1\na = 2\n[t]\n", 2),
    "the last key": ("[t]\na = 1\n\na = 2", 4),
    "a table": ("[t]\na = 1\n[t]\nb = 2\n", 3),
    "a key of a short table": ("t = { a = 1, a = 2 }\n", 1),
    "a list and a table": ("[[t]]\na = 1\n[t]\n", 3),
}


def refused(read: Callable[[Path], Any], path: Path) -> Finding:
    """Return the one fault of a file; its words are in both languages and name the file."""
    with pytest.raises(ImpactEvalError) as caught:
        read(path)
    (finding,) = caught.value.findings
    for language in ("fr", "en"):
        told = render_error(caught.value, language)
        assert path.name in told
        assert not set("{}") & set(told)
        assert not any(word in told for word in ("None", "Error", "Invalid", "Expected", "Cannot"))
    return finding


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("text", BADLY_WRITTEN)
def test_what_is_badly_written_is_told_with_its_line(tmp_path: Path, name: str, text: str) -> None:
    written, row = BADLY_WRITTEN[text]
    (tmp_path / name).write_text(written, encoding="utf-8")
    found = refused(READERS[name], tmp_path / name)
    assert found.code in SYNTAX
    assert found.place is not None
    assert (found.place.file, found.place.row) == (name, row)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("text", TWICE)
def test_what_stands_twice_is_told_as_such(tmp_path: Path, name: str, text: str) -> None:
    written, row = TWICE[text]
    (tmp_path / name).write_text(written, encoding="utf-8")
    found = refused(READERS[name], tmp_path / name)
    assert found.code == "toml_key_twice"
    assert found.place is not None
    assert found.place.row == row


@pytest.mark.parametrize("name", [name for name in READERS if name != "catalogue.toml"])
def test_a_file_of_another_encoding_is_told_with_its_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes("a = 1\r\nb = 'été'\r\n".encode("cp1252"))
    found = refused(READERS[name], tmp_path / name)
    assert found.code in ENCODING
    assert found.place is not None
    assert found.place.row == 2


@pytest.mark.parametrize("name", ["echelle.toml", "codes.toml"])
def test_a_file_that_is_no_description_is_not_read_whole(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"# \n" * 2_000_000)
    assert refused(READERS[name], tmp_path / name).code == "toml_too_large"


def test_every_end_of_line_and_a_mark_of_order_are_read(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        (tmp_path / "a.toml").write_bytes(f"\ufeffa = 1{end}[t]{end}b = 'é'{end}".encode())
        assert read_toml(tmp_path / "a.toml") == {"a": 1, "t": {"b": "é"}}
    assert parse_toml("a = 0.10", "a.toml", parse_float=str) == {"a": "0.10"}


SCALE = (
    'id = "e"\ndirection = "higher_is_better"\nlow = 1\nhigh = 4\n'
    'items = [{ id = "a" }, { id = "b" }]\nresponses = [{ code = 1, fr = ["oui"] }]\n'
    'scoring = { rule = "sum" }\n'
)
STUDY = (
    'schema = "impact-eval/study/1"\n[study]\nid = "a"\ntitle = "A"\naction = "B"\n'
    'producer = "C"\npillar = "emploi"\nterritory = "62"\nperiod = ["2024", "2025"]\n'
)


def _scale(old: str, new: str) -> tuple[str, str]:
    assert old in SCALE
    return "echelle.toml", SCALE.replace(old, new, 1)


def _study(line: str) -> tuple[str, str]:
    return "study.toml", STUDY.replace("[study]\n", f"[study]\n{line}\n", 1)


# The same fault in a study and in a scale: code, place, what was wanted, what is known.
SAME: dict[str, tuple[tuple[str, str], str, str, dict[str, Any]]] = {
    "a key of a list": (_scale('"a" }', '"a", reverse = true }'), "unknown_key",
        "items[1].reverse", {"nearest": "reversed"}),
    "a key of a table": (_study("titel = 'x'"), "unknown_key", "study.titel", {"nearest": "title"}),
    "a key missing in a list": (_scale('{ id = "a" }', "{ reversed = true }"), "missing_key",
        "items[1].id", {}),
    "a text for a number": (_scale("code = 1", "code = 'un'"), "wrong_type",
        "responses[1].code", {"expected": "wanted.whole", "found": "un"}),
    "a number for a text": (_study("contact = 3"), "unknown_key", "study.contact", {}),
    "a text for a list": (_scale('["oui"]', '"oui"'), "wrong_type", "responses[1].fr",
        {"expected": "wanted.list"}),
    "a choice": (_scale('"sum"', '"summ"'), "wrong_choice", "scoring.rule", {"nearest": "sum"}),
    "an identifier": (_scale('id = "e"', 'id = "Mon échelle"'), "bad_identifier", "id",
        {"found": "Mon échelle"}),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_a_model_s_fault_is_told_by_its_place_and_what_was_wanted(
    tmp_path: Path, name: str
) -> None:
    (file, text), code, place, values = SAME[name]
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(ImpactEvalError) as caught:
        READERS[file](tmp_path / file)
    (found,) = [f for f in caught.value.findings if f.place is not None and f.place.key == place]
    assert found.code == code
    assert values.items() <= dict(found.values).items()
    for language in ("fr", "en"):
        assert "wanted." not in render_error(caught.value, language)
    expected = found.values.get("expected")
    if expected is not None:
        assert Texts("fr").label(str(expected)) in render_error(caught.value, "fr")


def test_a_place_names_no_type_of_ours() -> None:
    data = {"outcomes": [{"label": {"fr": 3}}], "str": {"a": 1}}
    assert key_path(("outcomes", 0, "label", "AuthorText", "fr"), data) == "outcomes[1].label.fr"
    assert key_path(("outcomes", 0, "label", "constrained-str"), data) == "outcomes[1].label"
    assert key_path(("str", "a"), data) == "str.a"
    assert key_path(("outcomes", 0, "unit"), data, absent=True) == "outcomes[1].unit"
    assert key_path(("outcomes", 0), data, first=0) == "outcomes[0]"


def test_the_keys_known_are_those_of_the_table_at_fault() -> None:
    assert set(known_keys(StudyFile, ("study", "title", "AuthorText", "de"))) == {"fr", "en"}
    assert "column" in known_keys(StudyFile, ("outcomes", 0, "colum"))
    assert {"id", "reversed"} <= set(known_keys(Instrument, ("items", 0, "reverse")))
    assert "study" in known_keys(StudyFile, ("studdy",))
