"""The JSON Schemas of `study.toml` and `results.json`, with the words written beside each key.

Editors read them (completion, faults while typing) and so do the reference pages. The files shipped
in `schemas/` are written by `python -m impact_eval.pipeline.schema`.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

DRAFT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = Path(__file__).with_name("schemas")


def described(schema: Mapping[str, Any], module: ModuleType, identifier: str) -> dict[str, Any]:
    """Return a schema where each key carries the text written under its field.

    Parameters
    ----------
    schema : mapping
        What `model_json_schema` made; left unchanged.
    module : module
        Where the models are written.
    identifier : str
        The `$id`, such as `impact-eval/study/1`.

    Returns
    -------
    dict
    """
    words = dict(_field_texts(inspect.getsource(module)))
    out: dict[str, Any] = json.loads(json.dumps(schema))
    models = {str(out.get("title")): out, **out.get("$defs", {})}
    for name, model in models.items():
        for key, declared in model.get("properties", {}).items():
            text = words.get((name, key)) or words.get((name, f"{key}_"))
            if text:
                declared["description"] = text
    return {"$schema": DRAFT, "$id": identifier, **out}


def _field_texts(source: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield ((class, field), text) for each text written just under a field."""
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    for cls in classes:
        for field, under in zip(cls.body, cls.body[1:], strict=False):
            if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
                continue
            match under:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield (cls.name, field.target.id), inspect.cleandoc(text).replace("\n", " ")


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas by file name."""
    from impact_eval.pipeline import results, study_models

    return {
        "study-1.json": study_models.json_schema(),
        "results-1.json": results.json_schema(),
    }


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
