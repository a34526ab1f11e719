"""A LimeSurvey questionnaire at two dates as its tool exports it, beside the clean truth.

The form lists the answers from « Tout le temps » down, so its codes run against the scale.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LABELS = ("Jamais", "De temps en temps", "Moins de la moitié du temps",
          "Plus de la moitié du temps", "La plupart du temps", "Tout le temps")  # fmt: skip
ITEMS = ("Je me suis senti(e) bien et de bonne humeur", "Je me suis senti(e) calme et tranquille",
         "Je me suis senti(e) plein(e) d'énergie et vigoureux(se)",
         "Je me suis réveillé(e) en me sentant frais(che) et dispos(e)",
         "Ma vie quotidienne a été remplie de choses intéressantes")  # fmt: skip
STEM = "Au cours des deux dernières semaines :"
HOMES = {"A1": "Locataire du parc social", "A2": "Locataire du privé", "-oth-": "Autre"}


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: answers 0 to 5 of the scale, None where the question was left."""

    id: int
    code: str
    submitted: str | None
    items: tuple[int | None, ...]
    home: str
    other: str
    income: float | None
    work: bool | None


def truth(seed: int = 11, people: int = 52) -> tuple[list[Reply], list[Reply]]:
    """Draw replies at entry and at exit: some left on the way, some did not come back."""
    rng = np.random.default_rng(seed)
    waves: tuple[list[Reply], list[Reply]] = ([], [])
    for k in range(people):
        level = rng.normal()
        for wave, later in zip(waves, (False, True), strict=True):
            if later and k % 9 == 4:
                continue
            drawn = np.clip(np.round(2.3 + level + 0.5 * later + rng.normal(size=5) * 0.6), 0, 5)
            left = k % 13 == 6 and not later  # left the questionnaire before its end
            items: list[int | None] = [int(value) for value in drawn]
            if left:
                items[3:] = [None, None]
            home = ("A1", "A2", "-oth-")[int(rng.integers(0, 3))]
            wave.append(
                Reply(
                    id=10 + 3 * k, code=f"{'ABCDEFGH'[k % 8]}{'LMNOPRST'[k // 8]}{10 + k}",
                    submitted=None if left else f"202{4 + later}-03-{1 + k % 27:02d} 10:12:33",
                    items=tuple(items), home="" if left else home,
                    other="chez un ami ; provisoire" if home == "-oth-" and not left else "",
                    income=None if left else round(float(600 + rng.gamma(4, 120)), 2),
                    work=None if left else bool(rng.random() < 0.3 + 0.2 * later),
                )
            )  # fmt: skip
    return waves


def headings(full: bool) -> list[str]:
    """Return the headings: codes of questions, or their texts."""
    if not full:
        return ["id", "submitdate", "lastpage", "startlanguage", "seed", "G01Q01",
                *(f"G01Q02[SQ00{i}]" for i in range(1, 6)), "G02Q03", "G02Q03[other]", "G02Q04",
                "G02Q05"]  # fmt: skip
    return ["ID de la réponse", "Date de soumission", "Dernière page", "Langue de départ",
            "Tête de série", "Votre code personnel", *(f"{STEM} [{item}]" for item in ITEMS),
            "Vous êtes logé(e)", "Vous êtes logé(e) [Autre]", "Vos ressources du mois",
            "Avez-vous un emploi ?"]  # fmt: skip


def row(reply: Reply, full: bool) -> list[str]:
    """Type one reply as the tool exports it."""
    said = [
        ("" if value is None else LABELS[value] if full else f"A{6 - value}")
        for value in reply.items
    ]
    home = HOMES.get(reply.home, "") if full else reply.home
    work = "" if reply.work is None else (("Non", "Oui") if full else ("N", "Y"))[reply.work]
    money = "" if reply.income is None else f"{reply.income:.10f}"
    if full and reply.submitted is None:
        money, work = "N/A", "N/A"
    return [str(reply.id), reply.submitted or "", "2" if reply.submitted else "1", "fr",
            str(90_000 + reply.id), reply.code, *said, home, reply.other, money, work]  # fmt: skip


