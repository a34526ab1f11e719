"""The phase-in lottery: redone by hand, verified, tampered with."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import numpy as np
import pytest

from impact_eval.core import ImpactEvalError
from impact_eval.stats.inference.randomisation import assignments, count_assignments
from impact_eval.stats.planning.lottery import (
    BalanceRule,
    Quota,
    declared_draw,
    draw_lottery,
    verify_lottery,
)

UNITS = [f"T{i:02d}" for i in range(12)]
QUOTAS = [Quota("2027", 3), Quota("2028", 4)]


def test_the_draw_is_the_order_of_public_hashes() -> None:
    record = draw_lottery(UNITS, QUOTAS, "tirage du 7 mars")
    by_hand = sorted(
        UNITS, key=lambda unit: hashlib.sha256(f"tirage du 7 mars|0|{unit}".encode()).hexdigest()
    )
    assert record["order"] == by_hand
    assert [record["waves"][unit] for unit in by_hand] == ["2027"] * 3 + ["2028"] * 4 + [""] * 5
    shuffled = draw_lottery(UNITS[::-1], QUOTAS, "tirage du 7 mars")
    assert shuffled == record


def test_a_record_survives_json_and_every_tampering_is_seen() -> None:
    key = b"secret of the bailiff"
    record = json.loads(json.dumps(draw_lottery(UNITS, QUOTAS, "seed", key=key)))
    assert verify_lottery(record) == ()
    assert verify_lottery(record, key=key) == ()
    assert [f.code for f in verify_lottery(record, key=b"other")] == ["lottery_signature_differs"]
    moved = {**record, "waves": {**record["waves"], "T00": "2027", "T01": "2027"}}
    assert {"lottery_digest_differs", "lottery_result_differs"} <= {
        f.code for f in verify_lottery(moved)
    }
    reseeded = {**record, "seed": "better seed"}
    assert "lottery_result_differs" in {f.code for f in verify_lottery(reseeded)}
    bare = {name: value for name, value in record.items() if name != "signature"}
    assert [f.code for f in verify_lottery(bare, key=key)] == ["lottery_unsigned"]
    odd = {**record, "attempt": float("nan")}
    assert [f.code for f in verify_lottery(odd)] == ["lottery_unreadable"]
    broken = {name: value for name, value in record.items() if name != "quotas"}
    assert "lottery_unreadable" in {f.code for f in verify_lottery(broken)}


def test_blocks_have_their_own_quotas() -> None:
    blocks = {unit: "urban" if int(unit[1:]) < 5 else "rural" for unit in UNITS}
    quotas = [Quota("a", 2, "urban"), Quota("a", 3, "rural"), Quota("b", 1, "urban")]
    record = draw_lottery(UNITS, quotas, "s", blocks=blocks)
    counts = Counter((blocks[unit], wave) for unit, wave in record["waves"].items())
    assert counts == {
        ("urban", "a"): 2, ("urban", "b"): 1, ("urban", ""): 2, ("rural", "a"): 3, ("rural", ""): 4,
    }  # fmt: skip
    assert count_assignments(declared_draw(record)) == 30 * 35


def test_balance_rule_is_kept_recorded_and_redrawn() -> None:
    income = {unit: float(i) for i, unit in enumerate(UNITS)}
    rule = BalanceRule({"income": income}, limit=0.15)
    record = draw_lottery(UNITS, [Quota("in", 6)], "s2", balance=rule)
    inside = np.array([income[unit] for unit in UNITS if record["waves"][unit] == "in"])
    outside = np.array([income[unit] for unit in UNITS if record["waves"][unit] == ""])
    spread = np.std(list(income.values()), ddof=1)
    assert abs(inside.mean() - outside.mean()) / spread <= 0.15
    assert record["attempt"] > 0
    assert verify_lottery(record) == ()
    found = assignments(declared_draw(record), rng=np.random.default_rng(1))
    values = np.arange(12.0)
    gaps = np.abs(found.labels @ values - (1 - found.labels) @ values) / 6 / spread
    assert found.exact
    assert 2 < len(found.labels) < 924
    assert gaps.max() <= 0.15 + 1e-9
    uneven = BalanceRule({"income": {"T00": 0.0, "T01": 1.0, "T02": 5.0}}, 1e-9)
    with pytest.raises(ImpactEvalError) as error:
        draw_lottery(UNITS[:3], [Quota("in", 1)], "s", balance=uneven)
    assert error.value.codes == ("balance_not_reached",)


def test_every_seed_is_as_good_as_another() -> None:
    """Each unit comes first equally often: 4 binomial errors over 2,400 seeds."""
    firsts = Counter(draw_lottery(UNITS, QUOTAS, f"{i}")["order"][0] for i in range(2400))
    assert len(firsts) == 12
    assert all(abs(count - 200) < 4 * np.sqrt(2400 / 12 * 11 / 12) for count in firsts.values())


def test_all_faults_at_once() -> None:
    with pytest.raises(ImpactEvalError) as error:
        draw_lottery(
            ["a", "a", "b", "c"],
            [Quota("w", 5, "x"), Quota("w", 0, "x")],
            "",
            blocks={"a": "x", "b": "x"},
            balance=BalanceRule({"z": {"a": 1.0, "b": float("nan")}}),
        )
    assert set(error.value.codes) == {
        "seed_empty",
        "units_duplicated",
        "block_missing",
        "quota_too_large",
        "quota_not_positive",
        "covariate_missing",
    }
