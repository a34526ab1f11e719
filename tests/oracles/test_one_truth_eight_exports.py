"""One truth of thirty people at two dates, exported by eight tools: one score for each person.

What comes of each export is held to the scores added by hand on the truth, and to the same record
of scores; a coding that no file explains is refused in words, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pytest

import impact_eval as ie
from impact_eval.pipeline.soft import score_instruments
from impact_eval.pipeline.study_tables import read_tables
from impact_eval.report.texts import Texts
from tests.support import eight_exports as tools
from tests.support.eight_exports import KOBO, LABELS, WAVES, words

TRUTH = tools.truth()
BY_LIMESURVEY = words({code: f"A{5 - code}" for code in LABELS})
OTHER_WORDS = {1: "Pas du tout d'accord", 2: "Plutôt pas d'accord", 3: "Plutôt d'accord",
               4: "Tout à fait d'accord"}  # fmt: skip
BEFORE = {code: f"{code} - {label}" for code, label in OTHER_WORDS.items()}
CHOICES = "1, {4} | 2, {3} | 3, {2} | 4, {1}".format(*["", *LABELS.values()])
TURNED_ROUND = words({code: str(5 - code) for code in LABELS})
SPELLINGS: tuple[Callable[[str], str], ...] = (
    str, str.upper, str.lower, lambda t: f" {t}  ", lambda t: t.replace("à", "a"),
    lambda t: t.replace("é", "e").capitalize(),
)  # fmt: skip


def spelt(place: int, answer: int | None) -> object:
    return None if answer is None else SPELLINGS[place % len(SPELLINGS)](LABELS[answer])


def same_code(reply: tools.Reply) -> str:
    return reply.code


def later_in_lower_case(reply: tools.Reply) -> str:
    return reply.code if reply.wave == "T0" else f"{reply.code.lower()} "


Writer = Callable[[Path], None]
EXPORTS: Mapping[str, Writer] = {
    "limesurvey, codes and form": lambda f: tools.limesurvey(
        f, TRUTH, BY_LIMESURVEY, full=False, form=True),
    "limesurvey, full answers": lambda f: tools.limesurvey(
        f, TRUTH, words(LABELS, "N/A"), full=True, form=False),
    "limesurvey, full answers and form": lambda f: tools.limesurvey(
        f, TRUTH, words(LABELS), full=True, form=True),
    "limesurvey, numbers before the answers": lambda f: tools.limesurvey(
        f, TRUTH, words(BEFORE, "N/A"), full=True, form=False),
    "limesurvey, codes and form, not shown": lambda f: tools.limesurvey(
        f, TRUTH, words({code: f"A{5 - code}" for code in LABELS}, "N/A"), full=False, form=True),
    "our questionnaire in limesurvey": lambda f: tools.own_form(f, TRUTH, ".lss"),
    "our questionnaire in limesurvey, headings of its other exports": lambda f: tools.own_form(
        f, TRUTH, ".lss", lambda name: name.replace("[", "_").replace("]", "")
    ),
    "our questionnaire in limesurvey, code and text": lambda f: tools.own_form(
        f, TRUTH, ".lss", lambda name: f"{name}. Pour chaque question, cochez une seule réponse."
    ),
    "our questionnaire in kobo": lambda f: tools.own_form(f, TRUTH, ".xlsx"),
    "our questionnaire in kobo, group": lambda f: tools.own_form(
        f, TRUTH, ".xlsx", lambda name: f"rses_fr/{name}"
    ),
    "our questionnaire in odk": lambda f: tools.own_form(
        f, TRUTH, ".xlsx", lambda name: f"rses_fr-{name}"
    ),
    "kobo, names of a group": lambda f: tools.kobo(f, TRUTH, words(KOBO)),
    "kobo, names without group": lambda f: tools.kobo(f, TRUTH, words(KOBO), group=""),
    "kobo, labels": lambda f: tools.kobo(f, TRUTH, words(LABELS)),
    "google forms": lambda f: tools.google_forms(f, TRUTH, words(LABELS)),
    "google forms, code before": lambda f: tools.google_forms(f, TRUTH, words(BEFORE)),
    "google forms, do not know": lambda f: tools.google_forms(f, TRUTH, words(LABELS, "NSP")),
    "sphinx": lambda f: tools.sphinx(f, TRUTH, words(OTHER_WORDS)),
    "sphinx, blanks around": lambda f: tools.sphinx(
        f, TRUTH, words({c: f" {t}  " for c, t in OTHER_WORDS.items()}, " ")),
    "sphinx, decimals": lambda f: tools.sphinx(f, TRUTH, words({c: f"{c},0" for c in LABELS})),
    "sphinx, points": lambda f: tools.sphinx(f, TRUTH, words({c: f"{c}.00" for c in LABELS}, "NR")),
    "sphinx, no answer": lambda f: tools.sphinx(f, TRUTH, words(OTHER_WORDS, "Non réponse")),
    "redcap, raw in the order of the scale": lambda f: tools.redcap(
        f, TRUTH, words({code: str(code) for code in LABELS})),
    "redcap, raw the other way with its dictionary": lambda f: tools.redcap(
        f, TRUTH, TURNED_ROUND, choices=CHOICES, dictionary=True),
    "redcap, raw from 0 with its dictionary": lambda f: tools.redcap(
        f, TRUTH, words({code: str(code - 1) for code in LABELS}, "-1"), dictionary=True,
        choices=" | ".join(f"{c - 1}, {t}" for c, t in LABELS.items()) + " | -1, Ne sait pas"),
    "redcap, labels": lambda f: tools.redcap(f, TRUTH, words(LABELS), labels=True),
    "spss": lambda f: tools.spss(f, TRUTH, {code: float(code) for code in LABELS}),
    "spss, the other way": lambda f: tools.spss(f, TRUTH, {c: 5.0 - c for c in LABELS}),
    "spss, from 0": lambda f: tools.spss(f, TRUTH, {c: c - 1.0 for c in LABELS}),
    "spss, 99 labelled": lambda f: tools.spss(
        f, TRUTH, {c: float(c) for c in LABELS}, {99.0: "Ne sait pas"}, left=99.0),
    "workbook, spellings": lambda f: tools.by_hand(f, TRUTH, spelt, same_code),
    "workbook, codes of people in lower case, said to be the same": lambda f: tools.by_hand(
        f, TRUTH, spelt, later_in_lower_case, 'labels_alike = "same"\n'),
    "workbook, decimals": lambda f: tools.by_hand(
        f, TRUTH, lambda _, a: "" if a is None else f"{a},0", same_code),
    "workbook, numbers": lambda f: tools.by_hand(f, TRUTH, lambda _, a: a, same_code),
    "workbook, numbers and words for none": lambda f: tools.by_hand(
        f, TRUTH, lambda k, a: ("NSP", "N/A")[k % 2] if a is None else a, same_code),
    "workbook, n/a": lambda f: tools.by_hand(
        f, TRUTH, lambda k, a: ("N/A", "NSP", "-")[k % 3] if a is None else LABELS[a], same_code),
}  # fmt: skip
REFUSED: Mapping[str, tuple[Writer, str]] = {
    "workbook, codes of people in lower case": (
        lambda f: tools.by_hand(f, TRUTH, spelt, later_in_lower_case),
        "labels_alike",
    ),
    "limesurvey, codes alone": (
        lambda f: tools.limesurvey(f, TRUTH, BY_LIMESURVEY, full=False, form=False),
        "tool_codes_without_labels",
    ),
    "redcap, raw from 0 alone": (
        lambda f: tools.redcap(f, TRUTH, words({code: str(code - 1) for code in LABELS})),
        "codes_shifted",
    ),
    "redcap, 99 alone": (
        lambda f: tools.redcap(f, TRUTH, words({c: str(c) for c in LABELS}, "99")),
        "missing_code_undeclared",
    ),
    "spss, -1 without a label": (
        lambda f: tools.spss(f, TRUTH, {c: float(c) for c in LABELS}, left=-1.0),
        "missing_code_undeclared",
    ),
    "workbook, -9 alone": (
        lambda f: tools.by_hand(f, TRUTH, lambda _, a: -9 if a is None else a, same_code),
        "missing_code_undeclared",
    ),
    "workbook, codes up to 5": (
        lambda f: tools.by_hand(f, TRUTH, lambda _, a: a and a + 1, same_code),
        "codes_shifted",
    ),
    "google forms, numbers of another order": (
        lambda f: tools.google_forms(
            f, TRUTH, words({c: f"{5 - c} - {t}" for c, t in OTHER_WORDS.items()})
        ),
        "number_beside_label",
    ),
    "sphinx, words nobody knows": (
        lambda f: tools.sphinx(f, TRUTH, words({1: "Bof", 2: "Moyen", 3: "Bien", 4: "Super"})),
        "unknown_label",
    ),
}


def by_hand() -> dict[tuple[str, str], float]:
    return {(r.code, r.wave): r.score for r in TRUTH if r.score is not None}


def people(scores: Mapping[tuple[str, str], float]) -> list[tuple[float, float]]:
    """Both scores of each person, -1 for a date without one: names are pseudonyms once read."""
    seen = {person for person, _ in scores}
    return sorted((scores.get((p, "T0"), -1.0), scores.get((p, "T1"), -1.0)) for p in seen)


def scored(folder: Path) -> dict[tuple[str, str], float]:
    """The score of each person at each date, as the study's own steps give it."""
    study = ie.Study.read(folder)
    tables = read_tables(study, signed=False)
    (found,) = score_instruments(study, lambda part: tables.of(part).frame).values()
    part, rows = found.part, found.frame.dropna(subset=[found.column])
    said = dict(zip(part.waves or (), WAVES, strict=True))
    persons, moments = rows[part.data.roles.unit], rows[part.wave].map(said)
    return dict(zip(zip(persons, moments, strict=True), rows[found.column], strict=True))


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_gives_each_person_the_score_of_the_truth(name: str, tmp_path: Path) -> None:
    EXPORTS[name](tmp_path)
    told, held = people(scored(tmp_path)), people(by_hand())
    assert len(told) == len(held)
    assert np.asarray(told) == pytest.approx(np.asarray(held))


