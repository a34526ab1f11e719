"""What a design noticed reaches Python's warnings: once, and only whoever fitted it."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import impact_eval as ie
from impact_eval.core import noticed
from impact_eval.core.estimate import Estimate, MethodRecord, wald_effect
from impact_eval.core.findings import Finding
from impact_eval.core.registry import Registry
from impact_eval.designs import CallawaySantAnna, base
from impact_eval.diagnostics.refit import headline_effect

ROLES: dict[str, Any] = {"unit": "town", "time": "year", "cohort": "entry"}


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is a process of its own: nothing was told before."""
    monkeypatch.setattr(noticed, "_TOLD", set())


def towns() -> ie.Sample:
    """Twelve towns, four of them treated: too few for the usual errors."""
    rng = np.random.default_rng(0)
    rows = [(u, t, 3 if u < 4 else 0, rng.normal()) for u in range(12) for t in range(1, 6)]
    frame = pd.DataFrame(rows, columns=["town", "year", "entry", "y"])
    return ie.Sample(frame.assign(z=frame["y"]), **ROLES)


def told(*outcomes: str) -> list[ie.FindingWarning]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for outcome in outcomes:
            CallawaySantAnna().fit(towns(), outcome)
    return [w.message for w in caught if isinstance(w.message, ie.FindingWarning)]


def test_a_finding_of_weight_is_told_once_by_outcome() -> None:
    first = told("y", "y", "z", "y")
    weighty = {
        f.code for f in CallawaySantAnna().fit(towns(), "y").findings if f.severity != "info"
    }
    assert "few_treated_units" in weighty
    expected = sorted((code, outcome) for code in weighty for outcome in ("y", "z"))
    assert sorted((w.finding.code, w.outcome) for w in first) == expected
    assert told("y", "z") == []


def test_it_points_at_the_line_that_fitted() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CallawaySantAnna().fit(towns(), "y")
    assert {Path(w.filename).name for w in caught} == {Path(__file__).name}


def test_it_speaks_the_user_s_language(monkeypatch: pytest.MonkeyPatch) -> None:
    found = told("y")
    for language, words in (("fr", "il en faut au moins"), ("en", "at least")):
        monkeypatch.setenv("IMPACT_EVAL_LANGUAGE", language)
        assert any(words in str(warning) for warning in found)


def test_it_can_be_silenced_or_made_an_error() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ie.FindingWarning)
        CallawaySantAnna().fit(towns(), "y")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ie.FindingWarning)
        with pytest.raises(ie.FindingWarning):
            CallawaySantAnna().fit(towns(), "z")


def test_another_package_s_design_tells_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_add", Registry("design").decorator(lambda design: design.info.name))

    class Theirs:
        info = CallawaySantAnna.info

        def fit(self, sample: ie.Sample, outcome: str) -> Estimate:
            """Fit."""
            row = wald_effect(
                outcome=outcome, estimand="att", term="att", estimate=1.0, std_error=1.0
            )
            return Estimate(
                outcome=outcome, estimand="att", method=MethodRecord("theirs"), effects=(row,),
                covariance=np.eye(1), counterfactual=True,
                findings=(Finding.warning("few_clusters", n=3, advised=40), Finding.info("x")),
            )  # fmt: skip

    made = base.register(base.register(Theirs))  # a module loaded twice in a notebook
    with pytest.warns(ie.FindingWarning) as caught:
        assert headline_effect(made().fit(towns(), "y")).estimate == 1.0
    assert [w.message.finding.code for w in caught] == ["few_clusters"]
    assert made.fit.__doc__ == "Fit."


def test_the_pipeline_and_its_checks_are_quiet(root: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ie.FindingWarning)
        results = ie.evaluate(ie.Study.read(root / "datasets/association_avant_apres"))
        assert any(f.severity == "warning" for r in results.estimates for f in r.estimate.findings)


def test_the_first_fit_of_a_session_is_told_on_its_console(root: Path) -> None:
    program = (
        "import pandas as pd, impact_eval as ie\n"
        "rows = [(u, t, 3 if u < 4 else 0, u + t) for u in range(12) for t in range(1, 6)]\n"
        "frame = pd.DataFrame(rows, columns=['u', 't', 'g', 'y'])\n"
        "frame['y'] += frame.t % 2 * frame.u\n"
        "sample = ie.Sample(frame, unit='u', time='t', cohort='g')\n"
        "for _ in range(3): ie.designs.CallawaySantAnna().fit(sample, 'y')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stderr.count("[few_treated_units]") == 1
