"""`results/1` brought to the present format: what it held is kept, what it lacked is empty.

A file of the former format held open tables. Each record takes what it declares; what nobody
declares now is left behind, and the value account, whose readings were not in the file, is refused
by name. A file that cannot be brought is refused in words by the door that reads it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.diagnostics.check import CheckResult
from impact_eval.results.checks import CheckRecord, check_of
from impact_eval.results.estimates import CovarianceRecord, EstimateRecord, LevelsRecord
from impact_eval.results.finding_records import NoticedRecord, published_values
from impact_eval.results.record_base import Record, Rule
from impact_eval.results.score_records import ScoreRecord
from impact_eval.results.study_records import DataRecord, DossierRecord, Provenance, StudyRecord
from impact_eval.results.value_names import Value

SCHEMA_1 = "impact-eval/results/1"
SCHEMA_2 = "impact-eval/results/2"
Table: typing.TypeAlias = Mapping[str, object]


def from_schema_1(data: Table, place: Place | None = None) -> dict[str, object]:
    """Return the content of a `results/1` file in the present format, not yet validated.

    Parameters
    ----------
    data : mapping
    place : Place, optional
        Of the file, for a refusal.

    Raises
    ------
    ImpactEvalError
        `results_invalid` when a part is not what that format could hold.
    """
    try:
        return _migrated(data)
    except KeyError as error:
        keys, faults = (str(error.args[0]),), ("wanted.missing",)
    except (TypeError, ValueError, AttributeError):
        keys, faults = (SCHEMA_1,), ("wanted.other",)
    raise ImpactEvalError(
        Finding.error("results_invalid", place, n=len(keys), keys=keys, faults=faults)
    )


def _migrated(data: Table) -> dict[str, object]:
    study = _table(data["study"])
    privacy = _table(study["privacy"])
    counted = str(privacy.get("rows_are", "people"))
    disclosure = _table(data.get("disclosure") or {})
    threshold = disclosure.get("threshold") or privacy.get("threshold") or 1
    return {
        "schema": SCHEMA_2,
        "study": _study(study, privacy),
        "data": _data(_table(data["data"]), counted),
        "estimates": [_estimate(_table(r), counted) for r in _list(data["estimates"])],
        "covariance": shaped(CovarianceRecord, _table(data.get("covariance") or {})),
        "checks": [_check(_table(r)) for r in _list(data.get("checks"))],
        "scores": [_score(_table(r)) for r in _list(data.get("scores"))],
        "value": {"not_applicable": "value_of_older_format"} if data.get("value") else None,
        "dossier": {
            str(name): shaped(DossierRecord, _table(entry))
            for name, entry in _table(data.get("dossier") or {}).items()
        },
        "findings": [_finding(NoticedRecord, _table(f)) for f in _list(data.get("findings"))],
        "disclosure": {
            "released": bool(disclosure),
            "edition": "publication",
            "profile": str(privacy.get("profile", "menages")),
            "threshold": threshold,
            "withheld": disclosure.get("withheld", 0),
            "log": [],
        },
        "provenance": shaped(Provenance, _table(data["provenance"])),
        "earlier": [],
    }


def _table(value: object) -> Table:
    if not isinstance(value, Mapping):
        raise TypeError
    return value


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError
    return value


def _study(study: Table, privacy: Table) -> dict[str, object]:
    out = shaped(StudyRecord, study)
    steps = ("inputs", "activities", "outputs", "outcomes", "impacts")
    logic = _table(study.get("logic") or {})
    out["logic"] = {step: [_said(t) for t in _list(logic.get(step))] for step in steps}
    out["protocol"] = {
        "notes": None, "smallest_effect": None, "draw_record": None, "frozen_on": None,
        "frozen_sha256": None, "intact": None, "readable": None, "changed": [],
    }  # fmt: skip
    out["privacy"] = {
        "threshold": privacy.get("threshold"),
        "profile": privacy.get("profile"),
        "rows_are": privacy.get("rows_are"),
        "reason": None,
        "internal_edition": False,
        "keep_until": None,
    }
    return out


def _said(text: object) -> dict[str, object]:
    if isinstance(text, Mapping):
        return {"fr": text.get("fr"), "en": text.get("en")}
    return {"fr": text, "en": text}


def _data(data: Table, counted: str) -> dict[str, object]:
    out = shaped(DataRecord, data)
    return {**out, "counted": counted, "columns": [], "reading": None}


def _estimate(record: Table, counted: str) -> dict[str, object]:
    fit = _table(record["estimate"])
    details = LevelsRecord.of(_table(fit.get("details") or {}))
    out = shaped(EstimateRecord, record)
    inner = _table(out["estimate"])
    effects = _list(fit["effects"])
    hidden = bool(effects) and _table(effects[0]).get("estimate") is None
    out["estimate"] = {
        **inner,
        "method": _table(fit["method"]),
        "details": None if details is None else details.model_dump(mode="json"),
    }
    question = _table(record["question"])
    return {
        **out,
        "counted": counted,
        "clusters": "territories",
        "withheld": hidden,
        "question": {**question, "instrument": question.get("instrument")},
        "family": None,
        "groups": [],
        "twins": [],
    }


def _check(record: Table) -> dict[str, object]:
    found = CheckRecord(
        outcome=str(record["outcome"]),
        check=check_of(CheckResult.from_dict(_table(record["check"]))),
    )
    return found.model_dump(mode="json")


def _score(score: Table) -> dict[str, object]:
    out = shaped(ScoreRecord, score)
    name = score.get("name")
    return {
        **out,
        "counted": "people",
        "withheld": False,
        "local": bool(score.get("local", False)),
        "name": None if name is None else _said(name),
        "scale": score.get("scale") or score.get("instrument"),
        "unit": score.get("unit", "score"),
    }


def _finding(model: type[Record], finding: Table) -> dict[str, object]:
    out = shaped(model, finding)
    values = {name: _value(v) for name, v in _table(finding.get("values") or {}).items()}
    out["values"] = published_values(str(finding["code"]), values)
    return out


def _value(value: object) -> Value:
    if isinstance(value, list):
        return tuple(v if isinstance(v, (str, int, float)) else str(v) for v in value)
    return value if isinstance(value, (str, int, float)) or value is None else str(value)


def shaped(model: type[Record], data: Table) -> dict[str, object]:
    """Return a table with the keys of a record: the others left out, the missing ones empty."""
    out: dict[str, object] = {}
    for name, info in model.model_fields.items():
        key = info.alias or name
        if model.rules.get(name) is Rule.VALUES:
            values = {k: _value(v) for k, v in _table(data.get(key) or {}).items()}
            code = str(data.get("code") or data.get("not_applicable"))
            out[key] = published_values(code, values)
        elif key in data:
            out[key] = _shaped_value(info.annotation, data[key])
        elif _is_list(info.annotation):
            out[key] = []
        elif _is_table(info.annotation):
            out[key] = {}
        else:
            out[key] = None
    return out


def _members(annotation: object) -> list[object]:
    """Return the members of a union, metadata left out; the type itself when it is none."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [m for part in typing.get_args(annotation) for m in _members(part)]
    return [annotation]


def _is_list(annotation: object) -> bool:
    return all(typing.get_origin(m) is tuple for m in _members(annotation))


def _is_table(annotation: object) -> bool:
    return all(typing.get_origin(m) is dict for m in _members(annotation))


def _records(annotation: object) -> list[type[Record]]:
    return [m for m in _members(annotation) if isinstance(m, type) and issubclass(m, Record)]


def _shaped_value(annotation: object, value: object) -> object:
    """Return a value with its records shaped; of several kinds, the one that shares most keys."""
    if isinstance(value, Mapping):
        kinds = _records(annotation)
        if kinds:
            best = max(kinds, key=lambda kind: len(set(kind.model_fields) & set(value)))
            return shaped(best, value)
        inner = [typing.get_args(m)[1] for m in _members(annotation) if typing.get_args(m)]
        return {k: _shaped_value(inner[0], v) if inner else v for k, v in value.items()}
    if isinstance(value, list):
        inner = [typing.get_args(m)[0] for m in _members(annotation) if typing.get_args(m)]
        return [_shaped_value(inner[0], v) if inner else v for v in value]
    return value
