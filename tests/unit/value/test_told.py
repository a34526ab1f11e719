"""What is told of an account, against hand numbers and the draws made again one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from impact_eval.core.estimate import Draws, Estimate
from impact_eval.core.findings import NotApplicable
from impact_eval.value import Account, ValueMap, tell
from impact_eval.value.map.choices import Agent
from impact_eval.value.readouts.published_value import NumberName, Range, number_namer
from impact_eval.value.readouts.ratio_sentence import Headline
from impact_eval.value.uncertainty.block_draws import stream

Make = Callable[..., Any]
SEED = 20240101
Z95, Z90 = 1.959963984540054, 1.6448536269514722


@pytest.fixture
def job(make_tables: Make, employment: Estimate) -> Account:
    """200 people x 0.08 = 16 units of 100 € for a year, a grant of 1,000 €, 3.2 % a year."""
    raw = make_tables(
        quantity=None, estimate="employment", unit="share", deadweight=None, people=200,
        map__people=250, proxy_source="Insee", dropped=[{"outcome": "santé", "reason": "prix"}],
    )  # fmt: skip
    return ValueMap.from_dict(raw).account({"employment": employment})


def test_the_interval_is_that_of_the_draws_made_again(job: Account) -> None:
    told = tell(job, seed=SEED)
    scores = stream(SEED, "employment/att", 0).standard_normal(10_000)
    gained = 200 * (0.08 + 0.03 * scores) * 100 / 1.032
    low, high = np.quantile(gained - 1000, [0.025, 0.975])
    assert told.net.estimate == pytest.approx(1600 / 1.032 - 1000)
    assert (told.net.low, told.net.high) == pytest.approx((low, high))
    assert told.probability == np.mean(gained > 1000)
    assert isinstance(told.ratio, Range)
    assert told.ratio.estimate == pytest.approx(1.6 / 1.032)
    bounds = np.quantile(gained / 1000, [0.025, 0.975])
    assert (told.ratio.low, told.ratio.high) == pytest.approx(tuple(bounds))
    assert isinstance(told.headline, Headline)
    assert told.headline.code == "value.headline.unsure"
    assert told.headline.ratio == told.ratio.estimate
    assert (told.headline.horizon, told.headline.projected) == (1, 0)
    assert (told.draws, told.seed, told.findings) == (10_000, SEED, ())


def test_costs_of_a_person_and_of_a_result(job: Account) -> None:
    told = tell(job, seed=SEED, draws=50)
    assert (told.people, told.per_person) == (250, 4)
    assert told.per_outcome is not None
    error = 200 * 0.03
    assert told.per_outcome.estimate == 1000 / 16
    assert told.per_outcome.low == pytest.approx(1000 / (16 + Z95 * error))
    assert told.per_outcome.high == pytest.approx(1000 / (16 - Z95 * error))
    assert len(told.acceptability) == 12
    assert told.acceptability[3].value == pytest.approx(1000 / 16)
    assert told.acceptability[3].chance == pytest.approx(0.5)


def test_what_weighs_and_what_undoes_it(job: Account) -> None:
    told = tell(job, seed=SEED, draws=50)
    (bar,) = told.tornado
    assert bar.number == NumberName(what="effect", outcome="employment")
    ends = [200 * (0.08 + 0.03 * z) * 100 / 1.032 - 1000 for z in (-Z90, Z90)]
    assert (bar.low, bar.high) == pytest.approx(tuple(ends))
    (switch,) = told.switching
    assert switch.number == NumberName(what="quantity", line="a")
    assert switch.per_100 == pytest.approx(100 * 10.32 / 200)  # 1,032 € of 100 € each
    assert switch.times is None


def test_the_account_by_party_line_and_year(job: Account) -> None:
    told = tell(job, seed=SEED, draws=50)
    gain = 1600 / 1.032
    payer, winner = told.parties
    assert (payer.agent, payer.pays, payer.gains) == (Agent.DEPARTEMENT, 1000, 0)
    assert (winner.agent, winner.pays) == (Agent.BENEFICIARY, 0)
    assert winner.gains == pytest.approx(gain)
    (line,) = told.lines
    assert (line.line, line.quantity, line.unit_value, line.source) == ("a", 16, 100, "Insee")
    assert line.amount == pytest.approx(gain)
    assert told.matrix.years == (0, 1)
    rows = {row.name: row.amounts for row in told.matrix.rows}
    assert list(rows) == ["beneficiary", "departement", "social"]
    assert rows["departement"] == (-1000, 0, -1000)
    assert rows["social"] == pytest.approx((-1000, gain, gain - 1000))
    assert [(y.year, y.balance) for y in told.cumulative] == [
        (0, -1000), (1, pytest.approx(gain - 1000)),
    ]  # fmt: skip
    assert [(d.outcome, d.reason) for d in told.dropped] == [("santé", "prix")]


def test_other_choices_are_told(job: Account) -> None:
    told = tell(job, seed=SEED, draws=50)
    found = {(v.what, v.share): v.net for v in told.variants}
    for rate in (0, 0.012, 0.032, 0.045):
        assert found["discount_rate", rate] == pytest.approx(1600 / (1 + rate) - 1000)
    for share in (0, 0.1, 0.25, 0.5):
        expected = 1600 * (1 - share) / 1.032 - 1000
        assert found["displacement", share] == pytest.approx(expected)
    assert len(found) == 8
    assert all(v.line is None for v in told.variants)  # one line: nothing to leave out


def test_the_line_that_counts_most_is_left_out(insertion: Account) -> None:
    told = tell(insertion, seed=SEED, draws=50)
    last = told.variants[-1]
    largest = max(told.lines, key=lambda line: abs(line.amount))
    assert (last.what, last.line, last.share) == ("without_line", largest.line, None)
    assert last.net == pytest.approx(told.net.estimate - largest.amount)


def test_a_ratio_refused_is_told_with_its_reason(make_tables: Make) -> None:
    told = tell(ValueMap.from_dict(make_tables(deadweight=None)).account(), seed=SEED, draws=50)
    assert isinstance(told.ratio, NotApplicable)
    assert isinstance(told.headline, NotApplicable)
    assert told.ratio.reason == told.headline.reason == "ratio_refused"
    assert told.ratio.values["guards"] == ("guard_gross_without_deadweight",)
    assert (told.per_person, told.per_outcome, told.acceptability) == (None, None, ())


def test_the_ratio_and_its_interval_are_of_one_perspective(
    make_tables: Make, employment: Estimate
) -> None:
    raw = make_tables(
        quantity=None, estimate="employment", unit="share", deadweight=None, people=200,
        receiver="departement", map__perspective="departement",
    )  # fmt: skip
    raw["inputs"].append({**raw["inputs"][0], "id": "state", "payer": "state", "amount": 500})
    told = tell(ValueMap.from_dict(raw).account({"employment": employment}), seed=SEED)
    scores = stream(SEED, "employment/att", 0).standard_normal(10_000)
    gained = 200 * (0.08 + 0.03 * scores) * 100 / 1.032
    assert isinstance(told.ratio, Range)
    assert told.ratio.estimate == pytest.approx(1.6 / 1.032)  # of the 1,000 € it pays itself
    bounds = np.quantile(gained / 1000, [0.025, 0.975])
    assert (told.ratio.low, told.ratio.high) == pytest.approx(tuple(bounds))
    assert isinstance(told.headline, Headline)
    assert told.perspective == told.headline.perspective == "departement"
    assert told.net.estimate == pytest.approx(1600 / 1.032 - 1500)  # of society
    assert told.probability == np.mean(gained > 1500)


def test_draws_that_do_not_travel_change_nothing_that_is_told(
    make_tables: Make, employment: Estimate
) -> None:
    raw = make_tables(quantity=None, estimate="employment", unit="share", deadweight=None, people=9)
    drawn = replace(employment, draws=Draws("bootstrap", np.full((500, 1), 0.5)))
    value_map = ValueMap.from_dict(raw)
    accounts = [value_map.account({"employment": e}) for e in (employment, drawn)]
    assert accounts[1].quantities.draws is not None
    one, two = (tell(account, seed=SEED) for account in accounts)
    assert one == two == tell(Account.from_dict(accounts[1].to_dict()), seed=SEED)


def test_too_few_draws_say_so(job: Account) -> None:
    (finding,) = tell(job, seed=SEED, draws=20).findings
    assert finding.code == "monte_carlo_error_large"
    assert finding.values["draws"] == 20


def test_numbers_are_named_by_what_they_are_of(insertion: Account) -> None:
    read = number_namer(insertion)
    effect = insertion.quantities.effects[0]
    assert read(effect) == NumberName(what="effect", outcome=effect.split("/", maxsplit=1)[0])
    line = insertion.value_map.lines[0].id
    assert read(f"{line}.proxy") == NumberName(what="proxy", line=line)
    assert read("grant.hours") == NumberName(what="hours", input="grant")
    assert read("rate") == NumberName(what="rate")
