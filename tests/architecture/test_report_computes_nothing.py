"""What a report prints is a leaf or a stated function of leaves: it has no statistics of its own.

Scaling (a share per 100), rounding, counting with `len` and choosing a leaf with `min` or `max` are
allowed anywhere. Adding up, dividing, subtracting one number from another, powers and every library
of numbers are not: what a reader is told beside the leaves is in `results/stated.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

FLOORS = ("report",)
LIBRARIES = frozenset({"numpy", "scipy", "pandas", "statistics", "random", "statsmodels"})
CALLS = frozenset(
    {"sum", "fsum", "mean", "fmean", "median", "quantile", "quantiles", "percentile", "average",
     "std", "stdev", "var", "variance", "sqrt", "exp", "log", "log2", "prod", "cumsum", "dot"}
)  # fmt: skip
OPERATIONS = (ast.Sub, ast.Div, ast.FloorDiv, ast.Pow, ast.MatMult)
# Where a page or a drawing is laid out, and how many decimals a number gets: nothing told.
LAID_OUT = {
    "report/blocks.py": {"_rectangular"},
    "report/check_page.py": {"failed", "to_review"},
    "report/docx.py": {"_figure"},
    "report/formats.py": {"listed", "significant"},
    "report/pdf.py": {"_plain", "_table", "_need"},
    "report/quantities.py": {"digits_for"},
    "report/figures/drawing.py": {"legend"},
    "report/figures/people.py": {"_stack", "draw_distribution"},
    "report/figures/effects.py": {"draw_portfolio_forest"},
    "report/figures/money.py": {"draw_tornado", "data_for_tornado"},
}  # `data_for_tornado` orders its bars by their length


def computed(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, int]]:
    """Yield (function, line) of each operation and call that makes a number."""
    for node in ast.iter_child_nodes(tree):
        name = node.name if isinstance(node, ast.FunctionDef) else inside
        if isinstance(node, ast.BinOp) and isinstance(node.op, OPERATIONS):
            constants = [isinstance(side, ast.Constant) for side in (node.left, node.right)]
            if isinstance(node.op, ast.Div) or not any(constants):
                yield name, node.lineno
        elif isinstance(node, ast.Call):
            if _called(node.func) in CALLS:
                yield name, node.lineno
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and _packages(node) & LIBRARIES:
            yield name, node.lineno
        yield from computed(node, name)


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _packages(node: ast.Import | ast.ImportFrom) -> set[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]
    return {str(name).partition(".")[0] for name in names}


def found(root: Path) -> dict[str, set[str]]:
    out: dict[str, set[str]] = {}
    for floor in FLOORS:
        for path in sorted((root / "impact_eval" / floor).rglob("*.py")):
            names = {name for name, _ in computed(ast.parse(path.read_text("utf-8")))}
            if names:
                out[path.relative_to(root / "impact_eval").as_posix()] = names
    return out


def test_a_report_computes_nothing(root: Path) -> None:
    told = {
        name: sorted(functions - LAID_OUT.get(name, set()))
        for name, functions in found(root).items()
    }
    assert {name: functions for name, functions in told.items() if functions} == {}


def test_no_place_is_kept_for_nothing(root: Path) -> None:
    known = found(root)
    idle = {name: sorted(LAID_OUT[name] - known.get(name, set())) for name in LAID_OUT}
    assert {name: functions for name, functions in idle.items() if functions} == {}


def test_what_computes_is_seen() -> None:
    for line in (
        "share = end / start",
        "x = high - low",
        "m = statistics.mean(values)",
        "t = sum(counts)",
        "import numpy as np",
        "from statistics import median",
        "v = sd**power",
    ):
        assert list(computed(ast.parse(f"def told():\n    {line}"))), line
    for line in ("x = 100 * share", "n = len(rows)", "at = len(rows) - 1", "worst = max(values)"):
        assert not list(computed(ast.parse(f"def told():\n    {line}"))), line
