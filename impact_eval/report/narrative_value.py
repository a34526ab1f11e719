"""What a result is worth, to whom: the account by party, its uncertainty, what would undo it.

`results["value"]`, every key optional; amounts in euros:

    {"level": 3,                                      # evidence level of the effect it stands on
     "not_applicable": "reason_code", "values": {…},  # instead of all the rest
     "net": {"estimate": …, "low": …, "high": …}, "ratio": {"estimate": …, "low": …, "high": …},
     "per_person": …, "per_outcome": {"estimate": …, "low": …, "high": …}, "people": 120,
     "parties": [{"name": code or words, "pays": …, "gains": …}, …],
     "lines": [{"name": …, "quantity": …, "unit_value": …, "amount": …, "source": …}, …],
     "sensitivity": [{"name": …, "low": …, "high": …}, …],   # result at each end
     "switching": [{"name": …, "value": …}, …],
     "cumulative": [{"year": …, "balance": …, "low": …, "high": …}, …],
     "acceptability": [[value, probability], …], "findings": [finding, …]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from impact_eval.core.findings import Finding
from impact_eval.report.blocks import (
    AnyBlock,
    Bilingual,
    Cell,
    Column,
    Form,
    Heading,
    Limitation,
    Messages,
    Note,
    Number,
    Paragraph,
    Said,
    Table,
    Words,
    say,
)
from impact_eval.report.figures.money import (
    PartyBalance,
    Swing,
    YearBalance,
    data_for_acceptability,
    data_for_cumulative,
    data_for_payers,
    data_for_tornado,
)
from impact_eval.report.value_view import value_of
from impact_eval.report.wording import CAUSAL_FROM, pick, said, written

Results = Mapping[str, Any]

SOCIAL = "social"  # the row that adds every actor up
LINE = "without_line"  # a variant whose value is a name, not a number


def value_blocks(results: Results) -> list[AnyBlock]:
    """Return the value account: numbers with intervals, who pays, what weighs, what undoes it."""
    value = value_of(results)
    if not value:
        return []
    heading = Heading(level=2, words=say("report.section.value"), anchor="value")
    if value.get("not_applicable"):
        code = value["not_applicable"]
        reason = pick(f"reason.{code}", f"finding.{code}", **value.get("values", {}))
        return [heading, Paragraph(words=(say("value.not_applicable", reason=reason),))]
    level = int(value.get("level", 0))
    out: list[AnyBlock] = [heading, Note(words=say("value.caution", level=level))]
    if level < CAUSAL_FROM:
        out.append(Note(words=say("value.sentence_unattributed"), tone="warning"))
    message = value_message(results)
    if message is not None:
        out.append(Paragraph(words=(message,), evidence_level=level))
    return [
        *out,
        *_numbers(value),
        *_parties(value.get("parties", ())),
        *_matrix(value.get("matrix")),
        *_lines(value.get("lines", ())),
        *_avoided(value.get("avoided", ())),
        *_uncertainty(value),
        *_variants(value.get("variants", ())),
        *_dropped(value.get("dropped", ())),
        *_findings(value.get("findings", ())),
    ]


def value_message(results: Results) -> Words | None:
    """Return the value in one sentence, always with its interval; None when there is none."""
    value = value_of(results) or {}
    sentence = value.get("headline")
    if sentence:  # perspective, horizon, interval and projected share in one breath
        return say(sentence["code"], **sentence["values"])
    ratio, net = value.get("ratio"), value.get("net")
    if ratio and ratio.get("low") is not None:
        values = {name: say("number.eur2", x=ratio[name]) for name in ("low", "high")}
        return say(
            "value.sentence_ratio",
            ratio=say("number.eur2", x=ratio["estimate"]),
            interval=say("sentence.interval", **values),
        )
    if net and net.get("low") is not None:
        values = {name: say("number.eur", x=net[name]) for name in ("low", "high")}
        return say(
            "value.sentence_net",
            net=say("number.eur", x=net["estimate"]),
            interval=say("sentence.interval", **values),
        )
    return None


def _numbers(value: Mapping[str, Any]) -> list[AnyBlock]:
    out: list[AnyBlock] = []
    for key, label, form in (
        ("net", "value.net_value", Form.EURO),
        ("ratio", "value.ratio", Form.EURO_CENTS),
        ("per_outcome", "value.per_outcome", Form.EURO),
    ):
        found = value.get(key)
        if found and found.get("low") is not None:
            out.append(
                Number(
                    label=say(label),
                    value=found["estimate"],
                    form=form,
                    low=found["low"],
                    high=found["high"],
                    conf_level=found.get("level", 0.95),
                )
            )
        elif found and "low" not in found:
            out.append(
                Number(
                    label=say(label),
                    value=found["estimate"],
                    form=form,
                    reading=say("value.no_interval"),
                )
            )
    if value.get("probability") is not None:
        out.append(
            Number(label=say("value.probability"), value=value["probability"], form=Form.PERCENT)
        )
    if value.get("per_person") is not None:
        out.append(
            Number(
                label=say("value.per_person"),
                value=value["per_person"],
                form=Form.EURO,
                n=value.get("people"),
            )
        )
    return out


def _name(name: Any) -> Said:
    """Return a party's or a line's name: both languages, a label of the catalogue, or itself."""
    if isinstance(name, (Words, Bilingual)):
        return name
    if isinstance(name, str):
        for code in (f"party.{name}", f"agent.{name}", f"label.{name}"):
            if written(code):
                return say(code)
    return said(name)


def _parties(parties: Sequence[Mapping[str, Any]]) -> list[AnyBlock]:
    if not parties:
        return []
    found = [PartyBalance(_name(p["name"]), p["pays"], p["gains"]) for p in parties]
    columns = (
        Column(key="party", label=say("value.payer"), header=True),
        Column(key="pays", label=say("value.cost"), form=Form.EURO),
        Column(key="gains", label=say("value.benefit"), form=Form.EURO),
        Column(key="net", label=say("value.net"), form=Form.EURO),
    )
    pays, gains = sum(p.pays for p in found), sum(p.gains for p in found)
    rows = (
        *((p.name, p.pays, p.gains, p.net) for p in found),
        (say("value.total"), pays, gains, gains - pays),
    )
    table = Table(
        caption=say("value.caption_account"), columns=columns, rows=rows, emphasis=(len(found),)
    )
    return [data_for_payers(found), table]


def _lines(lines: Sequence[Mapping[str, Any]]) -> list[AnyBlock]:
    if not lines:
        return []
    columns: tuple[Column, ...] = (
        Column(key="line", label=say("value.line"), header=True),
        Column(key="quantity", label=say("value.quantity"), form=Form.SIGNIFICANT),
        Column(key="unit_value", label=say("value.unit_value"), form=Form.EURO),
        Column(key="amount", label=say("value.amount"), form=Form.EURO),
        Column(key="source", label=say("value.source")),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            _name(line["name"]),
            line.get("quantity"),
            line.get("unit_value"),
            line.get("amount"),
            said(line.get("source") or ""),
        )
        for line in lines
    )
    if not any(line.get("source") for line in lines):
        columns, rows = columns[:-1], tuple(row[:-1] for row in rows)
    note = say("value.lines_note")
    return [Table(caption=say("value.caption_lines"), columns=columns, rows=rows, notes=(note,))]


def _matrix(matrix: Mapping[str, Any] | None) -> list[AnyBlock]:
    """Return the account of each actor, year by year; the last row is what society gains."""
    if not matrix:
        return []
    years = [str(year) for year in matrix["years"]]
    columns = (
        Column(key="party", label=say("value.payer"), header=True),
        *(
            Column(key=f"year_{year}", label=say("value.year_of", year=year), form=Form.EURO)
            for year in years
        ),
        Column(key="total", label=say("value.total"), form=Form.EURO),
    )
    rows = tuple(
        (say("value.social") if row["name"] == SOCIAL else _name(row["name"]), *row["amounts"])
        for row in matrix["rows"]
    )
    table = Table(
        caption=say("value.matrix_caption"), columns=columns, rows=rows, emphasis=(len(rows) - 1,)
    )
    return [table]


def _avoided(rows: Sequence[Mapping[str, Any]]) -> list[AnyBlock]:
    """Return avoided costs: preserved, really saved, released; three different things."""
    items = tuple(
        say(
            "value.said.avoided",
            payer=row["payer"],
            social=row["social"],
            cashable=row["cashable"],
            released=row["released"],
        )
        for row in rows
    )
    return [Messages(title=say("value.avoided_title"), items=items)] if items else []


def _variants(rows: Sequence[Mapping[str, Any]]) -> list[AnyBlock]:
    """Return what other choices of discounting, displacement and largest line give: always told."""
    if not rows:
        return []
    cells = tuple(
        (
            say(
                f"value.variant.{row['what']}",
                value=row["value"] if row["what"] == LINE else float(row["value"]),
            ),
            row["net"],
        )
        for row in rows
    )
    return [
        Table(
            caption=say("value.variants_caption"),
            columns=(
                Column(key="choice", label=say("value.variants_choice"), header=True),
                Column(key="net", label=say("value.net_value"), form=Form.EURO),
            ),
            rows=cells,
        )
    ]


def _dropped(rows: Sequence[Mapping[str, Any]]) -> list[AnyBlock]:
    """Return what matters and is not in the total."""
    items = tuple(
        say("value.dropped_item", outcome=row["outcome"], reason=row["reason"] or "")
        for row in rows
    )
    return [Messages(title=say("value.dropped_title"), items=items)] if items else []


def _uncertainty(value: Mapping[str, Any]) -> list[AnyBlock]:
    out: list[AnyBlock] = []
    swings = [Swing(_name(s["name"]), s["low"], s["high"]) for s in value.get("sensitivity", ())]
    if swings and value.get("net"):
        out.append(data_for_tornado(swings, value["net"]["estimate"]))
    switching = value.get("switching", ())
    if switching:
        items = tuple(
            say(
                "value.sentence_switch",
                parameter=_name(s["name"]),
                value=_name(s["value"]),
            )
            for s in switching
        )
        out.append(Messages(title=say("value.switch_title"), items=items))
    years = [
        YearBalance(y["year"], y["balance"], y.get("low"), y.get("high"))
        for y in value.get("cumulative", ())
    ]
    if len(years) > 1:
        out.append(data_for_cumulative(years))
    curve = [(float(v), float(p)) for v, p in value.get("acceptability", ())]
    if len(curve) > 1:
        out.append(data_for_acceptability(curve))
    return out


def _spoken(value: Any) -> Any:
    """Return a value of a finding with the study's own words where it has them."""
    return [said(v) for v in value] if isinstance(value, list) else value


def _findings(findings: Sequence[Mapping[str, Any]]) -> list[AnyBlock]:
    out: list[AnyBlock] = []
    for data in findings:
        finding = Finding.from_dict({**data, "values": {}})
        repair = f"finding.{finding.code}.repair"
        values = {k: _spoken(v) for k, v in dict(data.get("values", {})).items()}
        out.append(
            Limitation(
                words=say(f"finding.{finding.code}", **values),
                repair=say(repair, **values) if written(repair) else None,
                severity=finding.severity.value,
            )
        )
    return out
