"""Below the report floor nothing holds a sentence: codes go up, words stay up."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

FLOORS = (
    "core",
    "stats",
    "data",
    "survey",
    "designs",
    "diagnostics",
    "value",
    "results",
    "portfolio",
)
PROSE = re.compile(r"[A-Za-zÀ-ÿ’']+(?:[ ,]+[A-Za-zÀ-ÿ’']+){4,}")
# What is data about a method or a programmer's contract, and is shown to nobody as a message.
ASIDE = {"oracle", "references", "source", "help", "citation"}
ALLOWED_FOLDERS = ("impact_eval/designs/contract",)  # assertions told to whoever writes a design


def _skipped(tree: ast.AST) -> set[int]:
    """Return the nodes whose texts are no message: docstrings, assertions, declared data."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))
        elif isinstance(node, ast.Assert) and node.msg is not None:
            skipped |= {id(n) for n in ast.walk(node.msg)}
        elif isinstance(node, ast.keyword) and node.arg in ASIDE:
            skipped |= {id(n) for n in ast.walk(node.value)}
    return skipped


def _sentences(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    skipped = _skipped(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in skipped:
            continue
        text = node.value
        if isinstance(text, str) and PROSE.search(text) and "Examples\n" not in text:
            yield f"{path.name}:{node.lineno}: {text[:60]!r}"


def test_no_sentence_below_the_report_floor(root: Path) -> None:
    found: list[str] = []
    for floor in FLOORS:
        for path in sorted((root / "impact_eval" / floor).rglob("*.py")):
            if not path.relative_to(root).as_posix().startswith(ALLOWED_FOLDERS):
                found += _sentences(path)
    assert not found


def test_the_pattern_sees_a_sentence() -> None:
    assert PROSE.search("Seulement huit grappes pour ce calcul")
    assert PROSE.search("there are not enough units here")
    assert not PROSE.search("callaway_santanna")
