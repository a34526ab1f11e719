"""The JSON Schemas of the four files a study exchanges, with the words written beside each key.

Editors read them (completion, faults while typing) and so do the reference pages. The files shipped
in `schemas/` are written by `python -m impact_eval.pipeline.schema`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from impact_eval import results
from impact_eval.pipeline import checker, leak_report, states, study_models
from impact_eval.results.records import SCHEMA, StudyResults

DRAFT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = Path(__file__).with_name("schemas")


def described(
    schema: Mapping[str, Any], modules: Iterable[ModuleType], identifier: str
) -> dict[str, Any]:
    """Return a schema where each key carries the text written under its field.

    Parameters
    ----------
    schema : mapping
        What `model_json_schema` made; left unchanged.
    modules : iterable of module
        Where the models are written.
    identifier : str
        The `$id`, such as `impact-eval/study/1`.

    Returns
    -------
    dict
    """
    classes = {
        cls.name: cls
        for module in modules
        for cls in ast.parse(inspect.getsource(module)).body
        if isinstance(cls, ast.ClassDef)
    }
    out: dict[str, Any] = json.loads(json.dumps(schema))
    models = {str(out.get("title")): out, **out.get("$defs", {})}
    for name, model in models.items():
        words = _texts(name, classes)
        for key, declared in model.get("properties", {}).items():
            text = words.get(key) or words.get(f"{key}_")
            if text:
                declared["description"] = text
    return {"$schema": DRAFT, "$id": identifier, **out}


def _texts(name: str, classes: Mapping[str, ast.ClassDef]) -> dict[str, str]:
    """Return the texts of a class by field: its own, and those of the classes it extends."""
    cls = classes.get(name)
    if cls is None:
        return {}
    found: dict[str, str] = {}
    for base in reversed(cls.bases):
        if isinstance(base, ast.Name):
            found |= _texts(base.id, classes)
    return found | dict(_field_texts(cls))


def _field_texts(cls: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Yield (field, text) for each text written just under a field."""
    for field, under in zip(cls.body, cls.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        match under:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield field.target.id, inspect.cleandoc(text).replace("\n", " ")


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas by file name."""
    study = study_models.StudyFile.model_json_schema(by_alias=True)
    status = states.Status.model_json_schema(by_alias=True)
    outputs = checker.CheckedOutputs.model_json_schema(by_alias=True)
    return {
        "study-1.json": described(study, (study_models,), study_models.SCHEMA),
        "results-2.json": results_schema(),
        "outputs-1.json": described(outputs, (checker, leak_report), checker.SCHEMA),
        "status-1.json": described(status, (states,), states.SCHEMA),
    }


def results_schema() -> dict[str, Any]:
    """Return the JSON Schema of `results.json`: every leaf typed, nothing unknown."""
    modules = [
        importlib.import_module(f"{results.__name__}.{item.name}")
        for item in pkgutil.iter_modules(results.__path__)
        if not item.ispkg
    ]
    return described(StudyResults.model_json_schema(by_alias=True), modules, SCHEMA)


def text_of(schema: Mapping[str, Any]) -> str:
    """Return the text of a schema file: stable, readable, one final line break."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the schema files that are shipped."""
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / name).write_text(text_of(schema), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
