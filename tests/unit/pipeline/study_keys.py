"""Every key of the study file, and a pair of studies that differ in it alone.

A key that no pair exercises is inert until proved otherwise: `test_nothing_inert` refuses it.
"""

from __future__ import annotations

import copy
import functools
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import tomli_w
from pydantic import BaseModel

from impact_eval.pipeline.study_models import AuthorText, Part, StudyFile


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = _Absent()
PAGES, RESULTS, FILES = "pages", "results", "files"


@dataclass(frozen=True)
class Pair:
    """Two studies that differ in one key, and what must differ for it.

    Attributes
    ----------
    base : str
        One of `BASES`.
    one, other : value or ABSENT
        Of the key.
    must : str
        `pages` (a reader sees it), `results`, `files`, or the code of the refusal of `other`.
    at : str or None
        Where the key stands when not at the first of its list.
    also : mapping
        Other keys, the same in both studies.
    """

    base: str
    one: Any
    other: Any
    must: str = PAGES
    at: str | None = None
    also: Mapping[str, Any] = field(default_factory=dict)


# -- the keys of the models ------------------------------------------------------------------


def keys(model: type[BaseModel] = StudyFile, path: str = "") -> Iterator[str]:
    """Yield the path of every key that a study file may hold: `outcomes[].method.name`."""
    for name, info in model.model_fields.items():
        key = f"{path}{info.alias or name}"
        inner = [part for part in _parts(info.annotation) if part is not AuthorText]
        if not inner:
            yield key
            continue
        several = typing.get_origin(info.annotation) is tuple
        yield from keys(inner[0], f"{key}[]." if several else f"{key}.")


