"""What reading a table changed, or noticed in it: the log of the reader, in words."""

from __future__ import annotations

from impact_eval.core.findings import Severity
from impact_eval.report.blocks import (
    WITHHELD,
    AnyBlock,
    Column,
    Form,
    Messages,
    Table,
    Words,
    say,
)
from impact_eval.report.wording import counts_hidden, finding_code, spoken, written
from impact_eval.results.finding_records import FindingRecord
from impact_eval.results.study_records import DataRecord, ReadingRecord

_ORDER = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def reading_blocks(data: DataRecord) -> list[AnyBlock]:
    """Return what was recoded, dropped or suspected in the file, the weightiest first.

    Parameters
    ----------
    data : DataRecord
        After the gate: what the study does not use is no longer in its log.
    """
    if data.reading is None or not data.reading.log:
        return []
    table = _lines_table(data.reading)
    log = sorted(data.reading.log, key=lambda entry: _ORDER.index(entry.severity))
    items: list[Words] = []
    for words in map(_noted, log):  # two rows of totals are told once
        if words not in items:
            items.append(words)
    messages = Messages(title=say("flow.reading", file=data.reading.file), items=tuple(items))
    return [messages] if table is None else [messages, table]


def _lines_table(reading: ReadingRecord) -> Table | None:
    """Return what each line of the file is, when some are neither a heading nor a row."""
    found = reading.lines
    if found is None:
        return None
    counted = (
        ("titles", found.titles),
        ("headings", found.headings),
        ("technical", found.technical),
        ("continued", found.continued),
        ("blank", found.blank),
        ("repeated", found.repeated),
        ("totals", found.totals),
        ("notes", found.notes),
        ("stray", found.stray),
    )
    others = [(name, n) for name, n in counted if n]
    if [name for name, _ in others] == ["headings"]:
        return None
    columns = (
        Column(key="kind", label=say("flow.line_kind"), form=Form.LABEL, header=True),
        Column(key="lines", label=say("flow.line_count"), form=Form.INTEGER),
    )
    read = WITHHELD if reading.rows_out is None else reading.rows_out
    rows = [*((say(f"line_kind.{name}"), n) for name, n in others), (say("line_kind.read"), read)]
    return Table(
        caption=say("flow.lines_caption", file=reading.file), columns=columns, rows=tuple(rows)
    )


def _noted(entry: FindingRecord) -> Words:
    """Return what a file may say of an entry: a terminal quotes cells and rows, a report never."""
    noted = f"finding.{entry.code}.noted"
    values = spoken(entry.code, entry.values)
    if not written(f"{noted}.text"):
        return say(finding_code(entry.code, entry.values), **values)
    hidden = counts_hidden(entry.code, entry.values) and written(f"{noted}.untold")
    return say(f"{noted}.untold" if hidden else f"{noted}.text", **values)
