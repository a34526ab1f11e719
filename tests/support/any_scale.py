"""Small studies of any scale of the catalogue, from answers in the codes of the scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from numpy.typing import NDArray

from impact_eval.survey import instrument

Codes = NDArray[np.int64]
WAVES = ("T0", "T1")


def answers_of(
    scale: str, trait: NDArray[np.float64], rng: np.random.Generator, noise: float = 0.8
) -> Codes:
    """Return answers that go up with a trait: a high trait is a high score, whatever the item."""
    known = instrument(scale)
    out = []
    for item in known.items:
        low, high = known.bounds(item.id)
        cuts = np.linspace(-1.2, 1.2, int(high - low))
        code = low + np.digitize(trait + rng.normal(size=len(trait)) * noise, cuts)
        down = item.reversed or item.weight < 0
        out.append(low + high - code if down else code)
    return np.column_stack(out).astype(int)


def write_scale(
    folder: Path,
    scale: str,
    waves: Sequence[Codes],
    *,
    lost: Sequence[int] = (),
    retro: Codes | None = None,
    columns: Mapping[str, Sequence[Any]] | None = None,
    roles: Mapping[str, Any] | None = None,
    questionnaire: Mapping[str, Any] | None = None,
) -> Path:
    """Write a study of one scale, told by no comparison, and return its folder.

    Parameters
    ----------
    folder : Path
    scale : str
    waves : sequence of (n, k) array
        Answers at one date, or at two.
    lost : sequence of int
        People who do not answer at the second date.
    retro : (n, k) array, optional
        What people say at the second date that they were at the first.
    columns : mapping of str to n values, optional
    roles, questionnaire : mapping, optional
        Keys added to the roles, and to the questionnaire.
    """
    names = [item.id for item in instrument(scale).items]
    questions = [f"q{k}" for k in range(len(names))]
    looks = [f"r{k}" for k in range(len(names))] if retro is not None else []
    more = dict(columns or {})
    lines = [",".join(["id", "vague", *questions, *looks, *more])]
    for date, codes in zip(WAVES, waves, strict=False):
        for i, row in enumerate(codes):
            if date == WAVES[1] and i in lost:
                continue
            then = [""] * len(looks) if retro is None or date == WAVES[0] else retro[i]
            values = [f"P{i:03d}", date, *row, *then, *(column[i] for column in more.values())]
            lines.append(",".join(map(str, values)))
    (folder / "donnees.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = {"file": "donnees.csv", "roles": {"unit": "id", "time": "vague", **(roles or {})}}
    asked: dict[str, Any] = {
        "id": "echelle", "scale": scale, "wave": "vague", "data": data,
        "items": dict(zip(names, questions, strict=True)), **(questionnaire or {}),
    }  # fmt: skip
    if len(waves) > 1:
        asked["waves"] = list(WAVES)
    if looks:
        asked["retrospective"] = dict(zip(names, looks, strict=True))
    declared = {
        "schema": "impact-eval/study/1",
        "study": {"id": "essai", "title": "Essai", "territory": "01", "pillar": "emploi",
                  "action": "Accompagnement", "period": ["2024-01", "2024-12"]},
        "data": data,
        "outcomes": [{"id": "echelle", "label": "Mon échelle", "instrument": "echelle",
                      "unit": "score", "primary": True}],
        "instruments": [asked],
    }  # fmt: skip
    (folder / "study.toml").write_text(tomli_w.dumps(declared), encoding="utf-8")
    return folder
