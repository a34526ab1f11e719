"""What was checked: one row per check, then the detail that deserves a figure or a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from impact_eval.core.vocabulary import Unit as Vocabulary
from impact_eval.diagnostics.check import CheckStatus
from impact_eval.report.blocks import (
    WITHHELD,
    Absent,
    AnyBlock,
    Cell,
    Column,
    Form,
    Heading,
    Paragraph,
    Said,
    SayValue,
    Table,
    Withheld,
    Words,
    say,
)
from impact_eval.report.edition import marked
from impact_eval.report.figures.people import BalancePoint, data_for_balance
from impact_eval.report.figures.robustness import Departure, data_for_honest
from impact_eval.report.wording import (
    Result,
    instead,
    pick,
    result_of,
    said,
    spoken,
    spoken_record,
    written,
)
from impact_eval.results.checks import AnyCheck, CheckRecord
from impact_eval.results.checks_of_groups import BalanceCheck, BalanceRow, BalanceValues
from impact_eval.results.checks_of_places import FewClustersCheckRecord
from impact_eval.results.checks_of_time import HonestCheckRecord, PlaceboRow, PretrendsValues
from impact_eval.results.record_base import Record, Rule
from impact_eval.results.records import StudyResults

_FORMS = MappingProxyType(
    {
        "p_value": Form.P_VALUE,
        "n": Form.INTEGER,
        "share": Form.PERCENT_1,
        "group": Form.PLAIN,  # a period: a year is no amount
    }
)
LONGEST_TABLE = 25
EFFECTS = frozenset({"estimate", "std_error"})  # the columns in the unit of the outcome

# what a check says in the unit of the outcome; the rest has none (shares, standard deviations)
IN_UNIT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "pretrends": frozenset({"largest", "effect", "slope_50", "bias_50"}),
        "leave_one_out": frozenset({"lowest", "highest", "estimate", "without"}),
        "anticipation": frozenset({"estimate"}),
        "synthetic_fit": frozenset({"rmspe"}),
    }
)
SIZES = frozenset({"largest", "slope_50", "bias_50", "rmspe"})  # told without a sign
# Leaves that the gate keeps back together, row by row.
_GATED = frozenset(
    {Rule.PEOPLE, Rule.SHARE, Rule.LEVEL, Rule.STATISTIC, Rule.ERROR, Rule.RATIO, Rule.CLUSTERS}
)
_COUNTS = frozenset({Rule.PEOPLE, Rule.CLUSTERS})


def check_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return the checks: how many passed, one table, then figures for balance and departures."""
    out: list[AnyBlock] = [Heading(level=2, words=say("report.section.checks"), anchor="checks")]
    message = check_message(results)
    if message is None:
        out.append(Paragraph(words=(say("sentence.checks.none"),)))
        return marked(out, results.disclosure)
    labels = _labels(results)
    failed = [
        say("checks.of", check=_name(c.check), outcome=labels[c.outcome])
        for c in results.checks
        if c.check.status is CheckStatus.FAILED
    ]
    words: list[Said] = [message]
    if failed:
        words.append(say("sentence.checks.failed_named", names=failed))
    out.append(Paragraph(words=tuple(words)))
    headlines = {record.outcome: result_of(record) for record in results.headlines}
    out += [
        _table(labels[name], group, headlines.get(name))
        for name, group in _by_outcome(results.checks)
    ]
    primary = headline_outcome(results)
    for record in results.checks:
        status = record.check.status
        shown = record.outcome == primary or status is CheckStatus.FAILED
        if shown and status is not CheckStatus.NOT_APPLICABLE:
            result = headlines.get(record.outcome)
            out += [block for block in _detail(record.check, result) if block not in out]
    return marked(out, results.disclosure)


def headline_outcome(results: StudyResults) -> str | None:
    """Return the outcome whose checks are shown in detail: the primary one, else the first."""
    found = results.headlines
    return found[0].outcome if found else None


