"""Three files as people of this field send them, read at the first try.

Each is typed from a clean truth (`tests/support/fresh_*.py`), and every count, mean and estimate is
held to what a plain loop gives on that truth: an association's workbook, a département's table of
communes, a LimeSurvey questionnaire.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pytest

import impact_eval as ie
from impact_eval.pipeline.opening import open_study
from tests.support import fresh_association as association
from tests.support import fresh_communes as communes
from tests.support import fresh_limesurvey as limesurvey


def evaluated(folder: Path) -> Mapping[str, Any]:
    return ie.evaluate(ie.Study.read(folder)).to_dict()


def by_outcome(results: Mapping[str, Any], role: str = "main") -> dict[str, Mapping[str, Any]]:
    return {part["outcome"]: part for part in results["estimates"] if part["role"] == role}


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-6, abs=1e-6)


# -- an association's workbook -----------------------------------------------------------------

MEASURES: Mapping[str, Callable[[association.Person], float | None]] = {
    "emploi": lambda person: person.work,
    "ressources": lambda person: person.income,
    "loyer": lambda person: None if person.rent is None else 100 * person.rent,
    "heures": lambda person: person.hours,
    "satisfaction": lambda person: person.satisfaction,
}


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("association")
    association.write(folder / "suivi.xlsx", association.truth())
    (folder / "study.toml").write_text(association.STUDY, encoding="utf-8")
    return folder


def test_a_word_that_nobody_declared_is_named_with_how_many_cells_hold_it(workbook: Path) -> None:
    opened = open_study(ie.Study.read(workbook))
    (fault,) = [f for f in opened.faults if f.code == "text_outcome"]
    absent = sum(
        1
        for wave in ("T0", "T1")
        for row, person in enumerate(p for p in association.truth() if p.wave == wave)
        if person.hours is None and row % 3 < 2
    )
    assert fault.values["n"] == absent
    assert {text.lower() for text in fault.values["examples"]} == {"abs"}


def test_the_workbook_of_an_association_is_counted_right(workbook: Path) -> None:
    (workbook / "suivi.codes.toml").write_text(
        'schema = "impact-eval/codebook/1"\nmissing = ["abs"]\n', encoding="utf-8"
    )
    people = association.truth()
    for sheet, wave in (("Entrée", "T0"), ("Sortie", "T1")):
        frame = ie.read_table(workbook / "suivi.xlsx", sheet=sheet)
        here = [person for person in people if person.wave == wave]
        assert len(frame) == len(here)
        assert frame["Bénéficiaire / Âge"].tolist() == [person.age for person in here]
        days: Sequence[datetime.datetime] = frame["Bénéficiaire / Date d'entretien"].tolist()
        assert [day.date() for day in days] == [person.day for person in here]
    results = evaluated(workbook)
    assert results["data"]["n_rows"] == len(people)
    assert results["data"]["n_units"] == len({person.id for person in people})
    told = by_outcome(results)
    assert set(told) == set(MEASURES)
    for outcome, measure in MEASURES.items():
        check_did(told[outcome], people, measure)


def check_did(
    told: Mapping[str, Any],
    people: Sequence[association.Person],
    measure: Callable[[association.Person], float | None],
) -> None:
    """The change of those helped, less that of the others, among people seen twice."""
    before = {p.id: measure(p) for p in people if p.wave == "T0"}
    after = {p.id: measure(p) for p in people if p.wave == "T1"}
    helped = {p.id: p.helped for p in people}
    change: dict[bool, list[float]] = {True: [], False: []}
    for person, first in before.items():
        last = after.get(person)
        if first is not None and last is not None:
            change[helped[person]].append(last - first)
    (effect,) = told["estimate"]["effects"]
    assert effect["estimate"] == close(mean(change[True]) - mean(change[False]))
    assert effect["n_treated"] == len(change[True])
    assert effect["n_comparison"] == len(change[False])
    flow = told["estimate"]["flow"]
    assert (flow[0]["units"], flow[0]["n"]) == (len(before), len(people))
    pairs = len(change[True]) + len(change[False])
    assert flow[-1]["units"] == pairs
    assert flow[0]["n"] - sum(step["dropped"] for step in flow) == flow[-1]["n"] == 2 * pairs


# -- a département's communes ------------------------------------------------------------------


def group_times(
    cells: Sequence[communes.Cell], value: Callable[[communes.Cell], float | None]
) -> dict[tuple[int, int], float]:
    """Effects by cohort and year, by hand: the change since the year before entry, or the last."""
    values = {(c.code, c.year): value(c) for c in cells}
    cohorts: dict[int | None, set[str]] = {}
    for cell in cells:
        cohorts.setdefault(cell.entry, set()).add(cell.code)

    def moved(codes: set[str], start: int, end: int) -> float:
        pairs = [(values[code, start], values[code, end]) for code in sorted(codes)]
        return mean(b - a for a, b in pairs if a is not None and b is not None)

    found = {}
    for entry in sorted(year for year in cohorts if year is not None):
        for year in communes.YEARS[1:]:
            start = entry - 1 if year >= entry else year - 1
            if start != year:
                found[entry, year] = moved(cohorts[entry], start, year) - moved(
                    cohorts[None], start, year
                )
    return found


@pytest.mark.parametrize(
    ("layout", "study", "gap", "encoding"),
    [
        (communes.long, communes.LONG_STUDY, "\u00a0", "cp1252"),
        (communes.wide, communes.WIDE_STUDY, "\u202f", "utf-16"),
    ],
)
def test_the_communes_of_a_departement_are_counted_right(
    tmp_path: Path,
    layout: Callable[[list[communes.Cell], str], str],
    study: str,
    gap: str,
    encoding: str,
) -> None:
    cells = communes.truth()
    (tmp_path / "communes.csv").write_bytes(layout(cells, gap).encode(encoding))
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    frame = ie.read_table(tmp_path / "communes.csv")
    assert sorted(frame["Code INSEE"].unique()) == sorted({cell.code for cell in cells})
    results = evaluated(tmp_path)
    assert (results["data"]["n_units"], results["data"]["n_rows"]) == (60, 360)
    check_communes(results, "non_recours", cells, lambda cell: cell.rate)
    if layout is communes.long:
        check_communes(results, "depenses", cells, lambda cell: cell.spent)


@pytest.mark.parametrize("gap", [" ", "\u00a0", "\u202f"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "mac-roman", "cp850"]
)
def test_the_table_of_a_departement_is_the_same_in_any_encoding(
    tmp_path: Path, gap: str, encoding: str
) -> None:
    cells = communes.truth()
    text = communes.long(cells, gap)
    if gap == "\u202f" and not encoding.startswith("utf"):
        return  # these have no narrow gap; nor has the last one a sign for the euro
    (tmp_path / "communes.csv").write_bytes(text.encode(encoding, errors="replace"))
    frame = ie.read_table(tmp_path / "communes.csv")
    assert frame["Code INSEE"].tolist() == [
        c.code for y in communes.YEARS for c in cells if c.year == y
    ]
    truth = sorted(cells, key=lambda cell: cell.year)
    assert frame["Commune"].tolist() == [cell.name for cell in truth]
    assert frame["Population"].tolist() == [cell.population for cell in truth]
    assert frame.iloc[:, -1].tolist() == [cell.spent for cell in truth]
    rates = [np.nan if cell.rate is None else cell.rate for cell in truth]
    np.testing.assert_array_equal(frame["Taux de non-recours (%)"].to_numpy(), rates)


def check_communes(
    results: Mapping[str, Any],
    outcome: str,
    cells: Sequence[communes.Cell],
    value: Callable[[communes.Cell], float | None],
) -> None:
    known = [cell for cell in cells if value(cell) is not None]
    told = by_outcome(results)[outcome]
    flow = told["estimate"]["flow"]
    lost = {step["reason"]: step["dropped"] for step in flow if step["dropped"]}
    assert lost.get("missing_outcome", 0) == len(cells) - len(known)
    assert flow[-1]["n"] == len(known)
    found = {
        (int(float(row["group"])), int(float(row["time"]))): row["estimate"]
        for row in by_outcome(results, "cells")[outcome]["estimate"]["effects"]
        if row["estimate"] is not None
    }
    expected = group_times(cells, value)
    assert set(found) == set(expected)
    for key, effect in expected.items():
        assert found[key] == close(effect), key
    # cohorts are of one size: their mean effect is the mean of the cells since entry
    after = [effect for (entry, year), effect in expected.items() if year >= entry]
    (row,) = told["estimate"]["effects"]
    assert row["estimate"] == close(mean(after))


# -- a LimeSurvey questionnaire ----------------------------------------------------------------


@pytest.mark.parametrize("full", [False, True], ids=["answer codes", "full answers"])
@pytest.mark.parametrize("form", [False, True], ids=["no form", "form"])
def test_a_questionnaire_of_limesurvey_is_counted_right(
    tmp_path: Path, full: bool, form: bool
) -> None:
    waves = limesurvey.truth()
    for name, replies in zip(("entree", "sortie"), waves, strict=True):
        limesurvey.write(tmp_path / f"{name}.csv", replies, full)
    limesurvey.write_form(tmp_path / "questionnaire.lss")
    names = limesurvey.headings(full)
    declared = 'codes = "questionnaire.lss"\n' if form else ""
    text = limesurvey.study(names[5], names[6:11], names[13], names[14], declared)
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    if not full and not form:
        with pytest.raises(ie.ImpactEvalError) as refusal:
            evaluated(tmp_path)
        assert {f.code for f in refusal.value.findings} == {"tool_codes_without_labels"}
        return
    results = evaluated(tmp_path)
    assert results["data"]["n_units"] == len(waves[0])
    assert results["data"]["n_rows"] == len(waves[0]) + len(waves[1])
    told = by_outcome(results)
    check_paired(told["ressources"], waves, lambda reply: reply.income)
    check_paired(told["emploi"], waves, lambda reply: reply.work)
    check_score(results["scores"][0], waves)
    unsent = [entry for entry in results["data"]["reading"]["log"]
              if entry["code"] == "incomplete_answers"]  # fmt: skip
    assert [entry["values"]["n"] for entry in unsent] == [4]


Waves = tuple[list[limesurvey.Reply], list[limesurvey.Reply]]


def paired(
    waves: Waves, value: Callable[[limesurvey.Reply], float | None]
) -> tuple[list[float], list[float]]:
    first, last = ({reply.code: value(reply) for reply in replies} for replies in waves)
    both = [(a, last.get(code)) for code, a in first.items()]
    whole = [(a, b) for a, b in both if a is not None and b is not None]
    return [a for a, _ in whole], [b for _, b in whole]


def check_paired(
    told: Mapping[str, Any], waves: Waves, value: Callable[[limesurvey.Reply], float | None]
) -> None:
    before, after = paired(waves, value)
    (effect,) = told["estimate"]["effects"]
    details = told["estimate"]["details"]
    assert effect["n_treated"] == len(before)
    assert effect["estimate"] == close(mean(after) - mean(before))
    assert (details["mean_before"], details["mean_after"]) == (
        close(mean(before)),
        close(mean(after)),
    )


def total(reply: limesurvey.Reply) -> float | None:
    """The score out of 100: four times the sum, when all five questions are answered."""
    answers = [answer for answer in reply.items if answer is not None]
    return 4.0 * sum(answers) if len(answers) == 5 else None


def check_score(told: Mapping[str, Any], waves: Waves) -> None:
    before, after = paired(waves, total)
    for part, scores in (("before", before), ("after", after)):  # the same people at both dates
        assert told[part]["n"] == len(scores)
        assert told[part]["mean"] == close(mean(scores))
        assert told[part]["sd"] == close(float(np.std(scores, ddof=1)))
    for part, replies in zip(("n_before", "n_after"), waves, strict=True):
        answered = [score for score in map(total, replies) if score is not None]
        assert told["lost"][part] == len(answered)
    assert told["change"]["n"] == len(before)
    assert told["change"]["estimate"] == close(mean(after) - mean(before))
