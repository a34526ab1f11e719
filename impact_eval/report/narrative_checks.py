"""What was checked: one row per check, then the detail that deserves a figure or a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from impact_eval.core.vocabulary import Unit as Vocabulary
from impact_eval.report.blocks import (
    Absent,
    AnyBlock,
    Cell,
    Column,
    Form,
    Heading,
    Paragraph,
    Said,
    Table,
    Words,
    say,
)
from impact_eval.report.figures.people import Balance, data_for_balance
from impact_eval.report.figures.robustness import Departure, data_for_honest
from impact_eval.report.quantities import unit_of
from impact_eval.report.wording import Result, pick, result_of, said, written

Results = Mapping[str, Any]

PASSED, WARNING, FAILED, NOT_APPLICABLE = "passed", "warning", "failed", "not_applicable"
_FORMS = {"p_value": Form.P_VALUE, "n": Form.INTEGER, "share": Form.PERCENT_1}
LONGEST_TABLE = 25


# what a check says in the unit of the outcome; the rest has none (shares, standard deviations)
IN_UNIT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "pretrends": ("largest", "effect", "slope_50", "bias_50"),
        "leave_one_out": ("lowest", "highest", "estimate", "without"),
        "anticipation": ("estimate",),
        "synthetic_fit": ("rmspe",),
    }
)
SIZES = frozenset({"largest", "slope_50", "bias_50", "rmspe"})  # told without a sign
TOLD_ELSEWHERE = frozenset({"few_clusters"})  # the dossier shows its intervals


def check_blocks(results: Results) -> list[AnyBlock]:
    """Return the checks: how many passed, one table, then figures for balance and departures."""
    checks = list(results.get("checks", ()))
    out: list[AnyBlock] = [Heading(level=2, words=say("report.section.checks"), anchor="checks")]
    message = check_message(results)
    if message is None:
        return [*out, Paragraph(words=(say("sentence.checks.none"),))]
    labels = _labels(results)
    failed = [
        say("checks.of", check=_name(c["check"]), outcome=labels.get(c["outcome"], c["outcome"]))
        for c in checks
        if _status(c) == FAILED
    ]
    words: list[Said] = [message]
    if failed:
        words.append(say("sentence.checks.failed_named", names=failed))
    out.append(Paragraph(words=tuple(words)))
    headlines = {r["outcome"]: result_of(r) for r in _main_records(results)}
    out += [
        _table(labels.get(name, name), group, headlines.get(name))
        for name, group in _by_outcome(checks)
    ]
    primary = headline_outcome(results)
    for record in checks:
        shown = record["outcome"] == primary or _status(record) == FAILED
        if shown and _status(record) != NOT_APPLICABLE:
            result = headlines.get(record["outcome"])
            out += [block for block in _detail(results, record, result) if block not in out]
    return out


def headline_outcome(results: Results) -> str | None:
    """Return the outcome whose checks are shown in detail: the primary one, else the first."""
    records = sorted(_main_records(results), key=lambda record: not record.get("primary", False))
    return str(records[0]["outcome"]) if records else None


def _main_records(results: Results) -> list[Mapping[str, Any]]:
    return [r for r in results["estimates"] if r.get("role", "main") == "main"]


def check_message(results: Results, outcome: str | None = None) -> Words | None:
    """Return how many checks passed (of one outcome when named); None when none applies."""
    states = [
        _status(c)
        for c in results.get("checks", ())
        if _status(c) != NOT_APPLICABLE and outcome in (None, c["outcome"])
    ]
    if not states:
        return None
    passed, warning, failed = (states.count(s) for s in (PASSED, WARNING, FAILED))
    of, named = ("", {}) if outcome is None else ("_of", {"outcome": _labels(results)[outcome]})
    if passed == len(states):
        return say(f"sentence.checks.all_passed{of}", n=passed, **named)
    counts = {"n": len(states), "passed": passed, "warning": warning, "failed": failed}
    return say(f"sentence.checks.mixed{of}", **counts, **named)


def _status(record: Mapping[str, Any]) -> str:
    return str(record["check"]["status"])


def _name(check: Mapping[str, Any]) -> Words:
    code = check["code"]
    return pick(f"check.{code}.name", f"check.{code}", f"label.{code}")


def _labels(results: Results) -> dict[str, Said]:
    return {r["outcome"]: said(r.get("label") or r["outcome"]) for r in results["estimates"]}


def _by_outcome(
    checks: Sequence[Mapping[str, Any]],
) -> list[tuple[str, list[Mapping[str, Any]]]]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for record in checks:
        groups.setdefault(record["outcome"], []).append(record["check"])
    return list(groups.items())


def _table(outcome: Said, checks: Sequence[Mapping[str, Any]], result: Result | None) -> Table:
    columns = (
        Column(key="check", label=say("checks.name"), header=True),
        Column(key="status", label=say("checks.status")),
        Column(key="p_value", label=say("checks.p_value"), form=Form.P_VALUE),
        Column(key="finding", label=say("checks.finding")),
    )
    rows = tuple(
        (
            _name(check),
            say(f"checks.{check['status']}"),
            check.get("p_value"),
            check_finding(check, result),
        )
        for check in checks
    )
    return Table(caption=say("checks.caption_of", outcome=outcome), columns=columns, rows=rows)


def check_finding(check: Mapping[str, Any], result: Result | None = None) -> Words:
    """Return what a check found, in a sentence; effects are told in the unit of the result."""
    code, status, reason = check["code"], check["status"], check.get("reason")
    found = check.get("values", {})
    values = {
        **found,
        **{key: _in_unit(found[key], key, result) for key in IN_UNIT.get(code, ()) if key in found},
        "statistic": check.get("statistic"),
        "p_value": check.get("p_value"),
    }
    if status == NOT_APPLICABLE:
        why = pick(f"reason.{reason}", f"finding.{reason}", "reason.unknown", **values)
        return say("checks.reason_na", reason=why)
    by_reason = (f"check.{code}.{reason}", f"check_reason.{reason}") if reason else ()
    return pick(
        *by_reason,
        f"check.{code}.{status}",
        f"check.{code}.found",
        "checks.finding_plain",
        **values,
    )


def _in_unit(value: Any, key: str, result: Result | None) -> Any:
    """Return an effect in the unit of its outcome, with one digit more than a whole number."""
    if result is None or not isinstance(value, (int, float)):
        return value
    unit = result.unit
    digits = result.digits if unit.code == Vocabulary.EUR else max(result.digits, 1)
    if key in SIZES:
        return unit.size(value, digits)
    if key == "std_error":
        return say(f"number.dec{digits}", x=unit.factor * value)
    return unit.change(value, digits)


def _detail(results: Results, record: Mapping[str, Any], result: Result | None) -> list[AnyBlock]:
    check = record["check"]
    rows = list(check.get("rows", ()))
    if not rows or check["code"] in TOLD_ELSEWHERE:
        return []
    if "standardised" in rows[0] and "variable" in rows[0]:
        return _balance(rows)
    if {"m", "conf_low", "conf_high"} <= set(rows[0]):
        return _honest(results, record, rows)
    return [_rows_table(check, [_told_row(row, result) for row in rows[:LONGEST_TABLE]])]


def _balance(rows: Sequence[Mapping[str, Any]]) -> list[AnyBlock]:
    known = [r for r in rows if r.get("standardised") is not None]
    if not known:
        return []
    return [
        data_for_balance(
            [Balance(r["variable"], r["standardised"], r.get("standardised_after")) for r in known]
        )
    ]


def _honest(
    results: Results, record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> list[AnyBlock]:
    unit = next(
        (r.get("unit") for r in results["estimates"] if r["outcome"] == record["outcome"]), None
    )
    values = record["check"].get("values", {})
    departures = [Departure(None, values.get("conf_low"), values.get("conf_high"))]
    departures = [d for d in departures if d.low is not None]
    departures += [Departure(r["m"], r["conf_low"], r["conf_high"]) for r in rows]
    if len(departures) < 2:
        return []
    return [data_for_honest(departures, unit_of(unit))]


def _told_row(row: Mapping[str, Any], result: Result | None) -> Mapping[str, Any]:
    """Return a row with its effects in the unit of the result, and its false dates in words."""
    if row.get("kind") == "outcome":  # another outcome has another unit
        return row
    told = {
        key: _in_unit(value, key, result) if key in {"estimate", "std_error"} else value
        for key, value in row.items()
    }
    name = str(row.get("name", ""))
    if row.get("kind") == "date" and name.lstrip("-").isdigit():
        told["name"] = say("checks.lead", n=abs(int(name)))
    return told


def _rows_table(check: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Table:
    keys = list(rows[0])
    columns = tuple(
        Column(
            key=key,
            label=pick(f"label.{key}", f"check_column.{key}") if _known(key) else key,
            form=_form(key, rows),
            header=index == 0,
        )
        for index, key in enumerate(keys)
    )
    cells = tuple(tuple(_cell(row.get(key)) for key in keys) for row in rows)
    return Table(
        caption=say("checks.rows_caption", check=_name(check)), columns=columns, rows=cells
    )


def _known(key: str) -> bool:
    return written(f"label.{key}") or written(f"check_column.{key}")


def _form(key: str, rows: Sequence[Mapping[str, Any]]) -> Form:
    if key in _FORMS:
        return _FORMS[key]
    values = [row.get(key) for row in rows if row.get(key) is not None]
    if key.startswith("n_") or all(isinstance(v, int) for v in values):
        return Form.INTEGER
    if all(isinstance(v, (int, float)) for v in values):
        return Form.SIGNIFICANT
    return Form.LABEL


def _cell(value: Any) -> Cell:
    if value is None:
        return Absent(reason="unknown")
    if isinstance(value, (list, tuple)):
        return ", ".join(str(v) for v in value)
    return value  # type: ignore[no-any-return]  # a scalar of a results file
