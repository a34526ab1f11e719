"""An answer proposed for another one mends a slip of the hand, never the meaning."""

from __future__ import annotations

import pandas as pd
import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.survey import instrument


@pytest.mark.parametrize(
    ("scale", "typed"),
    [("swls", "Peu d'accord"), ("k6", "Little of the time"), ("wemwbs", "Souvant pas")],
)
def test_an_answer_of_another_strength_is_not_proposed(scale: str, typed: str) -> None:
    """« Peu d'accord » denies what « Un peu d'accord » grants: neither stands for the other."""
    asked = instrument(scale)
    frame = pd.DataFrame([dict.fromkeys(asked.item_ids, typed)])
    with pytest.raises(ImpactEvalError) as refused:
        asked.score(frame, licence_declared=True)
    assert {f.values["nearest"] for f in refused.value.findings} == {None}


@pytest.mark.parametrize("typed", ["un peu d’accord", "UN PEU D'ACCORD", "un peu en accord"])
def test_the_same_strength_is_read_in_any_spelling(typed: str) -> None:
    asked = instrument("swls")
    frame = pd.DataFrame([dict.fromkeys(asked.item_ids, typed)])
    assert asked.score(frame).values[0] == 25  # five answers of 5: slightly agree


def test_a_slip_of_the_same_strength_is_proposed() -> None:
    asked = instrument("swls")
    frame = pd.DataFrame([dict.fromkeys(asked.item_ids, "Un peu d'acord")])
    with pytest.raises(ImpactEvalError) as refused:
        asked.score(frame)
    assert {f.values["nearest"] for f in refused.value.findings} == {"Un peu d'accord"}
