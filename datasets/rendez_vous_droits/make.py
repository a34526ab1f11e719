"""Make the invented data of a lottery of invitations to a benefits appointment.

Run it to write the table again, byte for byte: ``python make.py``. The truth is in `truth.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 20_240_913
PEOPLE = 1_200
TOWNS = ("Arceau", "Brémont", "Cévelle", "Dormans-le-Vieux", "Espagnac", "Férolles")
EFFECT = 0.11  # on the share of people with a new right
AMOUNT = 182.0  # mean monthly amount of a new right
HERE = Path(__file__).parent


def main() -> None:
    """Write the table and its truth."""
    rng = np.random.default_rng(SEED)
    town = rng.integers(0, len(TOWNS), PEOPLE)
    age = rng.integers(20, 75, PEOPLE)
    alone = (rng.random(PEOPLE) < 0.42).astype(int)
    invited = np.zeros(PEOPLE, dtype=int)
    for value in range(len(TOWNS)):
        members = rng.permutation(np.flatnonzero(town == value))
        invited[members[: len(members) // 2]] = 1
    chance = 0.16 + 0.02 * (town % 3) + 0.05 * alone + EFFECT * invited
    opened = (rng.random(PEOPLE) < chance).astype(int)
    amount = np.round(opened * np.clip(rng.normal(AMOUNT, 60, PEOPLE), 20, None), 2)
    frame = pd.DataFrame(
        {
            "id": [f"B{i:05d}" for i in range(1, PEOPLE + 1)],
            "commune": np.array(TOWNS)[town],
            "invite": invited,
            "age": age,
            "parent_isole": alone,
            "droit_ouvert": opened,
            "montant_mensuel": amount,
        }
    )
    unanswered = rng.random(PEOPLE) < 0.03
    frame.loc[unanswered, ["droit_ouvert", "montant_mensuel"]] = np.nan
    frame["droit_ouvert"] = frame["droit_ouvert"].astype("Int64")
    frame.to_csv(HERE / "donnees.csv", index=False, lineterminator="\n")
    told = {
        "seed": SEED,
        "itt": {"droit_ouvert": EFFECT, "montant_mensuel": EFFECT * AMOUNT},
        "note": "Invented data: no real person, no real place.",
    }
    text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    (HERE / "truth.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
