"""The tables of a study as they are computed on: no name, no unused column, keys that act."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tomli_w

import impact_eval as ie
from impact_eval import ImpactEvalError, Study
from impact_eval.core.findings import Finding
from impact_eval.core.vocabulary import RowsAre
from impact_eval.data.pseudonyms import KEY_VARIABLE, is_pseudonym
from impact_eval.pipeline.evaluate import evaluate
from impact_eval.pipeline.study_tables import read_tables, sample_of

HEAD: dict[str, Any] = {
    "id": "essai", "title": "Essai", "territory": "01", "pillar": "emploi",
    "action": "Accompagnement", "period": ["2024-01", "2024-12"],
}  # fmt: skip
Make = Callable[..., Study]


def look_at_tables(study: Study) -> tuple[Finding, ...]:
    """What the tables of a study look like, each thing once."""
    seen = [table for _, data in read_tables(study).tables for table in data.tables]
    return tuple({f.code: f for table in seen for f in table.noticed}.values())


def content(**changes: Any) -> dict[str, Any]:
    study: dict[str, Any] = {
        "schema": "impact-eval/study/1",
        "study": HEAD,
        "data": {"file": "d.csv", "roles": {"unit": "id", "treatment": "aide"}},
        "method": {"name": "difference_in_means"},
        "outcomes": [
            {
                "id": "emploi",
                "label": "Emploi",
                "column": "emploi",
                "unit": "share",
                "primary": True,
            }
        ],
    }
    return {**study, **changes}


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a study of 40 named people and read it."""

    def write(frame: pd.DataFrame | None = None, **changes: Any) -> Study:
        table = people() if frame is None else frame
        table.to_csv(tmp_path / "d.csv", index=False)
        (tmp_path / "study.toml").write_text(tomli_w.dumps(content(**changes)), encoding="utf-8")
        return Study.read(tmp_path)

    return write


