"""An answer that is not known: read where it says the same, else refused, never turned round."""

from __future__ import annotations

import pandas as pd
import pytest

from impact_eval.core.findings import FindingCollector
from impact_eval.data.labels import LabelMap, encode, suggestion
from impact_eval.survey import instrument, instruments

AGREE = LabelMap.of(
    {
        1: "Tout à fait en désaccord",
        2: "Plutôt en désaccord",
        3: "Plutôt en accord",
        4: "Tout à fait en accord",
    }
)
OFTEN = LabelMap.of({0: "Jamais", 1: "Plusieurs jours", 2: "Plus de la moitié des jours"})


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Plutôt d’accord", 3),
        ("plutot d'accord", 3),
        ("Plutôt pas d’accord", 2),
        ("Plutôt désaccord", 2),
        ("Je suis tout à fait d'accord", 4),
        ("3 - Plutôt en accord", 3),
        ("3. Plutôt d'accord", 3),
        ("(3) Plutôt en accord", 3),
        ("3) plutôt d'accord", 3),
        ("3 : Plutôt en accord", 3),
        ("3 – Plutôt en accord", 3),
        ("Plutôt d'accord (3)", 3),
        ("Plutôt d'accord - 3", 3),
        ("2 - Plutôt pas d'accord", 2),
    ],
)
def test_the_same_answer_written_otherwise_is_read(written: str, code: int) -> None:
    assert AGREE.code_of(written) == code


@pytest.mark.parametrize(
    "written",
    [
        "2 - Plutôt en accord",
        "Plutôt d'accord (4)",
        "Pas tout à fait d'accord",
        "Pas du tout d'accord",
        "Ni d'accord ni pas d'accord",
        "3 - parfois",
    ],
)
def test_another_answer_is_not_read(written: str) -> None:
    assert AGREE.code_of(written) is None


def test_a_number_beside_another_answer_is_refused_with_both() -> None:
    faults = FindingCollector()
    encode(
        pd.Series(["3 - Plutôt en accord", "1 - Tout à fait en accord"], name="q"), AGREE, faults
    )
    (fault,) = faults.findings
    assert fault.code == "number_beside_label"
    assert (fault.values["found"], fault.values["answer"]) == ("1 - Tout à fait en accord", "4")


@pytest.mark.parametrize(
    ("written", "proposed"),
    [
        ("Plutôt en acord", "Plutôt en accord"),
        ("Plutôt en accrod", "Plutôt en accord"),
        ("Plutot en desacord", "Plutôt en désaccord"),
        ("Plutôt pas en accord", None),
        ("Plutôt pas vraiment d'accord", None),
        ("Pas tout à fait en accord", None),
        ("Peu en accord", None),
    ],
)
def test_a_proposal_mends_a_slip_and_nothing_else(written: str, proposed: str | None) -> None:
    assert suggestion(written, AGREE) == proposed


@pytest.mark.parametrize(
    ("written", "answers"),
    [
        ("Insatisfait", ["Satisfait"]),
        ("Satisfait", ["Insatisfait", "Dissatisfait"]),
        ("Inutile", ["Utile"]),
        ("Never", ["Ever"]),
        ("Disagree", ["Agree"]),
        ("Agree", ["Disagree"]),
        ("Toujours", ["Tous les jours", "Jamais"]),
        ("Non concerné par cela", ["Concerné par cela"]),
        ("Unhappy", ["Happy"]),
        ("Rien", ["Bien"]),
        ("Worse", ["Worst"]),
        ("Plus de sept jours", ["Plusieurs jours", "Plus de la moitié des jours"]),
        ("Moins de la moitié", ["Plus de la moitié"]),
        ("13 mois", ["12 mois"]),
        ("Not true", ["True"]),
        ("Tout à fait vrai", ["Pas tout à fait vrai"]),
        ("Mécontent", ["Content"]),
    ],
)
def test_a_proposal_never_turns_an_answer_round(written: str, answers: list[str]) -> None:
    assert suggestion(written, LabelMap.of(dict(enumerate(answers)))) is None


def test_no_answer_of_a_scale_is_proposed_for_another_of_the_catalogue() -> None:
    # All answers of all scales, each against the others: a proposal is never of another code.
    for scale in instruments():
        answers = scale.responses
        for one in answers:
            for written in (*one.fr, *one.en):
                others = LabelMap.of({r.code: (*r.fr, *r.en) for r in answers if r is not one})
                assert suggestion(written, others) is None, (scale.id, written)


def test_the_french_form_of_the_depression_scale_is_read() -> None:
    scale = instrument("phq-9")
    frame = pd.DataFrame([dict.fromkeys(scale.item_ids, "Plus de sept jours")])
    assert scale.score(frame).values.tolist() == [18.0]


def test_an_answer_of_more_days_is_refused_without_fewer() -> None:
    faults = FindingCollector()
    encode(pd.Series(["Plus de dix jours"], name="q"), OFTEN, faults)
    assert [fault.values["nearest"] for fault in faults.findings] == [None]
