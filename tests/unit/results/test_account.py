"""The value section: exact both ways, closed to the leaf, refused when a leaf is not what it is."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from account_sections import section_of
from pydantic import ValidationError

from impact_eval.core.estimate import Estimate, MethodRecord, wald_effect
from impact_eval.core.findings import ImpactEvalError
from impact_eval.results.account_records import (
    AccountSection,
    ValueRefused,
    account_from_record,
    estimates_used,
    people_declared,
    record_of_account,
)
from impact_eval.results.record_base import Record, Rule
from impact_eval.value import Account, ValueMap, tell

OPEN = ("values", "people", "perspectives")  # tables, not records


def employment() -> Estimate:
    row = wald_effect(
        outcome="employment", estimand="att", term="att", estimate=0.08, std_error=0.03
    )
    return Estimate(
        outcome="employment",
        estimand="att",
        method=MethodRecord("did"),
        effects=(row,),
        covariance=np.array([[0.03**2]]),
        counterfactual=True,
        details={"treated_mean": 0.4},
    )


def small() -> ValueMap:
    line = {
        "id": "a", "stakeholder": "Personnes", "outcome": "Effet", "unit": "share",
        "estimate": "employment", "people": {"": 200}, "currency": "EUR", "price_year": 2015,
        "duration": "2.5", "drop_off": "10 % [5 % ; 20 %]", "per_year": 12, "growth": "1 %",
        "bundle": [
            {"name": "=cmd", "kind": "transfer", "payer": "state", "receiver": "household",
             "amount": "10 [8 ; 15] gamma"},
            {"name": "b", "kind": "avoided_cost", "payer": "caf", "amount": 3},
        ],
        "cashable": "20 %",
    }  # fmt: skip
    left = {
        "id": "b", "stakeholder": "Département", "outcome": "Reste", "unit": "count",
        "quantity": "10 [5 ; 15]", "proxy": "-7.5", "kind": "resource_cost", "payer": "departement",
        "currency": "EUR", "price_year": 2025, "survival": ["1", "0.5"], "included": False,
        "reason": "doute",
    }  # fmt: skip
    return ValueMap.from_dict(
        {
            "map": {"currency": "EUR", "price_year": 2025, "discount_rate": "3.2 %"},
            "inputs": [
                {"id": "h", "stakeholder": "Bénévoles", "payer": "volunteers", "hours": 10,
                 "hourly_rate": "14 [10 ; 20]", "kind": "volunteer_time", "currency": "EUR",
                 "price_year": 2025},
            ],
            "lines": [line, left],
            "outputs": [{"id": "o", "description": "Ateliers", "quantity": 12}],
            "not_monetised": [{"id": "n", "stakeholder": "P", "outcome": "Estime", "note": "non"}],
            "correlations": [{"first": "a.drop_off", "second": "h.hourly_rate", "rho": "0.3"}],
            "overrides": [{"guard": "G11", "reason": "petit effet", "author": "A"}],
            "dropped": [{"outcome": "Santé", "reason": "prix"}],
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def accounts() -> dict[str, Account]:
    here = Path(__file__).parents[1] / "value"
    main = {"employment": employment()}
    return {
        "insertion": ValueMap.read(here / "insertion.toml").account(main),
        "wheels": ValueMap.read(here / "wheels_to_meals.toml").account(),
        "small": small().account(main),
    }


@pytest.fixture(scope="module")
def sections(accounts: dict[str, Account]) -> dict[str, AccountSection]:
    return {name: record_of_account(a, tell(a, seed=1)) for name, a in accounts.items()}


def content(section: AccountSection) -> dict[str, Any]:
    data: dict[str, Any] = section.model_dump(mode="json", by_alias=True)
    return data


@pytest.mark.parametrize("name", ["insertion", "wheels", "small"])
def test_the_round_trip_is_exact(
    accounts: dict[str, Account], sections: dict[str, AccountSection], name: str
) -> None:
    account, section = accounts[name], sections[name]
    again = section_of(json.loads(section.model_dump_json(by_alias=True)))
    assert again == section
    back = account_from_record(section)
    assert (back.value_map, back.flows, back.findings) == (
        account.value_map, account.flows, account.findings,
    )  # fmt: skip
    assert (back.lines, back.quantities.lines) == (account.lines, account.quantities.lines)
    assert back.vintage == section.vintage == account.vintage
    assert back.to_dict() == account.to_dict()
    assert record_of_account(back, tell(back, seed=1)) == section


def test_the_section_holds_the_keys_of_the_account(
    accounts: dict[str, Account], sections: dict[str, AccountSection]
) -> None:
    """What others read has not moved: the same keys, the same exact texts, and what is told."""
    for name, account in accounts.items():
        old, new = account.to_dict(), content(sections[name])
        assert set(new) - set(old) == {"told"}
        # what can be added up again from the flows is not repeated
        assert {name: old["sroi"][name] for name in new["sroi"]} == new["sroi"]
        for key in ("perspectives", "lines", "flows", "balance", "avoided", "tested"):
            assert new[key] == old[key]
        assert new["quantities"]["lines"] == old["quantities"]["lines"]
        for row, stated in zip(new["value_map"]["lines"], old["value_map"]["lines"], strict=True):
            # a share of one has its sign where somebody may type it; a record holds exact numbers
            told = {k: "1" if v == "100 %" else v for k, v in stated.items() if k != "bundle"}
            assert {k: v for k, v in row.items() if k in told} == told
            assert all(row[k] is None for k in set(row) - set(stated))


def _objects(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield path, schema
        for key, part in schema.items():
            yield from _objects(part, f"{path}/{key}")
    elif isinstance(schema, list):
        for key, part in enumerate(schema):
            yield from _objects(part, f"{path}/{key}")


# leaves added since the first accounts were written: files without them are still read
ADDED = {
    "bounds", "certain", "discount_schedule", "guards", "population", "public", "solidity",
    "standing",
}  # fmt: skip


def test_no_object_of_the_schema_is_open() -> None:
    schema = AccountSection.model_json_schema()
    found = list(_objects(schema))
    assert len(found) > 40
    for path, part in found:
        more = part.get("additionalProperties")
        assert more is False or (isinstance(more, dict) and more), path
        if more is False and "required" in part:  # the values of a finding are there or not
            assert set(part["properties"]) - set(part["required"]) <= ADDED, path


def test_the_schema_accepts_what_the_record_writes(sections: dict[str, AccountSection]) -> None:
    schema = AccountSection.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    fits = jsonschema.Draft202012Validator(schema)
    for section in sections.values():
        fits.validate(content(section))


def _leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(data, (dict, list)) and path:
        yield path
    if isinstance(data, dict):
        for key, part in data.items():
            if key not in OPEN or path == ("quantities",):
                yield from _leaves(part, (*path, key))
    elif isinstance(data, list):
        for key, part in enumerate(data):
            yield from _leaves(part, (*path, key))
    else:
        yield path


def _wrong(value: Any) -> Any:
    """Return something of another type than a value's."""
    if isinstance(value, str):
        return 7
    if value is None:
        return {"banana": 1}
    if isinstance(value, list):
        return {"banana": value}
    return [value] if isinstance(value, dict) else "banana"


