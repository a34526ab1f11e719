"""The margin printed by default when few are independent: it is the one of every deal."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval import Clustered, Randomisation, Sample, designs
from impact_eval.core import Estimate
from impact_eval.core.inference import critical_value

ROLES = {"unit": "unit", "time": "time", "cohort": "entry"}
PANEL = [
    designs.CallawaySantAnna(),
    designs.CallawaySantAnna(control_group="not_yet_treated"),
    designs.TwoWayFixedEffects(),
    designs.TwoWayFixedEffects(specification="event"),
    designs.SunAbraham(),
    designs.ImputationDiD(),
    designs.ImputationDiD(variance="bjs_leave_out"),
    designs.ImputationDiD(variance="two_stage"),
    designs.StackedDiD(before=1, after=1),
    designs.StackedDiD(before=1, after=1, control_group="not_yet_treated", weighting="none"),
    designs.ChaisemartinDHaultfoeuille(),
    designs.ChaisemartinDHaultfoeuille(normalized=True),
]
NAMES = [f"{type(design).__name__}{i}" for i, design in enumerate(PANEL)]


def table(
    entries: tuple[float, ...], *, periods: int = 6, seed: int = 0, people: int = 1
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = []
    for place, entry in enumerate(entries):
        for person in range(people):
            y = rng.normal() + rng.normal(size=periods).cumsum()
            parts.append(
                pd.DataFrame(
                    {
                        "unit": f"{place}-{person}",
                        "place": place,
                        "time": np.arange(1, periods + 1),
                        "entry": entry,
                        "y": y,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def every(estimate: Estimate) -> list[Estimate]:
    kinds = () if estimate.aggregator is None else estimate.aggregator.kinds
    return [estimate, *(estimate.aggregate(kind) for kind in kinds)]


FEW = (3.0, 3.0, 4.0, 4.0, np.inf, np.inf, np.inf, np.inf)


@pytest.mark.parametrize("design", PANEL, ids=NAMES)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_statistic_dealt_is_the_estimate(design: Any, seed: int) -> None:
    frame = table(FEW, seed=seed, people=1 + 2 * seed)
    frame["weight"] = 1.0 + (frame.unit.factorize()[0] % 3) * seed
    sample = Sample(frame, **ROLES, weights="weight", cluster="place" if seed else None)
    told = 0
    for estimate in every(design.fit(sample, "y")):
        assert estimate.method.covariance == "randomisation"
        for effect in estimate.effects:
            if effect.p_value is None:
                continue
            told += 1
            assert effect.statistic == pytest.approx(effect.estimate, abs=1e-12)
            low = -np.inf if effect.conf_low is None else effect.conf_low
            high = np.inf if effect.conf_high is None else effect.conf_high
            assert low <= effect.estimate <= high
            assert (effect.p_value <= 0.05 + 1e-12) == (not low <= 0 <= high)
    assert told > 2


@pytest.mark.parametrize("design", PANEL, ids=NAMES)
def test_every_deal_is_the_fit_made_again(design: Any) -> None:
    """5!/(2! 1! 2!) = 30 deals: the default agrees with fitting the design on each of them."""
    entries = (3.0, 3.0, 4.0, np.inf, np.inf)
    sample = Sample(table(entries, seed=3, periods=5), **ROLES)
    again = type(design)(
        **{
            name: value
            for name, value in vars(design).items()
            if name != "covariance" and value is not None
        },
        covariance=Randomisation(draws=99),
    ).fit(sample, "y")
    default = design.fit(sample, "y")
    kind = "simple" if default.aggregator is not None else None
    one, other = (e if kind is None else e.aggregate(kind) for e in (default, again))
    assert one.effects[-1].p_value == pytest.approx(other.effects[-1].p_value, abs=1e-12)
    if isinstance(design, designs.StackedDiD):
        return  # its fit made again supposes a constant effect beyond the window too
    for end in ("conf_low", "conf_high"):
        expected = getattr(other.effects[-1], end)
        assert getattr(one.effects[-1], end) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("method", ["dr", "ipw", "reg", "ols"])
def test_two_groups_are_the_permutations_of_their_changes(method: str) -> None:
    frame = table((2.0,) * 3 + (np.inf,) * 5, periods=2, seed=5)
    sample = Sample(frame, **ROLES)
    wide = frame.pivot(index="unit", columns="time", values="y")
    change = (wide[2] - wide[1]).to_numpy()

    def gap(chosen: tuple[int, ...]) -> float:
        mask = np.isin(np.arange(8), chosen)
        return float(change[mask].mean() - change[~mask].mean())

    drawn = np.array([gap(chosen) for chosen in combinations(range(8), 3)])
    effect = designs.DifferenceInDifferences(method=method).fit(sample, "y").effects[0]
    assert effect.estimate == pytest.approx(gap((0, 1, 2)))
    assert effect.p_value == np.mean(np.abs(drawn) >= abs(gap((0, 1, 2))) - 1e-12)
    same = designs.CallawaySantAnna().fit(sample, "y").aggregate("simple")["att"]
    assert (same.p_value, same.conf_low) == (effect.p_value, pytest.approx(effect.conf_low))


def test_two_designs_that_make_the_same_comparison_draw_the_same_deals() -> None:
    frame = table((2.0,) * 5 + (np.inf,) * 60, periods=2, seed=5)  # too many deals to list
    sample = Sample(frame, **ROLES)
    one = designs.DifferenceInDifferences().fit(sample, "y").effects[0]
    other = designs.CallawaySantAnna().fit(sample, "y").aggregate("simple")["att"]
    assert one.p_value == other.p_value
    assert one.conf_low == pytest.approx(other.conf_low, abs=1e-12)


def test_places_of_repeated_cross_sections_are_dealt_whole() -> None:
    rng = np.random.default_rng(2)
    rows = [
        (place, wave, 2.0 if place < 3 else np.inf, rng.normal() + place)
        for place in range(7)
        for wave in (1, 2)
        for _ in range(int(rng.integers(2, 6)))
    ]
    frame = pd.DataFrame(rows, columns=["place", "time", "entry", "y"])
    sample = Sample(frame, time="time", cohort="entry", cluster="place")

    def gap(chosen: tuple[int, ...]) -> float:
        treated = frame.place.isin(chosen)
        means = frame.groupby([treated, "time"]).y.mean()
        return float(means[True, 2] - means[True, 1] - means[False, 2] + means[False, 1])

    drawn = np.array([gap(chosen) for chosen in combinations(range(7), 3)])
    expected = np.mean(np.abs(drawn) >= abs(gap((0, 1, 2))) - 1e-12)
    for design in (designs.DifferenceInDifferences(), designs.CallawaySantAnna()):
        estimate = design.fit(sample, "y")
        effect = (estimate.aggregate("simple") if len(estimate) > 1 else estimate).effects[0]
        assert effect.estimate == pytest.approx(gap((0, 1, 2)))
        assert effect.p_value == pytest.approx(expected)


def test_strata_keep_the_deals_within_them() -> None:
    frame = table((2.0, 2.0, np.inf, np.inf, 2.0, np.inf, np.inf, np.inf), periods=2, seed=5)
    frame["region"] = (frame.place >= 4).astype(int)
    sample = Sample(frame, **ROLES, strata="region")
    estimate = designs.DifferenceInDifferences().fit(sample, "y")
    dealt = next(f for f in estimate.findings if f.code == "margin_dealt")
    assert dealt.values["n"] == 6 * 4
    assert dealt.values["exact"]


@pytest.mark.parametrize("design", PANEL, ids=NAMES)
def test_the_error_is_the_one_that_the_interval_implies(design: Any) -> None:
    sample = Sample(table((3.0,) * 5 + (4.0,) * 4 + (np.inf,) * 9, seed=4), **ROLES)
    estimate = design.fit(sample, "y")
    for j, effect in enumerate(estimate.effects):
        if effect.conf_low is None or effect.conf_high is None:
            continue
        implied = (effect.conf_high - effect.conf_low) / 2 / critical_value(0.95)
        assert effect.std_error == pytest.approx(implied)
        assert estimate.covariance[j, j] == pytest.approx(implied**2)
        if estimate.influence is not None:
            total = float((estimate.influence.values[:, j] ** 2).sum())
            assert total == pytest.approx(implied**2)


@pytest.mark.parametrize("design", PANEL, ids=NAMES)
def test_order_names_and_unit_of_the_outcome_change_nothing(design: Any) -> None:
    frame = table((3.0,) * 4 + (4.0,) * 3 + (np.inf,) * 12, seed=6)
    turned = frame.iloc[::-1].reset_index(drop=True)
    turned["unit"] = "z" + (100 - turned.place).astype(str)
    turned["y"] = 7 - 3 * turned.y
    one, other = (design.fit(Sample(f, **ROLES), "y") for f in (frame, turned))
    for a, b in zip(one.effects, other.effects, strict=True):
        assert a.p_value == pytest.approx(
            b.p_value, rel=1e-12
        )  # equal, but for the last bit of a sum
        if a.conf_low is not None and a.conf_high is not None:
            assert b.conf_low == pytest.approx(-3 * a.conf_high, abs=1e-9)


@pytest.mark.parametrize("design", PANEL, ids=NAMES)
def test_a_name_gives_the_textbook_margin(design: Any) -> None:
    sample = Sample(table(FEW, seed=3), **ROLES)
    given = {k: v for k, v in vars(design).items() if k != "covariance" and v is not None}
    named = type(design)(**given, covariance=Clustered(correction="CR1")).fit(sample, "y")
    assert named.method.covariance != "randomisation"
    assert not any(finding.code == "margin_dealt" for finding in named.findings)
    for effect in named.effects:
        if effect.conf_low is not None and effect.statistic is not None:
            assert effect.statistic == pytest.approx(effect.estimate / effect.std_error)


def test_many_keep_the_margin_of_the_method() -> None:
    sample = Sample(table((3.0,) * 20 + (np.inf,) * 30, seed=1), **ROLES)
    for design in PANEL[:2]:
        estimate = design.fit(sample, "y")
        assert "randomisation" not in estimate.method.covariance
        assert not any(finding.code == "margin_dealt" for finding in estimate.findings)


@pytest.mark.parametrize("covariates", [(), ("age",)], ids=["dealt", "CR2"])
def test_a_band_for_all_rows_is_never_narrower_than_that_of_one(
    covariates: tuple[str, ...],
) -> None:
    frame = table((3.0, 3.0, 3.0, 4.0, 4.0, *[np.inf] * 7), seed=8, periods=7)
    frame["age"] = frame.place % 5
    sample = Sample(frame, **ROLES, covariates=covariates)
    for design in (designs.CallawaySantAnna(), designs.SunAbraham(), designs.ImputationDiD()):
        event = design.fit(sample, "y").aggregate("event")
        one, every_row = event.tidy(), event.bands()
        known = one.conf_low.notna() & one.conf_high.notna() & (one.term == "event")
        assert known.any()
        assert (every_row.conf_low[known] <= one.conf_low[known] + 1e-12).all()
        assert (every_row.conf_high[known] >= one.conf_high[known] - 1e-12).all()
