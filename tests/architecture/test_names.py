"""A name says one thing: files, classes and public functions are named once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

# Commands bear the name of what they call.
FACES = ("cli.py",)
EVERYWHERE = {"main"}  # what a module does when it is run


def _named(root: Path) -> Iterator[tuple[str, str]]:
    """Yield (name, module) of every file, class and public function."""
    package = root / "impact_eval"
    for path in sorted(package.rglob("*.py")):
        module = path.relative_to(package).as_posix()
        if path.name == "__init__.py" or module in FACES:
            continue
        yield path.name, module
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            public = isinstance(node, ast.FunctionDef) and node.name[0] != "_"
            if (public or isinstance(node, ast.ClassDef)) and node.name not in EVERYWHERE:
                yield node.name, module


@pytest.fixture(scope="module")
def twins(root: Path) -> dict[str, list[str]]:
    """Modules by each name that is used more than once."""
    found: dict[str, list[str]] = {}
    for name, module in _named(root):
        found.setdefault(name, []).append(module)
    assert len(found) > 1_000
    return {name: modules for name, modules in found.items() if len(modules) > 1}


def test_a_name_is_used_once(twins: dict[str, list[str]]) -> None:
    assert twins == {}, "say what it is of: a record that mirrors a computed object takes `Record`"
