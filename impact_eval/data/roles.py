"""Turn the columns of a table into the arrays that roles need: codes, periods, cohorts, treatment.

Pure functions on one column each. They collect what is wrong in the `FindingCollector` given and
always return an array of the right shape, so that every fault of every column is found at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, Place, nearest
from impact_eval.data.calendar_steps import Calendar, calendar_of, dates_of
from impact_eval.data.labels import MissingKind, as_text, missing_kind
from impact_eval.data.marks import mark_kind
from impact_eval.data.number_cells import number_column
from impact_eval.data.odd_cells import (
    SHOWN,
    OddCells,
    contradicting_answer,
    refuse_empty_cells,
)
from impact_eval.data.period_order import period_order
from impact_eval.data.yes_no import read_yes_no

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# The usual ways of writing "never treated", after lower-casing and trimming.
NEVER_WORDS = frozenset(
    {
        "", "0", "0.0", "jamais", "never", "never treated", "never_treated", "non traité",
        "non traite", "aucun", "aucune", "none", "na", "nan", "nat", "inf", "infinity", "témoin",
        "temoin", "-", "sans objet", "so", "n/a", "null",
    }
)  # fmt: skip
_NOT_KNOWN = frozenset(
    {
        MissingKind.DOES_NOT_KNOW, MissingKind.REFUSED, MissingKind.NOT_RECORDED,
        MissingKind.SECRET,
    }
)  # fmt: skip
FIRST_ROWS = SHOWN


@dataclass(frozen=True, slots=True)
class Codes:
    """A column as integers: `labels[codes]` gives it back; labels are sorted."""

    codes: IntArray
    labels: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Periods:
    """The time column: `values[codes]` are the periods as numbers, `labels` as the table has them.

    Numbers stay themselves; dates become the steps of their calendar, a step not observed being
    left out, and texts become ranks 1..T (both `ranked`).
    """

    codes: IntArray
    values: FloatArray
    labels: NDArray[Any]
    ranked: bool
    calendar: Calendar | None = None

    def name(self, value: float) -> str:
        """Return a period, or a date between two of them, as the table writes it."""
        if not self.ranked or not np.isfinite(value):
            return f"{value:g}"
        place = int(np.searchsorted(self.values, value))
        if place < len(self.values) and self.values[place] == value:
            label = self.labels[place]
            if self.labels.dtype.kind in "iuf":
                return f"{label:.0f}"
            return str(label)[:10] if self.labels.dtype.kind == "M" else str(label)
        return f"{value:g}" if self.calendar is None else self.calendar.date(value)

    def label(self, value: float) -> float | str:
        """Return the same as a row holds it: a number where periods are numbers."""
        if not self.ranked:
            return value
        name = self.name(value)
        return float(name) if self.labels.dtype.kind in "iuf" else name


def period_name(label: object) -> str:
    """Return a period as people write it: a year without decimals, a day without its hour.

    Examples
    --------
    >>> period_name(2022.0), period_name(np.datetime64("2022-03-01T00:00:00")), period_name("T0")
    ('2022', '2022-03-01', 'T0')
    """
    if isinstance(label, (float, np.floating)):
        return f"{label:.12g}"
    if isinstance(label, np.datetime64) and not np.isnat(label):
        day = label.astype("datetime64[D]")
        return str(day) if day == label else str(label.astype("datetime64[s]"))
    return str(label)


def column_of(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return one column of a table whose labels are unique."""
    column = frame[name]
    assert isinstance(column, pd.Series)
    return column


def check_columns(frame: pd.DataFrame, roles: dict[str, str], faults: FindingCollector) -> None:
    """Refuse roles whose column is not in the table, naming the nearest one."""
    known = [str(name) for name in frame.columns]
    for role, name in roles.items():
        if known.count(name) > 1:
            faults.add(Finding.error("duplicated_column", Place(column=name), column=name))
        elif name not in known:
            faults.add(
                Finding.error(
                    "missing_column",
                    Place(column=name),
                    role=role,
                    column=name,
                    nearest=nearest(name, known),
                    known=known[:30],
                )
            )


def read_codes(column: pd.Series[Any], role: str, faults: FindingCollector) -> Codes:
    """Factorise a column with sorted labels; missing values are refused."""
    dense = _dense_codes(column.to_numpy())
    if dense is not None:
        return dense
    try:
        codes, labels = pd.factorize(column.to_numpy(), sort=False)
    except TypeError:  # lists and the like cannot be compared: what they print can
        codes, labels = pd.factorize(column.astype(str).to_numpy(), sort=False)
    missing = codes < 0
    refuse_empty_cells(column, missing, faults, role=role, column=str(column.name))
    labels = np.asarray(labels)
    if labels.size == 0:
        labels = np.array([""], dtype=object)
    try:
        order = np.argsort(labels, kind="stable")
    except TypeError:  # labels of mixed types: sort as the text they print
        order = np.argsort(labels.astype(str), kind="stable")
    if (order != np.arange(order.size)).any():
        rank = np.empty(order.size, dtype=np.int64)
        rank[order] = np.arange(order.size)
        codes = rank[codes]
        labels = labels[order]
    return Codes(np.where(missing, 0, codes).astype(np.int64, copy=False), labels)


