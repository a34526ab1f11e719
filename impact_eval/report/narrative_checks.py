"""What was checked: one row per check, then the detail that deserves a figure or a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
from impact_eval.report.wording import pick, said, written

Results = Mapping[str, Any]

PASSED, WARNING, FAILED, NOT_APPLICABLE = "passed", "warning", "failed", "not_applicable"
_FORMS = {"p_value": Form.P_VALUE, "n": Form.INTEGER, "share": Form.PERCENT_1}
LONGEST_TABLE = 25


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
    out += [_table(name, group) for name, group in _by_outcome(results, checks)]
    primary = headline_outcome(results)
    for record in checks:
        shown = record["outcome"] == primary or _status(record) == FAILED
        if shown and _status(record) != NOT_APPLICABLE:
            out += [block for block in _detail(results, record) if block not in out]
    return out


def headline_outcome(results: Results) -> str | None:
    """Return the outcome whose checks are shown in detail: the primary one, else the first."""
    records = [r for r in results["estimates"] if r.get("role", "main") == "main"]
    records.sort(key=lambda record: not record.get("primary", False))
    return str(records[0]["outcome"]) if records else None


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
    if passed == len(states):
        return say("sentence.checks.all_passed", n=passed)
    return say(
        "sentence.checks.mixed", n=len(states), passed=passed, warning=warning, failed=failed
    )


def _status(record: Mapping[str, Any]) -> str:
    return str(record["check"]["status"])


def _name(check: Mapping[str, Any]) -> Words:
    code = check["code"]
    return pick(f"check.{code}.name", f"check.{code}", f"label.{code}")


def _labels(results: Results) -> dict[str, Said]:
    return {r["outcome"]: said(r.get("label") or r["outcome"]) for r in results["estimates"]}


def _by_outcome(
    results: Results, checks: Sequence[Mapping[str, Any]]
) -> list[tuple[Said, list[Mapping[str, Any]]]]:
    labels = _labels(results)
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for record in checks:
        groups.setdefault(record["outcome"], []).append(record["check"])
    return [(labels.get(name, name), group) for name, group in groups.items()]


def _table(outcome: Said, checks: Sequence[Mapping[str, Any]]) -> Table:
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
            check_finding(check),
        )
        for check in checks
    )
    return Table(caption=say("checks.caption_of", outcome=outcome), columns=columns, rows=rows)


def check_finding(check: Mapping[str, Any]) -> Words:
    """Return what a check found, in a sentence."""
    code, status, reason = check["code"], check["status"], check.get("reason")
    values = {
        **check.get("values", {}),
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


def _detail(results: Results, record: Mapping[str, Any]) -> list[AnyBlock]:
    check = record["check"]
    rows = list(check.get("rows", ()))
    if not rows or check["code"] in TOLD_ELSEWHERE:
        return []
    if "standardised" in rows[0] and "variable" in rows[0]:
        return _balance(rows)
    if {"m", "conf_low", "conf_high"} <= set(rows[0]):
        return _honest(results, record, rows)
    return [_rows_table(check, rows[:LONGEST_TABLE])]


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
