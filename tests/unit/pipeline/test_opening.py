"""`check` opens the data: counts, all faults at once, the declaration that a table looks like."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tomli_w
from typer.testing import CliRunner

from impact_eval import ImpactEvalError, Study, evaluate
from impact_eval.cli import app
from impact_eval.pipeline.opening import Opened, open_study
from impact_eval.pipeline.wave_proposal import WaveShape

HEAD = {
    "id": "essai",
    "title": "Essai",
    "territory": "01",
    "pillar": "emploi",
    "action": "Accompagnement",
    "period": ["2024-01", "2024-12"],
}
SHARE = {"id": "emploi", "label": "Emploi", "column": "emploi", "unit": "share", "primary": True}
WAVES = {"names": ["T0", "T1"], "columns": {"emploi": ["Emploi entrée", "Emploi sortie"]}}
Write = Callable[..., Path]


def wide(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"Dossier": [f"A{i:02}" for i in range(n)]})
    frame["Accompagné"] = np.where(np.arange(n) % 2 == 1, "oui", "non")
    frame["Emploi entrée"] = (rng.random(n) < 0.3).astype(int)
    frame["Emploi sortie"] = (rng.random(n) < 0.5).astype(int)
    return frame


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def study(method: str = "before_after", file: str = "d.csv", **data: Any) -> Path:
        content = {
            "schema": "impact-eval/study/1",
            "study": HEAD,
            "data": {"file": file, **data},
            "method": {"name": method},
            "outcomes": [SHARE],
        }
        (tmp_path / "study.toml").write_text(tomli_w.dumps(content), encoding="utf-8")
        return tmp_path

    return study


def opened(folder: Path) -> Opened:
    study, faults = Study.examine(folder)
    assert study is not None
    return open_study(study, faults)


def run(folder: Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["check", str(folder)])
    return done.exit_code, " ".join((done.output).split())


def effect(folder: Path) -> float:
    row = evaluate(Study.read(folder)).primary.estimate.effects[0]
    assert row.estimate is not None
    return row.estimate


def test_a_workbook_whose_columns_are_not_those_declared(write: Write, tmp_path: Path) -> None:
    wide().to_excel(tmp_path / "d.xlsx", index=False)
    folder = write("difference_in_means", "d.xlsx", roles={"unit": "id", "treatment": "aide"})
    code, said = run(folder)
    assert code == 1
    assert all(f"« {name} »" in said or f"“{name}”" in said for name in ("id", "aide", "emploi"))
    assert {f.values["column"] for f in opened(folder).faults} == {"id", "aide", "emploi"}


def test_what_is_there_is_counted_and_nobody_is_named(write: Write, tmp_path: Path) -> None:
    wide().to_csv(tmp_path / "d.csv", index=False)
    folder = write(
        "did", roles={"unit": "Dossier", "time": "wave", "treatment": "Accompagné"}, waves=WAVES
    )
    code, said = run(folder)
    assert code == 0
    assert "A07" not in said
    ((_, (table,), sample),) = opened(folder).tables
    assert (table.rows, len(table.columns)) == (60, 4)
    assert sample is not None
    assert (sample.units, sample.rows, sample.dates) == (60, 120, (("T0", 60), ("T1", 60)))
    assert (sample.treated, sample.comparison) == (30, 30)
    (outcome,) = opened(folder).outcomes
    assert (outcome.units, outcome.rows) == (60, 120)


def test_faults_of_the_declaration_and_of_the_data_are_told_together(
    write: Write, tmp_path: Path
) -> None:
    table = wide()
    table.loc[1, "Dossier"] = "A00"
    table.to_csv(tmp_path / "d.csv", index=False)
    waves = {"names": ["T0", "T1"], "columns": {"emploi": ["Emploi entree", "Emploi sortie"]}}
    folder = write("did", roles={"unit": "Dossier", "time": "wave"}, waves=waves)
    (fault,) = opened(folder).faults
    assert (fault.code, fault.values["nearest"]) == ("missing_column", "Emploi entrée")
    folder = write("did", roles={"unit": "Dossier", "time": "wave"}, waves=WAVES, treated_from="T1")
    assert {f.code for f in opened(folder).faults} == {"treated_from_alone", "duplicated_rows"}


def test_a_role_refused_hides_no_odd_cell_of_an_outcome(write: Write, tmp_path: Path) -> None:
    table = wide().astype({"Emploi sortie": object})
    table.loc[4, "Dossier"] = None
    table.loc[9, "Emploi sortie"] = "peut-être"
    table.to_excel(tmp_path / "d.xlsx", index=False)
    folder = write(
        "did",
        "d.xlsx",
        roles={"unit": "Dossier", "time": "wave", "treatment": "Accompagné"},
        waves=WAVES,
    )
    told = {f.code: f.place for f in opened(folder).faults}
    assert set(told) == {"missing_role_values", "text_outcome"}
    assert told["missing_role_values"] is not None
    assert told["text_outcome"] is not None
    assert (told["missing_role_values"].row, told["text_outcome"].row) == (6, 11)


def test_a_refusal_of_the_design_is_known_before_the_run(write: Write, tmp_path: Path) -> None:
    wide().assign(Accompagné="oui").to_csv(tmp_path / "d.csv", index=False)
    folder = write(
        "did", roles={"unit": "Dossier", "time": "wave", "treatment": "Accompagné"}, waves=WAVES
    )
    assert "no_comparison" in {f.code for f in opened(folder).faults}
    assert run(folder)[0] == 1


# -- the shapes of a table, each declared in one way -------------------------------------------


def paste(folder: Path, lines: tuple[str, ...]) -> None:
    """Put the lines proposed in the study file, as a user would."""
    path = folder / "study.toml"
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    given = tomllib.loads("\n".join(lines))["data"]
    roles = {**content["data"].get("roles", {}), **given.pop("roles", {})}
    content["data"] = {**content["data"], **given, "roles": roles}
    path.write_text(tomli_w.dumps(content), encoding="utf-8")


def by_hand() -> float:
    table = wide()
    change = table["Emploi sortie"] - table["Emploi entrée"]
    helped = table["Accompagné"] == "oui"
    return float(change[helped].mean() - change[~helped].mean())


@pytest.mark.parametrize("file", ["d.csv", "d.xlsx"])
def test_side_by_side_is_proposed_and_the_lines_run(
    write: Write, tmp_path: Path, file: str
) -> None:
    table = wide()
    table.to_csv(tmp_path / file, index=False) if file == "d.csv" else table.to_excel(
        tmp_path / file, index=False
    )
    folder = write("did", file, roles={"unit": "Dossier", "treatment": "Accompagné"})
    (proposal,) = opened(folder).proposals
    assert proposal.shape is WaveShape.SIDE_BY_SIDE
    paste(folder, proposal.lines)
    assert opened(folder).faults == ()
    assert effect(folder) == pytest.approx(by_hand(), abs=0.01)


def entry_and_exit() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tables of the same people: who is helped is asked at entry, the exit in another order."""
    table = wide()
    entry = table[["Dossier", "Accompagné"]].assign(emploi=table["Emploi entrée"])
    later = table[["Dossier"]].assign(emploi=table["Emploi sortie"])
    return entry, later.sample(frac=1, random_state=1)


