"""No amount without its proof: studies whose map may give none, read whole, in both languages.

What each study may say follows from how its table was drawn (no effect, a trend of its own, too few
territories…), not from what the code computes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from study_texts import map_text, study_text
from verdicts_on_money import EURO, RATIO, VERDICTS, amounts_shown, money, said

import impact_eval as ie
from impact_eval.report import narrative
from impact_eval.report.blocks import Figure, Number, Table
from impact_eval.report.texts import Texts
from impact_eval.results.account_records import AccountSection, account_from_record
from impact_eval.results.finding_records import RefusalRecord
from impact_eval.results.records import StudyResults

PRICED = 'proxy_source = "Insee, 2023, p. 4"\nduration = 2\ndrop_off = "20 %"\n'
LINKED = 'unit = "share"\nestimate = "emploi"\npeople = 120'
PARTY = """
[[lines]]
id = "fetes"
stakeholder = "Voisins"
outcome = "Fêtes de quartier"
kind = "non_market"
receiver = "neighbours"
currency = "EUR"
price_year = 2025
proxy = 100
duration = 1
unit = "count"
quantity = 30
"""


def compared(effect: float, base: float = 0.35) -> list[str]:
    """Four hundred people, half of them accompanied, drawn at random."""
    rng = np.random.default_rng(8)
    helped = [int(i % 2 == 0) for i in range(400)]
    rows = [f"P{i:03d},{h},{int(rng.random() < base + effect * h)}" for i, h in enumerate(helped)]
    return ["id,aide,emploi", *rows]


def places(n: int, treated: int, people: int = 25) -> list[str]:
    """People of a few places, the first ones offered the action; compared once."""
    rng = np.random.default_rng(1)
    rows = ["id,aide,bassin,emploi"]
    for c in range(n):
        level = 0.35 + rng.normal(0, 0.02) + 0.4 * (c < treated)
        rows += [
            f"P{c:02d}{k:02d},{int(c < treated)},B{c:02d},{int(rng.random() < level)}"
            for k in range(people)
        ]
    return rows


def twice() -> list[str]:
    """Two hundred people before and after, with nobody to compare to."""
    rng = np.random.default_rng(3)
    waves = (("T0", 0.2), ("T1", 0.5))
    rows = [f"P{i:03d},{w},{int(rng.random() < p)}" for i in range(200) for w, p in waves]
    return ["id,vague,emploi", *rows]


def territories(
    effect: float, *, n: int, treated: int, people: int = 12, last: int = 6, drift: float = 0.0
) -> list[str]:
    """Territories followed by quarter; the action comes at the fifth in the first ones."""
    rng = np.random.default_rng(5)
    rows = ["id,trimestre,arrivee,bassin,emploi"]
    for c in range(n):
        own, level = c < treated, 0.3 + rng.normal(0, 0.02)
        for k in range(people):
            for t in range(1, last + 1):
                p = level + own * (effect * (t >= 5) + drift * (t - 5))
                rows.append(
                    f"P{c:02d}{k:02d},{t},{5 if own else ''},B{c:02d},{int(rng.random() < p)}"
                )
    return rows


@dataclass(frozen=True)
class Case:
    """A study: its table, its method, its map, and what is told of its amounts."""

    rows: Callable[[], list[str]]
    told: str  # the standing of its amounts, or why none is told
    method: str = "difference_in_means"
    roles: Mapping[str, str] = field(default_factory=lambda: {"unit": "id", "treatment": "aide"})
    covariance: str = ""
    line: str = LINKED
    outcome: str = "Emploi"
    words: tuple[str, str] = ("", "")  # what it says, in French and in English

    def results(self, folder: Path) -> StudyResults:
        """Evaluate the study from its folder, as its report tells it."""
        roles = "\n".join(f'{role} = "{column}"' for role, column in self.roles.items())
        study = study_text(
            randomised=self.method == "difference_in_means",
            roles=roles,
            method=self.method,
            covariance=self.covariance,
        )
        line = f"{PRICED}{self.line}\n"
        files = {
            "study.toml": study,
            "carte.toml": map_text(line, outcome=self.outcome, proxy=9000),
            "donnees.csv": "\n".join(self.rows()) + "\n",
        }
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return ie.Report(ie.evaluate(ie.Study.read(folder)))._results


PANEL: dict[str, Any] = {
    "method": "callaway_santanna",
    "roles": {"unit": "id", "time": "trimestre", "cohort": "arrivee", "cluster": "bassin"},
}
PLACES: dict[str, Any] = {"roles": {"unit": "id", "treatment": "aide", "cluster": "bassin"}}
WAVES: dict[str, Any] = {"method": "before_after", "roles": {"unit": "id", "time": "vague"}}
REFUSED = {
    "few_territories": Case(
        lambda: territories(0.15, n=6, treated=4, last=8), "effect_without_error",
        words=("La marge d’erreur de l’effet n’est pas connue", "The margin of error"),
        **PANEL,
    ),
    # whatever the method that inverts a test, both ends open together: none leaves one alone
    "open_interval": Case(
        lambda: places(5, 2), "effect_without_error", covariance="wild_bootstrap",
        words=("La marge d’erreur de l’effet n’est pas connue", "The margin of error"),
        **PLACES,
    ),
    "no_draw_rejects": Case(
        lambda: places(5, 2), "effect_without_error", covariance="randomisation",
        words=("La marge d’erreur de l’effet n’est pas connue", "The margin of error"),
        **PLACES,
    ),
    "null_effect": Case(
        lambda: compared(0.0), "value_of_null_effect",
        words=("L’étude ne met pas d’effet en évidence", "The study shows no clear effect"),
    ),
    "before_after": Case(
        twice, "value_without_comparison", line=LINKED + '\ndeadweight = "30 %"',
        words=("Sans comparaison solide", "comparison"), **WAVES,
    ),
    "blocking_guard": Case(
        lambda: compared(0.25), "ratio_refused", line=LINKED + PARTY,
        words=("sans retirer ce qui serait arrivé", "without"),
    ),
    "declared_against_null": Case(
        lambda: compared(0.0), "ratio_refused",
        line='unit = "count"\nquantity = 20\ndeadweight = "40 %"',
        words=("l’étude a mesuré ce résultat", "the study measured this outcome"),
    ),
}  # fmt: skip
NOT_FACTS = {
    "failed_check": Case(
        lambda: territories(0.15, n=40, treated=20, last=8, drift=0.04), "supposed",
        words=("ce que cette étude n’établit pas", "which this study does not establish"), **PANEL,
    ),
    "declared_only": Case(
        lambda: compared(0.25), "hypothesis", outcome="Logement trouvé",
        line='unit = "count"\nquantity = "20 [15 ; 25] normal"\ndeadweight = "40 %"',
        words=("Hypothèse", "ypothesis"),
    ),
}  # fmt: skip
HARMFUL = Case(
    lambda: compared(-0.25, base=0.5), "attributed",
    words=("fait perdre de la valeur", "makes value be lost"),
)  # fmt: skip
RIGHT = {
    "drawn": Case(lambda: compared(0.25), "attributed", words=("1 € engagé produit", "€1 put in")),
    "compared": Case(
        lambda: territories(0.4, n=60, treated=30, people=30, last=8), "attributed",
        words=("1 € engagé produit", "€1 put in"), **PANEL,
    ),
}  # fmt: skip
CASES = {**REFUSED, **NOT_FACTS, "harmful": HARMFUL, **RIGHT}

LABELS = {
    "supposed": {"fr": "si la différence vient bien", "en": "if the difference does come"},
    "hypothesis": {"fr": "(hypothèse)", "en": "(hypothesis)"},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], StudyResults]:
    @cache
    def results(name: str) -> StudyResults:
        return CASES[name].results(tmp_path_factory.mktemp(name))

    return results


def test_the_results_say_what_the_report_says(study: Callable[[str], StudyResults]) -> None:
    found = {}
    for name in CASES:
        told = study(name).to_dict()["value"]["told"]
        standing = told["standing"]
        found[name] = standing if isinstance(standing, str) else standing["not_applicable"]
        if name in REFUSED:
            assert told["net"]["estimate"] is told["net"]["low"] is told["probability"] is None
            assert told["ratio"]["not_applicable"] == told["headline"]["not_applicable"]
            assert {line["amount"] for line in told["lines"]} == {None}
            assert told["parties"][0]["pays"] == 10_000
        if name not in RIGHT:
            assert told["probability"] is None
            assert not told["cumulative"]
    assert found == {name: case.told for name, case in CASES.items()}


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", [*REFUSED, *NOT_FACTS, "harmful"])
def test_no_verdict_stands_on_what_proves_none(
    study: Callable[[str], StudyResults], name: str, language: str
) -> None:
    results, case = study(name), CASES[name]
    text = money(results, language)
    if case is HARMFUL:  # a loss that is established is told, for one euro put in
        assert not re.search(VERDICTS[language].rsplit("|", 1)[0], text, flags=re.I)
    else:
        assert not re.search(VERDICTS[language], said(narrative.report_blocks(results), language))
    assert case.words[language == "en"] in text
    assert re.search("10 000 €|€10,000", text)  # what is put in is still told
    figures = {b.figure for b in narrative.value_blocks(results) if isinstance(b, Figure)}
    assert not figures & {"cumulative", "acceptability"}


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", REFUSED)
def test_where_it_is_refused_no_amount_is_told_but_what_is_put_in(
    study: Callable[[str], StudyResults], name: str, language: str
) -> None:
    results = study(name)
    assert not re.search(RATIO[language], money(results, language))
    assert amounts_shown(results) <= {"pays", "unit_value"}
    assert not re.search(r"% (de|of) (la|the) val", money(results, language))


@pytest.mark.parametrize("name", REFUSED)
def test_where_it_is_refused_the_file_tells_no_total_either(
    study: Callable[[str], StudyResults], name: str
) -> None:
    value = study(name).value
    assert isinstance(value, AccountSection)
    why, sroi = value.told.standing, value.sroi
    assert isinstance(why, RefusalRecord)
    assert sroi.ratio == sroi.payback_months == sroi.discounted_payback_years == why
    assert value.projected_share == value.told.public == why
    assert {sroi.benefits, sroi.net, sroi.positive, sroi.negative, value.balance.social} == {None}
    assert set(value.perspectives.values()) == {None}
    assert sroi.costs is not None
    assert value.told.certain == ()
    # the ledger stays: whoever checks adds it up again, to the costs that are told
    again = account_from_record(value)
    assert again.sroi().costs == Decimal(sroi.costs)
    assert len(again.flows) == len(value.flows)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", NOT_FACTS)
def test_what_is_supposed_is_said_to_be_wherever_an_amount_stands(
    study: Callable[[str], StudyResults], name: str, language: str
) -> None:
    texts, label = Texts(language), LABELS[CASES[name].told][language]
    titles = []
    for block in narrative.value_blocks(study(name)):
        if isinstance(block, Number):
            titles.append(block.label)
        elif isinstance(block, Figure):
            titles += [block.question, block.data.caption]
        elif isinstance(block, Table) and any(c.form.value in EURO for c in block.columns):
            titles.append(block.caption)
    assert len(titles) > 6
    assert [t for t in map(texts.words, titles) if label not in t] == []


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", RIGHT)
def test_what_is_established_is_told(
    study: Callable[[str], StudyResults], name: str, language: str
) -> None:
    results = study(name)
    assert CASES[name].words[language == "en"] in money(results, language)
    figures = {b.figure for b in narrative.value_blocks(results) if isinstance(b, Figure)}
    assert {"payers", "tornado", "cumulative", "acceptability"} <= figures
    assert not any(label[language] in money(results, language) for label in LABELS.values())