def check_message(results: StudyResults, outcome: str | None = None) -> Words | None:
    """Return how many checks passed (of one outcome when named); None when none applies."""
    states = [
        record.check.status
        for record in results.checks
        if record.check.status is not CheckStatus.NOT_APPLICABLE
        and outcome in (None, record.outcome)
    ]
    if not states:
        return None
    n = len(states)
    passed = states.count(CheckStatus.PASSED)
    warning = states.count(CheckStatus.WARNING)
    failed = states.count(CheckStatus.FAILED)
    of = "" if outcome is None else "_of"
    named: dict[str, SayValue] = {}
    if outcome is not None:
        named = {"outcome": _labels(results)[outcome]}
    if passed == n:
        return say(f"sentence.checks.all_passed{of}", n=passed, **named)
    return say(
        f"sentence.checks.mixed{of}", n=n, passed=passed, warning=warning, failed=failed, **named
    )


def _name(check: AnyCheck) -> Words:
    return pick(f"check.{check.code}.name", f"check.{check.code}", f"label.{check.code}")


def _labels(results: StudyResults) -> dict[str, Said]:
    return {record.outcome: said(record.label) for record in results.estimates}


def _by_outcome(checks: Sequence[CheckRecord]) -> list[tuple[str, list[AnyCheck]]]:
    groups: dict[str, list[AnyCheck]] = {}
    for record in checks:
        groups.setdefault(record.outcome, []).append(record.check)
    return list(groups.items())


def _table(outcome: Said, checks: Sequence[AnyCheck], result: Result | None) -> Table:
    columns = (
        Column(key="check", label=say("checks.name"), header=True),
        Column(key="status", label=say("checks.status")),
        Column(key="p_value", label=say("checks.p_value"), form=Form.P_VALUE),
        Column(key="finding", label=say("checks.finding")),
    )
    rows = tuple(
        (
            _name(check),
            say(f"checks.{check.status.value}"),
            check.p_value,
            check_finding(check, result),
        )
        for check in checks
    )
    return Table(caption=say("checks.caption_of", outcome=outcome), columns=columns, rows=rows)


def check_finding(check: AnyCheck, result: Result | None = None) -> Words:
    """Return what a check found, in a sentence; effects are told in the unit of the result."""
    code, status, reason = check.code, check.status.value, check.reason
    if check.status is CheckStatus.NOT_APPLICABLE:
        return say("checks.reason_na", reason=_why_not(check))
    by_reason = (f"check.{code}.{reason}", f"check_reason.{reason}") if reason else ()
    candidates = (*by_reason, f"check.{code}.{status}", f"check.{code}.found")
    chosen = next((c for c in candidates if written(c)), "checks.finding_plain")
    if _keeps_back(check) and written(f"{chosen}_untold"):
        chosen = f"{chosen}_untold"
    known: dict[str, SayValue] = {"statistic": check.statistic, "p_value": check.p_value}
    found = {**spoken_record(chosen, check.values)}
    told = {
        name: _in_unit(value, name, result) if name in IN_UNIT.get(code, ()) else value
        for name, value in found.items()
    }
    own = {name: instead(Rule.RATIO) if v is None else v for name, v in known.items()}
    kept = {name: own[name] if name in found else value for name, value in known.items()}
    return say(chosen, **{**told, **kept})


def _keeps_back(check: AnyCheck) -> bool:
    """Whether a count of people, or what the check found largest, was kept back."""
    values = check.values
    if values is None:
        return False
    if isinstance(values, (BalanceValues, PretrendsValues)):
        return values.largest is None
    counts = (Rule.PEOPLE, Rule.CLUSTERS)
    return any(getattr(values, n) is None for n, rule in values.rules.items() if rule in counts)


def _why_not(check: AnyCheck) -> Words:
    """Return why a check does not apply."""
    refusal = check.refusal
    reason = check.reason if refusal is None else refusal.not_applicable
    values = spoken(str(reason), {} if refusal is None else refusal.values)
    return pick(f"reason.{reason}", f"finding.{reason}", "reason.unknown", **values)


def _in_unit(value: SayValue, key: str, result: Result | None) -> SayValue:
    """Return an effect in the unit of its outcome, with one digit more than a whole number."""
    if result is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    unit = result.unit
    digits = result.digits if unit.code == Vocabulary.EUR else max(result.digits, 1)
    if key in SIZES:
        return unit.size(value, digits)
    if key == "std_error":
        return say(f"number.dec{digits}", x=unit.factor * value)
    return unit.change(value, digits)


