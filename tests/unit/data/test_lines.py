"""Lines of a file and rows read: each line is of one kind, and nobody is lost or added unseen."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data import regular_text
from impact_eval.data.reading import read_table
from impact_eval.data.source_rows import SourceRows

HEADING = ["Code", "Ville", "Note", "Avis"]
TOWNS = ("Lyon", "Le Mans", "Saint-Denis, nord")
OPINIONS = ("bien", "rien à dire", "utile, et même\nindispensable", 'il a dit "oui"', "")


def person(i: int) -> list[Any]:
    """One row, its numbers without any pattern that a total could share by chance."""
    return [f"P{i:03d}", TOWNS[i % 3], (i * 7919) % 97 + 1, OPINIONS[i % 5]]


def people(n: int, first: int = 0) -> list[list[Any]]:
    return [person(i) for i in range(first, first + n)]


def as_workbook(
    folder: Path, rows: Sequence[Sequence[Any]], merges: Sequence[str] = ()
) -> pd.DataFrame:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for merge in merges:
        sheet.merge_cells(merge)
    book.save(folder / "t.xlsx")
    return read_table(folder / "t.xlsx")


def as_text(folder: Path, text: str, encoding: str = "utf-8") -> pd.DataFrame:
    (folder / "t.csv").write_bytes(text.encode(encoding))
    return read_table(folder / "t.csv")


def written(rows: Sequence[Sequence[Any]], separator: str, quoting: Any) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, quoting=quoting).writerows(rows)
    return out.getvalue()


def lines(frame: pd.DataFrame) -> dict[str, int]:
    """What the file's lines are; the parts add up to the whole, and what is read is the table."""
    found: dict[str, int] = dict(frame.attrs["reading"]["lines"])
    total = found.pop("lines")
    assert total == sum(found.values())
    assert found["read"] == len(frame) == frame.attrs["reading"]["rows_out"]
    return found


def codes(frame: pd.DataFrame) -> list[str]:
    return [entry["code"] for entry in frame.attrs["reading"]["log"]]


def refusal(folder: Path, rows: Sequence[Sequence[Any]] | str) -> Finding:
    try:
        as_text(folder, rows) if isinstance(rows, str) else as_workbook(folder, rows)
    except ImpactEvalError as refused:
        return refused.findings[0]
    raise AssertionError("read")


# -- any messy table --------------------------------------------------------------------------


@st.composite
def messy(draw: st.DrawFn) -> tuple[int, list[list[Any]], dict[str, int]]:
    """Return how many people, the rows of a sheet, and what its lines are."""
    n = draw(st.integers(4, 25))
    cut = draw(st.integers(1, n - 1))
    blank: list[Any] = [None] * 4
    rows = list(people(n))
    kinds = {"headings": 1, "read": n}
    middle: list[list[Any]] = []
    if draw(st.booleans()):
        middle += [blank] * draw(st.integers(1, 3))
        kinds["blank"] = len(middle)
    if draw(st.booleans()):
        middle.append(list(HEADING))
        kinds["repeated"] = 1
    if draw(st.booleans()):
        middle.insert(0, ["Sous-total", None, sum(row[2] for row in rows[:cut]), None])
        kinds["totals"] = kinds.get("totals", 0) + 1
    total = sum(row[2] for row in rows)
    under = draw(
        st.lists(
            st.sampled_from(
                [["TOTAL", f"{n} pers.", total, None], ["Moyenne", None, round(total / n, 2), None],
                 [None, None, total, None]]
            ), max_size=1,
        )
    )  # fmt: skip
    kinds["totals"] = kinds.get("totals", 0) + len(under)
    notes = draw(st.lists(st.sampled_from(["* NC : non communiqué", "Source : fiches, 2024",
                                           "Champ : tous les ateliers"]), max_size=2))  # fmt: skip
    gap = draw(st.booleans())
    tail = ([blank] if gap and notes else []) + [[note, None, None, None] for note in notes]
    kinds["blank"] = kinds.get("blank", 0) + (gap and bool(notes))
    kinds["notes"] = len(notes)
    titles = draw(st.sampled_from([[], [["Suivi des ateliers", None, None, None], blank]]))
    kinds["titles"] = bool(titles)
    kinds["blank"] += bool(titles)
    body = [*rows[:cut], *middle, *rows[cut:]]
    return n, [*titles, list(HEADING), *body, *under, *tail], {k: v for k, v in kinds.items() if v}


