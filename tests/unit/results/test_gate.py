"""What the gate keeps back, whatever the door it would leave by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from small_studies import SCALE, TWO_GROUPS, answers, study_in, two_groups

from impact_eval.pipeline.evaluate import evaluate
from impact_eval.results.account_records import AccountSection, ValueRefused
from impact_eval.results.gate import Edition, release, released_counts
from impact_eval.results.record_base import Record, Rule
from impact_eval.results.records import StudyResults
from impact_eval.results.score_change import ChangeReading
from impact_eval.results.study_records import ReleasedCount

MAP = """schema = "impact-eval/value-map/1"
[map]
title = "Accompagnement"
currency = "EUR"
price_year = 2024
discount_rate = "3.2 %"
people = 480
follow_up = 1
[[inputs]]
id = "departement"
stakeholder = "Département"
payer = "departement"
amount = 92000
currency = "EUR"
price_year = 2024
[[lines]]
id = "emploi"
stakeholder = "Personnes"
outcome = "Emploi"
estimate = "emploi"
unit = "share"
people = 480
kind = "resource_gain"
receiver = "participants"
proxy = 8000
currency = "EUR"
price_year = 2024
proxy_source = "invention"
duration = 1
"""


def numbers(data: object, place: str = "") -> Iterator[tuple[str, float]]:
    """Yield every number of a tree with its place."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from numbers(value, f"{place}.{key}")
    elif isinstance(data, (list, tuple)):
        for i, value in enumerate(data):
            yield from numbers(value, f"{place}[{i}]")
    elif isinstance(data, (int, float)) and not isinstance(data, bool):
        yield place, data


def people(record: Record, place: str = "") -> Iterator[tuple[str, int]]:
    """Yield every count of people of a record."""
    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, Record):
            yield from people(value, f"{place}.{name}")
        elif isinstance(value, dict):
            for key, part in value.items():
                if isinstance(part, Record):
                    yield from people(part, f"{place}.{name}.{key}")
        elif isinstance(value, tuple):
            for i, part in enumerate(value):
                if isinstance(part, Record):
                    yield from people(part, f"{place}.{name}[{i}]")
                elif record.rules.get(name) is Rule.PEOPLE:
                    yield f"{place}.{name}[{i}]", part
        elif isinstance(value, int) and record.rules.get(name) is Rule.PEOPLE:
            yield f"{place}.{name}", value


def test_what_rests_on_six_people_is_kept_back_everywhere(tmp_path: Path) -> None:
    results = evaluate(study_in(tmp_path, TWO_GROUPS, two_groups(120, treated=6)))
    true = results.primary.headline
    told = release(results).results
    secret = [true.estimate, true.std_error, true.conf_low, true.conf_high]
    assert all(value is not None for value in secret)
    found = [
        place
        for place, number in numbers(told.to_dict())
        for value in secret
        if value is not None and abs(number - value) < 1e-9
    ]
    assert not found
    assert not [p for p, n in numbers(told.to_dict()) if n == 6 and ("n" in p.split(".")[-1])]
    assert told.primary.withheld
    assert told.primary.smallest_detectable is None
    assert told.primary.mean_comparison is None
    assert told.covariance.matrix == ((None, None), (None, None))
    assert {line.rule for line in told.disclosure.log} >= {"threshold"}


def test_no_count_of_few_people_lost(tmp_path: Path) -> None:
    rows = two_groups()
    for i in (6, 41, 78):
        rows[i] = ",".join([*rows[i].split(",")[:3], "", rows[i].split(",")[4]])
    told = release(evaluate(study_in(tmp_path, TWO_GROUPS, rows))).results
    small = [(place, n) for place, n in people(told) if 0 < n < 11]
    assert not small
    assert 3 not in [n for p, n in numbers(told.to_dict()) if p.endswith((".n", ".dropped"))]
    kept = {n for _, n in people(told) if n > 100}
    assert len(kept) == 1, "120 read and 117 kept: their difference counts three people"


