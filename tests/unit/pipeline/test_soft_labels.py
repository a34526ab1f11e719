"""A study scored from a file of codes and labels: long or wide, the labels decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tomli_w

from impact_eval import ImpactEvalError, Study
from impact_eval.pipeline.evaluate import evaluate
from impact_eval.survey import instrument

RSES = instrument("rses-fr")
ITEMS = list(RSES.item_ids)
WORDS = {r.code: r.fr[0] for r in RSES.responses}
COLUMNS = [f"q{k}" for k in range(1, 11)]


def answers(n: int = 30, seed: int = 2) -> pd.DataFrame:
    """The answers of `n` people at two dates, in the codes of the scale; the second is better."""
    rng = np.random.default_rng(seed)
    turned = np.array([RSES.item(name).reversed for name in ITEMS])
    parts = []
    for date, gain in (("T0", 0.0), ("T1", 0.6)):
        keyed = np.clip(np.round(2.4 + gain + rng.normal(0, 0.8, (n, 10))), 1, 4)
        codes = np.where(turned, 5 - keyed, keyed).astype(int)
        parts.append(pd.DataFrame(codes, columns=COLUMNS).assign(id=range(1, n + 1), date=date))
    return pd.concat(parts, ignore_index=True)


def write(
    folder: Path, table: pd.DataFrame, labels: dict[str, dict[int, str]], **data: Any
) -> Study:
    folder.mkdir(exist_ok=True)
    table.to_csv(folder / "d.csv", index=False)
    if labels:
        columns = {
            name: {"labels": {str(code): word for code, word in said.items()}}
            for name, said in labels.items()
        }
        book = {"schema": "impact-eval/codebook/1", "columns": columns}
        (folder / "d.codes.toml").write_text(tomli_w.dumps(book), encoding="utf-8")
    part = {"file": "d.csv", "roles": {"unit": "id", "time": "date"}, **data}
    study = {
        "schema": "impact-eval/study/1",
        "study": {
            "id": "essai", "title": "Essai", "territory": "01", "pillar": "emploi",
            "action": "Accompagnement", "period": ["2024-01", "2024-12"],
        },
        "data": part,
        "method": {"name": "before_after"},
        "outcomes": [{"id": "estime", "label": "Estime de soi", "instrument": "estime",
                      "unit": "score", "primary": True}],
        "instruments": [{"id": "estime", "scale": "rses-fr", "data": part,
                         "wave": part["roles"]["time"], "waves": ["T0", "T1"],
                         "items": dict(zip(ITEMS, COLUMNS, strict=True))}],
    }  # fmt: skip
    (folder / "study.toml").write_text(tomli_w.dumps(study), encoding="utf-8")
    return Study.read(folder)


TURNED = {5 - code: word for code, word in WORDS.items()}


def test_a_study_follows_the_labels_of_its_file(tmp_path: Path) -> None:
    table = answers()
    plain = evaluate(write(tmp_path / "a", table, {})).scores[0]
    file = table.assign(**{name: 5 - table[name] for name in COLUMNS})
    by_label = evaluate(write(tmp_path / "b", file, dict.fromkeys(COLUMNS, TURNED))).scores[0]
    for part in ("before", "after", "change", "people", "reliability", "items", "bins"):
        assert getattr(by_label, part) == getattr(plain, part)
    assert "recoded_by_label" in {finding.code for finding in by_label.findings}


def side_by_side(table: pd.DataFrame, date: str, turned: bool) -> pd.DataFrame:
    rows = table[table["date"] == date].set_index("id")[COLUMNS]
    rows = 5 - rows if turned else rows
    return rows.rename(columns={name: f"{name}_{date}" for name in COLUMNS})


@pytest.mark.parametrize("turned", [True, False])
def test_a_wide_file_keeps_its_labels(tmp_path: Path, turned: bool) -> None:
    table = answers()
    plain = evaluate(write(tmp_path / "a", table, {})).scores[0]
    wide = pd.concat([side_by_side(table, d, turned) for d in ("T0", "T1")], axis=1).reset_index()
    said = TURNED if turned else WORDS
    labels = {f"{name}_{d}": said for name in COLUMNS for d in ("T0", "T1")}
    waves = {"names": ["T0", "T1"],
             "columns": {name: [f"{name}_T0", f"{name}_T1"] for name in COLUMNS}}  # fmt: skip
    study = write(tmp_path / "b", wide, labels, waves=waves,
                  roles={"unit": "id", "time": "wave"})  # fmt: skip
    score = evaluate(study).scores[0]
    assert (score.before, score.after, score.change) == (plain.before, plain.after, plain.change)


def test_dates_whose_labels_say_the_contrary_are_refused(tmp_path: Path) -> None:
    table = answers()
    wide = pd.concat(
        [side_by_side(table, "T0", False), side_by_side(table, "T1", True)], axis=1
    ).reset_index()
    labels = {f"{name}_T0": WORDS for name in COLUMNS}
    labels |= {f"{name}_T1": TURNED for name in COLUMNS}
    waves = {"names": ["T0", "T1"],
             "columns": {name: [f"{name}_T0", f"{name}_T1"] for name in COLUMNS}}  # fmt: skip
    study = write(tmp_path / "b", wide, labels, waves=waves,
                  roles={"unit": "id", "time": "wave"})  # fmt: skip
    with pytest.raises(ImpactEvalError) as refusal:
        evaluate(study)
    assert set(refusal.value.codes) == {"wave_labels_differ"}
