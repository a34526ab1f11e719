"""A table of named things: what others add, what is refused."""

from __future__ import annotations

import pytest

from impact_eval.core import ImpactEvalError, Registry
from impact_eval.core import registry as registries


class _One:
    name = "one"


class _Two:
    name = "two"


def _registry() -> Registry[type]:
    registry: Registry[type] = Registry("thing")
    register = registry.decorator(lambda thing: thing.name)
    assert register(_Two) is _Two
    register(_One)
    return registry


def test_names_are_sorted_and_things_found() -> None:
    registry = _registry()
    assert registry.names() == ("one", "two")
    assert registry.get("two") is _Two
    assert list(registry) == [_One, _Two]
    assert "one" in registry
    assert "three" not in registry


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ImpactEvalError) as refused:
        _registry().get("twoo")
    (fault,) = refused.value.findings
    assert fault.code == "unknown_name"
    assert fault.values["nearest"] == "two"
    assert fault.values["known"] == ("one", "two")


def test_a_name_is_taken_once() -> None:
    registry = _registry()
    registry.add("one", _One)  # the same thing again is no fault
    with pytest.raises(ImpactEvalError) as refused:
        registry.add("one", _Two)
    assert refused.value.codes == ("name_taken",)


def test_a_class_defined_again_replaces_the_former() -> None:
    registry = _registry()
    again = type("_One", (), {"name": "one", "__module__": _One.__module__})
    registry.add("one", again)
    assert registry.get("one") is again


def test_entry_points_are_loaded_once_at_the_first_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    registry: Registry[type] = Registry("thing", "some.group")
    loaded: list[str] = []

    class Point:
        name = "one"

        def load(self) -> None:
            loaded.append(self.name)
            registry.add("one", _One)

    asked: list[str] = []

    def declared(group: str) -> list[Point]:
        asked.append(group)
        return [Point()]

    monkeypatch.setattr(registries, "declared_elsewhere", declared)
    assert not loaded
    assert registry.names() == ("one",)
    assert registry.get("one") is _One
    assert loaded == ["one"]
    assert asked == ["some.group"]