_quick = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_quick
@given(table=messy(), separator=st.sampled_from(";,\t"),
       quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))  # fmt: skip
def test_a_messy_text_keeps_everybody(
    tmp_path: Path, table: tuple[int, list[list[Any]], dict[str, int]], separator: str, quoting: int
) -> None:
    n, rows, kinds = table
    frame = as_text(tmp_path, written(rows, separator, quoting))
    assert frame["Code"].tolist() == [f"P{i:03d}" for i in range(n)]
    assert frame["Note"].tolist() == [person(i)[2] for i in range(n)]
    found = lines(frame)
    several = sum(row[3] == OPINIONS[2] for row in people(n))
    assert found == {**kinds, **({"continued": several} if several else {})}
    told = SourceRows.of(frame)
    assert [rows[told.file_row(i) - 1][0] for i in range(n)] == frame["Code"].tolist()


@settings(_quick, max_examples=15)
@given(table=messy())
def test_a_messy_workbook_keeps_everybody(
    tmp_path: Path, table: tuple[int, list[list[Any]], dict[str, int]]
) -> None:
    n, rows, kinds = table
    frame = as_workbook(tmp_path, rows)
    assert frame["Code"].tolist() == [f"P{i:03d}" for i in range(n)]
    assert frame["Note"].tolist() == [person(i)[2] for i in range(n)]
    assert lines(frame) == kinds
    told = SourceRows.of(frame)
    assert [rows[told.file_row(i) - 1][0] for i in range(n)] == frame["Code"].tolist()


@_quick
@given(n=st.integers(6, 40), line=st.integers(1, 5), at=st.integers(0, 30), data=st.data())
def test_a_stray_quote_is_refused_or_changes_nobody(
    tmp_path: Path, n: int, line: int, at: int, data: st.DataObject
) -> None:
    """One or two quotes put anywhere: everybody is read, or the refusal names a line."""
    rows = [f"P{i:03d};Bourg {i % 7};{i % 2}" for i in range(n)]
    for where in (line, data.draw(st.integers(0, n - 1)))[: data.draw(st.integers(1, 2))]:
        place = min(at, len(rows[where]))
        rows[where] = rows[where][:place] + '"' + rows[where][place:]
    try:
        frame = as_text(tmp_path, "\n".join(["id;ville;emploi", *rows]) + "\n")
    except ImpactEvalError as refused:
        found = refused.findings[0]
        assert found.code == "stray_quote"
        assert found.place is not None
        assert found.place.row is not None
        assert '"' in ["", "id", *rows][found.place.row]
    else:
        lines(frame)
        assert len(frame) == n


# -- quotes -----------------------------------------------------------------------------------


def test_a_quote_that_swallows_people_is_refused_with_its_line(tmp_path: Path) -> None:
    rows = ["id,ville,emploi", *(f"P{i:03d},Bourg{i % 7},{i % 2}" for i in range(120))]
    rows[20] = '"' + rows[20]
    rows[60] = rows[60].replace(",", '",', 1)
    found = refusal(tmp_path, "\n".join(rows) + "\n")
    assert (found.code, found.values["row"], found.values["n"]) == ("stray_quote", 21, 41)


def test_answers_of_several_lines_are_answers(tmp_path: Path) -> None:
    """Commas and line ends inside quotes are what quotes are for."""
    text = 'id,avis,note\nP1,"Oui, bien sûr\nmerci, vraiment",3\nP2,non,4\nP3,"a\nb",5\nP4,x,5\n'
    frame = as_text(tmp_path, text)
    assert frame["note"].tolist() == [3, 4, 5, 5]
    assert frame["avis"].iloc[0] == "Oui, bien sûr\nmerci, vraiment"
    assert lines(frame) == {"headings": 1, "continued": 2, "read": 4}


def test_quotes_inside_quotes_need_not_be_doubled(tmp_path: Path) -> None:
    frame = as_text(tmp_path, 'id;lieu;n\n1;"Les "Amis" d’ici; et là";4\n2;Bron;5\n3;Lyon;6\n')
    assert frame["lieu"].tolist() == ['Les "Amis" d’ici; et là', "Bron", "Lyon"]
    assert "quotes_out_of_place" in codes(frame)


