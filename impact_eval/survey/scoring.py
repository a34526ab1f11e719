"""From answers to a score: items by identity, labels to codes, keys, rule, and what looks wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    NotApplicable,
    Place,
    nearest,
)
from impact_eval.data.labels import EXAMPLES
from impact_eval.data.source_rows import SourceRows
from impact_eval.stats.scales.item_statistics import least_item_rest
from impact_eval.stats.scales.reliability import Alpha, cronbach_alpha
from impact_eval.stats.scales.summing import RawScores, add_items, convert
from impact_eval.survey.answer_codes import (
    Answers,
    ItemCodes,
    code_table,
)
from impact_eval.survey.answers import read_answers
from impact_eval.survey.scale import (
    TOTAL,
    Item,
    Items,
    Scale,
    Scoring,
    ScoringRule,
    WordingClass,
)
from impact_eval.survey.scores import Scores, error_of_measurement
from impact_eval.survey.two_codings import refuse_no_without_reason, tell_coded_both_ways

FloatArray = NDArray[np.float64]
_MOST_FOR_ALPHA = 200_000  # rows used for the reliability of very large tables


def score(
    instrument: Scale,
    frame: pd.DataFrame,
    items: Items | None = None,
    *,
    order: str | None = None,
    licence_declared: bool = False,
) -> Scores:
    """Score a table.

    Parameters
    ----------
    instrument : Instrument
    frame : DataFrame
        One row per person (and wave); answers as codes, or as labels in French or English. The
        labels that its file carries beside the codes (SPSS, Stata, a questionnaire, a codebook;
        `.attrs["reading"]` of `read_table`) decide what each code means: a column that you recode
        yourself has to lose them.
    items : mapping or sequence, optional
        Which column holds which item: `{"worth": "q1", …}`, by identity or by number in the order
        declared; or all the columns in that order. By default the columns carry the identities.
    order : str, optional
        The published order the questionnaire followed; the instrument's first one by default.
    licence_declared : bool
        Whether the user holds the licence that the instrument asks for.

    Returns
    -------
    Scores

    Raises
    ------
    ImpactEvalError
        `licence_needed`, `instrument_refused`, `unknown_item`, `duplicated_item`, `missing_items`,
        `missing_column`, `unknown_label`, `number_beside_label`, `labels_unknown`,
        `labels_say_one_answer`, `codes_without_label`, `labels_upside_down`, `codes_shifted`,
        `yes_no_codes`, `missing_code_undeclared`, `off_range`, `unknown_order`,
        `no_without_reason`: all at once.

    Assumptions
    -----------
    Items are added as if the gaps between answers were equal, and the people of the table read the
    items alike.

    Examples
    --------
    >>> import pandas as pd
    >>> from impact_eval.survey import instrument
    >>> rses = instrument("rses-fr")
    >>> table = pd.DataFrame({f"q{i}": [3, 3] for i in range(1, 11)})
    >>> rses.score(table, [f"q{i}" for i in range(1, 11)]).values.tolist()
    [25.0, 25.0]
    """
    faults = FindingCollector()
    _refuse_rights(instrument, licence_declared)
    columns = _match(instrument, frame, items, order, faults)
    faults.raise_if_errors()
    read = read_answers(instrument, frame, columns, faults)
    refuse_no_without_reason(instrument, read, columns, faults)
    answers = {name: found.codes for name, found in read.items()}
    keyed = {name: _keyed(instrument, instrument.item(name), x) for name, x in answers.items()}
    keyed = {name: _not_asked(instrument.item(name), x, answers) for name, x in keyed.items()}
    _look_at_answers(answers, columns, SourceRows.of(frame), faults)
    _safeguard(instrument, answers, columns, faults)
    if not instrument.validated:
        faults.add(Finding.info("local_scale", instrument=instrument.id))
    parts = {
        part.id: _scale(instrument, part.id, part.scoring, {n: keyed[n] for n in part.items},
                        frame.index)
        for part in instrument.subscales
    }  # fmt: skip
    made = {name: keyed[name] for name in columns if name in instrument.total_items}
    total = _scale(instrument, TOTAL, instrument.scoring, made, frame.index)
    if instrument.scoring.parts:
        total = _sum_of_parts(total, [parts[name] for name in instrument.scoring.parts])
    tell_coded_both_ways(instrument, read, columns, faults)
    _look_at_keys(instrument, total, columns, order, faults)
    return replace(
        total,
        subscales=parts,
        findings=faults.findings,
        answers=answers,
        codes=_code_tables(instrument, read, columns),
    )


def _refuse_rights(instrument: Scale, licence_declared: bool) -> None:
    wording = instrument.rights.wording
    if wording is WordingClass.REFUSED:
        raise ImpactEvalError(Finding.error("instrument_refused", instrument=instrument.id))
    if wording is WordingClass.LICENCE and not licence_declared:
        raise ImpactEvalError(Finding.error("licence_needed", instrument=instrument.id))
    if instrument.scoring.rule is ScoringRule.FUNCTION:
        raise ImpactEvalError(
            Finding.error("scored_elsewhere", instrument=instrument.id,
                          function=instrument.scoring.function)
        )  # fmt: skip


def _order(instrument: Scale, order: str | None, faults: FindingCollector) -> tuple[str, ...]:
    if order is None:
        return instrument.item_ids
    if order not in instrument.orders:
        known = tuple(instrument.orders)
        faults.add(Finding.error("unknown_order", order=order, instrument=instrument.id,
                                 nearest=nearest(order, known), known=known))  # fmt: skip
        return instrument.item_ids
    return instrument.orders[order]


def _match(
    instrument: Scale,
    frame: pd.DataFrame,
    items: Items | None,
    order: str | None,
    faults: FindingCollector,
) -> dict[str, str]:
    """Return the column of each item, in the order of the instrument."""
    listed = _order(instrument, order, faults)
    if items is None:
        given: list[tuple[str, str]] = [(n, n) for n in listed if n in frame.columns]
    elif isinstance(items, Mapping):
        given = [(str(key), str(column)) for key, column in items.items()]
        ids = set(listed)
        if all(key in frame.columns for key, _ in given) and all(c in ids for _, c in given):
            given = [(item, column) for column, item in given]  # written column = item
    else:
        if len(items) != len(listed):
            faults.add(Finding.error("wrong_item_count", instrument=instrument.id,
                                     expected=len(listed), found=len(items)))  # fmt: skip
        given = list(zip(listed, map(str, items), strict=False))
    found: dict[str, str] = {}
    for key, column in given:
        name = _identity(key, listed)
        if name is None:
            faults.add(Finding.error("unknown_item", Place(column=column, key=key), item=key,
                                     instrument=instrument.id, nearest=nearest(key, listed),
                                     known=listed))  # fmt: skip
        elif name in found:
            faults.add(Finding.error("duplicated_item", Place(column=column, key=key), item=name,
                                     columns=(found[name], column)))  # fmt: skip
        else:
            found[name] = column
    _check_columns(instrument, frame, found, listed, faults)
    return {name: found[name] for name in listed if name in found}


def _identity(key: str, listed: tuple[str, ...]) -> str | None:
    """Return the item a key names: by identity, or by its number in the order declared."""
    if key in listed:
        return key
    number = re.fullmatch(r"(?:item|q|i|r)?[ _]?0*(\d+)", key.strip().casefold())
    if number and 1 <= int(number[1]) <= len(listed):
        return listed[int(number[1]) - 1]
    return None


def _check_columns(
    instrument: Scale,
    frame: pd.DataFrame,
    found: Mapping[str, str],
    listed: tuple[str, ...],
    faults: FindingCollector,
) -> None:
    absent = [name for name in listed if name not in found]
    if absent and not faults.has_errors:
        faults.add(Finding.error("missing_items", instrument=instrument.id, items=absent,
                                 n=len(absent)))  # fmt: skip
    known = [str(name) for name in frame.columns]
    for name, column in found.items():
        if known.count(column) != 1:
            code = "missing_column" if column not in known else "duplicated_column"
            faults.add(Finding.error(code, Place(column=column, key=name), role=name,
                                     column=column, nearest=nearest(column, known),
                                     known=known[:30]))  # fmt: skip
    twice = sorted({c for c in found.values() if list(found.values()).count(c) > 1})
    for column in twice:
        names = [name for name, c in found.items() if c == column]
        faults.add(Finding.error("column_twice", Place(column=column), column=column, items=names))


def _code_tables(
    instrument: Scale, read: Mapping[str, Answers], columns: Mapping[str, str]
) -> tuple[ItemCodes, ...]:
    """Return what each code of each item was taken for, and what it counts."""
    tables = []
    for name, answers in read.items():
        item = instrument.item(name)
        low, high = instrument.bounds(item.id)
        answer = np.arange(low, high + 1)
        points = dict(
            zip(answer.astype(int).tolist(), _keyed(instrument, item, answer), strict=True)
        )
        tables.append(code_table(answers, item=name, column=columns[name], points=points,
                                 words=instrument.labels(name)))  # fmt: skip
    return tuple(tables)


def _keyed(instrument: Scale, item: Item, codes: FloatArray) -> FloatArray:
    """Return answers in points, in the keyed direction."""
    if item.points:
        out = np.full(len(codes), np.nan)
        for code, points in item.points.items():
            out[codes == float(code)] = points
        codes = out
    if not item.reversed:
        return codes
    if item.points:
        return max(item.points.values()) + min(item.points.values()) - codes
    low, high = instrument.bounds(item.id)
    return low + high - codes


def _not_asked(item: Item, points: FloatArray, answers: Mapping[str, FloatArray]) -> FloatArray:
    """Count no point for an item that was not asked because of earlier answers."""
    for name, code in item.asked_if.items():
        skipped = np.isnan(points) & ~np.isnan(answers[name]) & (answers[name] != code)
        points = np.where(skipped, 0.0, points)
    if item.asked_unless:
        ended = [answers[name] == code for name, code in item.asked_unless.items()]
        points = np.where(np.isnan(points) & np.all(ended, axis=0), 0.0, points)
    return points


def _raw(scoring: Scoring, items: Mapping[str, FloatArray], weights: list[float]) -> RawScores:
    rule = scoring.missing
    return add_items(
        list(items.values()),
        weights=weights if scoring.rule is ScoringRule.WEIGHTED else None,
        least=None if rule is None else rule.least,
        prorate=rule is None or rule.prorate,
    )


def _scale(
    instrument: Scale,
    name: str,
    scoring: Scoring,
    items: Mapping[str, FloatArray],
    index: pd.Index[Any],
) -> Scores:
    """Score one scale from its keyed items."""
    weights = [instrument.item(item).weight for item in items]
    raw = _raw(scoring, items, weights)
    k = len(items)
    values = raw.values
    if scoring.rule is ScoringRule.NONE:
        values = np.full(len(values), np.nan)
    elif scoring.rule is ScoringRule.MEAN:
        values = values / k
    elif scoring.rule is ScoringRule.CONVERSION:
        values = convert(values, scoring.table)
    if scoring.factor != 1 or scoring.constant:
        values = scoring.constant + scoring.factor * values
    if scoring.rule is ScoringRule.WEIGHTED:
        values = np.round(values, 10)  # weights have two decimals: 0 and 100 are exact
    low, high = _score_range(instrument, scoring, items, weights)
    alpha = _reliability(scoring, items)
    return Scores(
        instrument=instrument.id,
        scale=name,
        values=values,
        answered=raw.answered,
        n_items=k,
        direction=instrument.direction_of(name),
        unit=instrument.unit,
        low=low,
        high=high,
        prorated=raw.prorated,
        reliability=alpha,
        std_error_measurement=error_of_measurement(values, alpha),
        items=dict(items),
        index=index,
        cutoffs=instrument.bands(name),
        norms=tuple(norm for norm in instrument.norms if norm.scale == name),
        change=tuple(value for value in instrument.change if value.scale == name),
        health=instrument.health,
        local=instrument.local,
    )


def _sum_of_parts(total: Scores, parts: Sequence[Scores]) -> Scores:
    """Return a total as the sum of the parts that make it; a part without a score leaves none."""
    values = np.sum([part.values for part in parts], axis=0)
    whole = ~np.isnan(values)
    return replace(
        total,
        values=values,
        prorated=int((whole & (total.answered < total.n_items)).sum()),
        std_error_measurement=error_of_measurement(values, total.reliability),
    )


def _score_range(
    instrument: Scale, scoring: Scoring, items: Mapping[str, FloatArray], weights: list[float]
) -> tuple[float, float]:
    """Return the possible range: as declared, else from the ranges of the items."""
    if scoring.low is not None and scoring.high is not None:
        return scoring.low, scoring.high
    ends = []
    for name, weight in zip(items, weights, strict=True):
        item = instrument.item(name)
        points = list(item.points.values()) or list(instrument.bounds(item.id))
        scaled = [weight * p if scoring.rule is ScoringRule.WEIGHTED else p for p in points]
        ends.append((min(scaled), max(scaled)))
    low, high = sum(end[0] for end in ends), sum(end[1] for end in ends)
    if scoring.rule is ScoringRule.MEAN:
        low, high = low / len(items), high / len(items)
    return scoring.constant + scoring.factor * low, scoring.constant + scoring.factor * high


def _reliability(scoring: Scoring, items: Mapping[str, FloatArray]) -> Alpha | NotApplicable:
    if len(items) < 2:
        return NotApplicable.because("single_item")
    if scoring.rule in (ScoringRule.NONE, ScoringRule.WEIGHTED):
        # Weighted indices add causes of a situation, not signs of one trait.
        return NotApplicable.because("not_a_reflective_scale")
    matrix = np.column_stack([x[:_MOST_FOR_ALPHA] for x in items.values()])
    return cronbach_alpha(matrix)


def _look_at_answers(
    answers: Mapping[str, FloatArray],
    columns: Mapping[str, str],
    rows: SourceRows,
    faults: FindingCollector,
) -> None:
    """Report items everybody answered alike, empty items, and rows without any answer."""
    empty = np.ones(len(next(iter(answers.values()), [])), dtype=bool)
    for name, codes in answers.items():
        holes = np.isnan(codes)
        empty &= holes
        if holes.all():
            faults.add(Finding.warning("empty_item", Place(column=columns[name]), item=name,
                                       column=columns[name]))  # fmt: skip
            continue
        low, high = np.nanmin(codes), np.nanmax(codes)
        if low == high and (~holes).sum() > 2:
            faults.add(Finding.warning("constant_item", Place(column=columns[name]), item=name,
                                       column=columns[name], value=float(low)))  # fmt: skip
    if empty.any():
        faults.add(Finding.warning("all_missing_rows", rows.place(empty), n=int(empty.sum()),
                                   of=len(empty),
                                   rows=rows.file_rows(empty, most=EXAMPLES)))  # fmt: skip


def _safeguard(
    instrument: Scale,
    answers: Mapping[str, FloatArray],
    columns: Mapping[str, str],
    faults: FindingCollector,
) -> None:
    for guard in instrument.safeguards:
        with np.errstate(invalid="ignore"):
            n = int((answers[guard.item] > guard.above).sum())
        if n:
            faults.add(Finding.warning("safeguarding", Place(column=columns[guard.item]),
                                       instrument=instrument.id, item=guard.item, n=n))  # fmt: skip


def _look_at_keys(
    instrument: Scale,
    total: Scores,
    columns: Mapping[str, str],
    order: str | None,
    faults: FindingCollector,
) -> None:
    """Name the items that go against the others: unreversed, or another order than declared."""
    if isinstance(total.reliability, NotApplicable) or total.reliability.n < 10:
        return
    matrix = total.matrix()[:_MOST_FOR_ALPHA]
    names = list(total.items)
    rest = _item_rest(matrix)
    if not (rest < -0.05).any():
        return
    declared = order or next(iter(instrument.orders), "")
    better = _better_order(instrument, total, columns, declared)
    if better is not None:
        faults.add(Finding.warning("wrong_order_suspected", instrument=instrument.id,
                                   declared=declared, suspected=better[0],
                                   alpha=total.reliability.value,
                                   alpha_other=better[1]))  # fmt: skip
        return
    beyond = least_item_rest(total.reliability.n, len(names))  # else noise names half of them
    for name in (names[j] for j in np.flatnonzero(rest < beyond)):
        faults.add(Finding.warning("item_looks_unreversed", Place(column=columns[name]), item=name,
                                   column=columns[name], n=total.reliability.n))  # fmt: skip


def _item_rest(matrix: FloatArray) -> FloatArray:
    """Return the correlation of each item with the sum of the others, on complete rows."""
    kept = matrix[~np.isnan(matrix).any(axis=1)]
    centred = kept - kept.mean(axis=0)
    cross = centred.T @ centred
    with_total = cross.sum(axis=1)
    own = np.diag(cross)
    rest = cross.sum() - 2 * with_total + own
    with np.errstate(invalid="ignore", divide="ignore"):
        out: FloatArray = np.nan_to_num((with_total - own) / np.sqrt(own * rest))
    return out


def _better_order(
    instrument: Scale, total: Scores, columns: Mapping[str, str], declared: str
) -> tuple[str, float] | None:
    """Return another published order under which the same columns hang together, if there is."""
    if not isinstance(total.reliability, Alpha) or declared not in instrument.orders:
        return None
    listed = instrument.orders[declared]
    raw = {columns[n]: _keyed(instrument, instrument.item(n), total.items[n]) for n in listed}
    by_place = [raw[columns[name]] for name in listed]  # keyed twice: as answered
    for other, names in instrument.orders.items():
        if other == declared:
            continue
        keyed = [
            _keyed(instrument, instrument.item(n), x) for n, x in zip(names, by_place, strict=True)
        ]
        matrix = np.column_stack([x[:_MOST_FOR_ALPHA] for x in keyed])
        alpha = cronbach_alpha(matrix)
        steady = not (_item_rest(matrix) < -0.05).any()
        if isinstance(alpha, Alpha) and steady and alpha.value > total.reliability.value + 0.1:
            return other, alpha.value
    return None