def test_one_sheet_per_wave(write: Write, tmp_path: Path) -> None:
    entry, later = entry_and_exit()
    with pd.ExcelWriter(tmp_path / "d.xlsx") as book:
        entry.to_excel(book, sheet_name="Entrée", index=False)
        later.to_excel(book, sheet_name="Sortie", index=False)
    folder = write("did", "d.xlsx", roles={"unit": "Dossier", "treatment": "Accompagné"})
    (proposal,) = opened(folder).proposals
    assert proposal.shape is WaveShape.SHEETS
    paste(folder, proposal.lines)
    assert opened(folder).faults == ()
    assert effect(folder) == pytest.approx(by_hand(), abs=0.01)


def test_one_file_per_wave_whose_columns_differ(write: Write, tmp_path: Path) -> None:
    entry, later = entry_and_exit()
    entry.rename(columns={"emploi": "Emploi à l’entrée"}).to_csv(
        tmp_path / "avant.csv", index=False
    )
    later.rename(columns={"emploi": "Emploi à la sortie"}).to_csv(
        tmp_path / "apres.csv", index=False
    )
    folder = write("did", "avant.csv", roles={"unit": "Dossier", "treatment": "Accompagné"})
    (proposal,) = opened(folder).proposals
    assert proposal.shape is WaveShape.FILES
    assert 'files = ["avant.csv", "apres.csv"]' in proposal.lines
    paste(folder, proposal.lines)
    assert opened(folder).faults == ()
    assert effect(folder) == pytest.approx(by_hand(), abs=0.01)


def test_three_waves_and_yes_or_no_ask_since_when(write: Write, tmp_path: Path) -> None:
    table = wide().assign(**{"Emploi milieu": wide()["Emploi entrée"]})
    table.to_csv(tmp_path / "d.csv", index=False)
    names = ["Emploi entrée", "Emploi milieu", "Emploi sortie"]
    waves = {"names": ["T0", "T1", "T2"], "columns": {"emploi": names}}
    roles = {"unit": "Dossier", "time": "wave", "treatment": "Accompagné"}
    folder = write("did", roles=roles, waves=waves)
    assert "treatment_undated" in {f.code for f in opened(folder).faults}
    folder = write("did", roles=roles, waves=waves, treated_from="T2")
    assert effect(folder) == pytest.approx(by_hand(), abs=0.01)


