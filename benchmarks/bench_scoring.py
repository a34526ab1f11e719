"""Scoring one million people on twenty items, against the loops and frames people write by hand."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from impact_eval.stats.scoring import add_items
from impact_eval.survey.scale import parse_instrument

PEOPLE, ITEMS = 1_000_000, 20
_TOML = """
schema = "impact-eval/instrument/1"
id = "bench"
direction = "higher_is_better"
low = 1
high = 5
items = [{items}]
[scoring]
rule = "sum"
missing = {{ least = 10, source = "half rule" }}
"""


def table(rng: np.random.Generator) -> pd.DataFrame:
    """Answers 1 to 5 with 3 % missing, one column per item."""
    trait = rng.normal(size=(PEOPLE, 1))
    answers = np.clip(np.round(3 + trait + rng.normal(size=(PEOPLE, ITEMS))), 1, 5)
    answers[rng.random((PEOPLE, ITEMS)) < 0.03] = np.nan
    return pd.DataFrame({f"i{j}": answers[:, j] for j in range(ITEMS)})


def by_hand(frame: pd.DataFrame) -> pd.Series:
    """The pandas idiom: reverse a copy, mean over columns, times k where half is answered."""
    keyed = frame.copy()
    for j in range(0, ITEMS, 3):
        keyed[f"i{j}"] = 6 - keyed[f"i{j}"]
    return (keyed.mean(axis=1) * ITEMS).where(keyed.notna().sum(axis=1) >= ITEMS / 2)


def best_of(run: Callable[[], object], times: int = 3) -> float:
    """Best wall time in seconds."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        spent.append(time.perf_counter() - start)
    return min(spent)


def main() -> None:
    """Print the table."""
    frame = table(np.random.default_rng(1))
    items = ", ".join(
        f'{{ id = "i{j}"{", reversed = true" if j % 3 == 0 else ""} }}' for j in range(ITEMS)
    )
    scale = parse_instrument(_TOML.format(items=items), file="bench", local=True)
    columns = [frame[f"i{j}"].to_numpy() for j in range(ITEMS)]
    same = np.nanmax(np.abs(scale.score(frame).values - by_hand(frame).to_numpy()))
    print(f"{PEOPLE:,} people x {ITEMS} items; largest difference {same:.1e}")
    print(f"{'kernel: add_items':44s} {best_of(lambda: add_items(columns, least=10)):7.3f} s")
    whole = best_of(lambda: scale.score(frame))
    print(f"{'Instrument.score (checks, alpha, findings)':44s} {whole:7.3f} s")
    print(f"{'pandas by hand (no check at all)':44s} {best_of(lambda: by_hand(frame)):7.3f} s")


if __name__ == "__main__":
    main()
