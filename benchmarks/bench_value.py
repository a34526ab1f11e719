"""Monte Carlo of a value map: 1,000,000 draws, 50 lines, 10 years, beside a plain NumPy loop.

    python benchmarks/bench_value.py [draws]

Every line has five uncertain numbers (quantity, price, deadweight, displacement, drop-off): 250 of
them, each with a stream of its own. The loop is what one writes by hand: a matrix of draws by year
for each line. Seconds are of processor time, all threads together. Asked for: at most 2 seconds and
300 MB for a million draws.
"""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from impact_eval.value import ValueMap
from impact_eval.value.uncertainty.simulate import simulate, uncertainty_of

LINES, YEARS = 50, 10


def value_map() -> ValueMap:
    line = {
        "stakeholder": "people", "unit": "count", "kind": "resource_gain",
        "receiver": "beneficiary", "currency": "EUR", "price_year": 2025, "duration": YEARS,
        "deadweight": "40 % [20 % ; 60 %]",
        "displacement": "10 % [0 % ; 30 %]", "drop_off": "20 % [5 % ; 40 %]",
    }  # fmt: skip
    lines = [
        {**line, "id": f"l{k}", "outcome": f"o{k}", "quantity": "100 [60 ; 140] normal",
         "proxy": "50 [30 ; 80] lognormal"}
        for k in range(LINES)
    ]  # fmt: skip
    paid = {
        "id": "grant", "stakeholder": "d", "payer": "departement", "amount": "200000",
        "currency": "EUR", "price_year": 2025,
    }  # fmt: skip
    settings = {"currency": "EUR", "price_year": 2025, "discount_rate": "3.2 %", "follow_up": 1}
    return ValueMap.from_dict({"map": settings, "inputs": [paid], "lines": lines})


def plain_loop(draws: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    years = np.arange(1, YEARS + 1)
    weights = 1 / 1.032**years
    total = np.zeros(draws)
    spread = (np.log(80) - np.log(30)) / 3.92
    for _ in range(LINES):
        quantity = rng.normal(100, 80 / 3.92, draws)
        price = rng.lognormal(np.log(30 * 80) / 2, spread, draws)
        deadweight = 0.2 + 0.4 * rng.beta(3, 3, draws)
        displacement = 0.3 * rng.beta(1 + 4 / 3, 1 + 8 / 3, draws)
        kept = 1 - (0.05 + 0.35 * rng.beta(1 + 12 / 7, 1 + 16 / 7, draws))
        impact = quantity * price * (1 - deadweight) * (1 - displacement)
        by_year = impact[:, None] * kept[:, None] ** (years - 1) * weights
        total += by_year.sum(axis=1)
    return total


def timed(work: Callable[[], Any], runs: int) -> tuple[float, Any]:
    """Return seconds of processor time, the fewest of some runs, and the result."""
    best, result = float("inf"), None
    for _ in range(runs):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return best, result


def peak_memory(work: Callable[[], Any]) -> float:
    """Return the most memory gained while working, in MB; watching slows the work down."""
    start, peak, running = _memory(), [0.0], [True]

    def watch() -> None:
        while running[0]:
            peak[0] = max(peak[0], _memory())
            time.sleep(0.005)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    work()
    running[0] = False
    thread.join()
    return max(peak[0] - start, 0.0)


def _memory() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    account = value_map().account()
    simulate(account, draws=20_000)  # tables and imports
    print(f"{draws:,} draws, {LINES} lines, {YEARS} years, {5 * LINES} uncertain numbers")
    print(f"{'':28}{'seconds':>9}{'MB':>8}{'mean value':>14}{'sd':>10}")
    for name, runs, work in (
        ("impact_eval.value", 3, lambda: simulate(account, draws=draws).benefits("society")),
        ("plain NumPy loop", 1, lambda: plain_loop(draws)),
    ):
        seconds, values = timed(work, runs)
        memory = peak_memory(work)
        print(f"{name:28}{seconds:9.2f}{memory:8.0f}{values.mean():14.1f}{values.std():10.1f}")
    print(f"exact value at the centre: {float(account.sroi().benefits):.1f}")
    read = uncertainty_of(simulate(account, draws=min(draws, 100_000)))
    print(f"ratio {read.ratio:.4f}, 95 % interval {read.ratio_low:.4f} to {read.ratio_high:.4f}")


if __name__ == "__main__":
    main()
