"""Which definitions a user can reach, read from the syntax: who names whom, from the doors down."""

from __future__ import annotations

import ast
import json
import re
import textwrap
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "impact_eval"
DOORS = ("designs", "diagnostics", "plan", "survey", "value")
_BLOCK = re.compile(r"^ *```python\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
ITSELF = ""  # what a module does when it is loaded, as if it were a definition of it

Node = tuple[str, str]  # module, definition


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax of every module of the package."""
    files = sorted((ROOT / PACKAGE).rglob("*.py"))
    return {_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in files}


def definitions(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the functions, classes and named values of a module."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name, node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node


def _imported(tree: ast.AST) -> dict[str, Node]:
    """Return what each imported name stands for, wherever in the file it is imported."""
    found: dict[str, Node] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                target = (whole, ITSELF) if whole in modules() else (str(node.module), alias.name)
                found[alias.asname or alias.name] = target
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == PACKAGE:
                    found[alias.asname or alias.name] = (alias.name, ITSELF)
    return found


def _written(text: str) -> Node | None:
    """Return what a text names, as entry points and late doors do: `package.module:name`."""
    module, _, name = text.partition(":")
    return (module, name) if module in modules() else None


def _named(node: ast.AST, imported: dict[str, Node], own: set[str], module: str) -> Iterator[Node]:
    """Yield what a piece of syntax names."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            if part.id in imported:
                yield imported[part.id]
            elif part.id in own:
                yield module, part.id
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            home = imported.get(part.value.id)
            if home is not None and home[1] == ITSELF:
                yield home[0], part.attr
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            told = _written(part.value)
            if told is not None:
                yield told


def _plugs(node: ast.stmt) -> bool:
    """Whether a statement gives a part to an object of another module: `Shown.renderer = _show`."""
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute)


def _opened(tree: ast.Module) -> set[str]:
    """Return the packages whose modules are loaded by name: `import_module(f"package.{name}")`."""
    made = (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr))
    starts = (node.values[0] for node in made if len(node.values) > 1)
    texts = (str(part.value) for part in starts if isinstance(part, ast.Constant))
    return {text.rstrip(".") for text in texts if text.rstrip(".") in modules()}


def _capitals(tree: ast.Module) -> set[str]:
    """Return the tables that a module reads in others: `module.BUILDERS`."""
    return {node.attr for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr.isupper()}  # fmt: skip


@cache
def named_by() -> dict[Node, frozenset[Node]]:
    """Return, for each definition, what it names."""
    graph: dict[Node, set[Node]] = defaultdict(set)
    for module, tree in modules().items():
        imported, named = _imported(tree), dict(definitions(tree))
        for name, node in named.items():
            graph[module, name] |= {(module, ITSELF)}
            graph[module, name] |= set(_named(node, imported, set(named), module))
            for mark in getattr(node, "decorator_list", ()):
                # What registers itself is reached by whoever reads the registry.
                if "register" in ast.unparse(mark):
                    graph[module, ITSELF].add((module, name))
        for node in tree.body:
            if isinstance(node, (ast.If, ast.Expr, ast.For, ast.With, ast.Try)) or _plugs(node):
                graph[module, ITSELF] |= set(_named(node, imported, set(named), module))
    for module, tree in modules().items():  # a room that finds its own modules loads them all
        rooms: set[str] = set()
        if any(isinstance(n, ast.Name) and n.id == "iter_modules" for n in ast.walk(tree)):
            rooms |= {module}
        if any(isinstance(n, ast.keyword) and n.arg == "package" for n in ast.walk(tree)):
            rooms |= {module.rpartition(".")[0]}
        opened = _opened(tree)
        for found in (m for m in modules() if m.rpartition(".")[0] in opened):
            graph[module, ITSELF] |= {(found, name) for name in _capitals(tree)}
        inside = {m for m in modules() if m.rpartition(".")[0] in rooms | opened}
        graph[module, ITSELF] |= {(found, ITSELF) for found in inside}
    for module, tree in modules().items():  # a name passed on by a package is the thing itself
        for name, target in _imported(tree).items():
            graph[module, name].add(target)
    return {node: frozenset(named) for node, named in graph.items()}


def _listed(module: str) -> list[str]:
    for name, node in definitions(modules()[module]):
        if name == "__all__" and isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value:
            return list(ast.literal_eval(node.value))
    return []


def _late(module: str) -> dict[str, Node]:
    """Return the names that a door loads when they are first used, from its tables of places."""
    found: dict[str, Node] = {}
    for node in ast.walk(modules()[module]):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(value, ast.Constant):
                home = _written(str(value.value))
                if home is not None:
                    found[str(key.value)] = (home[0], str(key.value))
    return found


def _outside() -> Iterator[ast.Module]:
    """Yield the programs of users: the cells of the templates and the blocks of the pages."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                yield ast.parse("".join(cell["source"]))
    for page in (ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*/*.md"))):
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            yield ast.parse(textwrap.dedent(block))


def doors() -> dict[Node, str]:
    """Return what users call, and by which door."""
    found: dict[Node, str] = {}
    for module in (PACKAGE, *(f"{PACKAGE}.{door}" for door in DOORS)):
        if module not in modules():
            continue
        late = _late(module)
        imported = _imported(modules()[module])
        for name in _listed(module):
            found[late.get(name) or imported.get(name) or (module, name)] = module
    cli = f"{PACKAGE}.cli"
    found |= {(cli, name): cli for name, _ in definitions(modules()[cli])}
    found |= {(PACKAGE, ITSELF): PACKAGE}
    for module, tree in modules().items():  # python -m, by those who keep the library
        run = [n for n in tree.body if isinstance(n, ast.If) and "__main__" in ast.unparse(n.test)]
        found |= dict.fromkeys([(module, "main")] if run else [], f"python -m {module}")
    for tree in _outside():
        found |= dict.fromkeys(_named(tree, _imported(tree), set(), ""), "a program")
        found |= dict.fromkeys(_imported(tree).values(), "a program")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for group in project["entry-points"].values():
        for text in group.values():
            told = _written(text)
            if told is not None:
                found[told] = "pyproject.toml"
    return found


def reached(start: set[Node] | frozenset[Node]) -> dict[Node, Node | None]:
    """Return all that can be reached, each with what named it."""
    came: dict[Node, Node | None] = dict.fromkeys(start)
    left = list(start)
    while left:
        node = left.pop()
        for other in named_by().get(node, ()):
            if other not in came:
                came[other] = node
                left.append(other)
    return came


def public(under: str = "") -> Iterator[tuple[Node, ast.stmt]]:
    """Yield the public functions and classes of a floor."""
    for module, tree in modules().items():
        if not module.startswith(f"{PACKAGE}.{under}"):
            continue
        for name, node in definitions(tree):
            made = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            if made and not name.startswith("_"):
                yield (module, name), node
