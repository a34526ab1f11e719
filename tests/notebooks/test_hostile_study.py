"""A study whose every text is hostile runs whole, and its folder obeys nothing of it."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tomli_w
from hostile_texts import HOSTILE, KINDS
from openpyxl import load_workbook

from impact_eval.core.hidden import hidden_in
from impact_eval.core.hidden_text import hidden_key

pytestmark = pytest.mark.long  # whole runs

NUMBER = re.compile(r"[+-]?[0-9.,]+(e[+-]?[0-9]+)?")
STARTS = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
# a file that holds commands or halves of characters is refused before it runs, with its key
TEXTS = [text for text in HOSTILE if text.strip() and hidden_key({"a": text}) is None]
MAP = {
    "schema": "impact-eval/value-map/1",
    "map": {"title": "{0}", "currency": "EUR", "price_year": 2025, "discount_rate": "3.2 %",
            "follow_up": 1},
    "inputs": [{"id": "departement", "stakeholder": "{1}", "payer": "departement",
                "amount": 20000, "currency": "EUR", "price_year": 2025}],
    "lines": [{"id": "emploi", "stakeholder": "{2}", "outcome": "{3}", "indicator": "{4}",
               "indicator_source": "{5}", "estimate": "o0", "unit": "share", "proxy": 9000,
               "proxy_unit": "{6}", "proxy_source": "{7}", "currency": "EUR", "price_year": 2025,
               "kind": "avoided_cost", "payer": "departement", "receiver": "departement",
               "duration": 1}],
}  # fmt: skip


def filled(value, texts):
    if isinstance(value, dict):
        return {key: filled(part, texts) for key, part in value.items()}
    if isinstance(value, list):
        return [filled(part, texts) for part in value]
    if isinstance(value, str) and re.fullmatch(r"\{\d\}", value):
        return texts[int(value[1])]
    return value


def hostile_study(folder: Path, texts: list[str]) -> Path:
    """Write a study: its title, action, labels, levels of a characteristic, map are these texts."""
    folder.mkdir()
    one = iter(texts * 3)
    outcomes = [
        {"id": f"o{k}", "label": {"fr": next(one)} if k % 2 else next(one), "column": f"y{k}",
         "unit": "share", "primary": k == 0}
        for k in range(6)
    ]  # fmt: skip
    declared = {
        "schema": "impact-eval/study/1",
        "study": {"id": "hostile", "title": {"fr": next(one), "en": next(one)}, "territory": "01",
                  "pillar": "emploi", "action": next(one), "operator": next(one),
                  "period": ["2024-01", "2024-12"]},
        "data": {"file": "donnees.csv", "roles": {"unit": "id", "treatment": "aide",
                                                  "covariates": ["profil"]}},
        "method": {"name": "difference_in_means"},
        "outcomes": outcomes,
        "value": {"map": "carte.toml", "people": 500},
        "report": {"languages": ["fr", "en"], "formats": ["html", "pdf", "docx"]},
    }  # fmt: skip
    (folder / "study.toml").write_text(tomli_w.dumps(declared), encoding="utf-8")
    (folder / "carte.toml").write_text(tomli_w.dumps(filled(MAP, texts)), encoding="utf-8")
    with (folder / "donnees.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["id", "aide", "profil", *(f"y{k}" for k in range(6))])
        for i in range(240):
            outcomes = [int((i * (7 + k) + i // 3) % (3 + k % 2) == 0) for k in range(6)]
            rows.writerow([f"P{i:03d}", i % 2, texts[(i // 2) % 3], *outcomes])
    return folder


@pytest.mark.parametrize("part", range(4))
def test_a_hostile_study_runs_whole(tmp_path, root, part):
    texts = TEXTS[part::4]
    folder = hostile_study(tmp_path / "etude", texts)
    done = subprocess.run(
        [sys.executable, "-m", "impact_eval.cli", "run", str(folder)], capture_output=True,
        check=False, env={**os.environ, "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    told = (done.stdout + done.stderr).decode("utf-8")
    assert "Traceback" not in told
    assert done.returncode == 0, told
    assert not set(told) & set("\x1b\x9b\x08\r\x07")
    assert not hidden_in(told)
    out = folder / "sortie"
    assert list((out / "tables").glob("*.csv"))
    for path in (out / "tables").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        running = [c for c in cells if c.strip().startswith(STARTS) and not NUMBER.fullmatch(c)]
        assert running == [], path.name
    for path in out.glob("*.xlsx"):
        book = load_workbook(path)
        written = [c for s in book for row in s.iter_rows() for c in row if c.data_type == "f"]
        assert not [c.value for c in written if any(t in str(c.value) for t in KINDS["dde"])]
        plain = [c.value for s in book for row in s.iter_rows() for c in row if c.data_type == "s"]
        assert not [v for v in plain if v.strip().startswith(STARTS) and not NUMBER.fullmatch(v)]
    for path in out.glob("*.html"):
        page = path.read_text("utf-8")
        assert "<script" not in page
        assert not hidden_in(page)
    assert len(list(out.glob("*.pdf"))) == len(list(out.glob("*.docx"))) == 2
