"""Small studies of one scale: Rosenberg's ten questions, two dates, people of our own making."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

ITEMS = ("worth", "qualities", "failure", "able", "proud", "attitude", "satisfied", "respect",
         "useless", "no_good")  # fmt: skip
REVERSED = [2, 4, 7, 8, 9]
QUESTIONS = tuple(f"q{k}" for k in range(1, 11))
WAVES = ("T0", "T1")


def ticked(rng: np.random.Generator, level: float) -> list[int]:
    """Return ten answers from 1 to 4 as people tick them, some questions turned."""
    keyed = np.clip(np.round(2.4 + level + rng.normal(size=10) * 0.6), 1, 4).astype(int)
    keyed[REVERSED] = 5 - keyed[REVERSED]
    return [int(answer) for answer in keyed]


def total(answers: list[int]) -> int:
    """Return the score of ten answers, by the published key."""
    keyed = np.array(answers)
    keyed[REVERSED] = 5 - keyed[REVERSED]
    return int(keyed.sum())


def rows_of(
    people: int, gain: Callable[[int], float], seed: int, code: str = "P{:03d}"
) -> list[list[Any]]:
    """Return the rows of people asked at both dates: code, wave, ten answers."""
    rng = np.random.default_rng(seed)
    out: list[list[Any]] = []
    for i in range(people):
        level = rng.normal() * 0.6
        for wave in WAVES:
            answers = ticked(rng, level + gain(i) * (wave == WAVES[1]))
            out.append([code.format(i), wave, *answers])
    return out


def write_study(
    folder: Path,
    rows: list[list[Any]],
    *,
    columns: tuple[str, ...] = (),
    outcome: Mapping[str, Any] | None = None,
    instrument: Mapping[str, Any] | None = None,
    roles: Mapping[str, Any] | None = None,
    study: Mapping[str, Any] | None = None,
) -> Path:
    """Write a study of one scale, its rows in one table, and return its folder.

    Parameters
    ----------
    folder : Path
    rows : list of rows
        Code, wave, ten answers, then what `columns` names.
    columns : tuple of str
        Further columns.
    outcome, instrument, roles, study : mapping, optional
        Keys added to the outcome, to the questionnaire, to the roles of both, to the study file.
    """
    head = ["id", "vague", *QUESTIONS, *columns]
    lines = [",".join(head), *(",".join(map(str, row)) for row in rows)]
    (folder / "donnees.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    shared = {"unit": "id", "time": "vague", **(roles or {})}
    declared = {
        "schema": "impact-eval/study/1",
        "study": {"id": "essai", "title": "Essai", "territory": "01", "pillar": "emploi",
                  "action": "Accompagnement", "period": ["2024-01", "2024-12"]},
        "data": {"file": "donnees.csv", "roles": shared},
        "outcomes": [{"id": "estime", "label": "Estime de soi", "instrument": "estime",
                      "unit": "score", "primary": True, **(outcome or {})}],
        "instruments": [{"id": "estime", "scale": "rses-fr", "wave": "vague",
                         "waves": list(WAVES), "items": dict(zip(ITEMS, QUESTIONS, strict=True)),
                         "data": {"file": "donnees.csv", "roles": shared}, **(instrument or {})}],
        **(study or {}),
    }  # fmt: skip
    (folder / "study.toml").write_text(tomli_w.dumps(declared), encoding="utf-8")
    return folder
