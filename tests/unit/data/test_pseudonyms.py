"""People have no name in what is computed, and no number moves for it."""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from impact_eval import ImpactEvalError, Sample
from impact_eval.data.pseudonyms import (
    KEY_VARIABLE,
    is_pseudonym,
    keyed_hash,
    pseudonymise,
    session_key,
)
from impact_eval.data.spellings import as_seen, read_alike

KEY = b"a key of thirty-two bytes, or so."
LABELS = st.one_of(
    st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=30),
    st.lists(st.integers(-50, 5000), min_size=1, max_size=30),
    st.lists(st.integers(-50, 5000).map(lambda n: n / 2), min_size=1, max_size=30),
)


def hide(labels: object, key: bytes = KEY) -> pd.Series:
    return pseudonymise(pd.DataFrame({"id": labels}), ["id"], key)["id"]


@given(LABELS)
def test_order_and_equality_are_kept(labels: list[object]) -> None:
    """The codes a sample gives its units are the same before and after, one by one.

    Labels are those that an eye tells apart: the spelling is settled before anything is hidden.
    """
    seen = as_seen(pd.Series(labels)).column
    assume(bool(seen.notna().all()) and not read_alike(seen.unique().tolist()))
    labels = seen.tolist()
    before = Sample(pd.DataFrame({"id": labels, "t": range(len(labels))}), unit="id", time="t")
    hidden = hide(labels)
    after = Sample(pd.DataFrame({"id": hidden, "t": range(len(labels))}), unit="id", time="t")
    assert before.unit_codes is not None
    np.testing.assert_array_equal(before.unit_codes, after.unit_codes)
    assert all(is_pseudonym(label) for label in hidden)


def test_numbers_keep_their_order_beyond_nine() -> None:
    """As texts 10 comes before 9; the rank in front is padded."""
    assert [int(label.split("-")[0]) for label in hide([9, 10, 100, 2])] == [2, 3, 4, 1]


def test_the_hash_is_hmac_sha256_of_the_label() -> None:
    expected = hmac.new(KEY, "Zoé".encode(), hashlib.sha256).hexdigest()[:16]
    assert hide(["Zoé", "Ana"])[0] == f"2-{expected}"
    assert keyed_hash("Zoé", KEY) == expected


def test_another_key_gives_other_labels() -> None:
    assert set(hide(["a", "b"])).isdisjoint(hide(["a", "b"], b"x" * 32))


def test_missing_stays_missing_and_no_label_is_left() -> None:
    frame = pd.DataFrame(
        {"nom": ["DURAND Zoé", None, "MARTIN Léo", "DURAND Zoé"], "y": [1, 2, 3, 4]}
    )
    hidden = pseudonymise(frame, ["nom"], KEY)
    assert hidden["nom"].isna().tolist() == [False, True, False, False]
    assert hidden["nom"][0] == hidden["nom"][3] != hidden["nom"][2]
    assert not any(name in hidden.to_csv() for name in ("DURAND", "Zoé", "MARTIN", "Léo"))
    assert frame["nom"][0] == "DURAND Zoé"  # the table given is not changed
    assert hide([None, None]).isna().all()


def test_one_person_has_one_label_in_two_tables() -> None:
    one, two = pd.DataFrame({"id": [3, 11]}), pd.DataFrame({"id": [11.0, np.nan, 7.0]})
    everyone = {"id": pd.concat([one["id"], two["id"]])}
    first = pseudonymise(one, ["id"], KEY, among=everyone)["id"]
    second = pseudonymise(two, ["id"], KEY, among=everyone)["id"]
    assert first[1] == second[0]
    assert [label[:2] for label in (first[0], second[2], first[1])] == ["1-", "2-", "3-"]


def test_numbers_here_and_texts_there_keep_each_its_own_order() -> None:
    """Together they sort as texts, 10 before 9: the ranks are then the table's own."""
    one, two = pd.DataFrame({"id": [9, 10]}), pd.DataFrame({"id": ["10", "P9"]})
    everyone = {"id": pd.concat([one["id"], two["id"]])}
    first = pseudonymise(one, ["id"], KEY, among=everyone)["id"]
    assert first.is_monotonic_increasing
    second = pseudonymise(two, ["id"], KEY, among=everyone)["id"]
    assert first[1].split("-")[1] == second[0].split("-")[1]  # the same person, the same hash


def test_a_short_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImpactEvalError) as refused:
        hide(["a"], b"short")
    assert refused.value.codes == ("weak_key",)
    monkeypatch.setenv(KEY_VARIABLE, "too short")
    with pytest.raises(ImpactEvalError):
        session_key()


def test_the_key_is_the_variable_or_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "k" * 40)
    assert session_key() == b"k" * 40
    monkeypatch.delenv(KEY_VARIABLE)
    assert session_key() == session_key()
    assert len(session_key()) == 32
