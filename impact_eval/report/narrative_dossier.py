"""Whether a result holds: which interval is safe with few territories, and the other designs.

One entry of `results["dossier"]`, by outcome, every key optional:

    {"inference": {"n_clusters": 12, "n_treated": 8, "exact": false, "n_draws": 9999,
                   "false_positive": 0.105,
                   "rows": [{"method": …, "status": "headline", "estimate": …, "conf_low": …}]},
     "curve": [{"label": "cs_never", "design": …, "refusal": [], "estimate": …, "conf_low": …}]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from impact_eval.report.blocks import (
    AnyBlock,
    Column,
    Form,
    Heading,
    Messages,
    Note,
    Paragraph,
    Said,
    Table,
    say,
)
from impact_eval.report.figures.effects import Interval
from impact_eval.report.figures.robustness import data_for_specification
from impact_eval.report.quantities import Unit, digits_for
from impact_eval.report.wording import Result, pick, result_of

Results = Mapping[str, Any]
MAIN = "main"


def dossier_blocks(results: Results) -> list[AnyBlock]:
    """Return the robustness of each outcome that has a dossier.

    Parameters
    ----------
    results : mapping
        The content of `results.json`.
    """
    dossier = results.get("dossier") or {}
    found = {
        record["outcome"]: result_of(record)
        for record in results.get("estimates", ())
        if record.get("role", MAIN) == MAIN
    }
    out: list[AnyBlock] = []
    for outcome, entry in dossier.items():
        result = found.get(outcome)
        if result is None or result.effect.estimate is None:
            continue
        parts = [*_inference(entry.get("inference"), result), *_curve(entry.get("curve"), result)]
        if parts:
            out += [Heading(level=3, words=result.outcome), *parts]
    if not out:
        return []
    return [Heading(level=2, words=say("dossier.title"), anchor="robustness"), *out]


def _inference(entry: Mapping[str, Any] | None, result: Result) -> list[AnyBlock]:
    """Return which interval is printed, why, and the others beside it."""
    if not entry:
        return []
    words: list[Said] = [
        say("dossier.few", n=entry["n_clusters"], treated=entry["n_treated"]),
    ]
    if entry.get("false_positive") is not None:
        words.append(say("dossier.wolf", rate=entry["false_positive"]))
    return [
        Paragraph(words=tuple(words), evidence_level=result.level),
        _table(entry["rows"], result.unit, result.digits),
        Note(words=say("dossier.exact" if entry.get("exact") else "dossier.sampled",
                       n=entry.get("n_draws", 0))),
    ]  # fmt: skip


def _table(rows: Sequence[Mapping[str, Any]], unit: Unit, digits: int) -> Table:
    cells = tuple(
        (
            pick(f"dossier.method.{row['method']}", f"method.{row['method']}.name"),
            say("report.absent_mark")
            if row.get("conf_low") is None or row.get("conf_high") is None
            else unit.brackets(row["conf_low"], row["conf_high"], digits),
            row.get("p_value"),
            say(f"dossier.status.{row['status']}"),
        )
        for row in rows
    )
    return Table(
        caption=say("dossier.caption"),
        columns=(
            Column(key="method", label=say("dossier.column.method"), header=True),
            Column(
                key="interval", label=say("effect.column_interval", level=0.95), form=Form.PLAIN
            ),
            Column(key="p_value", label=say("dossier.column.p_value"), form=Form.P_VALUE),
            Column(key="status", label=say("dossier.column.status")),
        ),
        rows=cells,
        emphasis=(0,),
    )


def _curve(rows: Sequence[Mapping[str, Any]] | None, result: Result) -> list[AnyBlock]:
    """Return the other designs on equal axes, and those that refuse these data."""
    if not rows:
        return []
    effect = result.effect
    announced = Interval(
        say("dossier.announced"), effect.estimate, effect.conf_low, effect.conf_high
    )
    others = [
        Interval(
            say(f"dossier.variant.{row['label']}"),
            row.get("estimate"),
            row.get("conf_low"),
            row.get("conf_high"),
        )
        for row in rows
        if row.get("estimate") is not None
    ]
    if not others:
        return []
    refused = [row for row in rows if row.get("refusal")]
    figure = data_for_specification([announced, *others], 0, result.unit)
    out: list[AnyBlock] = [_spread(others, result), figure, Note(words=say("dossier.own_margins"))]
    if refused:
        out.append(
            Messages(
                title=say("dossier.refused_title"),
                items=tuple(say(f"dossier.variant.{row['label']}") for row in refused),
            )
        )
    return out


def _spread(others: Sequence[Interval], result: Result) -> Paragraph:
    values = [row.estimate for row in others if row.estimate is not None]
    estimate = result.effect.estimate or 0.0
    same = all((value > 0) == (estimate > 0) for value in values)
    digits = digits_for(result.unit, min(values), max(values), estimate)
    return Paragraph(
        words=(
            say(
                "dossier.same_sign" if same else "dossier.other_sign",
                n=len(values),
                low=result.unit.change(min(values), digits),
                high=result.unit.change(max(values), digits),
            ),
        ),
        evidence_level=result.level,
    )