def _detail(check: AnyCheck, result: Result | None) -> list[AnyBlock]:
    """Return the rows of a check: a figure where there is one, else a table."""
    if isinstance(check, FewClustersCheckRecord):  # the dossier shows its intervals
        return []
    if isinstance(check, BalanceCheck):
        return _balance(check.rows)
    if isinstance(check, HonestCheckRecord):
        return _honest(check, result)
    rows: Sequence[Record] = check.rows
    return [_rows_table(check, rows[:LONGEST_TABLE], result)] if rows else []


def _balance(rows: Sequence[BalanceRow]) -> list[AnyBlock]:
    known = [row for row in rows if row.standardised is not None]
    if not known:
        return []
    return [data_for_balance([BalancePoint(row.variable or "", row.standardised) for row in known])]


def _honest(check: HonestCheckRecord, result: Result | None) -> list[AnyBlock]:
    values = check.values
    departures: list[Departure] = []
    if values is not None and values.conf_low is not None:
        departures.append(Departure(None, values.conf_low, values.conf_high))
    departures += [Departure(row.m, row.conf_low, row.conf_high) for row in check.rows]
    if not check.rows or len(departures) < 2 or result is None:
        return []
    return [data_for_honest(departures, result.unit)]


# ------------------------------------------------------------------ rows as a table


def _rows_table(check: AnyCheck, rows: Sequence[Record], result: Result | None) -> Table:
    kind = type(rows[0])
    values = [[getattr(row, name) for name in kind.model_fields] for row in rows]
    hidden = _kept_back(kind, values)
    told = [
        name
        for at, name in enumerate(kind.model_fields)
        if hidden or any(row[at] is not None for row in values)
    ]
    cells = tuple(tuple(_cell(row, name, result) for name in told) for row in rows)
    columns = tuple(
        Column(
            key=name,
            label=pick(f"label.{name}", f"check_column.{name}") if _known(name) else name,
            form=_form(name, [row[index] for row in cells]),
            header=index == 0,
        )
        for index, name in enumerate(told)
    )
    return Table(
        caption=say("checks.rows_caption", check=_name(check)), columns=columns, rows=cells
    )


def _kept_back(kind: type[Record], values: Sequence[Sequence[SayValue]]) -> bool:
    """Whether every number of every row was kept back: the columns then say so."""
    gated = [at for at, name in enumerate(kind.model_fields) if kind.rules[name] in _GATED]
    return all(row[at] is None for row in values for at in gated)


def _known(key: str) -> bool:
    return written(f"label.{key}") or written(f"check_column.{key}")


def _form(key: str, cells: Sequence[Cell]) -> Form:
    if key in _FORMS:
        return _FORMS[key]
    known = [cell for cell in cells if not isinstance(cell, (Absent, Withheld))]
    if key.startswith("n_") or all(isinstance(v, int) for v in known):
        return Form.INTEGER
    if all(isinstance(v, (int, float)) for v in known):
        return Form.SIGNIFICANT
    return Form.LABEL


def _cell(row: Record, name: str, result: Result | None) -> Cell:
    """Return a cell: an effect in the unit of the result, a false date in words, what is hidden."""
    value = getattr(row, name)
    rule = row.rules[name]
    if value is None:
        return _empty(row, rule)
    if isinstance(row, PlaceboRow):
        if name in EFFECTS and row.kind == "outcome":  # another outcome has another unit
            return float(value)
        if name == "name" and row.kind == "date" and str(value).lstrip("-").isdigit():
            return say("checks.lead", n=abs(int(value)))
    if name in EFFECTS:
        told = _in_unit(value, name, result)
        return told if isinstance(told, Words) else float(value)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else _scalar(value)


def _scalar(value: object) -> Cell:
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _empty(row: Record, rule: Rule) -> Cell:
    """Return an empty cell: a name or a count is kept back, a row without any number too."""
    if rule is Rule.UNIT:
        return instead(rule)
    numbers = [getattr(row, name) for name, r in row.rules.items() if r in _GATED]
    if rule in _COUNTS or (rule in _GATED and all(number is None for number in numbers)):
        return WITHHELD
    return Absent(reason="unknown")
