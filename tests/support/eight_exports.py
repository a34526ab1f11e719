"""One questionnaire at two dates as eight tools export it, beside the clean truth.

Thirty people answer ten questions of self-esteem at entry and at exit; some leave a question, some
do not come back. Each writer types the same replies as its tool does, with a `study.toml`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd

from impact_eval.pipeline.questionnaires import write_questionnaire
from impact_eval.report.texts import Texts
from impact_eval.survey import instrument

ITEMS = ("worth", "qualities", "failure", "able", "proud", "attitude", "satisfied", "respect",
         "useless", "no_good")  # fmt: skip
ASKED = ("une personne de valeur", "des qualités", "en échec", "aussi capable que les autres",
         "peu de raisons d'être fier", "une attitude positive", "satisfait de moi",
         "plus de respect", "parfois inutile", "bon à rien")  # fmt: skip
LABELS = {1: "Tout à fait en désaccord", 2: "Plutôt en désaccord", 3: "Plutôt en accord",
          4: "Tout à fait en accord"}  # fmt: skip
STEM = "Dans quelle mesure êtes-vous d'accord ?"
TURNED = (3, 5, 8, 9, 10)  # Vallières & Vallerand 1990
WAVES = ("T0", "T1")


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: codes 1 to 4 of the scale, None where the question was left."""

    code: str
    wave: str
    day: str
    answers: tuple[int | None, ...]

    @property
    def score(self) -> float | None:
        """The sum, five items turned; a person's mean for what is left, at least five answers."""
        keyed = [
            5 - a if n in TURNED else a
            for n, a in enumerate(self.answers, start=1)
            if a is not None
        ]
        return 10 * sum(keyed) / len(keyed) if len(keyed) >= 5 else None


def truth(people: int = 30, seed: int = 4) -> tuple[Reply, ...]:
    """Draw the replies; every answer is given to every question by somebody."""
    rng = np.random.default_rng(seed)
    replies = []
    for k in range(people):
        level = rng.normal() * 0.6
        for later, wave in enumerate(WAVES):
            if later and k % 11 == 6:
                continue
            keyed = np.clip(np.round(2.5 + level + 0.4 * later + rng.normal(size=10)), 1, 4)
            drawn: list[int | None] = [
                int(5 - x if n in TURNED else x) for n, x in enumerate(keyed, start=1)
            ]
            if k % 9 == 2:
                drawn[(k + later) % 10] = None
            replies.append(
                Reply(code=f"{'ABCDEF'[k % 6]}{'MNPRT'[k // 6]}{20 + k}", wave=wave,
                      day=f"202{4 + later}-03-{1 + k % 27:02d}", answers=tuple(drawn))
            )  # fmt: skip
    return tuple(replies)


def study(columns: Sequence[str], unit: str, data: str, wave: str = "wave",
          waves: Sequence[str] = WAVES) -> str:  # fmt: skip
    """Return the study of the scale at two dates; `data` says how its table is read."""
    part = data.replace("[data.", "[instruments.data.")
    roles = f'unit = "{unit}"\ntime = "{wave}"\n'
    items = "\n".join(f'{item} = "{name}"' for item, name in zip(ITEMS, columns, strict=True))
    return f"""schema = "impact-eval/study/1"
[study]
id = "estime"
title = "Estime de soi"
territory = "01"
pillar = "droits"
action = "Ateliers"
period = ["2024-01", "2025-12"]
[method]
name = "before_after"
[data]
{data.replace("<roles>", "[data.roles]" + chr(10) + roles)}
[[outcomes]]
id = "estime"
label = "Estime de soi"
instrument = "rses"
unit = "score"
primary = true
method = {{ name = "before_after" }}
[[instruments]]
id = "rses"
scale = "rses-fr"
wave = "{wave}"
waves = ["{waves[0]}", "{waves[1]}"]
[instruments.data]
{part.replace("<roles>", "[instruments.data.roles]" + chr(10) + roles)}
[instruments.items]
{items}
"""


