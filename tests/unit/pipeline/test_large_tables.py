"""A study of a large file is that of a small one: table, fingerprint, log, what is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tomli_w

from impact_eval import ImpactEvalError, Study
from impact_eval.data import big_text, clean_columns, clean_texts
from impact_eval.data.forgotten import Forgotten
from impact_eval.data.pseudonyms import KEY_VARIABLE, given_key
from impact_eval.pipeline.opening import open_study
from impact_eval.pipeline.study_tables import StudyTables, read_tables

HEAD: dict[str, Any] = {
    "id": "essai", "title": "Essai", "territory": "01", "pillar": "emploi",
    "action": "Accompagnement", "period": ["2024-01", "2024-12"],
}  # fmt: skip
OUTCOME = {"id": "emploi", "label": "Emploi", "column": "emploi", "unit": "share", "primary": True}
METHOD = {"name": "difference_in_means"}
Make = Callable[..., Study]


def people(n: int = 300) -> pd.DataFrame:
    """Return a file as people send it: French numbers and dates, codes, missing words, names."""
    rng = np.random.default_rng(3)

    def pick(*words: str) -> Any:
        return rng.choice(words, n)

    return pd.DataFrame(
        {
            "id": [f"NOMINVENTE{i} Prenom{i}" for i in range(n)][::-1],
            "Téléphone": [f"06 00 00 {i // 100:02d} {i % 100:02d}" for i in range(n)],
            "dep": pick("01", "38", "69"),
            "revenu": [f"{x:.2f}".replace(".", ",") for x in rng.gamma(3, 500, n)],
            "loyer": pick("450,00 €", "1 200,50 €", "NSP"),
            "entrée": pick("01/02/2024", "15/03/2024", ""),
            "sexe": pick("Femme", "Homme"),
            "satisfait": pick("oui", "non", "refus"),
            "remarques": pick("rien", "3 fois; puis plus", "a\x07b"),
            "vague": pick("2023", "2024"),
            "enfants": pick("0", "1", "2", "99"),
            "aide": [i % 2 for i in range(n)],
            "emploi": pick("0", "1"),
        }
    )


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Write a study of 300 named people and read it."""
    monkeypatch.setenv(KEY_VARIABLE, "c" * 32)

    def write(frame: pd.DataFrame | None = None, codes: str | None = None, **data: Any) -> Study:
        people().to_csv(tmp_path / "d.csv", index=False, sep=";")
        if frame is not None:
            frame.to_csv(tmp_path / "d.csv", index=False, sep=";")
        if codes is not None:
            (tmp_path / "d.codes.toml").write_text(codes, encoding="utf-8")
        outcomes = data.pop("outcomes", [OUTCOME])
        roles = data.pop("roles", {"unit": "id", "treatment": "aide"})
        study = {
            "schema": "impact-eval/study/1", "study": HEAD, "method": METHOD, "outcomes": outcomes,
            "data": {"file": "d.csv", "roles": roles, **data},
        }  # fmt: skip
        (tmp_path / "study.toml").write_text(tomli_w.dumps(study), encoding="utf-8")
        return Study.read(tmp_path)

    return write