# -- totals and notes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "under",
    [
        [["TOTAL", "12 pers.", None, None], [], ["* NC : non communiqué", None, None, None]],
        [["Total général :", None, "{total}", None]],
        [["Moyenne", None, "{mean}", None], ["Source : enquête"]],
        [[None, None, "{total}", None]],
        [["Ensemble", "12 personnes", "{mean} de moyenne", None]],
    ],
)
def test_totals_and_notes_are_nobody(tmp_path: Path, under: list[list[Any]]) -> None:
    table = people(12)
    total = sum(row[2] for row in table)
    told = [
        [cell.format(total=total, mean=f"{total / 12:.2f}".replace(".", ","))
         if isinstance(cell, str) else cell for cell in row]
        for row in under
    ]  # fmt: skip
    frame = as_workbook(tmp_path, [HEADING, *table, *told])
    assert frame["Code"].tolist() == [row[0] for row in table]
    assert lines(frame)["totals"] == 1


def test_totals_of_groups_and_of_all_are_nobody(tmp_path: Path) -> None:
    one, two = people(6), people(7, 6)
    first, second = (sum(row[2] for row in part) for part in (one, two))
    rows = [HEADING, *one, ["Sous-total A", None, first], *two, ["Sous-total B", None, second],
            ["Total", None, first + second]]  # fmt: skip
    frame = as_workbook(tmp_path, rows)
    assert (len(frame), lines(frame)["totals"]) == (13, 3)


def test_rates_beside_sums_are_those_of_a_total(tmp_path: Path) -> None:
    frame = as_text(tmp_path, "Ville;Suivis;Taux\nA;12;24,3\nB;20;20,1\nTotal;32;21,7\n")
    assert frame["Taux"].tolist() == [24.3, 20.1]


@pytest.mark.parametrize("under", [["Ensemble", None, 21.4], ["TOTAL", "Lyon", 9999]])
def test_a_total_that_cannot_be_proved_is_refused(tmp_path: Path, under: list[Any]) -> None:
    body = [["A", None, 24.3], ["B", None, 20.1], ["C", "x", 30.0]]
    rows: list[list[Any]] = [["Ville", "Lieu", "Taux"], *body, under]
    found = refusal(tmp_path, rows)
    assert (found.code, found.values["row"]) == ("total_row_unproved", 5)


def test_an_operator_called_total_stays(tmp_path: Path) -> None:
    """Its numbers are its own, its other answers those of the others."""
    table = [["Engie", "Lyon", 12], ["Total", "Lyon", 9], ["Suez", "Bron", 20]]
    frame = as_workbook(tmp_path, [["Opérateur", "Ville", "Suivis"], *table])
    assert frame["Opérateur"].tolist() == ["Engie", "Total", "Suez"]
    assert "total_row_suspected" in codes(frame)
    last = as_workbook(tmp_path, [["Opérateur", "Ville", "Suivis"], table[0], table[2], table[1]])
    assert last["Opérateur"].tolist() == ["Engie", "Suez", "Total"]


def test_the_departement_of_the_somme_is_no_sum(tmp_path: Path) -> None:
    frame = as_text(tmp_path, "dep;n;taux\nAisne;12;3,5\nOise;20;1,0\nSomme;9;4,5\n")
    assert frame["dep"].tolist() == ["Aisne", "Oise", "Somme"]


def test_pages_of_a_printed_table_are_one_table(tmp_path: Path) -> None:
    rows = [["Suivi 2024"], HEADING, *people(6), ["Page 1/2"], [], ["Suivi 2024"], HEADING,
            *people(6, 6), ["Page 2/2"]]  # fmt: skip
    frame = as_workbook(tmp_path, rows)
    assert lines(frame) == {"titles": 1, "headings": 1, "blank": 1, "repeated": 2, "notes": 2,
                            "read": 12}  # fmt: skip


def test_bands_between_groups_of_codes_are_nobody(tmp_path: Path) -> None:
    frame = as_workbook(tmp_path, [HEADING, ["Lyon"], *people(6), ["Le Mans"], *people(6, 6)])
    assert frame["Code"].tolist() == [row[0] for row in people(12)]