def two_files(ending: str, more: str = "") -> str:
    """Return how a table of one file per date is declared."""
    return f"""file = "entree.{ending}"
{more}<roles>[data.waves]
names = ["T0", "T1"]
files = ["entree.{ending}", "sortie.{ending}"]
"""


def one_file(name: str, more: str = "") -> str:
    """Return how a table of both dates is declared."""
    return f'file = "{name}"\n{more}<roles>'


Typed = Callable[[int | None], str]


def words(labels: Mapping[int, str], left: str = "") -> Typed:
    """Return how an answer is typed by its label."""
    return lambda answer: left if answer is None else labels[answer]


def write_rows(
    path: Path,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    comma: str = ";",
    encoding: str = "utf-8-sig",
    quoted: bool = True,
) -> None:
    """Write a table of texts as a tool does."""
    style = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    with path.open("w", encoding=encoding, newline="") as file:
        out = csv.writer(file, delimiter=comma, quoting=style)
        out.writerow(head)
        out.writerows(rows)


# -- LimeSurvey ---------------------------------------------------------------------------------


def limesurvey(folder: Path, replies: Sequence[Reply], typed: Typed, *, full: bool,
               form: bool) -> None:  # fmt: skip
    """Write both exports: answer codes (A1 says the most) or full answers."""
    parts = [f"{STEM} [{text}]" if full else f"G01Q02[SQ{n:03}]" for n, text in enumerate(ASKED, 1)]
    head = ["ID de la réponse", "Date de soumission", "Dernière page", "Langue de départ",
            "Tête de série", "Votre code personnel"] if full else [
            "id", "submitdate", "lastpage", "startlanguage", "seed", "G01Q01"]  # fmt: skip
    for name, wave in zip(("entree", "sortie"), WAVES, strict=True):
        rows = [
            [str(7 + 3 * k), f"{r.day} 10:12:33", "2", "fr", str(9000 + k), r.code,
             *map(typed, r.answers)]
            for k, r in enumerate(r for r in replies if r.wave == wave)
        ]  # fmt: skip
        write_rows(folder / f"{name}.csv", [*head, *parts], rows)
    more = 'codes = "q.lss"\n' if form else ""
    if form:
        limesurvey_form(folder / "q.lss")
    (folder / "study.toml").write_text(study(parts, head[-1], two_files("csv", more)), "utf-8")


def limesurvey_form(path: Path) -> None:
    """Write the form, whose answers run from the most to the least."""

    def row(**cells: object) -> str:
        return "<row>" + "".join(f"<{k}><![CDATA[{v}]]></{k}>" for k, v in cells.items()) + "</row>"

    parts = "".join(
        row(qid=10 + n, parent_qid=2, type="T", title=f"SQ{n:03}", question=text, language="fr")
        for n, text in enumerate(ASKED, start=1)
    )
    answers = "".join(
        row(qid=2, code=f"A{5 - code}", answer=label, language="fr")
        for code, label in sorted(LABELS.items(), reverse=True)
    )
    first = row(qid=1, parent_qid=0, type="S", title="G01Q01", question="Votre code personnel")
    array = row(qid=2, parent_qid=0, type="F", title="G01Q02", question=STEM, language="fr")
    path.write_text(
        "<document><LimeSurveyDocType>Survey</LimeSurveyDocType>"
        f"<questions><rows>{first}{array}</rows></questions>"
        f"<subquestions><rows>{parts}</rows></subquestions>"
        f"<answers><rows>{answers}</rows></answers></document>",
        encoding="utf-8",
    )


def own_form(folder: Path, replies: Sequence[Reply], ending: str,
             heading: Callable[[str], str] = str) -> None:  # fmt: skip
    """Write the export of the questionnaire that the command wrote, by its answer codes."""
    made = write_questionnaire(instrument("rses-fr"), folder / f"q{ending}", Texts("fr"))
    names = [made.columns[item] for item in ITEMS]
    head = ["id", "CODE", "moment", *map(heading, names)]
    rows = [
        [str(k), r.code, r.wave, *("" if a is None else str(a) for a in r.answers)]
        for k, r in enumerate(replies, start=1)
    ]
    write_rows(folder / "t.csv", head, rows)
    data = one_file("t.csv", f'codes = "q{ending}"\n')
    (folder / "study.toml").write_text(study(names, "CODE", data, "moment"), encoding="utf-8")


