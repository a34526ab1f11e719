"""A big table read by parts is the table read with care: frame, dictionary, log and lines."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.provenance import fingerprint, fingerprint_of_columns
from impact_eval.data import big_text, clean_columns, clean_texts
from impact_eval.data.cells import ColumnType, read_column
from impact_eval.data.clean_texts import read_clean_texts
from impact_eval.data.codebook import Codebook
from impact_eval.data.labels import MISSING_WORDS, MissingKind
from impact_eval.data.readers.raw import AskedCells
from impact_eval.data.reading import read_chosen, read_table

NEVER = 10**12


def both(path: Path, **asked: object) -> Iterator[object]:
    """Return what both roads make of a file: the fast one whatever its size, the careful one."""
    for big, fewest in ((0, 0), (NEVER, NEVER)):
        with (
            patch.object(big_text, "BIG", big),
            patch.object(big_text, "_PART", 512),
            patch.object(clean_columns, "_FEWEST", fewest),
            patch.object(clean_texts, "_FEWEST", fewest),
        ):
            try:
                yield read_table(path, **asked)  # type: ignore[arg-type]
            except ImpactEvalError as error:
                yield [finding.to_dict() for finding in error.findings]


def assert_same(path: Path, **asked: object) -> None:
    fast, careful = both(path, **asked)
    if isinstance(careful, list):
        assert fast == careful
        return
    assert isinstance(fast, pd.DataFrame)
    assert isinstance(careful, pd.DataFrame)
    pd.testing.assert_frame_equal(fast, careful)
    assert dict(fast.attrs["reading"]) == dict(careful.attrs["reading"])


whole = st.integers(0, 9_999).map(str)
decimal = st.floats(-1e4, 1e4).map(lambda x: f"{x:.3f}")
column = st.sampled_from(
    [
        [whole], [decimal], [whole, decimal, st.just("")],
        [decimal.map(lambda x: x.replace(".", ","))],
        [whole, st.sampled_from(["NSP", "nr", "-", "", "."])],
        [whole, st.sampled_from(["s", "1 234,5", "12 €", "1e3", ".5", "5.", "+4", "-0"])],
        [st.sampled_from(["Bourg", "Gex", "Ambérieu", "Lyon 3e"])],
        [st.sampled_from(["oui", "non", "NSP", "", "refus"])],
        [st.integers(0, 99_999).map(lambda i: f"P{i:05d}")],
        [whole, st.sampled_from(["oui", "007", "12/01/2024"])],
        [st.sampled_from(["01/02/2024", "2024-03-01", "5 mars 2024"])],
        [st.integers(1, 95).map(lambda i: f"{i:02d}")],
        [st.sampled_from(["Saint Denis", "A\u00a0B", " Gex ", "a\x07b", "#DIV/0!", "1e400"])],
        [whole, st.sampled_from(["45 %", "3 €"])],
    ]
)  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, str]:
    forms = draw(st.lists(column, min_size=2, max_size=6))
    n = draw(st.integers(30, 90))
    seed = np.random.default_rng(draw(st.integers(0, 10**6)))
    pools = [[draw(one) for one in form for _ in range(6)] for form in forms]
    separator = draw(st.sampled_from([";", ",", "\t"]))
    names = ["id", *draw(st.sampled_from([list("abcdef"), ["dep", "ville", "âge", "n", "x", "y"],
                                          ["date", "b", "c", "d", "e", "f"]]))]  # fmt: skip
    quote = draw(st.sampled_from(["", '"']))
    rows = [names[: len(forms) + 1]]
    for i in range(n):
        rows.append([f"{quote}U{i:04d}{quote}", *(str(seed.choice(pool)) for pool in pools)])
    if draw(st.booleans()):  # a cell far down that is of another kind
        rows[-2][1] = draw(st.sampled_from(["oui", "007", "12 €", "NSP", "a b", '"x"', 'a"b', '"']))
    lines = [separator.join(c if separator not in c else f'"{c}"' for c in row) for row in rows]
    trait = draw(
        st.sampled_from(["", "", "", "total", "blank", "title", "note", "again", "ragged"])
    )
    if trait == "total":
        lines.append(separator.join(["Total", *[""] * (len(rows[0]) - 1)]))
    elif trait == "blank":
        lines.insert(n // 2, "")
    elif trait == "title":
        lines.insert(0, "Suivi 2024")
    elif trait == "note":
        lines.append("Source : Insee, 2024" + separator * (len(rows[0]) - 1))
    elif trait == "again":
        lines.insert(n // 2, lines[0])
    elif trait == "ragged":
        lines[n // 2] += separator + "x"
    end = draw(st.sampled_from(["\n", "\r\n"]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]))
    text = end.join(lines) + (end if draw(st.booleans()) else "")
    return text.encode(encoding), encoding


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(made=files())
def test_both_roads_agree(tmp_path: Path, made: tuple[bytes, str]) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(made[0])
    assert_same(path)


def of_columns(told: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return what a reading says of some columns, or of the rows."""
    kept = {None, *names}

    def about(entry: Mapping[str, Any]) -> set[str | None]:
        return {entry.get("place", {}).get("column"), entry["values"].get("column")}

    return {
        **told,
        "rows": {**told["rows"], "headers": None},
        "dictionary": [entry for entry in told["dictionary"] if entry["name"] in kept],
        "log": [entry for entry in told["log"] if about(entry) <= kept],
    }


