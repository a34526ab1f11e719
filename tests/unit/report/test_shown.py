"""What an object says when it is printed: a screen in plain words, in both languages."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import impact_eval as ie
from impact_eval.core.estimate import Effect, Estimate, MethodRecord, wald_effect
from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable, Severity
from impact_eval.core.shown import Shown
from impact_eval.core.vocabulary import Direction, Unit
from impact_eval.diagnostics.check import CheckResult, CheckStatus
from impact_eval.portfolio.portfolio import Entry, Portfolio
from impact_eval.report.objects.object_layout import LINES, WIDTH
from impact_eval.results.gate import release
from impact_eval.results.parts import BilingualRecord
from impact_eval.survey import instrument, instruments, rating_agreement
from impact_eval.survey.instrument_file import Instrument
from impact_eval.value import ValueMap

LANGUAGES = ("fr", "en")
VOID = {"img", "hr", "br", "meta"}
COMMANDS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
# English words that are no French word either
ENGLISH = re.compile(
    r"\b(?:the|of|and|with|from|for|which|this|that|are|not|have|row|rows|sample|outcome|effect|"
    r"estimate|unknown|missing|value|each|more|less|than|between|warning|at most)\b"
)
CAUSAL = re.compile(r"\beffets?\b|\beffects?\b|\bimpacts?\b|caus|grâce à|thanks to", re.IGNORECASE)


def estimate(
    *,
    outcome: str = "revenu",
    counterfactual: bool = True,
    method: str = "did",
    b: float | None = -0.0398,
    findings: tuple[Finding, ...] = (),
    rows: int = 1,
) -> Estimate:
    estimand = "att" if counterfactual else "change"
    made = [
        wald_effect(
            outcome=outcome,
            estimand=estimand,
            term=estimand if rows == 1 else "event",
            time=None if rows == 1 else float(k - rows // 2),
            estimate=b,
            std_error=0.0118,
            n_treated=191,
            n_comparison=309 if counterfactual else None,
            n_clusters=500,
        )
        for k in range(rows)
    ]
    return Estimate(
        outcome=outcome,
        estimand=estimand,
        method=MethodRecord(method),
        effects=tuple(made),
        covariance=np.eye(rows) * 0.0118**2,
        counterfactual=counterfactual,
        findings=findings,
    )


def sample(unit: str = "id", cluster: str = "bassin") -> ie.Sample:
    rows = [(u, t, [0, 2][u % 2], f"b{u % 3}", None if u == 5 else 1.5 * u) for u in range(12)
            for t in (1, 2)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=[unit, "an", "entrée", cluster, "âge"])
    return ie.Sample(
        frame, unit=unit, time="an", cohort="entrée", cluster=cluster, covariates=["âge"]
    )


def scores(wave: int = 40) -> Any:
    rng = np.random.default_rng(1)
    scale = instrument("rses-fr")
    items = {item.id: rng.integers(1, 5, wave) for item in scale.items}
    return scale.score(pd.DataFrame(items), {name: name for name in items})


def account(root: Path) -> Any:
    found = ValueMap.read(root / "tests/unit/value/insertion.toml")
    named = {line.quantity.estimate for line in found.lines} - {None}
    return found.account({name: estimate(outcome=name, b=0.1) for name in named})


def portfolio(n: int = 3) -> Portfolio:
    label = BilingualRecord(fr="Emploi à six mois", en="In work at six months")
    entries = [
        Entry(
            study=f"s{k}", title=BilingualRecord(fr=f"Étude {k}", en=f"Study {k}"), territory="01",
            outcome="emploi", label=label, unit=Unit.SHARE, direction=Direction.HIGHER,
            estimand="att", method="did", counterfactual=True, scale="", evidence=2,
            effect=estimate(outcome="emploi", b=0.1).effects[0], source="", data=str(k),
        )
        for k in range(n)
    ]  # fmt: skip
    return Portfolio(tuple(entries), (Finding.warning("same_data", study="a", other="b"),))


FEW = Finding.warning("few_clusters", n=8, advised=40)


@pytest.fixture(scope="module")
def things(root: Path) -> dict[str, Shown]:
    """One of each noun that shows itself."""
    study = ie.Study.read(root / "datasets/association_avant_apres")
    return {
        "Account": account(root),
        "CheckResult": CheckResult(code="pretrends", status=CheckStatus.NOT_APPLICABLE,
                                   values={"n": 1}, reason="one_pre_period"),
        "Effect": estimate().effects[0],
        "Estimate": estimate(findings=(FEW,) * 5),
        "Events": estimate(rows=15, findings=(FEW,) * 5),
        "Finding": FEW,
        "Instrument": instrument("rses-fr"),
        "NotApplicable": NotApplicable.because("norm_without_spread", norm="x"),
        "Portfolio": portfolio(12),
        "RatingAgreement": rating_agreement([1, 2, 3, 4, 5] * 4, [1, 2, 4, 4, 5] * 4),
        "Sample": sample(),
        "Scores": scores(),
        "Study": study,
        "StudyResults": ie.evaluate(study),
    }  # fmt: skip


def fits(text: str) -> None:
    lines = text.split("\n")
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= WIDTH
    assert not COMMANDS.search(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_noun_is_a_screen_without_arrays(things: dict[str, Shown], language: str) -> None:
    for name, thing in things.items():
        text, line = thing.summary(language), repr(thing)
        fits(text)
        assert "array(" not in text + line, name
        assert "[shown." not in text, name
        assert "\n" not in line, name
        assert len(line) < 300, name


def test_the_renderer_knows_every_noun_that_shows_itself(things: dict[str, Shown]) -> None:
    """A class that becomes a `Shown` has its builder and its example here."""

    def below(kind: type) -> set[str]:
        found = {sub.__name__ for sub in kind.__subclasses__()}
        return found.union(*(below(sub) for sub in kind.__subclasses__()))

    assert below(Shown) <= set(things)


def test_no_english_in_french(things: dict[str, Shown]) -> None:
    for name, thing in things.items():
        words = re.sub(r"«[^»]*»|`[^`]*`", " ", thing.summary("fr"))
        assert not ENGLISH.findall(words.lower()), name


FRENCH = """\
« revenu » — Doubles différences (une seule date)

