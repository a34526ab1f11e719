"""Labels that are one for the eye are one unit; those that a reader takes for one are named."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from impact_eval import ImpactEvalError, Sample
from impact_eval.data.spellings import as_seen, read_alike, seen_spelling, spoken_spelling
from impact_eval.designs import DifferenceInDifferences, ImputationDiD

TOWNS = ("Béziers", "Val-d'Oise 2", "Saint Denis", "L'Île", "Gex", "Bourg en Bresse")
UNSEEN = {
    "trailing space": lambda s: s + " ",
    "leading no-break space": lambda s: "\u00a0" + s,
    "double space": lambda s: s.replace(" ", "  "),
    "narrow space": lambda s: s.replace(" ", "\u202f"),
    "zero width": lambda s: s[:2] + "\u200b" + s[2:],
    "soft hyphen": lambda s: s[:2] + "\u00ad" + s[2:],
    "decomposed": lambda s: unicodedata.normalize("NFD", s),
    "curly apostrophe": lambda s: s.replace("'", "’"),
    "long dash": lambda s: s.replace("-", "–"),
}
SEEN = {
    "case": str.upper,
    "accents": lambda s: "".join(
        c for c in unicodedata.normalize("NFD", s) if not unicodedata.combining(c)
    ),
    "dash for space": lambda s: s.replace(" ", "-"),
}


def panel(change: Any) -> pd.DataFrame:
    """Six towns over four years, three entering in the third; a year writes them its own way."""
    rng = np.random.default_rng(2)
    rows = []
    for i, town in enumerate(TOWNS):
        for year in range(2019, 2023):
            name = change(town) if year == 2020 else town
            y = i + 2.0 * (i % 2 and year >= 2021) + rng.normal() * 0.01
            rows.append((name, year, 2021 if i % 2 else 0, y))
    return pd.DataFrame(rows, columns=["town", "year", "entry", "y"])


ROLES = {"unit": "town", "time": "year", "cohort": "entry"}


@pytest.mark.parametrize("way", list(UNSEEN))
def test_what_no_eye_sees_is_one_unit_and_told(way: str) -> None:
    right = ImputationDiD(leads=0).fit(Sample(panel(str), **ROLES), "y").aggregate("simple")["att"]
    sample = Sample(panel(UNSEEN[way]), **ROLES)
    assert sample.n_units == len(TOWNS)
    estimate = ImputationDiD(leads=0).fit(sample, "y")
    assert estimate.aggregate("simple")["att"].estimate == pytest.approx(right.estimate)
    changed = sum(UNSEEN[way](town) != town for town in TOWNS)
    told = [f.values["n"] for f in estimate.findings if f.code == "labels_merged"]
    assert told == [changed]


@pytest.mark.parametrize("way", list(SEEN))
def test_what_a_reader_takes_for_one_is_named_then_linked_as_declared(way: str) -> None:
    frame = panel(SEEN[way])
    changed = sum(SEEN[way](town) != town for town in TOWNS)
    with pytest.raises(ImpactEvalError) as caught:
        Sample(frame, **ROLES)
    (found,) = caught.value.findings
    assert (found.code, found.values["n"]) == ("labels_alike", changed)
    first = next(town for town in TOWNS if SEEN[way](town) != town)
    assert any(first in example for example in found.values["examples"])  # type: ignore[union-attr]
    joined = Sample(frame, labels_alike="same", **ROLES)  # type: ignore[arg-type]
    assert (joined.n_units, joined.unit_labels.tolist()) == (6, sorted(TOWNS))
    assert [f.values["n"] for f in joined.findings if f.code == "labels_joined"] == [changed]
    apart = Sample(frame, labels_alike="different", **ROLES)  # type: ignore[arg-type]
    assert apart.n_units == len(TOWNS) + changed


def test_labels_alike_at_one_date_are_kept_and_told() -> None:
    """Two codes that differ by case, both there at every date, may well be two people."""
    frame = pd.DataFrame({"id": ["aB", "Ab"] * 3 + ["c"] * 3, "t": [1, 1, 2, 2, 3, 3, 1, 2, 3]})
    sample = Sample(frame, unit="id", time="t")
    assert sample.n_units == 3
    assert [f.code for f in sample.findings] == ["labels_alike_kept"]


def test_a_number_and_its_text_are_one_unit() -> None:
    """One year kept the numbers of a workbook, another their texts."""
    frame = pd.DataFrame({"id": [1, 2, 3, "1", "2", "3.0"], "t": [1, 1, 1, 2, 2, 2]}, dtype=object)
    frame["id"] = frame["id"].replace("3.0", "3 ")
    sample = Sample(frame, unit="id", time="t")
    assert sample.n_units == 3
    assert "labels_merged" in {f.code for f in sample.findings}


def test_a_lost_zero_is_named() -> None:
    frame = pd.DataFrame({"dep": ["01", "02", "38", "1", "2", "38"], "t": [1, 1, 1, 2, 2, 2]})
    with pytest.raises(ImpactEvalError) as caught:
        Sample(frame, unit="dep", time="t")
    assert caught.value.findings[0].values["examples"] == ("01 / 1", "02 / 2")


@pytest.mark.parametrize("role", ["cluster", "strata", "covariates"])
def test_groups_are_not_split_by_a_space_or_by_case(role: str) -> None:
    frame = pd.DataFrame({"id": range(6), "g": ["Nord", "Nord ", "Sud", "Sud", "Nord", "Est"]})
    given_role: Any = ["g"] if role == "covariates" else "g"
    sample = Sample(frame, unit="id", **{role: given_role})
    assert sorted(set(sample.frame["g"])) == ["Est", "Nord", "Sud"]
    assert "labels_merged" in {f.code for f in sample.findings}
    with pytest.raises(ImpactEvalError) as caught:
        Sample(frame.replace("Nord ", "NORD"), unit="id", **{role: given_role})
    assert caught.value.codes == ("labels_alike",)


def test_periods_and_treatments_have_one_spelling() -> None:
    frame = pd.DataFrame(
        {"id": [1, 1, 2, 2, 3, 3, 4, 4], "t": ["avant", "après", "avant ", "après\u00a0"] * 2,
         "d": ["non", "oui", "Non ", "NON", "non", "OUI\u00a0", "non", "non"],
         "y": [1.0, 3.0, 1.5, 1.0, 2.0, 4.5, 0.0, 0.0]}
    )  # fmt: skip
    sample = Sample(frame, unit="id", time="t", treatment="d")
    assert sample.time_labels.tolist() == ["avant", "après"]
    effect = DifferenceInDifferences().fit(sample, "y")["att"]
    assert effect.estimate == pytest.approx((2.0 + 2.5) / 2 - (-0.5 + 0.0) / 2)


@given(st.text(min_size=1, max_size=12))
def test_the_spelling_is_settled_once(text: str) -> None:
    assert seen_spelling(seen_spelling(text)) == seen_spelling(text)
    assert spoken_spelling(seen_spelling(text)) == spoken_spelling(text)


WORDS = st.text("abcdéÉ'-  \u00a0", min_size=1, max_size=6)


@given(st.lists(WORDS, min_size=1, max_size=30))
def test_units_are_the_spellings_that_an_eye_tells_apart(labels: list[str]) -> None:
    """Oracle: the number of distinct `seen_spelling`, brute force."""
    seen = [seen_spelling(label) for label in labels]
    found = as_seen(pd.Series(labels))
    expected = {spelling for spelling in seen if spelling}
    assert found.column.dropna().nunique() == len(expected)
    assert found.column.isna().tolist() == [not spelling for spelling in seen]
    by_spelling = pd.Series(labels).groupby(seen).nunique()
    assert found.merged == int((by_spelling[by_spelling.index != ""] > 1).sum())
    assume(expected)
    alike = read_alike(sorted(expected))
    spoken = pd.Series([spoken_spelling(s) for s in sorted(expected)]).value_counts()
    assert sorted(map(len, alike)) == sorted(spoken[spoken > 1])
