"""Scoring one million people on twenty items, against the loops and frames people write by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.timing import cpu_seconds
from impact_eval.stats.scales.summing import add_items
from impact_eval.survey.instrument_file import parse_instrument

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
    timed: dict[str, Callable[[], object]] = {
        "kernel: add_items": lambda: add_items(columns, least=10),
        "Instrument.score (checks, alpha, findings)": lambda: scale.score(frame),
        "pandas by hand (no check at all)": lambda: by_hand(frame),
    }
    for name, run in timed.items():
        print(f"{name:44s} {cpu_seconds(run)[0]:7.3f} s")


if __name__ == "__main__":
    main()
