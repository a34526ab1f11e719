"""What a file or a run may cost is stated once and adjustable by the user alone."""

import pytest

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.limits import LIMITS, MEMORY_MB
from impact_eval.report.texts import Texts


def test_a_limit_is_what_the_environment_says(monkeypatch):
    assert MEMORY_MB.value == 8_000
    monkeypatch.setenv("IMPACT_EVAL_MOST_MEMORY_MB", "500")
    assert MEMORY_MB.value == 500


@pytest.mark.parametrize("written", ["0", "-3", "beaucoup", "1e3", "8 Go"])
def test_nonsense_is_refused_in_words(monkeypatch, written):
    monkeypatch.setenv(MEMORY_MB.variable, written)
    with pytest.raises(ImpactEvalError) as refused:
        _ = MEMORY_MB.value
    assert refused.value.codes == ("wrong_limit",)
    assert written in str(refused.value)
    assert "IMPACT_EVAL_MOST_MEMORY_MB" in str(refused.value)


def test_no_two_limits_share_a_name():
    assert len({limit.name for limit in LIMITS}) == len(LIMITS)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_limit_has_its_words(language):
    texts = Texts(language)
    told = [texts.say(f"label.limit.{limit.name}") for limit in LIMITS]
    assert all(told)