def test_a_person_without_answers_is_kept_and_told(tmp_path: Path) -> None:
    frame = as_workbook(tmp_path, [HEADING, *people(6), ["P006"], *people(3, 7)])
    assert len(frame) == 10
    assert "rows_of_one_cell" in codes(frame)


def test_a_cell_alone_beside_the_table_is_nobody(tmp_path: Path) -> None:
    frame = as_workbook(tmp_path, [HEADING, *people(6), [], [], [None] * 8 + ["à revoir"]])
    assert (len(frame), list(frame.columns)) == (6, HEADING)
    told = next(e for e in frame.attrs["reading"]["log"] if e["code"] == "stray_cells")
    assert told["values"]["cells"] == ["I10"]


# -- shifted rows -----------------------------------------------------------------------------


@pytest.mark.parametrize("row", ["P7;x;3;5", "P7;3", "x;P7;x;3"])
def test_a_shifted_row_is_refused_with_its_line(tmp_path: Path, row: str) -> None:
    body = [f"P{i};ville {'abc'[i % 3]};{i * 3}" for i in range(10)]
    body[7] = row
    found = refusal(tmp_path, "\n".join(["id;ville;note", *body]) + "\n")
    assert (found.code, found.values["rows"]) == ("shifted_rows", (9,))


def test_a_row_that_lacks_its_last_answers_is_read_and_told(tmp_path: Path) -> None:
    body = [f"P{i};{'abc'[i % 3]};{i * 3}" for i in range(10)]
    body[7] = "P7;b"
    frame = as_text(tmp_path, "\n".join(["id;ville;note", *body]) + "\n")
    assert len(frame) == 10
    assert pd.isna(frame["note"].iloc[7])
    assert "short_rows" in codes(frame)


# -- headings ---------------------------------------------------------------------------------

QUALTRICS = [
    ["StartDate", "ResponseId", "Q1_1", "Q1_2"],
    ["Start Date", "Response ID", "D’accord ? - A", "D’accord ? - B"],
    ['{"ImportId":"startDate"}', '{"ImportId":"_recordId"}', '{"ImportId":"QID1_1"}',
     '{"ImportId":"QID1_2"}'],
    ["2024-03-01 10:00:00", "R_1", "3", "4"],
    ["2024-03-02 10:00:00", "R_2", "2", "1"],
]  # fmt: skip


@pytest.mark.parametrize("technical", [(1, 2), (1,), (2,)])
def test_rows_of_qualtrics_are_titles_not_people(
    tmp_path: Path, technical: tuple[int, ...]
) -> None:
    rows = [QUALTRICS[i] for i in (0, *technical, 3, 4)]
    frame = as_text(tmp_path, written(rows, ",", csv.QUOTE_MINIMAL))
    assert frame["Q1_1"].tolist() == [3, 2]
    assert lines(frame) == {"headings": 1, "technical": len(technical), "read": 2}
    if 1 in technical:
        titles = {e["name"]: e.get("title") for e in frame.attrs["reading"]["dictionary"]}
        assert titles["Q1_1"] == "D’accord ? - A"


def test_two_rows_of_surveymonkey_are_one_heading(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["Respondent ID", "Collector ID", "Votre avis ?", "Vos aides ?", None],
        [None, None, "Open-Ended Response", "RSA", "AAH"],
        *([1000 + i, 22, "bien", "RSA" if i % 2 else None, "AAH"] for i in range(5)),
    ]
    frame = as_workbook(tmp_path, rows)
    assert list(frame.columns) == ["Respondent ID", "Collector ID", "Votre avis ?",
                                   "Vos aides ? / RSA", "Vos aides ? / AAH"]  # fmt: skip
    assert len(frame) == 5


@pytest.mark.parametrize("merges", [(), ("B1:C1", "D1:E1")])
def test_groups_above_the_heading_are_part_of_the_names(
    tmp_path: Path, merges: tuple[str, ...]
) -> None:
    rows: list[list[Any]] = [[None, "Avant", None, "Après", None], ["Code", "Q1", "Q2", "Q1", "Q2"],
            *([f"P{i}", i, i + 1, i + 2, i] for i in range(5))]  # fmt: skip
    frame = as_workbook(tmp_path, rows, merges)
    assert list(frame.columns) == ["Code", "Avant / Q1", "Avant / Q2", "Après / Q1", "Après / Q2"]
    assert frame["Après / Q1"].tolist() == [2, 3, 4, 5, 6]


