"""`ie.plot`: the report's figures in a notebook, with the words that stand for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import impact_eval as ie
from impact_eval.core.estimate import Draws, Effect, Estimate, MethodRecord, wald_effect
from impact_eval.report.figures.effect_grid import GridCell


def estimate(*rows: tuple[str, Any, Any, float | None], counterfactual: bool = True) -> Estimate:
    made = tuple(
        wald_effect(
            outcome="y", estimand="att", term=term, group=group, time=time, estimate=b,
            std_error=None if b is None else 0.5,
        )
        for term, group, time, b in rows
    )  # fmt: skip
    return Estimate(
        outcome="y",
        estimand="att",
        method=MethodRecord("did"),
        effects=made,
        covariance=np.eye(len(made)) * 0.25,
        counterfactual=counterfactual,
    )


EVENTS = estimate(*(("event", None, float(k), 2.0 * (k >= 0)) for k in (-2, -1, 0, 1)))
CELLS = estimate(*(("att_gt", g, t, 2.0 * (t >= g)) for g in (3.0, 4.0) for t in (2.0, 3.0, 5.0)))


def test_an_event_study_has_its_bands() -> None:
    found = ie.plot(EVENTS, language="en")
    rows = {row["time"]: row for row in found.figure.data.records()}
    bands = EVENTS.bands(level=0.95)
    assert found.figure.figure == "event_study"
    assert rows[1]["band_high"] == pytest.approx(bands["conf_high"].iloc[3])
    assert rows[1]["band_high"] > rows[1]["high"] == pytest.approx(2 + 1.959964 * 0.5)
    assert "After entry" in found.alt


def test_group_time_effects_are_a_grid() -> None:
    found = ie.plot(CELLS, language="en")
    assert found.figure.figure == "group_time_cells"
    assert found.alt.startswith("Grid, waves of entry: 2, periods: 3.")
    # before entry: (3, 2), (4, 2), (4, 3), all 0; after: (3, 3), (3, 5), (4, 5), each 2 > 0.98
    assert "Before entry, differences apart from zero: 0 of 3" in found.alt
    assert "After entry, differences apart from zero: 3 of 3" in found.alt


def test_periods_named_by_text_know_before_from_after() -> None:
    assert GridCell("2023-T1", "2022-T4", 0.0).before
    assert not GridCell("2023-T1", "2023-T1", 0.0).before


def test_one_effect_is_a_dot_and_a_change_is_no_difference() -> None:
    assert ie.plot(estimate(("att", None, None, 1.0)).effects[0]).figure.figure == "effect_forest"
    change = ie.plot(estimate(("change", None, 1.0, 1.0), counterfactual=False), language="fr")
    assert "évolué" in change.title
    assert "effet" not in f"{change.title} {change.alt}"


def test_it_is_drawn_on_the_axes_given(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    axes = Figure(layout="constrained").subplots()
    for thing in (EVENTS, CELLS, EVENTS.select([3])):
        axes.clear()
        found = ie.plot(thing, ax=axes, language="fr")
        assert found.axes is axes
        assert found._repr_html_() is None
        assert axes.get_xlabel()
    saved = ie.plot(CELLS).save(tmp_path / "grille.png")
    assert saved.read_bytes().startswith(b"\x89PNG")


def test_a_notebook_gets_the_words_and_the_table() -> None:
    found = ie.plot(CELLS, language="fr")
    html = str(found._repr_html_())
    assert 'lang="fr"' in html
    assert f'alt="{found.alt}"' in html
    assert html.count('scope="row"') == 6
    assert "Figure 1" not in html
    assert "array" not in repr(found)


def test_what_cannot_be_drawn_is_refused_in_words() -> None:
    nothing = replace(EVENTS, effects=tuple(replace(e, estimate=None) for e in EVENTS.effects))
    blank = Effect(outcome="y", estimand="att", term="att", estimate=float("nan"))
    for thing in ("y", Draws("placebo", np.zeros((1, 1))), nothing, blank):
        with pytest.raises(ie.ImpactEvalError) as refused:
            ie.plot(thing)  # type: ignore[arg-type]
        assert refused.value.codes == ("nothing_to_plot",)


def test_what_is_no_axes_is_refused_in_words() -> None:
    with pytest.raises(ie.ImpactEvalError) as refused:
        ie.plot(EVENTS, ax="figure")  # type: ignore[arg-type]
    assert refused.value.codes == ("not_axes",)


def test_a_name_of_a_file_commands_nothing() -> None:
    row = Effect(outcome="<b>$x$</b>\x1b[2J", estimand="att", term="att", estimate=1.0)
    found = ie.plot(row)
    assert "<b>" not in str(found._repr_html_())
    assert "\x1b" not in found.alt
    assert found.png.startswith(b"\x89PNG")