L’action est associée à un écart de −0,04 pour « revenu » (entre −0,06 et −0,02). Intervalle à
95 % ; valeur p < 0,001.
- Unités concernées par l’action : 191 ; unités de comparaison : 309.
- Ce qui est comparé : L’évolution de ceux qui bénéficient de l’action est comparée à l’évolution
  des autres, entre avant et après une même date. Quand il y a plusieurs périodes, chaque unité est
  résumée par sa moyenne avant et sa moyenne après.
- Ce qu’il faut croire : Sans l’action, ceux qui en bénéficient auraient évolué comme ceux à qui on
  les compare.
- Preuve, au mieux : niveau 3 sur 4 (attribuable à l’action, sous une hypothèse), et seulement si
  les vérifications de la méthode réussissent ; elles ne sont pas faites ici."""

ENGLISH_TEXT = """\
“revenu” — Difference-in-differences (a single date)

The action is associated with a difference of −0.04 for “revenu” (between −0.06 and −0.02). 95%
interval; p-value: less than 0.001.
- Units concerned by the action: 191; comparison units: 309."""


def _spaced(text: str) -> str:
    return re.sub(r"[\u00a0\u202f]", " ", text)


def test_an_estimate_in_french() -> None:
    assert _spaced(estimate().summary("fr")) == FRENCH


def test_an_estimate_in_english() -> None:
    assert _spaced(estimate().summary("en")).startswith(ENGLISH_TEXT)


def test_the_ceiling_is_the_most_that_the_design_may_support() -> None:
    assert "niveau 2 sur 4" in _spaced(estimate(method="twfe").summary("fr"))
    assert "niveau 4 sur 4" in _spaced(estimate(method="difference_in_means").summary("fr"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_before_after_is_never_called_an_effect(language: str) -> None:
    found = estimate(counterfactual=False, method="before_after")
    text = found.summary(language)
    assert not CAUSAL.search(text.replace("aggregate", ""))
    assert not CAUSAL.search(found.effects[0].summary(language))
    assert {"fr": "niveau 1 sur 4", "en": "level 1 of 4"}[language] in _spaced(text)


def test_few_independent_units_are_said_beside_the_margin() -> None:
    narrow = "lire les remarques avant de se fier à cette marge d’erreur"
    assert narrow in estimate(findings=(FEW,)).summary("fr").split("\n- ")[0].replace("\n", " ")
    assert narrow not in estimate().summary("fr").replace("\n", " ")


def test_what_is_undefined_is_said() -> None:
    assert "pas de résultat" in estimate(b=None).summary("fr")
    assert "n. d." in Effect(outcome="y", estimand="att", term="att", estimate=None).summary("fr")


def test_a_design_of_nobody_still_shows() -> None:
    assert "revenu" in estimate(method="made_by_hand").summary("fr")


def test_findings_weigh_before_they_explain() -> None:
    info = Finding("no_such_code_anywhere", Severity.INFO, {"x": 3})
    text = estimate(findings=(info, info, FEW)).summary("en")
    assert text.index("! Only 8 independent units or groups") < text.index(
        "- [finding.no_such_code_anywhere]"
    )


def test_an_event_study_keeps_the_rows_nearest_to_entry() -> None:
    text = estimate(rows=15).summary("en")
    shown = [int(m[1].replace("−", "-")) for m in re.finditer(r"\n  (−?\d+) ", text)]
    assert shown == [-4, -3, -2, -1, 0, 1, 2, 3]
    assert "7 other rows" in text


def test_a_sample_never_tells_its_rows() -> None:
    frame = pd.DataFrame({"nom": ["Zoé", "Yann", "Xavier"], "z": [0, 1, 1], "y": [1.0, 2.0, 3.0]})
    found = ie.Sample(frame, unit="nom", treatment="z")
    for text in (repr(found), found.summary("fr"), str(found._repr_html_())):
        assert not re.search("Zoé|Yann|Xavier", text)


def test_a_sample_tells_roles_and_flow() -> None:
    text = _spaced(sample().summary("fr"))
    assert "11 unités suivies sur 2 périodes (22 lignes)" in text
    assert "date d’entrée « entrée »" in text
    assert "24 lignes ; 22 sont analysées, soit 92 %" in text
    assert "2 lignes écartées : une caractéristique manque." in text


def test_results_pass_the_gate_before_they_are_shown(root: Path) -> None:
    whole = ie.evaluate(ie.Study.read(root / "datasets/association_avant_apres"))
    assert not whole.disclosure.released
    assert whole.summary("fr") == release(whole).results.summary("fr")


def test_the_language_is_the_user_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPACT_EVAL_LANGUAGE", "en")
    assert str(estimate()) == estimate().summary("en")
    assert 'lang="en"' in str(estimate()._repr_html_())
    with pytest.raises(ImpactEvalError) as refused:
        estimate().summary("de")
    assert refused.value.codes == ("unknown_language",)


# ------------------------------------------------------------------ HTML


class Checker(HTMLParser):
    """Hold a fragment to what it must be: closed, no identifier twice, heads with a scope."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.add(tag)
        assert not [name for name in known if name.startswith("on")]
        if known.get("id"):
            self.ids.append(str(known["id"]))
        if tag == "th":
            assert known.get("scope") in ("col", "row")
        if tag == "img":
            assert known.get("alt")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def checked(html: str) -> Checker:
    parser = Checker()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    assert len(set(parser.ids)) == len(parser.ids)
    assert parser.tags.isdisjoint({"script", "iframe", "object", "link", "form"})
    return parser


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_noun_is_well_formed_html(
    things: dict[str, Shown], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPACT_EVAL_LANGUAGE", language)
    for thing in things.values():
        html = str(thing._repr_html_())
        checked(html)
        assert f'lang="{language}"' in html
        assert "http" not in html


def test_two_cells_of_a_notebook_share_no_identifier() -> None:
    one, other = (checked(str(estimate(outcome=n)._repr_html_())) for n in ("a", "b"))
    assert set(one.ids).isdisjoint(other.ids)


def test_text_and_html_say_the_same() -> None:
    """One list of blocks: the words of the screen are those of the cell."""
    found = estimate()
    os_text = _spaced(found.summary("fr")).replace("- ", "")
    html = _spaced(checked(str(found._repr_html_())).text)
    for sentence in ("un écart de −0,04 pour", "niveau 3 sur 4", "Unités concernées par l’action"):
        assert sentence in os_text
        assert sentence in html


MAKERS: tuple[Callable[[str], Shown], ...] = (
    lambda name: estimate(outcome=name, findings=(Finding.warning("no_such_code", name=name),)),
    lambda name: estimate(outcome=name, rows=15),
    lambda name: estimate(outcome=name, method=name),
    lambda name: Finding.error(
        "unknown_name", name=name, kind=name, nearest=name, known=[name] * 40
    ),
    lambda name: CheckResult(code=name, status=CheckStatus.PASSED),
)
NASTY = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        ["<script>alert(1)</script>", "\x1b[2J\x1b]0;x\x07", "a\nb\r\nc", "&lt;b&gt;", "{n:int}",
         "\u202egnp.exe", "x" * 5_000, "mot " * 2_000, "'\"><img src=x onerror=y>", "", " "]
    ),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(NASTY, st.sampled_from(MAKERS), st.sampled_from(LANGUAGES))
