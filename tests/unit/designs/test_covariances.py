"""Covariance is a value: what a design takes is listed, anything else is refused, a new one is one
file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

import impact_eval as ie
from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs import designs
from impact_eval.designs.contract import example_of
from impact_eval.pipeline.methods_declared import make_covariance
from impact_eval.pipeline.study_models import CovariancePart
from impact_eval.stats.inference.covariance import (
    Clustered,
    Conley,
    DriscollKraay,
    MultiplierBootstrap,
    Randomisation,
    Robust,
    WildBootstrap,
)
from impact_eval.stats.inference.covariances import (
    Covariance,
    CovarianceResult,
    Source,
    Ties,
    covariances,
    register_covariance,
)
from impact_eval.stats.inference.regression import LinearFit

CHOOSING = [d for d in designs if "covariance" in {f.name for f in fields(d)}]
NAMES = [d.info.name for d in CHOOSING]


@pytest.mark.parametrize("given", ["CR1", "nonsense", 42, ("HC2",)], ids=str)
@pytest.mark.parametrize("design", CHOOSING, ids=NAMES)
def test_what_is_no_covariance_is_refused_with_the_list(design: Any, given: object) -> None:
    with pytest.raises(ImpactEvalError) as refusal:
        design(covariance=given)
    (finding,) = refusal.value.findings
    assert finding.code == "covariance_not_taken"
    assert set(finding.values["known"]) <= set(design.info.covariances)
    assert "clustered" in finding.values["known"]
    assert finding.values["method"] == design.info.name


@pytest.mark.parametrize("design", CHOOSING, ids=NAMES)
def test_a_covariance_that_is_not_listed_is_refused(design: Any) -> None:
    known = {"wild_bootstrap": WildBootstrap(), "conley": Conley("lat", "lon", 50)}
    for name, covariance in known.items():
        if name in design.info.covariances:
            design(covariance=covariance) if name != "wild_bootstrap" else None
        else:
            with pytest.raises(ImpactEvalError) as refusal:
                design(covariance=covariance)
            assert refusal.value.codes == ("covariance_not_taken",)


REFUSED: list[tuple[str, Callable[[], object]]] = [
    ("option_not_column", lambda: Clustered(3)),  # type: ignore[arg-type]
    ("option_not_column", lambda: Clustered("")),
    ("option_not_column", lambda: Clustered(())),
    ("option_not_column", lambda: Clustered(("a", 3))),  # type: ignore[arg-type]
    ("option_not_column", lambda: WildBootstrap(("a", "b"))),  # type: ignore[arg-type]
    ("option_not_column", lambda: MultiplierBootstrap(("a", "b"))),  # type: ignore[arg-type]
    ("option_not_column", lambda: Randomisation(3)),  # type: ignore[arg-type]
    ("option_not_column", lambda: Conley(3, "lon", 50)),  # type: ignore[arg-type]
    ("coordinates_same", lambda: Conley("lat", "lat", 50)),
    ("option_not_number", lambda: Conley("lat", "lon", "50")),  # type: ignore[arg-type]
    ("option_not_number", lambda: Conley("lat", "lon", True)),
    ("option_out_of_range", lambda: Conley("lat", "lon", 0)),
    ("option_out_of_range", lambda: Conley("lat", "lon", 30_000)),
    ("option_not_number", lambda: DriscollKraay("two")),  # type: ignore[arg-type]
    ("option_not_number", lambda: WildBootstrap("a", draws="many")),  # type: ignore[arg-type]
    ("option_not_whole", lambda: WildBootstrap("a", draws=199.5)),  # type: ignore[arg-type]
    ("option_out_of_range", lambda: WildBootstrap("a", seed=-1)),
    ("option_not_number", lambda: MultiplierBootstrap("a", seed=None)),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("code", "make"), REFUSED)
def test_an_option_of_another_kind_is_refused_in_words(
    code: str, make: Callable[[], object]
) -> None:
    with pytest.raises(ImpactEvalError) as refusal:
        make()
    assert refusal.value.codes == (code,)


def test_a_column_named_twice_is_one_dimension() -> None:
    assert Clustered(("a", "a", "b")) == Clustered(("a", "b"))
    assert Clustered(("a", "a", "b")).label == "CR2 (a, b)"


def test_a_cutoff_that_covers_every_place_is_refused(rng: np.random.Generator) -> None:
    """With all pairs in it, the sum is the square of the sum of influence values: zero."""
    frame = pd.DataFrame(
        {"y": rng.normal(size=40), "z": np.arange(40) % 2, "lat": 45.0, "lon": np.arange(40) / 10}
    )
    sample = Sample(frame, treatment="z")
    for kernel in ("uniform", "bartlett"):
        far = ie.designs.DifferenceInMeans(covariance=Conley("lat", "lon", 320, kernel))
        with pytest.raises(ImpactEvalError) as refusal:
            far.fit(sample, "y")
        assert refusal.value.codes == ("cutoff_covers_all",)
        assert refusal.value.findings[0].values["n"] == 40


@dataclass(frozen=True, slots=True)
class Doubled(Covariance):
    """Four times the covariance of independent rows: what a third party would write, one file."""

    name: ClassVar[str] = "doubled"
    sources: ClassVar[frozenset[Source]] = frozenset({Source.FIT, Source.INFLUENCE})
    stands_alone: ClassVar[bool] = True

    @property
    def label(self) -> str:
        return self.name

    def of_fit(self, fit: LinearFit, ties: Ties) -> CovarianceResult:
        return self.of_influence(fit.scores @ fit.bread, ties)

    def of_influence(self, influence: np.ndarray, ties: Ties) -> CovarianceResult:
        rows = 2 * influence
        free = np.full(rows.shape[1], np.inf)
        return CovarianceResult(label=self.name, matrix=rows.T @ rows, df=free, influence=rows)


@pytest.fixture
def doubled() -> Iterator[type[Doubled]]:
    yield register_covariance(Doubled)
    covariances._things.pop("doubled")


@pytest.mark.parametrize("design", CHOOSING, ids=NAMES)
def test_a_new_covariance_reaches_every_design_that_serves_it(
    design: Any, doubled: type[Doubled]
) -> None:
    assert "doubled" in design.info.covariances
    example = example_of(design)
    options = {f.name: getattr(example.design, f.name) for f in fields(example.design)}
    sample = Sample(example.frame, **example.roles)
    errors = []
    for covariance in (Doubled(), Robust("HC0")):
        fitted = design(**{**options, "covariance": covariance}).fit(sample, example.outcome)
        errors.append([row.std_error for row in fitted.effects if row.std_error])
    np.testing.assert_allclose(errors[0], 2 * np.array(errors[1]), rtol=1e-9)


def test_a_study_file_names_it(doubled: type[Doubled]) -> None:
    assert make_covariance("doubled") == Doubled()
    assert make_covariance(CovariancePart(name="doubled")) == Doubled()


def test_a_study_file_names_any_with_its_options() -> None:
    assert make_covariance("HC3") == Robust("HC3")
    assert make_covariance("CR1") == Clustered(correction="CR1")
    place = {"latitude": "lat", "longitude": "lon", "cutoff_km": 50}
    assert make_covariance(CovariancePart(name="conley", options=place)) == Conley("lat", "lon", 50)
    asked = {
        "unknown_name": ("connley", {}),
        "unknown_option_name": ("clustered", {"bye": "bassin"}),
        "option_missing": ("conley", {"latitude": "lat", "longitude": "lon"}),
    }
    for code, (name, options) in asked.items():
        with pytest.raises(ImpactEvalError) as refusal:
            make_covariance(CovariancePart(name=name, options=options))
        assert refusal.value.codes == (code,)
    with pytest.raises(ImpactEvalError) as refusal:
        make_covariance("conley")  # its columns must be named
    assert set(refusal.value.codes) == {"option_missing"}


# -- draws made again ----------------------------------------------------------------------------


def test_randomisation_of_a_trial_is_the_enumeration_by_hand() -> None:
    y = np.array([3.0, 5.0, 6.5, 1.0, 2.0, 2.5, 4.0])
    treated = np.array([1, 1, 1, 0, 0, 0, 0])
    sample = Sample(pd.DataFrame({"y": y, "z": treated}), treatment="z")
    row = ie.designs.DifferenceInMeans(covariance=Randomisation()).fit(sample, "y").effects[0]
    gaps = []
    for drawn in combinations(range(7), 3):
        z = np.isin(np.arange(7), drawn)
        gaps.append(y[z].mean() - y[~z].mean())
    observed = y[:3].mean() - y[3:].mean()
    assert row.estimate == pytest.approx(observed)
    assert row.p_value == pytest.approx(np.mean(np.abs(gaps) >= abs(observed) - 1e-12))
    assert row.std_error is None
    assert row.conf_low is None or row.conf_low < observed


def test_an_interval_by_draws_holds_the_effects_that_the_test_keeps() -> None:
    """The interval of a constant effect is where the same test, of y - tau D, does not reject."""
    rng = np.random.default_rng(5)
    treated = np.repeat([1, 0], 4)
    frame = pd.DataFrame({"z": treated, "y": rng.normal(size=8) + 1.5 * treated})
    design = ie.designs.DifferenceInMeans(covariance=Randomisation())
    row = design.fit(Sample(frame, treatment="z"), "y").effects[0]
    assert row.conf_low is not None
    assert row.conf_high is not None

    def p_value(effect: float) -> float:
        moved = frame.assign(y=frame["y"] - effect * frame["z"])
        found = design.fit(Sample(moved, treatment="z"), "y").effects[0].p_value
        assert found is not None
        return found

    width = row.conf_high - row.conf_low
    assert p_value(row.conf_low + 0.01 * width) > 0.05
    assert p_value(row.conf_high - 0.01 * width) > 0.05
    assert p_value(row.conf_low - 0.05 * width) <= 0.05
    assert p_value(row.conf_high + 0.05 * width) <= 0.05


def test_a_replayed_draw_says_what_it_rests_on_and_not_that_it_is_too_narrow() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"z": np.repeat([1, 0], 4), "y": rng.normal(size=8)})
    usual = ie.designs.DifferenceInMeans().fit(Sample(frame, treatment="z"), "y")
    replayed = ie.designs.DifferenceInMeans(covariance=Randomisation()).fit(
        Sample(frame, treatment="z"), "y"
    )
    assert "few_treated_units" in {finding.code for finding in usual.findings}
    assert [finding.code for finding in replayed.findings] == ["draw_replayed"]
    assert "lire les remarques" in usual.summary("fr").replace("\n", " ")
    assert "trop étroite" not in replayed.summary("fr").replace("\n", " ")


def test_randomisation_follows_an_aggregation_and_dates_in_words() -> None:
    rng = np.random.default_rng(2)
    rows = [
        (u, f"2020-0{t}", ["", "2020-03"][u % 2], rng.normal() + 8.0 * (u % 2 and t >= 3))
        for u in range(12)
        for t in range(1, 6)
    ]
    frame = pd.DataFrame(rows, columns=["id", "mois", "debut", "y"]).replace("", None)
    sample = Sample(frame, unit="id", time="mois", cohort="debut")
    fitted = ie.designs.CallawaySantAnna(covariance=Randomisation(draws=99)).fit(sample, "y")
    overall = fitted.aggregate("simple")["att"]
    assert fitted.draws is not None
    assert fitted.draws.kind == "permutation"
    assert np.isfinite(fitted.draws.values).all()
    assert overall.p_value is not None
    assert overall.p_value <= 0.02
    assert overall.conf_low is not None
    assert overall.conf_low > 0


def test_what_was_drawn_must_be_known() -> None:
    frame = pd.DataFrame({"z": [1, 0, 1, 0, 1, 0], "place": [1, 1, 2, 2, 3, 3], "y": range(6)})
    design = ie.designs.DifferenceInMeans(covariance=Randomisation("place"))
    with pytest.raises(ImpactEvalError) as refusal:
        design.fit(Sample(frame, treatment="z"), "y")
    assert refusal.value.codes == ("assignment_varies_within_cluster",)


def test_clusters_of_a_regression_bear_their_names() -> None:
    """Two outcomes share the errors of the same basins, whichever rows each of them misses."""
    rng = np.random.default_rng(4)
    rows = [
        (u, t, [0, 3][u % 2], f"basin {u // 4}", rng.normal()) for u in range(48) for t in range(5)
    ]
    frame = pd.DataFrame(rows, columns=["id", "t", "g", "basin", "y"])
    frame.loc[frame["basin"] == "basin 0", "y"] = np.nan
    sample = Sample(frame, unit="id", time="t", cohort="g")
    design = ie.designs.TwoWayFixedEffects(covariance=WildBootstrap("basin", draws=99))
    influence = design.fit(sample, "y").influence
    assert influence is not None
    seen = sorted(frame.dropna()["basin"].unique())
    assert influence.units.tolist() == seen
    assert influence.values.shape == (len(seen), 1)


@pytest.mark.parametrize("name", ["did", "twfe", "stacked", "sun_abraham", "callaway_santanna"])
def test_a_label_names_the_columns_of_the_clusters(name: str, rng: np.random.Generator) -> None:
    rows = [
        (u, t, 3 if u % 2 else 0, u // 2 % 12, u % 7, rng.normal())
        for u in range(48)
        for t in range(1, 6)
    ]
    frame = pd.DataFrame(rows, columns=["id", "an", "debut", "bassin", "filiere", "y"])
    sample = Sample(frame, unit="id", time="an", cohort="debut")
    for by in ("bassin", ("bassin", "filiere")):
        fitted = designs.get(name)(covariance=Clustered(by, correction="CR1")).fit(sample, "y")
        wanted = "(bassin)" if isinstance(by, str) else "(bassin, filiere)"
        assert fitted.method.covariance is not None
        assert fitted.method.covariance.endswith(wanted)


def test_a_column_of_clusters_that_is_not_there_is_no_outcome(rng: np.random.Generator) -> None:
    frame = pd.DataFrame({"y": rng.normal(size=20), "z": np.arange(20) % 2, "bassin": 1})
    sample = Sample(frame, treatment="z")
    with pytest.raises(ImpactEvalError) as refusal:
        ie.designs.DifferenceInMeans(covariance=Clustered("basin")).fit(sample, "y")
    assert refusal.value.findings[0].values["role"] == "cluster"
    assert refusal.value.findings[0].values["nearest"] == "bassin"


@pytest.mark.parametrize("name", ["synthetic_did", "synthetic_control"])
def test_a_seed_that_cannot_be_is_refused_before_the_fit(name: str) -> None:
    for seed, code in (("x", "option_not_number"), (-1, "option_too_low")):
        with pytest.raises(ImpactEvalError) as refusal:
            designs.get(name)(seed=seed)
        assert refusal.value.codes == (code,)
