"""The fenced blocks of the pages, and the folder in which they are run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from small_studies import arms, head, work

NOT_RUN = re.compile(r"<!-- not run: (.+?) -->")
FENCE = re.compile(r"^( *)```(\S*)\s*$")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its text, and why it is not run if so."""

    page: str
    line: int
    language: str
    text: str
    not_run: str | None


def pages(root: Path) -> list[Path]:
    """Return the pages that people read: those made from the code are tested on their own."""
    made = ("methods", "instruments", "reference/generated", "_build")
    docs = root / "docs"
    written = [
        page
        for page in sorted(docs.rglob("*.md"))
        if not any(page.is_relative_to(docs / folder) for folder in made)
    ]
    return [*written, *sorted(root.glob("README*.md")), root / "CONTRIBUTING.md"]


def blocks(root: Path) -> Iterator[Block]:
    """Yield the fenced blocks of the pages, in order."""
    for page in pages(root):
        lines = page.read_text(encoding="utf-8").splitlines()
        opened: tuple[int, int, str] | None = None
        for number, line in enumerate(lines):
            fence = FENCE.match(line)
            if fence is None:
                continue
            if opened is None:
                opened = (number, len(fence[1]), fence[2])
                continue
            start, indent, language = opened
            text = "\n".join(each[indent:] for each in lines[start + 1 : number]) + "\n"
            reason = NOT_RUN.search("\n".join(lines[max(0, start - 2) : start]))
            name = page.relative_to(root).as_posix()
            yield Block(name, start + 1, language, text, reason[1] if reason else None)
            opened = None


# -- the folder beside the blocks ------------------------------------------------------------

STUDY = head("{id}", "{id}") + arms() + work("emploi_6m", "Emploi à six mois")


def prepare(root: Path, folder: Path) -> None:
    """Lay beside the blocks what their pages say is there: data, studies, results."""
    datasets = root / "datasets"
    shutil.copytree(datasets, folder / "datasets", ignore=shutil.ignore_patterns("sortie"))
    shutil.copyfile(datasets / "association_avant_apres" / "suivi.xlsx", folder / "suivi.xlsx")
    shutil.copyfile(datasets / "mobilite_bassins" / "questionnaires.csv",
                    folder / "questionnaires.csv")  # fmt: skip
    shutil.copyfile(root / "tests/contract/plugin/median_gap.py", folder / "median_gap.py")
    _panel(folder / "donnees.xlsx")


def _panel(path: Path) -> None:
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(1)
    rows = [
        (f"P{unit}", year, (2021, 2022, "")[unit % 3], f"bassin {unit % 24}",
         int(rng.random() < 0.3 + 0.2 * (unit % 3 < 2 and year >= 2021 + unit % 3)))
        for unit in range(240)
        for year in range(2018, 2024)
    ]  # fmt: skip
    names = ["id", "annee", "annee_entree", "bassin", "emploi"]
    pd.DataFrame(rows, columns=names).to_excel(path, index=False)


def results_for(folder: Path, names: tuple[str, ...]) -> None:
    """Write the published results of small studies of one outcome, each in its own folder."""
    import numpy as np

    from impact_eval import Study, evaluate
    from impact_eval.results.gate import release

    for seed, name in enumerate(names):
        rng = np.random.default_rng(seed)
        study = folder / name
        (study / "sortie").mkdir(parents=True)
        rows = [f"P{i},{i % 2},{int(rng.random() < 0.4 + 0.1 * (i % 2))}" for i in range(200)]
        text = "\n".join(["id,aide,emploi", *rows]) + "\n"
        (study / "donnees.csv").write_text(text, encoding="utf-8")
        (study / "study.toml").write_text(STUDY.format(id=study.name), encoding="utf-8")
        release(evaluate(Study.read(study))).results.write(study / "sortie")


def fill(folder: Path, root: Path) -> None:
    """Do what a page asks of its reader: fill the study folder with the tutorial's example."""
    source = root / "datasets" / "association_avant_apres"
    folder.mkdir(exist_ok=True)
    for name in ("study.toml", "suivi.xlsx"):
        shutil.copyfile(source / name, folder / name)
