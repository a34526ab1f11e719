"""What the rows of a table look like, people or territories, when its study does not say."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from impact_eval.core.findings import Finding, Place
from impact_eval.core.vocabulary import RowsAre
from impact_eval.data.headings import PersonalKind, names_persons, speaks_of_places
from impact_eval.data.identity import IdentifyingColumn, distinct_cells

FEWEST = 4  # labels below which nothing is guessed
REPEATED = 2  # rows of each label, at least, for a territory followed over time
_DEPARTEMENT = re.compile(r"0[1-9]|[1-8]\d|9[0-5]|2[AB]|97[1-6]|69[DM]")
_COMMUNE = re.compile(r"(?:0[1-9]|[1-8]\d|9[0-5]|2[AB])\d{3}|97[1-6]\d{2}")
_EPCI = re.compile(r"2[04]\d{7}")
_NUMBERED = re.compile(r"[A-Za-z]{1,4}[-_ ]?\d{2,}")  # P001, ben-12
# A town hall has a telephone and an address; only people have these.
_OF_PEOPLE = frozenset(
    {
        PersonalKind.SURNAME,
        PersonalKind.FIRST_NAME,
        PersonalKind.FULL_NAME,
        PersonalKind.SOCIAL_SECURITY,
        PersonalKind.BIRTH_DATE,
        PersonalKind.BENEFIT_NUMBER,
    }
)


def rows_look_like(
    frame: pd.DataFrame, unit: str | None, identifying: Sequence[IdentifyingColumn] = ()
) -> RowsAre | None:
    """Return what the rows look like from their labels, or None when nothing shows.

    Territories: a heading of place (« commune », `dep`…), or codes of départements, communes or
    EPCI, each on several rows. People: columns that name them, or labels such as P001 on one or two
    rows each.

    Parameters
    ----------
    frame : DataFrame
    unit : str or None
        Column of the labels.
    identifying : sequence of IdentifyingColumn
        What `identifying_columns` found in the table.

    Examples
    --------
    >>> panel = pd.DataFrame({"dep": ["01", "2A", "38", "69"] * 3})
    >>> rows_look_like(panel, "dep").value
    'territories'
    >>> rows_look_like(pd.DataFrame({"id": [f"P{i:03}" for i in range(40)]}), "id").value
    'people'
    """
    if any(column.kind in _OF_PEOPLE for column in identifying):
        return RowsAre.PEOPLE
    if unit is None or list(frame.columns).count(unit) != 1:
        return None
    labels = distinct_cells(frame[unit])
    if len(labels) < FEWEST:
        return None
    n_labels = int(frame[unit].nunique())
    each = len(frame) / n_labels
    if each >= REPEATED and (speaks_of_places(unit) or _are_places(labels)):
        return RowsAre.TERRITORIES
    numbered = sum(_NUMBERED.fullmatch(label) is not None for label in labels) >= 0.9 * len(labels)
    if numbered and n_labels >= 20 and each <= REPEATED and not speaks_of_places(unit):
        return RowsAre.PEOPLE
    return None


def _are_places(labels: Sequence[str]) -> bool:
    """Whether all labels are codes of départements, communes or EPCI; 1 to 95 alone are ranks."""
    patterns = (_COMMUNE, _EPCI)
    if any(all(pattern.fullmatch(label) for label in labels) for pattern in patterns):
        return True
    telling = any(label.startswith("0") or label in ("2A", "2B") for label in labels)
    return telling and all(_DEPARTEMENT.fullmatch(label) for label in labels)


def row_kind_finding(
    frame: pd.DataFrame,
    unit: str | None,
    declared: RowsAre | None,
    identifying: Sequence[IdentifyingColumn] = (),
) -> Finding | None:
    """Return what to ask of whoever declared the table, when its rows look like something else.

    Parameters
    ----------
    frame : DataFrame
    unit : str or None
    declared : RowsAre or None
        What the study says; None when it says nothing.
    identifying : sequence of IdentifyingColumn
    """
    seen = rows_look_like(frame, unit, identifying)
    by_name = unit is not None and names_persons(unit)
    place = Place(column=unit)
    n = int(frame[unit].nunique()) if unit is not None and unit in frame.columns else len(frame)
    if by_name:
        wrong = declared is RowsAre.TERRITORIES
        return Finding.warning("rows_are_people", place, column=unit, n=n) if wrong else None
    if seen is RowsAre.TERRITORIES and declared is None:
        return Finding.info("rows_look_like_territories", place, column=unit, n=n)
    if seen is RowsAre.PEOPLE and declared is RowsAre.TERRITORIES:
        return Finding.warning("rows_look_like_people", place, column=unit, n=n)
    return None
