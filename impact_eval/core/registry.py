"""A table of named things that others can extend through an entry point."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from impact_eval.core.findings import Finding, ImpactEvalError, nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
_PREFIX = "impact_eval."  # how the groups of this library begin
_OURS = f"[{_PREFIX}".encode()  # and how one is written in what a package declares
_PACKAGED = (".dist-info", ".egg-info", "egg-info", ".egg")


class Registry(Generic[T]):
    """Names to things, with a written refusal for an unknown name.

    Parameters
    ----------
    kind : str
        What the table holds (`design`, `check`…), used in refusals.
    entry_point_group : str, optional
        Group whose entry points are loaded at the first look-up; loading one registers its things.
    package : str, optional
        Package whose modules are loaded then too: our own things are found as a third party's are.
        A name that is the name of a module asks for that module alone.
    """

    def __init__(
        self, kind: str, entry_point_group: str | None = None, package: str | None = None
    ) -> None:
        self._kind = kind
        self._group = entry_point_group
        self._package = package
        self._things: dict[str, T] = {}
        self._whole = package is None
        self._loaded = entry_point_group is None

    def add(self, name: str, thing: T) -> None:
        """Put a thing under a name; the same thing twice is no fault, another one is refused."""
        known = self._things.get(name)
        if known is not None and known is not thing and not _same_definition(known, thing):
            raise ImpactEvalError(Finding.error("name_taken", kind=self._kind, name=name))
        self._things[name] = thing

    def decorator(self, name_of: Callable[[T], str]) -> Callable[[T], T]:
        """Return a class decorator that registers under `name_of(thing)`."""

        def register(thing: T) -> T:
            self.add(name_of(thing), thing)
            return thing

        return register

    def get(self, name: str) -> T:
        """Return the thing of this name; an unknown name is refused with the nearest one."""
        if name not in self:
            raise ImpactEvalError(
                Finding.error(
                    "unknown_name",
                    kind=self._kind,
                    name=name,
                    nearest=nearest(name, self._things),
                    known=self.names(),
                )
            )
        return self._things[name]

    def names(self) -> tuple[str, ...]:
        """Return the names, in alphabetical order."""
        self._load()
        return tuple(sorted(self._things))

    def here(self, package: str) -> list[T]:
        """Return the things defined in a package, without loading anybody else's."""
        self._load_ours()
        prefix = f"{package}."
        mine = (t for t in self._things.values() if getattr(t, "__module__", "").startswith(prefix))
        return sorted(mine, key=lambda thing: str(getattr(thing, "__name__", "")))

    def __iter__(self) -> Iterator[T]:
        return iter([self._things[name] for name in self.names()])

    def __contains__(self, name: str) -> bool:
        self._load_others()
        if name in self._things:
            return True
        if not self._whole and name in self._modules():
            importlib.import_module(f"{self._package}.{name}")
        if name not in self._things:
            self._load()
        return name in self._things

    def _load(self) -> None:
        self._load_ours()
        self._load_others()

    def _load_ours(self) -> None:
        """Load all our own modules."""
        if not self._whole:
            self._whole = True
            for module in self._modules():
                importlib.import_module(f"{self._package}.{module}")

    def _load_others(self) -> None:
        """Load what others declare: before any look-up, so that a name taken twice is told."""
        if not self._loaded:
            self._loaded = True
            for point in declared_elsewhere(self._group or ""):
                point.load()

    def _modules(self) -> list[str]:
        """Return the names of our own modules."""
        room = importlib.import_module(self._package or "")
        return [module.name for module in pkgutil.iter_modules(room.__path__) if not module.ispkg]


def declared_elsewhere(group: str) -> Sequence[EntryPoint]:
    """Return what installed packages declare for a group of entry points."""
    path = tuple(sys.path)
    if group.startswith(_PREFIX) and not _may_be_declared(path):
        return ()
    found: Sequence[EntryPoint] = _declared(path).select(group=group)
    return found


@lru_cache(maxsize=2)
def _may_be_declared(path: tuple[str, ...]) -> bool:
    """Return whether a package of a search path may declare things of ours.

    To parse what a hundred packages declare, when none speaks of us, took a tenth of a second of
    every command: their files are looked through for our name first. False is said only of plain
    folders, where every package keeps that file in a folder of its own.
    """
    if any(hasattr(f, "find_distributions") and f is not PathFinder for f in sys.meta_path):
        return True
    return any(_folder_may_declare(folder or os.curdir) for folder in path)


def _folder_may_declare(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            paths = [entry.path for entry in entries if entry.name.lower().endswith(_PACKAGED)]
    except FileNotFoundError:
        return False
    except OSError:  # an archive, or what cannot be listed: whoever reads it tells
        return True
    return any(_declares(Path(path)) for path in paths)


def _declares(packaged: Path) -> bool:
    """Return whether the record of an installed package may name a group of ours."""
    if not packaged.name.lower().endswith((".dist-info", ".egg-info")):
        return True  # an egg, which holds its record deeper
    try:
        return _OURS in (packaged / "entry_points.txt").read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


@lru_cache(maxsize=2)
def _declared(path: tuple[str, ...]) -> Any:  # a dict of groups before Python 3.12; both select
    """Return all that the packages of a search path declare: they are read once for all groups."""
    from importlib.metadata import entry_points

    return entry_points()


def _same_definition(one: object, other: object) -> bool:
    """Whether two classes come from the same place (a module reloaded in a notebook)."""
    names = ("__module__", "__qualname__")
    return all(getattr(one, name, one) == getattr(other, name, other) for name in names)
