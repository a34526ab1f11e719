"""Adding a value parameter is one entry: CONTRIBUTING followed to the letter, on a copy."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.report.texts import render_error
from impact_eval.value.map.parameters import read_catalogue

FILES = ("social_fr.toml", "method.toml", "indices.toml", "fiscal_cases.toml")
ADDED = "social_fr.toml"
Plant = Callable[[str], dict[str, str]]


@pytest.fixture(scope="module")
def recipe(root: Path) -> str:
    """The entry that the how-to page shows."""
    page = (root / "docs/how-to/add-a-value-parameter.md").read_text("utf-8")
    block = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert block is not None
    return block[1]


@pytest.fixture(scope="module")
def plant(root: Path, recipe: str) -> Plant:
    """Return the texts of the whole catalogue, with one more entry written as the page says."""
    folder = root / "impact_eval" / "value" / "catalogue"

    def planted(entry: str) -> dict[str, str]:
        texts = {name: (folder / name).read_text("utf-8") for name in FILES}
        return {**texts, ADDED: f"{texts[ADDED]}\n{entry}"}

    return planted


def test_one_entry_is_all_it_takes(root: Path, recipe: str, tmp_path: Path) -> None:
    """Copy the package, add the page's entry to its file, and price a map with it."""
    copied = tmp_path / "impact_eval"
    shutil.copytree(root / "impact_eval", copied, ignore=shutil.ignore_patterns("__pycache__"))
    file = copied / "value" / "catalogue" / ADDED
    file.write_text(f"{file.read_text('utf-8')}\n{recipe}", encoding="utf-8")
    program = """
from impact_eval.value import ValueMap
line = dict(id="a", stakeholder="x", outcome="y", quantity=2, unit="count", duration=1,
            deadweight="50 %", per_year=12, parameter="thing@2025", cashable="100 %")
paid = dict(id="g", stakeholder="d", payer="departement", amount=1, currency="EUR", price_year=2025)
settings = dict(currency="EUR", price_year=2025, discount_rate=0)
account = ValueMap.from_dict({"map": settings, "inputs": [paid], "lines": [line]}).account()
avoided = account.avoided[0]
print(avoided.payer.value, float(avoided.cashable), account.value_map.lines[0].price.proxy_source)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # 2 units x half x 120.5 euros x 12 months
    assert done.stdout.strip() == "departement 1446.0 Who says so, page"


# the kinds of fault: what is written instead of a line of the entry, the key told, and what the
# refusal says was expected
FAULTS: dict[str, tuple[str, str, str, str]] = {
    "identifier of another figure": ('id = "thing@2025"', 'id = "rsa_single@2015"', "", ""),
    "identifier without a date": ('id = "thing@2025"', 'id = "thing"', "id", "@"),
    "item of another": ('item = "thing"', 'item = "other"', "item", ""),
    "unit unknown": ('unit = "per month"', 'unit = "per moon"', "unit", "per month"),
    "currency unknown": ('currency = "EUR"', 'currency = "EUX"', "currency", "EUR"),
    "currency missing": ('currency = "EUR"', "", "currency", ""),
    "price year missing": ("price_year = 2025", "", "price_year", ""),
    "price year absurd": ("price_year = 2025", "price_year = 20255", "price_year", "2026"),
    "price year to come": ("price_year = 2025", "price_year = 2030", "price_year", "2026"),
    "price year before the euro zone knew prices": (
        "price_year = 2025", "price_year = 205", "price_year", "1990"),
    "price year in words": ("price_year = 2025", 'price_year = "2025"', "price_year", ""),
    "place unknown": ('mark = "V"', 'mark = "V"\ngeography = "Mars"', "geography", "FR"),
    "payer unknown": ('payer = "departement"', 'payer = "conseil"', "payer", "departement"),
    "payer missing": ('payer = "departement"', "", "payer", ""),
    "receiver is the payer": ('"beneficiary"', '"departement"', "receiver", ""),
    "kind unknown": ('"avoided_transfer"', '"gift"', "kind", "avoided_transfer"),
    "basis unknown": ('"income"', '"guess"', "basis", "income"),
    "costing unknown": ('"marginal"', '"total"', "costing", "marginal"),
    "mark unknown": ('mark = "V"', 'mark = "X"', "mark", "V"),
    "expiry not a date": ('"2027-04-01"', '"spring"', "expires", "2027-04-01"),
    "expiry on no calendar": ('"2027-04-01"', '"2027-02-30"', "expires", "2027-04-01"),
    "expiry before its year": ('"2027-04-01"', '"2024-04-01"', "expires", "2025"),
    "range reversed": ("value = 120.5", "value = 120.5\nlow = 130\nhigh = 90", "value", ""),
    "amount outside its range": ("value = 120.5", "value = 120.5\nlow = 1\nhigh = 2", "value", ""),
    "range with one end": ("value = 120.5", "value = 120.5\nlow = 1", "value", "94 [80"),
    "law unknown": (
        "value = 120.5", 'value = 120.5\nlow = 90\nhigh = 140\nlaw = "flat"', "value", "pert"),
    "law that cannot be": (
        "value = 120.5", 'value = 120.5\nlow = 90\nhigh = 140\nlaw = "beta"', "value", "pert"),
    "text for a number": ("value = 120.5", 'value = "a lot"', "value", "1234,5"),
    "no number": ("value = 120.5", "value = nan", "value", "1234,5"),
    "infinite": ("value = 120.5", "value = inf", "value", "1234,5"),
    "below zero": ("value = 120.5", "value = -120.5", "value", ""),
    "amount missing": ("value = 120.5", "", "value", ""),
    "no source": ('source = "Who says so, page"', "", "source", ""),
    "source that says nothing": ('source = "Who says so, page"', 'source = " "', "source", ""),
    "name in one language": (', en = "…"', "", "label", "anglais"),
    "rival that does not exist": ('mark = "V"', 'mark = "V"\nrivals = ["no"]', "rivals", ""),
    "rival that does not answer": (
        'mark = "V"', 'mark = "V"\nrivals = ["rsa_single@2015"]', "rivals", "rsa_single@2015"),
    "index that does not exist": ('mark = "V"', 'mark = "V"\nindex = "cpi"', "index", "fr_cpi"),
    "key unknown": ('unit = "per month"', 'unit = "per month"\nuints = 1', "uints", "unit"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
def test_each_kind_of_fault_is_refused_in_words(kind: str, recipe: str, plant: Plant) -> None:
    """In a copy of the whole catalogue: the entry, its key and what was expected are told."""
    right, wrong, key, expected = FAULTS[kind]
    entry = recipe.replace(right, wrong, 1)
    assert entry != recipe
    with pytest.raises(ImpactEvalError) as caught:
        read_catalogue(plant(entry))
    name = re.search(r'^id = "(.*?)"', entry, re.MULTILINE)
    assert name is not None
    for language in ("fr", "en"):
        told = render_error(caught.value, language)
        assert ADDED in told
        assert f"{name[1]}.{key}" if key else name[1] in told
        if language == "fr":
            assert expected in told
        assert "Pour corriger" in told or "Attendu" in told or language == "en"


def test_a_key_written_twice_is_told_with_its_line(recipe: str, plant: Plant) -> None:
    texts = plant(recipe.replace('mark = "V"', 'mark = "V"\nmark = "C"'))
    with pytest.raises(ImpactEvalError) as caught:
        read_catalogue(texts)
    place = caught.value.findings[0].place
    assert place is not None
    assert place.file == ADDED
    assert place.row is not None
    assert texts[ADDED].splitlines()[place.row - 1].startswith("mark")
