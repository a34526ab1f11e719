"""A study opened, in lines for a terminal: names and counts, never the label of a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from impact_eval.pipeline.opening import Opened, OpenedOutcome, OpenedSample
from impact_eval.pipeline.study_models import DataPart, StudyFile, in_both_languages
from impact_eval.pipeline.study_tables import SeenTable
from impact_eval.report.texts import Texts

MOST_COLUMNS = 40
MOST_LABELS = 8


def opened_lines(opened: Opened, declaration: StudyFile, texts: Texts) -> Iterator[str]:
    """Yield what a study's tables hold, then what its outcomes rest on.

    Parameters
    ----------
    opened : Opened
    declaration : StudyFile
    texts : Texts
        In the user's language.
    """
    told: set[tuple[str, str | int | None]] = set()
    for part, tables, sample in opened.tables:
        new = [table for table in tables if (table.file, table.sheet) not in told]
        for table in new:
            told.add((table.file, table.sheet))
            head, *lines = _table_lines(table, _uses(declaration, part), texts)
            yield head
            yield from (f"  {line}" for line in lines)
        if sample is not None and new:
            yield from (f"  {line}" for line in _sample_lines(sample, texts))
    for outcome in opened.outcomes:
        yield _outcome_line(outcome, opened, texts)


def proposal_lines(opened: Opened, texts: Texts) -> Iterator[str]:
    """Yield the declarations that the tables look like, ready to paste."""
    for proposal in opened.proposals:
        yield texts.say(f"cli.opened.propose_{proposal.shape.value}")
        yield from (f"    {line}".rstrip() for line in proposal.lines)


def _uses(declaration: StudyFile, part: DataPart) -> Mapping[str, str]:
    """Return what each column of a table is for: the code of a role, an outcome's or a question."""
    found: dict[str, str] = {}
    for instrument in declaration.instruments:
        if instrument.data == part:
            found |= dict.fromkeys(instrument.items.values(), "item")
            found |= dict.fromkeys(instrument.retrospective.values(), "item")
            found |= dict.fromkeys(instrument.second_rating.values(), "item")
    if part is declaration.data:
        found |= {o.column: "outcome" for o in declaration.outcomes if o.column}
    for role, value in part.roles:
        columns = [value] if isinstance(value, str) else list(value or ())
        found |= dict.fromkeys(columns, role)
    if part.waves is not None:
        for outcome, names in part.waves.columns.items():
            found |= dict.fromkeys(names, found.get(outcome, "wave"))
    return found


def _table_lines(table: SeenTable, uses: Mapping[str, str], texts: Texts) -> Iterator[str]:
    code = "cli.opened.table" if table.sheet is None else "cli.opened.sheet"
    values = {"file": table.file, "rows": table.rows, "columns": len(table.columns)}
    yield texts.say(code, sheet=str(table.sheet), **values)
    used = [column for column in table.columns if column["name"] in uses]
    for column in used[:MOST_COLUMNS]:
        yield _column_line(column, uses[column["name"]], texts)
    others = [str(column["name"]) for column in table.columns if column["name"] not in uses]
    if others:
        names = others[:MOST_COLUMNS]
        yield texts.say("cli.opened.unused", n=len(others), names=names)


def _column_line(column: Mapping[str, Any], use: str, texts: Texts) -> str:
    kind = texts.say(f"cli.opened.type.{column['type']}")
    line = texts.say(
        "cli.opened.column",
        name=column["name"],
        type=kind,
        role=texts.say(f"cli.opened.role.{use}"),
    )
    labels = _labels(column.get("labels"))
    return f"{line} {texts.say('cli.opened.codes', codes=labels)}" if labels else line


def _labels(labels: object) -> Sequence[str]:
    """Return the codes of a column with what they mean."""
    if not isinstance(labels, Mapping):
        return ()
    return [f"{code} = {label}" for code, label in list(labels.items())[:MOST_LABELS]]


def _sample_lines(sample: OpenedSample, texts: Texts) -> Iterator[str]:
    who = sample.rows_are.value
    yield texts.say(f"cli.opened.{who}", n=sample.units, rows=sample.rows)
    if sample.dates:
        dates = [texts.say("cli.opened.at", label=label, n=n) for label, n in sample.dates]
        yield texts.say("cli.opened.dates", dates=dates)
    if sample.treated is not None and sample.comparison is not None:
        yield texts.say(
            f"cli.opened.compared_{who}", treated=sample.treated, comparison=sample.comparison
        )
    if sample.cohorts:
        never = texts.say("cli.opened.never")
        starts = [
            texts.say("cli.opened.at", label=never if label is None else label, n=n)
            for label, n in sample.cohorts
        ]
        yield texts.say("cli.opened.cohorts", cohorts=starts)


def _outcome_line(outcome: OpenedOutcome, opened: Opened, texts: Texts) -> str:
    followed = any(sample is not None and sample.followed for _, _, sample in opened.tables)
    territories = any(
        sample is not None and sample.rows_are.value == "territories"
        for _, _, sample in opened.tables
    )
    who = "territories" if territories else "people"
    label = texts.words(in_both_languages(outcome.part.label))
    method = texts.say(f"method.{outcome.method}.name")
    if outcome.units is None or not followed:
        return texts.say("cli.opened.outcome", label=label, n=outcome.rows, method=method)
    return texts.say(
        f"cli.opened.outcome_{who}", label=label, n=outcome.units, rows=outcome.rows, method=method
    )