def _parts(annotation: Any) -> list[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return [annotation]
    return [part for inner in typing.get_args(annotation) for part in _parts(inner)]


# -- the tables ------------------------------------------------------------------------------


def _csv(head: str, rows: list[list[Any]]) -> str:
    return "\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n"


def _code(i: int) -> str:
    """Return a code whose texts 7 and 7.0 are two places, and one number."""
    return f"{i % 8}" + ".0" * (i % 3 == 0)


def _district(i: int) -> str:
    """Two districts, one of them written in two ways."""
    return ("Nord", "nord", "Sud")[i % 3]


@functools.cache
def people() -> str:
    """240 people: half accompanied, in 24 places and three blocks; work, income."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(240):
        helped, place = i % 2, i % 24
        other, block = int(rng.random() < 0.5), i % 5 // 2
        work = int(rng.random() < 0.1 + 0.35 * helped + 0.25 * block)
        again = int(rng.random() < 0.5)
        income = round(float(rng.gamma(9, 120)) + 250 * helped, 2)
        rows.append(
            [f"P{i}", helped, other, int(rng.integers(18, 65)), place, block,
             round(float(rng.uniform(0.1, 5)), 2), _code(i), work, again, income, _district(i)]
        )  # fmt: skip
    return _csv("id,aide,autre,age,lieu,bloc,poids,code,emploi,retour,revenu,quartier", rows)


@functools.cache
def panel() -> str:
    """60 places over five years, entering in 2021, in 2022 or never; another order of both."""
    rng = np.random.default_rng(4)
    rows = []
    for unit in range(60):
        entry = (0, 2021, 2022)[unit % 3]
        late = (2022, 2021, 0)[unit % 3]
        level = rng.normal()
        for year in range(2018, 2024):
            on = bool(entry) and year >= entry
            y = round(float(level + 0.1 * (year - 2018) + 0.8 * on + 0.5 * rng.normal()), 4)
            slow = (year - 2018) * 2 + 2018
            rows.append([f"L{unit}", unit // 3, year, slow, entry or "", late or "", y])
    return _csv("lieu,double,an,temps,entree,autre_entree,y", rows)


ITEMS = ("worth", "qualities", "failure", "able", "proud", "attitude", "satisfied", "respect",
         "useless", "no_good")  # fmt: skip
QUESTIONS = [f"q{k}" for k in range(1, 11)]


def _ticked(rng: np.random.Generator, level: float) -> list[int]:
    keyed = np.clip(np.round(2.5 + level + rng.normal(size=10) * 0.7), 1, 4)
    keyed[[2, 4, 7, 8, 9]] = 5 - keyed[[2, 4, 7, 8, 9]]
    return [int(k) for k in keyed]


@functools.cache
def answers() -> str:
    """The ten questions of a scale answered at three dates by 80 people, half accompanied."""
    rng = np.random.default_rng(5)
    rows = []
    for i in range(80):
        level, helped, place = rng.normal() * 0.6, i % 2, i % 16
        for wave, step in (("T0", 0.0), ("T1", 0.5), ("T2", 0.9)):
            other = int(rng.random() < 0.5)
            ticked = _ticked(rng, level + step * (0.3 + helped) + 0.6 * (i % 5 // 2))
            entry = 1 if helped else ""
            weight = round(float(rng.uniform(0.1, 5)), 2)
            rank = ("T0", "T1", "T2").index(wave)
            rows.append([f"P{i}", wave, rank, 2 - rank, other, helped, entry, 20 + i % 40, place,
                         i % 5 // 2, weight, _code(i), _district(i), *ticked])  # fmt: skip
    columns = "id,vague,rang,rebours,autre,aide,entree,age,lieu,bloc,poids,code,quartier,"
    head = columns + ",".join(QUESTIONS)
    return _csv(head, rows)


def _of_wave(wave: str) -> str:
    head, *rows = answers().splitlines()
    return "\n".join([head, *(row for row in rows if f",{wave}," in row)]) + "\n"


@functools.cache
def side_by_side() -> str:
    """The same questions, the three dates side by side, and a number of days of work."""
    rng = np.random.default_rng(6)
    rows = []
    for i in range(80):
        level = rng.normal() * 0.6
        ticked = [k for step in (0.0, 0.5, 0.9) for k in _ticked(rng, level + step)]
        days = [round(float(10 + 3 * step + rng.normal()), 2) for step in range(3)]
        rows.append([f"P{i}", *days, *ticked])
    names = [f"{name}_{k}" for k in range(3) for name in QUESTIONS]
    return _csv("id,j_0,j_1,j_2," + ",".join(names), rows)


def _workbook(path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for number, title in enumerate(("un", "deux")):
        sheet = book.active if number == 0 else book.create_sheet()
        assert sheet is not None
        sheet.title = title
        lines = people().splitlines()
        for line in lines if number == 0 else lines[:201]:
            sheet.append([float(c) if re.fullmatch(r"-?\d+\.\d+|[1-9]\d*|0", c) else c
                          for c in line.split(",")])  # fmt: skip
    book.save(path)


OTHER_WAY = """schema = "impact-eval/codebook/1"
[columns.emploi]
optional = true
labels = { 1 = "oui", 2 = "non" }
[columns.q1]
optional = true
[columns.q1.labels]
1 = "Tout à fait en accord"
2 = "Plutôt en accord"
3 = "Plutôt en désaccord"
4 = "Tout à fait en désaccord"
"""
OWN_SCALE = """schema = "impact-eval/instrument/1"
id = "mine"
version = "1"
language = "fr"
construct = "satisfaction"
direction = "higher_is_better"
low = 1
high = 4
citation = "Invented for the tests."
items = [{ id = "q1" }, { id = "q2" }, { id = "q4" }]
[scoring]
rule = "mean"
low = 1
high = 4
[[subscales]]
id = "first"
items = ["q1", "q2"]
scoring = { rule = "sum" }
[rights]
wording = "A"
terms = "None"
holder = "Nobody"
mark = "read"
"""
MAP = """schema = "impact-eval/value-map/1"
[map]
title = "Carte"
currency = "EUR"
price_year = 2025
discount_rate = "3.2 %"
follow_up = 1
[[inputs]]
id = "departement"
stakeholder = "Département"
payer = "departement"
amount = {amount}
currency = "EUR"
price_year = 2025
[[lines]]
id = "emploi"
stakeholder = "Personnes"
outcome = "Emploi"
indicator = "En emploi"
indicator_source = "Étude"
estimate = "emploi"
unit = "share"
proxy = 9000
proxy_unit = "par an"
proxy_source = "Hypothèse"
currency = "EUR"
price_year = 2025
kind = "avoided_cost"
payer = "departement"
receiver = "departement"
duration = 1
"""


def write_files(folder: Path) -> None:
    """Write every table and file that a base may name."""
    texts = {
        "people.csv": people(),
        "fewer.csv": "\n".join(people().splitlines()[:201]) + "\n",
        "panel.csv": panel(),
        "answers.csv": answers(),
        "fewer_answers.csv": "\n".join(answers().splitlines()[:211]) + "\n",
        "last.csv": _of_wave("T1"),
        "fewer_last.csv": "\n".join(_of_wave("T1").splitlines()[:71]) + "\n",
        "wide.csv": side_by_side(),
        "draw.txt": "Tirage du 2 janvier, graine 7.\n",
        "map.toml": MAP.format(amount=20000),
        "dear.toml": MAP.format(amount=90000),
        "mine.toml": OWN_SCALE,
        "nothing.codes.toml": 'schema = "impact-eval/codebook/1"\n',
        "other.codes.toml": OTHER_WAY,
        "yours.toml": OWN_SCALE.replace('{ id = "q4" }', '{ id = "q6" }'),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    _workbook(folder / "book.xlsx")


# -- the studies -----------------------------------------------------------------------------

HEAD: dict[str, Any] = {
    "id": "essai", "title": "Essai", "territory": "01", "pillar": "emploi",
    "action": "Accompagnement", "period": ["2024-01", "2024-12"],
}  # fmt: skip
SHARE = {"id": "emploi", "label": "Emploi", "column": "emploi", "unit": "share", "primary": True}
EURO = {"id": "revenu", "label": "Revenu", "column": "revenu", "unit": "eur"}
SCORE = {"id": "estime", "label": "Estime de soi", "instrument": "estime", "unit": "score",
         "primary": True}  # fmt: skip
PRE_POST = {"name": "before_after"}
QUESTIONNAIRE: dict[str, Any] = {
    "id": "estime", "scale": "rses-fr", "wave": "vague", "waves": ["T0", "T1"],
    "data": {"file": "answers.csv", "roles": {"unit": "id", "time": "rang"}},
    "items": dict(zip(ITEMS, QUESTIONS, strict=True)),
}  # fmt: skip


def _study(**parts: Any) -> dict[str, Any]:
    return {"schema": "impact-eval/study/1", "study": HEAD, **parts}


BASES: dict[str, dict[str, Any]] = {
    "people": _study(
        data={"file": "people.csv", "roles": {"unit": "id", "treatment": "aide"}},
        method={"name": "difference_in_means"},
        outcomes=[SHARE, EURO],
        report={"languages": ["fr"]},
    ),
    "panel": _study(
        data={
            "file": "panel.csv",
            "rows_are": "territories",
            "roles": {"unit": "lieu", "time": "an", "cohort": "entree"},
        },
        method={"name": "callaway_santanna"},
        outcomes=[{**SHARE, "column": "y", "unit": "number"}],
    ),
    "scale": _study(
        data={"file": "answers.csv", "roles": {"unit": "id", "time": "rang"}},
        outcomes=[{**SCORE, "method": PRE_POST}],
        instruments=[QUESTIONNAIRE],
    ),
    "wide": _study(
        data={
            "file": "wide.csv",
            "roles": {"unit": "id", "time": "wave"},
            "waves": {"names": ["T0", "T1"], "columns": {"jours": ["j_0", "j_1"]}},
        },
        method=PRE_POST,
        outcomes=[{**SHARE, "column": "jours", "unit": "days"}, {**SCORE, "primary": False}],
        instruments=[
            {
                **QUESTIONNAIRE,
                "wave": "wave",
                "data": {
                    "file": "wide.csv",
                    "roles": {"unit": "id", "time": "wave"},
                    "waves": {
                        "names": ["T0", "T1"],
                        "columns": {q: [f"{q}_0", f"{q}_1"] for q in QUESTIONS},
                    },
                },
            }
        ],
    ),
}
GROUPS = {"outcomes[].method": {"name": "difference_in_means"}, "instruments[].wave": ABSENT,
          "instruments[].waves": ABSENT, "instruments[].data.file": "last.csv",
          "instruments[].data.roles": {"unit": "id", "treatment": "aide"}}  # fmt: skip


def _steps(path: str) -> list[str | int]:
    found: list[str | int] = []
    for part in path.split("."):
        name, _, number = part.partition("[")
        found.append(name)
        if number:
            found.append(int(number.rstrip("]") or 0))
    return found


def with_key(study: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a study with one key set, or taken away when the value is ABSENT."""
    study = copy.deepcopy(study)
    part: Any = study
    *steps, last = _steps(path)
    for step, following in zip(steps, [*steps, last][1:], strict=True):
        if isinstance(step, str) and step not in part:
            part[step] = [{}] if isinstance(following, int) else {}
        part = part[step]
    if value is ABSENT:
        part.pop(last, None)
    else:
        part[last] = value
    return study


def text_of(pair: Pair, key: str, value: Any) -> str:
    """Return the text of one of the studies of a pair."""
    study = BASES[pair.base]
    for path, other in pair.also.items():
        study = with_key(study, path, other)
    return tomli_w.dumps(with_key(study, pair.at or key, value))


# -- the pairs -------------------------------------------------------------------------------

BOTH = {"fr": "Un titre", "en": "A title"}
UNDER = "instruments[].data.roles"
METHOD = "outcomes[].method"
LICENSED = {f"wemwbs{k}": f"q{n}" for n, k in enumerate((1, 2, 3, 6, 7, 9, 11), start=1)}
RETEST = {"instruments[].retest": {"reliability": 0.8, "sd": 5.0, "source": "Enquête"}}
MATTERS = {"instruments[].smallest_change": {"value": 2.0, "source": "Réunion"}}
SELECTED = {"instruments[].selection": {"mean": 30.0, "correlation": 0.8, "source": "Enquête"}}
PAIRS: dict[str, Pair] = {
    "schema": Pair("people", "impact-eval/study/1", "impact-eval/study/9", "wrong_choice"),
    "study.id": Pair("people", "essai", "autre", RESULTS),
    "study.title": Pair("people", "Essai", BOTH),
    "study.territory": Pair("people", "01", "2A"),
    "study.territory_name": Pair("people", ABSENT, "Ain"),
    "study.contract": Pair("people", ABSENT, "Contrat local"),
    "study.pillar": Pair("people", "emploi", "enfance"),
    "study.action": Pair("people", "Accompagnement", "Prêt de véhicules"),
    "study.period": Pair("people", ["2024-01", "2024-12"], ["2023-01", "2024-12"]),
    "study.operator": Pair("people", ABSENT, "Association"),
    "study.emblematic": Pair("people", False, True),
    "study.public": Pair("people", ABSENT, "Jeunes de moins de 26 ans"),
    "study.seed": Pair("people", 1, 2),
    "protocol.question": Pair("people", ABSENT, "L’emploi progresse-t-il ?"),
    "protocol.comparison": Pair("people", ABSENT, "Ceux qui attendent"),
    "protocol.frozen_on": Pair("people", ABSENT, "2023-12-01"),
    "protocol.randomised": Pair("people", False, True),
    "protocol.draw_record": Pair(
        "people", ABSENT, "draw.txt", also={"protocol.randomised": True}
    ),
    "protocol.smallest_effect": Pair("people", ABSENT, 0.05),
    "protocol.correction": Pair(
        "people", ABSENT, "bonferroni",
        also={"outcomes[0].family": "emploi", "outcomes[1].family": "emploi"},
    ),
    "protocol.notes": Pair("people", ABSENT, "Pas de sous-groupe."),
    "logic.inputs": Pair("people", ABSENT, ["Deux conseillers"]),
    "logic.activities": Pair("people", ABSENT, ["Entretiens"]),
    "logic.outputs": Pair("people", ABSENT, ["Personnes reçues"]),
    "logic.outcomes": Pair("people", ABSENT, ["Plus d’emploi"]),
    "logic.impacts": Pair("people", ABSENT, ["Moins de pauvreté"]),
    "data.file": Pair("people", "people.csv", "fewer.csv"),
    "data.sheet": Pair("people", "un", "deux", also={"data.file": "book.xlsx"}),
    "data.roles.unit": Pair("panel", "lieu", "double", "duplicated_rows"),
    "data.roles.time": Pair("panel", "an", "temps"),
    "data.roles.cohort": Pair("panel", "entree", "autre_entree"),
    "data.roles.treatment": Pair("people", "aide", "autre"),
    "data.roles.covariates": Pair("people", ABSENT, ["age"]),
    "data.roles.cluster": Pair("people", ABSENT, "lieu"),
    "data.roles.strata": Pair("people", ABSENT, "bloc"),
    "data.roles.weights": Pair("people", ABSENT, "poids"),
    "data.waves.names": Pair("wide", ["T0", "T1"], ["T0", "T1", "T2"], "waves_mismatch"),
    "data.waves.columns": Pair("wide", {"jours": ["j_0", "j_1"]}, {"jours": ["j_0", "j_2"]}),
    "data.waves.sheets": Pair("wide", ABSENT, ["un"], "waves_tables_mismatch"),
    "data.waves.files": Pair("wide", ABSENT, ["wide.csv"], "waves_tables_mismatch"),
    "data.treated_from": Pair("panel", ABSENT, 2021, "treated_from_alone"),
    "data.codes": Pair("people", "nothing.codes.toml", "other.codes.toml", "unknown_label"),
    "data.text_columns": Pair(
        "people", ABSENT, ["code"], also={"data.roles.cluster": "code"}
    ),
    "data.labels_alike": Pair(
        "people", "same", ABSENT, "labels_alike", also={"data.roles.covariates": ["quartier"]}
    ),
    "data.rows_are": Pair("people", "people", "territories"),
    "outcomes[].id": Pair("people", "emploi", "travail", RESULTS),
    "outcomes[].label": Pair("people", "Emploi", "Travail"),
    "outcomes[].column": Pair("people", "emploi", "retour"),
    "outcomes[].instrument": Pair("scale", "estime", "confiance", "unknown_instrument_id"),
    "outcomes[].unit": Pair("people", "share", "number"),
    "outcomes[].direction": Pair("people", "higher_is_better", "lower_is_better"),
    "outcomes[].primary": Pair("people", True, False, "one_primary"),
    "outcomes[].smallest_effect": Pair("people", ABSENT, 0.05),
    "outcomes[].family": Pair("people", "emploi", "autre", "family_alone",
                              also={"outcomes[1].family": "emploi"}),
    "outcomes[].method.name": Pair("panel", "callaway_santanna", "imputation"),
    "outcomes[].method.options": Pair(
        "panel", {}, {"base_period": "universal"}, also={f"{METHOD}.name": "callaway_santanna"}
    ),
    "outcomes[].method.covariance.name": Pair(
        "people", "robust", "clustered",
        also={f"{METHOD}.name": "difference_in_means", "data.roles.cluster": "lieu"},
    ),
    "outcomes[].method.covariance.options": Pair(
        "people", {"correction": "CR0"}, {"correction": "CR3"},
        also={f"{METHOD}.name": "difference_in_means", f"{METHOD}.covariance.name": "clustered",
              "data.roles.cluster": "lieu"},
    ),
    "method.name": Pair("panel", "callaway_santanna", "imputation"),
    "method.options": Pair("panel", {}, {"base_period": "universal"}),
    "method.covariance.name": Pair(
        "people", "robust", "clustered", also={"data.roles.cluster": "lieu"}
    ),
    "method.covariance.options": Pair(
        "people", {"correction": "CR0"}, {"correction": "CR3"},
        also={"method.covariance.name": "clustered", "data.roles.cluster": "lieu"},
    ),
    "data.link.support": Pair("scale", ABSENT, ["nulle"], "missing_column"),
    "outcomes[].part": Pair(
        "scale", ABSENT, "first",
        also={"instruments[].scale": "mine", "instruments[].items": ABSENT,
              "instruments[].definition": "mine.toml"},
    ),
    "instruments[].data.link.support": Pair("scale", ABSENT, ["nulle"], "missing_column"),
    "instruments[].wording": Pair("scale", {}, {"worth": "Je vaux quelque chose"}, RESULTS),
    "instruments[].retrospective": Pair(
        "scale", {}, dict(zip(ITEMS, [*QUESTIONS[1:], QUESTIONS[0]], strict=True))
    ),
    "instruments[].second_rating": Pair(
        "scale", {}, dict(zip(ITEMS, [*QUESTIONS[1:], QUESTIONS[0]], strict=True))
    ),
    "instruments[].retest.reliability": Pair("scale", 0.8, 0.9, also=RETEST),
    "instruments[].retest.sd": Pair("scale", 5.0, 6.0, also=RETEST),
    "instruments[].retest.source": Pair("scale", "Enquête", "Autre enquête", also=RETEST),
    "instruments[].smallest_change.value": Pair("scale", 0.5, 4.0, also=MATTERS),
    "instruments[].smallest_change.source": Pair("scale", "Réunion", "Étude", also=MATTERS),
    "instruments[].selection.mean": Pair("scale", 28.0, 32.0, also=SELECTED),
    "instruments[].selection.correlation": Pair("scale", 0.5, 0.9, also=SELECTED),
    "instruments[].selection.source": Pair("scale", "Enquête", "Autre", also=SELECTED),
    "instruments[].nonresponse": Pair(
        "scale", [], ["age"], also={"instruments[].data.file": "fewer_answers.csv"}
    ),
    "instruments[].id": Pair("scale", "estime", "confiance", "unknown_instrument_id"),
    "instruments[].scale": Pair("scale", "rses-fr", "rses-en"),
    "instruments[].data.file": Pair("scale", "answers.csv", "fewer_answers.csv"),
    "instruments[].data.sheet": Pair("scale", ABSENT, "un", "sheet_of_no_workbook"),
    f"{UNDER}.unit": Pair("scale", "id", "lieu", "duplicated_rows"),
    f"{UNDER}.time": Pair("scale", "rang", "rebours"),
    f"{UNDER}.cohort": Pair(
        "scale", "entree", ABSENT, "assignment_missing", also={f"{METHOD}.name": "did"}
    ),
    f"{UNDER}.treatment": Pair("scale", "aide", "autre", also=GROUPS),
    f"{UNDER}.covariates": Pair("scale", ABSENT, ["age"], also=GROUPS),
    f"{UNDER}.cluster": Pair("scale", ABSENT, "lieu", also=GROUPS),
    f"{UNDER}.strata": Pair("scale", ABSENT, "bloc", also=GROUPS),
    f"{UNDER}.weights": Pair("scale", ABSENT, "poids", also=GROUPS),
    "instruments[].data.waves.names": Pair(
        "wide", ["T0", "T1"], ["T0", "T1", "T2"], "waves_mismatch"
    ),
    "instruments[].data.waves.columns": Pair(
        "wide",
        {q: [f"{q}_0", f"{q}_1"] for q in QUESTIONS},
        {q: [f"{q}_0", f"{q}_2"] for q in QUESTIONS},
    ),
    "instruments[].data.waves.sheets": Pair("wide", ABSENT, ["un"], "waves_tables_mismatch"),
    "instruments[].data.waves.files": Pair("wide", ABSENT, ["wide.csv"], "waves_tables_mismatch"),
    "instruments[].data.treated_from": Pair(
        "scale", 1, 2,
        also={f"{METHOD}.name": "did", f"{UNDER}.cohort": ABSENT, f"{UNDER}.treatment": "aide"},
    ),
    "instruments[].data.codes": Pair("scale", "nothing.codes.toml", "other.codes.toml", RESULTS),
    "instruments[].data.text_columns": Pair(
        "scale", ABSENT, ["code"], also={**GROUPS, f"{UNDER}.cluster": "code"}
    ),
    "instruments[].data.labels_alike": Pair(
        "scale", "same", ABSENT, "labels_alike",
        also={**GROUPS, f"{UNDER}.strata": "quartier"},
    ),
    "instruments[].data.rows_are": Pair("scale", "people", "territories"),
    "instruments[].items": Pair(
        "scale", dict(zip(ITEMS, QUESTIONS, strict=True)),
        dict(zip(ITEMS, reversed(QUESTIONS), strict=True)),
    ),
    "instruments[].wave": Pair("scale", "vague", ABSENT),
    "instruments[].waves": Pair("scale", ["T0", "T1"], ["T0", "T2"]),
    "instruments[].licence_declared": Pair(
        "scale", True, False, "licence_needed",
        also={"instruments[].scale": "swemwbs", "instruments[].items": LICENSED},
    ),
    "instruments[].definition": Pair(
        "scale", "mine.toml", "yours.toml",
        also={"instruments[].scale": "mine", "instruments[].items": ABSENT},
    ),
    "value.map": Pair("people", "map.toml", "dear.toml", also={"value.people": 500}),
    "value.people": Pair("people", 500, 900, also={"value.map": "map.toml"}),
    "privacy.threshold": Pair("people", 11, 200),
    "privacy.reason": Pair(
        "people", "Données publiques.", "Accord du 3 mai.", also={"privacy.threshold": 1}
    ),
    "privacy.profile": Pair("people", "menages", "entreprises"),
    "privacy.rows_are": Pair("people", "people", "territories"),
    "privacy.internal_edition": Pair("people", False, True, FILES),
    "privacy.keep_until": Pair("people", "2099", "2098-06"),
    "report.languages": Pair("people", ["fr"], ["fr", "en"], FILES),
    "report.formats": Pair("people", ["html"], ["html", "docx"], FILES),
}  # fmt: skip
