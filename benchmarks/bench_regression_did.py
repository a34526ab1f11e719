"""Imputation, TWFE event study and Sun-Abraham: CPU seconds from a shuffled long table to `tidy()`.

    python -m benchmarks.bench_regression_did [--peer] [--ordered] [--sizes 1000 10000 100000]

N units × 10 periods, 4 cohorts and never treated, no covariate, errors clustered by unit, one
thread. Each measurement is the median of three warm calls in a fresh process of its own. The column
`fit s` is ours once the `Sample` exists. With `--peer`, diff-diff and pyfixest are installed in
`.bench/regression-did` (an environment of their own; `--peer-python` names another) and run in turn
with ours on the same tables; the ratio and the largest difference between the estimates after the
start are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
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
SIZES = (1_000, 10_000, 100_000, 1_000_000)
PEERS = {"imputation": "diff-diff", "twfe": "pyfixest", "sun_abraham": "diff-diff"}
PEER = Path(".bench/regression-did")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


def table(units: int, *, ordered: bool) -> pd.DataFrame:
    """Seeded panel with effects that grow with time."""
    rng = np.random.default_rng(SEED)
    start = COHORTS[rng.choice(5, units, p=[0.4, 0.15, 0.15, 0.15, 0.15])]
    times = np.arange(1, PERIODS + 1)
    since = times - start[:, None]
    effect = np.where((start[:, None] > 0) & (since >= 0), 1 + 0.25 * since, 0.0)
    y = rng.normal(size=units)[:, None] + 0.3 * times + effect
    y = y + rng.normal(size=(units, PERIODS))
    frame = pd.DataFrame(
        {
            "id": np.repeat(np.arange(units), PERIODS),
            "t": np.tile(times, units),
            "g": np.repeat(start, PERIODS),
            "y": y.ravel(),
        }
    )
    return frame if ordered else frame.sample(frac=1, random_state=SEED).reset_index(drop=True)


def ours(task: str, frame: pd.DataFrame, *, sample: Any = None) -> Callable[[], Any]:
    """Sample with its checks (unless given), fit, event study, tidy rows."""
    from impact_eval.data.sample import Sample
    from impact_eval.designs import ImputationDiD, SunAbraham, TwoWayFixedEffects

    design = {
        "imputation": ImputationDiD(),
        "twfe": TwoWayFixedEffects(specification="event"),
        "sun_abraham": SunAbraham(),
    }[task]

    def run() -> Any:
        read = sample or Sample(frame, unit="id", time="t", cohort="g")
        return design.fit(read, "y").aggregate("event").tidy()

    return run


def theirs(task: str, frame: pd.DataFrame) -> Callable[[], Any]:
    """The same event study by the fastest peer of the task."""
    columns = {"outcome": "y", "unit": "id", "time": "t", "first_treat": "g"}
    if task == "twfe":
        import pyfixest  # type: ignore[import-not-found, unused-ignore]

        elapsed = np.where(frame["g"] > 0, frame["t"] - frame["g"], -1).astype(int)
        with_time = frame.assign(rel=elapsed)
        return lambda: pyfixest.feols(
            "y ~ i(rel, ref=-1) | id + t", with_time, vcov={"CRV1": "id"}
        ).coef()
    import diff_diff  # type: ignore[import-not-found, unused-ignore]

    if task == "sun_abraham":
        return lambda: {
            int(k): float(v["effect"])
            for k, v in diff_diff.SunAbraham(cluster="id")
            .fit(frame, **columns)
            .event_study_effects.items()
        }
    return lambda: (
        diff_diff.ImputationDiD(cluster="id")
        .fit(frame, **columns)
        .aggregate("event_study")
        .to_dataframe()
    )


def points(result: Any) -> dict[str, float]:
    """Estimates by event time from the start on, whatever the package calls them."""
    if isinstance(result, pd.Series):
        named = {re.search(r"(-?\d+)\]?$", k.replace("T.", ""))[1]: v for k, v in result.items()}
    elif isinstance(result, dict):
        named = result
    elif "term" in result:
        rows = result[result["term"] == "event"]
        named = dict(zip(rows["time"], rows["estimate"], strict=True))
    else:
        names = {str(name).lower(): name for name in result}
        when = next(
            names[n] for n in ("event_time", "relative_period", "relative_time") if n in names
        )
        value = next(names[n] for n in ("effect", "estimate", "att") if n in names)
        named = dict(zip(result[when], result[value], strict=True))
    return {str(int(k)): float(v) for k, v in named.items() if int(k) >= 0}


def _median(run: Callable[[], Any]) -> tuple[float, Any]:
    result, spent = run(), []
    for _ in range(3):
        start = time.process_time()
        result = run()
        spent.append(time.process_time() - start)
    return statistics.median(spent), result


def measure(tool: str, task: str, units: int, *, ordered: bool) -> dict[str, Any]:
    """Median CPU seconds of three warm calls, peak memory, estimates."""
    frame = table(units, ordered=ordered)
    fit = 0.0
    if tool == "ours":
        from impact_eval.data.sample import Sample

        seconds, result = _median(ours(task, frame))
        read = Sample(frame, unit="id", time="t", cohort="g")
        fit = _median(ours(task, frame, sample=read))[0]
    else:
        seconds, result = _median(theirs(task, frame))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"seconds": seconds, "fit": fit, "peak_mb": peak, "points": points(result)}


def in_process(python: str, tool: str, task: str, units: int, *, ordered: bool) -> dict[str, Any]:
    """Measure in a fresh process with one thread."""
    command = [python, __file__, "--measure", tool, "--task", task, "--sizes", str(units)]
    environment = os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [*command, *(["--ordered"] if ordered else [])],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def peer_python() -> str:
    """Install the peers in an environment of their own, once."""
    python = PEER / "bin" / "python"
    if not python.exists():
        venv.create(PEER, with_pip=True)
        packages = ["diff-diff", "pyfixest", "pyarrow"]
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
    return str(python)


def main() -> None:
    """Print one line per task and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--peer-python")
    parser.add_argument("--ordered", action="store_true", help="rows already sorted")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--task", choices=sorted(PEERS))
    parser.add_argument("--measure", choices=["ours", "peer"])
    given = parser.parse_args()
    if given.measure:
        found = measure(given.measure, given.task, given.sizes[0], ordered=given.ordered)
        print(json.dumps(found))
        return
    print("task         units     ours s  fit s   MB     peer s    MB     ratio  difference")
    for task in [given.task] if given.task else sorted(PEERS):
        for units in given.sizes:
            mine = in_process(sys.executable, "ours", task, units, ordered=given.ordered)
            line = f"{task:<12} {units:<9} {mine['seconds']:.4f}  {mine['fit']:.4f}  "
            line += f"{mine['peak_mb']:<6}"
            if given.peer or given.peer_python:
                python = given.peer_python or peer_python()
                peer = in_process(python, "peer", task, units, ordered=given.ordered)
                gap = max(abs(mine["points"][k] - v) for k, v in peer["points"].items())
                ratio = peer["seconds"] / mine["seconds"]
                line += f" {peer['seconds']:<9.4f} {peer['peak_mb']:<6} {ratio:<6.1f} {gap:.1e}"
                line += f"  ({PEERS[task]})"
            print(line, flush=True)


if __name__ == "__main__":
    main()
