"""A table of named things that others can extend through an entry point."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from impact_eval.core.findings import Finding, ImpactEvalError, nearest

T = TypeVar("T")


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
    """

    def __init__(
        self, kind: str, entry_point_group: str | None = None, package: str | None = None
    ) -> None:
        self._kind = kind
        self._group = entry_point_group
        self._package = package
        self._things: dict[str, T] = {}
        self._loaded = entry_point_group is None and package is None

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
        self._load()
        if name not in self._things:
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
        prefix = f"{package}."
        mine = (t for t in self._things.values() if getattr(t, "__module__", "").startswith(prefix))
        return sorted(mine, key=lambda thing: str(getattr(thing, "__name__", "")))

    def __iter__(self) -> Iterator[T]:
        return iter([self._things[name] for name in self.names()])

    def __contains__(self, name: str) -> bool:
        self._load()
        return name in self._things

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        if self._package is not None:
            room = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(room.__path__):
                importlib.import_module(f"{self._package}.{module.name}")
        if self._group is not None:
            from importlib.metadata import entry_points

            for point in entry_points(group=self._group):
                point.load()


def _same_definition(one: object, other: object) -> bool:
    """Whether two classes come from the same place (a module reloaded in a notebook)."""
    names = ("__module__", "__qualname__")
    return all(getattr(one, name, one) == getattr(other, name, other) for name in names)
