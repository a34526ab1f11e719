"""A design in one file of another package: battery, command, study file, page, all pick it up."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval import ImpactEvalError, Sample, Study
from impact_eval.designs import designs
from impact_eval.designs.contract import CHECKS
from impact_eval.report import texts

PLUGIN = Path(__file__).with_name("plugin")
NAME = "median_gap"
ENTRY_POINTS = """[impact_eval.designs]
median_gap = median_gap
[impact_eval.texts]
median_gap = median_gap:TEXTS
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that declares the plug-in's entry points, as installing a package would."""
    folder = tmp_path_factory.mktemp("installed")
    info = folder / "median_gap-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: median-gap\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


@pytest.fixture
def plugin(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    """The design, found through its entry point in a registry that looks again."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.setattr(designs, "_things", dict(designs._things))
    monkeypatch.setattr(designs, "_loaded", False)
    sys.modules.pop(NAME, None)
    importlib.invalidate_caches()
    texts._load.cache_clear()
    yield designs.get(NAME)
    texts._load.cache_clear()
    sys.modules.pop(NAME, None)


@pytest.mark.parametrize("check", list(CHECKS))
def test_the_battery_runs_on_it(plugin: type, check: str) -> None:
    CHECKS[check](plugin)


def test_it_is_listed_with_the_others(plugin: type) -> None:
    assert NAME in designs.names()
    assert "did" in designs.names()
    assert plugin.__module__ == NAME


def test_its_numbers(plugin: type, rng: np.random.Generator) -> None:
    """The definition of a median, and coverage of 95 % on skewed draws."""
    covered, draws = 0, 400
    for _ in range(draws):
        y = rng.exponential(size=80)
        frame = pd.DataFrame({"d": np.arange(80) % 2, "y": y + np.arange(80) % 2})
        effect = plugin().fit(Sample(frame, treatment="d"), "y").effects[0]
        assert effect.estimate == np.median(frame["y"][1::2]) - np.median(frame["y"][::2])
        covered += effect.conf_low <= 1 <= effect.conf_high
    # 99.9 % binomial band around 0.95 with 400 draws: 0.914 to 0.986; the method is a little wide
    assert 0.914 <= covered / draws <= 0.995


@pytest.mark.parametrize("language", ["fr", "en"])
def test_it_speaks_both_languages(plugin: type, language: str) -> None:
    words = texts.Texts(language)
    parts = ("name", "compares", "believes", "breaks")
    assert not [part for part in parts if f"method.{NAME}.{part}" not in words]


def test_a_study_may_name_it(plugin: type, root: Path, tmp_path: Path) -> None:
    source = root / "datasets" / "rendez_vous_droits"
    for name in ("donnees.csv", "codebook.toml"):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    declared = (source / "study.toml").read_text(encoding="utf-8")
    file = tmp_path / "study.toml"
    file.write_text(declared.replace('"difference_in_means"', f'"{NAME}"'), encoding="utf-8")
    method = Study.read(tmp_path).declaration.method
    assert method is not None
    assert method.name == NAME
    file.write_text(declared.replace('"difference_in_means"', '"median_gapp"'), encoding="utf-8")
    with pytest.raises(ImpactEvalError) as refused:
        Study.read(tmp_path)
    assert refused.value.findings[0].values["nearest"] == NAME


def test_the_page_of_the_method_is_made(
    plugin: type, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(root / "docs"))
    modules = ("method_pages", "pages", "figures", "drawing")
    method_pages, pages = (importlib.import_module(name) for name in modules[:2])
    monkeypatch.setattr(pages, "HERE", tmp_path)
    written = {path.relative_to(tmp_path).as_posix() for path in method_pages.write_methods()}
    for name in modules:
        sys.modules.pop(name, None)
    assert {f"methods/{NAME}.md", f"methods/{NAME}.fr.svg", f"methods/{NAME}.en.svg"} <= written
    page = (tmp_path / "methods" / f"{NAME}.md").read_text(encoding="utf-8")
    assert "Difference in medians of a random draw" in page
    assert "Différence de médianes d’un tirage au sort" in page
    assert NAME in (tmp_path / "methods" / "index.md").read_text(encoding="utf-8")


def _command(installed: Path, *words: str) -> str:
    path = os.pathsep.join([str(installed), str(PLUGIN)])
    done = subprocess.run(
        [sys.executable, "-m", "impact_eval.cli", *words],
        env={**os.environ, "PYTHONPATH": path, "IMPACT_EVAL_LANGUAGE": "fr"},
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    return done.stdout


def test_the_command_lists_and_explains_it(installed: Path) -> None:
    told: list[dict[str, Any]] = json.loads(_command(installed, "methods", "--json"))
    (ours,) = [method for method in told if method["name"] == NAME]
    assert ours["evidence_ceiling"] == 4
    explained = _command(installed, "methods", NAME)
    assert "La personne du milieu" in explained
    assert "10.1037/1082-989X.7.3.370" in explained