def record(folder: Path) -> dict[str, Any]:
    """The record of scores, without what tells the codes of the file and how they were read."""
    results = ie.evaluate(ie.Study.read(folder)).to_dict()
    (told,) = results["scores"]
    told = {key: value for key, value in told.items() if key not in {"codes", "findings"}}
    effect = results["estimates"][0]["estimate"]["effects"][0]
    return told | {"effect": {k: effect[k] for k in ("estimate", "std_error", "n_treated")}}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("first")
    EXPORTS["redcap, raw in the order of the scale"](folder)
    return record(folder)


def test_the_record_is_that_of_the_truth(expected: Mapping[str, Any]) -> None:
    scores = by_hand()
    both = [
        (scores[person, "T0"], scores[person, "T1"])
        for person, wave in scores
        if wave == "T0" and (person, "T1") in scores
    ]
    for part, here in zip(("before", "after"), zip(*both, strict=True), strict=True):
        assert expected[part]["n"] == len(both)
        assert expected[part]["mean"] == pytest.approx(mean(here))
        assert expected[part]["sd"] == pytest.approx(stdev(here))
    assert expected["effect"]["estimate"] == pytest.approx(mean(b - a for a, b in both))
    assert expected["effect"]["n_treated"] == len(both)


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_gives_the_record_of_the_others(
    name: str, expected: Mapping[str, Any], tmp_path: Path
) -> None:
    EXPORTS[name](tmp_path)
    assert record(tmp_path) == expected


@pytest.mark.parametrize("name", REFUSED)
def test_a_coding_that_nothing_explains_is_refused_with_what_to_declare(
    name: str, tmp_path: Path
) -> None:
    write, code = REFUSED[name]
    write(tmp_path)
    with pytest.raises(ie.ImpactEvalError) as refusal:
        ie.evaluate(ie.Study.read(tmp_path))
    assert code in {finding.code for finding in refusal.value.findings}
    for finding in refusal.value.findings:
        assert Texts("fr").finding(finding).repair
