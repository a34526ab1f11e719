"""One odd cell never hides the numbers beside it, at the door of a file and at that of Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact_eval import ImpactEvalError, Sample, read_table
from impact_eval.core.findings import Finding
from impact_eval.data.labels import MissingKind
from impact_eval.data.marks import mark_kind
from impact_eval.data.number_cells import number_column
from impact_eval.report.texts import Texts

# As Insee, Eurostat and the ministries write them.
SECRET = ("s", "S", "(s)", "secret", "Secret stat.", "secret statistique", "c", "Confidentiel")
ABSENT = ("nd", "n.d.", "N.D.", "ns", "n. s.", "nc", "NC", "..", "...", ":", "*", "-", "NA", "")
UNKNOWN = ("abs", "x", "?!", "voir note", "environ 500", "12 b", "2 ou 3")


def french(number: float) -> str:
    return f"{number:.1f}".replace(".", ",")


def file_of(tmp_path: Path, cells: list[str], name: str = "taux") -> Path:
    path = tmp_path / "d.csv"
    rows = "\n".join(f"P{i};{cell}" for i, cell in enumerate(cells))
    path.write_text(f"id;{name}\n{rows}\n", encoding="utf-8")
    return path


def refused(column: list[Any], **roles: Any) -> Finding:
    frame = pd.DataFrame({"id": range(len(column)), "y": np.arange(len(column)) % 3, "v": column})
    with pytest.raises(ImpactEvalError) as caught:
        Sample(frame, unit="id", **roles).outcome("v")
    return caught.value.findings[0]


@pytest.mark.parametrize("mark", SECRET)
def test_a_mark_of_secrecy_is_missing_and_told(mark: str, tmp_path: Path) -> None:
    table = read_table(file_of(tmp_path, [french(30 + i / 10) for i in range(9)] + [mark]))
    np.testing.assert_allclose(table["taux"][:9], 30 + np.arange(9) / 10)
    assert table["taux"].isna().tolist() == [False] * 9 + [True]
    reading = table.attrs["reading"]
    assert reading["dictionary"][1]["missing"] == {MissingKind.SECRET.value: 1}
    told = [f for f in reading["log"] if f["code"] == "missing_words"]
    assert [(f["values"]["n"], f["values"]["words"]) for f in told] == [(1, [mark])]


@pytest.mark.parametrize("mark", ABSENT)
def test_a_mark_of_absence_is_missing_in_both_doors(mark: str, tmp_path: Path) -> None:
    cells = [french(30 + i) for i in range(9)] + [mark]
    assert read_table(file_of(tmp_path, cells))["taux"].isna().sum() == 1
    sample = Sample(pd.DataFrame({"id": range(10), "taux": cells}), unit="id")
    values = sample.outcome("taux")
    np.testing.assert_array_equal(values, [*range(30, 39), np.nan])
    words = [f.values["words"] for f in sample.findings_on("taux") if f.code == "missing_words"]
    assert words == ([(mark,)] if mark else [])


@pytest.mark.parametrize("word", UNKNOWN)
def test_an_unknown_word_is_named_alone_with_its_row(word: str, tmp_path: Path) -> None:
    """Not guessed: the message holds the word and its row of the file, and no number."""
    path = tmp_path / "d.csv"
    cells = [french(30 + i / 10) for i in range(9)] + [word, "s"]
    rows = "\n".join(f"P{i};{cell}" for i, cell in enumerate(cells))
    path.write_text(f"Observatoire;\n\nid;taux\n{rows}\n", encoding="utf-8")
    sample = Sample(read_table(path), unit="id")
    with pytest.raises(ImpactEvalError) as caught:
        sample.outcome("taux")
    (found,) = caught.value.findings
    assert found.code == "text_outcome"
    assert (found.values["n"], found.values["examples"], found.values["rows"]) == (
        1,
        (word,),
        (13,),
    )
    assert found.place is not None
    assert found.place.row == 13
    assert f"«\u202f{word}\u202f»" in Texts("fr").finding(found).text.replace("\xa0", "\u202f")


def test_words_alone_are_not_marks(tmp_path: Path) -> None:
    """« S » and « C » are answers where no number says that numbers were meant."""
    table = read_table(file_of(tmp_path, ["S", "C", "S", "N"]))
    assert table["taux"].tolist() == ["S", "C", "S", "N"]


def test_a_code_kept_as_text_keeps_its_marks(tmp_path: Path) -> None:
    path = file_of(tmp_path, ["01", "s", "2", "c"])
    assert read_table(path)["taux"].tolist() == ["01", "s", "2", "c"]
    kept = read_table(file_of(tmp_path, ["1", "s", "2", "c"]), text_columns=["taux"])
    assert kept["taux"].tolist() == ["1", "s", "2", "c"]


@given(
    st.lists(
        st.one_of(
            st.floats(-9999, 9999).map(lambda x: round(x, 1)),
            st.sampled_from(["s", "nd", "..", ":", None]),
            st.sampled_from(UNKNOWN),
        ),
        min_size=1,
        max_size=40,
    ),
    st.booleans(),
)
def test_any_column_gives_each_number_or_names_the_cell(cells: list[Any], comma: bool) -> None:
    """Oracle: what each cell was drawn from."""
    written = [french(c) if isinstance(c, float) and comma else c for c in cells]
    found = number_column(pd.Series(written, dtype=object))
    odd = [c in UNKNOWN for c in cells]
    expected = [c if isinstance(c, float) else np.nan for c in cells]
    np.testing.assert_array_equal(found.odd, odd)
    np.testing.assert_allclose(found.values, expected)
    marks = [c for c in cells if isinstance(c, str) and c not in UNKNOWN]
    if any(odd) or marks:
        assert int(found.marked.sum()) == len(marks)
        assert set(found.words) == set(marks)


@given(st.text(max_size=8))
def test_a_mark_is_never_a_number(text: str) -> None:
    if any(c.isdigit() for c in text):
        assert mark_kind(text) is None


def test_percents_and_numbers_are_one_scale(tmp_path: Path) -> None:
    table = read_table(file_of(tmp_path, ["28,6 %", "24,7", "28,8%", "s", "0 %", "0"]))
    np.testing.assert_array_equal(table["taux"], [28.6, 24.7, 28.8, np.nan, 0, 0])


@pytest.mark.parametrize(
    "cells", [["28,6 %", "0,247", "30 %", "0,31"], ["12 €", "12 %", "13 €", "14 €"]]
)
def test_two_scales_in_a_column_are_refused(cells: list[str], tmp_path: Path) -> None:
    """« 28,6 % » beside 0,247: read together, one would weigh a hundred times the other."""
    table = read_table(file_of(tmp_path, cells))
    assert "several_scales" in {f["code"] for f in table.attrs["reading"]["log"]}
    for frame in (table, pd.DataFrame({"id": range(4), "taux": cells})):
        with pytest.raises(ImpactEvalError) as caught:
            Sample(frame, unit="id").outcome("taux")
        assert caught.value.codes == ("several_scales",)


# -- yes and no ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("yes", "no"),
    [("oui", "non"), ("Oui", "NON "), ("yes", "no"), ("vrai", "faux"), ("O", "N"), ("1", "0"),
     ("True", "False"), ("oui", "0")],
)  # fmt: skip
def test_yes_and_no_are_one_and_zero(yes: str, no: str) -> None:
    answers = [yes, no, None, yes, no, "NSP"]
    sample = Sample(pd.DataFrame({"id": range(6), "v": answers}), unit="id")
    np.testing.assert_array_equal(sample.outcome("v"), [1, 0, np.nan, 1, 0, np.nan])
    told = {f.code for f in sample.findings_on("v")}
    assert ("yes_no_read" in told) == ((yes, no) != ("1", "0"))


def test_the_odd_answer_among_yes_and_no_is_named() -> None:
    found = refused(["oui", "non", "oui", "peut-être", "non"])
    assert (found.code, found.values["examples"], found.values["n"]) == (
        "text_outcome", ("peut-être",), 1,
    )  # fmt: skip


def test_ticks_and_blanks_say_nothing_of_a_no() -> None:
    assert refused(["x", None, "x", None, "X"]).code == "ticks_only"


# -- covariates, weights, time ---------------------------------------------------------------------


def test_a_word_among_numbers_does_not_make_classes() -> None:
    found = refused([20, 31, 45, "abs", 52, 31], covariates=["v"])
    assert (found.code, found.values["examples"], found.values["rows"]) == (
        "text_covariate", ("abs",), (4,),
    )  # fmt: skip


def test_classes_with_figures_are_classes() -> None:
    frame = pd.DataFrame({"id": range(6), "v": ["0", "1", "2", "3 et plus", "1", "0"]})
    sample = Sample(frame, unit="id", covariates=["v"])
    assert sample.covariate_names == ("v=1", "v=2", "v=3 et plus")


def test_texts_declared_as_classes_are_classes() -> None:
    frame = pd.DataFrame({"id": range(4), "v": pd.Categorical(["1", "2", "3", "2"])})
    assert Sample(frame, unit="id", covariates=["v"]).covariate_names == ("v=2", "v=3")


def test_a_mark_in_a_covariate_is_missing_and_counted() -> None:
    frame = pd.DataFrame({"id": range(5), "v": ["1,5", "s", "2", "4", "nd"]})
    sample = Sample(frame, unit="id", covariates=["v"])
    np.testing.assert_array_equal(sample.covariate_matrix[:, 0], [1.5, 2, 4])
    assert {f.code for f in sample.findings} >= {"missing_words", "missing_covariate"}
    assert sample.flow[-1].dropped == 2


def test_weights_and_time_name_the_odd_cell() -> None:
    found = refused(["1,5", "2", "lourd", "1"], weights="v")
    assert (found.code, found.values["role"], found.values["examples"]) == (
        "text_column", "weights", ("lourd",),
    )  # fmt: skip
    frame = pd.DataFrame({"id": [1, 1, 2, 2], "t": ["2019", "2020", "2019", "abs"]})
    with pytest.raises(ImpactEvalError) as caught:
        Sample(frame, unit="id", time="t")
    (found,) = caught.value.findings
    assert (found.code, found.values["examples"]) == ("text_column", ("abs",))


@pytest.mark.parametrize("word", ["nd", "s", "NSP", "?", "non communiqué"])
def test_an_entry_that_is_not_known_is_not_never(word: str) -> None:
    frame = pd.DataFrame({"id": [1, 1, 2, 2], "t": [1, 2, 1, 2], "g": ["2", "2", word, word]})
    with pytest.raises(ImpactEvalError) as caught:
        Sample(frame, unit="id", time="t", cohort="g")
    (found,) = caught.value.findings
    assert (found.code, found.values["examples"]) == ("text_cohort", (word,))


@pytest.mark.parametrize("word", ["jamais", "", "-", "n/a", "Non traité", "sans objet"])
def test_never_is_never(word: str) -> None:
    frame = pd.DataFrame({"id": [1, 1, 2, 2], "t": [1, 2, 1, 2], "g": ["2", "2", word, word]})
    cohorts = Sample(frame, unit="id", time="t", cohort="g").unit_cohorts
    np.testing.assert_array_equal(cohorts, [2, np.inf])