# -- Kobo ---------------------------------------------------------------------------------------

KOBO = {4: "tout_a_fait", 3: "plutot", 2: "plutot_pas", 1: "pas_du_tout"}


def kobo(folder: Path, replies: Sequence[Reply], typed: Typed, *, group: str = "estime/") -> None:
    """Write the export by XML names with its XLSForm."""
    book = openpyxl.Workbook()
    survey = book.active
    survey.title = "survey"
    survey.append(["type", "name", "label::Français (fr)"])
    survey.append(["text", "code", "Votre code"])
    survey.append(["select_one moment", "moment", "Moment"])
    survey.append(["begin_group", "estime", STEM])
    for n, text in enumerate(ASKED, start=1):
        survey.append(["select_one accord", f"q{n}", text])
    survey.append(["end_group", None, None])
    choices = book.create_sheet("choices")
    choices.append(["list_name", "name", "label::Français (fr)"])
    for code, name in KOBO.items():
        choices.append(["accord", name, LABELS[code]])
    for wave, label in zip(WAVES, ("Entrée", "Sortie"), strict=True):
        choices.append(["moment", wave, label])
    book.save(folder / "form.xlsx")
    head = ["start", "end", "code", "moment", *(f"{group}q{n}" for n in range(1, 11)), "_id",
            "_uuid", "_submission_time", "__version__", "_index"]  # fmt: skip
    rows = [
        [f"{r.day}T15:33:26.000+02:00", f"{r.day}T15:39:26.000+02:00", r.code, r.wave,
         *map(typed, r.answers), str(100_000 + k), f"00000000-0000-4000-8000-{k:012}",
         f"{r.day}T15:40:01", "vAbC1", str(k)]
        for k, r in enumerate(replies, start=1)
    ]  # fmt: skip
    write_rows(folder / "kobo.csv", head, rows)
    names = [f"{group}q{n}" for n in range(1, 11)]
    data = one_file("kobo.csv", 'codes = "form.xlsx"\n')
    (folder / "study.toml").write_text(study(names, "code", data, "moment"), "utf-8")


# -- Google Forms -------------------------------------------------------------------------------


def google_forms(folder: Path, replies: Sequence[Reply], typed: Typed) -> None:
    """Write both sheets of answers: the texts of the questions, and labels."""
    head = ["Horodateur", "Votre code personnel ", *(f"{STEM} [{text}]" for text in ASKED)]
    for name, wave in zip(("entree", "sortie"), WAVES, strict=True):
        rows = [
            ["/".join(reversed(r.day.split("-"))) + " 15:33:26", r.code, *map(typed, r.answers)]
            for r in replies
            if r.wave == wave
        ]
        write_rows(folder / f"{name}.csv", head, rows, comma=",", encoding="utf-8", quoted=False)
    text = study(head[2:], head[1].strip(), two_files("csv"))
    (folder / "study.toml").write_text(text, encoding="utf-8")


# -- Le Sphinx ----------------------------------------------------------------------------------


def sphinx(folder: Path, replies: Sequence[Reply], typed: Typed) -> None:
    """Write the table of answers: semicolons, the encoding of Windows, French labels."""
    head = ["CLE", "DATE_SAISIE", "Code", "Vague", *(f"Q{n}. {t}" for n, t in enumerate(ASKED, 1))]
    rows = [
        [str(k), "/".join(reversed(r.day.split("-"))), r.code,
         {"T0": "Entrée", "T1": "Sortie"}[r.wave], *map(typed, r.answers)]
        for k, r in enumerate(replies, start=1)
    ]  # fmt: skip
    write_rows(folder / "sphinx.csv", head, rows, encoding="cp1252", quoted=False)
    text = study(head[4:], "Code", one_file("sphinx.csv"), "Vague", ("Entrée", "Sortie"))
    (folder / "study.toml").write_text(text, encoding="utf-8")


# -- REDCap -------------------------------------------------------------------------------------


