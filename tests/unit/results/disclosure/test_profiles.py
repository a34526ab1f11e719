"""Profiles: what each asks, and how sure that is."""

from __future__ import annotations

import pytest

from impact_eval.core import ImpactEvalError
from impact_eval.results.disclosure.profiles import PROFILES, ProfileMark, profile


def test_what_each_asks() -> None:
    told = {p.name: (p.threshold, p.count_base, p.zeros_small, p.mark) for p in PROFILES}
    assert told == {
        "menages": (11, 1, False, ProfileMark.VERIFIED),
        "caf": (11, 5, False, ProfileMark.UNCONFIRMED),
        "sante": (11, 1, True, ProfileMark.UNCONFIRMED),
        "entreprises": (3, 1, False, ProfileMark.VERIFIED),
        "interne": (11, 1, False, ProfileMark.VERIFIED),
    }
    assert all((p.nk_k, p.nk_share) == (2, 0.9) for p in PROFILES if p.name != "entreprises")
    assert (profile("entreprises").nk_k, profile("entreprises").nk_share) == (1, 0.85)
    assert {p.least_df for p in PROFILES} == {10}


def test_only_one_makes_an_edition_for_the_operator() -> None:
    assert [p.name for p in PROFILES if p.own_edition] == ["interne"]
    own = profile("interne").for_own_edition()
    assert (own.threshold, own.count_base, own.least_df) == (1, 1, 0)
    assert not any(own.small(n) for n in range(20))


def test_small() -> None:
    assert [n for n in range(15) if profile().small(n)] == list(range(1, 11))
    assert [n for n in range(15) if profile("sante").small(n)] == list(range(11))


def test_another_threshold_keeps_the_other_rules() -> None:
    found = profile("caf").with_threshold(20)
    assert (found.threshold, found.count_base, found.name) == (20, 5, "caf")
    with pytest.raises(ImpactEvalError) as refused:
        profile().with_threshold(0)
    assert refused.value.codes == ("privacy_threshold_below_one",)


def test_an_unknown_profile_is_refused_with_the_nearest() -> None:
    with pytest.raises(ImpactEvalError) as refused:
        profile("menage")
    (finding,) = refused.value.findings
    assert finding.code == "unknown_privacy_profile"
    assert finding.values["nearest"] == "menages"
