"""What is said of the reading of a study's tables: one log, without a word on what is not used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.data.roles import entry_not_known
from impact_eval.data.value_labels import long_dictionary
from impact_eval.pipeline.study_models import DataPart


def joined_logs(part: DataPart, logs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return one log for the tables of several waves: counts added, lines one after the other."""
    first, waves = logs[0], part.waves
    if waves is None:
        return first
    if len(logs) == 1:
        return {**first, "dictionary": long_dictionary(first["dictionary"], waves.columns)}
    files = dict.fromkeys(str(log.get("file")) for log in logs)
    lines: Counter[str] = Counter()
    for log in logs:
        lines.update(log.get("lines", {}))
    return {
        **first,
        "file": " + ".join(files),
        **{name: sum(log.get(name, 0) for log in logs) for name in ("rows_in", "rows_out")},
        "lines": dict(lines),
        "dictionary": _one_dictionary(logs, waves.columns),
        "log": [entry for log in logs for entry in log.get("log", ())],
    }


def _one_dictionary(
    logs: Sequence[Mapping[str, Any]], columns: Mapping[str, Sequence[str]]
) -> list[Mapping[str, Any]]:
    """Return the dictionary of tables put one above the other: what each wave calls an answer."""
    entries: list[Mapping[str, Any]] = []
    measured: dict[str, list[str]] = {}
    for i, log in enumerate(logs):
        outcomes = {names[i]: outcome for outcome, names in columns.items()}
        for entry in log.get("dictionary", ()):
            outcome = outcomes.get(entry["name"], entry["name"])
            name = f"{outcome} [{i + 1}]"
            entries.append({**entry, "name": name})
            measured.setdefault(outcome, []).append(name)
    return long_dictionary(entries, measured)


def without_never(part: DataPart, log: Mapping[str, Any]) -> dict[str, Any]:
    """Return the log of a reading without the words of an entry date that mean never.

    « nd » is refused there: read as missing, it would be one who never entered.
    """
    kept = []
    for entry in log.get("log", ()):
        column = entry["values"].get("column")
        if entry["code"] != "missing_words" or column != part.roles.cohort:
            kept.append(entry)
            continue
        words = [word for word in entry["values"]["words"] if entry_not_known(word)]
        if words:
            place = Place(file=part.file, column=column)
            raise ImpactEvalError(
                Finding.error("cohort_not_known", place, column=column, words=words)
            )
    return {**log, "log": kept}


def log_of_used(
    log: Mapping[str, Any], columns: Iterable[object], used: frozenset[str]
) -> dict[str, Any]:
    """Return the log of a reading without a word on the columns that the study does not use."""
    unused = {str(name) for name in columns} - used

    def about(entry: Mapping[str, Any]) -> set[str | None]:
        return {entry.get("place", {}).get("column"), entry["values"].get("column")}

    return {
        **log,
        "dictionary": [e for e in log.get("dictionary", ()) if e["name"] not in unused],
        "log": [entry for entry in log.get("log", ()) if not about(entry) & unused],
    }
