"""Self-reported outcomes: scores at two dates, with what the scale can and cannot tell apart.

One entry of `results["scores"]`, all keys but `instrument` optional:

    {"instrument": "rses-fr", "name": {"fr": …, "en": …}, "unit": "points",
     "n": 42, "before": {"mean": 24.1, "sd": 5.2}, "after": {"mean": 26.3, "sd": 5.0},
     "change": {"estimate": 2.2, "std_error": 0.6, "conf_low": 1.0, "conf_high": 3.4,
                "p_value": 0.001, "n": 38},
     "reliability": {"alpha": 0.86, "conf_low": 0.80, "conf_high": 0.91, "n": 42},
     "detectable_change": 5.4,            # of one person (MDC 95 %)
     "people": {"improved": 12, "stable": 20, "worsened": 6},
     "categories": [words, …],            # answers, least favourable first
     "items": [{"label": words, "before": [counts], "after": [counts]}, …],
     "bins": [{"low": 10, "high": 15, "before": 4, "after": 2}, …],
     "findings": [finding, …]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from impact_eval.core.findings import Finding
from impact_eval.report.blocks import (
    WITHHELD,
    AnyBlock,
    Cell,
    Column,
    CountRule,
    Form,
    Heading,
    Limitation,
    Messages,
    Note,
    Paragraph,
    Said,
    Table,
    Words,
    say,
)
from impact_eval.report.figures.people import (
    ItemAnswers,
    ScoreBin,
    data_for_distribution,
    data_for_likert,
)
from impact_eval.report.quantities import Unit, digits_for, unit_of
from impact_eval.report.wording import said, written

Results = Mapping[str, Any]

LOW_ALPHA = 0.70


def soft_outcome_blocks(results: Results) -> list[AnyBlock]:
    """Return the scores: one table, then each scale's sentence, precision and figures."""
    scores = list(results.get("scores", ()))
    if not scores:
        return []
    out: list[AnyBlock] = [
        Heading(level=2, words=say("report.section.soft"), anchor="soft"),
        Note(words=say("soft.caution")),
        _table(scores),
    ]
    for score in scores:
        out += _scale_blocks(score)
    return out


def soft_message(results: Results) -> Words | None:
    """Return the first scale's change in one sentence; None when there is none."""
    for score in results.get("scores", ()):
        if score.get("change"):
            return _change_sentence(score)
    return None


def scale_name(score: Mapping[str, Any]) -> Said:
    """Return a scale's name: as given, or from the catalogue, or its identifier."""
    if score.get("name"):
        return said(score["name"])
    code = f"instrument.{score['instrument']}.name"
    return say(code) if written(code) else str(score["instrument"])


def _unit(score: Mapping[str, Any]) -> Unit:
    return unit_of(score.get("unit", "score"))


def _digits(score: Mapping[str, Any]) -> int:
    change = score["change"]
    return digits_for(
        _unit(score), change.get("conf_low"), change.get("conf_high"), change["estimate"]
    )


def _change_sentence(score: Mapping[str, Any]) -> Words:
    change, unit, digits = score["change"], _unit(score), _digits(score)
    low, high = change.get("conf_low"), change.get("conf_high")
    known = low is not None and high is not None
    interval = unit.between(low, high, digits) if known else say("report.no_interval")
    clear = known and not low <= 0 <= high
    return say(
        "soft.sentence_up" if clear else "soft.sentence_flat",
        scale=scale_name(score),
        change=unit.change(change["estimate"], digits),
        interval=interval,
    )


def _table(scores: Sequence[Mapping[str, Any]]) -> Table:
    columns = (
        Column(key="scale", label=say("soft.instrument"), header=True),
        Column(key="n", label=say("soft.n"), form=Form.INTEGER),
        Column(key="before", label=say("soft.before"), form=Form.DECIMAL_1),
        Column(key="after", label=say("soft.after"), form=Form.DECIMAL_1),
        Column(key="change", label=say("soft.change"), form=Form.PLAIN),
        Column(key="interval", label=say("soft.interval"), form=Form.PLAIN),
        Column(key="alpha", label=say("soft.reliability"), form=Form.DECIMAL_2),
    )
    rows = tuple(_row(score) for score in scores)
    return Table(
        caption=say("soft.caption"),
        columns=columns,
        rows=rows,
        people=CountRule(
            counts=("n",), depends={"n": ("before", "after", "change", "interval", "alpha")}
        ),
    )


