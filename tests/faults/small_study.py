"""A small study, and what it looks like on the disk: for the tests that break things around it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

STUDY = """schema = "impact-eval/study/1"
[study]
id = "essai"
title = "Essai"
territory = "01"
pillar = "emploi"
action = "Accompagnement"
period = ["2024-01", "2024-12"]
[data]
file = "donnees.csv"
[data.roles]
unit = "id"
treatment = "aide"
[method]
name = "difference_in_means"
[[outcomes]]
id = "emploi"
label = "Emploi"
column = "emploi"
unit = "share"
primary = true
"""
MINE = {
    "study.toml": STUDY,
    "notes/entretien.txt": "trois ans de notes",
    "documents/these.docx": "trois ans de travail",
}
_MOMENTS = re.compile(r'"(run_at|at)": "[^"]*"')


def write_study(folder: Path, seed: int = 0) -> Path:
    """Write the study and, beside it, files that are the user's alone."""
    rng = np.random.default_rng(seed)
    rows = ["id,aide,emploi"]
    for i in range(80):
        helped = int(i < 40)
        rows.append(f"P{i:03d},{helped},{int(rng.random() < 0.35 + 0.15 * helped)}")
    for name, text in {**MINE, "donnees.csv": "\n".join(rows) + "\n"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return what each file of a folder says, the moments of runs left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            raw = path.read_bytes()
            if path.suffix == ".json":
                raw = _MOMENTS.sub("", raw.decode("utf-8", "replace")).encode()
            found[path.relative_to(folder).as_posix()] = raw
    return found


def of_the_user(folder: Path) -> dict[str, bytes]:
    """Return the files that no run may touch."""
    return {name: (folder / name).read_bytes() for name in (*MINE, "donnees.csv")}


def state(folder: Path) -> str | None:
    """Return the state told by an output folder."""
    path = folder / "sortie" / "status.json"
    return json.loads(path.read_text("utf-8"))["state"] if path.is_file() else None


def tells_the_truth(folder: Path) -> bool:
    """Whether an output folder that says `done` is whole, and a report beside another state is not
    taken for the present one.
    """
    out = folder / "sortie"
    if state(folder) != "done":
        return True
    told = json.loads((out / "status.json").read_text("utf-8"))
    return all((out / name).is_file() for name in told["outputs"])


def hidden_left(folder: Path) -> list[str]:
    """Return the working files that a run left behind."""
    return sorted(path.name for path in folder.rglob(".*"))
