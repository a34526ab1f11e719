"""Above the results floor nothing is looked up by a key in quotes: records have attributes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FLOORS = ("report", "portfolio")
# Where a library wants tables with keys, each with its reason; nothing of a study's results there.
BORDERS = {
    "report/blocks.py": "the MIME bundles of a notebook",
    "report/html.py": "what the jinja templates print",
    "report/pdf.py": "what the typst template prints",
    "report/docx.py": "what python-docx writes, from the same views",
    "report/texts.py": "the TOML catalogue, and words as their blocks dump them",
    "report/objects/object_layout.py": "what a screen prints, from the same views",
    "report/plotting.py": "columns of the table of bands",
    "report/figures/effect_grid.py": "columns of a drawn table",
    "report/figures/drawing.py": "columns of a drawn table",
    "report/figures/effects.py": "columns of a drawn table, line styles of matplotlib",
    "report/figures/people.py": "columns of a drawn table, line styles of matplotlib",
    "report/figures/money.py": "columns of a drawn table, line styles of matplotlib",
    "report/figures/robustness.py": "columns of a drawn table, line styles of matplotlib",
}


def look_ups(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of `x["key"]` and of `x.get("key")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            key: ast.expr | None = node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            key = node.args[0] if node.func.attr == "get" and node.args else None
        else:
            continue
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield node.lineno


def annotations(tree: ast.AST) -> set[int]:
    """Return the lines of annotations: `Literal["fr"]` is no look-up."""
    found: set[int] = set()
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            part = getattr(node, name, None)
            if isinstance(part, ast.AST):
                found |= {n.lineno for n in ast.walk(part) if isinstance(n, ast.expr)}
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Literal":
            found.add(node.lineno)
    return found


def found(root: Path) -> dict[str, list[int]]:
    out: dict[str, list[int]] = {}
    for floor in FLOORS:
        for path in sorted((root / "impact_eval" / floor).rglob("*.py")):
            tree = ast.parse(path.read_text("utf-8"))
            lines = sorted(set(look_ups(tree)) - annotations(tree))
            if lines:
                out[path.relative_to(root / "impact_eval").as_posix()] = lines
    return out


def test_results_are_never_looked_up_by_a_key(root: Path) -> None:
    assert {name: lines for name, lines in found(root).items() if name not in BORDERS} == {}


def test_no_border_is_kept_for_nothing(root: Path) -> None:
    assert sorted(set(BORDERS) - set(found(root))) == []


def test_no_value_is_of_any_type(root: Path) -> None:
    """`Any` stands at the border of a library alone: templates, drawings, the catalogue."""
    loose = []
    for floor in ("results", *FLOORS):
        for path in sorted((root / "impact_eval" / floor).rglob("*.py")):
            name = path.relative_to(root / "impact_eval").as_posix()
            names = [
                n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Name)
            ]
            if name not in BORDERS and any(n.id == "Any" for n in names):
                loose.append(name)
    assert loose == []


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ('x["a"]', [1]),
        ('x.get("a")', [1]),
        ('x.get("a", {})["b"]', [1, 1]),
        ("x[name]", []),
        ("x[0]", []),
        ("x.get(name)", []),
        ('x["a"] = 1', []),
    ],
)
def test_the_counter_sees_a_look_up(code: str, lines: list[int]) -> None:
    assert list(look_ups(ast.parse(code))) == lines
