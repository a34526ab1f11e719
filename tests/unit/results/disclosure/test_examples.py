"""Each example of the rules' documentation runs and says what it shows."""

from __future__ import annotations

import doctest
import importlib

import pytest

ROOM = "impact_eval.results.disclosure"


@pytest.mark.parametrize(
    "name", ["attack", "dominance", "profiles", "releases", "rounding", "suppression"]
)
def test_examples(name: str) -> None:
    done = doctest.testmod(importlib.import_module(f"{ROOM}.{name}"))
    assert done.attempted > 0
    assert done.failed == 0
