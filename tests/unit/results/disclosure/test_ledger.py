"""The ledger of releases: what was let out is remembered, a changed line is seen."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from impact_eval.core import ImpactEvalError
from impact_eval.results.disclosure.releases import (
    FILE,
    Ledger,
    ReleasedEdition,
    conflicts,
    read_ledger,
    write_ledger,
)

DAY = date(2025, 3, 1)
K = 11
keys = st.sampled_from(["flow/kept", "effects/treated/emploi", "effects/comparison/emploi"])
editions = st.builds(
    ReleasedEdition,
    data=st.sampled_from(["a" * 64, "b" * 64]),
    study=st.sampled_from(["c" * 64, "d" * 64]),
    counts=st.dictionaries(keys, st.integers(0, 200)),
)


def edition(kept: int, *, data: str = "a") -> ReleasedEdition:
    return ReleasedEdition(data=data * 64, study="b" * 64, counts={"flow/kept": kept})


def filled() -> Ledger:
    first = Ledger().with_entry(edition(120), day=DAY)
    return first.with_entry(edition(140, data="c"), day=date(2026, 3, 1))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(editions, max_size=5))
def test_what_is_written_is_read_back(tmp_path: Path, drawn: list[ReleasedEdition]) -> None:
    folder = tmp_path / "study"
    folder.mkdir(exist_ok=True)
    (folder / FILE).unlink(missing_ok=True)
    ledger = Ledger()
    for one in drawn:
        ledger = ledger.with_entry(one, day=DAY)
    file = write_ledger(ledger, folder)
    assert read_ledger(folder) == ledger
    if ledger.entries:
        before = file.read_bytes()
        for one in drawn:  # the same editions again
            ledger = ledger.with_entry(one, day=date(2030, 1, 1))
        write_ledger(ledger, folder)
        assert file.read_bytes() == before
    assert [p.name for p in folder.iterdir()] in ([], [FILE])


def test_no_file_is_an_empty_ledger(tmp_path: Path) -> None:
    assert read_ledger(tmp_path) == Ledger()
    assert not write_ledger(Ledger(), tmp_path).exists()


def test_numbers_follow_and_hashes_chain() -> None:
    one, two = filled().entries
    assert (one.edition, two.edition) == (1, 2)
    assert one.previous == "0" * 64
    assert two.previous == one.hash
    assert filled().first_altered() is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"flow/kept": 120', '"flow/kept": 118'),
        ('"flow/kept": 140', '"flow/kept": 141'),
        ("2025-03-01", "2025-03-02"),
        ('"edition": 1', '"edition": 3'),
        ("a" * 64, "f" * 64),
    ],
)
def test_a_line_changed_by_hand_is_refused(tmp_path: Path, old: str, new: str) -> None:
    file = write_ledger(filled(), tmp_path)
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ImpactEvalError) as refused:
        read_ledger(tmp_path)
    assert refused.value.codes == ("releases_altered",)


def test_an_entry_taken_out_or_moved_is_refused(tmp_path: Path) -> None:
    file = write_ledger(filled(), tmp_path)
    whole = json.loads(file.read_text("utf-8"))
    one, two = whole["entries"]
    for entries in ([two], [two, one], [one, one]):
        file.write_text(json.dumps(whole | {"entries": entries}), encoding="utf-8")
        with pytest.raises(ImpactEvalError) as refused:
            read_ledger(tmp_path)
        assert refused.value.codes == ("releases_altered",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "{",
        '{"schema": "impact-eval/releases/1"}',
        '{"schema": "impact-eval/releases/2", "entries": []}',
        '{"schema": "impact-eval/releases/1", "entries": [], "more": 1}',
        '{"schema": "impact-eval/releases/1", "entries": [{"edition": 1}]}',
        "\udce9",
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ImpactEvalError) as refused:
        read_ledger(tmp_path)
    assert refused.value.codes == ("releases_damaged",)
    assert FILE in str(refused.value)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(ImpactEvalError) as refused:
        read_ledger(tmp_path)
    assert refused.value.codes == ("releases_damaged",)


def test_a_run_that_does_not_know_the_last_edition_cannot_write_over_it(tmp_path: Path) -> None:
    file = write_ledger(filled(), tmp_path)
    before = file.read_bytes()
    other = Ledger().with_entry(edition(300, data="e"), day=DAY)
    with pytest.raises(ImpactEvalError) as refused:
        write_ledger(other, tmp_path)
    assert refused.value.codes == ("releases_behind",)
    assert file.read_bytes() == before


def test_a_writing_that_fails_leaves_the_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_ledger(filled(), tmp_path)
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"^$"):
        write_ledger(filled().with_entry(edition(300), day=DAY), tmp_path)
    assert file.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [FILE]


# ------------------------------------------------------------------ conflicts


@pytest.mark.parametrize("kept", range(100, 165))
def test_conflicts_by_hand(kept: int) -> None:
    found = conflicts(filled(), edition(kept, data="e"), K)
    near = any(0 < abs(kept - out) < K for out in (120, 140))
    assert found == (("flow/kept",) if near else ())


def test_an_edition_has_no_conflict_with_itself() -> None:
    # 120 then 135: the second is refused nothing; the first again, though 135 is out, is the same
    ledger = Ledger().with_entry(edition(120), day=DAY)
    later = edition(131, data="c")
    assert conflicts(ledger, later, K) == ()
    both = ledger.with_entry(later, day=DAY)
    assert conflicts(both, edition(120), K) == ()
    assert both.with_entry(edition(120), day=date(2030, 1, 1)) is both


def test_another_count_from_the_same_source_is_judged() -> None:
    """A newer version of the library may count otherwise: the old count is out."""
    ledger = Ledger().with_entry(edition(120), day=DAY)
    assert conflicts(ledger, edition(118), K) == ("flow/kept",)
    assert len(ledger.with_entry(edition(150), day=DAY).entries) == 2


@given(st.lists(editions, max_size=6), st.integers(1, 15))
def test_no_two_editions_can_be_subtracted(drawn: list[ReleasedEdition], threshold: int) -> None:
    """Let out edition after edition what has no conflict: no pair is within a few people."""
    ledger = Ledger()
    for one in drawn:
        near = set(conflicts(ledger, one, threshold))
        counts = {key: n for key, n in one.counts.items() if key not in near}
        left = one.model_copy(update={"counts": counts})
        ledger = ledger.with_entry(left, day=DAY)
        again = set(conflicts(ledger, one, threshold))
        assert again == near  # the same run again: the same decision
    for key in {key for e in ledger.entries for key in e.counts}:
        told = {e.counts[key] for e in ledger.entries if key in e.counts}
        assert all(a == b or abs(a - b) >= threshold for a in told for b in told)


@pytest.mark.parametrize("key", ["Marie Dupont", "échelle", "", "x" * 201])
def test_a_key_is_a_place_and_never_a_name(key: str) -> None:
    with pytest.raises(ValidationError):
        ReleasedEdition(data="a" * 64, study="b" * 64, counts={key: 12})
    with pytest.raises(ValidationError):
        ReleasedEdition(data="a" * 64, study="b" * 64, counts={"flow/kept": -1})
