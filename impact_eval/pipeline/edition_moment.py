"""The moment of an edition: `results.json` tells it, and `status.json` beside it, as it was.

Two runs of one study differ in nothing else, so no file that both write can witness it. An edition
received without its status is held to the form alone: a moment to the second, and nothing more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from impact_eval.core.findings import Finding, Place
from impact_eval.pipeline.difference_records import shown_value
from impact_eval.pipeline.edition_files import RESULTS
from impact_eval.pipeline.states import RunState, read_status
from impact_eval.results.records import StudyResults

_KEY = "provenance.run_at"


def moment_findings(folder: Path, results: StudyResults) -> Iterator[Finding]:
    """Yield how the moment that results tell is not the one of their run.

    Parameters
    ----------
    folder : Path
        The output folder.
    results : StudyResults
        Of its `results.json`.

    Yields
    ------
    Finding
        `verify_key`, `verify_key_lost`.
    """
    told = results.provenance.run_at
    status = read_status(folder)
    done = status is not None and status.state is RunState.DONE
    true = status.at if status is not None and done and status.at else _as_written(told)
    place = Place(file=RESULTS, key=_KEY)
    if not told:
        yield Finding.error("verify_key_lost", place, file=RESULTS, key=_KEY)
    elif told != true or told != _as_written(told):
        found, expected = shown_value(told), shown_value(true)
        yield Finding.error(
            "verify_key", place, file=RESULTS, key=_KEY, found=found, expected=expected
        )


def _as_written(moment: str) -> str:
    """Return a moment as a run writes it: to the second, in universal time."""
    try:
        known = dt.datetime.fromisoformat(moment)
        return known.astimezone(dt.UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):  # empty, or of a year that no clock tells
        return ""
