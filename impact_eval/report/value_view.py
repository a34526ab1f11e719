"""An account as the report tells it: what each party pays and gains, and how sure that is.

The account of `results.json` is exact and whole; this reads it back and asks the value floor for
its draws, its tornado and its switching values, with the study's seed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from impact_eval.core.findings import ImpactEvalError, NotApplicable
from impact_eval.core.inference import critical_value
from impact_eval.core.provenance import canonical_json
from impact_eval.report.blocks import Said, say
from impact_eval.report.wording import headline_results, said, written
from impact_eval.value.account import Account
from impact_eval.value.cea import cost_per_outcome
from impact_eval.value.headline import Sentence, headline
from impact_eval.value.sensitivity import (
    Variant,
    discount_variants,
    displacement_variants,
    switching_value,
    tornado,
    without_largest_line,
)
from impact_eval.value.simulate import Uncertainty, simulate, uncertainty_of
from impact_eval.value.tables import account_matrix, avoided_table, dropped_table
from impact_eval.value.vocabulary import Perspective, QuantitySource

ACCOUNT_SCHEMA = "impact-eval/account/"
DRAWS = 10_000
LONGEST = 8


def value_of(results: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the value section as the builders read it; None when the study has no value map."""
    value = results.get("value")
    if not value:
        return None
    if not str(value.get("schema", "")).startswith(ACCOUNT_SCHEMA):
        return dict(value)
    seed = int((results.get("provenance") or {}).get("seed", 1))
    labels = {r["outcome"]: r.get("label") for r in results.get("estimates", ()) if r.get("label")}
    return _view(canonical_json(value), seed, _level(results, value), canonical_json(labels))


def _level(results: Mapping[str, Any], value: Mapping[str, Any]) -> int:
    """Return the lowest evidence level among the effects the account stands on."""
    used = {line.get("estimate") for line in value["value_map"].get("lines", ())}
    records = [r for r in results.get("estimates", ()) if r.get("role", "main") == "main"]
    read = [r for r in records if r["outcome"] in used] or records
    found = headline_results(read)
    return min((result.level for result in found), default=0)


@lru_cache(maxsize=8)
def _view(text: str, seed: int, level: int, labels: str) -> Mapping[str, Any]:
    account = Account.from_dict(json.loads(text))
    return value_view(account, level=level, seed=seed, labels=json.loads(labels))


