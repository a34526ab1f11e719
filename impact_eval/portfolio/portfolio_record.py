"""`portfolio.json`: a pooled outcome, who is in it, who is apart and why, typed to the leaf."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from impact_eval.core.provenance import stable
from impact_eval.core.vocabulary import Unit
from impact_eval.portfolio.portfolio import CONF_LEVEL, Excluded, Pooling
from impact_eval.results.faults import Json
from impact_eval.results.finding_records import FindingRecord
from impact_eval.results.record_base import (
    CODE,
    FREE,
    STATISTIC,
    Code,
    Label,
    Level,
    People,
    PositiveRatio,
    Probability,
    Record,
    Share,
    StandardError,
    Statistic,
    Things,
)

SCHEMA: Literal["impact-eval/portfolio/1"] = "impact-eval/portfolio/1"


class PooledRecord(Record):
    """The number: random effects, their interval, what a further study would show."""

    estimate: Statistic
    """Pooled effect, in the unit of the outcome."""
    std_error: StandardError
    """Its standard error."""
    df: Annotated[float | None, Field(ge=0), FREE]
    """Degrees of freedom; empty for the normal law."""
    p_value: Probability
    """Two-sided."""
    conf_low: Statistic
    """Lower end of the interval."""
    conf_high: Statistic
    """Upper end of the interval."""
    conf_level: Annotated[float, Field(gt=0, lt=1), FREE]
    """Confidence level of both intervals."""
    prediction_low: Statistic
    """Lower end of where the true effect of a similar study is expected."""
    prediction_high: Statistic
    """Upper end."""
    tau2: Annotated[float, Field(ge=0), STATISTIC]
    """Variance between studies."""
    i2: Share
    """Share of the variance that is between studies."""
    q: PositiveRatio
    """Cochran's test that all studies share one effect."""
    q_p_value: Probability
    """Its p-value."""
    k: Things
    """Studies."""


class PooledStudy(Record):
    """One study of the whole."""

    study: Code
    """Short name."""
    territory: Label
    """Code of the territory."""
    evidence: Level
    """Its level of evidence."""
    estimate: Statistic
    """Its effect."""
    std_error: StandardError
    """Standard error."""
    conf_low: Statistic
    """Lower end of its own interval."""
    conf_high: Statistic
    """Upper end."""
    n_treated: People
    """People it concerned."""
    method: Code
    """Registry name of its design."""
    weight: Share
    """Its share of the whole."""


class WithoutStudy(Record):
    """What the whole becomes without one study."""

    study: Code
    """Short name of the study left out."""
    estimate: Statistic
    """Pooled effect of the others."""
    conf_low: Statistic
    """Lower end of its interval."""
    conf_high: Statistic
    """Upper end."""


class LeftApart(Record):
    """A study that is not pooled, and why."""

    study: Code
    """Short name."""
    not_applicable: Code
    """Code of the reason."""
    values: Annotated[dict[str, str], CODE]
    """What was found, and what was needed."""

    @classmethod
    def of(cls, excluded: Excluded) -> LeftApart:
        """Return the record of a study left apart."""
        reason = excluded.reason
        return cls(
            study=excluded.entry.study,
            not_applicable=reason.reason,
            values={name: str(value) for name, value in reason.values.items()},
        )


class PortfolioRecord(Record):
    """The content of `portfolio.json`."""

    schema_: Annotated[Literal["impact-eval/portfolio/1"], CODE] = Field(alias="schema")
    """Version of this format."""
    outcome: Code
    """Identifier of the outcome."""
    unit: Unit
    """Unit of its numbers."""
    pooled: PooledRecord
    """The studies together."""
    studies: tuple[PooledStudy, ...]
    """The studies pooled."""
    left_apart: tuple[LeftApart, ...]
    """The studies that are not, and why."""
    without_each: tuple[WithoutStudy, ...]
    """The whole without each study in turn; empty below three studies."""
    findings: tuple[FindingRecord, ...]
    """What was noticed on the files."""

    @classmethod
    def of(cls, found: Pooling) -> PortfolioRecord:
        """Return the record of a pooled outcome."""
        first, pooled = found.included[0], found.pooled
        return cls(
            schema=SCHEMA,
            outcome=first.outcome,
            unit=first.unit,
            pooled=PooledRecord(
                estimate=pooled.estimate,
                std_error=pooled.std_error,
                df=pooled.df,
                p_value=pooled.p_value,
                conf_low=pooled.conf_low,
                conf_high=pooled.conf_high,
                conf_level=CONF_LEVEL,
                prediction_low=pooled.prediction_low,
                prediction_high=pooled.prediction_high,
                tau2=pooled.tau2,
                i2=pooled.i2,
                q=pooled.q,
                q_p_value=pooled.q_p_value,
                k=pooled.k,
            ),
            studies=tuple(
                PooledStudy(
                    study=entry.study,
                    territory=entry.territory,
                    evidence=entry.evidence,
                    estimate=entry.effect.estimate,
                    std_error=entry.effect.std_error,
                    conf_low=entry.effect.conf_low,
                    conf_high=entry.effect.conf_high,
                    n_treated=entry.effect.n_treated,
                    method=entry.method,
                    weight=weight,
                )
                for entry, weight in zip(found.included, pooled.weights.tolist(), strict=True)
            ),
            without_each=_without_each(found),
            left_apart=tuple(LeftApart.of(excluded) for excluded in found.excluded),
            findings=tuple(FindingRecord.of(finding) for finding in found.findings),
        )

    def to_dict(self) -> dict[str, Json]:
        """Return the content of `portfolio.json`, without a digit that a machine could move."""
        data: dict[str, Json] = stable(self.model_dump(mode="json", by_alias=True))
        return data


def _without_each(found: Pooling) -> tuple[WithoutStudy, ...]:
    if not found.without_each:
        return ()
    return tuple(
        WithoutStudy(
            study=entry.study,
            estimate=other.estimate,
            conf_low=other.conf_low,
            conf_high=other.conf_high,
        )
        for entry, other in zip(found.included, found.without_each, strict=True)
    )
