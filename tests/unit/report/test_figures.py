"""Figures: data tested as numbers, pictures deterministic, palette readable by everyone."""

from __future__ import annotations

import io

import numpy as np
import pytest

from impact_eval.report.blocks import WITHHELD, Bilingual, Figure
from impact_eval.report.figures import drawing, gallery
from impact_eval.report.figures.effect_grid import GridCell, data_for_cells
from impact_eval.report.figures.effects import (
    EventPoint,
    NamedInterval,
    Phase,
    data_for_effect_forest,
    data_for_event_study,
    data_for_portfolio_forest,
)
from impact_eval.report.figures.gallery import Picture, draw_figure, drawings, picture_of
from impact_eval.report.figures.money import (
    PartyBalance,
    Swing,
    YearBalance,
    data_for_acceptability,
    data_for_cumulative,
    data_for_payers,
    data_for_tornado,
)
from impact_eval.report.figures.people import (
    BalancePoint,
    ItemAnswers,
    ScoreBin,
    Step,
    data_for_balance,
    data_for_distribution,
    data_for_flow,
    data_for_likert,
    likert_styles,
)
from impact_eval.report.figures.robustness import (
    Departure,
    data_for_honest,
    data_for_specification,
)
from impact_eval.report.quantities import unit_of
from impact_eval.report.texts import Texts

SHARE = unit_of("share")
FR = Texts("fr")


def name(text: str) -> Bilingual:
    return Bilingual(fr=text, en=text)


def figures() -> dict[str, Figure]:
    rows = [
        NamedInterval(name("a $\\foo$ b"), 0.06, 0.01, 0.11),
        NamedInterval(name("c"), -0.01, -0.05, 0.03),
    ]
    points = [
        EventPoint(-2, 0.01, -0.01, 0.03, -0.02, 0.04),
        EventPoint(-1, 0.0),
        EventPoint(0, 0.05, 0.02, 0.08, 0.01, 0.09),
    ]
    waves = [ItemAnswers(name("q"), name(w), (12, 20, 40, 14)) for w in ("t0", "t1")]
    categories = [name(c) for c in "abcd"]
    cells = [
        GridCell(g, t, 0.01 * t, 0.01 * t - 0.02, 0.01 * t + 0.02) for g in (3, 4) for t in (2, 5)
    ]
    return {
        "effect_forest": data_for_effect_forest(rows, SHARE),
        "group_time_cells": data_for_cells(cells, SHARE, name("y")),
        "event_study": data_for_event_study(points, SHARE, name("y")),
        "portfolio_forest": data_for_portfolio_forest(
            rows, NamedInterval(name("tous"), 0.03, 0.0, 0.06), (-0.05, 0.11), SHARE
        ),
        "flow": data_for_flow([Step("read", 100, 0), Step("kept", 80, 20)]),
        "balance": data_for_balance(
            [BalancePoint("age", 0.2, 0.05), BalancePoint("sexe", -0.3, 0.02)]
        ),
        "likert": data_for_likert(waves, categories),
        "distribution": data_for_distribution(
            [ScoreBin(0, 5, 20, 12), ScoreBin(5, 10, 15, 30)],
            scale=name("s"),
            mean_before=4.0,
            mean_after=6.0,
        ),
        "tornado": data_for_tornado([Swing("a", 10.0, 90.0), Swing("b", -50.0, 200.0)], 50.0),
        "cumulative": data_for_cumulative(
            [YearBalance(2024, -90.0, -95.0, -80.0), YearBalance(2025, 10.0, -5.0, 30.0)]
        ),
        "payers": data_for_payers([PartyBalance("État", 30.0, 48.0)]),
        "acceptability": data_for_acceptability([(0.0, 0.02), (100.0, 0.9)]),
        "specification": data_for_specification(rows, 0, SHARE),
        "honest": data_for_honest([Departure(None, 0.01, 0.1), Departure(1.0, -0.02, 0.12)], SHARE),
    }


def test_there_is_an_example_of_every_drawing() -> None:
    assert set(figures()) == set(drawings())


@pytest.mark.parametrize("kind", sorted(drawings()))
def test_a_picture_is_the_same_every_time(kind: str) -> None:
    first, again = (draw_figure(figures()[kind], FR) for _ in range(2))
    assert first == again
    assert first.png.startswith(b"\x89PNG")
    assert b"matplotlib" not in first.png.lower()
    assert b"date" not in first.png[:200].lower()


