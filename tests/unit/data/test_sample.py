"""`Sample` is a proof of validity: what it accepts is sound, what it refuses it refuses by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact_eval import ImpactEvalError, Sample
from impact_eval.core import Severity
from impact_eval.data.sample import DataShape
from impact_eval.designs import CallawaySantAnna, DifferenceInMeans
from impact_eval.report.texts import Texts

PANEL = {"unit": "id", "time": "t", "cohort": "g"}


def panel(units: int = 12, periods: int = 4) -> pd.DataFrame:
    """A table that nothing is wrong with: a third enters at 3, a third at 4, a third never."""
    unit = np.repeat(np.arange(units), periods)
    entry = np.array([3.0, 4.0, np.nan])[unit % 3]
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "id": unit,
            "t": np.tile(np.arange(1, periods + 1), units),
            "g": entry,
            "d": (np.tile(np.arange(1, periods + 1), units) >= entry).astype(int),
            "x": rng.normal(size=unit.size),
            "z": rng.normal(size=unit.size),
            "site": unit % 4,
            "w": 1.0 + unit % 2,
            "y": rng.normal(size=unit.size),
        }
    )


def refused(call: Callable[[], object]) -> ImpactEvalError:
    """Return the refusal, after checking that both languages can say it."""
    with pytest.raises(ImpactEvalError) as caught:
        call()
    for language in ("fr", "en"):
        texts = Texts(language)
        for finding in caught.value.findings:
            said = texts.finding(finding).text
            assert finding.severity is Severity.ERROR
            assert not said.startswith(f"[{finding.code}]"), said
            assert "{" not in said, said
    return caught.value


# -- shapes and arrays -----------------------------------------------------------------------------


def test_a_panel() -> None:
    sample = Sample(panel(), covariates=["x"], cluster="site", weights="w", **PANEL)
    assert sample.shape is DataShape.PANEL
    assert (sample.n, sample.n_units, sample.n_periods) == (48, 12, 4)
    np.testing.assert_array_equal(sample.times, [1, 2, 3, 4])
    np.testing.assert_array_equal(sample.unit_cohorts[:3], [3, 4, np.inf])
    np.testing.assert_array_equal(sample.treated, panel()["d"] == 1)
    wide = sample.wide("y")
    np.testing.assert_array_equal(wide.y, panel()["y"].to_numpy().reshape(12, 4))
    np.testing.assert_array_equal(wide.clusters, np.arange(12) % 4)
    np.testing.assert_array_equal(wide.weights, 1 + np.arange(12) % 2)
    assert wide.balanced
    assert wide.covariates_by_time is not None
    assert wide.covariates_by_time.shape == (12, 4, 1)


def test_the_treatment_column_gives_the_same_cohorts() -> None:
    one = Sample(panel(), **PANEL)
    other = Sample(panel(), unit="id", time="t", treatment="d")
    np.testing.assert_array_equal(one.cohorts, other.cohorts)
    both = Sample(panel(), treatment="d", **PANEL)
    np.testing.assert_array_equal(both.treated, one.treated)


def test_shapes() -> None:
    frame = panel()
    assert Sample(frame, treatment="d").shape is DataShape.CROSS_SECTION
    assert Sample(frame, time="t", cohort="g").shape is DataShape.REPEATED_CROSS_SECTION
    once = frame.assign(id=np.arange(len(frame)))
    assert Sample(once, **PANEL).shape is DataShape.REPEATED_CROSS_SECTION


def test_arrays_are_read_only() -> None:
    sample = Sample(panel(), covariates=["x"], weights="w", **PANEL)
    for values in (sample.covariate_matrix, sample.weights_array, sample.cohorts):
        assert values is not None
        assert not values.flags.writeable


def test_a_hole_in_the_panel_is_a_missing_cell() -> None:
    wide = Sample(panel().drop(index=[5, 6]), **PANEL).wide("y")
    assert np.isnan(wide.y).sum() == 2
    assert not wide.balanced


# -- never treated ---------------------------------------------------------------------------------

NEVER = [
    None, np.nan, 0, 0.0, np.inf, -np.inf, pd.NA, pd.NaT, "", " ", "0", "jamais", "Jamais ",
    "never", "NEVER", "never treated", "never_treated", "non traité", "Non traite", "aucun",
    "aucune", "none", "NA", "n/a", "nan", "inf", "Infinity", "témoin", "temoin", "-",
    "sans objet", "SO",
]  # fmt: skip


@pytest.mark.parametrize("never", NEVER, ids=repr)
def test_every_spelling_of_never(never: Any) -> None:
    frame = panel()
    entry = frame["g"].astype(object)
    entry[frame["g"].isna()] = never
    sample = Sample(frame.assign(g=entry), **PANEL)
    np.testing.assert_array_equal(sample.cohorts, Sample(frame, **PANEL).cohorts)


@pytest.mark.parametrize("never", ["jamais", "", None, "témoin", "0"], ids=repr)
def test_never_beside_quarters(never: Any) -> None:
    frame = panel()
    quarter = frame["t"].map("2023-T{}".format)
    entry = frame["g"].map({3.0: "2023-T3", 4.0: "2023-T4"}).astype(object)
    entry[frame["g"].isna()] = never
    sample = Sample(frame.assign(t=quarter, g=entry), **PANEL)
    np.testing.assert_array_equal(sample.cohorts, Sample(frame, **PANEL).cohorts)


@pytest.mark.parametrize(
    "words",
    [("Oui", "Non"), ("yes", "no"), ("1", "0"), (True, False), ("x", "non"), ("VRAI", "FAUX")],
)
def test_every_spelling_of_treated(words: tuple[Any, Any]) -> None:
    frame = panel()
    written = frame["d"].map({1: words[0], 0: words[1]})
    sample = Sample(frame.assign(d=written), unit="id", time="t", treatment="d")
    np.testing.assert_array_equal(sample.treated, frame["d"] == 1)


# -- tables of other libraries ---------------------------------------------------------------------


def test_polars_and_pyarrow_give_the_same_estimate() -> None:
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    frame = panel(30)
    reference = CallawaySantAnna().fit(Sample(frame, covariates=["x"], **PANEL), "y").to_dict()
    for other in (
        polars.from_pandas(frame),
        pyarrow.Table.from_pandas(frame),
        frame.convert_dtypes(),
        frame.convert_dtypes(dtype_backend="pyarrow"),
        frame.astype({"id": str}).assign(id=lambda f: "u" + f["id"].str.zfill(3)),
    ):
        found = CallawaySantAnna().fit(Sample(other, covariates=["x"], **PANEL), "y").to_dict()
        assert found == reference


@pytest.mark.parametrize(
    "thing", [None, [1, 2], {"a": [1]}, "table.csv", pd.Series([1.0])], ids=repr
)
def test_what_is_no_table_is_refused(thing: object) -> None:
    assert refused(lambda: Sample(thing)).codes == ("not_a_table",)


def test_columns_named_by_numbers() -> None:
    frame = panel().rename(columns={"id": 0, "x": 1})
    sample = Sample(frame, unit=0, time="t", cohort="g", covariates=[1])
    assert sample.unit == "0"
    assert sample.covariate_names == ("1",)


# -- the frame is the caller's ---------------------------------------------------------------------


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_the_frame_is_never_changed(data: st.DataObject) -> None:
    frame = panel()
    for name in data.draw(st.sets(st.sampled_from(["x", "d", "y"]))):
        frame[name] = frame[name].astype(float)
        frame.loc[data.draw(st.lists(st.integers(0, 47), max_size=5)), name] = np.nan
    before = frame.copy(deep=True)
    Sample(frame, covariates=["x"], cluster="site", weights="w", **PANEL).wide("y")
    pd.testing.assert_frame_equal(frame, before)


def test_changing_the_frame_afterwards_changes_nothing() -> None:
    frame = panel()
    sample = Sample(frame, covariates=["x"], **PANEL)
    y, x = sample.outcome("y").copy(), sample.covariate_matrix.copy()
    frame.loc[:, ["y", "x"]] = 0.0
    np.testing.assert_array_equal(sample.outcome("y"), y)
    np.testing.assert_array_equal(sample.covariate_matrix, x)


@given(st.permutations(range(48)))
@settings(max_examples=25, deadline=None)
def test_row_order_does_not_matter(order: list[int]) -> None:
    options: dict[str, Any] = {"covariates": ["x"], "cluster": "site", "weights": "w", **PANEL}
    one, other = Sample(panel(), **options), Sample(panel().iloc[order], **options)
    np.testing.assert_array_equal(one.unit_labels, other.unit_labels)
    np.testing.assert_array_equal(one.unit_cohorts, other.unit_cohorts)
    np.testing.assert_array_equal(one.wide("y").y, other.wide("y").y)
    np.testing.assert_array_equal(one.wide("y").covariates, other.wide("y").covariates)
    np.testing.assert_array_equal(one.wide("y").clusters, other.wide("y").clusters)


# -- the flow --------------------------------------------------------------------------------------


def test_the_flow_counts_who_left_and_why() -> None:
    frame = panel().astype({"d": float})
    frame.loc[[0, 1], "d"] = np.nan
    frame.loc[[1, 2, 3], "x"] = np.nan
    frame.loc[10, "y"] = np.nan
    sample = Sample(frame, unit="id", time="t", treatment="d", covariates=["x"])
    told = [(s.step, s.n, s.dropped, s.reason) for s in sample.flow]
    assert told == [
        ("read", 48, 0, None),
        ("missing_treatment", 46, 2, "missing_treatment"),
        ("missing_covariate", 44, 2, "missing_covariate"),
    ]
    mask, step = sample.complete("y")
    assert (int(mask.sum()), step.dropped, step.reason) == (43, 1, "missing_outcome")
    assert {f.code for f in sample.findings} >= {"missing_treatment", "missing_covariate"}


def test_a_restriction_goes_on_with_the_flow() -> None:
    sample = Sample(panel(), **PANEL)
    part = sample.restrict(sample.time_values > 1, "after_first", "chosen")
    assert [(s.n, s.dropped) for s in part.flow] == [(48, 0), (36, 12)]
    assert part.n_periods == 3


# -- what is refused -------------------------------------------------------------------------------

_MISTAKES: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], dict[str, Any], set[str]]] = {
    "misspelt column": (lambda f: f, {**PANEL, "time": "tt"}, {"missing_column"}),
    "two columns of a name": (
        lambda f: pd.concat([f, f[["id"]]], axis=1), PANEL, {"duplicated_column"}),
    "no row": (lambda f: f.iloc[:0], PANEL, {"empty_table"}),
    "repeated rows": (lambda f: pd.concat([f, f.iloc[:2]]), PANEL, {"duplicated_rows"}),
    "repeated people": (lambda f: f, {"unit": "id", "treatment": "d"}, {"duplicated_rows"}),
    "missing unit": (
        lambda f: f.assign(id=f["id"].astype(float).where(f.index != 3)), PANEL,
        {"missing_role_values"}),
    "missing period": (
        lambda f: f.assign(t=f["t"].astype(float).where(f.index != 3)), PANEL,
        {"missing_role_values"}),
    "missing cluster": (
        lambda f: f.assign(site=f["site"].astype(float).where(f.index != 3)),
        {**PANEL, "cluster": "site"}, {"missing_role_values"}),
    "missing stratum": (
        lambda f: f.assign(site=f["site"].astype(float).where(f.index != 3)),
        {**PANEL, "strata": "site"}, {"missing_role_values"}),
    "cohort that changes": (
        lambda f: f.assign(g=f["g"].where(f.index != 2)), PANEL, {"cohort_varies"}),
    "cohort in words": (
        lambda f: f.assign(g=f["g"].astype(object).where(f["g"] != 3, "environ 3")), PANEL,
        {"text_cohort"}),
    "cohort far outside": (
        lambda f: f.assign(g=f["g"].replace(3.0, 2023.0)), PANEL, {"cohort_outside_panel"}),
    "cohort without time": (
        lambda f: f.drop_duplicates("id"), {"unit": "id", "cohort": "g"}, {"cohort_needs_time"}),
    "cohort and treatment disagree": (
        lambda f: f.assign(d=1 - f["d"]), {**PANEL, "treatment": "d"},
        {"cohort_and_treatment_disagree"}),
    "treatment of strangers": (
        lambda f: f, {"time": "t", "treatment": "d"}, {"treatment_needs_unit"}),
    "treatment in doses": (
        lambda f: f.assign(d=f["d"] * 2), {"unit": "id", "time": "t", "treatment": "d"},
        {"treatment_not_binary"}),
    "treatment in words": (
        lambda f: f.assign(d="peut-être"), {"unit": "id", "time": "t", "treatment": "d"},
        {"treatment_not_binary"}),
    "nobody's treatment known": (
        lambda f: f.assign(d=np.nan), {"unit": "id", "time": "t", "treatment": "d"},
        {"no_complete_row"}),
    "constant covariate": (
        lambda f: f.assign(x=3.0), {**PANEL, "covariates": ["x"]}, {"constant_covariate"}),
    "constant text covariate": (
        lambda f: f.assign(x="a"), {**PANEL, "covariates": ["x"]}, {"constant_covariate"}),
    "collinear covariates": (
        lambda f: f.assign(v=2 * f["x"] - f["z"]), {**PANEL, "covariates": ["x", "z", "v"]},
        {"collinear_covariates"}),
    "infinite covariate": (
        lambda f: f.assign(x=f["x"].where(f.index != 3, np.inf)),
        {**PANEL, "covariates": ["x", "z"]}, {"infinite_values"}),
    "a name as covariate": (
        lambda f: f.assign(x=[f"n{i}" for i in range(48)]), {**PANEL, "covariates": ["x"]},
        {"too_many_levels"}),
    "negative weight": (
        lambda f: f.assign(w=f["w"].where(f.index != 3, -1)), {**PANEL, "weights": "w"},
        {"negative_weights"}),
    "missing weight": (
        lambda f: f.assign(w=f["w"].where(f.index != 3)), {**PANEL, "weights": "w"},
        {"missing_role_values"}),
    "no weight at all": (
        lambda f: f.assign(w=0.0), {**PANEL, "weights": "w"}, {"zero_sum_weights"}),
    "weights in words": (
        lambda f: f.assign(w="lourd"), {**PANEL, "weights": "w"}, {"text_column"}),
}  # fmt: skip


@pytest.mark.parametrize("mistake", list(_MISTAKES))
def test_bad_input_is_refused_by_name(mistake: str) -> None:
    change, options, codes = _MISTAKES[mistake]
    frame = change(panel())
    assert set(refused(lambda: Sample(frame, **options)).codes) == codes


_OUTCOMES: dict[str, tuple[Callable[[pd.DataFrame], Any], str]] = {
    "text": (lambda f: f["y"].astype(object).where(f.index != 3, "environ 2"), "text_outcome"),
    "dates": (lambda f: pd.Timestamp("2024-01-01"), "text_outcome"),
    "infinite": (lambda f: f["y"].where(f.index != 3, np.inf), "infinite_values"),
    "empty": (lambda f: np.nan, "empty_outcome"),
    "constant": (lambda f: 1.0, "constant_outcome"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", list(_OUTCOMES))
def test_bad_outcomes_are_refused_by_name(mistake: str) -> None:
    change, code = _OUTCOMES[mistake]
    sample = Sample(panel().assign(y=lambda f: change(f)), **PANEL)
    error = refused(lambda: sample.outcome("y"))
    assert error.codes == (code,)


def test_a_misspelt_column_is_told_its_neighbour() -> None:
    error = refused(lambda: Sample(panel(), unit="idd", time="t", cohort="arrivee"))
    assert error.codes == ("missing_column", "missing_column")
    assert [f.values["nearest"] for f in error.findings] == ["id", None]
    sample = Sample(panel().rename(columns={"y": "emploi_6m"}), **PANEL)
    (fault,) = refused(lambda: sample.outcome("emploi6m")).findings
    assert fault.values["nearest"] == "emploi_6m"


def test_all_faults_are_told_at_once() -> None:
    frame = panel().assign(x=1.0, w=-1.0, d=5)
    error = refused(lambda: Sample(frame, treatment="d", covariates=["x"], weights="w", **PANEL))
    assert set(error.codes) == {
        "treatment_not_binary",
        "cohort_and_treatment_disagree",
        "constant_covariate",
        "negative_weights",
    }


def test_repeated_rows_are_counted_and_shown() -> None:
    frame = pd.concat([panel(), panel().iloc[[5, 9]]], ignore_index=True)
    (fault,) = refused(lambda: Sample(frame, **PANEL)).findings
    assert fault.values["n"] == 4
    assert fault.values["examples"] == ("1 × 2", "2 × 2")
    assert fault.place is not None
    assert fault.place.row == 6


def test_designs_refuse_what_the_data_lack() -> None:
    frame = panel()
    nobody = Sample(frame.assign(g=np.nan), **PANEL)
    assert "no_treated" in refused(lambda: CallawaySantAnna().fit(nobody, "y")).codes
    once = Sample(frame[frame["t"] == 1], unit="id", treatment="d")
    assert refused(lambda: DifferenceInMeans().fit(once, "y")).codes == ("no_treated",)
    everybody = Sample(frame[frame["t"] == 4].assign(d=1), unit="id", treatment="d")
    assert refused(lambda: DifferenceInMeans().fit(everybody, "y")).codes == ("no_comparison",)
    off = frame.assign(d=((frame["t"] == 2) & (frame["id"] < 6)).astype(int))
    leaves = Sample(off, unit="id", time="t", treatment="d")
    assert leaves.switches_off
    assert "treatment_switches_off" in refused(lambda: CallawaySantAnna().fit(leaves, "y")).codes


# -- whatever strangers send -----------------------------------------------------------------------

CELLS = st.one_of(
    st.none(), st.integers(-3, 2030), st.floats(), st.booleans(),
    st.sampled_from(["", "jamais", "2024-T1", "avant", "après", "01", "x", "12,5"]),
)  # fmt: skip
COLUMNS = st.sampled_from(["id", "t", "g", "d", "x", "w", "site"])


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_input_ends_in_a_stack_trace(data: st.DataObject) -> None:
    """Whatever a column holds, a table is accepted, or refused with codes that have words."""
    frame = panel(6, 3)
    for name in data.draw(st.sets(COLUMNS, max_size=3)):
        cells = st.lists(CELLS, min_size=len(frame), max_size=len(frame))
        frame[name] = pd.Series(data.draw(cells), dtype=object)
    options = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "unit": st.just("id"), "time": st.just("t"), "cohort": st.just("g"),
                "treatment": st.just("d"), "covariates": st.just(["x"]), "weights": st.just("w"),
                "cluster": st.just("site"), "strata": st.just("site"),
            },
        )
    )  # fmt: skip
    sample, codes = accepted_or_refused(frame, options)
    if sample is None:
        assert codes
        assert not [code for code in codes if f"finding.{code}" not in Texts("fr")]
        return
    assert sample.flow[-1].n == sample.n
    assert np.isfinite(sample.covariate_matrix).all()
    assert np.isfinite(sample.weights_array).all()


def accepted_or_refused(
    frame: pd.DataFrame, options: dict[str, Any]
) -> tuple[Sample | None, tuple[str, ...]]:
    """Return the sample, or the codes of its refusal; anything else escapes."""
    try:
        return Sample(frame, **options), ()
    except ImpactEvalError as error:
        return None, error.codes
