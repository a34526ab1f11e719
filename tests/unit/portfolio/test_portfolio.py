"""Many results read together: refused files are told, the same data count once, words are words."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.vocabulary import Direction, Unit
from impact_eval.portfolio.portfolio import Pooling, Portfolio
from impact_eval.portfolio.portfolio_record import PortfolioRecord
from impact_eval.report.html import render_html
from impact_eval.report.narrative_portfolio import portfolio_blocks
from impact_eval.report.texts import Texts, render_error
from impact_eval.results.faults import Json
from impact_eval.results.records import StudyResults
from impact_eval.stats.inference.pooling import TauEstimator, pool

MAKE: Callable[..., StudyResults] = runpy.run_path(
    str(Path(__file__).parents[1] / "report" / "conftest.py")
)["results"]
OUTCOME = "emploi_6m"
Put = Callable[..., Path]


def study(name: str, estimate: float, se: float, *, level: int = 3, data: str = "") -> StudyResults:
    results = MAKE(level, estimate, se)
    digest = (data or name).encode().hex().ljust(64, "0")[:64]
    return results.model_copy(
        update={
            "study": results.study.model_copy(update={"id": name}),
            "data": results.data.model_copy(update={"sha256": digest}),
            "estimates": results.estimates[:1],
            "checks": (),
            "scores": (),
        }
    )


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def write(results: StudyResults, folder: str | None = None, **changed: object) -> Path:
        record = results.estimates[0]
        question = record.question
        if "estimand" in changed:
            question = question.model_copy(update={"estimand": changed.pop("estimand")})
        record = record.model_copy(update={"question": question, **changed})
        place = tmp_path / (folder or results.study.id)
        place.mkdir()
        return results.model_copy(update={"estimates": (record,)}).write(place)

    return write


def read(folder: Path) -> Portfolio:
    return Portfolio.read(["*/results.json"], folder=folder, leave_refused=True)


def edited(path: Path, change: Callable[[dict[str, Json]], None]) -> None:
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def text_of(found: Pooling, language: str = "fr") -> str:
    page = render_html(portfolio_blocks(found), {}, language)
    page = re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", page)


# ------------------------------------------------------------------ reading


def test_pool_is_the_kernel_on_the_published_numbers(put: Put, tmp_path: Path) -> None:
    y, se = [0.05, 0.07, 0.02], [0.03, 0.02, 0.04]
    for name, estimate, error in zip("abc", y, se, strict=True):
        put(study(name, estimate, error))
    found = read(tmp_path).pool(OUTCOME)
    expected = pool(np.array(y), np.array(se) ** 2)
    assert found["pooled"].estimate == pytest.approx(expected.estimate, rel=1e-9)
    assert found["pooled"].std_error == pytest.approx(expected.std_error, rel=1e-9)
    assert found.details["studies"] == ["a", "b", "c"]
    assert found["pooled"].n_treated == 3 * 312
    assert found.findings == ()


def test_a_file_with_a_byte_order_mark_is_read(put: Put, tmp_path: Path) -> None:
    put(study("a", 0.05, 0.03))
    path = put(study("b", 0.07, 0.03))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [e.study for e in read(tmp_path).entries] == ["a", "b"]
    assert read(tmp_path).findings == ()


def _no_study(data: dict[str, Json]) -> None:
    data["study"] = {}


def _negative_error(data: dict[str, Json]) -> None:
    data["estimates"][0]["estimate"]["effects"][0]["std_error"] = -0.03


def _internal(data: dict[str, Json]) -> None:
    data["disclosure"]["edition"] = "internal"


def _other_schema(data: dict[str, Json]) -> None:
    data["schema"] = "other/1"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_no_study, "results_invalid"),
        (_negative_error, "results_invalid"),
        (_internal, "internal_edition_refused"),
        (_other_schema, "results_schema"),
    ],
)
def test_a_refused_file_is_told_and_the_others_are_read(
    put: Put, tmp_path: Path, change: Callable[[dict[str, Json]], None], code: str
) -> None:
    put(study("a", 0.05, 0.03))
    put(study("b", 0.07, 0.03))
    edited(put(study("c", 0.90, 0.03)), change)
    portfolio = read(tmp_path)
    (finding,) = portfolio.findings
    assert finding.code == "results_refused"
    assert dict(finding.values) == {"file": "c/results.json", "code": code}
    found = portfolio.pooling(OUTCOME)
    assert found.pooled.estimate == pytest.approx(0.06)
    assert finding in portfolio.pool(OUTCOME).findings
    said = text_of(found)
    assert "c/results.json" in said
    assert "laissé de côté" in said
    assert str(tmp_path) not in said
    assert code not in said


def test_faults_are_named_together_when_nothing_can_be_read(tmp_path: Path) -> None:
    for name, text in (("a", "{"), ("b", '{"schema": "other/1"}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(text, encoding="utf-8")
    with pytest.raises(ImpactEvalError) as refused:
        Portfolio.read(["a", "b", "c/results.json"], folder=tmp_path)
    assert sorted(refused.value.codes) == [
        "results_not_found",
        "results_not_json",
        "results_schema",
    ]


def test_an_internal_edition_alone_is_refused(put: Put, tmp_path: Path) -> None:
    edited(put(study("a", 0.05, 0.03)), _internal)
    with pytest.raises(ImpactEvalError) as refused:
        read(tmp_path)
    assert refused.value.codes == ("internal_edition_refused",)


def test_a_study_that_is_there_twice_is_refused(put: Put, tmp_path: Path) -> None:
    put(study("a", 0.05, 0.03))
    put(study("a", 0.05, 0.03), "copie")
    with pytest.raises(ImpactEvalError) as refused:
        read(tmp_path)
    assert refused.value.codes == ("study_twice",)


def test_the_same_data_count_once_whatever_the_name(put: Put, tmp_path: Path) -> None:
    put(study("nord", 0.10, 0.05, data="x"))
    put(study("nord-copie", 0.10, 0.05, data="x"))
    put(study("sud", 0.02, 0.05))
    portfolio = read(tmp_path)
    assert [e.study for e in portfolio.entries] == ["nord", "sud"]
    (finding,) = portfolio.findings
    assert finding.code == "same_data"
    assert dict(finding.values) == {"study": "nord-copie", "other": "nord"}
    assert "« nord-copie » porte sur les mêmes données que « nord »" in text_of(
        portfolio.pooling(OUTCOME)
    )


def test_two_outcomes_of_the_same_data_are_both_read(put: Put, tmp_path: Path) -> None:
    put(study("a", 0.10, 0.05, data="x"))
    put(study("b", 0.10, 0.05, data="x"), outcome="permis")
    assert [(e.study, e.outcome) for e in read(tmp_path).entries] == [
        ("a", OUTCOME), ("b", "permis")
    ]  # fmt: skip
    assert read(tmp_path).findings == ()


def test_the_same_result_to_the_last_digit_is_told(put: Put, tmp_path: Path) -> None:
    """A copy with one column more has another fingerprint, and the same numbers."""
    put(study("nord", 0.10, 0.05))
    put(study("nord-copie", 0.10, 0.05))
    put(study("sud", 0.02, 0.05))
    portfolio = read(tmp_path)
    (finding,) = portfolio.findings
    assert (finding.code, finding.values["names"]) == ("same_numbers", ("nord", "nord-copie"))
    assert len(portfolio.entries) == 3
    assert "deux fois la même étude" in text_of(portfolio.pooling(OUTCOME))


# ------------------------------------------------------------------ the words


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("level", range(5))
def test_nothing_is_promised_to_a_territory_below_level_three(
    put: Put, tmp_path: Path, level: int, language: str
) -> None:
    for name, estimate in (("a", 0.02), ("b", 0.10), ("c", 0.20)):
        put(study(name, estimate, 0.02, level=level))
    said = text_of(read(tmp_path).pooling(OUTCOME), language)
    promises = re.findall(
        r"s’attendre à|pour un nouveau territoire|can expect|for a new territory", said
    )
    assert bool(promises) == (level >= 3)
    assert not re.findall(r"\[[a-z_]+(?:\.[a-z_0-9]+)*\]", said)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    ("change", "codes", "french"),
    [
        ({"estimand": "itt"}, ("itt", "att"), "effet sur les personnes accompagnées"),
        ({"unit": Unit.EUR}, ("share",), "euros au lieu de personnes sur 100"),
        (
            {"direction": Direction.LOWER},
            ("lower_is_better", "higher_is_better"),
            "moins, c’est mieux au lieu de plus, c’est mieux",
        ),
    ],
)
def test_the_reasons_are_words(
    put: Put,
    tmp_path: Path,
    change: dict[str, object],
    codes: tuple[str, ...],
    french: str,
    language: str,
) -> None:
    put(study("a", 0.05, 0.03))
    put(study("b", 0.07, 0.03))
    put(study("c", 0.06, 0.03), **change)
    found = read(tmp_path).pooling(OUTCOME)
    assert [e.entry.study for e in found.excluded] == ["c"]
    said = text_of(found, language)
    for code in codes:
        assert not re.search(rf"\b{code}\b", said), code
    if language == "fr":
        assert french in said


@pytest.mark.parametrize("language", ["fr", "en"])
def test_too_few_is_told_without_a_code(put: Put, tmp_path: Path, language: str) -> None:
    put(study("a", 0.05, 0.03))
    put(study("b", 0.07, 0.03), unit=Unit.EUR)
    with pytest.raises(ImpactEvalError) as refused:
        read(tmp_path).pool(OUTCOME)
    assert refused.value.codes == ("too_few_compatible",)
    said = render_error(refused.value, language)
    assert "other_unit" not in said
    assert ("autre unité" if language == "fr" else "another unit") in said


def test_one_study_alone_is_too_few(put: Put, tmp_path: Path) -> None:
    put(study("a", 0.05, 0.03))
    with pytest.raises(ImpactEvalError) as refused:
        read(tmp_path).pool(OUTCOME)
    assert refused.value.codes == ("too_few_to_pool",)


def test_studies_that_disagree_strongly_are_said_to(put: Put, tmp_path: Path) -> None:
    for name, estimate in (("a", 0.02), ("b", 0.10), ("c", 0.20)):
        put(study(name, estimate, 0.02))
    found = read(tmp_path).pooling(OUTCOME)
    (finding,) = found.findings
    assert finding.code == "heterogeneity_strong"
    assert finding.values["n"] == 3
    assert finding.values["p_value"] == found.pooled.q_p_value < 0.01
    assert "ne disent pas la même chose" in text_of(found)


def test_a_withheld_result_is_left_apart(put: Put, tmp_path: Path) -> None:
    put(study("a", 0.05, 0.03))
    put(study("b", 0.07, 0.03))
    results = study("c", 0.06, 0.03)
    record = results.estimates[0]
    row = record.headline.model_copy(
        update=dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"))
    )
    fit = record.estimate.model_copy(update={"effects": (row,)})
    put(results, estimate=fit, withheld=True)
    found = read(tmp_path).pooling(OUTCOME)
    assert [(e.entry.study, e.reason.reason) for e in found.excluded] == [("c", "no_interval")]


# ------------------------------------------------------------------ portfolio.json


def test_the_record_is_typed_and_keeps_its_keys(put: Put, tmp_path: Path) -> None:
    put(study("a", 0.05, 0.03))
    put(study("b", 0.07, 0.03))
    put(study("c", 0.06, 0.03), unit=Unit.EUR)
    found = read(tmp_path).pooling(OUTCOME)
    data = PortfolioRecord.of(found).to_dict()
    assert list(data) == [
        "schema", "outcome", "unit", "pooled", "studies", "left_apart", "without_each", "findings",
    ]  # fmt: skip
    assert data["schema"] == "impact-eval/portfolio/1"
    assert list(data["pooled"]) == [
        "estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "conf_level",
        "prediction_low", "prediction_high", "tau2", "i2", "q", "q_p_value", "k",
    ]  # fmt: skip
    assert data["pooled"]["estimate"] == pytest.approx(0.06)
    assert [list(s) for s in data["studies"]] == [
        ["study", "territory", "evidence", "estimate", "std_error", "conf_low", "conf_high",
         "n_treated", "method", "weight"]
    ] * 2  # fmt: skip
    assert data["left_apart"] == [
        {
            "study": "c",
            "not_applicable": "other_unit",
            "values": {"found": "eur", "needed": "share"},
        }
    ]
    again = PortfolioRecord.model_validate_json(json.dumps(data))
    assert again.to_dict() == data
    with pytest.raises(ValueError, match="std_error"):
        PortfolioRecord.model_validate_json(
            json.dumps(data).replace('"std_error": ', '"std_error": -')
        )


def test_every_reason_and_refusal_has_a_label() -> None:
    for language in ("fr", "en"):
        texts = Texts(language)
        for code in (
            "results_not_found", "results_not_json", "results_schema", "results_invalid",
            "internal_edition_refused", "other_unit", "other_scale", "no_interval",
        ):  # fmt: skip
            assert texts.label(code) != code


def test_a_variance_of_zero_that_the_test_contradicts_is_told(put: Put, tmp_path: Path) -> None:
    """Many studies that agree and are precise hide one that is far off and hardly precise."""
    for number in range(8):
        put(study(f"s{number}", 0.05 + number * 1e-5, 0.02))
    put(study("loin", 0.38, 0.08))
    found = read(tmp_path).pooling(OUTCOME, method=TauEstimator.ML)
    assert found.pooled.tau2 == 0
    assert found.pooled.q_p_value < 0.05
    assert [f.code for f in found.findings] == ["heterogeneity_unseen"]
    for language, words in (("fr", "sans doute trop étroite"), ("en", "probably too narrow")):
        said = text_of(found, language)
        assert words in said
        assert "0 %" not in said


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("levels", [(4, 2), (3, 2), (1, 1)])
@pytest.mark.parametrize("sign", [1, -1])
def test_mixed_levels_promise_what_the_lowest_does(
    put: Put, tmp_path: Path, levels: tuple[int, int], sign: int, language: str
) -> None:
    for name, level in zip("ab", levels, strict=True):
        put(study(name, sign * 0.10, 0.02, level=level))
    said = text_of(read(tmp_path).pooling(OUTCOME), language)
    assert not re.findall(
        r"s’attendre à|nouveau territoire|attribuable|can expect|new territory|attributable", said
    )


def test_two_studies_of_one_title_are_told_apart(put: Put, tmp_path: Path) -> None:
    for name, estimate in (("nord", 0.05), ("sud", 0.07), ("est", 0.06)):
        put(study(name, estimate, 0.03, level=4))
    said = text_of(read(tmp_path).pooling(OUTCOME))
    for name in ("nord", "sud", "est"):
        assert f"mobilité vers l’emploi ({name})" in said
    assert "Chaque étude a tiré au sort" in said
