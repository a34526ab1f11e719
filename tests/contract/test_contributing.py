"""CONTRIBUTING followed to the letter: its files in an empty folder are a design that passes."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact_eval.data.sample import Sample
from impact_eval.designs import designs
from impact_eval.designs.contract import CHECKS

SECTION = r"^## {title}\n(.*?)^## "
FILE = re.compile(r"`([\w/]+\.(?:py|toml))`:\n\n(?: *<!--.*?-->\n)?( *)```\w+\n(.*?)^ *```$",
                  re.DOTALL | re.MULTILINE)  # fmt: skip
ROW = re.compile(r"^ *\| [^|]+ \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
NAME, COVARIANCE = "weighted_gap", "design_effect"
ROOT = Path(__file__).parents[2]


def _section(root: Path, title: str = "Add an estimator") -> str:
    page = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(SECTION.format(title=title), page, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the estimator's recipe."""
    return _declared(tmp_path_factory.mktemp("package"), _section(ROOT), NAME)


@pytest.fixture(scope="module")
def covariance_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the covariance's recipe."""
    folder = tmp_path_factory.mktemp("covariance")
    return _declared(folder, _section(ROOT, "Add a covariance"), COVARIANCE)


def _declared(folder: Path, section: str, package: str) -> Path:
    """Write the files that a section shows, declared as installing them would."""
    for name, indent, text in FILE.findall(section):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [line.removeprefix(indent) for line in text.splitlines()]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    declared = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    groups = declared["project"]["entry-points"]
    lines = [f"[{g}]\n" + "\n".join(f"{k} = {v}" for k, v in p.items()) for g, p in groups.items()]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder


def _run(package: Path, root: Path, *words: str, language: str = "fr") -> str:
    path = os.pathsep.join([str(package), str(root)])
    done = subprocess.run(
        [sys.executable, *words],
        cwd=package,
        env={**os.environ, "PYTHONPATH": path, "IMPACT_EVAL_LANGUAGE": language},
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_shows_every_file(package: Path) -> None:
    found = {
        path.relative_to(package).as_posix() for path in package.rglob("*.*") if path.is_file()
    }
    words = {f"locale/{language}/{NAME}.toml" for language in ("fr", "en")}
    assert {f"{NAME}.py", f"test_{NAME}.py", "pyproject.toml", *words} <= found


def test_its_design_passes_the_battery(package: Path, root: Path) -> None:
    told = _run(package, root, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"test_{NAME}.py")
    assert f"{len(CHECKS)} passed" in told


@pytest.mark.parametrize(
    ("language", "words"),
    [("fr", "La moyenne pondérée des personnes"), ("en", "The weighted mean of the people")],
)
def test_the_command_explains_it(package: Path, root: Path, language: str, words: str) -> None:
    assert words in _run(package, root, "-m", "impact_eval.cli", "methods", NAME, language=language)


def test_its_numbers(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two weighted means by hand; without weights the error is that of Welch, up to its factor."""
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.setattr(designs, "_things", dict(designs._things))
    monkeypatch.delitem(sys.modules, NAME, raising=False)
    design = importlib.import_module(NAME).WeightedGap()
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"z": np.arange(40) % 2, "w": rng.uniform(1, 3, 40),
                          "y": rng.normal(size=40)})  # fmt: skip
    row = design.fit(Sample(frame, treatment="z", weights="w"), "y").effects[0]
    one, other = (frame[frame["z"] == z] for z in (1, 0))
    want = np.average(one["y"], weights=one["w"]) - np.average(other["y"], weights=other["w"])
    assert row.estimate == pytest.approx(want, rel=1e-12)
    plain = design.fit(Sample(frame, treatment="z"), "y").effects[0]
    welch = sum(part["y"].var(ddof=0) / 20 for part in (one, other)) * 40 / 39
    assert plain.std_error == pytest.approx(np.sqrt(welch), rel=1e-12)
    sys.modules.pop(NAME)


def test_the_table_of_arrays_names_what_a_sample_has(root: Path) -> None:
    rows = ROW.findall(_section(root))[1:]
    named = {name for row in rows for name in re.findall(r"`(\w+)(?:\(\w+\))?`", row)}
    assert len(named) > 20
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"id": [1, 1, 2, 2], "t": [1, 2, 1, 2], "g": [2, 2, 0, 0],
                          "y": rng.normal(size=4)})  # fmt: skip
    sample = Sample(frame, unit="id", time="t", cohort="g")
    assert not [name for name in named if not hasattr(sample, name)]
    wide = re.search(r"`wide\(outcome\)` \| (.*) \|", _section(root))
    assert wide is not None
    parts = re.findall(r"`(\w+)`", wide[1])
    assert parts
    assert not [part for part in parts if not hasattr(sample.wide("y"), part)]


# -- a covariance --------------------------------------------------------------------------------

ASKED = """
from dataclasses import fields

from impact_eval import ImpactEvalError, WildBootstrap
from impact_eval.designs import designs
from impact_eval.designs.contract import example_of
from impact_eval.pipeline.methods_declared import make_covariance
from impact_eval.pipeline.study_models import CovariancePart
from impact_eval.stats.inference.covariance import Robust

asked = make_covariance(CovariancePart(name="design_effect", options={"effect": 2.25}))
for design in designs:
    if "covariance" not in {f.name for f in fields(design)}:
        continue
    assert "design_effect" in design.info.covariances, design
    example = example_of(design)
    chosen = {f.name: getattr(example.design, f.name) for f in fields(example.design)}
    one, other = (
        design(**{**chosen, "covariance": covariance}).fit(example.sample(), example.outcome)
        for covariance in (asked, Robust("HC0"))
    )
    assert one.method.covariance.endswith("design effect 2.25"), one.method
    assert any(a.std_error for a in one.effects)
    for a, b in zip(one.effects, other.effects, strict=True):  # sqrt(2.25) = 1.5
        assert a.std_error is None or abs(a.std_error / b.std_error - 1.5) < 1e-9, a
    try:
        design(covariance=WildBootstrap())
    except ImpactEvalError as error:
        assert "design_effect" in error.findings[0].values["known"]
        print(design.info.name, design.info.wald_only, error.codes)
try:
    make_covariance(CovariancePart(name="design_effect", options={"effect": -1}))
except ImpactEvalError as error:
    print(*error.codes)
"""


def test_its_covariance_reaches_every_design(covariance_package: Path, root: Path) -> None:
    """By its name in a study file: the errors of independent rows, times the root of its effect."""
    assert (covariance_package / f"{COVARIANCE}.py").is_file()
    told = _run(covariance_package, root, "-W", "ignore", "-c", ASKED).splitlines()
    assert "wald_did True ('covariance_not_taken',)" in told
    assert told[-1] == "number_not_positive"
