"""How long modules and function bodies are. `python tests/architecture/sizes.py` shrinks the list.

The list holds what is over the limits today, and only gets shorter: a new exception is written by
hand, with its reason in the commit.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_suffix(".toml")
MODULE, BODY = 500, 50


def _bodies(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Yield (qualified name, lines of the body without its docstring) of every function."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _bodies(node, f"{prefix}{node.name}.")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            last = node.end_lineno or node.lineno
            yield f"{prefix}{node.name}", last - body[0].lineno + 1 if body else 0
            yield from _bodies(node, f"{prefix}{node.name}.")


def over_the_limits() -> dict[str, int]:
    """Return what is too long: path, or path and function, to lines."""
    found: dict[str, int] = {}
    for path in sorted((ROOT / "impact_eval").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT).as_posix()
        lines = text.count("\n")
        if lines > MODULE:
            found[name] = lines
        bodies = _bodies(ast.parse(text))
        found |= {f"{name}::{function}": n for function, n in bodies if n > BODY}
    return found


def allowed() -> dict[str, int]:
    """Return the exceptions written down."""
    return dict(tomllib.loads(FILE.read_text(encoding="utf-8"))["lines"]) if FILE.exists() else {}


def main() -> None:
    """Write the exceptions still needed, never longer than they were."""
    before, now = allowed(), over_the_limits()
    kept = {
        name: min(n, before.get(name, n)) for name, n in now.items() if not before or name in before
    }
    lines = [f'"{name}" = {n}' for name, n in kept.items()]
    FILE.write_text("\n".join(["[lines]", *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
