"""A département's table of communes by year as its observatory sends it, beside the clean truth.

Nothing here reads what the product does: the truth is drawn first, then typed as a tool exports it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

YEARS = (2018, 2019, 2020, 2021, 2022, 2023)
ENTRIES = (None, None, 2020, None, 2021, 2022)  # when the one-stop shop opened


@dataclass(frozen=True, slots=True)
class Cell:
    """What is true of one commune in one year; None where it is kept secret."""

    code: str
    name: str
    year: int
    entry: int | None
    population: int
    rate: float | None
    spent: float


def truth(seed: int = 7, communes: int = 60) -> list[Cell]:
    """Draw sixty communes over six years."""
    rng = np.random.default_rng(seed)
    cells = []
    for k in range(communes):
        level, entry = 30 + 4 * rng.normal(), ENTRIES[k % len(ENTRIES)]
        people = int(rng.integers(350, 42_000))
        for j, year in enumerate(YEARS):
            helped = entry is not None and year >= entry
            rate = round(float(level - 0.4 * j - 3 * helped + rng.normal()), 1)
            secret = rng.random() < 0.04
            spent = round(float(people * (4 + rng.gamma(3, 2))), 2)
            cells.append(
                Cell(f"0{1001 + 3 * k}", f"Commune n°{k + 1}, Bresse", year, entry,
                     people + 12 * j, None if secret else rate, spent)
            )  # fmt: skip
    return cells


def figure(value: float, digits: int, gap: str) -> str:
    """Write a number as a French office does: a comma, a gap between thousands."""
    return f"{value:,.{digits}f}".replace(",", gap).replace(".", ",")


def long(cells: list[Cell], gap: str = "\u00a0") -> str:
    """One line per commune and year, a total after each year, the source below."""
    lines = ["Observatoire départemental des solidarités;;;;;;",
             "Non-recours au RSA par commune, 2018-2023;;;;;;",
             ";;;;;;",
             "Code INSEE;Commune;Année;Ouverture du guichet;Population;Taux de non-recours (%);"
             "Dépenses (€)"]  # fmt: skip
    for year in YEARS:
        here = [cell for cell in cells if cell.year == year]
        for cell in here:
            rate = "s" if cell.rate is None else figure(cell.rate, 1, gap)
            lines.append(";".join([
                cell.code, cell.name, str(year), str(cell.entry or ""),
                figure(cell.population, 0, gap), rate, figure(cell.spent, 2, gap),
            ]))  # fmt: skip
        rates = [cell.rate for cell in here if cell.rate is not None]
        lines.append(";".join([
            "", "Total département", str(year), "", figure(sum(c.population for c in here), 0, gap),
            figure(sum(rates) / len(rates), 1, gap), figure(sum(c.spent for c in here), 2, gap),
        ]))  # fmt: skip
    lines += [";;;;;;", "s : secret statistique (moins de 11 foyers);;;;;;",
              "Source : Cnaf, fichiers Allstat ; traitement du Département;;;;;;"]  # fmt: skip
    return "\r\n".join(lines) + "\r\n"


def wide(cells: list[Cell], gap: str = "\u00a0") -> str:
    """One line per commune, one column per year."""
    lines = ["Non-recours au RSA par commune (en %);;;;;;;;",
             "Code INSEE;Commune;Ouverture;" + ";".join(map(str, YEARS))]  # fmt: skip
    by_code: dict[str, list[Cell]] = {}
    for cell in cells:
        by_code.setdefault(cell.code, []).append(cell)
    for code, row in by_code.items():
        rates = ["s" if c.rate is None else figure(c.rate, 1, gap) for c in row]
        lines.append(";".join([code, row[0].name, str(row[0].entry or ""), *rates]))
    means = []
    for year in YEARS:
        rates_of = [c.rate for c in cells if c.year == year and c.rate is not None]
        means.append(figure(sum(rates_of) / len(rates_of), 1, gap))
    lines.append(";".join(["", "Total département", "", *means]))
    lines.append("Source : Cnaf ; s : secret statistique" + ";" * 8)
    return "\r\n".join(lines) + "\r\n"


def write(path: Path, text: str) -> None:
    """Write a table as an old tool does: in cp1252."""
    path.write_bytes(text.encode("cp1252"))


HEAD = """schema = "impact-eval/study/1"
[study]
id = "guichets"
title = "Guichets"
territory = "01"
pillar = "droits"
action = "Un guichet unique des droits"
period = ["2018-01", "2023-12"]
[data]
file = "communes.csv"
rows_are = "territories"
"""
COMPARED = """[method]
name = "callaway_santanna"
options = {{ control_group = "never_treated" }}
[[outcomes]]
id = "non_recours"
label = "Non-recours"
column = "{column}"
unit = "percent"
direction = "lower_is_better"
primary = true
"""
LONG_STUDY = (
    HEAD
    + """[data.roles]
unit = "Code INSEE"
time = "Année"
cohort = "Ouverture du guichet"
"""
    + COMPARED.format(column="Taux de non-recours (%)")
    + """[[outcomes]]
id = "depenses"
label = "Dépenses"
column = "Dépenses (€)"
unit = "eur"
"""
)
WIDE_STUDY = (
    HEAD
    + """[data.roles]
unit = "Code INSEE"
time = "wave"
cohort = "Ouverture"
[data.waves]
names = ["2018", "2019", "2020", "2021", "2022", "2023"]
[data.waves.columns]
taux = ["2018", "2019", "2020", "2021", "2022", "2023"]
"""
    + COMPARED.format(column="taux")
)
