"""What public money brings is told as far as its interval goes, and no further."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from impact_eval.report.blocks import Messages, Number, Table, say
from impact_eval.report.narrative_public import certain_table, public_blocks
from impact_eval.report.texts import Texts
from impact_eval.report.value_words import Names
from impact_eval.results.finding_records import RefusalRecord
from impact_eval.results.value import CertainRecord, PublicRecord
from impact_eval.value.readouts.standing import ValueStanding

INF = "infinity"
REFUSED = {"not_applicable": "public_outlay_unsure", "values": {}}


def ranged(estimate: float, low: float | None = None, high: float | None = None) -> Any:
    return {"estimate": estimate, "low": low, "high": high, "level": 0.95}


def told(
    case: str, ratio: Any, low: Any, high: Any, *, share: float = 0.6, per_euro: Any = REFUSED
) -> PublicRecord:
    mvpf = {
        "willingness_to_pay": 1.0, "programme_cost": 1.0, "fiscal_externality": 0.0,
        "net_cost": 1.0, "ratio": ratio, "case": case, "conf_low": low, "conf_high": high,
    }  # fmt: skip
    plain = {"shadow_price": 1.0, "cost_of_funds": ranged(0.0), "net": ranged(500, 100, 900),
             "net_per_public_euro": per_euro}  # fmt: skip
    priced = {"shadow_price": 1.2, "cost_of_funds": ranged(200.0), "net": ranged(300, -100, 700),
              "net_per_public_euro": per_euro}  # fmt: skip
    content = {
        "mvpf": mvpf, "quadrants": [{"case": case, "share": share}], "outlay": ranged(1000.0),
        "net_value": ranged(500, 100, 900), "funds": [plain, priced],
    }  # fmt: skip
    return PublicRecord.model_validate_json(json.dumps(content))


READINGS = [  # quadrant, ratio, ends, share of it, what French says, what it may not say
    ("ordinary", 0.54, 0.2, 0.9, 0.6, "entre 0,20 € et 0,90 €", "limite"),
    ("ordinary", 0.54, 0.2, INF, 0.6, "au moins 0,20 €", "entre"),
    ("ordinary", -0.5, f"-{INF}", 0.4, 0.6, "au plus 0,40 €", "entre"),
    ("ordinary", 0.54, f"-{INF}", INF, 0.6, "n’excluent aucune valeur", "entre"),
    ("pays_for_itself", INF, INF, INF, 1.0, "y gagn", "il se peut"),
    ("pays_for_itself", INF, 2.5, INF, 0.6, "ne vaille que 2,50 €", "y gagn"),
    ("pays_for_itself", INF, f"-{INF}", INF, 0.6, "n’excluent pas l’inverse", "y gagn"),
    ("harmful", -0.5, -0.9, -0.1, 0.99, "y perd", "n’excluent"),
    ("harmful", -0.5, -0.9, 0.3, 0.6, "n’excluent pas l’inverse", "entre"),
    ("repeal", 0.5, 0.1, 0.9, 0.99, "y perd", "n’excluent"),
    ("repeal", 0.5, 0.1, 0.9, 0.5, "n’excluent pas l’inverse", "entre"),
]


@pytest.mark.parametrize("standing", ValueStanding)
@pytest.mark.parametrize(("case", "ratio", "low", "high", "share", "says", "never"), READINGS)
def test_a_sentence_says_no_more_than_its_interval(
    case: str, ratio: Any, low: Any, high: Any, share: float, says: str, never: str,
    standing: ValueStanding,
) -> None:  # fmt: skip
    found = public_blocks(told(case, ratio, low, high, share=share), standing)[0]
    assert isinstance(found, Messages)
    french, english = (Texts(language).words(found.items[0]) for language in ("fr", "en"))
    french = french.replace("\u00a0", " ").replace("\u202f", " ")
    assert says in french
    assert never not in french
    own = standing is ValueStanding.ATTRIBUTED
    assert ("ce que cette étude n’établit pas" in french) is not own
    assert ("which this study does not establish" in english) is not own
    if not own:  # in the conditional
        assert not re.search(
            r"\b(vaut|rapporte|coûte|perdent|gagnent)\b", french.split(";")[0][:90]
        )
    for text in (french, english):
        assert not re.search(r"[{}—]|inf|None", text)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_net_value_by_public_euro_is_told_with_its_margin_or_not(language: str) -> None:
    told_, texts = told("ordinary", 0.5, 0.1, 0.9, per_euro=ranged(0.5, 0.1, 0.9)), Texts(language)
    found = [b for b in public_blocks(told_, ValueStanding.HYPOTHESIS) if isinstance(b, Number)]
    assert [(b.value, b.low, b.high) for b in found] == [(0.5, 0.1, 0.9)] * 2
    assert all("hypoth" in texts.words(b.label) for b in found)
    alone = told("ordinary", 0.5, 0.1, 0.9, per_euro=ranged(0.5))
    for record in (alone, told("ordinary", 0.5, 0.1, 0.9)):
        blocks = public_blocks(record, ValueStanding.ATTRIBUTED)
        assert [b for b in blocks if isinstance(b, Number)] == []


def test_the_cost_of_public_funds_is_a_line_of_its_own() -> None:
    table = public_blocks(told("ordinary", 0.5, 0.1, 0.9), ValueStanding.ATTRIBUTED)[1]
    assert isinstance(table, Table)
    assert [row[1] for row in table.rows] == [500.0, 1000.0, 200.0, 300.0]
    texts = Texts("fr")
    assert "1,2 €" in texts.words(table.rows[2][0]).replace("\u202f", " ").replace("\u00a0", " ")
    assert any("à vérifier" in texts.words(note) for note in table.notes)


def test_nothing_is_told_where_there_is_nothing_to_tell() -> None:
    refused = RefusalRecord(not_applicable="ratio_refused", values={})
    assert public_blocks(None, ValueStanding.ATTRIBUTED) == []
    assert public_blocks(refused, ValueStanding.ATTRIBUTED) == []
    private = told("ordinary", 0.5, 0.1, 0.9).model_copy(
        update={
            "mvpf": RefusalRecord(not_applicable="no_public_outlay", values={}),
            "outlay": told("ordinary", 0.5, 0.1, 0.9).funds[0].cost_of_funds,
        }
    )
    assert public_blocks(private, ValueStanding.ATTRIBUTED) == []


@pytest.mark.parametrize(
    ("what", "x", "french"),
    [
        ("duration", 1.0, "1 an"), ("duration", 2.5, "2,5 ans"), ("deadweight", 0.2, "20 %"),
        ("discount_rate", 0.032, "3,2 %"), ("proxy", 1200.0, "1 200 €"), ("people", 40.0, "40"),
        ("quantity", 2.5, "2,5"), ("quantity", 1200.0, "1 200"), ("hours", 35.0, "35 h"),
        ("salaires", 300.0, "300 €"),
    ],
)  # fmt: skip
def test_each_certain_number_is_told_in_its_own_unit(what: str, x: float, french: str) -> None:
    row = CertainRecord.model_validate(
        {
            "number": {"what": what, "line": "l", "input": None, "outcome": None},
            "value": x, "low": x, "high": x, "net_low": 1.0, "net_high": 2.0,
        }
    )  # fmt: skip
    (table,) = certain_table([row], Names({"l": say("value.net_value")}, {}))
    assert isinstance(table, Table)
    told_ = Texts("fr").words(table.rows[0][1])
    assert told_.replace("\u202f", " ").replace("\u00a0", " ") == french
    assert certain_table([], Names({}, {})) == []


@pytest.mark.parametrize(("n", "left"), [(20, None), (21, "Un autre"), (31, "Les 11 autres")])
def test_a_long_list_says_what_it_leaves_out(n: int, left: str | None) -> None:
    rows = [
        CertainRecord.model_validate(
            {
                "number": {"what": "proxy", "line": f"l{i}", "input": None, "outcome": None},
                "value": 1.0, "low": 1.0, "high": 1.0, "net_low": 1.0, "net_high": 2.0,
            }
        )
        for i in range(n)
    ]  # fmt: skip
    (table,) = certain_table(rows, Names({}, {}))
    assert isinstance(table, Table)
    assert len(table.rows) == 20
    assert len(table.notes) == (1 if left is None else 2)
    if left is not None:
        assert Texts("fr").words(table.notes[1]).startswith(left)