def _dense_codes(values: NDArray[Any]) -> Codes | None:
    """Factorise whole numbers that fill their range well, by direct address; None for others."""
    if values.dtype.kind not in "iuf" or values.size == 0:
        return None
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high) and high - low < 4 * values.size + 64):
        return None
    if values.dtype.kind == "f" and (abs(low) > 2**53 or abs(high) > 2**53):
        return None
    whole = values.astype(np.int64, copy=False)
    if values.dtype.kind == "f" and (whole != values).any():
        return None
    place = whole - np.int64(low)
    present = np.zeros(int(high) - int(low) + 1, dtype=bool)
    present[place] = True
    labels = (np.flatnonzero(present) + np.int64(low)).astype(values.dtype)
    if labels.size < present.size:
        rank = np.cumsum(present) - 1
        place = rank[place]
    return Codes(place, labels)


def as_numbers(column: pd.Series[Any]) -> FloatArray | None:
    """Return a column as float64 with NaN where missing, or None when some answer is no number."""
    found = number_column(column)
    return found.values if found.is_number else None


def _plain_dates(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return calendar periods, date objects and dates of a time zone as plain dates."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        local: pd.Series[Any] = column.dt.tz_localize(None)
        return local
    if isinstance(column.dtype, pd.PeriodDtype):
        starts: pd.Series[Any] = column.dt.to_timestamp()
        return starts
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "date":
        return pd.to_datetime(column)
    return column


def read_periods(column: pd.Series[Any], faults: FindingCollector) -> Periods:
    """Read the time column: numbers as they are, dates as steps of their calendar, texts as ranks.

    Numbers such as 202012, December 2020, are dates too: 202101 is one month later, not 89.
    """
    numbers = as_numbers(column)
    plain = _plain_dates(column) if numbers is None else numbers
    source: pd.Series[Any] = pd.Series(plain, index=column.index, name=column.name)
    source.attrs = column.attrs  # a refusal names its rows
    coded = read_codes(source, "time", faults)
    if numbers is None:
        coded = _in_time_order(coded, column, faults)
    labels = coded.labels
    dates, written = dates_of(labels, labels)
    if dates is not None and written is not None and not dates.isna().any():
        calendar = calendar_of(dates, written=written)
        if calendar is not None:
            steps = calendar.steps(dates)
            return Periods(coded.codes, steps, labels, ranked=True, calendar=calendar)
    if numbers is not None:
        return Periods(coded.codes, labels.astype(np.float64), labels, ranked=False)
    ranks = np.arange(1, len(labels) + 1, dtype=np.float64)
    return Periods(coded.codes, ranks, labels, ranked=True)


def _in_time_order(coded: Codes, column: pd.Series[Any], faults: FindingCollector) -> Codes:
    """Put periods named by words in time order; an order that cannot be read is refused."""
    labels = coded.labels
    words = [str(label) for label in labels]
    order: IntArray | None = np.arange(len(labels))
    if isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.ordered:
        places = {str(name): place for place, name in enumerate(column.dtype.categories)}
        order = np.argsort([places[word] for word in words])
    elif len(labels) > 1 and any(isinstance(label, str) for label in labels):
        order = period_order(words)
    name = str(column.name)
    numbers = number_column(column)
    if order is None and numbers.mostly_numbers and numbers.odd.any():
        odd = OddCells.of(column, numbers.odd)
        faults.add(
            Finding.error(
                "text_column", odd.place, role="time", column=name, n=odd.n, examples=odd.examples,
                rows=odd.rows,
            )
        )  # fmt: skip
        return coded
    if order is None:
        faults.add(
            Finding.error("period_order_unknown", Place(column=name), column=name, known=words[:12])
        )
        return coded
    rank = np.empty(len(labels), dtype=np.int64)
    rank[order] = np.arange(len(labels))
    return Codes(rank[coded.codes], labels[order])


def read_cohorts(column: pd.Series[Any], periods: Periods, faults: FindingCollector) -> FloatArray:
    """Read the first treated period of each row; every usual code of "never" becomes infinity."""
    kept = _never_to_missing(column)
    found = number_column(kept)
    never = kept.isna().to_numpy(dtype=bool)
    unknown = found.marked & _says_unknown(column)
    if found.is_number and not unknown.any() and not periods.ranked:
        never = ~np.isfinite(found.values) | (found.values == 0)
        return np.where(never, np.inf, found.values)
    if periods.ranked:
        return _ranked_cohorts(column, periods, faults)
    odd = OddCells.of(column, ~never & (found.odd | unknown))
    dated = column.dtype.kind == "M" or isinstance(column.dtype, pd.PeriodDtype)
    faults.add(
        Finding.error(
            "cohort_not_a_period" if dated else "text_cohort",
            odd.place,
            column=str(column.name),
            n=odd.n,
            examples=odd.examples,
            rows=odd.rows,
            known=[period_name(label) for label in periods.labels[:12]],
        )
    )
    return np.full(len(column), np.inf)


def entry_not_known(text: str) -> bool:
    """Whether a word says that an entry is not known (« nd »): it is not that there was none.

    Examples
    --------
    >>> entry_not_known("nd"), entry_not_known("NSP"), entry_not_known("jamais")
    (True, True, False)
    """
    kind = missing_kind(text) or mark_kind(text)
    if text.strip().lower() in NEVER_WORDS or kind is None:
        return False
    return kind in _NOT_KNOWN or text.strip().startswith("?")


def _says_unknown(column: pd.Series[Any]) -> NDArray[np.bool_]:
    codes, distinct = pd.factorize(column.astype(object), use_na_sentinel=True)
    says = np.array([entry_not_known(as_text(cell)) for cell in distinct] + [False], dtype=bool)
    return says[codes]


def _never_to_missing(column: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return column
    words = column.astype("string").str.strip().str.lower()
    return column.mask(words.isin(NEVER_WORDS).fillna(True).astype(bool), None)


def _ranked_cohorts(
    column: pd.Series[Any], periods: Periods, faults: FindingCollector
) -> FloatArray:
    """Place dates or texts in the calendar of the periods: its first step at or after them."""
    places, never, _ = _placed(column, periods)
    unreadable = ~never & np.isnan(places)
    if unreadable.any():
        odd = OddCells.of(column, unreadable)
        faults.add(
            Finding.error(
                "cohort_not_a_period",
                odd.place,
                column=str(column.name),
                n=odd.n,
                examples=odd.examples,
                rows=odd.rows,
                known=[period_name(label) for label in periods.labels[:12]],
            )
        )
    first, last = periods.values[[0, -1]]
    # how long before the first or after the last period does not matter
    return np.where(never | unreadable, np.inf, np.clip(places, first, 2 * last + 1))


def entries_put_off(column: pd.Series[Any], periods: Periods) -> NDArray[np.bool_]:
    """Return the rows whose date of entry falls between two steps: it counts from the next one."""
    if not periods.ranked:
        return np.zeros(len(column), dtype=bool)
    return _placed(column, periods)[2]


def _placed(
    column: pd.Series[Any], periods: Periods
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the place of each entry (NaN where not read), who has none, which are put off."""
    kept = _plain_dates(_never_to_missing(column))
    never = kept.isna().to_numpy(dtype=bool)
    places, put_off = np.full(len(kept), np.nan), np.zeros(len(kept), dtype=bool)
    numbers, labels = number_column(kept), periods.labels
    dated = labels.dtype.kind == "M"
    if numbers.is_number:  # 0 is never
        never = never | ~np.isfinite(numbers.values) | (numbers.values == 0)
    if numbers.is_number != (labels.dtype.kind in "iuf"):
        return places, never, put_off  # a number is no date, a date no number
    words: Any = numbers.values if numbers.is_number else kept
    if dated:
        words = _written_dates(kept).to_numpy()
        places = np.where(np.isnat(words), np.nan, np.searchsorted(labels, words) + 1.0)
        put_off = ~np.isnan(places) & ~np.isin(words, labels)
    elif not numbers.is_number:
        pairs = zip(labels, periods.values, strict=True)
        names = {str(label): float(value) for label, value in pairs}
        places = kept.astype("string").map(names).to_numpy(dtype=np.float64, na_value=np.nan)
    if periods.calendar is None:
        return places, never, put_off
    dates, _ = dates_of(labels, words)
    assert dates is not None
    steps = periods.calendar.steps(dates)
    known = np.isnan(places) | dated
    return np.where(known, steps, places), never, known & periods.calendar.between(dates)


def _written_dates(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return dates, or texts written 2024-03-31 or 31/03/2024 as dates; nothing else is guessed."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return column
    text = column.astype("string")
    iso = pd.to_datetime(text, format="ISO8601", errors="coerce")
    return iso.fillna(pd.to_datetime(text, format="%d/%m/%Y", errors="coerce"))


def read_treatment(column: pd.Series[Any], faults: FindingCollector) -> FloatArray:
    """Read a 0/1 column (also oui/non, yes/no, true/false); NaN where missing."""
    given = as_numbers(column)
    if given is None or bool(number_column(column).marked.any()):
        words = column.astype("string").str.strip().fillna("")
        codes, distinct = pd.factorize(words)
        said = read_yes_no([str(word) for word in distinct])
        table = np.array([np.nan if answer is None else answer for answer in said.answers])
        numbers = table[codes]
        against = np.isin(codes, said.contradicting)
        if against.any():
            faults.add(contradicting_answer(column, against, numbers))
            return np.full(len(column), np.nan)
        strange = np.isnan(numbers) & words.ne("").to_numpy(dtype=bool)
    else:
        numbers = given
        strange = ~np.isnan(numbers) & (numbers != 0) & (numbers != 1)
    if strange.any():
        odd = OddCells.of(column, strange)
        faults.add(
            Finding.error(
                "treatment_not_binary",
                odd.place,
                column=str(column.name),
                n=odd.n,
                examples=odd.examples,
                rows=odd.rows,
            )
        )
    return numbers
