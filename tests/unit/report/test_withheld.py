"""What the gate kept back is said to be kept back: never a zero, a reference, a guess or a code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import pytest

from impact_eval.core.findings import Severity
from impact_eval.core.vocabulary import RowsAre
from impact_eval.diagnostics.check import CheckResult, CheckStatus
from impact_eval.report.blocks import (
    WITHHELD,
    AnyBlock,
    Decision,
    Figure,
    Limitation,
    Note,
    Number,
    Paragraph,
    Table,
)
from impact_eval.report.figures.effects import EventPoint, Phase, data_for_event_study
from impact_eval.report.figures.gallery import draw_figure
from impact_eval.report.html import render_html
from impact_eval.report.narrative import (
    check_blocks,
    effect_blocks,
    flow_blocks,
    limit_blocks,
    provenance_blocks,
    report_blocks,
    soft_outcome_blocks,
    summary_blocks,
)
from impact_eval.report.narrative_checks import check_finding
from impact_eval.report.narrative_effects import event_blocks
from impact_eval.report.quantities import unit_of
from impact_eval.report.texts import Texts
from impact_eval.report.wording import (
    ZeroVerdict,
    headline_results,
    of_territories,
    result_of,
    spoken,
)
from impact_eval.results.checks import CheckRecord, check_of
from impact_eval.results.estimates import EstimateRecord, Role
from impact_eval.results.finding_records import NoticedRecord
from impact_eval.results.records import StudyResults
from impact_eval.results.study_records import DossierRecord, InferenceRecord

MakeResults = Callable[..., StudyResults]
FR, EN = Texts("fr"), Texts("en")
TOLD = dict.fromkeys(
    ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", "n_treated",
     "n_comparison")
)  # fmt: skip


def hidden(record: EstimateRecord) -> EstimateRecord:
    """The record as the gate leaves it when it keeps the whole estimate back."""
    rows = tuple(row.model_copy(update=TOLD) for row in record.estimate.effects)
    return record.model_copy(
        update={
            "withheld": True,
            "estimate": record.estimate.model_copy(update={"effects": rows}),
            "smallest_detectable": None,
            "mean_comparison": None,
        }
    )


def gated(results: StudyResults, **changed: object) -> StudyResults:
    disclosure = results.disclosure.model_copy(update={"released": True, "withheld": 12})
    return results.model_copy(update={"disclosure": disclosure, **changed})


def all_hidden(results: StudyResults) -> StudyResults:
    return gated(results, estimates=tuple(hidden(r) for r in results.estimates))


def text_of(blocks: Iterable[AnyBlock], language: str = "fr") -> str:
    page = render_html(list(blocks), {}, language)
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.S))


# ------------------------------------------------------------------ an estimate


def test_a_withheld_estimate_is_said_to_be_withheld(make_results: MakeResults) -> None:
    results = all_hidden(make_results(3))
    main = headline_results(results.estimates)[0]
    assert main.verdict is ZeroVerdict.WITHHELD
    blocks = summary_blocks(results)
    first = next(b for b in blocks if isinstance(b, Paragraph))
    assert FR.words(first.words[0]) == (
        "«\u202fEmploi à six mois\u202f»\u00a0: résultat non publié, car il repose sur trop peu de "
        "personnes."
    )
    assert "not published" in EN.words(first.words[0])
    number = next(b for b in blocks if isinstance(b, Number))
    assert (number.value, number.n, number.low, number.high) == (WITHHELD, WITHHELD, None, None)
    assert [b.status for b in blocks if isinstance(b, Decision)] == ["open"]


def test_the_table_of_a_withheld_estimate_holds_marks_alone(make_results: MakeResults) -> None:
    table = next(b for b in effect_blocks(all_hidden(make_results(3))) if isinstance(b, Table))
    for key in ("estimate", "interval", "n_treated", "n_comparison"):
        assert table.column(key) == [WITHHELD, WITHHELD]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("level", range(5))
def test_nothing_of_a_withheld_estimate_is_guessed(
    make_results: MakeResults, level: int, language: str
) -> None:
    results = all_hidden(make_results(level))
    results = results.model_copy(
        update={
            "scores": (),
            "estimates": tuple(r for r in results.estimates if r.role is not Role.EVENT),
        }
    )
    said = text_of([*summary_blocks(results), *effect_blocks(results)], language)
    assert not re.search(r"\[[a-z_]+\]", said)
    for guess in ("aucun écart visible", "no visible difference", "référence", "reference period"):
        assert guess not in said
    assert not re.search(r"[+−]\d", said)


def test_a_missing_count_of_one_group_is_no_sum_and_no_lack_of_comparison(
    make_results: MakeResults,
) -> None:
    results = make_results(3)
    main = results.estimates[0]
    row = main.headline.model_copy(update={"n_comparison": None})
    fit = main.estimate.model_copy(update={"effects": (row,)})
    changed = main.model_copy(update={"estimate": fit})
    blocks = summary_blocks(gated(results, estimates=(changed, *results.estimates[1:])))
    number = next(b for b in blocks if isinstance(b, Number))
    assert number.n == WITHHELD
    said = text_of(blocks)
    assert "sans groupe de comparaison" not in said
    assert "702" not in said


def test_a_withheld_naive_comparison_says_so(make_results: MakeResults) -> None:
    results = make_results(3)
    records = tuple(hidden(r) if r.role is Role.NAIVE else r for r in results.estimates)
    notes = [b for b in effect_blocks(gated(results, estimates=records)) if isinstance(b, Note)]
    assert "n’est pas publié" in FR.words(notes[-1].words)


# ------------------------------------------------------------------ an event study


def test_a_withheld_period_is_listed_and_never_the_reference(make_results: MakeResults) -> None:
    event = next(r for r in make_results(3).estimates if r.role is Role.EVENT)
    rows = tuple(
        row.model_copy(update=TOLD) if row.time in (-3.0, 1.0) else row
        for row in event.estimate.effects
    )
    fit = event.estimate.model_copy(update={"effects": rows})
    blocks = event_blocks(event.model_copy(update={"estimate": fit}), "y")
    figure, note = blocks
    assert isinstance(figure, Figure)
    assert isinstance(note, Note)
    assert figure.data.column("time") == [-2, -1, 0, 2]
    assert figure.data.column("phase") == [
        Phase.BEFORE.value, Phase.REFERENCE.value, Phase.AFTER.value, Phase.AFTER.value
    ]  # fmt: skip
    assert FR.words(note.words).endswith("\u00a0: −3 et 1.")
    assert draw_figure(figure, FR).png


def test_a_point_whose_error_is_not_known_is_no_reference() -> None:
    points = [EventPoint(-2, 0.01), EventPoint(-1, 0.0), EventPoint(0, 0.05)]
    phases = data_for_event_study(points, unit_of("share"), "y").data.column("phase")
    assert phases == [Phase.BEFORE.value, Phase.REFERENCE.value, Phase.AFTER.value]


def test_an_event_study_withheld_whole_is_a_note_alone(make_results: MakeResults) -> None:
    event = next(r for r in make_results(3).estimates if r.role is Role.EVENT)
    (note,) = event_blocks(hidden(event), "y")
    assert isinstance(note, Note)


# ------------------------------------------------------------------ findings and checks


def noticed(code: str, **values: object) -> NoticedRecord:
    return NoticedRecord(
        code=code, severity=Severity.WARNING, values=values, place=None, outcomes=()
    )


@pytest.mark.parametrize(
    ("code", "values", "french", "english"),
    [
        (
            "few_clusters",
            {"n": None, "advised": 40},
            "Seulement un nombre non publié d’unités ou groupes",
            "an unpublished number of",
        ),
        (
            "always_treated",
            {"n": None, "first": 2018.0},
            "Un nombre non publié d’unités bénéficient",
            "An unpublished number of units benefit",
        ),
    ],
)
def test_a_finding_without_its_count_is_told_in_words(
    make_results: MakeResults, code: str, values: dict[str, object], french: str, english: str
) -> None:
    results = gated(make_results(3), findings=(noticed(code, **values),))
    limits = [b for b in limit_blocks(results) if isinstance(b, Limitation)]
    assert any(french in FR.words(b.words) for b in limits)
    assert any(english in EN.words(b.words) for b in limits)
    assert not any("—" in FR.words(b.words) for b in limits)


def test_values_kept_back_have_words_by_what_they_are() -> None:
    told = spoken("outcome_missing", {"n": None, "share": None, "names": ("a", None, "b")})
    assert FR.words(told["n"]) == "un nombre non publié de"
    assert told["names"] == ("a", "b")
    assert spoken("x", {"names": (None,)})["names"] != ()
    assert spoken("x", {"names": ()})["names"] == ()
    assert spoken("x", {"n": 3}) == {"n": 3}


def test_a_value_that_a_sentence_lacks_is_no_bare_code(make_results: MakeResults) -> None:
    results = gated(make_results(3), findings=(noticed("few_clusters"),))
    limits = [FR.words(b.words) for b in limit_blocks(results) if isinstance(b, Limitation)]
    assert not any(said.startswith("[") for said in limits)


def test_a_check_whose_counts_are_kept_back_reads_well() -> None:
    check = check_of(
        CheckResult(
            code="attrition",
            status=CheckStatus.PASSED,
            values={"lost": None, "n": None, "overall": None, "bias_cautious": 0.02},
        )
    )
    said = FR.words(check_finding(check))
    assert said.startswith("Peu de personnes, ou aucune, manquent à l’arrivée, à peu près autant")
    assert "leur nombre n’est pas publié" in said
    english = EN.words(check_finding(check))
    assert "how many is not published" in english


def test_rows_of_a_check_kept_back_are_marks(make_results: MakeResults) -> None:
    check = CheckResult(
        code="leave_one_out",
        status=CheckStatus.PASSED,
        values={"n": 2, "lowest": 0.01, "highest": 0.03},
        rows=({"unit": None, "estimate": None}, {"unit": "Sud", "estimate": 0.03}),
    )
    found = CheckRecord(outcome="emploi_6m", check=check_of(check))
    results = gated(make_results(3), checks=(found,))
    table = next(b for b in check_blocks(results) if isinstance(b, Table) and "unit" in b.keys)
    assert table.column("estimate")[0] == WITHHELD
    assert FR.words(table.column("unit")[0]) == "(nom non publié)"


def test_few_territories_without_their_number(make_results: MakeResults) -> None:
    from impact_eval.report.narrative_dossier import dossier_blocks

    inference = InferenceRecord(
        n_clusters=None, n_treated=None, exact=True, n_draws=70, false_positive=None, rows=()
    )
    dossier = {"emploi_6m": DossierRecord(inference=inference, curve=(), hidden=None)}
    said = text_of(dossier_blocks(gated(make_results(3), dossier=dossier)))
    assert "dans un nombre non publié de territoires, dont un nombre non publié" in said
    assert "None" not in said


# ------------------------------------------------------------------ the flow


def test_a_flow_without_all_its_counts_tells_no_share(make_results: MakeResults) -> None:
    results = make_results(3)
    first, last = results.data.flow
    steps = (first.model_copy(update={"n": None}), last.model_copy(update={"dropped": None}))
    blocks = flow_blocks(gated(results, data=results.data.model_copy(update={"flow": steps})))
    said = FR.words(next(b for b in blocks if isinstance(b, Paragraph)).words[0])
    assert "un nombre non publié de lignes" in said
    assert "702" in said
    assert "%" not in said
    table = next(b for b in blocks if isinstance(b, Table))
    assert table.column("n") == [WITHHELD, 702]
    assert table.column("dropped") == [0, WITHHELD]
    figure = next(b for b in blocks if isinstance(b, Figure))
    assert draw_figure(figure, FR).png
    assert FR.words(figure.alt[0]).count("(chiffre non publié)") == 1


# ------------------------------------------------------------------ scales


def test_a_withheld_scale_says_so_and_shows_no_number(make_results: MakeResults) -> None:
    score = make_results(1).scores[0]
    nothing = score.model_copy(
        update={
            "withheld": True,
            "n": None,
            "before": None,
            "after": None,
            "change": None,
            "people": None,
            "bins": (),
            "items": (),
            "detectable_change": None,
            "reliability": score.reliability.model_copy(
                update=dict.fromkeys(("alpha", "conf_low", "conf_high", "n"))
            ),
        }
    )
    blocks = soft_outcome_blocks(gated(make_results(1), scores=(nothing,)))
    table = next(b for b in blocks if isinstance(b, Table))
    assert table.rows[0][1:] == (WITHHELD,) * 6
    notes = [FR.words(b.words) for b in blocks if isinstance(b, Note)]
    assert sum("ne sont pas publiés" in note for note in notes) == 1


@pytest.mark.parametrize("empty", [True, False])
def test_questions_are_shown_all_or_none(make_results: MakeResults, empty: bool) -> None:
    score = make_results(1).scores[0]
    half = score.items[0].model_copy(update={"after": None})
    items = () if empty else (half, *score.items[1:])
    changed = score.model_copy(update={"items": items})
    blocks = soft_outcome_blocks(gated(make_results(1), scores=(changed,)))
    assert not any(isinstance(b, Figure) and b.figure == "likert" for b in blocks)
    notes = [FR.words(b.words) for b in blocks if isinstance(b, Note)]
    assert sum("question par question" in note for note in notes) == 1


def test_a_class_kept_back_is_not_drawn_as_nobody(make_results: MakeResults) -> None:
    score = make_results(1).scores[0]
    bins = (score.bins[0].model_copy(update={"before": None}), *score.bins[1:])
    blocks = soft_outcome_blocks(
        gated(make_results(1), scores=(score.model_copy(update={"bins": bins}),))
    )
    figure = next(b for b in blocks if isinstance(b, Figure) and b.figure == "distribution")
    assert figure.data.column("before")[0] == WITHHELD
    both = tuple(row.model_copy(update={"before": None, "after": None}) for row in score.bins[:1])
    again = soft_outcome_blocks(
        gated(
            make_results(1),
            scores=(score.model_copy(update={"bins": (*both, *score.bins[1:])}),),
        )
    )
    nobody = next(b for b in again if isinstance(b, Figure) and b.figure == "distribution")
    assert draw_figure(nobody, FR).png != draw_figure(figure, FR).png


# ------------------------------------------------------------------ people or territories


def test_each_record_says_what_it_counts(make_results: MakeResults) -> None:
    results = make_results(3)
    towns = results.estimates[0].model_copy(update={"counted": RowsAre.TERRITORIES})
    assert of_territories(result_of(towns))
    assert not of_territories(result_of(towns), result_of(results.estimates[1]))
    changed = results.model_copy(
        update={
            "estimates": (towns, *results.estimates[1:]),
            "data": results.data.model_copy(update={"counted": RowsAre.TERRITORIES}),
        }
    )
    said = text_of(summary_blocks(changed))
    assert "territoires observés" in said
    assert "personnes accompagnées" not in said
    # the questionnaire still counts people: the rule that protects them is told
    assert "moins de 11 personnes" in text_of(provenance_blocks(changed))


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("level", range(5))
def test_a_report_withheld_whole_still_reads(
    make_results: MakeResults, level: int, language: str
) -> None:
    results = all_hidden(make_results(level))
    said = text_of(report_blocks(results), language)
    assert not re.findall(r"\[[a-z_]+(?:\.[a-z_0-9]+)*\]", said)
    assert "None" not in said
