"""Checks on a real data set that does not travel: one test per data set, one report per check.

Eighty checks on one absent file are one absence, not eighty: a test that cannot run says so once.
Where the file is there, each check runs by itself, under its own name and parameters, and one that
fails stops no other.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import pytest
from _pytest.mark.structures import Mark, ParameterSet

Check = Callable[..., None]


class SecondRung:
    """The checks of one data set, in the order in which they were written.

    Examples
    --------
    >>> RUNG = SecondRung()
    >>> @RUNG
    ... @pytest.mark.parametrize("n", [1, 2])
    ... def check_square(n: int) -> None:
    ...     assert n * n >= n
    >>> [name for name, _, _ in RUNG.cases()]
    ['square[1]', 'square[2]']
    """

    def __init__(self) -> None:
        self._checks: list[Check] = []

    def __call__(self, check: Check) -> Check:
        """Keep a check, written as a test would be: `parametrize` marks and fixtures by name."""
        self._checks.append(check)
        return check

    def cases(self) -> Iterator[tuple[str, Check, Mapping[str, Any]]]:
        """Return every check with each of its parameters, under the name that a report gives."""
        for check in self._checks:
            marks = [m for m in getattr(check, "pytestmark", []) if m.name == "parametrize"]
            name = check.__name__.removeprefix("check_")
            for parts in product(*(list(_values(mark)) for mark in reversed(marks))):
                values = {key: value for _, given in parts for key, value in given.items()}
                said = "-".join(label for label, _ in parts)
                yield (f"{name}[{said}]" if said else name), check, values

    def run(self, request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
        """Run all checks; the test is skipped once, with the reason, where the data are absent."""
        request.getfixturevalue("shared")
        for name, check, values in self.cases():
            with subtests.test(msg=name):
                check(**(_fixtures(check, values, request) | dict(values)))


def _values(mark: Mark) -> Iterator[tuple[str, Mapping[str, Any]]]:
    names, rows = mark.args[:2]
    names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
    for row in rows:
        given = row.values if isinstance(row, ParameterSet) else row
        given = given if len(names) > 1 or isinstance(row, ParameterSet) else (given,)
        yield "-".join(_label(value) for value in given), dict(zip(names, given, strict=True))


def _label(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else type(value).__name__


def _fixtures(
    check: Check, values: Mapping[str, Any], request: pytest.FixtureRequest
) -> dict[str, Any]:
    """Fixtures by name; a generator is new for each check, as it is for each test."""
    asked = [name for name in inspect.signature(check).parameters if name not in values]
    return {
        name: np.random.default_rng(20240101) if name == "rng" else request.getfixturevalue(name)
        for name in asked
    }
