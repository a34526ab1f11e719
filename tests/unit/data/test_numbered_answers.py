"""« 1 - Oui »: the word says the answer, and a number that says another one is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from impact_eval.core.findings import FindingCollector, ImpactEvalError
from impact_eval.data.labels import LabelMap, MissingKind, encode
from impact_eval.data.measures import read_outcome
from impact_eval.data.reading import read_table
from impact_eval.data.roles import read_treatment
from impact_eval.data.yes_no import read_yes_no
from impact_eval.survey import instrument

PAIRS = [
    ("1 - Oui", "0 - Non"), ("1 – Oui", "0 – Non"), ("1. OUI", "0. NON"), ("(1) Oui", "(0) Non"),
    ("Oui (1)", "Non (0)"), ("1 = yes", "0 = no"), ("1: Vrai", "0: Faux"), ("1 Oui", "Non"),
    ("1 - Oui", "2 - Non"), ("2 - Oui", "1 - Non"),
]  # fmt: skip
AGAINST = {
    ("0 - Oui", "1 - Non"): "0 - Oui",
    ("1 - Oui", "1 - Non"): "1 - Non",
    ("1 - Oui", "2 - Oui", "0 - Non"): "2 - Oui",
    ("2 - Oui", "1 - Non", "1"): "2 - Oui",
    ("1 - Oui", "2 - Non", "0"): "2 - Non",
}


def written(path: Path, cells: list[str]) -> Path:
    lines = ["id;q", *(f"P{i};{cell}" for i, cell in enumerate(cells))]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.parametrize(("yes", "no"), PAIRS)
def test_an_outcome_and_a_treatment_are_read(tmp_path: Path, yes: str, no: str) -> None:
    answers = np.random.default_rng(4).random(40) < 0.4
    cells = [yes if answer else no for answer in answers]
    column = read_table(written(tmp_path / "t.csv", cells))["q"]
    faults = FindingCollector()
    assert read_outcome(column, faults).tolist() == answers.astype(float).tolist()
    assert [finding.code for finding in faults.findings] == ["yes_no_read"]
    assert read_treatment(column, faults).tolist() == answers.astype(float).tolist()
    declared = read_table(tmp_path / "t.csv", codes={"q": {"type": "boolean"}})["q"]
    assert declared.tolist() == answers.astype(int).tolist()


@pytest.mark.parametrize(("texts", "told"), AGAINST.items())
def test_a_number_of_another_answer_is_refused(
    tmp_path: Path, texts: tuple[str, ...], told: str
) -> None:
    cells = [*texts] * 5
    column = read_table(written(tmp_path / "t.csv", cells))["q"]
    for read in (read_outcome, read_treatment):
        faults = FindingCollector()
        read(column, faults)
        (found,) = faults.findings
        assert found.code == "number_beside_label"
        assert (found.values["found"], found.values["answer"]) == (
            told, "1" if "Oui" in told else "0",
        )  # fmt: skip
        assert found.place is not None
        assert found.place.row == cells.index(told) + 2
    with pytest.raises(ImpactEvalError) as refused:
        read_table(tmp_path / "t.csv", codes={"q": {"type": "boolean"}})
    assert refused.value.codes == ("unreadable_cells",)


def test_no_answer_beside_a_number_is_missing() -> None:
    said = read_yes_no(["1 - Oui", "2 - Non", "9 - NSP"])
    assert (said.answers, said.missing) == ((1.0, 0.0, None), (2,))


@pytest.mark.parametrize("text", ["1 - 0", "12 mois", "5 x", "2024-01-01", "1,0 %"])
def test_what_is_no_answer_is_left(text: str) -> None:
    assert read_yes_no([text]).answers == (None,)


def test_a_scale_of_yes_and_no_is_read_by_both(tmp_path: Path) -> None:
    fies = instrument("fies")
    names = [item.id for item in fies.items]
    answers = np.random.default_rng(5).integers(0, 2, (30, len(names)))
    said = {0: "0 – Non", 1: "1 – Oui"}
    lines = [";".join(names), *(";".join(said[int(a)] for a in row) for row in answers)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")
    frame = read_table(tmp_path / "t.csv")
    assert fies.score(frame).values.tolist() == answers.sum(axis=1).tolist()
    frame.loc[7, names[2]] = "1 – Non"
    with pytest.raises(ImpactEvalError) as refused:
        fies.score(frame)
    (found,) = refused.value.findings
    assert (found.code, found.values["found"], found.values["answer"]) == (
        "number_beside_label", "1 – Non", "0",
    )  # fmt: skip
    assert found.place is not None
    assert found.place.row == 9


def test_no_answer_beside_a_code_of_the_scale_is_asked(tmp_path: Path) -> None:
    scale = LabelMap.of({1: "Plutôt d'accord", 2: "Plutôt pas d'accord"})
    column = read_table(
        written(tmp_path / "t.csv", ["1 - Plutôt d'accord", "2 – Plutôt pas d’accord", "9 - NSP"])
    )["q"]
    faults = FindingCollector()
    encoded = encode(column, scale, faults)
    assert encoded.values.tolist()[:2] == [1.0, 2.0]
    assert sum(encoded.missing.values()) == 1
    assert MissingKind.UNANSWERED not in encoded.missing
    assert not faults.findings
    encode(column.replace("9 - NSP", "2 - NSP"), scale, faults)
    assert [finding.code for finding in faults.findings] == ["unknown_label"]
