"""A table of named things: what others add, what is refused."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

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


@pytest.mark.parametrize(
    ("name", "held", "told"),
    [
        ("one-1.0.dist-info", "[impact_eval.designs]\none = one\n", ["one"]),
        ("one-1.0.dist-info", "[console_scripts]\none = impact_eval.cli:main\n", []),
        ("one-1.0.dist-info", None, []),
        ("one.egg-info", "[impact_eval.designs]\none = one\n", ["one"]),
        ("one", "[impact_eval.designs]\none = one\n", []),
    ],
)
def test_what_packages_declare_is_what_the_standard_library_reads(
    name: str, held: str | None, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are looked through before they are parsed: nothing that speaks of us is passed over."""
    (tmp_path / name).mkdir()
    for file, text in (("entry_points.txt", held), ("METADATA", "Name: one\nVersion: 1.0\n")):
        if text is not None:
            (tmp_path / name / file).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    found = [point.name for point in registries.declared_elsewhere("impact_eval.designs")]
    assert found == told
    assert found == [point.name for point in entry_points(group="impact_eval.designs")]
