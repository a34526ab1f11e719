"""A made-up study as records, rich enough to fill every section of a report."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pytest

from impact_eval.core.estimate import Estimate, MethodRecord, wald_effect
from impact_eval.core.vocabulary import Direction, Pillar, RowsAre, Unit
from impact_eval.data.labels import MissingKind
from impact_eval.diagnostics.check import CheckResult, CheckStatus
from impact_eval.results.account_records import AccountSection, record_of_account
from impact_eval.results.checks import CheckRecord, check_of
from impact_eval.results.estimates import (
    BandRecord,
    CovarianceRecord,
    EffectRecord,
    EstimateRecord,
    EvidenceRecord,
    FitRecord,
    FlowRecord,
    MethodOf,
    QuestionRecord,
    Role,
)
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.records import SCHEMA, StudyResults
from impact_eval.results.score_records import (
    AlphaRecord,
    BinRecord,
    CodeRowRecord,
    CodeTableRecord,
    ItemRecord,
    LevelRecord,
    PeopleChanged,
    ScoreChange,
    ScoreRecord,
)
from impact_eval.results.study_records import (
    DataRecord,
    DisclosureRecord,
    LogicRecord,
    PrivacyRecord,
    ProtocolRecord,
    Provenance,
    StudyRecord,
)
from impact_eval.survey.answer_codes import ReadBy
from impact_eval.value import ValueMap, tell

MakeResults = Callable[..., StudyResults]


def both(fr: str, en: str) -> BilingualRecord:
    return BilingualRecord(fr=fr, en=en)


LABELS = {
    "emploi_6m": both("Emploi à six mois", "In work at six months"),
    "permis": both("Permis de conduire obtenu", "Driving licence obtained"),
}


def effect(
    estimate: float | None,
    se: float,
    *,
    outcome: str = "emploi_6m",
    term: str = "att",
    time: float | None = None,
    n_treated: int | None = 312,
    n_comparison: int | None = 390,
) -> EffectRecord:
    known = estimate is not None and se > 0
    return EffectRecord(
        outcome=outcome,
        estimand="att",
        term=term,
        group=None,
        time=time,
        estimate=estimate,
        std_error=se if known else None,
        df=None,
        statistic=estimate / se if known and estimate is not None else None,
        p_value=0.02 if known else None,
        conf_low=estimate - 1.96 * se if known and estimate is not None else None,
        conf_high=estimate + 1.96 * se if known and estimate is not None else None,
        conf_level=0.95,
        n_treated=n_treated,
        n_comparison=n_comparison,
        n_clusters=12,
    )


def fit(*effects: EffectRecord, method: str, counterfactual: bool) -> FitRecord:
    return FitRecord(
        outcome=effects[0].outcome,
        estimand="att",
        method=MethodOf(name=method, options={}, covariance="CR2"),
        counterfactual=counterfactual,
        effects=effects,
        covariance=tuple(tuple(None for _ in effects) for _ in effects),
        findings=(),
        flow=(),
        details=None,
    )


def record(
    outcome: str,
    role: Role,
    content: FitRecord,
    *,
    bands: tuple[BandRecord, ...] = (),
    evidence: EvidenceRecord | None = None,
    smallest: float | None = None,
    mean_comparison: float | None = None,
) -> EstimateRecord:
    return EstimateRecord(
        outcome=outcome,
        label=LABELS[outcome],
        unit=Unit.SHARE,
        direction=Direction.HIGHER,
        primary=outcome == "emploi_6m",
        role=role,
        counted=RowsAre.PEOPLE,
        clusters=RowsAre.TERRITORIES,
        withheld=False,
        question=QuestionRecord(outcome=outcome, estimand="att", instrument=None),
        estimate=content,
        bands=bands,
        evidence=evidence,
        smallest_detectable=smallest,
        declared_smallest_effect=None,
        mean_comparison=mean_comparison,
        family=None,
        groups=(),
        twins=(),
    )


def level(n: int, reasons: tuple[str, ...] = ("design_ceiling",)) -> EvidenceRecord:
    ways = ("measure_before_and_after", "add_comparison_group", "build_own_comparison", "draw_lots")
    return EvidenceRecord(level=n, ceiling=n, reasons=reasons, would_raise=ways[n : n + 1], caps={})


def event_record() -> EstimateRecord:
    points = [
        (-3, 0.004, 0.013),
        (-2, -0.006, 0.012),
        (-1, 0.0, 0.0),
        (0, 0.010, 0.013),
        (1, 0.045, 0.016),
        (2, 0.081, 0.019),
    ]
    rows = [effect(b, se, term="event", time=float(t)) for t, b, se in points]
    bands = tuple(
        BandRecord(key=f"event[{t}]", conf_low=b - 2.7 * se, conf_high=b + 2.7 * se)
        for t, b, se in points
    )
    content = fit(*rows, method="callaway_santanna", counterfactual=True)
    return record("emploi_6m", Role.EVENT, content, bands=bands)


def checks() -> tuple[CheckRecord, ...]:
    balance = [
        {
            "variable": name,
            "standardised": value,
            "variance_ratio": 1.1,
            "n_treated": 312,
            "n_comparison": 390,
        }
        for name, value in (("Âge", 0.04), ("Femme", 0.08), ("Ancienneté au chômage", 0.17))
    ]
    honest = [
        {"m": m, "conf_low": 0.062 - 0.05 - 0.04 * m, "conf_high": 0.062 + 0.05 + 0.05 * m}
        for m in (0.5, 1.0, 2.0)
    ]
    found = [
        CheckResult(
            code="pretrends",
            status=CheckStatus.PASSED,
            statistic=0.31,
            p_value=0.86,
            values={"n_periods": 2},
        ),
        CheckResult(
            code="balance",
            status=CheckStatus.WARNING,
            reason="balance_notable",
            statistic=4.1,
            p_value=0.25,
            rows=tuple(balance),
            values={
                "largest": 0.17,
                "n_variables": 3,
                "n_large": 0,
                "n_notable": 1,
                "variable": "Ancienneté au chômage",
            },
        ),
        CheckResult(
            code="honest_did",
            status=CheckStatus.PASSED,
            rows=tuple(honest),
            values={"conf_low": 0.011, "conf_high": 0.113, "breakdown": 0.6, "n_pre": 2},
        ),
        CheckResult.not_applicable("attrition", "no_testable_row"),
    ]
    return tuple(CheckRecord(outcome="emploi_6m", check=check_of(check)) for check in found)


def score() -> ScoreRecord:
    return ScoreRecord(
        id="estime",
        instrument="rses-fr",
        scale="rses-fr",
        version="1.0",
        name=both("Estime de soi (Rosenberg)", "Self-esteem (Rosenberg)"),
        counted=RowsAre.PEOPLE,
        unit=Unit.SCORE,
        direction=Direction.HIGHER,
        low=10.0,
        high=40.0,
        n=96,
        reliability=AlphaRecord(alpha=0.86, conf_low=0.81, conf_high=0.90, n=96, n_items=10),
        local=False,
        withheld=False,
        quality=None,
        before=LevelRecord(mean=26.1, sd=5.2, n=96, fewest=None),
        after=LevelRecord(mean=28.0, sd=5.0, n=94, fewest=None),
        change=ScoreChange(
            estimate=1.9, std_error=0.45, conf_low=1.0, conf_high=2.8, p_value=0.0001, n=94
        ),
        detectable_change=5.4,
        people=PeopleChanged(improved=31, stable=50, worsened=13),
        reading=None,
        bins=(
            BinRecord(low=10.0, high=20.0, before=18, after=12),
            BinRecord(low=20.0, high=25.0, before=30, after=22),
            BinRecord(low=25.0, high=30.0, before=26, after=30),
            BinRecord(low=30.0, high=40.0, before=20, after=30),
        ),
        categories=(
            both("Pas du tout d’accord", "Strongly disagree"),
            both("Plutôt pas", "Disagree"),
            both("Plutôt", "Agree"),
            both("Tout à fait d’accord", "Strongly agree"),
        ),
        items=(
            ItemRecord(
                label=both(
                    "Je pense que je suis une personne de valeur",
                    "I feel that I am a person of worth",
                ),
                before=(12, 26, 40, 16),
                after=(11, 20, 41, 22),
            ),
            ItemRecord(
                label=both(
                    "Je pense que je possède un certain nombre de belles qualités",
                    "I feel that I have a number of good qualities",
                ),
                before=(14, 30, 35, 15),
                after=(11, 16, 43, 24),
            ),
        ),
        codes=tuple(code_table(first=point) for point in (1.0, 4.0)),
        findings=(),
    )


def code_table(first: float) -> CodeTableRecord:
    """A file whose codes run the other way, of a question that counts 1 or 4 at its lowest."""
    words = (
        both("Pas du tout d’accord", "Strongly disagree"),
        both("Plutôt pas", "Disagree"),
        both("Plutôt", "Agree"),
        both("Tout à fait d’accord", "Strongly agree"),
    )
    step = 1.0 if first == 1 else -1.0
    rows = tuple(
        CodeRowRecord(
            code=str(4 - i), label=said.fr, answer=said, points=first + step * i, missing=None
        )
        for i, said in enumerate(words)
    )
    none = CodeRowRecord(
        code="9", label="NSP", answer=None, points=None, missing=MissingKind.DOES_NOT_KNOW
    )
    return CodeTableRecord(
        label=both("Question 1", "Question 1"),
        by=ReadBy.LABEL,
        rows=(*rows, none),
        answers=(23, 46, 81, 38),
    )


def study() -> StudyRecord:
    return StudyRecord(
        id="mobilite",
        title=both(
            "Lever les freins à la mobilité vers l’emploi", "Removing mobility barriers to work"
        ),
        territory="01",
        territory_name=both("Ain", "Ain"),
        contract="Contrat local des solidarités 2024-2027",
        pillar=Pillar.EMPLOYMENT,
        action=both("Plateforme de mobilité", "Mobility platform"),
        public=None,
        period=("2024-01-01", "2025-12-31"),
        operator="Association Roue Libre",
        emblematic=False,
        question=None,
        comparison=None,
        randomised=False,
        logic=LogicRecord(inputs=(), activities=(), outputs=(), outcomes=(), impacts=()),
        protocol=ProtocolRecord(
            notes=None,
            smallest_effect=None,
            draw_record=None,
            frozen_on=None,
            frozen_sha256=None,
            intact=None,
            readable=None,
            changed=(),
        ),
        privacy=PrivacyRecord(
            threshold=11,
            profile="menages",
            rows_are=RowsAre.PEOPLE,
            reason=None,
            internal_edition=False,
        ),
    )


def data() -> DataRecord:
    return DataRecord(
        file="donnees.xlsx",
        sha256="9f" * 32,
        counted=RowsAre.PEOPLE,
        columns=(),
        flow=(
            FlowRecord(step="read", units=None, units_dropped=None, n=812, dropped=0, reason=None),
            FlowRecord(
                step="outcome_observed",
                units=None,
                units_dropped=None,
                n=702,
                dropped=110,
                reason=None,
            ),
        ),
        n_rows=702,
        n_units=702,
        n_periods=1,
        shape="cross_section",
        times=(),
        reading=None,
    )


@lru_cache(maxsize=1)
def value() -> AccountSection:
    """Return the value section of a small account: three lines, one on the main outcome."""
    common = {"stakeholder": "Personnes", "currency": "EUR", "price_year": 2025, "duration": 3}
    lines = [
        {
            **common, "id": "work", "outcome": "Emploi", "estimate": "emploi_6m", "unit": "share",
            "people": 312, "proxy": "4200 [3000 ; 6000]", "proxy_source": "Insee, 2024",
            "kind": "resource_gain", "receiver": "beneficiary",
        },
        {
            **common, "id": "shelter", "outcome": "Hébergement", "quantity": 14, "unit": "count",
            "proxy": 2500, "kind": "avoided_cost", "payer": "departement", "cashable": "20 %",
            "costing": "marginal", "deadweight": "30 % [20 % ; 40 %]",
        },
        {
            **common, "id": "wage", "outcome": "Revenu du travail", "quantity": 10,
            "unit": "count", "proxy": "4200", "kind": "transfer", "payer": "state",
            "receiver": "beneficiary", "deadweight": "50 %", "drop_off": "20 % [10 % ; 40 %]",
        },
    ]  # fmt: skip
    grant = {"id": "grant", "stakeholder": "Département", "payer": "departement"}
    settings = {"currency": "EUR", "price_year": 2025, "discount_rate": "3.2 %", "people": 312}
    value_map = ValueMap.from_dict(
        {
            "map": settings,
            "inputs": [{**grant, "amount": 90_000, "currency": "EUR", "price_year": 2025}],
            "lines": lines,
            "dropped": [{"outcome": "Confiance", "reason": "sans prix"}],
        }
    )
    row = wald_effect(
        outcome="emploi_6m", estimand="att", term="att", estimate=0.062, std_error=0.024
    )
    main = Estimate(
        outcome="emploi_6m",
        estimand="att",
        method=MethodRecord("callaway_santanna"),
        effects=(row,),
        covariance=np.array([[0.024**2]]),
        counterfactual=True,
    )
    account = value_map.account({"emploi_6m": main, "permis": main})
    return record_of_account(account, tell(account, seed=1))


def results(evidence: int = 3, estimate_: float = 0.062, se: float = 0.024) -> StudyResults:
    counterfactual = evidence >= 2
    method = {0: "before_after", 1: "before_after", 4: "difference_in_means"}.get(
        evidence, "callaway_santanna"
    )
    main = fit(effect(estimate_, se), method=method, counterfactual=counterfactual)
    other = fit(
        effect(0.115, 0.038, outcome="permis"), method=method, counterfactual=counterfactual
    )
    naive = fit(effect(0.041, 0.022), method="twfe", counterfactual=True)
    estimates = [
        record(
            "emploi_6m",
            Role.MAIN,
            main,
            evidence=level(evidence),
            smallest=2.8 * se,
            mean_comparison=0.31,
        ),
        record("permis", Role.MAIN, other, evidence=level(evidence), smallest=0.107),
    ]
    if counterfactual:
        estimates += [event_record(), record("emploi_6m", Role.NAIVE, naive)]
    return StudyResults(
        schema=SCHEMA,
        study=study(),
        data=data(),
        estimates=tuple(estimates),
        covariance=CovarianceRecord(keys=(), matrix=()),
        checks=checks(),
        scores=(score(),),
        value=value(),
        dossier={},
        findings=(),
        disclosure=DisclosureRecord(
            released=False,
            edition="publication",
            profile="menages",
            threshold=11,
            withheld=0,
            log=(),
        ),
        provenance=Provenance(
            versions={"python": "3.11.9", "impact_eval": "0.1.0", "numpy": "2.4.6"},
            seed=20240101,
            data_sha256="9f" * 32,
            study_sha256="1c" * 32,
            template_sha256=None,
            run_at="2026-11-23T08:00:00+00:00",
        ),
        earlier=(),
    )


@pytest.fixture(scope="session")
def make_results() -> MakeResults:
    """Make the rich results of a study at an evidence level."""
    return results