def value_view(
    account: Account, *, level: int, seed: int, labels: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what the report tells of an account; see `narrative_value` for the keys.

    Parameters
    ----------
    account : Account
    level : int
        Evidence level of the effects it stands on.
    seed : int
        Of the draws.
    labels : mapping, optional
        The study's own words for its outcomes, in both languages: they name the lines that stand
        on them.
    """
    names = _line_names(account, labels or {})
    refusal = account.refusal
    uncertainty = uncertainty_of(simulate(account, draws=DRAWS, seed=seed))
    net = uncertainty.net
    out: dict[str, Any] = {
        "level": level,
        "people": _people(account),
        "net": {
            "estimate": float(account.perspectives[Perspective.SOCIETY.value]),
            "low": net.conf_low,
            "high": net.conf_high,
        },
        "probability": uncertainty.chance_positive,
        "parties": _parties(account),
        "lines": _lines(account, names),
        "sensitivity": _bars(account, names),
        "switching": _switching(account, names),
        "cumulative": _cumulative(account),
        "findings": [_named(f.to_dict(), labels or {}) for f in account.findings],
    }
    if refusal is None and uncertainty.ratio_low is not None:
        ratio = account.sroi().ratio
        if not isinstance(ratio, NotApplicable):
            out["ratio"] = {
                "estimate": float(ratio),
                "low": uncertainty.ratio_low,
                "high": uncertainty.ratio_high,
            }
    return {**out, **_told(account, uncertainty), **_cost_per_result(account)}


def _named(finding: dict[str, Any], labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding whose outcomes have the study's own words."""
    names = finding["values"].get("names")
    if not isinstance(names, list):
        return finding
    said_names = [labels.get(name, name) for name in names]
    return {**finding, "values": {**finding["values"], "names": said_names}}


def _told(account: Account, uncertainty: Uncertainty) -> dict[str, Any]:
    """Return the sentence that may be said, avoided costs, what another choice gives, the rest."""
    sentence = headline(account, uncertainty)
    out: dict[str, Any] = {
        "avoided": avoided_table(account).to_dict("records"),
        "variants": [
            {"what": v.what, "value": v.value, "net": float(v.net)}
            for v in (*discount_variants(account), *displacement_variants(account))
        ],
        "dropped": dropped_table(account)[["outcome", "reason"]].to_dict("records"),
    }
    matrix = account_matrix(account)
    out["matrix"] = {
        "years": [int(year) for year in matrix.columns[:-1]],
        "rows": [
            {"name": name, "amounts": [float(cell) for cell in row]}
            for name, row in zip(matrix.index, matrix.to_numpy(), strict=True)
        ],
    }
    largest = without_largest_line(account)
    if isinstance(largest, Variant):
        out["variants"].append(
            {"what": largest.what, "value": largest.value, "net": float(largest.net)}
        )
    if isinstance(sentence, Sentence):
        central = account.sroi().ratio  # the number printed beside it, not the mean of the draws
        ratio = sentence.values["ratio"] if isinstance(central, NotApplicable) else float(central)
        values = {**sentence.values, "ratio": ratio}
        out["headline"] = {"code": sentence.code, "values": values}
    return out


def _people(account: Account) -> int | None:
    people = account.value_map.settings.people
    return None if people is None else int(people)


def _parties(account: Account) -> list[dict[str, Any]]:
    """Return what each account pays and gains, in present value, the largest payer first."""
    pays: dict[str, float] = {}
    gains: dict[str, float] = {}
    for flow in account.counted:
        for agent in (flow.payer, flow.receiver):
            if agent is None:
                continue
            amount = float(flow.for_agent(agent) * flow.present)
            side = gains if amount > 0 else pays
            side[agent.value] = side.get(agent.value, 0.0) + abs(amount)
    names = sorted({*pays, *gains}, key=lambda n: (-pays.get(n, 0.0), -gains.get(n, 0.0), n))
    return [{"name": n, "pays": pays.get(n, 0.0), "gains": gains.get(n, 0.0)} for n in names]


def _line_names(account: Account, labels: Mapping[str, Any]) -> dict[str, Said]:
    """Return a name for every line and every estimated outcome."""
    out: dict[str, Said] = {}
    for line in account.value_map.lines:
        label = labels.get(line.estimate or "")
        out[line.id] = said(label) if label else (line.outcome or line.id)
        if line.estimate:
            out.setdefault(line.estimate, out[line.id])
    return out


def _lines(account: Account, names: Mapping[str, Said]) -> list[dict[str, Any]]:
    declared = {line.id: line for line in account.value_map.lines}
    return [
        {
            "name": names[line.line],
            "quantity": float(line.quantity.value),
            "unit_value": float(line.unit_value),
            "amount": float(line.present),
            "source": declared[line.line].proxy_source,
        }
        for line in account.lines
        if line.included
    ]


def _bars(account: Account, names: Mapping[str, Said]) -> list[dict[str, Any]]:
    return [
        {"name": number_name(bar.name, names), "low": bar.net_low, "high": bar.net_high}
        for bar in tornado(account)[:LONGEST]
        if bar.width > 0
    ]


def number_name(name: str, names: Mapping[str, Said]) -> Said:
    """Return an uncertain number's name in words: what it is, and of which line or outcome."""
    if "/" in name:
        outcome = name.split("/", 1)[0]
        line = names.get(outcome, outcome)
        return say("value_number.of", what=say("value_number.effect"), line=line)
    owner, _, part = name.rpartition(".")
    code = f"value_number.{part}"
    what = say(code) if written(code) else part
    return say("value_number.of", what=what, line=names.get(owner, owner)) if owner else what


def _switching(account: Account, names: Mapping[str, Said]) -> list[dict[str, Any]]:
    """Return the quantity of each estimated line at which the net value is zero."""
    out = []
    for line in account.lines:
        if not line.included or line.quantity.source is not QuantitySource.ESTIMATE:
            continue
        try:
            found = switching_value(account, [line.line], "quantity")
        except ImpactEvalError:
            continue
        if isinstance(found, NotApplicable) or not found.reachable:
            continue
        value = (
            say("value_number.per_100", x=float(found.people))
            if found.people is not None
            else say("value_number.times", x=float(found.switching))
        )
        name = number_name(f"{line.line}.quantity", names)
        out.append({"name": name, "value": value})
    return out


def _cumulative(account: Account) -> list[dict[str, Any]]:
    """Return the cumulative social balance in present value, year after year."""
    by_year: dict[int, float] = {}
    for (_, year), amount in account.matrix().items():
        by_year[year] = by_year.get(year, 0.0) + float(amount)
    total, out = 0.0, []
    for year in sorted(by_year):
        total += by_year[year]
        out.append({"year": year, "balance": total})
    return out


def _cost_per_result(account: Account) -> dict[str, Any]:
    """Return the cost by person, and by additional result of the first estimated line."""
    cost = float(account.inputs_present())
    out: dict[str, Any] = {}
    people = _people(account)
    if people:
        out["per_person"] = cost / people
    estimated: Sequence[Any] = [
        line.quantity
        for line in account.lines
        if line.included and line.quantity.source is QuantitySource.ESTIMATE
    ]
    if len(estimated) == 1 and estimated[0].counterfactual:
        q = estimated[0]
        found = cost_per_outcome(cost, float(q.value), q.conf_low, q.conf_high)
        if not isinstance(found.ratio, NotApplicable) and found.conf_low is not None:
            out["per_outcome"] = {
                "estimate": found.ratio,
                "low": found.conf_low,
                "high": found.conf_high,
            }
            out["acceptability"] = _acceptability(cost, float(q.value), q.conf_low, q.conf_high)
    return out


def _acceptability(cost: float, quantity: float, low: float, high: float) -> list[list[float]]:
    """Return the chance that the action is worth its cost, by value given to one more result."""
    error = (high - low) / 2 / critical_value(0.95)
    values = np.linspace(0, 3 * cost / quantity, 13)[1:]
    chances = special.ndtr((values * quantity - cost) / (values * error))
    return [[float(value), float(chance)] for value, chance in zip(values, chances, strict=True)]