def redcap(folder: Path, replies: Sequence[Reply], typed: Typed, *, labels: bool = False,
           choices: str = "", dictionary: bool = False) -> None:  # fmt: skip
    """Write an export of a project followed over events, raw or by labels; its dictionary too."""
    names = [f"rses_{n}" for n in range(1, 11)]
    asked = list(ASKED) if labels else names
    head = ["Record ID", "Event Name", *asked, "Complete?"] if labels else [
        "record_id", "redcap_event_name", *asked, "estime_complete"]  # fmt: skip
    events = ("Entrée", "Sortie") if labels else ("entree_arm_1", "sortie_arm_1")
    done = "Complete" if labels else "2"
    said = dict(zip(WAVES, events, strict=True))
    rows = [[r.code, said[r.wave], *map(typed, r.answers), done] for r in replies]
    write_rows(folder / "redcap.csv", head, rows, comma=",", encoding="utf-8", quoted=False)
    more = ""
    if dictionary:
        more = 'codes = "dictionnaire.csv"\n'
        redcap_dictionary(folder / "dictionnaire.csv", names, choices)
    text = study(asked, head[0], one_file("redcap.csv", more), head[1], events)
    (folder / "study.toml").write_text(text, encoding="utf-8")


DICTIONARY = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note",
    "Text Validation Type OR Show Slider Number", "Text Validation Min", "Text Validation Max",
    "Identifier?", "Branching Logic (Show field only if...)", "Required Field?",
    "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?",
    "Field Annotation",
)  # fmt: skip


def redcap_dictionary(path: Path, names: Sequence[str], choices: str) -> None:
    """Write the dictionary of the project, as the tool exports it."""

    def row(name: str, kind: str, label: str, said: str = "", check: str = "") -> list[str]:
        return [name, "estime", "", kind, label, said, "", check, *[""] * 10]

    rows = [row("record_id", "text", "Code personnel")]
    rows += [row(n, "radio", t, choices) for n, t in zip(names, ASKED, strict=True)]
    write_rows(path, DICTIONARY, rows, comma=",", encoding="utf-8", quoted=False)


# -- SPSS ---------------------------------------------------------------------------------------


def spss(folder: Path, replies: Sequence[Reply], codes: Mapping[int, float],
         more: Mapping[float, str] | None = None, left: float = np.nan) -> None:  # fmt: skip
    """Write a file whose value labels say what each code means."""
    import pyreadstat

    names = [f"q{n}" for n in range(1, 11)]
    frame = pd.DataFrame(
        [[r.code, r.wave, *(left if a is None else codes[a] for a in r.answers)] for r in replies],
        columns=["code", "vague", *names],
    )
    said = {codes[code]: label for code, label in LABELS.items()} | dict(more or {})
    pyreadstat.write_sav(
        frame, str(folder / "t.sav"), column_labels=dict(zip(names, ASKED, strict=True)),
        variable_value_labels=dict.fromkeys(names, said),
    )  # fmt: skip
    (folder / "study.toml").write_text(study(names, "code", one_file("t.sav"), "vague"), "utf-8")


# -- a workbook kept by hand --------------------------------------------------------------------


def by_hand(folder: Path, replies: Sequence[Reply], typed: Callable[[int, int | None], object],
            code: Callable[[Reply], str], more: str = "") -> None:  # fmt: skip
    """Write a workbook with titles over its table; each cell is typed in its own way."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Suivi des ateliers — estime de soi"])
    sheet.append(["Mis à jour par l'accueil, mars 2025"])
    sheet.append([])
    head = ["Code", "Moment", *(f"{n}. {text}" for n, text in enumerate(ASKED, start=1))]
    sheet.append(head)
    for k, r in enumerate(replies):
        cells = [typed(k + n, answer) for n, answer in enumerate(r.answers)]
        sheet.append([code(r), {"T0": "Entrée", "T1": "Sortie"}[r.wave], *cells])
    book.save(folder / "suivi.xlsx")
    text = study(head[2:], "Code", one_file("suivi.xlsx", more), "Moment", ("Entrée", "Sortie"))
    (folder / "study.toml").write_text(text, encoding="utf-8")