def assert_chosen(path: Path, columns: Collection[str], **asked: Any) -> None:
    """Some columns of a file read by parts, then the others, are those of the careful reading."""
    _, whole = both(path, **asked)
    with (
        patch.object(big_text, "BIG", 0),
        patch.object(big_text, "_PART", 512),
        patch.object(clean_columns, "_FEWEST", 0),
        patch.object(clean_texts, "_FEWEST", 0),
    ):
        if isinstance(whole, list):
            with pytest.raises(ImpactEvalError) as refused:
                read_chosen(path, columns, **asked)
            assert [finding.to_dict() for finding in refused.value.findings] == whole
            return
        assert isinstance(whole, pd.DataFrame)
        chosen = read_chosen(path, columns, **asked)
        assert list(chosen.names) == list(whole.columns)
        read = chosen.frame
        unread = [name for name in chosen.names if name not in read.columns]
        assert set(columns) & set(chosen.names) <= set(read.columns)
        pd.testing.assert_frame_equal(read, whole[read.columns])
        told = dict(read.attrs["reading"])
        assert [e["name"] for e in told["dictionary"]] == list(whole.columns)
        assert of_columns(told, read.columns) == of_columns(whole.attrs["reading"], read.columns)
        assert len(chosen.head) <= len(whole)
        if not unread:
            assert chosen.others is None
            return
        assert chosen.others is not None
        assert not set(columns) & set(unread)
        for name, column in zip(unread, chosen.others.columns(unread), strict=True):
            pd.testing.assert_series_equal(column, whole[name])
        others = dict(zip(unread, chosen.others.columns(unread), strict=True))
    names = sorted(chosen.names)
    held = (read[name] if name in read.columns else others[name] for name in names)
    assert fingerprint_of_columns(names, held, rows=len(read)) == fingerprint(whole)


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(made=files(), data=st.data())
def test_some_columns_are_those_of_the_whole(
    tmp_path: Path, made: tuple[bytes, str], data: st.DataObject
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(made[0])
    names = made[0].decode(made[1]).splitlines()[0].split(",")[0].split(";")[0].split("\t")
    assert_chosen(path, data.draw(st.sets(st.sampled_from(["id", *"abcdef", "dep", *names]))))


LINES = [
    f"P{i:04d};{20 + i % 50};{['Femme', 'Homme', 'nr'][i % 3]};{i / 7:.3f};{i % 28 + 1:02d}/03/2024"
    for i in range(300)
]


@pytest.fixture
def people(tmp_path: Path) -> Path:
    text = "\n".join(["id;age;sexe;note;date d'entrée", *LINES]) + "\n"
    (tmp_path / "t.csv").write_text(text, "utf-8")
    return tmp_path / "t.csv"


SEXE = {"sexe": {1: "Femme", 2: "Homme"}}
RENAMED = {
    "columns": {
        "genre": {"from": ["sexe"], "labels": {"1": "Femme", "2": "Homme"}},
        "debut": {"from": ["date d'entrée"], "type": "date"},
    }
}


@pytest.mark.parametrize("columns", [("id", "age"), ("sexe",), (), ("date d'entrée", "note")])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"text_columns": ["age"]},
        {"codes": SEXE},
        {"codes": {"sexe": {1: "Femme"}}},  # refused: a label of no code
        {"codes": {**SEXE, "taille": {1: "petite"}}},  # refused: a column that is not there
    ],
    ids=["plain", "text", "codes", "unknown_label", "missing_column"],
)
def test_a_codebook_is_held_to_whether_or_not_its_columns_are_asked_for(
    people: Path, asked: dict[str, Any], columns: tuple[str, ...]
) -> None:
    assert_chosen(people, columns, **asked)


