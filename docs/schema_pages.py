"""Pages of `study.toml` and `results.json`, made from the JSON Schemas of the models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pages import code, plain, table, write

from impact_eval.pipeline.schema import schemas

FOLDER = "reference/generated"


def _kind(declared: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return what a key may hold, in a few words."""
    if "$ref" in declared:
        name = str(declared["$ref"]).rsplit("/", 1)[-1]
        known = definitions[name]
        if "enum" in known:
            return " · ".join(code(value) for value in known["enum"])
        return f"[{name}](#{name.lower()})"
    if "const" in declared:
        return code(declared["const"])
    if "enum" in declared:
        return " · ".join(code(value) for value in declared["enum"])
    if "anyOf" in declared:
        parts = (_kind(part, definitions) for part in declared["anyOf"])
        return " or ".join(part for part in dict.fromkeys(parts) if part != "nothing")
    if declared.get("type") == "array":
        inner = declared.get("items") or next(iter(declared.get("prefixItems", ())), {})
        return f"list of {_kind(inner, definitions)}" if inner else "list"
    if declared.get("type") == "object":
        inner = declared.get("additionalProperties")
        return f"table of {_kind(inner, definitions)}" if isinstance(inner, dict) else "table"
    names = {"string": "text", "boolean": "true or false", "null": "nothing"}
    return names.get(str(declared.get("type")), str(declared.get("type", "anything")))


def _limits(declared: Mapping[str, Any]) -> str:
    names = {
        "minimum": "≥",
        "exclusiveMinimum": ">",
        "maximum": "≤",
        "exclusiveMaximum": "<",
        "minItems": "at least",
    }
    places = (declared, *declared.get("anyOf", ()))
    found = [
        f"{said} {place[key]:g}" for key, said in names.items() for place in places if key in place
    ]
    return f" ({', '.join(found)})" if found else ""


def _rows(model: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    required = set(model.get("required", ()))
    for key, declared in model.get("properties", {}).items():
        default = declared.get("default")
        shown = "**required**" if key in required else "—"
        if key not in required and isinstance(default, (str, int, float, list)) and default != []:
            shown = code(json.dumps(default, ensure_ascii=False))
        kind = _kind(declared, definitions) + _limits(declared)
        yield code(key), kind, shown, plain(declared.get("description", ""))


def schema_page(title: str, intro: list[str], schema: Mapping[str, Any]) -> list[str]:
    """Return the page of one schema: its keys, then those of each table inside."""
    definitions = schema.get("$defs", {})
    head = ("key", "holds", "default", "meaning")
    lines = [f"# {title}", "", *intro, "", f"Schema: {code(schema['$id'])}.", ""]
    lines += ["## At the top", "", *table(head, _rows(schema, definitions))]
    for name, model in definitions.items():
        if "properties" in model:
            lines += [f"## {name}", "", plain(model.get("description", "")), ""]
            lines += table(head, _rows(model, definitions)) if model["properties"] else []
    return lines


def write_schemas() -> list[Path]:
    """Write the four pages."""
    known = schemas()
    study = [
        "What a study declares. An unknown key is refused with the nearest known one, and all the",
        "faults of a file are told at once. The JSON Schema is shipped in",
        "`impact_eval/pipeline/schemas/study-1.json`: most editors can complete from it.",
    ]
    results = [
        "What a study found. No key holds a row of a person; no number is NaN; two runs on the",
        "same inputs differ in `provenance.run_at` alone. The JSON Schema is shipped in",
        "`impact_eval/pipeline/schemas/results-2.json`.",
    ]
    outputs = [
        "What each file of an output folder is for disclosure: rules, outcome, checksum. It is",
        "what `impact-eval verify` and a checker's tools read. The JSON Schema is shipped in",
        "`impact_eval/pipeline/schemas/outputs-1.json`.",
    ]
    status = [
        "What became of the last run of a study, and for which study an output folder was made.",
        "`impact-eval status` says it in words. Reasons are codes and places: a value of the data",
        "never stands there. The JSON Schema is shipped in",
        "`impact_eval/pipeline/schemas/status-1.json`.",
    ]
    return [
        write(f"{FOLDER}/status.md", schema_page("status.json", status, known["status-1.json"])),
        write(
            f"{FOLDER}/outputs.md", schema_page("controle.json", outputs, known["outputs-1.json"])
        ),
        write(f"{FOLDER}/study.md", schema_page("study.toml", study, known["study-1.json"])),
        write(
            f"{FOLDER}/results.md", schema_page("results.json", results, known["results-2.json"])
        ),
    ]