def people(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "id": [f"NOMINVENTE{i} Prenom{i}" for i in range(n)][::-1],
            "Téléphone": [f"06 00 00 00 {i:02d}" for i in range(n)],
            "remarques": ["3 dont PAULINVENTE", *["1", "2"] * ((n - 1) // 2), "1"],
            "dossier": [f"{i % 9:02d}" for i in range(n)],
            "aide": [i % 2 for i in range(n)],
            "emploi": rng.integers(0, 2, n),
        }
    )


def test_the_frame_holds_no_name_and_no_unused_column(make: Make) -> None:
    study = make()
    data = read_tables(study).of(study.declaration.data)
    assert list(data.frame.columns) == ["id", "aide", "emploi"]
    assert all(is_pseudonym(label) for label in data.frame["id"])
    table = people()
    assert data.frame["id"].rank().tolist() == table["id"].rank().tolist()
    assert data.frame["emploi"].tolist() == table["emploi"].tolist()


def test_the_log_says_what_was_left_out_and_nothing_of_unused_columns(make: Make) -> None:
    study = make()
    log = read_tables(study).of(study.declaration.data).log
    (told,) = log["log"]
    assert told["code"] == "identifying_columns"
    assert told["values"]["n"] == 2
    assert set(told["values"]["columns"]) == {"id", "Téléphone"}
    assert [entry["name"] for entry in log["dictionary"]] == ["id", "aide", "emploi"]
    assert "INVENTE" not in json.dumps(log)


def test_nothing_of_people_is_in_results(make: Make) -> None:
    results = evaluate(make())
    text = results.to_json()
    assert not any(token in text for token in ("NOMINVENTE", "PAULINVENTE", "06 00 00"))


def test_numbers_are_what_they_were_and_do_not_depend_on_the_key(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The estimate is the difference of two means of the file; the fingerprint is the file's."""
    study, table = make(), people()
    read = ie.read_table(study.path("d.csv"))
    monkeypatch.setenv(KEY_VARIABLE, "a" * 32)
    one = evaluate(study).to_dict()
    monkeypatch.setenv(KEY_VARIABLE, "b" * 32)
    other = evaluate(study).to_dict()
    one["provenance"]["run_at"] = other["provenance"]["run_at"] = ""
    assert one == other
    means = table.groupby("aide")["emploi"].mean()
    (effect, *_) = one["estimates"][0]["estimate"]["effects"]
    assert effect["estimate"] == pytest.approx(means[1] - means[0])
    from impact_eval.core.provenance import fingerprint

    assert one["data"]["sha256"] == fingerprint(read)


def test_a_missing_column_is_still_told_its_nearest(make: Make) -> None:
    """A workbook is not read by `check`: the refusal comes from the table itself."""
    study = make()
    people().rename(columns={"emploi": "emplois"}).to_csv(study.path("d.csv"), index=False)
    with pytest.raises(ImpactEvalError) as refused:
        evaluate(study)
    (finding,) = refused.value.findings
    assert (finding.code, finding.values["nearest"]) == ("missing_column", "emplois")


def test_a_refusal_shows_the_label_of_the_user_s_own_file(make: Make) -> None:
    """The user mends a repeated row by its label; a pseudonym would tell nothing."""
    table = people()
    table.loc[3, "id"] = table.loc[7, "id"]
    with pytest.raises(ImpactEvalError) as refused:
        evaluate(make(table))
    (finding,) = refused.value.findings
    assert finding.code == "duplicated_rows"
    assert finding.values["examples"] == (table.loc[7, "id"],)
    assert finding.values["rows"] == (5, 9)


def test_columns_named_by_options_are_kept(make: Make) -> None:
    table = people().assign(eligible=lambda f: f["aide"], an=2023)
    later = table.assign(an=2024)
    study = make(
        pd.concat([table, later]),
        data={"file": "d.csv", "roles": {"unit": "id", "time": "an", "treatment": "aide"}},
        method={"name": "triple_difference", "options": {"eligible": "eligible"}},
    )
    frame = read_tables(study).of(study.declaration.data).frame
    assert {"eligible", "an", "aide", "emploi"} <= set(frame.columns)
    assert "dossier" not in frame.columns


def test_one_person_has_one_pseudonym_in_every_table(make: Make, tmp_path: Path) -> None:
    answers = pd.DataFrame({"id": people()["id"][:6], "q": [1, 2, 3, 4, 5, 6]})
    answers.to_csv(tmp_path / "q.csv", index=False)
    study = make(
        instruments=[
            {
                "id": "vie", "scale": "life-satisfaction", "items": {"satisfaction": "q"},
                "data": {"file": "q.csv", "roles": {"unit": "id"}},
            }
        ],
    )  # fmt: skip
    tables = read_tables(study)
    main = tables.of(study.declaration.data).frame
    asked = tables.of(study.declaration.instruments[0].data).frame
    assert asked["id"].tolist() == main["id"][:6].tolist()


# -- rows_are ---------------------------------------------------------------------------------


def territories() -> pd.DataFrame:
    codes = ["01", "2A", "38", "69"]
    return pd.DataFrame({"id": codes * 10, "aide": [0, 1] * 20, "emploi": range(40)})


def test_territories_keep_their_names(make: Make) -> None:
    roles = {"time": "aide", "unit": "id"}
    study = make(territories(), data={"file": "d.csv", "roles": roles, "rows_are": "territories"})
    assert set(read_tables(study).of(study.declaration.data).frame["id"]) == {
        "01",
        "2A",
        "38",
        "69",
    }


def test_each_table_says_what_its_rows_are(make: Make, tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("id,q\na,1\n", encoding="utf-8")

    def scale(name: str, **data: str) -> dict[str, Any]:
        return {
            "id": name, "scale": "life-satisfaction", "items": {"satisfaction": "q"},
            "data": {"file": "q.csv", "roles": {"unit": "id"}, **data},
        }  # fmt: skip

    instruments = [scale("a"), scale("b", rows_are="territories")]
    study = make(instruments=instruments, privacy={"rows_are": "territories"})
    main, first, second = (
        study.declaration.data,
        *(part.data for part in study.declaration.instruments),
    )
    assert study.rows_are(main) is RowsAre.TERRITORIES
    assert study.rows_are(first) is RowsAre.PEOPLE  # privacy.rows_are speaks of `data` alone
    assert study.rows_are(second) is RowsAre.TERRITORIES
    frame = read_tables(study).of(first).frame
    assert sample_of(study, frame, first).rows_are is RowsAre.PEOPLE
    own = make(data={**content()["data"], "rows_are": "territories"})
    assert own.rows_are(own.declaration.data) is RowsAre.TERRITORIES
    with pytest.raises(ImpactEvalError) as refused:
        make(data={**content()["data"], "rows_are": "people"}, privacy={"rows_are": "territories"})
    assert refused.value.codes == ("said_twice",)
    plain = make()
    assert plain.declared_rows(plain.declaration.data) is None
    assert plain.rows_are(plain.declaration.data) is RowsAre.PEOPLE


def test_check_asks_what_the_rows_are(make: Make) -> None:
    assert [f.code for f in look_at_tables(make(territories()))] == ["rows_look_like_territories"]
    said = make(territories(), privacy={"rows_are": "territories"})
    assert look_at_tables(said) == ()
    wrong = make(privacy={"rows_are": "territories"})
    codes = [f.code for f in look_at_tables(wrong)]
    assert codes == ["identifying_columns", "rows_look_like_people"]


@pytest.mark.parametrize("unit", ["id_menage", "Enfant", "n° allocataire", "Nom et prénom"])
def test_a_unit_that_is_a_person_by_its_heading_is_one(make: Make, unit: str) -> None:
    table = people().rename(columns={"id": unit})
    data = {"file": "d.csv", "roles": {"unit": unit, "treatment": "aide"}}
    study = make(table, data=data, privacy={"rows_are": "territories"})
    assert study.rows_are(study.declaration.data) is RowsAre.PEOPLE
    read = read_tables(study).of(study.declaration.data)
    assert all(is_pseudonym(label) for label in read.frame[unit])
    assert "rows_are_people" in [entry["code"] for entry in read.log["log"]]
    assert "rows_are_people" in [f.code for f in look_at_tables(study)]


@pytest.mark.parametrize("unit", ["commune", "nom", "id", "foyer d’accueil (structure)"])
def test_other_units_are_what_the_study_says(make: Make, unit: str) -> None:
    table = people().rename(columns={"id": unit})
    data = {"file": "d.csv", "roles": {"unit": unit, "treatment": "aide"}}
    study = make(table, data=data, privacy={"rows_are": "territories"})
    assert study.rows_are(study.declaration.data) is RowsAre.TERRITORIES


def test_check_looks_into_a_workbook(make: Make, tmp_path: Path) -> None:
    people().to_excel(tmp_path / "d.xlsx", index=False)
    study = make(data={**content()["data"], "file": "d.xlsx"})
    assert [f.code for f in look_at_tables(study)] == ["identifying_columns"]


# -- keys of the study file -------------------------------------------------------------------


def test_text_columns_keep_what_they_hold(make: Make) -> None:
    table = people().assign(num=[1.5, 2.5] * 20)
    data = {"file": "d.csv", "roles": {"unit": "id", "treatment": "aide", "strata": "num"}}
    plain = make(table, data=data)
    frame = read_tables(plain).of(plain.declaration.data).frame
    assert frame["num"].tolist()[:2] == [1.5, 2.5]
    kept = make(table, data={**data, "text_columns": ["num"]})
    frame = read_tables(kept).of(kept.declaration.data).frame
    assert frame["num"].tolist()[:2] == ["1.5", "2.5"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_unknown_text_column_is_refused(make: Make, tmp_path: Path, kind: str) -> None:
    people().to_excel(tmp_path / "d.xlsx", index=False)
    data = {**content()["data"], "file": f"d.{kind}", "text_columns": ["dosier"]}
    with pytest.raises(ImpactEvalError) as refused:
        evaluate(make(data=data))
    (finding,) = refused.value.findings
    assert finding.code in ("missing_column", "missing_codebook_column")
    assert finding.values["nearest"] == "dossier"


@pytest.mark.parametrize(
    ("privacy", "code"),
    [
        ({"threshold": 1}, "threshold_needs_reason"),
        ({"threshold": 2}, "threshold_needs_reason"),
        ({"threshold": 2, "reason": "Données publiques"}, None),
        ({"threshold": 3}, None),
        ({"profile": "entreprises"}, None),
        ({"profile": "entreprise"}, "wrong_choice"),
    ],
)
def test_a_low_threshold_needs_a_reason(make: Make, privacy: dict[str, Any], code: str) -> None:
    if code is None:
        study = make(privacy=privacy)
        assert study.declaration.privacy.own_threshold == privacy.get("threshold")
        return
    with pytest.raises(ImpactEvalError) as refused:
        make(privacy=privacy)
    (finding,) = refused.value.findings
    assert finding.code == code
    if code == "threshold_needs_reason":
        assert finding.place is not None
        assert finding.place.key == "privacy.reason"
        assert finding.values["found"] == str(privacy["threshold"])
