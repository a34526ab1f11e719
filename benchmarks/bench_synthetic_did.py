"""Synthetic difference-in-differences: 200 units × 40 periods, 20 treated, 200 placebos.

    python -m benchmarks.bench_synthetic_did [--peer]

Process CPU seconds from a shuffled long table to the result (median of three warm calls, one
thread). With `--peer`, diff-diff is installed in `.bench/diff-diff` and timed on the same table.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

UNITS, PERIODS, TREATED, START, PLACEBOS = 200, 40, 20, 30, 200


def table(seed: int = 20261122) -> pd.DataFrame:
    """Make a panel with a two-factor structure and an effect of one, rows shuffled."""
    rng = np.random.default_rng(seed)
    loadings, factors = rng.normal(size=(UNITS, 2)), rng.normal(size=(2, PERIODS)).cumsum(axis=1)
    y = loadings @ factors * 0.3 + rng.normal(size=(UNITS, 1)) + rng.normal(size=(UNITS, PERIODS))
    y[:TREATED, START:] += 1.0
    unit, period = np.divmod(np.arange(UNITS * PERIODS), PERIODS)
    frame = pd.DataFrame({"id": unit, "t": period, "y": y.ravel()})
    frame["g"] = np.where(unit < TREATED, START, 0)
    frame["d"] = ((frame.g > 0) & (frame.t >= START)).astype(int)
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


def ours(frame: pd.DataFrame) -> tuple[float, float]:
    from impact_eval.data.sample import Sample
    from impact_eval.designs.synthetic_did import SyntheticDiD

    sample = Sample(frame, unit="id", time="t", cohort="g")
    estimate = SyntheticDiD(inference="placebo", draws=PLACEBOS).fit(sample, "y")
    effect = estimate.aggregate("simple").effects[0]
    return float(effect.estimate or np.nan), float(effect.std_error or np.nan)


def diff_diff(frame: pd.DataFrame) -> tuple[float, float]:
    import diff_diff as dd

    treated = frame.groupby("id").d.transform("max")
    design = dd.SyntheticDiD(variance_method="placebo", n_bootstrap=PLACEBOS, seed=1)
    found = design.fit(
        frame.assign(ever=treated), outcome="y", treatment="ever", unit="id", time="t",
        post_periods=list(range(START, PERIODS)),
    )  # fmt: skip
    return float(found.att), float(found.se)


CONTENDERS: dict[str, tuple[str, Callable[[pd.DataFrame], tuple[float, float]]]] = {
    "impact_eval": ("impact_eval", ours),
    "diff-diff": ("diff_diff", diff_diff),
}


def seconds(function: Callable[[pd.DataFrame], tuple[float, float]], frame: pd.DataFrame) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        function(frame)
        times.append(time.process_time() - start)
    return statistics.median(times)


def main() -> None:
    """Run every contender that is installed and print a table."""
    frame = table()
    print(f"{'package':<14}{'CPU s':>9}{'estimate':>12}{'std error':>12}")
    for name, (module, function) in CONTENDERS.items():
        if importlib.util.find_spec(module) is None:
            continue
        estimate, error = function(frame)
        print(f"{name:<14}{seconds(function, frame):>9.4f}{estimate:>12.6f}{error:>12.6f}")
    if "--peer" in sys.argv:
        from benchmarks.timing import ONE_THREAD, peer_python

        command = [str(peer_python("diff-diff", ["diff-diff"])), __file__]
        environment = {**os.environ, **ONE_THREAD, "PYTHONWARNINGS": "ignore"}
        told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        print(told.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
