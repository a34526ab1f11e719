"""A module is one room, a function one task; the exceptions can only become fewer and shorter."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("sizes.py")


@pytest.fixture(scope="module")
def now() -> dict[str, int]:
    return dict(runpy.run_path(str(SCRIPT))["over_the_limits"]())


@pytest.fixture(scope="module")
def allowed() -> dict[str, int]:
    return dict(runpy.run_path(str(SCRIPT))["allowed"]())


def test_nothing_new_is_too_long(now: dict[str, int], allowed: dict[str, int]) -> None:
    grown = {name: n for name, n in now.items() if n > allowed.get(name, 0)}
    assert not grown, "split it: a module holds 500 lines at most, a function body 50"


def test_no_exception_is_kept_for_nothing(now: dict[str, int], allowed: dict[str, int]) -> None:
    assert not set(allowed) - set(now), "run: python tests/architecture/sizes.py"


def test_every_module_says_what_it_is(root: Path) -> None:
    paths = sorted((root / "impact_eval").rglob("*.py"))
    silent = [p.name for p in paths if not ast.get_docstring(ast.parse(p.read_text("utf-8")))]
    assert len(paths) > 100
    assert not silent


def test_packages_only_re_export(root: Path) -> None:
    """A package's `__init__` defines nothing but the functions of lazy loading."""
    lazy = {"__getattr__", "__dir__", "_say", "_show", "_headings"}
    for path in (root / "impact_eval").rglob("__init__.py"):
        tree = ast.parse(path.read_text("utf-8"))
        kinds = (ast.FunctionDef, ast.ClassDef)
        defined = {node.name for node in tree.body if isinstance(node, kinds)}
        assert defined <= lazy, path.relative_to(root)
