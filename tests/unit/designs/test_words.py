"""Every finding these designs emit can be said, whole, in both languages."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from impact_eval.report.texts import Texts

OWN = [
    "designs/callaway_santanna.py",
    "designs/group_time_data.py",
    "designs/group_time_estimate.py",
    "designs/cell_aggregation.py",
    "designs/did.py",
    "designs/difference_in_means.py",
    "designs/before_after.py",
    "designs/row_regression.py",
    "stats/surveys/propensity.py",
    "stats/panels/group_time_fit.py",
]


def emitted(root: Path) -> dict[str, set[str]]:
    """Codes written in the sources, with the names of the values given beside them."""
    found: dict[str, set[str]] = {}
    for name in OWN:
        tree = ast.parse((root / "impact_eval" / name).read_text(encoding="utf-8"))
        for call in ast.walk(tree):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            of_finding = getattr(call.func.value, "id", "") == "Finding"
            first = call.args[0] if call.args else None
            if of_finding and isinstance(first, ast.Constant) and isinstance(first.value, str):
                values = {keyword.arg for keyword in call.keywords if keyword.arg}
                found[first.value] = found.get(first.value, values) & values
    return found


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_code_has_a_text_whose_blanks_are_filled(language: str, root: Path) -> None:
    texts = Texts(language)
    missing = [code for code in emitted(root) if f"finding.{code}.text" not in texts]
    assert not missing


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    "code",
    ["cell_no_comparison", "cell_no_treated", "cell_too_few_comparison", "cell_no_overlap",
     "one_unit_cohort", "one_cluster_cohort", "row_of_one_unit", "row_of_one_cluster",
     "always_treated_dropped", "missing_pairs", "unit_incomplete", "unit_never_observed",
     "unit_weight_zero"],
)  # fmt: skip
def test_codes_chosen_at_run_time_have_words(language: str, code: str) -> None:
    assert f"finding.{code}.text" in Texts(language)
