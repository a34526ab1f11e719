"""What the rows of a table look like, and what is asked when the study says something else."""

from __future__ import annotations

import pandas as pd
import pytest

from impact_eval.core.vocabulary import RowsAre
from impact_eval.data.identity import identifying_columns
from impact_eval.data.row_kind import row_kind_finding, rows_look_like

PLACES, PEOPLE = RowsAre.TERRITORIES, RowsAre.PEOPLE


@pytest.mark.parametrize(
    ("heading", "labels", "times", "seen"),
    [
        ("dep", ["01", "2A", "38", "69"], 3, PLACES),
        ("code", ["01053", "2A004", "38185", "69123"], 2, PLACES),
        ("unite", ["200040350", "240100750", "243800604", "200046977"], 2, PLACES),
        ("Commune", ["Gex", "Bourg", "Oyonnax", "Belley"], 4, PLACES),
        ("commune", ["Gex", "Bourg", "Oyonnax", "Belley"], 1, None),  # where each person lives?
        ("id", [str(i) for i in range(1, 96)], 6, None),  # numbers are not départements
        ("id", [f"P{i:03d}" for i in range(40)], 2, PEOPLE),
        ("id", [f"P{i:03d}" for i in range(40)], 8, None),
        ("dep", [f"D{i:02d}" for i in range(40)], 1, None),
        (None, [], 1, None),
    ],
)
def test_what_rows_look_like(
    heading: str | None, labels: list[str], times: int, seen: RowsAre | None
) -> None:
    frame = pd.DataFrame({heading or "y": labels * times or [1]})
    assert rows_look_like(frame, heading) is seen


def test_columns_that_name_people_settle_it() -> None:
    frame = pd.DataFrame({"dep": ["01", "2A", "38", "69"] * 2, "Prénom": list("abcdefgh")})
    frame["Prénom"] = [f"Prenom{x}" for x in frame["Prénom"]]
    assert rows_look_like(frame, "dep", identifying_columns(frame)) is PEOPLE
    halls = frame[["dep"]].assign(mail=[f"mairie{i}@exemple.fr" for i in range(8)])
    assert rows_look_like(halls, "dep", identifying_columns(halls)) is PLACES


def test_what_is_asked() -> None:
    places = pd.DataFrame({"dep": ["01", "2A", "38", "69"] * 2})
    people = pd.DataFrame({"id": [f"P{i:03d}" for i in range(40)]})
    asked = row_kind_finding(places, "dep", None)
    assert asked is not None
    assert (asked.code, asked.severity.value) == ("rows_look_like_territories", "info")
    assert asked.values == {"column": "dep", "n": 4}
    assert row_kind_finding(places, "dep", PLACES) is None
    assert row_kind_finding(places, "dep", PEOPLE) is None  # whoever says people is believed
    asked = row_kind_finding(people, "id", PLACES)
    assert asked is not None
    assert (asked.code, asked.severity.value) == ("rows_look_like_people", "warning")
    assert row_kind_finding(people, "id", None) is None
