"""Page of `results.json`: who reads each part, and the leaves for whoever computes further."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pages import code, table, write

from impact_eval.pipeline.schema import results_schema

FOLDER = "reference/generated"
READERS = Path(__file__).with_name("result_readers.toml")


def write_results_file() -> list[Path]:
    """Write the page."""
    readers = tomllib.loads(READERS.read_text(encoding="utf-8"))
    schema = results_schema()
    about = {key: declared["description"] for key, declared in schema["properties"].items()}
    models = {str(model.get("title")): model for model in schema["$defs"].values()}
    models[str(schema["title"])] = schema
    lines = [
        "# Who reads results.json", "",
        "Every number that a report prints is a leaf of this file. [Every key](results.md) is",
        "listed elsewhere; this page says who reads each part.", "",
        *table(("part", "holds", "read by"), _parts(readers["part"], about)),
        "## For whoever computes further", "",
        "These leaves are printed nowhere. They are there for:", "",
    ]  # fmt: skip
    for entry in readers["further"]:
        rows = []
        for leaf in entry["leaves"]:
            model, _, key = leaf.partition(".")
            key = key.removesuffix("_") if key == "schema_" else key
            rows.append((code(f"{model}.{key}"), models[model]["properties"][key]["description"]))
        lines += [f"### {entry['user']}", "", entry["why"], "", *table(("leaf", "meaning"), rows)]
    return [write(f"{FOLDER}/results-file.md", lines)]


def _parts(parts: list[dict[str, str]], about: dict[str, str]) -> list[tuple[str, ...]]:
    return [(code(part["name"]), about[part["name"]], part["readers"]) for part in parts]
