"""Several studies read together, from their results alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.evaluate import evaluate
from impact_eval.pipeline.run_folder import LOCK, MARK
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.territory_account import consolidate_studies
from impact_eval.portfolio.portfolio import Portfolio
from impact_eval.stats.inference.pooling import pool


@pytest.fixture(scope="module")
def three(tmp_path_factory, request):
    """Three studies: the towns of the lottery, two by two."""
    root = request.getfixturevalue("root")
    source = root / "datasets" / "rendez_vous_droits"
    folder = tmp_path_factory.mktemp("portfolio")
    table = pd.read_csv(source / "donnees.csv")
    towns = sorted(table["commune"].unique())
    text = (source / "study.toml").read_text(encoding="utf-8")
    for i in range(3):
        study = folder / f"etude-{i}"
        study.mkdir()
        table[table["commune"].isin(towns[2 * i : 2 * i + 2])].to_csv(
            study / "donnees.csv", index=False
        )
        named = text.replace('id = "rendez-vous-droits"', f'id = "etude-{i}"')
        (study / "study.toml").write_text(named, encoding="utf-8")
        evaluate(Study.read(study)).write(study / "results.json")
    return folder


def test_pool_is_the_kernel_on_the_published_numbers(three):
    found = Portfolio.read(["*/results.json"], folder=three).pool("droit_ouvert")
    files = [three / f"etude-{i}" / "results.json" for i in range(3)]
    published = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    effects = [data["estimates"][0]["estimate"]["effects"][0] for data in published]
    y = np.array([e["estimate"] for e in effects])
    v = np.array([e["std_error"] for e in effects]) ** 2
    assert found["pooled"].estimate == pytest.approx(pool(y, v).estimate, rel=1e-12)
    assert found.details["studies"] == ["etude-0", "etude-1", "etude-2"]
    assert sum(found.details["weights"]) == pytest.approx(1)
    assert found["pooled"].n_treated == sum(e["n_treated"] for e in effects)


def test_report_in_both_languages(three, tmp_path):
    written = consolidate_studies(
        [three / "*/results.json"], outcome="droit_ouvert", output=tmp_path / "out"
    )
    assert {path.name for path in written} == {
        "portfolio.json",
        "rapport-fr.html",
        "report-en.html",
    }
    for path in written:
        if path.suffix == ".html":
            html = path.read_text(encoding="utf-8")
            assert "[" not in re.sub(
                r"<(style|head).*?</\1>|\[[−+\d].*?\]|url\([^)]*\)|<[^>]*>", "", html, flags=re.S
            )


def _edit(folder, study, change):
    path = folder / study / "results.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def test_incompatible_studies_are_left_apart_with_the_reason(three, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(three, copy)
    _edit(copy, "etude-1", lambda d: d["estimates"][0].update(unit="percent"))
    included, excluded = Portfolio.read(["*/results.json"], folder=copy).compatible("droit_ouvert")
    assert [entry.study for entry in included] == ["etude-0", "etude-2"]
    assert [(e.entry.study, e.reason.reason) for e in excluded] == [("etude-1", "other_unit")]
    assert excluded[0].reason.values == {"found": "percent", "needed": "share"}

    def without_comparison(data):
        record = data["estimates"][0]
        record["estimate"]["counterfactual"] = False
        record["evidence"].update(level=1, ceiling=1, caps={})

    _edit(copy, "etude-2", without_comparison)
    with pytest.raises(ImpactEvalError) as refused:
        Portfolio.read(["*/results.json"], folder=copy).pool("droit_ouvert")
    assert refused.value.codes == ("too_few_compatible",)


def test_faults_are_named_together(three, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "results.json").write_text("{", encoding="utf-8")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "results.json").write_text('{"schema": "other/1"}', encoding="utf-8")
    with pytest.raises(ImpactEvalError) as refused:
        Portfolio.read(["a", "b", "c/results.json"], folder=tmp_path)
    assert sorted(refused.value.codes) == [
        "results_not_found",
        "results_not_json",
        "results_schema",
    ]
    with pytest.raises(ImpactEvalError) as unknown:
        Portfolio.read(["*/results.json"], folder=three).pool("droit_ouvrt")
    assert unknown.value.findings[0].values["nearest"] == "droit_ouvert"


def test_what_a_killed_consolidation_left_goes_with_the_next(three, tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, mine = (tmp_path / f".ie-{ended.pid}-{name}" for name in ("abc", "notes"))
    for folder in (left, mine):
        folder.mkdir()
        (folder / "portfolio.json").write_text("{}", encoding="utf-8")
    (left / LOCK).write_bytes(MARK)
    consolidate_studies([three / "*/results.json"], outcome="droit_ouvert", output=tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"out", mine.name}
