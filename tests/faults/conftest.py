"""One real computation, given back to each run that a test breaks: what is tried is the writing."""

from __future__ import annotations

import copy

import pytest
from small_study import write_study

from impact_eval.pipeline import runner
from impact_eval.pipeline.notebook import execute
from impact_eval.pipeline.templates import STUDY_REPORT, template_path


@pytest.fixture(scope="session")
def computation(tmp_path_factory):
    folder = write_study(tmp_path_factory.mktemp("computed"))
    parameters = {"study": "study.toml", "language": "fr"}
    return execute(template_path(STUDY_REPORT), parameters, folder=folder)


@pytest.fixture
def computed(monkeypatch, computation):
    """Runs of this test give the results of the one computation."""
    monkeypatch.setattr(runner, "execute", lambda *_, **__: copy.deepcopy(computation))


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path / "etude")