def test_a_column_that_its_codebook_calls_otherwise_is_asked_for_by_its_new_name(
    people: Path,
) -> None:
    assert_chosen(people, ["genre"], codes=RENAMED)
    assert_chosen(people, ["sexe"], codes=RENAMED)


def test_answers_sent_before_the_end_are_told_whatever_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    lines = [f"{i};{'' if i % 9 == 0 else '2024-03-01 10:00'};{i % 5}" for i in range(1, 300)]
    path.write_text("\n".join(["id;submitdate;q1", *lines]) + "\n", "utf-8")
    with patch.object(big_text, "BIG", 0):
        log = read_chosen(path, ["q1"]).frame.attrs["reading"]["log"]
    (told,) = [entry for entry in log if entry["code"] == "incomplete_answers"]
    assert told["values"]["n"] == 33
    assert_chosen(path, ["q1"])


def test_first_rows_of_all_columns_are_there_to_be_looked_at(people: Path) -> None:
    with patch.object(big_text, "BIG", 0), patch.object(big_text, "_PART", 512):
        chosen = read_chosen(people, ["id", "note"])
    whole = read_table(people)
    pd.testing.assert_frame_equal(chosen.head, whole, check_dtype=False)
    assert list(chosen.frame.columns) == ["id", "note"]


def test_a_file_that_changes_between_two_readings_is_refused(people: Path) -> None:
    with patch.object(big_text, "BIG", 0):
        chosen = read_chosen(people, ["id"])
    assert chosen.others is not None
    people.write_text(people.read_text("utf-8").replace("P0004;24", "P0004;25"), "utf-8")
    os.utime(people, ns=(1, 1))
    with pytest.raises(ImpactEvalError) as refused:
        list(chosen.others.columns(["age"]))
    assert refused.value.codes == ("file_changed_meanwhile",)


@pytest.mark.parametrize(
    "asked",
    [{"text_columns": ["age"]}, {"codes": {"sexe": {1: "Femme", 2: "Homme"}}}],
)
def test_what_the_caller_says_of_columns_holds(tmp_path: Path, asked: dict[str, object]) -> None:
    lines = [f"P{i:04d};{20 + i % 50};{['Femme', 'Homme'][i % 2]};{i / 7:.3f}" for i in range(300)]
    (tmp_path / "t.csv").write_text("\n".join(["id;age;sexe;note", *lines]) + "\n", "utf-8")
    assert_same(tmp_path / "t.csv", **asked)


def test_a_missing_code_of_a_codebook_is_seen_in_a_long_column(tmp_path: Path) -> None:
    """999 is a number like another: it is looked for among all cells, not among odd ones."""
    (tmp_path / "t.csv").write_text("a;b\n" + "12;x\n999;y\n" * 4_000, "utf-8")
    book = Codebook(missing={"999": MissingKind.NOT_RECORDED})
    frame = read_table(tmp_path / "t.csv", codes=book)
    assert int(frame["a"].isna().sum()) == 4_000
    assert frame["a"].max() == 12


