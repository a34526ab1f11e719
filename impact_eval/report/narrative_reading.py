"""What reading a table changed, or noticed in it: the log of the reader, in words."""

from __future__ import annotations

from impact_eval.core.findings import Severity
from impact_eval.report.blocks import AnyBlock, Messages, say
from impact_eval.report.wording import spoken
from impact_eval.results.study import DataRecord

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
    log = sorted(data.reading.log, key=lambda entry: _ORDER.index(entry.severity))
    items = tuple(say(f"finding.{e.code}", **spoken(e.code, e.values)) for e in log)
    return [Messages(title=say("flow.reading", file=data.reading.file), items=items)]