def test_years_and_months_name_columns(tmp_path: Path) -> None:
    months = [pd.Timestamp(2024, m, 1).to_pydatetime() for m in (1, 2)]
    for names, expected in (([2019, 2020], ["2019", "2020"]), (months, ["2024-01", "2024-02"])):
        rows = [["commune", *names], *([f"Ville {i}", "oui", "non"] for i in range(4))]
        frame = as_workbook(tmp_path, rows)
        assert list(frame.columns) == ["commune", *expected]
        assert len(frame) == 4


def test_a_table_without_heading_is_refused(tmp_path: Path) -> None:
    """Its first person would name the columns."""
    found = refusal(tmp_path, [[f"P{i}", i * 3 % 7, 20 + i * 5 % 13] for i in range(8)])
    assert (found.code, found.values["row"]) == ("no_heading_row", 1)


# -- big files --------------------------------------------------------------------------------


@pytest.fixture
def every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular_text, "_SMALL", 0)


@pytest.mark.usefixtures("every_size")
@pytest.mark.parametrize(
    ("line", "kind"),
    [(";;", "blank"), ("Total;{total};", "totals"), ("id;n;ville", "repeated"),
     ("Source : Insee, 2024;;", "notes")],
)  # fmt: skip
def test_a_big_file_is_looked_at_as_closely(tmp_path: Path, line: str, kind: str) -> None:
    n = 900
    body = [f"P{i:06d};{i % 89};Bourg {i % 7}" for i in range(n)]
    told = line.format(total=sum(i % 89 for i in range(n)))
    frame = as_text(tmp_path, "\n".join(["id;n;ville", *body, told]) + "\n")
    assert lines(frame) == {"headings": 1, "read": n, kind: 1}


@pytest.mark.usefixtures("every_size")
def test_a_quote_in_a_big_file_swallows_nobody(tmp_path: Path) -> None:
    body = [f"P{i:06d};{i % 89};Bourg {i % 7}" for i in range(900)]
    body[200] = '"' + body[200]
    body[400] = body[400].replace(";", '";', 1)
    found = refusal(tmp_path, "\n".join(["id;n;ville", *body]) + "\n")
    assert (found.code, found.values["row"], found.values["n"]) == ("stray_quote", 202, 201)


@pytest.mark.usefixtures("every_size")
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_big_regular_file_takes_the_fast_road(tmp_path: Path, end: str, quote: str) -> None:
    body = [f"P{i:06d};{i % 89};{quote}Bourg {i % 7}{quote}" for i in range(900)]
    text = (end or "\n").join(["id;n;ville", *body]) + end
    assert regular_text.read_regular(text, ";") is not None
    frame = as_text(tmp_path, text)
    assert lines(frame) == {"headings": 1, "read": 900}
    assert frame["n"].tolist() == [i % 89 for i in range(900)]


@pytest.mark.parametrize(
    ("label", "value"),
    [("N =", 12), ("n", 12), ("Eff.", 12), ("Moy.", 5.5), ("% total", 5.5), ("Cumul", 66),
     ("Std dev", 3.61), ("Q2", 5.5), ("Overall", 5.5), ("Count", 12)],
)  # fmt: skip
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_short_word_below_a_table_is_nobody_when_its_numbers_say_so(
    tmp_path: Path, label: str, value: float, after: int
) -> None:
    lines = ["Code;Ville;Note", *(f"P{i};Bourg;{i}" for i in range(12)), f"{label};;{value}"]
    lines += ["Total;;66", "Minimum;;0", "Maximum;;11"][:after]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    frame = read_table(tmp_path / "t.csv")
    assert frame["Code"].tolist() == [f"P{i}" for i in range(12)]


def test_a_person_called_as_a_sum_stays_when_the_numbers_do_not_say_so(tmp_path: Path) -> None:
    lines = ["Code;Note;Age", *(f"P{i};{i};{30 + i}" for i in range(12)), "N;4;33", "All;7;31"]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    frame = read_table(tmp_path / "t.csv")
    assert frame["Code"].tolist()[-2:] == ["N", "All"]
    codes = [e["code"] for e in frame.attrs["reading"]["log"]]
    assert codes.count("total_row_suspected") == 2
