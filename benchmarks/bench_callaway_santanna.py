"""Callaway-Sant'Anna: CPU seconds from a shuffled long table to `tidy()`, here and in diff-diff.

    python -m benchmarks.bench_callaway_santanna [--peer] [--sizes 1000 10000 100000 1000000]

N units × 10 periods, 4 cohorts and never treated, two covariates, doubly robust event study, one
thread. Each measurement is the median of three warm calls in a fresh process of its own. With
`--peer`, diff-diff is installed in `.bench/diff-diff` (its own environment) and run in turn with
ours on the same tables; the ratio is printed, and the largest difference between the estimates
(its doubly robust branch stops its propensity early: 1e-5 at 1,000 units).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SEED = 20261122
PERIODS = 10
COHORTS = np.array([0, 3, 5, 7, 9])  # 0 is never treated
COVARIATES = ["x1", "x2"]
SIZES = (1_000, 10_000, 100_000, 1_000_000)
PEER = Path(".bench/diff-diff")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


def table(units: int, *, ordered: bool) -> pd.DataFrame:
    """Seeded panel: cohorts depend on covariates, trends too, effects grow with time."""
    rng = np.random.default_rng(SEED)
    x = rng.normal(size=(units, 2))
    score = np.outer(0.5 * x[:, 0] - 0.3 * x[:, 1], [0, 0.2, 0.4, 0.6, 0.8])
    share = np.exp(score + np.log([0.4, 0.15, 0.15, 0.15, 0.15]))
    share /= share.sum(axis=1, keepdims=True)
    start = COHORTS[(rng.random(units)[:, None] > share.cumsum(axis=1)).sum(axis=1).clip(0, 4)]
    times = np.arange(1, PERIODS + 1)
    since = times - start[:, None]
    effect = np.where((start[:, None] > 0) & (since >= 0), 1 + 0.25 * since, 0.0)
    trend = 0.3 * times + (x @ [0.1, 0.05])[:, None] * times
    y = rng.normal(size=units)[:, None] + trend + effect + rng.normal(size=(units, PERIODS))
    frame = pd.DataFrame(
        {
            "id": np.repeat(np.arange(units), PERIODS),
            "t": np.tile(times, units),
            "g": np.repeat(start, PERIODS),
            "y": y.ravel(),
            "x1": np.repeat(x[:, 0], PERIODS),
            "x2": np.repeat(x[:, 1], PERIODS),
        }
    )
    return frame if ordered else frame.sample(frac=1, random_state=SEED).reset_index(drop=True)


def ours(frame: pd.DataFrame) -> Callable[[], Any]:
    """Sample with its checks, fit, event study, tidy rows."""
    from impact_eval.data.sample import Sample
    from impact_eval.designs.callaway_santanna import CallawaySantAnna

    def run() -> Any:
        sample = Sample(frame, unit="id", time="t", cohort="g", covariates=COVARIATES)
        return CallawaySantAnna().fit(sample, "y").aggregate("event").tidy()

    return run


def theirs(frame: pd.DataFrame) -> Callable[[], Any]:
    """The same event study by diff-diff."""
    import diff_diff  # type: ignore[import-not-found, unused-ignore]

    def run() -> Any:
        found = diff_diff.CallawaySantAnna(
            control_group="never_treated", estimation_method="dr", n_bootstrap=0, seed=1
        ).fit(frame, outcome="y", unit="id", time="t", first_treat="g", covariates=COVARIATES)
        return found.aggregate("event_study").to_dataframe()

    return run


def points(result: pd.DataFrame) -> dict[str, float]:
    """Estimates by event time, whatever the package calls its columns."""
    if "term" in result:
        rows = result[result["term"] == "event"]
        return {str(int(t)): float(v) for t, v in zip(rows["time"], rows["estimate"], strict=True)}
    names = {str(name).lower(): name for name in result}
    time_name = next(
        names[n] for n in ("event_time", "relative_period", "relative_time") if n in names
    )
    value = next(names[n] for n in ("effect", "estimate", "att") if n in names)
    return {str(int(t)): float(v) for t, v in zip(result[time_name], result[value], strict=True)}


def measure(tool: str, units: int, *, ordered: bool) -> dict[str, Any]:
    """Median CPU seconds of three warm calls, peak memory, estimates."""
    frame = table(units, ordered=ordered)
    run = {"ours": ours, "diff-diff": theirs}[tool](frame)
    result, spent = run(), []
    for _ in range(3):
        start = time.process_time()
        result = run()
        spent.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"seconds": statistics.median(spent), "peak_mb": peak, "points": points(result)}


def in_process(python: str, tool: str, units: int, *, ordered: bool) -> dict[str, Any]:
    """Measure in a fresh process with one thread."""
    command = [python, __file__, "--measure", tool, "--sizes", str(units)]
    environment = os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [*command, *(["--ordered"] if ordered else [])],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def peer_python() -> str:
    """Install the peer in an environment of its own, once."""
    python = PEER / "bin" / "python"
    if not python.exists():
        venv.create(PEER, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "diff-diff"], check=True)
    return str(python)


def main() -> None:
    """Print one line per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--ordered", action="store_true", help="rows already sorted")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--measure", choices=["ours", "diff-diff"])
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure, given.sizes[0], ordered=given.ordered)))
        return
    print("units     ours s  MB     diff-diff s  MB     ratio  largest difference")
    for units in given.sizes:
        mine = in_process(sys.executable, "ours", units, ordered=given.ordered)
        line = f"{units:<9} {mine['seconds']:.4f}  {mine['peak_mb']:<6}"
        if given.peer:
            peer = in_process(peer_python(), "diff-diff", units, ordered=given.ordered)
            gap = max(abs(mine["points"][k] - peer["points"][k]) for k in mine["points"])
            ratio = peer["seconds"] / mine["seconds"]
            line += f" {peer['seconds']:.4f}       {peer['peak_mb']:<6} {ratio:.1f}    {gap:.1e}"
        print(line)


if __name__ == "__main__":
    main()
