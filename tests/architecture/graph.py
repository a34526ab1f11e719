"""The graph of imports between our modules, those inside functions included.

`from impact_eval.x import y` leads to the module `impact_eval.x.y` when there is one, else to
`impact_eval.x`. What a type checker alone reads (`if TYPE_CHECKING`) is left out: it never runs.

A package counts as its `__init__` where it is named (`from impact_eval.value import Account`), and
not where a module inside it is: Python does run the door then, but every module of a room would go
in a circle with the door that shows it, whatever the module itself knows. What a `Registry` finds
in a folder or through an entry point is named nowhere: it is no import of the room that asks.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "impact_eval"


@dataclass(frozen=True)
class Import:
    """One import of a module of ours: who, whom, where, and whether inside a function."""

    source: str
    target: str
    line: int
    inside: bool


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return the files of the package by the name of their module."""
    found: dict[str, Path] = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, text: str, known: Mapping[str, object]) -> list[Import]:
    """Return what a module imports of ours, in the order of its lines."""
    found = []
    for node, inside in _running(ast.parse(text), inside=False):
        for target in _targets(node):
            while target not in known:  # a name inside a module: the module
                target = target.rpartition(".")[0]
            if target != name:
                found.append(Import(name, target, node.lineno, inside))
    return found


def _running(tree: ast.AST, *, inside: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Yield the imports that run, and whether they wait for a call."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, inside
        called = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield from _running(node, inside=inside or called)


def _targets(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        assert node.level == 0, "imports are absolute"
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    yield from (name for name in names if name.split(".")[0] == PACKAGE)


def all_imports(root: Path = ROOT) -> list[Import]:
    """Return every import of ours by ours."""
    known = modules(root)
    return [
        one for name, path in known.items() for one in imports(name, path.read_text("utf-8"), known)
    ]


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected components of two modules or more (Tarjan 1972).

    Parameters
    ----------
    edges : mapping of str to set of str
        Whom each module imports.
    """
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for other in sorted(edges.get(name, ())):
            if other not in order:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], order[other])
        if lowest[name] == order[name]:
            at = stack.index(name)
            component = sorted(stack[at:])
            del stack[at:]
            if len(component) > 1:
                found.append(component)

    for name in sorted(edges):
        if name not in order:
            visit(name)
    return found
