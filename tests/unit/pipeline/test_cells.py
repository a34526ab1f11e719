"""A study on files as teams keep them: marks, yes and no, labels, characteristics asked once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from impact_eval import ImpactEvalError, Report, Study, evaluate
from impact_eval.results.gate import release

HEAD: dict[str, Any] = {
    "id": "essai", "title": "Essai", "territory": "01", "pillar": "emploi",
    "action": "Accompagnement", "period": ["2019-01", "2022-12"],
}  # fmt: skip
OUTCOME = {"id": "taux", "label": "Taux", "column": "taux", "unit": "number", "primary": True}
ROLES = {"unit": "commune", "time": "an", "cohort": "entree"}


def towns(**changes: Any) -> list[dict[str, Any]]:
    """Thirty towns over four years, half of them with the action from 2021: an effect of 5."""
    rng = np.random.default_rng(8)
    rows = []
    for i in range(30):
        level = 20 + i / 3
        for year in range(2019, 2023):
            on = i % 2 == 1 and year >= 2021
            rate = level + year - 2019 + 5 * on + rng.normal() * 0.2
            entry = "2021" if i % 2 else "-"
            rows.append({"commune": f"Bourg {i:02}", "an": year, "entree": entry, "taux": rate})
    for row in rows:
        row |= {name: make(row) for name, make in changes.items()}
    return rows


def study(folder: Path, rows: list[dict[str, Any]], **data: Any) -> Study:
    """Write a study and its file as a prefecture's office does: cp1252, semicolons, commas."""
    names = list(rows[0])

    def cell(value: Any) -> str:
        return f"{value:.2f}".replace(".", ",") if isinstance(value, float) else str(value)

    lines = [";".join(names), *(";".join(cell(row[name]) for name in names) for row in rows)]
    (folder / "d.csv").write_text("\n".join(lines) + "\n", encoding="cp1252")
    declared = {
        "schema": "impact-eval/study/1",
        "study": HEAD,
        "data": {"file": "d.csv", "rows_are": "territories", "roles": ROLES, **data},
        "method": {"name": "callaway_santanna"},
        "outcomes": [OUTCOME],
    }
    (folder / "study.toml").write_text(tomli_w.dumps(declared), encoding="utf-8")
    return Study.read(folder)


def effect(results: Any) -> float:
    """Return the mean effect on those treated."""
    rows = results.to_dict()["estimates"][0]["estimate"]["effects"]
    return float(next(row["estimate"] for row in rows if row["estimate"] is not None))


def codes(results: Any) -> set[str]:
    """Return the codes of what the reading and the designs told."""
    told = results.to_dict()
    return {f["code"] for f in (*told["data"]["reading"]["log"], *told["findings"])}


def words(results: Any, language: str = "fr") -> str:
    """Return what the public report says of who was observed."""
    report = Report(release(results).results, language)
    return " ".join(str(report.flow()).split())


def test_marks_in_the_outcome_are_missing_and_told(tmp_path: Path) -> None:
    rows = towns()
    for place, mark in ((3, "s"), (17, "NC"), (40, ".."), (77, "nd")):
        rows[place]["taux"] = mark
    for row in rows[::5]:
        if isinstance(row["taux"], float):
            row["taux"] = f"{row['taux']:.2f} %".replace(".", ",")
    results = evaluate(study(tmp_path, rows))
    assert results.to_dict()["data"]["flow"][-1]["dropped"] == 4
    assert "missing_words" in codes(results)
    told = [
        entry["values"]
        for entry in results.to_dict()["data"]["reading"]["log"]
        if entry["code"] == "missing_words"
    ]
    assert told == [{"column": "taux", "n": 4}]


def test_an_unknown_word_is_refused_with_its_row(tmp_path: Path) -> None:
    rows = towns()
    rows[57]["taux"] = "abs"
    with pytest.raises(ImpactEvalError) as caught:
        evaluate(study(tmp_path, rows))
    (found,) = caught.value.findings
    assert (found.code, found.values["examples"], found.values["rows"]) == (
        "text_outcome", ("abs",), (59,),
    )  # fmt: skip
    assert "19," not in str(caught.value)


