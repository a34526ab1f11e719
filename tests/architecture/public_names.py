"""The public names and their signatures; `python tests/architecture/public_names.py` lists them."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

FILE = Path(__file__).with_suffix(".txt")
DOOR = "impact_eval"
ROOMS = ("core", "designs", "diagnostics", "plan", "survey", "value")


def _signature(thing: Any) -> str:
    """Return names and defaults; annotations are free to become more precise."""
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    bare = [
        p.replace(annotation=p.empty) for p in signature.parameters.values() if p.name != "self"
    ]
    text = str(signature.replace(parameters=bare, return_annotation=signature.empty))
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def _members(name: str, thing: type) -> Iterator[str]:
    ours = [base for base in reversed(thing.__mro__) if base.__module__.startswith(DOOR)]
    members = {member: value for base in ours for member, value in vars(base).items()}
    for member, value in sorted(members.items()):
        if member.startswith("_"):
            continue
        if isinstance(value, (classmethod, staticmethod)):
            yield f"{name}.{member}{_signature(value.__func__)}"
        elif inspect.isfunction(value):
            yield f"{name}.{member}{_signature(value)}"
        elif isinstance(value, property) or type(value).__name__ == "cached_property":
            yield f"{name}.{member}"


def _told(name: str, thing: Any) -> Iterator[str]:
    if isinstance(thing, type):
        enum = hasattr(thing, "__members__")
        yield f"{name}{sorted(thing.__members__)}" if enum else f"{name}{_signature(thing)}"
        yield from _members(name, thing)
    elif callable(thing):
        yield f"{name}{_signature(thing)}"
    elif isinstance(thing, tuple) and all(isinstance(part, str) for part in thing):
        yield f"{name} = {', '.join(thing)}"
    else:
        yield name


def public_names() -> list[str]:
    """Return one line per public name, method and property."""
    lines: list[str] = []
    door = importlib.import_module(DOOR)
    for name in sorted(door.__all__):
        thing = getattr(door, name)
        if not isinstance(thing, (ModuleType, str)):
            lines += _told(f"ie.{name}", thing)
        else:
            lines.append(f"ie.{name}")
    for room in ROOMS:
        module = importlib.import_module(f"{DOOR}.{room}")
        for name in sorted(module.__all__):
            thing = getattr(module, name)
            if name not in door.__all__:
                lines += _told(f"{room}.{name}", thing)
    return lines


if __name__ == "__main__":
    FILE.write_text("\n".join(public_names()) + "\n", encoding="utf-8")
