"""Every code that the source emits, read from its syntax: kind, code, its values, its place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_MAKERS = {
    ("Finding", "error"): "finding",
    ("Finding", "warning"): "finding",
    ("Finding", "info"): "finding",
    ("NotApplicable", "because"): "reason",
}
_WHOLE = {"Finding": "finding", "NotApplicable": "reason"}


@dataclass(frozen=True)
class Emitted:
    """One place where a code is emitted; `values` is None when they are not written there."""

    kind: str
    code: str
    values: frozenset[str] | None
    place: str


def _kind(call: ast.Call) -> tuple[str, bool] | None:
    target = call.func
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        kind = _MAKERS.get((target.value.id, target.attr))
        return (kind, True) if kind else None
    if isinstance(target, ast.Name) and target.id in _WHOLE:
        return _WHOLE[target.id], False
    return None


def _codes(node: ast.expr) -> list[str]:
    """Return the codes an argument may be: a text, a choice of texts, or a pattern with stars."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*_codes(node.body), *_codes(node.orelse)]
    if isinstance(node, ast.JoinedStr):
        parts = [p.value if isinstance(p, ast.Constant) else "*" for p in node.values]
        return ["".join(map(str, parts))]
    return []


def _values(call: ast.Call, *, by_name: bool) -> frozenset[str] | None:
    if not by_name:
        return None
    names = [keyword.arg for keyword in call.keywords]
    return None if None in names else frozenset(n for n in names if n and n != "place")


def _added(tree: ast.AST) -> frozenset[str]:
    """Return the values a module adds to findings on their way up: `{**f.values, "line": …}`."""
    tables = [node for node in ast.walk(tree) if isinstance(node, ast.Dict) and None in node.keys]
    spread = [v for t in tables for k, v in zip(t.keys, t.values, strict=True) if k is None]
    if not any(isinstance(v, ast.Attribute) and v.attr == "values" for v in spread):
        return frozenset()
    keys = [key for table in tables for key in table.keys]
    return frozenset(str(key.value) for key in keys if isinstance(key, ast.Constant))


def emitted() -> Iterator[Emitted]:
    """Yield every emission whose code can be read."""
    for path in sorted((ROOT / "impact_eval").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        added = _added(tree)
        for node in ast.walk(tree):
            found = _kind(node) if isinstance(node, ast.Call) else None
            if found is None or not node.args:
                continue
            place = f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
            values = _values(node, by_name=found[1])
            for code in _codes(node.args[0]):
                yield Emitted(found[0], code, None if values is None else values | added, place)


def matching(code: str, known: set[str]) -> set[str]:
    """Return the known codes that a code or pattern may be."""
    pattern = re.compile(re.escape(code).replace(r"\*", "[a-z0-9_]+"))
    return {name for name in known if pattern.fullmatch(name)}
