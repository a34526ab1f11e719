"""Make the invented data of the mobility action rolled out over twelve basins.

Run it to write the tables again, byte for byte: ``python make.py``. The truth is in `truth.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 20_240_612
BASINS = {
    "Aubrac": 5, "Bellerive": 5, "Clairval": 5,
    "Douvres": 7, "Estuaire": 7, "Fontenelle": 7,
    "Garance": 9, "Hautes-Terres": 9,
    "Islemont": 0, "Jonquières": 0, "Kerlann": 0, "Lauragais": 0,
}  # fmt: skip
QUARTERS = [f"{year}-T{quarter}" for year in (2022, 2023, 2024) for quarter in (1, 2, 3, 4)]
PEOPLE = 60  # in each basin
EMPLOYMENT = (0.03, 0.07, 0.10, 0.12)  # effect by quarters since arrival, then constant
INCOME = 480.0  # monthly euros of a job kept, on average
REVERSED = (3, 5, 8, 9, 10)
HERE = Path(__file__).parent


def panel(rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, float]]:
    """Make one row per jobseeker and quarter, and the mean effect on those reached."""
    rows = []
    gains: list[float] = []
    trend = np.linspace(0.0, 0.09, len(QUARTERS))
    person = 0
    for basin, start in BASINS.items():
        level = rng.normal(0.0, 0.03)
        shocks = rng.normal(0.0, 0.005, len(QUARTERS))
        for _ in range(PEOPLE):
            person += 1
            age = int(rng.integers(19, 60))
            rural = int(rng.random() < 0.55)
            taste = rng.normal(0.0, 0.14)
            luck = rng.random()
            for t, quarter in enumerate(QUARTERS):
                since = t + 1 - start if start else -1
                effect = EMPLOYMENT[min(since, len(EMPLOYMENT) - 1)] if since >= 0 else 0.0
                if since >= 0:
                    gains.append(effect)
                chance = 0.30 + level + shocks[t] + trend[t] + taste - 0.002 * (age - 38) + effect
                luck = luck if rng.random() < 0.86 else rng.random()
                job = int(luck < min(max(chance, 0.02), 0.97))
                income = 620 + INCOME * job + 140 * rng.normal() + 60 * taste
                rows.append(
                    (f"P{person:04d}", basin, quarter, QUARTERS[start - 1] if start else "jamais",
                     age, rural, job, round(max(income, 0.0), 2))
                )  # fmt: skip
    columns = ["id", "bassin", "trimestre", "arrivee", "age", "rural", "emploi", "revenu"]
    frame = pd.DataFrame(rows, columns=columns)
    lost = rng.random(len(frame)) < 0.01
    frame["revenu"] = frame["revenu"].where(~lost)
    mean = float(np.mean(gains))
    return frame, {"emploi": mean, "revenu": mean * INCOME}


def questionnaires(rng: np.random.Generator) -> tuple[pd.DataFrame, float]:
    """Make the answers of 96 people accompanied, at entry and six months later."""
    rows = []
    shift = 0.24  # of a point, on each item
    for number in range(1, 97):
        confidence = rng.normal(2.55, 0.45)
        for wave in ("T0", "T1"):
            if wave == "T1" and rng.random() < 0.14:
                continue
            answers: list[int | str] = []
            for item in range(1, 11):
                told = confidence + (shift if wave == "T1" else 0.0) + rng.normal(0, 0.55)
                score = int(np.clip(np.rint(told), 1, 4))
                answer = 5 - score if item in REVERSED else score
                answers.append("" if rng.random() < 0.015 else answer)
            life = int(np.clip(np.rint(rng.normal(5.4 + 0.5 * (wave == "T1"), 1.8)), 0, 10))
            rows.append((f"Q{number:03d}", wave, *answers, life))
    columns = ["id", "vague", *(f"conf_{i}" for i in range(1, 11)), "satisfaction"]
    return pd.DataFrame(rows, columns=columns), shift * 10


def main() -> None:
    """Write the tables and their truth."""
    rng = np.random.default_rng(SEED)
    frame, truth = panel(rng)
    answers, change = questionnaires(rng)
    frame.to_csv(HERE / "donnees.csv", index=False, lineterminator="\n")
    answers.to_csv(HERE / "questionnaires.csv", index=False, lineterminator="\n")
    told = {
        "seed": SEED,
        "att": truth,
        "effect_by_quarters_since_arrival": list(EMPLOYMENT),
        "change_in_self_esteem_before_rounding_of_answers": change,
        "note": "Invented data: no real person, no real place.",
    }
    text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    (HERE / "truth.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