def test_strange_names_neither_command_nor_break_out(
    name: str, make: Callable[[str], Shown], language: str
) -> None:
    thing = make(name)
    fits(thing.summary(language))
    checked(str(thing._repr_html_()))
    assert "\n" not in repr(thing)


def test_a_name_of_html_is_told_as_text() -> None:
    found = estimate(outcome="<b onclick=x>gras</b>")
    html = str(found._repr_html_())
    assert "<b " not in html
    assert "<b onclick=x>gras</b>" in checked(html).text
    assert "<b onclick=x>gras</b>" in found.summary("fr")


# -- a scale -------------------------------------------------------------------------------------

ROSENBERG = {
    "fr": """\
Estime de soi (Rosenberg, ordre français)

- Dix questions sur la valeur que l’on se donne. Plus le score est haut, mieux la personne s’estime.
- Questions : 10, réponses de 1 à 4.
- Score : de 10 à 40 ; plus, c’est mieux.
- Droits : grille de calcul fournie, questions à obtenir des auteurs.
- Échelle du catalogue, appuyée par une étude publiée.
- À citer : «""",
    "en": """\
Self-esteem (Rosenberg, French order)

- Ten questions""",
}
CODE = re.compile(r"\b[a-z]+_[a-z_]+\b|\bNone\b|\bFalse\b|\bTrue\b|[{}]")
OWN = """
id = "confiance"
low = 0
high = 3
direction = "higher_is_better"
name = { fr = "Confiance dans l’avenir" }
scoring = { rule = "sum", low = 0, high = 6 }
items = [{ id = "a" }, { id = "b" }]
"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_scale_says_what_it_measures_and_what_may_be_done_with_it(language: str) -> None:
    scale = instrument("rses-fr")
    told = _spaced(scale.summary(language))
    assert told.startswith(ROSENBERG[language])
    assert "10.1080/00207599008247865" in told
    html = scale._repr_html_()
    assert html is not None
    assert "<" in html
    assert repr(scale) == (
        "Instrument(rses-fr, self_esteem, items=10, low=10, high=40, "
        "direction=higher_is_better, rights=B)"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_scale_of_the_catalogue_is_in_words(language: str) -> None:
    for scale in instruments():
        text = scale.summary(language)
        fits(text)
        bare = re.sub(r"[«“][^»”]*[»”]|\(doi[^)]*\)", " ", text)
        assert not CODE.search(bare), scale.id
        assert "[" not in bare, scale.id
        if language == "fr":
            assert not ENGLISH.findall(bare.lower()), scale.id


def test_a_scale_of_the_user_is_said_to_be_theirs(tmp_path: Path) -> None:
    path = tmp_path / "confiance.toml"
    path.write_text(OWN, encoding="utf-8")
    scale = Instrument.read(path)
    told = _spaced(scale.summary("fr")).splitlines()
    assert told[0] == "Confiance dans l’avenir"
    assert "- Score : de 0 à 6 ; plus, c’est mieux." in told
    assert "- Droits : cette échelle est la vôtre, ses questions aussi." in told
    assert "- Échelle locale, hors du catalogue, sans étude publiée qui l’appuie." in told
    assert "- Source : non déclarée." in told
    assert not CODE.search("\n".join(told))
    assert "Local scale, outside the catalogue" in scale.summary("en")
    assert repr(scale).endswith("local=true)")
    path.write_text(OWN.replace('"confiance"', '"rses-fr"'), encoding="utf-8")
    assert "Rosenberg" not in Instrument.read(path).summary("fr")


def test_a_scale_stays_what_it_was() -> None:
    """A frozen record without `__dict__`, equal to its copy, read again from a pickle."""
    scale = instrument("phq-9")
    assert pickle.loads(pickle.dumps(scale)) == scale
    assert not hasattr(scale, "__dict__")
    assert scale == replace(scale)
