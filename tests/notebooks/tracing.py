"""Trace each number of a block to the leaf it tells, by the place where it stands.

The blocks are those of a marked record (see `marking.py`), where no number looks like another. A
number is then one of these, and of nothing else:

    leaf        the same number
    per 100     100 times a share, where an amount of a unit is written
    size        a leaf without its sign, where « de moins », a size or a distance is written
    plural      a number rounded as it is written, to choose between one and many
    setting     a whole number that was declared, under the name of its leaf
    stated      a function of leaves of `results/stated.py`, in the places listed below
    count       how many records there are of a kind, in the places listed below
    position    the place of a question in its scale, in the places listed below

A text that holds a digit is a text of the record: a title, a version, a period.
"""

from __future__ import annotations

import bisect
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

Json: TypeAlias = Any
RELATIVE = 1e-9  # the record keeps ten digits


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def numbers_of(value: Json, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield every number of a JSON value, with its path."""
    if is_number(value):
        yield path, float(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from numbers_of(inner, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for place, inner in enumerate(value):
            yield from numbers_of(inner, f"{path}[{place}]")


def texts_of(value: Json) -> Iterator[str]:
    """Yield every text of a JSON value, keys of tables included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from texts_of(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from texts_of(inner)


# -- where a number or a text stands -----------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A value of a block: the code of its words or of its table, its name there, what is around."""

    code: str
    name: str
    value: Json
    around: tuple[str, ...] = ()  # the codes of the words that hold it, outermost first
    beside: Json = None  # the other values of its words
    block: Json = None

    def __str__(self) -> str:
        return f"{self.code}:{self.name} = {self.value}"


def places_of(block: Json) -> Iterator[Place]:
    """Yield each number and each text of a block, as JSON, that is no code and no layout."""
    kind = block["kind"]
    laid_out = {"kind", "emphasis", "anchor", "form", "figure", "columns", "rows", "data",
                "options", *(("level",) if kind == "heading" else ())}  # fmt: skip
    found = [
        *(p for key in block if key not in laid_out for p in _inside(block[key], kind, key)),
        *(p for key, o in block.get("options", {}).items() for p in _inside(o, kind, key)),
    ]
    table = block if kind == "table" else block.get("data")
    if table is not None:
        found += _of_table(table, block.get("figure") or _code(table["caption"]))
    yield from (replace(place, block=block) for place in found)


def _code(words: Json) -> str:
    return str(words["code"]) if isinstance(words, Mapping) and "code" in words else "table"


def _of_table(table: Json, name: str) -> Iterator[Place]:
    for part in ("caption", "notes"):
        yield from _inside(table.get(part), "table", part)
    for column in table["columns"]:
        yield from _inside(column["label"], name, column["key"])
        yield from _inside(column.get("unit"), name, column["key"])
    for row in table["rows"]:
        for column, cell in zip(table["columns"], row, strict=True):
            yield from _inside(cell, name, column["key"])


def _inside(
    value: Json, code: str, name: str, around: tuple[str, ...] = (), beside: Json = None
) -> Iterator[Place]:
    if is_number(value) or isinstance(value, str):
        yield Place(code, name, value, around, beside)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _inside(part, code, name, around, beside)
    elif isinstance(value, Mapping):
        inner = value.get("code") or value.get("reason")
        parts = value.get("values", {}) if inner else value
        for key, part in parts.items():
            below = (*around, code) if inner else around
            yield from _inside(part, inner or code, key if inner else name, below, parts)


# -- what a number may be ----------------------------------------------------------------------

PER_100 = re.compile(r"unit\.share\.|number\.(dec|signed)|number$")
DRAWN_PER_100 = frozenset({"estimate", "low", "high", "band_low", "band_high", "base"})
SIZES = re.compile(r"unit\.[a-z0-9_]+\.(less|size)$")
DISTANCES = frozenset({"balance:before", "balance:after", "figure.alt.balance:value"})
AMOUNTS = frozenset({"figure.alt.cumulative"})  # whose first and last are euros
# Whole numbers that were declared, under the names of their leaves.
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "evidence_level": ("level",),
    "level": ("level", "conf_level"),
    "conf_level": ("conf_level", "level"),
    "threshold": ("threshold",),
    "horizon": ("horizon",),
    "price_year": ("price_year",),
    "time": ("time", "group"),
    "times": ("time", "group"),
    "group": ("group", "time"),
    "first": ("time", "group", "first"),
    "last": ("time", "group", "last"),
    "year": ("year",),
    "seed": ("seed",),
    "advised": ("advised",),
}


class Leaves:
    """The leaves of a marked record, and what may be told of them.

    Parameters
    ----------
    marked, plain : JSON
        The record once marked, and as it was: a number that is in both is a setting.
    catalogue : iterable of str
        Texts that come from no study: the references of the methods.
    """

    def __init__(self, marked: Json, plain: Json, catalogue: Iterable[str] = ()) -> None:
        before = {number for _, number in numbers_of(plain)}
        self.record = marked
        self.found = sorted({n for _, n in numbers_of(marked) if n not in before})
        self.settings: dict[str, set[float]] = {}
        for path, number in numbers_of(marked):
            if number in before:
                name = re.sub(r"\[\d+\]", "", path).rpartition(".")[2]
                self.settings.setdefault(name, set()).add(number)
        texts = (*texts_of(marked), *catalogue)
        self.texts = {text for text in texts if any(c.isdigit() for c in text)}
        times = {float(text) for text in self.texts if re.fullmatch(r"-?\d+", text)}
        self.settings["time"] = times | self.settings.get("time", set())

    def explain(self, place: Place) -> str | None:
        """Return what a value is, or None when it comes from nowhere."""
        if isinstance(place.value, str):
            return "text" if self._is_stored(place.value) else None
        number, name = float(place.value), f"{place.code}:{place.name}"
        if number < 0 and _is_size(place):
            return None
        if _holds(self.found, number):
            return "leaf"
        if place.name == "n" and place.code.startswith("unit."):
            return "plural" if number == _rounded(place.beside["value"]) else None
        if _holds(self.found, number / 100) and _is_per_100(place):
            return "per 100"
        if _is_size(place) and any(_holds(self.found, one) for one in (-number, -number / 100)):
            return "size"
        names = () if place.code in AMOUNTS else SETTINGS.get(place.name, ())
        if any(number in self.settings.get(key, ()) for key in names):
            return "setting"
        if any(_is(number, one) for one in _candidates(name, place, self.record)):
            return "stated"
        if POSITIONS.fullmatch(name) and number in _positions(place, self.record):
            return "position"
        return "zero" if number == 0 else None

    def _is_stored(self, text: str) -> bool:
        """Whether a text is of the record; a fingerprint may be cut, a year or a time is a text."""
        if not any(c.isdigit() for c in text) or text in self.texts:
            return True
        if re.fullmatch(r"[0-9a-f]{16}", text):
            return any(one.startswith(text) for one in self.texts)
        known = set().union(*self.settings.values())
        return bool(re.fullmatch(r"-?\d+", text)) and float(text) in known


def _is(number: float, other: float) -> bool:
    if number.is_integer() and float(other).is_integer():
        return number == other
    return math.isclose(number, other, rel_tol=RELATIVE)


def _holds(ordered: Sequence[float], number: float) -> bool:
    at = bisect.bisect_left(ordered, number)
    return any(_is(number, one) for one in ordered[max(0, at - 1) : at + 1])


def _is_per_100(place: Place) -> bool:
    return bool(PER_100.match(place.code)) or place.name in DRAWN_PER_100


def _is_size(place: Place) -> bool:
    codes = (place.code, *place.around)
    return f"{place.code}:{place.name}" in DISTANCES or any(SIZES.match(code) for code in codes)


def _rounded(shown: Json) -> float:
    """Return the number of an amount as it is written, without its sign."""
    return round(abs(shown["values"]["x"]), int(shown["code"][-1]))


# -- the functions of leaves, and where they stand ---------------------------------------------


def _candidates(name: str, place: Place, record: Json) -> Iterator[float]:
    for pattern, function in STATED.items():
        if re.fullmatch(pattern, name):
            yield from function(place, record)


def _lists(place: Place, record: Json) -> Iterator[float]:
    """How many names the same words list."""
    yield from (float(len(v)) for v in place.beside.values() if isinstance(v, list))


def _rows(place: Place, record: Json) -> Iterator[float]:
    yield float(len(place.block["data"]["rows"]))


def _cells(place: Place, *keys: str) -> list[tuple[Json, ...]]:
    """Return the cells of some columns of the block's table, row by row."""
    table = place.block.get("data", place.block)
    at = [[column["key"] for column in table["columns"]].index(key) for key in keys]
    return [tuple(row[k] for k in at) for row in table["rows"]]


def _checks(place: Place, record: Json) -> Iterator[float]:
    """How many checks there are, of each status; of the first outcome where its name is told."""
    outcome = next((e["outcome"] for e in record["estimates"] if e["primary"]), None)
    outcome = outcome or next((e["outcome"] for e in record["estimates"]), None)
    kept = [
        check["check"]["status"]
        for check in record["checks"]
        if check["check"]["status"] != "not_applicable"
        and (not place.code.endswith("_of") or check["outcome"] == outcome)
    ]
    yield float(len(kept)) if place.name == "n" else float(kept.count(place.name))
    if place.code.startswith("sentence.checks.all_passed"):
        yield float(kept.count("passed"))


def _steps(place: Place, record: Json) -> Iterator[float]:
    first, last = record["data"]["flow"][0], record["data"]["flow"][-1]
    start, end = first["n"] + first["dropped"], last["n"]
    yield from {"start": [start], "share": [end / start], "n": [start - end]}[place.name]


def _observed(place: Place, record: Json) -> Iterator[float]:
    for estimate in record["estimates"]:
        for row in estimate["estimate"]["effects"]:
            both = [row["n_treated"], row["n_comparison"]]
            yield float(sum(n for n in both if n is not None))


def _answers(place: Place, record: Json) -> Iterator[float]:
    for score in record["scores"]:
        for item in score["items"]:
            for counts in (item["before"], item["after"]):
                if counts and place.name == "n":
                    yield float(sum(counts))
                elif counts:
                    yield counts[int(place.name.rpartition("_")[2])] / sum(counts)


def _favourable(place: Place, record: Json) -> Iterator[float]:
    for score in record["scores"]:
        waves = [[i[w] for i in score["items"] if i[w]] for w in ("before", "after")]
        told = [w for w in waves if w]
        for counts in told:
            yield sum(sum(c[-(len(c) // 2) :]) / sum(c) for c in counts) / len(counts)


def _questions(place: Place, record: Json) -> Iterator[float]:
    yield from (float(len(score["items"])) for score in record["scores"])


def _positions(place: Place, record: Json) -> Iterator[float]:
    """The place of a question in its scale, from 1."""
    for score in record["scores"]:
        yield from (float(i + 1) for i in range(len(score["codes"])))


def _changed(place: Place, record: Json) -> Iterator[float]:
    for score in record["scores"]:
        if score["people"]:
            yield float(sum(score["people"].values()))


def _classes(place: Place, record: Json) -> Iterator[float]:
    """A class without width joins the one before it."""
    for score in record["scores"]:
        for one, other in itertools.pairwise(score["bins"]):
            if other["high"] <= other["low"]:
                yield float(one[place.name] + other[place.name])


def _parties(place: Place, record: Json) -> Iterator[float]:
    parties = record["value"]["told"]["parties"]
    sums = {key: sum(party[key] or 0 for party in parties) for key in ("pays", "gains")}
    if place.name in sums and place.code in ("value.caption_account", "value.caption_put_in"):
        yield sums[place.name]
    elif place.name in ("net", "value"):
        yield from (party["gains"] - party["pays"] for party in parties)
        yield sums["gains"] - sums["pays"]


def _same_side(place: Place, record: Json) -> Iterator[float]:
    values = [float(value) for (value,) in _cells(place, "estimate")]
    reference = values[place.block["options"]["chosen"]]
    yield sum((v > 0) == (reference > 0) for v in values) / len(values)


def _variants(place: Place, record: Json) -> Iterator[float]:
    for dossier in record["dossier"].values():
        yield float(sum(row["estimate"] is not None for row in dossier["curve"]))


def _lead(place: Place, record: Json) -> Iterator[float]:
    """How long before entry a placebo is: its time without the sign."""
    for check in record["checks"]:
        for row in check["check"].get("rows") or ():
            if re.fullmatch(r"-\d+", str(row.get("name"))):
                yield -float(row["name"])


def _chosen(place: Place, record: Json) -> Iterator[float]:
    names = [name["code"] for (name,) in _cells(place, "name")]
    yield float(names.index("dossier.announced"))


def _far(place: Place, record: Json) -> Iterator[float]:
    table = place.block["data"]
    last = table["columns"][-1]["key"]
    yield float(sum(value is not None and value > 0.1 for (value,) in _cells(place, last)))


def _before_entry(place: Place, record: Json) -> Iterator[float]:
    keys = ("phase", "low", "high", "band_low", "band_high")
    rows = [row[1:] for row in _cells(place, *keys) if row[0] == "event_before"]
    ends = [(low if b is None else b, high if t is None else t) for low, high, b, t in rows]
    apart = sum(low is not None and (low > 0 or high < 0) for low, high in ends)
    yield float(apart if place.name == "outside" else len(rows))


POSITIONS = re.compile(r"codes\.caption_.*:numbers|codes\.question:number")
STATED: Mapping[str, Callable[[Place, Json], Iterator[float]]] = {
    r"number:n": _observed,
    r"limits\.about:n": _lists,
    r"sentence\.checks\..*:(n|passed|warning|failed)": _checks,
    r"checks\.summary.*:(n|passed|warning|failed)": _checks,
    r"flow\.sentence.*:(start|share)|flow\.lost:n": _steps,
    r"soft\.caption_people:n": _changed,
    r"codes\.caption_.*:n": _lists,
    r"likert:(n|share_\d+)": _answers,
    r"figure\.alt\.likert:n": _questions,
    r"figure\.alt\.likert:(before|after)": _favourable,
    r"distribution:(before|after)": _classes,
    r"payers:net|figure\.alt\.payer_item:value|value\.caption_account:(pays|gains|net)": _parties,
    r"value\.caption_put_in:pays": _parties,
    r"figure\.alt\.(specification|balance|portfolio):n": _rows,
    r"figure\.alt\.specification:share": _same_side,
    r"dossier\.(same|other)_sign:n": _variants,
    r"checks\.lead:n": _lead,
    r"figure:chosen": _chosen,
    r"figure\.alt\.balance:over": _far,
    r"figure\.alt\.event_before.*:(n|outside)": _before_entry,
}