def test_an_unknown_entry_is_not_one_that_never_was(tmp_path: Path) -> None:
    rows = towns(entree=lambda row: "nd" if row["commune"] == "Bourg 05" else row["entree"])
    with pytest.raises(ImpactEvalError) as caught:
        evaluate(study(tmp_path, rows))
    (found,) = caught.value.findings
    assert (found.code, found.values["words"]) == ("cohort_not_known", ("nd",))


def test_yes_and_no_are_an_outcome(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = towns(taux=lambda row: ["non", "Oui"][int(rng.random() < 0.4)])
    shares = [row["taux"] == "Oui" for row in rows]
    results = evaluate(study(tmp_path, rows))
    assert "yes_no_read" in codes(results)
    read = results.to_dict()["estimates"][0]["estimate"]
    assert 0 < np.mean(shares) < 1
    ones = [{**row, "taux": float(said)} for row, said in zip(rows, shares, strict=True)]
    (tmp_path / "b").mkdir()
    same = evaluate(study(tmp_path / "b", ones)).to_dict()["estimates"][0]["estimate"]
    assert [e["estimate"] for e in read["effects"]] == [e["estimate"] for e in same["effects"]]


def test_a_text_column_is_made_of_classes_and_keeps_its_zero(tmp_path: Path) -> None:
    rows = towns(zone=lambda row: f"{int(row['commune'][-2:]) % 3 + 1:02}")
    declared = study(tmp_path, rows, text_columns=["zone"], roles={**ROLES, "covariates": ["zone"]})
    results = evaluate(declared)
    assert effect(results) == pytest.approx(5, abs=0.5)
    from impact_eval.pipeline.study_tables import read_tables, sample_of

    part = declared.declaration.data
    sample = sample_of(declared, read_tables(declared).of(part).frame, part)
    assert sample.covariate_names == ("zone=02", "zone=03")


def test_a_characteristic_asked_once_is_carried(tmp_path: Path) -> None:
    rows = towns(age=lambda row: 30 + int(row["commune"][-2:]) % 7 if row["an"] == 2019 else "")
    results = evaluate(study(tmp_path, rows, roles={**ROLES, "covariates": ["age"]}))
    assert "covariate_carried" in codes(results)
    assert effect(results) == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize("rows_are", ["people", "territories"])
def test_two_spellings_of_a_unit_are_linked_as_declared(tmp_path: Path, rows_are: str) -> None:
    """In one year of four the names are in capitals; of people, no result tells a name."""

    def name(row: dict[str, Any]) -> str:
        return row["commune"].upper() if row["an"] == 2020 else row["commune"]

    rows = towns(commune=name)
    with pytest.raises(ImpactEvalError) as caught:
        evaluate(study(tmp_path, rows, rows_are=rows_are))
    assert caught.value.codes == ("labels_alike",)
    assert "Bourg 00 / BOURG 00" in str(caught.value)
    results = evaluate(study(tmp_path, rows, rows_are=rows_are, labels_alike="same"))
    assert "labels_joined" in codes(results)
    assert effect(results) == pytest.approx(5, abs=0.5)
    if rows_are == "people":
        assert "bourg" not in json.dumps(results.to_dict()).lower()
        assert "bourg" not in words(results).lower()


@pytest.mark.parametrize("rows_are", ["people", "territories"])
def test_a_space_is_no_other_unit(tmp_path: Path, rows_are: str) -> None:
    rows = towns(
        commune=lambda row: (
            row["commune"].replace(" ", "  ") if row["an"] == 2020 else row["commune"]
        )
    )
    results = evaluate(study(tmp_path, rows, rows_are=rows_are))
    assert "labels_merged" in codes(results)
    assert results.to_dict()["estimates"][0]["estimate"]["effects"][0]["n_treated"] == 15
    if rows_are == "people":
        assert "bourg" not in json.dumps(results.to_dict()).lower()
