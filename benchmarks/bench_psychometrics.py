"""Measurement quality: seconds here and in the fastest published programs.

    python -m benchmarks.bench_psychometrics [--peer] [--peer-python PATH] [--holzinger CSV]

Alpha with a bootstrap interval (100,000 × 20, 1,000 draws), polychoric matrix (2,800 × 25),
graded model (1,000 × 20), confirmatory model of three factors (301 × 9), on seeded data, one
thread, median of warm calls. `--peer` installs pingouin, semopy, girth, mirt in `.bench/psycho`
(its own environment); R's psych and lavaan are timed too when `Rscript` finds them. A program
without the whole task is given the part it has, and the note says so.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
for name in THREADS:
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

SEED = 20261123
PEER = Path(".bench/psycho")
PACKAGES = ("pingouin", "semopy", "girth", "mirt", "pandas", "setuptools")
MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"

PEER_CODE = """
import json, sys, time, warnings
import numpy as np, pandas as pd
warnings.filterwarnings("ignore")
folder, out = sys.argv[1], {}

def median(call, times):
    call()
    spent = []
    for _ in range(times):
        start = time.perf_counter(); call(); spent.append(time.perf_counter() - start)
    return sorted(spent)[len(spent) // 2]

def attempt(name, make, times):
    try:
        out[name] = median(make(), times)
    except Exception as error:
        out[name] = f"{type(error).__name__}: {error}"

def alpha():
    import pingouin
    x = pd.DataFrame(np.load(folder + "/alpha.npy"))
    return lambda: pingouin.cronbach_alpha(x)

def semopy_fit():
    import semopy
    x = pd.read_csv(folder + "/cfa.csv")
    def call():
        model = semopy.Model(MODEL); model.fit(x); semopy.calc_stats(model); model.inspect()
    return call

def girth_fit():
    import girth
    y = np.load(folder + "/graded.npy").astype(int)
    return lambda: girth.grm_mml(y.T)

def mirt_fit():
    import mirt
    y = np.load(folder + "/graded.npy").astype(int)
    return lambda: mirt.fit_mirt(y, model="GRM", n_categories=5, n_quadpts=61, tol=1e-4)

def semopy_polychoric():
    from semopy.polycorr import polychoric_corr
    x = np.load(folder + "/polychoric.npy")
    return lambda: polychoric_corr(x[:, 0], x[:, 1])

attempt("pingouin", alpha, 3)
attempt("semopy", semopy_fit, 20)
attempt("girth", girth_fit, 3)
attempt("mirt", mirt_fit, 3)
attempt("semopy polychoric", semopy_polychoric, 1)
print(json.dumps(out))
"""

R_CODE = """
folder <- commandArgs(TRUE)[1]
spent <- function(call) {
  invisible(call()); median(replicate(3, system.time(call())[["elapsed"]]))
}
if (suppressMessages(require(lavaan, quietly=TRUE))) {
  x <- read.csv(file.path(folder, "cfa.csv")); p <- read.csv(file.path(folder, "polychoric.csv"))
  cat("lavaan", spent(function() cfa(MODEL, x)), "\\n")
  cat("lavCor", spent(function() lavCor(p, ordered=names(p))), "\\n")
}
if (suppressMessages(require(psych, quietly=TRUE))) {
  p <- read.csv(file.path(folder, "polychoric.csv"))
  cat("psych", spent(function() suppressWarnings(polychoric(p, correct=0))), "\\n")
}
"""


def data(holzinger: Path | None) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(SEED)

    def ordered(n: int, k: int, cuts: list[float]) -> np.ndarray:
        return np.digitize(rng.normal(size=(n, 1)) + rng.normal(size=(n, k)), cuts).astype(float)

    trait, slopes = rng.normal(size=(1000, 1)), rng.uniform(0.8, 2.2, 20)
    places = np.sort(rng.normal(size=(20, 4)), axis=1)
    above = 1 / (1 + np.exp(-slopes[None, :, None] * (trait[:, :, None] - places[None])))
    graded = (rng.random((1000, 20, 1)) < above).sum(axis=2).astype(float)
    if holzinger is not None:
        cfa = pd.read_csv(holzinger)[[f"x{i}" for i in range(1, 10)]].to_numpy(float)
    else:
        phi = np.array([[1, 0.46, 0.47], [0.46, 1, 0.28], [0.47, 0.28, 1]])
        factors = rng.multivariate_normal(np.zeros(3), phi, size=301)
        load = np.array([0.77, 0.42, 0.58, 0.85, 0.86, 0.84, 0.57, 0.72, 0.67])
        noise = rng.normal(size=(301, 9)) * np.sqrt(1 - load**2)
        cfa = factors[:, np.arange(9) // 3] * load + noise
    return {
        "alpha": ordered(100_000, 20, [-1.5, -0.5, 0.5, 1.5]),
        "polychoric": ordered(2_800, 25, [-1.5, -0.7, 0, 0.7, 1.5]),
        "graded": graded,
        "cfa": cfa,
    }


def median(call: Callable[[], object], times: int) -> float:
    call()
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def ours(tables: dict[str, np.ndarray]) -> dict[str, float]:
    from impact_eval.stats.scales.cfa import confirmatory_factors
    from impact_eval.stats.scales.cfa_model import measurement_model
    from impact_eval.stats.scales.irt import IrtErrors, item_response
    from impact_eval.stats.scales.polychoric import polychoric_correlation
    from impact_eval.stats.scales.reliability import alpha_bootstrap, cronbach_alpha

    items = {f: [f"x{3 * j + i}" for i in (1, 2, 3)] for j, f in enumerate("vts")}
    rng = np.random.default_rng(1)
    x, p, g, c = (tables[name] for name in ("alpha", "polychoric", "graded", "cfa"))
    return {
        "alpha": median(lambda: cronbach_alpha(x), 5),
        "alpha, bootstrap": median(lambda: alpha_bootstrap(x, rng=rng, draws=1_000), 3),
        "polychoric": median(lambda: polychoric_correlation(p), 10),
        "graded": median(lambda: item_response(g, errors=IrtErrors.CROSS_PRODUCT), 5),
        "cfa": median(lambda: confirmatory_factors(c, measurement_model(items)), 30),
    }


def peer_python(given: Path | None) -> Path:
    if given is not None:
        return given
    python = PEER / "bin" / "python"
    if not python.exists():
        venv.create(PEER, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES], check=True)
    return python


def peers(tables: dict[str, np.ndarray], python: Path) -> dict[str, float | str]:
    with tempfile.TemporaryDirectory() as folder:
        for name, table in tables.items():
            np.save(Path(folder) / f"{name}.npy", table)
        columns = [f"x{i}" for i in range(1, 10)]
        pd.DataFrame(tables["cfa"], columns=columns).to_csv(Path(folder) / "cfa.csv", index=False)
        pd.DataFrame(tables["polychoric"]).to_csv(Path(folder) / "polychoric.csv", index=False)
        script = PEER_CODE.replace("MODEL", repr(MODEL))
        run = subprocess.run(
            [str(python), "-c", script, folder], capture_output=True, text=True, check=True
        )
        found: dict[str, float | str] = json.loads(run.stdout.splitlines()[-1])
        if shutil.which("Rscript"):
            code = R_CODE.replace("MODEL", json.dumps(MODEL))
            run = subprocess.run(
                ["Rscript", "-e", code, folder], capture_output=True, text=True, check=False
            )
            for line in run.stdout.splitlines():
                name, _, seconds = line.strip().partition(" ")
                found[name] = float(seconds)
    return found


ROWS = (
    ("alpha 100,000 × 20", "alpha", ("pingouin",), "with its closed-form interval"),
    ("  with bootstrap", "alpha, bootstrap", (), "none offers it: 1,000 pingouin calls"),
    ("polychoric 2,800 × 25", "polychoric", ("lavCor", "psych", "semopy polychoric"),
     "semopy: one pair of 300"),
    ("graded 1,000 × 20", "graded", ("mirt", "girth"), "girth gives no errors"),
    ("confirmatory 301 × 9", "cfa", ("semopy", "lavaan"), "fit, indices and errors"),
)  # fmt: skip


def show(value: float | str | None) -> str:
    if isinstance(value, float):
        return f"{1000 * value:,.1f} ms"
    return "-" if value is None else value[:60]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--peer-python", type=Path)
    parser.add_argument("--holzinger", type=Path)
    options = parser.parse_args()
    tables = data(options.holzinger)
    own = ours(tables)
    wanted = options.peer or options.peer_python is not None
    found = peers(tables, peer_python(options.peer_python)) if wanted else {}
    print(f"{'task':<24} {'here':>12}   others")
    for title, key, names, note in ROWS:
        others = ", ".join(f"{name} {show(found.get(name))}" for name in names if name in found)
        print(f"{title:<24} {show(own[key]):>12}   {others}  ({note})")


if __name__ == "__main__":
    sys.exit(main())