def mutated(data: dict[str, Any], rng: random.Random) -> tuple[str, dict[str, Any]]:
    """Return a copy in which one thing is wrong, and what it is."""
    out = copy.deepcopy(data)
    paths = list(_leaves(out))
    kind = rng.choice(["type", "missing", "unknown", "nan"])
    while True:
        path = rng.choice(paths)
        owner: Any = out
        for key in path[:-1]:
            owner = owner[key]
        value = owner[path[-1]]
        if kind == "type":
            owner[path[-1]] = _wrong(value)
        elif kind == "missing" and isinstance(owner, dict) and path[-1] not in ADDED:
            del owner[path[-1]]
        elif kind == "unknown" and isinstance(owner, dict):
            owner["banana"] = 1
        elif kind == "nan" and isinstance(value, float):
            owner[path[-1]] = rng.choice([float("nan"), float("inf")])
        else:
            continue
        return f"{kind} {path}", out


def test_three_hundred_mutations_are_refused(sections: dict[str, AccountSection]) -> None:
    rng = random.Random(8)
    whole = [content(section) for section in sections.values()]
    kept = []
    for _ in range(300):
        what, data = mutated(rng.choice(whole), rng)
        try:
            section_of(data)
        except ValueError:
            continue
        kept.append(what)
    assert kept == []


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("vintage",), "banana"),
        (("value_map", "map", "timing"), "some day"),
        (("value_map", "map", "price_year"), 25),
        (("value_map", "lines", 0, "payer"), "la CAFF"),
        (("value_map", "lines", 0, "proxy"), "=1+1"),
        (("quantities", "lines", 0, "std_error"), -1.0),
        (("quantities", "lines", 0, "conf_low"), 1e9),
        (("quantities", "lines", 0, "value"), "1e3"),
        (("quantities", "values"), []),
        (("quantities", "covariance"), [[-1.0]]),
        (("quantities", "covariance"), [[1.0, 2.0]]),
        (("flows", 0, "amount"), "12,5"),
        (("told", "probability"), 1.2),
        (("told", "net", "low"), 1e12),
        (("told", "net", "level"), 95.0),
        (("told", "people"), -3),
        (("told", "matrix", "years"), [0]),
        (("perspectives",), {"somebody": "1"}),
        (("sroi", "by_year"), {"first": "1"}),
        (("findings",), [{"code": "a b", "severity": "info", "values": {}, "place": None}]),
    ],
)
def test_what_is_out_of_its_bounds_is_refused(
    sections: dict[str, AccountSection], path: tuple[Any, ...], wrong: Any
) -> None:
    data = content(sections["insertion"])
    owner: Any = data
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = wrong
    with pytest.raises(ValidationError):
        section_of(data)


