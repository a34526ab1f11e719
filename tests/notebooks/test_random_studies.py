"""Random small studies: after the gate nothing tells few people, whatever the study."""

from __future__ import annotations

import datetime as dt
import math
import runpy
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.vocabulary import RowsAre
from impact_eval.pipeline.evaluate import evaluate
from impact_eval.pipeline.leak_leaves import leaves
from impact_eval.pipeline.leak_numbers import edition_leaks, number_leaks
from impact_eval.pipeline.study import Study
from impact_eval.results.disclosure.profiles import profile
from impact_eval.results.disclosure.releases import (
    Ledger,
    ReleasedEdition,
    read_ledger,
    write_ledger,
)
from impact_eval.results.gate import release, released_counts
from impact_eval.results.record_base import Rule
from impact_eval.results.records import StudyResults

RANDOM = SimpleNamespace(
    **runpy.run_path(str(Path(__file__).parent / "canaries" / "random_studies.py"))
)
FEW = settings(max_examples=4, deadline=None, derandomize=True, database=None,
               suppress_health_check=list(HealthCheck))  # fmt: skip
MANY = settings(FEW, max_examples=120)


def computed(folder: Path) -> StudyResults | None:
    """Compute a study; None when it is refused, which publishes nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return evaluate(Study.read(folder))
    except ImpactEvalError:
        return None


def numbers(value: object) -> Iterator[float]:
    """Yield the numbers of a JSON document."""
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield abs(float(value))


def withheld(whole: StudyResults, published: StudyResults) -> set[float]:
    """Return the true values kept back whose digits make them one number and no other."""
    shown = {leaf.key: leaf.value for leaf in leaves(published)}
    return {
        abs(leaf.value)
        for leaf in leaves(whole)
        if isinstance(leaf.value, float)
        and leaf.people
        and leaf.rule not in (Rule.FREE, Rule.INSIDE)
        and shown.get(leaf.key) is None
        and len(repr(leaf.value).lstrip("-0.").replace(".", "")) >= 5
    }


def judge(whole: StudyResults) -> StudyResults:
    """Hold an edition to what must be true of every edition."""
    published = release(whole).results
    rules = profile(published.disclosure.profile)
    assert number_leaks(published) == ()
    small = [
        leaf.key
        for leaf in leaves(published)
        if leaf.rule in (Rule.PEOPLE, Rule.CLUSTERS) and leaf.people
        for n in (leaf.value if isinstance(leaf.value, tuple) else (leaf.value,))
        if isinstance(n, (int, float)) and rules.small(n)
    ]
    assert small == []
    told = set(numbers(published.to_dict()))
    assert withheld(whole, published) & told == set()
    for record in published.headlines:
        if record.withheld and record.counted is RowsAre.PEOPLE:
            assert record.headline.estimate is None
            assert record.headline.std_error is None
            assert record.headline.df is None
            assert record.smallest_detectable is None
    return published


@FEW
@given(RANDOM.specs(small=True))
def test_a_few_random_studies(spec: object) -> None:
    with TemporaryDirectory() as folder:
        whole = computed(RANDOM.write_study(Path(folder), spec))
        if whole is not None:
            judge(whole)


@pytest.mark.long
@MANY
@given(RANDOM.specs())
def test_random_studies(spec: object) -> None:
    with TemporaryDirectory() as folder:
        whole = computed(RANDOM.write_study(Path(folder), spec))
        if whole is not None:
            judge(whole)


def _second_edition(folder: Path, changed: int, seed: int) -> None:
    """Take a few people out of the table."""
    table = folder / "donnees.csv"
    head, *rows = table.read_text(encoding="utf-8").splitlines()
    labels = sorted({row.split(",")[0] for row in rows})
    gone = set(np.random.default_rng(seed).choice(labels, changed, replace=False))
    kept = [row for row in rows if row.split(",")[0] not in gone]
    table.write_text("\n".join([head, *kept]) + "\n", encoding="utf-8")


def _recorded(folder: Path, published: StudyResults, counts: dict[str, int]) -> None:
    edition = ReleasedEdition(
        data=published.provenance.data_sha256,
        study=published.provenance.study_sha256,
        counts=counts,
    )
    ledger = read_ledger(folder).with_entry(edition, day=dt.date(2025, 1, 1))
    write_ledger(ledger, folder)


def _two_editions(spec: object, changed: int) -> None:
    with TemporaryDirectory() as name:
        folder = RANDOM.write_study(Path(name), spec)
        whole = computed(folder)
        if whole is None:
            return
        first = release(whole)
        _recorded(folder, first.results, dict(first.counts))
        _second_edition(folder, changed, spec.seed)
        again = computed(folder)
        if again is None:
            return
        second = judge(again)
        ledger: Ledger = read_ledger(folder)
        assert edition_leaks(second, ledger, released_counts(second)) == ()
        least = profile(second.disclosure.profile).threshold
        before = {k: v for k, v in _means(first.results).items() if v is not None}
        after = _means(second)
        for key in before:  # two sums must not give those few people's values
            if after.get(key) is not None:
                (n, mean, error), (m, other, _) = before[key], after[key]
                if n is not None and m is not None and n != m:
                    assert abs(n - m) >= least, key
                assert not math.isclose(mean, other, rel_tol=1e-12) or error > 0


def _means(results: StudyResults) -> dict[str, tuple[int | None, float, float] | None]:
    out: dict[str, tuple[int | None, float, float] | None] = {}
    for record in results.headlines:
        if record.counted is not RowsAre.PEOPLE:
            continue
        row = record.headline
        n = None if row.n_treated is None else row.n_treated + (row.n_comparison or 0)
        told = row.estimate is not None and row.std_error is not None
        out[record.outcome] = (n, row.estimate, row.std_error) if told else None
    return out


@FEW
@given(RANDOM.specs(small=True), st.integers(1, 5))
def test_a_second_edition_is_not_subtracted(spec: object, changed: int) -> None:
    _two_editions(spec, changed)


@pytest.mark.long
@settings(MANY, max_examples=60)
@given(RANDOM.specs(), st.integers(1, 5))
def test_second_editions_are_not_subtracted(spec: object, changed: int) -> None:
    _two_editions(spec, changed)
