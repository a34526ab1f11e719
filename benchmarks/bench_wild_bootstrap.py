"""Wild cluster bootstrap: CPU seconds here, in a plain numpy loop, and in wildboottest.

    python -m benchmarks.bench_wild_bootstrap [--peer]

With `--peer`, wildboottest is installed in `.bench/wildboottest` (its own environment) and run on
the same data in the same run, after one call that compiles it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable

import numpy as np

DRAWS = 9_999
CASES = ((20, 500, 5), (20, 20_000, 5), (50, 50_000, 10), (200, 100_000, 10))


def data(clusters: int, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Seeded data: half of the clusters treated, covariates, a cluster effect."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, clusters, rows)
    X = np.column_stack(
        [np.ones(rows), codes < clusters // 2, rng.standard_normal((rows, columns - 2))]
    )
    y = X.sum(axis=1) + rng.standard_normal(clusters)[codes] + rng.standard_normal(rows)
    return y, X, codes


def best(run: Callable[[], float], times: int = 3) -> tuple[float, float]:
    """Least CPU time of some calls, and the last result."""
    spent, result = [], float("nan")
    for _ in range(times):
        start = time.process_time()
        result = run()
        spent.append(time.process_time() - start)
    return min(spent), result


def ours(y: np.ndarray, X: np.ndarray, codes: np.ndarray) -> dict[str, float]:
    """Fit, then p-value with 9,999 draws and inverted interval."""
    from impact_eval.stats.inference.random_weights import RandomWeights
    from impact_eval.stats.inference.regression import least_squares
    from impact_eval.stats.inference.wild_bootstrap import WildOptions, wild_cluster_bootstrap

    contrast = np.eye(X.shape[1])[1]
    options = WildOptions(weights=RandomWeights.WEBB, draws=DRAWS)
    fit = least_squares(y, X)

    def run() -> float:
        rng = np.random.default_rng(1)
        return wild_cluster_bootstrap(fit, codes, contrast, rng=rng, options=options).p_value

    total, _ = best(lambda: float(least_squares(y, X).coefficients[1]))
    seconds, p = best(run)
    return {"fit": total, "seconds": seconds, "p": p}


def loop(y: np.ndarray, X: np.ndarray, codes: np.ndarray, draws: int = 50) -> dict[str, float]:
    """Every sample formed and refitted, scaled from a few draws; no interval."""
    rng = np.random.default_rng(1)
    bread = np.linalg.inv(X.T @ X)
    rest = np.delete(X, 1, axis=1)
    fitted = rest @ np.linalg.lstsq(rest, y, rcond=None)[0]
    noise = y - fitted
    points = np.concatenate([-np.sqrt([1.5, 1, 0.5]), np.sqrt([1.5, 1, 0.5])])
    clusters = codes.max() + 1

    def t(sample: np.ndarray) -> float:
        b = bread @ (X.T @ sample)
        e = sample - X @ b
        scores = np.stack([np.bincount(codes, X[:, j] * e) for j in range(X.shape[1])])
        return float(b[1] / np.sqrt((bread[1] @ scores) @ (bread[1] @ scores)))

    def run() -> float:
        drawn = [t(fitted + rng.choice(points, clusters)[codes] * noise) for _ in range(draws)]
        return float(np.mean(np.abs(drawn) > abs(t(y))))

    seconds, p = best(run, 1)
    return {"seconds": seconds * DRAWS / draws, "p": p}


def peer(y: np.ndarray, X: np.ndarray, codes: np.ndarray) -> dict[str, float]:
    """Time wildboottest on the same data: p-value only, compiled beforehand."""
    from wildboottest.wildboottest import WildboottestCL

    def run() -> float:
        R = np.zeros(X.shape[1])
        R[1] = 1
        boot = WildboottestCL(X=X, Y=y, cluster=codes, R=R, B=DRAWS, seed=1, parallel=False)
        boot.get_scores(bootstrap_type="11", impose_null=True)
        boot.get_weights(weights_type="webb")
        boot.get_numer()
        boot.get_denom()
        boot.get_tboot()
        boot.get_vcov()
        boot.get_tstat()
        boot.get_pvalue(pval_type="two-tailed")
        return float(boot.pvalue)

    run()
    seconds, p = best(run)
    return {"seconds": seconds, "p": p}


def peer_results() -> list[dict[str, float]]:
    """Run this file with the peer's own interpreter."""
    from benchmarks.timing import peer_python

    python = peer_python("wildboottest", ["wildboottest"])
    out = subprocess.run(
        [python, __file__, "--as-peer"], check=True, capture_output=True, text=True
    )
    return list(json.loads(out.stdout.splitlines()[-1]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--as-peer", action="store_true")
    asked = parser.parse_args()
    if asked.as_peer:
        print(json.dumps([peer(*data(*case)) for case in CASES]))
        return
    others = peer_results() if asked.peer else [None] * len(CASES)
    print(f"{DRAWS} Webb draws; CPU seconds (best of 3); ours includes the inverted interval")
    print(
        "clusters     rows  columns      fit     ours      p | loop (scaled) | wildboottest      p"
    )
    for case, other in zip(CASES, others, strict=True):
        table = data(*case)
        mine, plain = ours(*table), loop(*table)
        tail = "            -" if other is None else f"{other['seconds']:13.4f} {other['p']:6.3f}"
        print(
            f"{case[0]:8d} {case[1]:8d} {case[2]:8d} {mine['fit']:8.4f} {mine['seconds']:8.4f} "
            f"{mine['p']:6.3f} | {plain['seconds']:13.2f} | {tail}"
        )


if __name__ == "__main__":
    main()
