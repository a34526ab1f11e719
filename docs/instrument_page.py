"""The scales of the catalogue on one page: what they measure, their rights, their sources."""

from __future__ import annotations

from pathlib import Path

from pages import code, doi, plain, table, write

from impact_eval.report.texts import Texts
from impact_eval.survey import Instrument, instruments
from impact_eval.survey.scale import TOTAL, WordingClass

RIGHTS = {
    "A": "free: the wording is shipped in each language where it was published and read",
    "B": "the key is shipped; you bring the wording",
    "C": "a licence is needed: declare it with `licence_declared`",
    "X": "neither wording nor layout may be shipped",
}
MARKS = {"read": "read", "to_check": "to be checked", "computed": "computed"}
LANGUAGE_NAMES = {"fr": "French", "en": "English"}


def _name(instrument: Instrument, texts: Texts) -> str:
    key = f"instrument.{instrument.id}.name"
    if key in texts:
        return plain(texts.say(key))
    return plain(instrument.name.get(texts.language, instrument.id))


def _scoring(instrument: Instrument) -> str:
    scoring = instrument.scoring
    span = "" if scoring.low is None else f", from {scoring.low:g} to {scoring.high:g}"
    least = scoring.missing
    rule = f"{code(scoring.rule.value)}{span}"
    if least is None:
        return rule
    return f"{rule}; at least {least.least} answers ({plain(least.source.en)})"


def _wording(instrument: Instrument) -> str:
    """Return what is shipped of the questions: nothing is promised that is not there."""
    letter = instrument.rights.wording
    if letter is not WordingClass.SHIP:
        return RIGHTS[letter.value]
    if not instrument.items:
        return "a published method, without questions"
    shipped = [name for code, name in LANGUAGE_NAMES.items() if instrument.ships_wording(code)]
    if not shipped:
        return "free, the wording is not here: take it from the source"
    return f"free, the wording is shipped in {' and '.join(shipped)}"


def _facts(instrument: Instrument) -> list[str]:
    """Return cut-offs, norms and changes, each with its source and how it is known."""
    rows = []
    for cut in instrument.cutoffs:
        low = "" if cut.low is None else f"{cut.low:g}"
        high = "" if cut.high is None else f"{cut.high:g}"
        part = "" if cut.scale == TOTAL else f" of {code(cut.scale)}"
        name = f"cut-off {code(cut.id)}{part}, {plain(cut.population.en)}"
        rows.append((name, f"{low}–{high}", plain(cut.source.en), cut.mark))
    for norm in instrument.norms:
        spread = "" if norm.sd is None else f" (s.d. {norm.sd:g})"
        rows.append(
            (
                f"norm, {plain(norm.population.en)}",
                f"{norm.mean:g}{spread}",
                plain(norm.source.en),
                norm.mark,
            )
        )
    for change in instrument.change:
        rows.append((code(change.kind), f"{change.value:g}", plain(change.source.en), change.mark))
    told = [(*row[:3], MARKS[row[3].value]) for row in rows]
    return table(("fact", "value", "source", "how known"), told) if told else []


def instrument_section(instrument: Instrument) -> list[str]:
    """Return the section of one scale."""
    french, english = Texts("fr"), Texts("en")
    turned = sum(item.reversed for item in instrument.items)
    rights = instrument.rights
    rows = [
        ("name", f"{_name(instrument, english)} · {_name(instrument, french)}"),
        ("measures", code(instrument.construct)),
        ("questions", f"{len(instrument.items)}, {turned} of them reversed"),
        ("better", code(instrument.direction.value)),
        ("scoring", _scoring(instrument)),
        (
            "rights",
            f"{rights.wording.value}: {_wording(instrument)}. {plain(rights.terms.en)}"
            + (f" ({MARKS[rights.mark.value]})" if rights.unchecked else ""),
        ),
        ("rights holder", plain(rights.holder.en if rights.holder else "—")),
        ("health data", "yes: special category" if instrument.health else "no"),
        (
            "source",
            plain(instrument.citation) + (f" {doi(instrument.doi)}" if instrument.doi else ""),
        ),
    ]
    lines = [f"## {instrument.id}", "", *table(("", ""), rows), *_facts(instrument)]
    if instrument.evidence:
        lines += [
            "What is known of it:",
            "",
            *(f"- {plain(e.en)}" for e in instrument.evidence),
            "",
        ]
    return lines


def write_instruments() -> list[Path]:
    """Write the page of the scales."""
    lines = [
        "# Scales",
        "",
        "The scales shipped, with their rights and a source for every cut-off, norm and change.",
        "“To be checked” marks a figure of the literature that was not read in its source: it",
        "keeps that mark wherever it is used.",
        "",
        "| rights | meaning |",
        "|---|---|",
        *(f"| {letter} | {meaning} |" for letter, meaning in RIGHTS.items()),
        "",
    ]
    for instrument in instruments():
        lines += instrument_section(instrument)
    return [write("instruments/index.md", lines)]
