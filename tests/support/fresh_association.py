"""An association's workbook as such people send it, beside the clean truth it was typed from.

Nothing here reads what the product does: the truth is drawn first, then typed as a team types it.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

MONTHS = ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
          "octobre", "novembre", "décembre")  # fmt: skip
TOP = ["Bénéficiaire", None, None, None, None, "Situation", None, None, None, None, "Bien-être"]
HEADINGS = {
    "N° dossier": "id",
    "Date d'entretien": "day",
    "Âge": "age",
    "Commune": "town",
    "Accompagné": "helped",
    "En emploi": "work",
    "Ressources mensuelles": "income",
    "Part du loyer": "rent",
    "Heures par semaine": "hours",
    None: "",
    "Satisfaction (0-10)": "satisfaction",
}


@dataclass(frozen=True, slots=True)
class Person:
    """What is true of one person at one date; None where nobody answered."""

    id: str
    wave: str
    day: datetime.date
    age: int
    town: str
    helped: bool
    work: int | None
    income: float | None
    rent: float | None
    hours: float | None
    satisfaction: float | None


def truth(seed: int = 3, people: int = 74) -> list[Person]:
    """Draw people at entry, and those who came back at exit."""
    rng = np.random.default_rng(seed)
    drawn = []
    for k in range(people):
        age, helped = int(rng.integers(19, 63)), bool(k % 5 < 3)
        town = ("Épinal", "Saint-Dié", "Gérardmer", "Remiremont")[k % 4]
        level = rng.normal()
        for wave in ("T0", "T1"):
            if wave == "T1" and k % 11 == 5:
                continue  # eleven in a hundred did not come back
            later = wave == "T1"
            day = datetime.date(
                2024 + later, 1 + int(rng.integers(0, 12)), int(rng.integers(1, 28))
            )
            gone = rng.random(5) < 0.07
            work = int(rng.random() < 0.25 + 0.1 * later + 0.2 * (helped and later))
            income = round(float(900 + 150 * level + rng.gamma(4, 60) + 80 * later), 1)
            rent = round(float(np.clip(0.35 + rng.normal() * 0.08, 0.05, 0.9)), 2)
            hours = abs(float(np.clip(np.round(8 + 3 * level + rng.normal() * 3) / 2, 0, 35)))
            score = float(np.clip(np.round(5 + level + rng.normal() + 0.8 * later), 0, 10))
            values = [None if lost else value for lost, value in
                      zip(gone, (work, income, rent, hours, score), strict=True)]  # fmt: skip
            drawn.append(Person(f"É-{k + 1:03d}", wave, day, age, town, helped, *values))
    return drawn


def typed(person: Person, row: int) -> list[object]:
    """Type one person as a team does: no two rows quite alike."""
    day: object = datetime.datetime.combine(person.day, datetime.time())
    if row % 3 == 1:
        day = person.day.strftime("%d/%m/%Y")
    elif row % 3 == 2:
        day = f"{person.day.day} {MONTHS[person.day.month - 1]} {person.day.year}"
    name = person.id + ("  " if row % 7 == 3 else "")
    if row % 29 == 12:
        name = name.replace("É", "E")
    words = (("oui", "OUI", "Oui "), ("non", "Non", "NON"))
    work: object = (None, "NSP", "nsp")[row % 3]
    if person.work is not None:
        work = words[1 - person.work][row % 3]
    income: object = ("", "NC")[row % 2]
    if person.income is not None:
        euros = f"{person.income:,.1f}".replace(",", (" ", "\u00a0", "\u202f")[row % 3])
        income = euros.replace(".", ",") + " €" if row % 4 else person.income
    rent: object = (None, "-")[row % 2]
    if person.rent is not None:
        rent = f"{person.rent * 100:.0f} %"
    hours: object = ("abs", "ABS", None)[row % 3]
    if person.hours is not None:
        hours = person.hours if row % 2 else f"{person.hours:.1f}".replace(".", ",") + " h"
    score = person.satisfaction if person.satisfaction is not None else ("n.r.", None)[row % 2]
    return [name, day, f"{person.age} ans" if row % 2 else person.age, person.town,
            "oui" if person.helped else "Non", work, income, rent, hours, None, score]  # fmt: skip


def _sheet(sheet: Worksheet, people: list[Person]) -> None:
    for line in (["ASSOCIATION L'ÉLAN"], ["12, rue des Forges"], [],
                 ["Suivi des personnes accompagnées 2024-2025"], []):  # fmt: skip
        sheet.append(line)
    _headings(sheet)
    for row, person in enumerate(people):
        if row == 40:
            sheet.append([])
            _headings(sheet)  # the top of the second page
        sheet.append(typed(person, row))
    incomes = [p.income for p in people if p.income is not None]
    sheet.append([])
    sheet.append(["TOTAL", None, None, None, f"{len(people)} pers.", None, round(sum(incomes), 1)])
    sheet.append([])
    sheet.append(["* NC : non communiqué ; abs : absent le jour de l'entretien"])
    sheet.append(["Source : fiches d'entretien, extraction du 12/01/2026"])


def _headings(sheet: Worksheet) -> None:
    sheet.append(TOP)
    row = sheet.max_row
    sheet.append(list(HEADINGS))
    for first, last in ((1, 5), (6, 9)):
        sheet.merge_cells(start_row=row, end_row=row, start_column=first, end_column=last)


def write(path: Path, people: list[Person]) -> None:
    """Write the workbook: two sheets a reader sees, one that is hidden."""
    book = Workbook()
    hidden = book.active
    assert hidden is not None
    hidden.title = "Listes"
    hidden.sheet_state = "hidden"
    for word in ("oui", "non", "NSP"):
        hidden.append([word])
    for name, wave in (("Entrée", "T0"), ("Sortie", "T1")):
        _sheet(book.create_sheet(name), [person for person in people if person.wave == wave])
    book.active = 1
    book.save(path)


STUDY = """schema = "impact-eval/study/1"
[study]
id = "elan"
title = "L'Élan"
territory = "88"
pillar = "emploi"
action = "Accompagnement"
period = ["2024-01", "2025-12"]
[data]
file = "suivi.xlsx"
labels_alike = "same"
[data.roles]
unit = "Bénéficiaire / N° dossier"
time = "wave"
treatment = "Bénéficiaire / Accompagné"
[data.waves]
names = ["T0", "T1"]
sheets = ["Entrée", "Sortie"]
[method]
name = "did"
[[outcomes]]
id = "emploi"
label = "En emploi"
column = "Situation / En emploi"
unit = "share"
primary = true
[[outcomes]]
id = "ressources"
label = "Ressources"
column = "Situation / Ressources mensuelles"
unit = "eur"
[[outcomes]]
id = "loyer"
label = "Part du loyer"
column = "Situation / Part du loyer"
unit = "percent"
direction = "lower_is_better"
[[outcomes]]
id = "heures"
label = "Heures"
column = "Situation / Heures par semaine"
unit = "hours"
[[outcomes]]
id = "satisfaction"
label = "Satisfaction"
column = "Bien-être / Satisfaction (0-10)"
unit = "score"
"""
