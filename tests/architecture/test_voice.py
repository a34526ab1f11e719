"""A long kernel says why: its paper's equation, or the reason of its step that is not obvious."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

LONG = 25  # lines of a body, docstring apart
_MARKS = ("# noqa", "# type:", "# fmt:", "# pragma")


def _comments(text: str) -> set[int]:
    """Return the lines with a comment meant for a reader."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {
        token.start[0]
        for token in tokens
        if token.type == tokenize.COMMENT and not token.string.startswith(_MARKS)
    }


def silent_functions(text: str) -> Iterator[str]:
    """Yield the functions whose body is long and has no comment."""
    spoken = _comments(text)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        last = node.end_lineno or node.lineno
        first = node.body[0].lineno
        if ast.get_docstring(node) is not None:
            first = (node.body[0].end_lineno or first) + 1
        if last - first + 1 >= LONG and not any(first <= line <= last for line in spoken):
            yield node.name


def test_every_long_kernel_says_why(root: Path) -> None:
    paths = sorted((root / "impact_eval" / "stats").rglob("*.py"))
    silent = [
        f"{path.relative_to(root)}::{name}"
        for path in paths
        for name in silent_functions(path.read_text("utf-8"))
    ]
    assert len(paths) > 80
    assert not silent, "name the paper's equation, or say why the step is there"


def test_a_silent_kernel_is_seen() -> None:
    body = "\n".join(f"    x = x + {i}" for i in range(LONG - 1))
    head, tail = 'def kernel(x):\n    """Do."""\n', "\n    return x\n"
    assert list(silent_functions(head + body + tail)) == ["kernel"]
    assert not list(silent_functions(head + body + "  # (4) of the paper" + tail))
    assert list(silent_functions(head + body + "  # noqa: E501" + tail)) == ["kernel"]
    assert not list(silent_functions(head + body.split("\n", 1)[1] + tail))


def test_a_private_name_means_one_thing(root: Path) -> None:
    """Two helpers with one name are one helper, shared, or two names."""
    homes: dict[str, list[str]] = {}
    for path in sorted((root / "impact_eval" / "stats").rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("_"):
                homes.setdefault(node.name, []).append(path.stem)
    assert len(homes) > 200
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}
