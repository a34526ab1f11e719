"""Five exports of the same twelve answers must read to one truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.data.codebook import Codebook
from impact_eval.data.reading import read_table

EXPORTS = SecondRung()

CODEBOOK = """
schema = "impact-eval/codebook/1"

[columns.code]
from = ["Votre code personnel", "Code personnel"]
type = "code"

[columns.date]
from = ["submitdate", "Date de soumission", "start", "Horodateur", "Date entretien"]
type = "date"

[columns.commune]
from = ["Votre commune"]
labels = { "Châlons-en-Champagne" = [], "Le Mans" = [], "Saint-Étienne" = [], "Besançon" = [] }

[columns.revenu]
from = ["Revenu mensuel (en €)", "Revenu mensuel (€)"]
type = "number"

[columns."rses_{1..10}"]
from = ["RSES[SQ{i:03}]", "Affirmation n° {i}", "Q{i}"]
labels.1 = "Tout à fait en désaccord"
labels.2 = "Plutôt en désaccord"
labels.3 = "Plutôt en accord"
labels.4 = "Tout à fait en accord"

[columns.aide]
type = "multiple"
from = ["AIDES", "Quelles aides percevez-vous ?"]
labels = { rsa = "RSA", aah = "AAH", apl = "Aide au logement (APL, ALS…)", aucune = "Aucune aide" }
other = "autre"

[columns.satisfaction]
from = ["SATISF", "Satisfaction (0-10)", "Satisf.", "Satisfaction de votre vie (0 à 10)"]
type = "number"
"""
FILES = (
    "limesurvey_codes.csv",
    "limesurvey_full_cp1252.csv",
    "google_forms_fr.csv",
    "kobo_xml_values.csv",
    "suivi_asso.xlsx",
)
ITEMS = [f"rses_{i}" for i in range(1, 11)]
AIDS = ["aide_rsa", "aide_aah", "aide_apl", "aide_aucune"]


@pytest.fixture(scope="module")
def codebook(tmp_path_factory: pytest.TempPathFactory) -> Codebook:
    path = tmp_path_factory.mktemp("codebook") / "enquete.toml"
    path.write_text(CODEBOOK, encoding="utf-8")
    return Codebook.read(path)


@pytest.fixture(scope="module")
def truth(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "data/messy/canonical.csv", dtype={"code": str})


@EXPORTS
@pytest.mark.parametrize("file", FILES)
def check_every_export_reads_to_the_same_truth(
    file: str, codebook: Codebook, truth: pd.DataFrame, shared: Path
) -> None:
    read = read_table(shared / "data/messy" / file, codes=codebook)
    assert len(read) == 12
    assert read["code"].tolist() == truth["code"].tolist()
    assert read["commune"].tolist() == truth["commune"].tolist()
    for name in ["revenu", "satisfaction", *ITEMS, *AIDS]:
        np.testing.assert_array_equal(
            read[name].to_numpy(float), truth[name].to_numpy(float), err_msg=f"{file} {name}"
        )
    dates = pd.to_datetime(truth["date"])
    if file == "limesurvey_codes.csv":  # its last answer was never submitted
        assert pd.isna(read["date"].iloc[11])
        dates = dates.iloc[:11]
    got = read["date"].iloc[: len(dates)]
    if file == "suivi_asso.xlsx":  # the sheet lost the hour of every third date
        got, dates = got.dt.normalize(), dates.dt.normalize()
    assert got.astype("datetime64[s]").tolist() == dates.astype("datetime64[s]").tolist()


@EXPORTS
@pytest.mark.parametrize("file", [f for f in FILES if f != "suivi_asso.xlsx"])
def check_free_answers_are_kept(
    file: str, codebook: Codebook, truth: pd.DataFrame, shared: Path
) -> None:
    # The hand-kept sheet lost it before it reached us.
    read = read_table(shared / "data/messy" / file, codes=codebook)
    got = read["aide_autre"].fillna("").tolist()
    assert got == truth["aide_autre"].fillna("").tolist()


@EXPORTS
def check_the_log_says_all_that_was_dropped(codebook: Codebook, shared: Path) -> None:
    read = read_table(shared / "data/messy/suivi_asso.xlsx", codes=codebook)
    reading = read.attrs["reading"]
    codes = {step["code"] for step in reading["log"]}
    assert {
        "title_rows_dropped",
        "headers_joined",
        "blank_rows_dropped",
        "total_row_dropped",
        "other_sheets",
        "missing_words",
        "two_digit_years",
        "numbers_written_as_text",
    } <= codes
    missing = {entry["name"]: entry["missing"] for entry in reading["dictionary"]}
    assert missing["rses_8"] == {"not_recorded": 1}
    assert missing["satisfaction"] == {"unanswered": 1}
    json.dumps(reading, allow_nan=False)


@EXPORTS
def check_not_shown_and_unanswered_stay_apart(codebook: Codebook, shared: Path) -> None:
    read = read_table(shared / "data/messy/limesurvey_full_cp1252.csv", codes=codebook)
    missing = {e["name"]: e["missing"] for e in read.attrs["reading"]["dictionary"]}
    assert missing["rses_8"] == {"not_shown": 1}
    codes = read_table(shared / "data/messy/limesurvey_codes.csv", codes=codebook)
    steps = {step["code"]: step for step in codes.attrs["reading"]["log"]}
    assert steps["incomplete_answers"]["values"]["rows"] == [13]  # the heading is line 1


def test_on_exports(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    EXPORTS.run(request, subtests)