@pytest.mark.parametrize(
    ("waves", "code"),
    [
        ({"names": ["T0", "T1"]}, "waves_nowhere"),
        ({"names": ["T0", "T1"], "files": ["d.csv"]}, "waves_tables_mismatch"),
        ({"names": ["T0", "T1"], "files": ["e.csv", "d.csv"]}, "waves_first_file"),
        (
            {"names": ["T0", "T1"], "files": ["d.csv", "e.csv"], "sheets": [0, 1]},
            "waves_in_two_ways",
        ),
        ({"names": ["T0", "T1"], "files": ["d.csv", "f.csv"]}, "file_not_found"),
    ],
)
def test_waves_that_are_nowhere_are_refused(
    write: Write, tmp_path: Path, waves: dict[str, Any], code: str
) -> None:
    for name in ("d.csv", "e.csv"):
        wide().to_csv(tmp_path / name, index=False)
    folder = write("did", roles={"unit": "Dossier", "time": "wave"}, waves=waves)
    assert code in {f.code for f in Study.examine(folder)[1]}


def test_two_waves_without_anybody_in_common(write: Write, tmp_path: Path) -> None:
    entry, later = entry_and_exit()
    entry.to_csv(tmp_path / "d.csv", index=False)
    later.assign(Dossier=later["Dossier"] + "-2").to_csv(tmp_path / "e.csv", index=False)
    waves = {"names": ["T0", "T1"], "files": ["d.csv", "e.csv"]}
    folder = write("before_after", roles={"unit": "Dossier", "time": "wave"}, waves=waves)
    (fault,) = opened(folder).faults
    assert fault.code == "waves_share_nobody"


def test_the_columns_declared_are_those_that_reading_makes(write: Write, tmp_path: Path) -> None:
    rows = [f"A{i},{i % 2},{i % 3 % 2}" for i in range(40)]
    head = "Dossier,Accompagné,Emploi  à la   sortie "
    (tmp_path / "d.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    folder = write("difference_in_means", roles={"unit": "Dossier", "treatment": "Accompagné"})
    path = folder / "study.toml"
    text = path.read_text(encoding="utf-8").replace(
        'column = "emploi"', 'column = "Emploi à la sortie"'
    )
    path.write_text(text, encoding="utf-8")
    assert opened(folder).faults == ()
    assert Study.read(folder).declaration.outcomes[0].column == "Emploi à la sortie"


def test_a_codebook_that_renames_is_read_before_columns_are_refused(
    write: Write, tmp_path: Path
) -> None:
    table = wide().rename(columns={"Emploi sortie": "v27"})
    table.to_csv(tmp_path / "d.csv", index=False)
    codes = '[columns.emploi]\nfrom = ["v27"]\n'
    (tmp_path / "d.codes.toml").write_text(codes, encoding="utf-8")
    folder = write("difference_in_means", roles={"unit": "Dossier", "treatment": "Accompagné"})
    study, faults = Study.examine(folder)
    assert study is not None
    assert open_study(study, faults).faults == ()


def test_the_wave_of_a_questionnaire_is_looked_for_in_its_table(
    write: Write, tmp_path: Path
) -> None:
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"id": [f"A{i // 2}" for i in range(60)], "vague": ["T0", "T1"] * 30})
    for k in range(1, 11):
        table[f"q{k}"] = rng.integers(1, 5, 60)
    table["emploi"] = rng.integers(0, 2, 60)
    table.to_csv(tmp_path / "d.csv", index=False)
    folder = write("before_after", roles={"unit": "id", "time": "vague"})
    path = folder / "study.toml"
    for wave, waves, code in (
        ("vagues", ["T0", "T1"], "missing_column"),
        ("vague", ["T0", "T2"], "unknown_period"),
    ):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        data = {"file": "d.csv", "roles": {"unit": "id", "time": "vague"}}
        scale = {"id": "estime", "scale": "rses-fr", "wave": wave, "waves": waves, "data": data}
        items = ("worth", "qualities", "failure", "able", "proud", "attitude", "satisfied",
                 "respect", "useless", "no_good")  # fmt: skip
        scale["items"] = {item: f"q{k}" for k, item in enumerate(items, start=1)}
        path.write_text(tomli_w.dumps({**content, "instruments": [scale]}), encoding="utf-8")
        assert [f.code for f in opened(folder).faults] == [code]
        with pytest.raises(ImpactEvalError) as refused:
            evaluate(Study.read(folder))
        assert refused.value.codes == (code,)