@pytest.fixture
def as_large(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make every text table a large one, from the call on."""

    def lower() -> None:
        monkeypatch.setattr(big_text, "BIG", 0)
        monkeypatch.setattr(big_text, "_PART", 2_000)
        monkeypatch.setattr(clean_columns, "_FEWEST", 0)
        monkeypatch.setattr(clean_texts, "_FEWEST", 0)

    return lower


def read(study: Study) -> StudyTables | list[dict[str, Any]]:
    try:
        return read_tables(study)
    except ImpactEvalError as error:
        return [finding.to_dict() for finding in error.findings]


def assert_same(study: Study, as_large: Callable[[], None]) -> StudyTables | list[dict[str, Any]]:
    """Read a study both ways; what is read of the large one is what is read of the small one."""
    small, small_opened = read(study), open_study(study)
    as_large()
    large, large_opened = read(study), open_study(study)
    assert large_opened.faults == small_opened.faults
    assert large_opened.noticed == small_opened.noticed
    assert large_opened.proposals == small_opened.proposals
    if isinstance(small, list) or isinstance(large, list):
        assert large == small
        return large
    for (_, one), (_, other) in zip(small.tables, large.tables, strict=True):
        pd.testing.assert_frame_equal(one.frame, other.frame)
        assert one.sha256 == other.sha256
        assert dict(one.log) == dict(other.log)
        for seen, again in zip(one.tables, other.tables, strict=True):
            assert seen.noticed == again.noticed
            assert seen.rows == again.rows
            assert [c["name"] for c in seen.columns] == [c["name"] for c in again.columns]
            assert [c["type"] for c in seen.columns] == [c["type"] for c in again.columns]
    return large


CODES = """
[columns.genre]
from = ["sexe"]
labels = { 1 = "Femme", 2 = "Homme" }
[columns.satisfait]
type = "boolean"
"""
PANEL = {"unit": "id", "treatment": "aide", "time": "vague"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"roles": {"unit": "id", "treatment": "aide", "strata": "dep", "covariates": ["revenu"]}},
        {"roles": {"unit": "id", "treatment": "aide", "covariates": ["loyer", "enfants"]}},
        {"codes": CODES},
        {"codes": CODES, "roles": {"unit": "id", "treatment": "aide", "strata": "genre"}},
        {"codes": CODES.replace(', 2 = "Homme"', "")},
        {"codes": CODES, "text_columns": ["dep", "enfants"]},
        {"roles": PANEL, "treated_from": "2024"},
        {"rows_are": "territories"},
    ],
    ids=[
        "plain", "covariates", "units_in_cells", "codes", "renamed", "unknown_label", "text",
        "treated_from", "territories",
    ],
)  # fmt: skip
def test_a_large_file_is_read_as_a_small_one(
    make: Make, as_large: Callable[[], None], changes: dict[str, Any]
) -> None:
    assert_same(make(**changes), as_large)


@pytest.mark.parametrize("column", ["aide", "emploi", "id"])
def test_a_column_that_is_not_there_is_told_its_nearest_among_all(
    make: Make, as_large: Callable[[], None], column: str
) -> None:
    study = make()
    renamed = people().rename(columns={column: f"{column}s"})
    renamed.to_csv(study.path("d.csv"), index=False, sep=";")
    assert_same(study, as_large)
    refused = open_study(study).faults
    assert {finding.values.get("nearest") for finding in refused} == {f"{column}s"}


def test_only_the_columns_of_the_study_are_kept_and_the_others_are_searched_for_names(
    make: Make, as_large: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make()
    kept: list[list[str]] = []
    told = big_text.read_big

    def spied(*asked: Any) -> Any:
        big = told(*asked)
        assert big is not None
        kept.append(list(big.frame.columns))
        return big

    monkeypatch.setattr(big_text, "read_big", spied)
    tables = assert_same(study, as_large)
    assert kept == [["id", "aide", "emploi"], ["id", "aide", "emploi"], ["id"]]
    assert isinstance(tables, StudyTables)
    (noticed,) = [
        f for f in tables.tables[0][1].tables[0].noticed if f.code == "identifying_columns"
    ]
    assert noticed.values["columns"] == ("id", "Téléphone")


def test_a_large_parquet_file_is_read_as_a_small_one(
    make: Make, as_large: Callable[[], None]
) -> None:
    study = make()
    path = study.folder / "study.toml"
    path.write_text(path.read_text("utf-8").replace("d.csv", "d.parquet"), encoding="utf-8")
    table = people().astype({"aide": int, "emploi": int, "enfants": int})
    table.to_parquet(study.folder / "d.parquet", row_group_size=70)
    tables = assert_same(Study.read(study.folder), as_large)
    assert isinstance(tables, StudyTables)
    assert list(tables.tables[0][1].frame.columns) == ["id", "aide", "emploi"]


def test_people_forgotten_are_left_out_of_the_fingerprint_too(
    make: Make, as_large: Callable[[], None]
) -> None:
    study = make()
    whole = read_tables(study).tables[0][1].sha256
    key = given_key()
    assert key is not None
    Forgotten.empty(key).with_person("NOMINVENTE7 Prenom7", key).write(study.folder)
    tables = assert_same(study, as_large)
    assert isinstance(tables, StudyTables)
    assert len(tables.tables[0][1].frame) == 299
    assert tables.tables[0][1].sha256 != whole


def test_waves_side_by_side_are_read_whole(make: Make, as_large: Callable[[], None]) -> None:
    table = people().assign(emploi_t1=lambda t: t["emploi"], emploi_t2=lambda t: t["aide"])
    waves = {"names": ["1", "2"], "columns": {"emploi": ["emploi_t1", "emploi_t2"]}}
    roles = {"unit": "id", "treatment": "aide", "time": "wave"}
    assert_same(make(table.drop(columns="emploi"), roles=roles, waves=waves), as_large)


@pytest.mark.parametrize("column", ["remarques", "dep", "revenu", "entrée", "sexe", "id"])
def test_any_change_of_a_cell_that_the_study_does_not_use_changes_the_fingerprint(
    make: Make, as_large: Callable[[], None], column: str
) -> None:
    as_large()
    table = people()
    before = read_tables(make(table)).tables[0][1].sha256
    cells = table[column].tolist()
    swapped = next(i for i in range(1, len(cells)) if cells[i] != cells[0])
    cells[0], cells[swapped] = cells[swapped], cells[0]
    after = read_tables(make(table.assign(**{column: cells}))).tables[0][1].sha256
    assert after != before