def test_memory_is_asked_for_as_many_cells_as_the_file_may_hold(tmp_path: Path) -> None:
    """A heading of 2,000 columns above a million empty lines is no table of 2 thousand million."""
    path, names = tmp_path / "t.csv", [f"c{i}" for i in range(2_000)]
    full = ";".join(["1"] * 2_000) + "\n"
    path.write_text(";".join(names) + "\n" + full * 300 + "\n" * 1_000_000, "utf-8")
    asked = AskedCells(file="t.csv", words=MISSING_WORDS, cells_of=lambda _: frozenset())
    with patch.object(big_text._Reading, "read", side_effect=AssertionError("memory asked for")):
        assert big_text.read_big(path, names, ";", "utf-8", asked) is None


def test_a_cell_far_down_makes_its_whole_column_a_text(tmp_path: Path) -> None:
    lines = [f"U{i:04d};{i / 4}" for i in range(2_000)] + ["U2000;007"]
    (tmp_path / "t.csv").write_text("\n".join(["id;x", *lines]) + "\n", "utf-8")
    fast, _ = both(tmp_path / "t.csv")
    assert isinstance(fast, pd.DataFrame)
    assert fast["x"].tolist()[1:3] == ["0.25", "0.5"]
    assert fast["x"].tolist()[-1] == "007"
    assert_same(tmp_path / "t.csv")


word = st.one_of(
    st.integers(0, 999).map(lambda i: f"P{i:03d}"),
    st.sampled_from(["Gex", "Bourg", "NSP", "", "-", "S", "12", "3 h", "#DIV/0!", "1e400", "1e5",
                     "Lyon 3e", "5 mars 2024", "12/13/2024", "01", "rue du 8 mai 1945", " Gex"]),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    cells=st.lists(word, min_size=1, max_size=12),
    name=st.sampled_from(["x", "dep", "date"]),
    declared=st.sampled_from([None, ColumnType.TEXT]),
)
def test_texts_read_at_once_are_those_read_cell_by_cell(
    cells: list[str], name: str, declared: ColumnType | None
) -> None:
    column = pd.Series(cells, dtype="str", name=name)
    with patch.object(clean_texts, "_FEWEST", 0):
        fast = read_clean_texts(column, declared=declared, missing_words=MISSING_WORDS)
    if fast is None:
        return
    slow = read_column(column, declared=declared)
    pd.testing.assert_series_equal(fast.values, slow.values)
    assert fast.type is slow.type
    assert dict(fast.missing) == dict(slow.missing)
    assert dict(fast.words) == dict(slow.words)
    assert (fast.unit, fast.findings) == (slow.unit, slow.findings)


def test_a_large_file_costs_some_times_its_bare_reading(tmp_path: Path) -> None:
    """25 MB of identifiers, words and numbers: 13 times the bare cutting into columns, at most."""
    n, rng = 350_000, np.random.default_rng(5)
    table = pa.table(
        {
            "id": [f"P{i:08d}" for i in range(n)],
            "ville": np.array(["Bourg-en-Bresse", "Oyonnax", "Gex"])[rng.integers(0, 3, n)],
            "age": rng.integers(16, 90, n),
            "revenu": np.round(rng.gamma(3, 500, n), 2),
            "score": rng.normal(size=n),
            "poids": rng.uniform(0.5, 2, n),
        }
    )
    path = tmp_path / "grand.csv"
    pa_csv.write_csv(table, path)
    assert path.stat().st_size > big_text.BIG
    spent = []
    for read in (pa_csv.read_csv, read_table):
        start = time.process_time()
        frame = read(path)
        spent.append(time.process_time() - start)
    assert spent[1] < 13 * spent[0]
    assert frame.shape == (n, 6)
    np.testing.assert_array_equal(frame["score"].to_numpy(), table["score"].to_numpy())
    assert frame["id"].tolist()[-1] == f"P{n - 1:08d}"
