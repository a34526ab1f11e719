"""A column that says who is helped and not since when: the commonest table, one row a person."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import impact_eval as ie
from impact_eval.core.findings import Finding
from impact_eval.data.entry import helped_since
from impact_eval.data.waves import to_long
from impact_eval.designs import designs
from impact_eval.report.texts import Texts, render_finding


def wide(n: int = 40, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    helped = np.arange(n) % 2
    return pd.DataFrame(
        {
            "Dossier": [f"A{i:02}" for i in range(n)],
            "Accompagné": np.where(helped == 1, "oui", "non"),
            "entrée": (rng.random(n) < 0.25).astype(float),
            "milieu": (rng.random(n) < 0.4).astype(float),
            "sortie": (rng.random(n) < 0.3 + 0.2 * helped).astype(float),
        }
    )


def long(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    waves = [f"T{i}" for i in range(len(columns))]
    return to_long(frame, unit="Dossier", waves=waves, columns={"emploi": columns})


def roles(frame: pd.DataFrame) -> ie.Sample:
    return ie.Sample(frame, unit="Dossier", time="wave", treatment="Accompagné")


@pytest.mark.parametrize(
    "name", ["did", "twfe", "callaway_santanna", "chaisemartin_dhaultfoeuille", "imputation"]
)
def test_two_waves_and_yes_or_no_are_before_and_after(name: str) -> None:
    frame = wide()
    change = frame["sortie"] - frame["entrée"]
    by_hand = (
        change[frame["Accompagné"] == "oui"].mean() - change[frame["Accompagné"] == "non"].mean()
    )
    sample = roles(long(frame, "entrée", "sortie"))
    found = designs.get(name)().fit(sample, "emploi")
    assert found.effects[0].estimate == pytest.approx(by_hand)
    (told,) = [f for f in sample.findings if f.code == "entry_between_waves"]
    assert told.values["n"] == 20
    assert (told.values["first"], told.values["last"]) == ("T0", "T1")


def test_a_treatment_that_changes_is_read_as_it_is_written() -> None:
    frame = long(wide(), "entrée", "sortie").sort_values(["Dossier", "wave"])
    frame["Accompagné"] = np.where((frame["Accompagné"] == "oui") & (frame["wave"] == "T1"), 1, 0)
    frame.loc[frame["Dossier"] == "A01", "Accompagné"] = 1  # helped at both dates
    sample = roles(frame)
    assert "entry_between_waves" not in {f.code for f in sample.findings}
    assert sample.unit_cohorts.tolist().count(1.0) == 1


@pytest.mark.parametrize(
    ("dates", "named"),
    [
        ([2021, 2023], ("2021", "2023")),
        (pd.to_datetime(["2021-03-01", "2023-03-01"]), ("2021-03-01", "2023-03-01")),
    ],
    ids=["years", "days"],
)
def test_helped_at_both_dates_is_told_as_what_the_table_does_not_say(
    dates: list[object], named: tuple[str, str]
) -> None:
    """« oui » is written at the first date too: that it began after is supposed, and said so."""
    helped = pd.DataFrame(
        {
            "Dossier": np.repeat([f"A{i:02}" for i in range(20)], 2),
            "wave": list(dates) * 20,
            "Accompagné": "oui",
            "emploi": np.random.default_rng(2).normal(size=40),
        }
    )
    (told,) = [f for f in roles(helped).findings if f.code == "entry_between_waves"]
    assert (told.values["first"], told.values["last"]) == named
    said = render_finding(told, Texts("fr"))
    assert "marque 20 unités comme accompagnées, et ne change pour aucune" in said
    assert "ce que le tableau ne dit pas" in said
    assert "sans date" not in said
    one = Finding.warning(told.code, **{**told.values, "n": 1})
    assert "marque 1 unité comme accompagnée" in render_finding(one, Texts("fr"))
    assert "which the table does not say" in render_finding(told, Texts("en"))


@pytest.mark.parametrize("name", ["did", "callaway_santanna", "twfe", "synthetic_did"])
def test_three_waves_are_refused_with_what_is_missing(name: str) -> None:
    sample = roles(long(wide(), "entrée", "milieu", "sortie"))
    with pytest.raises(ie.ImpactEvalError) as refused:
        designs.get(name)().fit(sample, "emploi")
    assert "treatment_undated" in refused.value.codes
    assert "treated_from" in str(refused.value)


def test_before_after_needs_no_date() -> None:
    frame = wide()
    sample = roles(long(frame, "entrée", "milieu", "sortie"))
    found = designs.get("before_after")().fit(sample, "emploi")
    expected = (frame["sortie"] - frame["entrée"]).mean()
    assert found.effects[-1].estimate == pytest.approx(expected)


def test_everybody_helped_lacks_a_comparison_and_not_a_before() -> None:
    frame = wide().assign(Accompagné="oui")
    with pytest.raises(ie.ImpactEvalError) as refused:
        designs.get("did")().fit(roles(long(frame, "entrée", "sortie")), "emploi")
    assert "no_comparison" in refused.value.codes
    assert "no_before_period" not in refused.value.codes


def test_the_first_period_of_the_action_dates_three_waves() -> None:
    frame = wide()
    dated = helped_since(
        long(frame, "entrée", "milieu", "sortie"), treatment="Accompagné", time="wave", first="T1"
    )
    found = designs.get("did")().fit(roles(dated), "emploi")
    change = (frame["milieu"] + frame["sortie"]) / 2 - frame["entrée"]
    helped = frame["Accompagné"] == "oui"
    by_hand = change[helped].mean() - change[~helped].mean()
    assert found.effects[0].estimate == pytest.approx(by_hand)


def test_years_are_named_as_people_write_them_and_unknown_ones_refused() -> None:
    table = pd.DataFrame({"an": [2022, 2023, 2024], "aide": [1, 1, None]})
    dated = helped_since(table, treatment="aide", time="an", first=2023)["aide"]
    assert dated.tolist()[:2] == [0, 1]
    assert np.isnan(dated.iloc[2])
    with pytest.raises(ie.ImpactEvalError) as refused:
        helped_since(table, treatment="aide", time="an", first="2032")
    assert refused.value.codes == ("unknown_period",)
    assert refused.value.findings[0].values["known"] == ("2022", "2023", "2024")
