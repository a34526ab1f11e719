"""No sentence of a scale's section that its numbers do not bear."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from any_scale import Codes, answers_of, write_scale

from impact_eval import Study, evaluate
from impact_eval.core.vocabulary import Direction, ScoreGroup, Unit
from impact_eval.report.blocks import Figure, Heading, Limitation, Messages, Note, Paragraph, Table
from impact_eval.report.narrative import summary_blocks
from impact_eval.report.narrative_score import change_sentence
from impact_eval.report.narrative_soft import soft_outcome_blocks
from impact_eval.report.texts import Texts
from impact_eval.results.gate import release
from impact_eval.results.records import StudyResults
from impact_eval.results.score_records import FavourableEnd, ScoreRecord
from impact_eval.results.stated import against_smallest


def plain(text: str) -> str:
    return re.sub(r"\s", " ", text)


def told(results: StudyResults, language: str = "fr") -> list[str]:
    """Every sentence of the section, captions and alternative texts of figures included."""
    texts, out = Texts(language), list[str]()
    for block in soft_outcome_blocks(results):
        if isinstance(block, Paragraph):
            out.append(" ".join(texts.words(words) for words in block.words))
        elif isinstance(block, (Note, Limitation)):
            out.append(texts.words(block.words))
        elif isinstance(block, Table):
            out.append(texts.words(block.caption))
        elif isinstance(block, Messages):
            out += [texts.words(item) for item in block.items if not isinstance(item, str)]
        elif isinstance(block, Figure):
            out += [texts.words(words) for words in block.alt]
    return [plain(text) for text in out]


def table_of(results: StudyResults, caption: str) -> Table:
    texts = Texts("fr")
    (found,) = (
        block
        for block in soft_outcome_blocks(results)
        if isinstance(block, Table) and caption in plain(texts.words(block.caption))
    )
    return found


def moved(
    scale: str, by: float, people: int = 80, *, seed: int = 1, noise: float = 0.8
) -> tuple[Codes, Codes]:
    """Answers at two dates of people whose trait moves by so much."""
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=people)
    later = trait + by + rng.normal(size=people) * 0.3
    return answers_of(scale, trait, rng, noise), answers_of(scale, later, rng, noise)


def study_of(folder: Path, scale: str, by: float, people: int = 80, **more: object) -> StudyResults:
    waves = moved(scale, by, people)
    return evaluate(Study.read(write_scale(folder, scale, waves, **more)))  # type: ignore[arg-type]


# ------------------------------------------------------------------ levels


def test_the_share_in_one_published_level_is_of_everybody(tmp_path: Path) -> None:
    """PHQ-4: only « 3 or more » is published for each half; counted here by hand."""
    before, after = moved("phq-4", -0.6)
    results = evaluate(Study.read(write_scale(tmp_path, "phq-4", (before, after))))
    rows = table_of(results, "anxiété » : où se situent").records()
    by_hand = [float((wave[:, :2].sum(axis=1) >= 3).mean()) for wave in (before, after)]
    assert 0 < by_hand[1] < by_hand[0] < 1
    assert [rows[0]["before"], rows[0]["after"]] == pytest.approx(by_hand)
    assert [rows[1]["before"], rows[1]["after"]] == pytest.approx([1 - s for s in by_hand])
    assert rows[1]["range"] is None


def test_few_people_outside_the_one_level_are_kept_back(tmp_path: Path) -> None:
    """All but four are in the level: its count would tell the four."""
    high = np.full((80, 4), 3)
    high[::3, 1], high[1::3, 2] = 2, 2
    low = high.copy()
    low[:4] = 0
    results = release(evaluate(Study.read(write_scale(tmp_path, "phq-4", (low, low)))))
    for score in results.results.scores:
        assert all(band.before is None and band.after is None for band in score.bands)


# ------------------------------------------------------------------ which way


@pytest.mark.parametrize(
    ("scale", "by", "way"),
    [("phq-9", -0.8, "dans le bon sens."), ("phq-9", 0.8, "dans le mauvais sens."),
     ("rses-fr", 0.8, "dans le bon sens."), ("rses-fr", -0.8, "dans le mauvais sens."),
     ("phq-9", 0.0, "ne se distingue pas du hasard.")],
)  # fmt: skip
def test_a_change_says_which_way_it_goes(tmp_path: Path, scale: str, by: float, way: str) -> None:
    results = study_of(tmp_path, scale, by)
    (sentence,) = (t for t in told(results) if "a évolué de" in t)
    assert way in sentence
    first_page = [
        plain(Texts("fr").words(words))
        for block in summary_blocks(results)
        if isinstance(block, Paragraph)
        for words in block.words
    ]
    assert any("a évolué de" in line and way in line for line in first_page)


def record(estimate: float, direction: Direction, p_corrected: float | None) -> ScoreRecord:
    change = SimpleNamespace(
        estimate=estimate, conf_low=estimate - 1, conf_high=estimate + 1, p_corrected=p_corrected
    )
    made = SimpleNamespace(
        change=change, direction=direction, unit=Unit.SCORE, part=None, name=None, local=False,
        instrument="rses-fr", group=ScoreGroup.EVERYONE,
    )  # fmt: skip
    return made  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("direction", "p_corrected", "code"),
    [(Direction.HIGHER, None, "better"), (Direction.LOWER, 0.01, "worse"),
     (Direction.NEITHER, 0.01, "up"), (Direction.HIGHER, 0.2, "together")],
)  # fmt: skip
def test_a_change_is_praised_only_once_judged_with_the_others(
    direction: Direction, p_corrected: float | None, code: str
) -> None:
    assert change_sentence(record(2.0, direction, p_corrected)).code == f"soft.sentence_{code}"


@pytest.mark.parametrize(
    ("low", "high", "direction", "verdict"),
    [(4.5, 6.8, Direction.LOWER, "wrong"), (4.5, 6.8, Direction.HIGHER, "unsure"),
     (5.5, 6.8, Direction.LOWER, "harm"), (-6.8, -5.5, Direction.NEITHER, "above"),
     (-6.8, -4.5, Direction.NEITHER, "unsure"), (0.5, 2.0, Direction.LOWER, "below")],
)  # fmt: skip
def test_an_interval_against_what_matters(
    low: float, high: float, direction: Direction, verdict: str
) -> None:
    assert against_smallest(low, high, 5.0, direction).value == verdict


# ------------------------------------------------------------------ situations that are weighted


def test_a_sum_of_situations_is_not_judged_as_signs_of_one_thing(tmp_path: Path) -> None:
    """EPICES: nothing on how its answers agree, right after saying that it means nothing."""
    sentences = told(study_of(tmp_path, "epices", -0.6))
    assert any("sa cohérence interne n’a pas de sens" in t for t in sentences)
    assert not any("alpha" in t or "un changement individuel" in t for t in sentences)


def test_the_favourable_answer_follows_the_sign_of_its_weight(tmp_path: Path) -> None:
    """Sass et al. 2006: yes counts 10.06 for a social worker, -11.83 for a health cover."""
    results = study_of(tmp_path, "epices", -0.6)
    (score,) = results.scores
    assert score.items[0].better is FavourableEnd.FIRST
    assert score.items[1].better is FavourableEnd.LAST
    yes = [next(row.points for row in table.rows if row.code == "1") for table in score.codes[:2]]
    assert yes == pytest.approx([10.06, -11.83])
    assert score.before is not None
    assert score.after is not None
    assert score.before.mean is not None
    assert score.after.mean is not None
    assert score.after.mean < score.before.mean  # and lower is better
    shares = [re.search(r"de (\d+) % au début à (\d+) %", t) for t in told(results)]
    found = [(int(m[1]), int(m[2])) for m in shares if m]
    assert found
    assert all(last > first for first, last in found)


# ------------------------------------------------------------------ said once, or not at all


def test_of_a_scale_kept_back_no_sentence_lacks_its_numbers(tmp_path: Path) -> None:
    results = release(study_of(tmp_path, "rses-fr", 0.5, people=8)).results
    sentences = told(results)
    assert any("trop peu de personnes" in t for t in sentences)
    assert not any("non publié" in t and "chiffres de cette échelle" not in t for t in sentences)


def test_noise_is_not_said_reliable_nor_its_alpha_twice(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    waves = tuple(rng.integers(1, 5, size=(60, 10)) for _ in range(2))
    sentences = told(evaluate(Study.read(write_scale(tmp_path, "rses-fr", waves))))
    assert sum("alpha" in t for t in sentences) == 1
    assert not any("à l’inverse des autres" in t for t in sentences)


def test_a_floor_is_told_once_and_its_share_is_kept_as_people_are(tmp_path: Path) -> None:
    """17% of 60 people are ten of them: kept back in one sentence, it is in none."""
    before, _ = moved("phq-9", 0.0, people=60)
    before[before.sum(axis=1) == 0, 0] = 1
    before[:10] = 0
    results = release(evaluate(Study.read(write_scale(tmp_path, "phq-9", (before, before[::-1])))))
    ends = [t for t in told(results.results) if "plus bas" in t and "score plus bas" not in t]
    assert ends == ["Plusieurs personnes ont le score le plus bas possible : chez elles, une "
                    "baisse ne se verrait pas."]  # fmt: skip


def test_questions_that_are_counted_are_no_people(tmp_path: Path) -> None:
    before, after = moved("self-rated-health", 0.5, people=80)
    results = release(evaluate(Study.read(write_scale(tmp_path, "self-rated-health",
                                                      (before, after)))))  # fmt: skip
    (line,) = (t for t in told(results.results) if "lues comme dans la source" in t)
    assert "les réponses à 1 question " in line
    assert "non publié" not in line


def test_who_changed_is_said_kept_back_where_the_limit_is_told(tmp_path: Path) -> None:
    results = release(study_of(tmp_path, "gse", 0.3, people=30)).results
    assert any("qui ont changé nettement n’est pas publié" in t for t in told(results))


def test_one_question_is_not_several(tmp_path: Path) -> None:
    sentences = told(study_of(tmp_path, "food-sufficiency", 0.2))
    assert any("une question. La part" in t for t in sentences)
    assert not any("1 questions" in t for t in sentences)


# ------------------------------------------------------------------ looks back, one date, the lost


@pytest.mark.parametrize(("shift", "differs"), [(0.0, False), (-0.8, True)])
def test_a_look_back_differs_only_beyond_chance(
    tmp_path: Path, shift: float, differs: bool
) -> None:
    rng = np.random.default_rng(2)
    trait = rng.normal(size=80)
    waves = [answers_of("rses-fr", trait + by, rng) for by in (0.0, 0.5)]
    back = answers_of("rses-fr", trait + shift, rng)
    sentences = told(evaluate(Study.read(write_scale(tmp_path, "rses-fr", waves, retro=back))))
    (line,) = (t for t in sentences if t.startswith("Interrogées à la fin"))
    assert ("la décrivent autrement" in line) is differs
    assert ("ne se distingue pas du hasard" in line) is not differs


def test_at_one_date_nothing_is_said_to_have_changed(tmp_path: Path) -> None:
    before, _ = moved("who-5", 0.0)
    sentences = told(evaluate(Study.read(write_scale(tmp_path, "who-5", (before,)))))
    assert any("à une seule date" in t for t in sentences)
    assert not any("aux deux dates" in t or "ce qui a évolué, pas pourquoi" in t for t in sentences)


def test_a_change_weighted_for_the_lost_is_not_said_of_those_who_stayed(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    trait = rng.normal(size=120)
    waves = [answers_of("rses-fr", trait + by, rng) for by in (0.0, 0.5)]
    lost = [i for i in range(120) if trait[i] + rng.normal() < -0.8]
    age = (40 + 10 * trait).round().astype(int)
    folder = write_scale(
        tmp_path, "rses-fr", waves, lost=lost, columns={"age": age},
        roles={"covariates": ["age"]}, questionnaire={"nonresponse": ["age"]},
    )  # fmt: skip
    sentences = told(evaluate(Study.read(folder)))
    assert any("est pondérée pour les personnes perdues, d’après" in t for t in sentences)
    assert not any("L’évolution est celle des personnes restées" in t for t in sentences)


def test_the_section_keeps_its_heading(tmp_path: Path) -> None:
    blocks = soft_outcome_blocks(study_of(tmp_path, "who-5", 0.4))
    assert isinstance(blocks[0], Heading)