def write(path: Path, replies: list[Reply], full: bool, encoding: str = "utf-8-sig") -> None:
    """Write an export, in answer codes or in full answers."""
    with path.open("w", encoding=encoding, newline="") as file:
        out = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL)
        out.writerow(headings(full))
        out.writerows(row(reply, full) for reply in replies)


def write_form(path: Path) -> None:
    """Write the form: its questions, its answers and their labels, as `.lss` has them."""
    questions = [("1", "0", "S", "G01Q01", "Votre code personnel", "N"),
                 ("2", "0", "F", "G01Q02", f"<p>{STEM}</p>", "N"),
                 ("3", "0", "L", "G02Q03", "Vous &ecirc;tes logé(e)", "Y"),
                 ("4", "0", "N", "G02Q04", "Vos ressources du mois", "N"),
                 ("5", "0", "Y", "G02Q05", "Avez-vous un emploi ?", "N")]  # fmt: skip
    parts = [(str(20 + i), "2", "T", f"SQ00{i}", item, "N") for i, item in enumerate(ITEMS, 1)]
    answers = [
        ("2", f"A{6 - value}", str(100 + value), label) for value, label in enumerate(LABELS)
    ]
    answers += [("3", code, f"30{code[1]}", text) for code, text in HOMES.items() if code[0] == "A"]

    def rows(fields: tuple[str, ...], values: list[tuple[str, ...]]) -> str:
        inside = [
            "".join(
                f"<{name}><![CDATA[{value}]]></{name}>"
                for name, value in zip(fields, line, strict=True)
            )
            for line in values
        ]
        return "<rows>" + "".join(f"<row>{line}</row>" for line in inside) + "</rows>"

    fields = ("qid", "parent_qid", "type", "title", "other")
    told = [(q[0], q[4], "fr") for q in questions + parts]
    said = rows(("aid", "answer", "language"), [(a[2], a[3], "fr") for a in answers])
    asked = rows(("qid", "question", "language"), told)
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<document><LimeSurveyDocType>Survey'
        "</LimeSurveyDocType><DBVersion>600</DBVersion><languages><language>fr</language>"
        f"</languages><answers>{rows(('qid', 'code', 'aid'), [a[:3] for a in answers])}</answers>"
        f"<answer_l10ns>{said}"
        f"</answer_l10ns><questions>{rows(fields, [(*q[:4], q[5]) for q in questions])}</questions>"
        f"<subquestions>{rows(fields, [(*q[:4], q[5]) for q in parts])}</subquestions>"
        f"<question_l10ns>{asked}</question_l10ns></document>",
        encoding="utf-8",
    )  # fmt: skip


def study(unit: str, columns: list[str], income: str, work: str, codes: str = "") -> str:
    """Return the study of a scale, an income and a yes or no at two dates, one file each."""
    data = f"""file = "entree.csv"
{codes}[{{0}}roles]
unit = "{unit}"
time = "wave"
[{{0}}waves]
names = ["T0", "T1"]
files = ["entree.csv", "sortie.csv"]
"""
    return (
        f"""schema = "impact-eval/study/1"
[study]
id = "bien-etre"
title = "Bien-être"
territory = "01"
pillar = "droits"
action = "Ateliers"
period = ["2024-01", "2025-12"]
[method]
name = "before_after"
[data]
{data.format("data.")}[[outcomes]]
id = "bien_etre"
label = "Bien-être"
instrument = "who"
unit = "score"
primary = true
[[outcomes]]
id = "ressources"
label = "Ressources"
column = "{income}"
unit = "eur"
[[outcomes]]
id = "emploi"
label = "Emploi"
column = "{work}"
unit = "share"
[[instruments]]
id = "who"
scale = "who-5"
wave = "wave"
waves = ["T0", "T1"]
[instruments.data]
{data.format("instruments.data.")}[instruments.items]
"""
        + "\n".join(f'who{i} = "{name}"' for i, name in enumerate(columns, 1))
        + "\n"
    )
