"""Invented people whose names, numbers, addresses and words are like nothing else in the world.

Each builder writes a study whose tables are full of them, in every place where something may be
written: labels, headings, title rows, totals, footnotes, comments of cells, other sheets, hidden
sheets, properties of the file, labels of values. Whatever a run leaves is then searched for them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from openpyxl.comments import Comment

N = 60
# Every planted word holds « zyxwvut » and every planted number one of the stems below.
PLANTED = re.compile(
    r"zyxwvut|2850578006\d{3}|06\D{0,3}99\D?88\D?7\d|98\D?765\D{0,3}[.,]?43|987654", re.IGNORECASE
)
MACHINE = re.compile(
    r"Traceback \(most|ipykernel_\d|(?<![\w.:/-])/(?:home|root|tmp|Users|work)/\w|[A-Z]:\\Users"
)
FIRST = ("Ana", "Ines", "Lou", "Max", "Noe", "Tom")
HEAD = """schema = "impact-eval/study/1"
[study]
id = "essai"
title = {{ fr = "Essai", en = "Trial" }}
territory = "01"
pillar = "emploi"
action = {{ fr = "Accompagnement", en = "Support" }}
period = ["2024-01", "2024-12"]
[report]
languages = [{languages}]
formats = [{formats}]
[privacy]
internal_edition = {internal}
[data]
file = "{file}"
{sheet}
"""
TWO_GROUPS = """[data.roles]
unit = "{unit}"
treatment = "aide"
covariates = ["age"]
{cluster}
[method]
name = "difference_in_means"
[[outcomes]]
id = "emploi"
label = {{ fr = "Emploi", en = "Employment" }}
column = "{column}"
unit = "share"
primary = true
[[outcomes]]
id = "revenu"
label = {{ fr = "Revenu", en = "Income" }}
column = "revenu"
unit = "eur"
"""
SCALE = """[data.roles]
unit = "nom"
time = "vague"
[[outcomes]]
id = "humeur"
label = {{ fr = "Humeur", en = "Mood" }}
instrument = "humeur"
unit = "score"
primary = true
method = {{ name = "before_after" }}
[[instruments]]
id = "humeur"
scale = "phq-9"
wave = "vague"
waves = ["T0", "T1"]
[instruments.data]
file = "{file}"
{sheet}
[instruments.data.roles]
unit = "nom"
time = "vague"
[instruments.items]
"""
VALUE = """[value]
map = "carte.toml"
people = 30
"""
MAP = """schema = "impact-eval/value-map/1"
[map]
title = "Essai"
currency = "EUR"
price_year = 2025
discount_rate = "3.2 %"
timing = "mid"
perspective = "society"
follow_up = 1
people = 30
pillar = "emploi"
[[inputs]]
id = "departement"
stakeholder = "Département"
payer = "departement"
amount = 92000
currency = "EUR"
price_year = 2025
description = "Subvention"
[[lines]]
id = "revenu"
stakeholder = "Personnes accompagnées"
outcome = "Revenu"
indicator = "Revenu mensuel"
indicator_source = "Effet estimé par l’étude"
estimate = "revenu"
unit = "eur"
people = 30
per_year = 12
kind = "resource_gain"
receiver = "beneficiary"
proxy = 1
currency = "EUR"
price_year = 2025
duration = 1
"""


def _quoted(parts: tuple[str, ...]) -> str:
    return ", ".join(f'"{part}"' for part in parts)


def _head(file: str, formats: tuple[str, ...], *, sheet: str = "", internal: bool = True) -> str:
    return HEAD.format(
        file=file,
        sheet=f'sheet = "{sheet}"' if sheet else "",
        formats=_quoted(formats),
        languages=_quoted(("fr", "en")),
        internal=str(internal).lower(),
    )


def people(seed: int = 3) -> pd.DataFrame:
    """Sixty invented people: what the study uses, and what it must never tell."""
    rng = np.random.default_rng(seed)
    income = np.round(rng.normal(1_000, 200, N), 2)
    income[7] = 98_765.43
    letters = [f"{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(N)]
    return pd.DataFrame(
        {
            "nom": [f"{FIRST[i % 6]} ZYXWVUT{letters[i].upper()}ARD{i:03d}" for i in range(N)],
            "aide": np.arange(N) % 2,
            "age": rng.integers(20, 60, N),
            "emploi": (rng.random(N) < 0.5).astype(int),
            "revenu": income,
            "referent": [f"Ida Zyxwvutref{chr(97 + i % 20)}in" for i in range(N)],
            "nir": [f"2850578006{i:03d}" + "84" for i in range(N)],
            "telephone": [f"06 99 88 7{i // 10} {i % 10}{i % 10}" for i in range(N)],
            "courriel": [f"zyxwvut{i:03d}@exemple.org" for i in range(N)],
            "adresse": [f"{i + 1} rue du Zyxwvutbois{i:03d}" for i in range(N)],
            "verbatim": [f"<b>Zyxwvutmot{i:03d}</b> ne dort plus ; =HYPERLINK()" for i in range(N)],
            "suivi par Zyxwvutheading": [f"zyxwvutsuivi{i}" for i in range(N)],
        }
    )


def csv_study(
    folder: Path,
    *,
    formats: tuple[str, ...] = ("html",),
    column: str = "emploi",
    cluster: str = "",
    value: bool = False,
    all_treated: bool = False,
    internal: bool = True,
) -> Path:
    """A CSV with a title row, a total row and a footnote; an adviser may be the cluster."""
    folder.mkdir(parents=True)
    table = people()
    if all_treated:
        table["aide"] = 1
    lines = table.to_csv(index=False, sep=";").splitlines()
    empty = ";" * (len(table.columns) - 2)
    text = "\n".join(
        [
            f"Suivi de Zyxwvuttitre, referente{empty};",
            *lines,
            f"Total Zyxwvuttotal;30;;;{table.revenu.sum():.2f}" + ";" * (len(table.columns) - 5),
            f"Note : Zyxwvutnote a quitté le groupe{empty};",
        ]
    )
    (folder / "donnees.csv").write_text(text + "\n", encoding="utf-8")
    body = TWO_GROUPS.format(
        unit="nom", column=column, cluster=f'cluster = "{cluster}"' if cluster else ""
    )
    text = _head("donnees.csv", formats, internal=internal) + body + (VALUE if value else "")
    (folder / "study.toml").write_text(text, encoding="utf-8")
    if value:
        (folder / "carte.toml").write_text(MAP, encoding="utf-8")
    return folder


def workbook_study(
    folder: Path, *, formats: tuple[str, ...] = ("html",), internal: bool = True
) -> Path:
    """A workbook with a questionnaire: other sheets, a hidden one, comments, an author."""
    folder.mkdir(parents=True)
    table, rng = people(), np.random.default_rng(5)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Réponses"
    sheet.append(["nom", "vague", *(f"q{k}" for k in range(1, 10)), "remarque Zyxwvutremarque"])
    for wave, shift in (("T0", 0.7), ("T1", 0.0)):
        for i in range(30):
            answers = np.clip(np.round(1 + shift + rng.normal(size=9) * 0.8), 0, 3).astype(int)
            answers[8] = int(i < 2 and wave == "T0")  # two people tick dark thoughts
            sheet.append([table.nom[i], wave, *map(int, answers), f"Zyxwvutremarque{i:03d}"])
    sheet["A3"].comment = Comment("Zyxwvutcomment : voir avec elle", "Zyxwvutauteur")
    other = book.create_sheet("Zyxwvutfeuille")
    for row in table.itertuples(index=False):
        other.append([str(cell) for cell in row])
    hidden = book.create_sheet("Zyxwvutcachee")
    hidden.append(["Zyxwvutsecret", 987654])
    hidden.sheet_state = "hidden"
    book.properties.creator = "Zyxwvutcreator Eva"
    book.properties.lastModifiedBy = "Zyxwvutmodif Eva"
    book.save(folder / "reponses.xlsx")
    items = "\n".join(f'phq{k} = "q{k}"' for k in range(1, 10))
    head = _head("reponses.xlsx", formats, sheet="Réponses", internal=internal)
    body = SCALE.format(file="reponses.xlsx", sheet='sheet = "Réponses"')
    (folder / "study.toml").write_text(head + body + items + "\n", encoding="utf-8")
    return folder


def labelled_study(folder: Path, *, formats: tuple[str, ...] = ("html",)) -> Path:
    """An SPSS file whose labels of values and of columns name people."""
    import pyreadstat

    folder.mkdir(parents=True)
    table = people()[["nom", "aide", "age", "emploi", "revenu", "verbatim"]].copy()
    table["agent"] = (np.arange(N) % 4).astype(float)
    pyreadstat.write_sav(
        table,
        folder / "donnees.sav",
        column_labels={"agent": "Suivi par Zyxwvutlabel"},
        variable_value_labels={"agent": {float(k): f"Zyxwvutagent{k}" for k in range(4)}},
        file_label="Zyxwvutfichier",
    )
    body = TWO_GROUPS.format(unit="nom", column="emploi", cluster="")
    (folder / "study.toml").write_text(_head("donnees.sav", formats) + body, encoding="utf-8")
    return folder


def texts_left(folder: Path, inputs: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the text of every file of a folder but the study's own, archives and PDF opened.

    This reading is the test's own where it can be: raw bytes, parts of archives. Only PDF and
    pictures are read by the library's.
    """
    from impact_eval.pipeline.leak_files import unpack

    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name in inputs:
            continue
        raw = path.read_bytes()
        yield name, name
        yield name, raw.decode("utf-8", errors="replace")
        if zipfile.is_zipfile(BytesIO(raw)):
            with zipfile.ZipFile(BytesIO(raw)) as archive:
                for part in archive.namelist():
                    yield f"{name}/{part}", archive.read(part).decode("utf-8", errors="replace")
        for text in unpack(path).texts:
            yield f"{name}:{text.part}", text.text


def found_in(folder: Path, inputs: set[str], *, machine: bool = True) -> list[str]:
    """Return what was found of people, or of the machine, in what a run left.

    The temporary folder of a machine holds its paths by nature: `machine` is False there.
    """
    out = []
    for name, text in texts_left(folder, inputs):
        for pattern in (PLANTED, MACHINE) if machine else (PLANTED,):
            hit = pattern.search(text)
            if hit is not None:
                out.append(f"{name}: {text[max(0, hit.start() - 40) : hit.end() + 20]!r}")
    return out
