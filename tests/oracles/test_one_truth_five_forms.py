"""One questionnaire exported in every form gives one set of scores, those of its answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from second_rung import SecondRung

from impact_eval.data.reading import read_table
from impact_eval.survey import instrument

EXPORTS = SecondRung()
RSES = instrument("rses-fr")
ITEMS = [f"rses_{i}" for i in range(1, 11)]
WORDS = {r.code: r.fr[0] for r in RSES.responses}
FILES = (
    "limesurvey_codes.csv",
    "limesurvey_full_cp1252.csv",
    "google_forms_fr.csv",
    "kobo_xml_values.csv",
    "suivi_asso.xlsx",
)
CODEBOOK = {
    "columns": {
        "rses_{1..10}": {
            "from": ["RSES[SQ{i:03}]", "Affirmation n° {i}", "Q{i}"],
            "labels": {str(code): word for code, word in WORDS.items()},
        }
    }
}
ENGLISH = {r.code: r.en[0] for r in RSES.responses}
REVERSED = [3, 5, 8, 9, 10]  # by hand, from the French order


def truth(n: int = 24) -> pd.DataFrame:
    codes = np.random.default_rng(11).integers(1, 5, (n, 10))
    return pd.DataFrame(codes, columns=ITEMS)


def total(answers: pd.DataFrame) -> NDArray[np.float64]:
    """The score by hand: five items turned, then the sum."""
    keyed = answers.copy()
    for i in REVERSED:
        keyed[f"rses_{i}"] = 5 - keyed[f"rses_{i}"]
    return keyed.sum(axis=1).to_numpy(dtype=float)


def scored(frame: pd.DataFrame) -> NDArray[np.float64]:
    return RSES.score(frame, ITEMS).values


def limesurvey_form(folder: Path) -> Path:
    """A survey whose answers run from the most to the least: A1 is « Tout à fait en accord »."""
    order = [4, 3, 2, 1]
    rows = "".join(
        f"<row><qid>{10 + i}</qid><parent_qid>1</parent_qid><title>SQ{i:03}</title>"
        f"<question>Affirmation {i}</question></row>"
        for i in range(1, 11)
    )
    answers = "".join(
        f"<row><qid>1</qid><code>A{k}</code><aid>{k}</aid></row>" for k in range(1, 5)
    )
    said = "".join(
        f"<row><aid>{k}</aid><answer>{words[code]}</answer></row>"
        for words in (ENGLISH, WORDS)
        for k, code in enumerate(order, start=1)
    )
    path = folder / "q.lss"
    path.write_text(
        "<document><questions><rows><row><qid>1</qid><parent_qid>0</parent_qid><type>F</type>"
        f"<title>RSES</title><question>Vous</question></row>{rows}</rows></questions>"
        f"<answers><rows>{answers}</rows></answers>"
        f"<answer_l10ns><rows>{said}</rows></answer_l10ns></document>",
        encoding="utf-8",
    )
    return path


def limesurvey_codes(folder: Path, answers: pd.DataFrame) -> NDArray[np.float64]:
    table = answers.map(lambda code: f"A{5 - code}")
    table.columns = pd.Index([f"RSES[SQ{i:03}]" for i in range(1, 11)])
    table.to_csv(folder / "t.csv", sep=";", index=False)
    read = read_table(folder / "t.csv", codes=limesurvey_form(folder))
    return RSES.score(read, [f"RSES_SQ{i:03}" for i in range(1, 11)]).values


def limesurvey_full(folder: Path, answers: pd.DataFrame) -> NDArray[np.float64]:
    table = answers.map(WORDS.get)
    table.columns = pd.Index([f"Vous [Affirmation {i}]" for i in range(1, 11)])
    table.to_csv(folder / "t.csv", sep=";", index=False, encoding="cp1252")
    read = read_table(folder / "t.csv", codes=limesurvey_form(folder))
    return RSES.score(read, [f"RSES_SQ{i:03}" for i in range(1, 11)]).values


def kobo_form(folder: Path) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    survey = book.active
    survey.title = "survey"
    survey.append(["type", "name", "label::Français (fr)"])
    for name in ITEMS:
        survey.append(["select_one accord", name, name])
    choices = book.create_sheet("choices")
    choices.append(["list_name", "name", "label::Français (fr)", "label::English (en)"])
    for name, code in (("toutafait", 4), ("plutot", 3), ("plutotpas", 2), ("pasdutout", 1)):
        choices.append(["accord", name, WORDS[code], ENGLISH[code]])
    path = folder / "form.xlsx"
    book.save(path)
    return path


def kobo_names(folder: Path, answers: pd.DataFrame) -> NDArray[np.float64]:
    names = {4: "toutafait", 3: "plutot", 2: "plutotpas", 1: "pasdutout"}
    table = answers.map(names.get)
    table.columns = pd.Index([f"estime/{name}" for name in ITEMS])
    table.to_csv(folder / "t.csv", sep=";", index=False)
    return scored(read_table(folder / "t.csv", codes=kobo_form(folder)))


def written_out(folder: Path, answers: pd.DataFrame) -> NDArray[np.float64]:
    answers.map(WORDS.get).to_csv(folder / "t.csv", index=False)
    return scored(read_table(folder / "t.csv"))


def numbered(folder: Path, answers: pd.DataFrame) -> NDArray[np.float64]:
    answers.map(lambda code: f"{code} - {WORDS[code]}").to_csv(folder / "t.csv", index=False)
    return scored(read_table(folder / "t.csv"))


def spss(folder: Path, answers: pd.DataFrame) -> NDArray[np.float64]:
    pyreadstat = pytest.importorskip("pyreadstat")
    said = {float(5 - code): word for code, word in WORDS.items()}
    pyreadstat.write_sav(
        5.0 - answers, str(folder / "t.sav"), variable_value_labels=dict.fromkeys(ITEMS, said)
    )
    return scored(read_table(folder / "t.sav"))


def stata(folder: Path, answers: pd.DataFrame) -> NDArray[np.float64]:
    pyreadstat = pytest.importorskip("pyreadstat")
    said = {code - 1: ENGLISH[code] for code in ENGLISH}
    pyreadstat.write_dta(
        answers - 1, str(folder / "t.dta"), variable_value_labels=dict.fromkeys(ITEMS, said)
    )
    return scored(read_table(folder / "t.dta"))


FORMS = (
    limesurvey_codes, limesurvey_full, kobo_names, written_out, numbered, spss, stata,
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=[form.__name__ for form in FORMS])
def test_an_invented_export_gives_the_scores_of_its_answers(
    form: Callable[[Path, pd.DataFrame], NDArray[np.float64]], tmp_path: Path
) -> None:
    answers = truth()
    np.testing.assert_array_equal(form(tmp_path, answers), total(answers))


@EXPORTS
@pytest.mark.parametrize("file", FILES)
def check_a_stored_export_gives_the_scores_of_its_answers(file: str, shared: Path) -> None:
    answers = pd.read_csv(shared / "data/messy/canonical.csv")
    read = read_table(shared / "data/messy" / file, codes=CODEBOOK)
    scores = scored(read)
    half_rule = answers["rses_total_half_rule"].to_numpy(dtype=float)
    np.testing.assert_allclose(scores, half_rule, atol=1e-6, equal_nan=True)


def test_on_exports(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    EXPORTS.run(request, subtests)