def _row(score: Mapping[str, Any]) -> tuple[Cell, ...]:
    change = score.get("change") or {}
    shown: Cell = None
    interval: Cell = None
    if change:
        unit, digits = _unit(score), _digits(score)
        shown = unit.change(change["estimate"], digits)
        if change.get("conf_low") is not None:
            interval = unit.brackets(change["conf_low"], change["conf_high"], digits)
    return (
        scale_name(score),
        change.get("n", score.get("n")),
        (score.get("before") or {}).get("mean"),
        (score.get("after") or {}).get("mean"),
        shown,
        interval,
        (score.get("reliability") or {}).get("alpha"),
    )


def _scale_blocks(score: Mapping[str, Any]) -> list[AnyBlock]:
    name = scale_name(score)
    out: list[AnyBlock] = [Heading(level=3, words=name)]
    if score.get("change"):
        out.append(Paragraph(words=(_change_sentence(score),), evidence_level=1))
        if _precision(score):
            out.append(Paragraph(words=_precision(score)))
    if score.get("people"):
        out.append(_people(score))
    out += _quality(score)
    alpha = (score.get("reliability") or {}).get("alpha")
    if alpha is not None and alpha < LOW_ALPHA:
        words = say("soft.reliability_low", scale=name, alpha=alpha)
        out.append(Note(words=words, tone="warning"))
    if score.get("bins"):
        bins = _classes(score["bins"])
        means = (score["before"]["mean"], score["after"]["mean"])
        out.append(
            data_for_distribution(bins, scale=name, mean_before=means[0], mean_after=means[1])
        )
    out += _items(score)
    for data in score.get("findings", ()):
        finding = Finding.from_dict(data)
        out.append(
            Limitation(
                words=say(f"finding.{finding.code}", **dict(data.get("values", {}))),
                severity=finding.severity.value,
            )
        )
    return out


def _classes(rows: Sequence[Mapping[str, Any]]) -> list[ScoreBin]:
    """Return the classes of a score; one without width (the top value) joins its neighbour."""
    out: list[ScoreBin] = []
    for row in rows:
        if out and row["high"] <= row["low"]:
            last = out.pop()
            sums = (last.before + row["before"], last.after + row["after"])
            out.append(ScoreBin(last.low, last.high, *sums))
        else:
            out.append(ScoreBin(row["low"], row["high"], row["before"], row["after"]))
    return out


def _precision(score: Mapping[str, Any]) -> tuple[Words, ...]:
    threshold = score.get("detectable_change")
    if threshold is None:
        return ()
    unit = _unit(score)
    digits = digits_for(unit, None, None, threshold)
    passed = abs(score["change"]["estimate"]) >= threshold
    precision = say("soft.precision", mdc=unit.size(threshold, digits))
    if score.get("findings"):  # the survey floor says it, with its numbers
        return (precision,)
    return (precision, say("soft.precision_ok" if passed else "soft.precision_below"))


def _quality(score: Mapping[str, Any]) -> list[AnyBlock]:
    """Return how far the scale can be trusted here, one plain sentence by statistic."""
    readings = (score.get("quality") or {}).get("readings", ())
    if not readings:
        return []
    items = tuple(say(f"finding.{r['code']}", **dict(r.get("values", {}))) for r in readings)
    return [Messages(title=say("soft.quality_title"), items=items)]


def _people(score: Mapping[str, Any]) -> Table:
    """Return how many people clearly changed; a table, so that the gate can keep small counts."""
    people = score["people"]
    keys = ("improved", "stable", "worsened")
    known = [key for key in keys if key in people]
    rows = tuple((say(f"soft.{key}"), _count(people[key])) for key in known)
    counts = [people[key] for key in known]
    total: Cell = WITHHELD if None in counts else sum(counts)
    return Table(
        caption=say("soft.caption_people", scale=scale_name(score)),
        columns=(
            Column(key="answer", label=say("soft.people_change"), header=True),
            Column(key="n", label=say("soft.people_n"), form=Form.INTEGER),
        ),
        rows=(*rows, (say("soft.people_all"), total)),
        emphasis=(len(rows),),
        people=CountRule(counts=("n",), total_row=len(rows)),
    )


def _count(n: int | None) -> Cell:
    return WITHHELD if n is None else n


def _items(score: Mapping[str, Any]) -> list[AnyBlock]:
    items, categories = score.get("items"), score.get("categories")
    if not items or not categories:
        return []
    rows = []
    for item in items:
        for wave in ("before", "after"):
            if item.get(wave):
                label = said(item["label"])
                rows.append(ItemAnswers(label, say(f"figure.wave_{wave}"), tuple(item[wave])))
    names = [_category(category) for category in categories]
    return [data_for_likert(rows, names)] if rows else []


def _category(category: Any) -> Said:
    code = f"label.{category}"
    return say(code) if isinstance(category, str) and written(code) else said(category)