@pytest.mark.parametrize("kind", ["likert", "flow", "effect_forest", "tornado", "event_study"])
def test_a_figure_with_withheld_numbers_still_draws(kind: str) -> None:
    figure = figures()[kind]
    width = len(figure.data.columns)
    rows = (*figure.data.rows[:-1], (figure.data.rows[-1][0], *[WITHHELD] * (width - 1)))
    if kind == "event_study":
        rows = (*rows[:-1], (3, Phase.AFTER.value, *[WITHHELD] * (width - 2)))
    table = figure.data.model_copy(update={"rows": rows})
    assert draw_figure(figure.model_copy(update={"data": table}), FR).png


def test_the_language_changes_the_picture() -> None:
    assert draw_figure(figures()["flow"], FR).png != draw_figure(figures()["flow"], Texts("en")).png


def test_a_users_own_settings_do_not_change_a_picture() -> None:
    import matplotlib as mpl

    expected = draw_figure(figures()["flow"], FR).png
    with mpl.rc_context({"font.size": 22, "axes.facecolor": "red", "text.parse_math": True}):
        assert draw_figure(figures()["flow"], FR).png == expected


def test_data_are_in_the_units_shown() -> None:
    forest = figures()["effect_forest"].data
    assert forest.column("estimate") == pytest.approx([6.0, -1.0])
    assert forest.column("low") == pytest.approx([1.0, -5.0])


def test_an_event_study_knows_its_phases() -> None:
    data = figures()["event_study"].data
    assert data.column("phase") == [p.value for p in (Phase.BEFORE, Phase.REFERENCE, Phase.AFTER)]
    alt = " ".join(FR.words(w) for w in figures()["event_study"].alt)
    assert "aucune période sur 1" in alt


def test_likert_shares_sum_to_one() -> None:
    data = figures()["likert"].data
    for row in data.records():
        assert sum(float(str(row[f"share_{k}"])) for k in range(4)) == pytest.approx(1)


def test_the_tornado_is_widest_first_and_the_alt_says_which() -> None:
    figure = figures()["tornado"]
    assert figure.data.column("name") == ["b", "a"]
    assert "b" in FR.words(figure.alt[0])


@pytest.mark.parametrize("kind", sorted(drawings()))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_alternative_texts_hold_numbers_and_no_code(kind: str, language: str) -> None:
    said = " ".join(Texts(language).words(w) for w in figures()[kind].alt)
    assert len(said) > 30
    assert any(c.isdigit() for c in said)
    assert "[" not in said


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", ["INK", "MUTED", "BLUE", "OCHRE"])
def test_text_and_marks_stand_out(colour: str) -> None:
    assert contrast(getattr(drawing, colour), drawing.PAPER) >= 4.5


def test_opposite_answers_differ_in_grey_or_in_hatch() -> None:
    for count in (2, 3, 4, 5):
        styles = likert_styles(count)
        assert len(styles) == count
        looks = {(round(luminance(s["facecolor"]), 1), s["hatch"]) for s in styles}
        assert len(looks) == len(styles) if count < 6 else True


def test_a_picture_stays_readable_in_grey() -> None:
    from PIL import Image

    image = Image.open(io.BytesIO(draw_figure(figures()["payers"], FR).png)).convert("L")
    levels = np.asarray(image)
    assert levels.min() < 90
    assert levels.max() == 255


def test_every_picture_is_phone_sized() -> None:
    for figure in figures().values():
        assert draw_figure(figure, FR).width <= 520


def test_style_refuses_mathematics() -> None:
    assert drawing.STYLE["text.parse_math"] is False


def test_a_picture_kept_is_the_one_drawn_and_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def draw(figure: Figure, texts: Texts) -> Picture:
        drawn.append(texts.language)
        return draw_figure(figure, texts)

    monkeypatch.setattr(gallery, "draw_figure", draw)
    figure = figures()["flow"].model_copy(update={"question": name("question d’ici")})
    other = figure.model_copy(update={"data": figures()["payers"].data, "figure": "payers"})
    pictures = [picture_of(figure, Texts(language)) for language in ("fr", "en")]
    pictures.append(picture_of(Figure.model_validate_json(figure.model_dump_json()), FR))
    assert drawn == ["fr", "en"]
    assert pictures[0] is pictures[2]
    for picture, language in zip(pictures, ("fr", "en"), strict=False):
        assert picture.png == draw_figure(figure, Texts(language)).png
    assert picture_of(other, FR).png == draw_figure(other, FR).png != pictures[0].png
