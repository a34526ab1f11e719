"""Few independent units are told, with the same thresholds as by every other design."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from impact_eval.designs.base import Design
from impact_eval.designs.contract.comparing import codes_of
from impact_eval.designs.contract.example import Example, example_of
from impact_eval.designs.contract.table_truth import TableTruth
from impact_eval.stats.inference.few import FEW_TREATED, FEWEST_CLUSTERS, few_in_all

IN_ALL = "few_clusters"
OF_TREATED = ("few_treated_units", "few_treated_clusters")  # by whether clusters are declared
KEPT = (3, 12)  # units kept of each cohort treated, and of the others


def check_few_told(design: type[Design]) -> None:
    """21. Few independent units are told, in all and among the treated, as everywhere else.

    Held on any design that accepts clusters, or that tells them at all.
    """
    for example in _examples(design):
        if codes_of(partial(example.design.fit, example.sample(), example.outcome)) is not None:
            continue
        found = [f for f in example.fit().findings if f.code in (IN_ALL, *OF_TREATED)]
        told = {finding.code: finding.values.get("n") for finding in found}
        if not (told or design.info.clusters):
            continue
        expected = _expected(example)
        if expected.get(IN_ALL, 0) >= FEWEST_CLUSTERS:  # it depends on whom clusters hold
            told.pop(IN_ALL, None)
            expected.pop(IN_ALL)
        assert told == expected, f"few independent units: told {told}, the table has {expected}"
        codes = [finding.code for finding in found]
        assert len(codes) == len(set(codes)), f"told twice: {codes}"


def _expected(example: Example) -> dict[str, int]:
    """Return the codes that the table calls for, and how many units or clusters there are."""
    table = TableTruth.of(example)
    cluster = example.roles.get("cluster")
    codes = example.per_unit()
    if cluster is not None:
        codes = np.unique(example.frame[cluster], return_inverse=True)[1]
    total = int(np.unique(codes).size)
    started = np.isfinite(table.cohort)
    treated, never = (int(np.unique(codes[rows]).size) for rows in (started, ~started))
    shared = treated + never - total if table.assigned else total
    out = {IN_ALL: total} if few_in_all(total, shared=shared) else {}
    if table.assigned and treated < FEW_TREATED:
        out[OF_TREATED[cluster is not None]] = treated
    return out


def _examples(design: type[Design]) -> Iterator[Example]:
    """Yield the example, with few of each group, and both with clusters where they are accepted."""
    whole = example_of(design)
    for example in (whole, _few(whole)):
        yield example
        if design.info.clusters:
            yield example.clustered()


def _few(example: Example) -> Example:
    """Keep the first units of each group."""
    table, units, groups = TableTruth.of(example), example.per_unit(), example.groups()
    most = np.where(np.isfinite(table.cohort), *KEPT) if table.assigned else np.full(len(units), 12)
    kept = np.zeros(len(units), dtype=bool)
    for group in np.unique(groups):
        rows = groups == group
        kept |= rows & np.isin(units, np.unique(units[rows])[: int(most[rows].max())])
    return example.on(example.frame.loc[kept].reset_index(drop=True))
