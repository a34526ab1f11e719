"""Results of small invented studies, computed once."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_studies import SCALE, TWO_GROUPS, answers, study_in, two_groups

from impact_eval.pipeline.evaluate import evaluate
from impact_eval.results.account_records import record_of_account
from impact_eval.results.records import StudyResults
from impact_eval.value import ValueMap, tell


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    """Two outcomes of two groups of sixty people."""
    folder = tmp_path_factory.mktemp("compared")
    return evaluate(study_in(folder, TWO_GROUPS, two_groups()))


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    """A scale answered twice by sixty people."""
    return evaluate(study_in(tmp_path_factory.mktemp("scored"), SCALE, answers()))


@pytest.fixture(scope="session")
def valued(compared: StudyResults) -> StudyResults:
    """Two groups, and an account of value beside them."""
    map_file = Path(__file__).parents[1] / "value" / "wheels_to_meals.toml"
    account = ValueMap.read(map_file).account()
    section = record_of_account(account, tell(account, seed=1))
    return compared.model_copy(update={"value": section})