def test_a_section_may_be_refused_or_absent() -> None:
    assert section_of(None) is None
    assert section_of({"not_applicable": "withheld"}) == ValueRefused(not_applicable="withheld")
    with pytest.raises(ValidationError):
        section_of({"not_applicable": "withheld", "net": 3})


def test_an_account_with_a_hole_is_not_read_back(sections: dict[str, AccountSection]) -> None:
    section = sections["insertion"]
    flow = section.flows[0].model_copy(update={"amount": None})
    holed = section.model_copy(update={"flows": (flow, *section.flows[1:])})
    with pytest.raises(ImpactEvalError) as caught:
        account_from_record(holed)
    assert caught.value.codes == ("account_withheld",)


def _records(model: type[Record], seen: set[type[Record]]) -> set[type[Record]]:
    import typing

    def inside(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, Record):
            if annotation not in seen:
                seen.add(annotation)
                for info in annotation.model_fields.values():
                    inside(info.annotation)
            return
        for part in typing.get_args(annotation):
            inside(part)

    inside(model)
    return seen


def test_each_leaf_says_what_it_discloses() -> None:
    models = _records(AccountSection, set())
    assert len(models) > 35
    rules = {(m.__name__, name): rule for m in models for name, rule in m.rules.items()}
    assert rules["SettingsRecord", "people"] is Rule.PEOPLE
    assert rules["MapLineRecord", "people"] is Rule.PEOPLE
    assert rules["ValueToldRecord", "people"] is Rule.PEOPLE
    assert rules["MapLineRecord", "proxy"] is Rule.FREE
    assert rules["MapLineRecord", "outcome"] is Rule.LABEL
    for name in ("net", "probability", "ratio"):
        assert rules.get(("ValueToldRecord", name), Rule.AMOUNT) is Rule.AMOUNT
    rest = {rule for (model, _), rule in rules.items() if model in ("SroiRecord", "RangeRecord")}
    assert rest == {Rule.AMOUNT, Rule.FREE}


def test_the_gate_knows_what_an_account_stands_on(sections: dict[str, AccountSection]) -> None:
    assert estimates_used(sections["insertion"]) == ("employment",)
    assert estimates_used(sections["wheels"]) == ()
    assert people_declared(sections["small"]) == (200, 200)  # of the line, and of its load
    assert people_declared(sections["wheels"]) == ()


def test_people_of_several_cohorts_are_all_known() -> None:
    rows = [
        wald_effect(outcome="e", estimand="att", term="group", group=g, estimate=0.1, std_error=0.1)
        for g in (2018, 2019)
    ]
    both = replace(employment(), outcome="e", effects=tuple(rows), covariance=0.01 * np.eye(2))
    raw = small().to_dict()
    keys = [row.key for row in rows]
    line: dict[str, Any] = {**raw["lines"][0], "estimate": "e"}
    line |= {"people": {keys[0]: Decimal(7), keys[1]: Decimal(90)}}
    account = ValueMap.from_dict({**raw, "lines": [line], "correlations": []}).account({"e": both})
    section = record_of_account(account, tell(account, seed=1, draws=50))
    assert sorted(people_declared(section)) == [7, 7, 90, 90]
    assert account_from_record(section).value_map == account.value_map
