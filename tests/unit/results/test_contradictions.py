"""A results file that contradicts itself, or that two readers read differently, is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.pipeline.schema import results_schema
from impact_eval.report.texts import Texts, render_error
from impact_eval.results.gate import release
from impact_eval.results.records import StudyResults, untimed

Tree = dict[str, Any]
Change = Callable[[Tree], object]


def row(data: Tree) -> Tree:
    found: Tree = data["estimates"][0]["estimate"]["effects"][0]
    return found


def evidence(data: Tree) -> Tree:
    found: Tree = data["estimates"][0]["evidence"]
    return found


def fault_of(data: object) -> str:
    """Return the first fault told; its words are in both languages."""
    with pytest.raises(ImpactEvalError) as caught:
        StudyResults.from_dict(data)
    (finding,) = caught.value.findings
    assert finding.code == "results_invalid"
    faults = finding.values["faults"]
    assert isinstance(faults, tuple)
    assert finding.values["keys"]
    for language in ("fr", "en"):
        texts, words = Texts(language), render_error(caught.value, language)
        assert all(f"label.{fault}" in texts for fault in faults)
        assert "results_fault" not in words
        assert "wanted." not in words
    return str(faults[0]).partition(".")[2]


CONTRADICTIONS: dict[str, tuple[str, Change]] = {
    "an estimate outside its interval": (
        "outside_its_interval",
        lambda d: row(d).update(estimate=row(d)["conf_high"] + 1),
    ),
    "an interval upside down": (
        "interval_crossed",
        lambda d: row(d).update(conf_low=row(d)["conf_high"], conf_high=row(d)["conf_low"]),
    ),
    "a level over what its reasons leave": (
        "level_over_ceiling",
        lambda d: evidence(d).update(level=3, ceiling=4, caps={"attrition_failed": 2}),
    ),
    "a cause without a comparison": (
        "level_over_ceiling",
        lambda d: d["estimates"][0]["estimate"].update(counterfactual=False),
    ),
    "withheld and there": (
        "withheld_and_there",
        lambda d: d["estimates"][0].update(withheld=True),
    ),
    "the same result twice": (
        "stands_twice",
        lambda d: d["estimates"].append(copy.deepcopy(d["estimates"][0])),
    ),
    "the same check twice": (
        "stands_twice",
        lambda d: d["checks"].append(copy.deepcopy(d["checks"][0])),
    ),
    "a scale that is not there": (
        "unknown_scale",
        lambda d: d["estimates"][0]["question"].update(instrument="nowhere"),
    ),
    "more people than rows": ("part_over_whole", lambda d: d["data"].update(n_rows=1, n_units=2)),
    "a flow that grows": (
        "part_over_whole",
        lambda d: d["data"].update(
            flow=[
                {"step": "read", "units": None, "units_dropped": None, "n": 10, "dropped": 0,
                 "reason": None},
                {"step": "kept", "units": None, "units_dropped": None, "n": 12, "dropped": 0,
                 "reason": None},
            ]
        ),
    ),
    "a flow of more people than rows": (
        "part_over_whole",
        lambda d: d["data"].update(
            flow=[
                {"step": "read", "units": 12, "units_dropped": 0, "n": 10, "dropped": 0,
                 "reason": None},
            ]
        ),
    ),
    "a period that ends before it starts": (
        "period_reversed",
        lambda d: d["study"].update(period=["2024-06", "2024-01"]),
    ),
    "a month that does not exist": (
        "not_a_date",
        lambda d: d["study"].update(period=["2024-13", "2024-13"]),
    ),
    "a moment without its zone": (
        "not_a_moment",
        lambda d: d["provenance"].update(run_at="2024-01-01T00:00:00"),
    ),
    "a protocol changed that was not frozen": (
        "not_frozen",
        lambda d: d["study"]["protocol"].update(changed=["study.title"]),
    ),
    "a log that does not add up": (
        "log_does_not_add_up",
        lambda d: d["disclosure"].update(
            released=True, withheld=5, log=[{"place": "data", "rule": "threshold", "withheld": 3}]
        ),
    ),
    "two rules of secrecy": ("two_rules", lambda d: d["disclosure"].update(threshold=1)),
    "a blank title": ("form", lambda d: d["study"]["title"].update(fr=" ")),
    "a reason of what applies": (
        "refused_and_there",
        lambda d: d["checks"][0]["check"].update(
            refusal={"not_applicable": "no_covariates", "values": {}}
        ),
    ),
    "a matrix that is not symmetric": (
        "not_symmetric",
        lambda d: d["covariance"].update(
            keys=["a/b", "c/d"], matrix=[[1.0, 0.5], [0.4, 1.0]]
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_is_refused_in_words(compared: StudyResults, name: str) -> None:
    expected, change = CONTRADICTIONS[name]
    data = copy.deepcopy(compared.to_dict())
    change(data)
    assert fault_of(data) == expected


def test_a_notebook_holds_results_without_their_moment(compared: StudyResults) -> None:
    data: Tree = untimed(compared).to_dict()
    assert StudyResults.from_dict(data).provenance.run_at == ""


def test_what_never_leaves_is_refused_in_a_published_file(compared: StudyResults) -> None:
    data: Tree = release(compared).results.to_dict()
    data["estimates"][0]["groups"] = [
        {
            "name": "all",
            "n": 9,
            "dominated": False,
            "homogeneous": False,
            "rarest": None,
            "changed": None,
        }
    ]
    assert fault_of(data) == "inside_published"


def test_the_mean_of_a_scale_is_on_the_scale(scored: StudyResults) -> None:
    data: Tree = scored.to_dict()
    score = next(s for s in data["scores"] if s["before"] is not None)
    score["before"]["mean"] = score["high"] + 10
    assert fault_of(data) == "outside_its_interval"


def test_an_account_adds_up(valued: StudyResults) -> None:
    data: Tree = valued.to_dict()
    assert StudyResults.from_dict(data)
    data["value"]["sroi"]["net"] = "12"
    assert fault_of(data) == "does_not_add_up"


def test_those_who_changed_are_among_those_seen(scored: StudyResults) -> None:
    data: Tree = scored.to_dict()
    score = next(s for s in data["scores"] if s["change"] is not None)
    score["change"]["n"] = score["before"]["n"] + 1
    assert fault_of(data) == "part_over_whole"


def test_a_quantity_is_of_an_effect_that_is_there(valued: StudyResults) -> None:
    data: Tree = valued.to_dict()
    data["value"]["quantities"]["lines"][0]["divisor"] = 99
    assert fault_of(data) == "part_over_whole"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "results_not_json"),
        ("\ufeff", "results_not_json"),
        ("[1e400]", "results_not_json"),
        ("NaN", "results_not_json"),
        ("[" * 100_000, "results_not_json"),
        ("[]", "results_schema"),
        ("12", "results_schema"),
        ('{"schema": "impact-eval/results/3"}', "results_schema"),
        ('{"schema": "impact-eval/results/2", "schema": "x"}', "results_key_twice"),
        ('{"schema": "impact-eval/results/1"}', "results_invalid"),
    ],
)
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "results.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ImpactEvalError) as caught:
        StudyResults.read(file)
    assert caught.value.codes == (code,)
    assert all(len(render_error(caught.value, language)) > 60 for language in ("fr", "en"))


def test_a_key_twice_at_the_bottom_of_a_file_is_refused(
    compared: StudyResults, tmp_path: Path
) -> None:
    text = compared.to_json().replace('"std_error": ', '"std_error": 0.001, "std_error": ', 1)
    (tmp_path / "results.json").write_text(text, encoding="utf-8")
    with pytest.raises(ImpactEvalError) as caught:
        StudyResults.read(tmp_path)
    assert caught.value.codes == ("results_key_twice",)
    assert caught.value.findings[0].values["name"] == "std_error"


def test_a_place_is_told_without_the_names_of_our_types(compared: StudyResults) -> None:
    data: Tree = compared.to_dict()
    at = next(i for i, c in enumerate(data["checks"]) if c["check"]["code"] == "balance")
    data["checks"][at]["check"]["values"]["n_variables"] = "many"
    with pytest.raises(ImpactEvalError) as caught:
        StudyResults.from_dict(data)
    place = f"checks[{at}].check.values.n_variables"
    assert caught.value.findings[0].values["keys"] == (place,)
    words = render_error(caught.value, "fr")
    assert place in words
    assert "un nombre entier" in words


def test_what_the_library_writes_fits_its_schema(
    compared: StudyResults, scored: StudyResults, valued: StudyResults
) -> None:
    fits = jsonschema.Draft202012Validator(results_schema())  # itself held in test_schemas
    for results in (compared, scored, valued):
        for edition in (results, release(results).results):
            fits.validate(edition.to_dict())
