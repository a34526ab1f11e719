"""What an installation brings: no GPL, a page that lists it, a bill that two runs write alike."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def supply() -> ModuleType:
    spec = importlib.util.spec_from_file_location("supply", ROOT / "docs" / "supply.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["supply"] = module
    spec.loader.exec_module(module)
    return module


def test_no_copyleft_in_the_base_installation(supply: ModuleType) -> None:
    held = {one.name: one.licence for one in supply.base()}
    assert len(held) > 50
    assert {"numpy", "pandas", "statsmodels", "papermill"} <= set(held)
    strong = re.compile(r"\bA?GPL|(?<!Lesser )General Public", re.IGNORECASE)
    assert {name: told for name, told in held.items() if strong.search(told)} == {}
    assert [name for name, told in held.items() if told == "not declared"] == []


def test_what_an_extra_needs_is_not_in_the_base(supply: ModuleType) -> None:
    held = {one.name for one in supply.base()}
    assert held.isdisjoint({"jupyterlab", "polars", "pyreadstat", "dask", "sphinx", "pytest"})


def test_the_page_lists_every_distribution_of_the_lock(supply: ModuleType) -> None:
    text = supply.PAGE.read_text(encoding="utf-8")
    pins = supply.locked()
    for one in supply.base():
        version = pins[one.name].version if one.name in pins else one.version
        assert f"| {one.name} | {version} |" in text


def test_the_bill_is_whole_and_the_same_twice(supply: ModuleType) -> None:
    one, other = (json.dumps(supply.bill(), indent=1) for _ in range(2))
    assert one == other
    told = json.loads(one)
    assert (told["bomFormat"], told["specVersion"], told["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", told["serialNumber"])
    refs = [part["bom-ref"] for part in told["components"]]
    assert len(set(refs)) == len(refs) == len(supply.base())
    assert all(re.fullmatch(r"pkg:pypi/[a-z0-9.-]+@[\w.+-]+", ref) for ref in refs)
    assert all(part["properties"] for part in told["components"])
    assert set(told["dependencies"][0]["dependsOn"]) == set(refs)