def test_two_outcomes_do_not_give_one_income_by_subtraction(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    incomes = [round(float(rng.gamma(4, 300)), 2) for _ in range(60)]
    body = TWO_GROUPS.replace('covariates = ["age"]\n', "").replace("share", "eur")
    rows = ["id,aide,emploi,revenu"]
    rows += [f"P{i},{i % 2},{x},{'' if i == 31 else x}" for i, x in enumerate(incomes)]
    told = release(evaluate(study_in(tmp_path, body, rows))).results
    first, second = (record.headline for record in told.headlines)
    assert (first.n_treated, second.n_treated) == (30, None)
    assert first.estimate is not None
    assert first.std_error is not None
    exact = evaluate(study_in(tmp_path, body, rows)).headlines[0].headline
    assert exact.estimate is not None
    # told to two digits of its error: 155.3 euros is told to ten
    assert first.estimate == round(exact.estimate, -1)
    assert first.std_error == float(f"{exact.std_error:.1e}")


def test_a_group_of_one_answer_tells_no_level(tmp_path: Path) -> None:
    rows = ["id,aide,age,emploi,revenu"]
    rng = np.random.default_rng(7)
    for i in range(80):
        work = 1 if i % 2 else int(rng.random() < 0.5)
        rows.append(f"P{i},{i % 2},{20 + i % 40},{work},{rng.gamma(9, 120):.2f}")
    told = release(evaluate(study_in(tmp_path, TWO_GROUPS, rows))).results
    main = told.primary
    assert main.estimate.details is not None
    assert main.estimate.details.mean_treated is None
    assert main.mean_comparison is None
    assert [f.code for f in told.findings if f.outcomes == ("emploi",)] == ["homogeneous_group"]
    other = told.headlines[1]
    assert other.mean_comparison is not None


def test_a_share_that_counts_few_is_kept_back(tmp_path: Path) -> None:
    rows = ["id,aide,age,emploi,revenu"]
    for i in range(80):
        work = int(i % 2 == 0 and i < 10) if i % 2 == 0 else int(i < 41)
        rows.append(f"P{i},{i % 2},{20 + i % 40},{work},{900 + 7 * (i % 31)}")
    main = release(evaluate(study_in(tmp_path, TWO_GROUPS, rows))).results.primary
    assert main.headline.estimate is not None  # the effect is told
    assert main.mean_comparison is None  # five people of forty are not


def test_one_person_who_makes_the_total_is_not_told(tmp_path: Path) -> None:
    rows = two_groups()
    cells = rows[7].split(",")
    rows[7] = ",".join([*cells[:4], "9876543.21"])
    told = release(evaluate(study_in(tmp_path, TWO_GROUPS, rows))).results
    income = told.headlines[1]
    assert income.outcome == "revenu"
    assert income.withheld
    assert income.headline.estimate is None
    assert ("estimates.revenu.main", "dominance") in {
        (k.place, k.rule) for k in told.disclosure.log
    }
    assert not told.primary.withheld


def test_a_questionnaire_of_seven_people_tells_no_count(tmp_path: Path) -> None:
    told = release(evaluate(study_in(tmp_path, SCALE, answers(7)))).results
    score = told.scores[0]
    assert score.withheld
    assert (score.people, score.items, score.bins) == (None, (), ())
    assert isinstance(score.reading, ChangeReading)
    assert not [n for _, n in people(told) if 0 < n < 11]
    assert score.before is not None
    assert score.before.mean is None


def test_questions_of_a_scale_are_all_shown_or_none(scored: StudyResults) -> None:
    items = release(scored).results.scores[0].items
    assert len(items) in (0, 10)
    assert not [
        n for item in items for n in (*(item.before or ()), *(item.after or ())) if 0 < n < 11
    ]


def test_two_editions_are_not_subtracted(tmp_path: Path) -> None:
    first = evaluate(study_in(tmp_path, TWO_GROUPS, two_groups(120)))
    told = released_counts(release(first).results)
    assert told["estimates.emploi.main.treated"] == 60
    earlier = tuple(ReleasedCount(key=key, count=n, same_source=False) for key, n in told.items())
    fewer = evaluate(study_in(tmp_path, TWO_GROUPS, two_groups(118, treated=58)))
    second = release(fewer.model_copy(update={"earlier": earlier})).results
    assert (second.primary.headline.n_treated, second.primary.headline.n_comparison) == (None, None)
    assert second.data.n_rows is None
    assert second.earlier == ()
    again = release(
        first.model_copy(
            update={"earlier": tuple(e.model_copy(update={"same_source": True}) for e in earlier)}
        )
    ).results
    assert again == release(first).results


def test_an_operators_edition_keeps_its_small_numbers_and_no_name(tmp_path: Path) -> None:
    results = evaluate(study_in(tmp_path, TWO_GROUPS, two_groups(40, treated=6)))
    own = release(results, Edition.INTERNAL).results
    assert own.disclosure.edition == "internal"
    assert own.primary.headline == results.primary.headline
    assert own.primary.headline.n_treated == 6
    assert "P3" not in own.to_json()


def test_what_the_study_does_not_use_is_not_named(tmp_path: Path) -> None:
    rows = [f"{row};{extra}" for row, extra in zip(
        [r.replace(",", ";") for r in two_groups()],
        ["contact urgence;remarques", *(f"07{12345678 + i};3 dont ZZINVENTE" for i in range(120))],
        strict=True,
    )]  # fmt: skip
    text = release(evaluate(study_in(tmp_path, TWO_GROUPS, rows))).results.to_json()
    for token in ("contact urgence", "urgence", "remarques", "12345678", "ZZINVENTE"):
        assert token not in text


def test_passing_twice_changes_nothing(compared: StudyResults, scored: StudyResults) -> None:
    for results in (compared, scored):
        once = release(results).results
        assert release(once).results == once
        assert released_counts(once) == release(results).counts


def test_territories_leave_as_they_are(tmp_path: Path) -> None:
    body = TWO_GROUPS + '[privacy]\nrows_are = "territories"\n'
    results = evaluate(study_in(tmp_path, body, two_groups(24, treated=4)))
    told = release(results).results
    assert told.estimates == results.estimates
    assert told.primary.headline.n_treated == 4


def test_an_account_falls_with_the_effect_it_stands_on(tmp_path: Path) -> None:
    body = TWO_GROUPS + '[value]\nmap = "carte.toml"\n'
    (tmp_path / "carte.toml").write_text(MAP, encoding="utf-8")
    few = release(evaluate(study_in(tmp_path, body, two_groups(120, treated=6)))).results
    assert few.value == ValueRefused(not_applicable="value_withheld")
    many = release(evaluate(study_in(tmp_path, body, two_groups()))).results
    assert isinstance(many.value, AccountSection)
    # what is told of the value is a function of what is printed of the effect
    assert many.value.quantities.values == (many.primary.headline.estimate,)
