"""`results.json`: what was found, written and read through the same models, without any person."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from impact_eval.core.estimate import Effect, Estimate
from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.provenance import stable
from impact_eval.pipeline.schema import described

SCHEMA: Literal["impact-eval/results/1"] = "impact-eval/results/1"
TERRITORIES = "territories"
UNREPEATABLE = ("run_at",)  # the only key in which two runs on the same inputs differ


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataRecord(_Part):
    """What the numbers were computed on: a fingerprint and the flow, never the rows."""

    file: str
    """Name of the file, without its folder."""
    sha256: str
    """Fingerprint of the content: row and column order do not matter."""
    flow: tuple[dict[str, Any], ...]
    """How many rows were left at each step, and why."""
    n_rows: int
    """Rows used."""
    n_units: int
    """People or territories."""
    n_periods: int
    """Periods."""
    shape: str
    """cross_section, panel or repeated_cross_section."""
    times: tuple[str, ...] = ()
    """The periods, in order."""
    reading: dict[str, Any] = Field(default_factory=dict)
    """What the reader changed: encoding, decimals, title rows."""


class EstimateRecord(_Part):
    """One estimate of one outcome.

    `role` says what it is for: `main` is the headline; `event` the event study; `cells` the
    group-time effects; `naive` the usual shortcut, shown beside it; `alternative` another design;
    `analytic` the formula that is not reliable here.
    """

    outcome: str
    """Identifier of the outcome."""
    label: dict[str, str | None]
    """Its name, by language."""
    unit: str
    """Unit of its numbers."""
    direction: str
    """Which way is better."""
    primary: bool
    """Whether it is the primary outcome."""
    role: Literal["main", "event", "cells", "naive", "alternative", "analytic"]
    """What the estimate is for."""
    question: dict[str, Any]
    """Method, options and estimand, as declared."""
    estimate: dict[str, Any]
    """Rows, covariance, findings and flow, as `Estimate.to_dict` writes them."""
    bands: tuple[dict[str, Any], ...] = ()
    """Rows with simultaneous intervals."""
    evidence: dict[str, Any] | None = None
    """Level, its reasons, and what would raise it."""
    smallest_detectable: float | None = None
    """Effect this study would have seen four times out of five."""
    declared_smallest_effect: float | None = None
    """Smallest effect that would matter, as declared."""
    mean_comparison: float | None = None
    """Mean of the comparison group, to give the effect a scale."""

    @property
    def headline(self) -> Effect:
        """The first row."""
        return self.to_estimate().effects[0]

    def to_estimate(self) -> Estimate:
        """Return the estimate (influence values do not travel)."""
        return Estimate.from_dict(self.estimate)


class CheckRecord(_Part):
    """A check of one outcome: its status, its statistic, or the reason there is none."""

    outcome: str
    """Identifier of the outcome."""
    check: dict[str, Any]
    """Code, status, statistic and values, or the reason there is none."""


class CovarianceRecord(_Part):
    """Joint covariance of the headline effects, in the order of `keys` (`outcome/term`)."""

    keys: tuple[str, ...] = ()
    """`outcome/term` of each row and column."""
    matrix: tuple[tuple[float | None, ...], ...] = ()
    """Covariance; empty cells have no value."""


class Provenance(_Part):
    """What made the result."""

    versions: dict[str, str]
    """Python and the packages that computed."""
    seed: int
    """Seed of every random draw."""
    data_sha256: str
    """Fingerprint of the table."""
    study_sha256: str
    """Hash of the declaration."""
    template_sha256: str | None = None
    """Hash of the notebook that was executed."""
    run_at: str
    """When; the only key in which two runs may differ."""


class StudyResults(_Part):
    """All that a study found: the content of `results.json`.

    Examples
    --------
    >>> StudyResults.read("sortie/results.json")  # doctest: +SKIP
    """

    schema_: Literal["impact-eval/results/1"] = Field(alias="schema")
    """Version of this format."""
    study: dict[str, Any]
    """The declaration."""
    data: DataRecord
    """What the numbers were computed on, never its rows."""
    estimates: tuple[EstimateRecord, ...]
    """One record per outcome and role."""
    covariance: CovarianceRecord = CovarianceRecord()
    """Joint covariance of the headline effects."""
    checks: tuple[CheckRecord, ...] = ()
    """One record per outcome and check."""
    scores: tuple[dict[str, Any], ...] = ()
    """Scales: reliability, change, distribution."""
    value: dict[str, Any] | None = None
    """The account: what the effect is worth, to whom, paid by whom."""
    dossier: dict[str, Any] = Field(default_factory=dict)
    """What was written beside the numbers."""
    findings: tuple[dict[str, Any], ...] = ()
    """What was noticed."""
    disclosure: dict[str, Any] = Field(default_factory=dict)
    """What was withheld, and by which rule."""
    provenance: Provenance
    """What made the result."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True
    )

    def of(self, outcome: str, role: str = "main") -> EstimateRecord:
        """Return the estimate of an outcome in a role; refused by name when there is none."""
        for record in self.estimates:
            if record.outcome == outcome and record.role == role:
                return record
        known = [f"{record.outcome}/{record.role}" for record in self.estimates]
        raise ImpactEvalError(
            Finding.error(
                "unknown_name", kind="estimate", name=f"{outcome}/{role}", nearest=None, known=known
            )
        )

    @property
    def threshold(self) -> int:
        """Least number of people a published cell may count; territories are not people."""
        privacy = self.study["privacy"]
        return 1 if privacy["rows_are"] == TERRITORIES else int(privacy["threshold"])

    @property
    def primary(self) -> EstimateRecord:
        """The headline estimate of the primary outcome; refused when nothing was estimated."""
        for record in self.estimates:
            if record.primary and record.role == "main":
                return record
        raise ImpactEvalError(Finding.error("nothing_estimated", study=str(self.study["id"])))

    @property
    def evidence_level(self) -> int:
        """Evidence level of the primary outcome; 0 when nothing was estimated."""
        levels = [r.evidence["level"] for r in self.estimates if r.primary and r.evidence]
        return int(levels[0]) if levels else 0

    def estimate(self, outcome: str) -> Estimate:
        """Return the headline estimate of an outcome."""
        return self.of(outcome).to_estimate()

    def with_template(self, digest: str) -> StudyResults:
        """Return the results with the hash of the template that made them."""
        provenance = self.provenance.model_copy(update={"template_sha256": digest})
        return self.model_copy(update={"provenance": provenance})

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `results.json`: no NaN, and no digit that a machine could move."""
        data: dict[str, Any] = stable(self.model_dump(mode="json", by_alias=True))
        return data

    def to_json(self) -> str:
        """Return the text of `results.json`."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    def write(self, path: str | Path) -> Path:
        """Write `results.json` whole or not at all."""
        target = Path(path)
        target = target / "results.json" if target.is_dir() else target
        partial = target.with_name(f".{target.name}.partial")
        partial.write_text(self.to_json(), encoding="utf-8", newline="\n")
        partial.replace(target)
        return target

    @classmethod
    def read(cls, path: str | Path) -> StudyResults:
        """Read a `results.json`, or the folder that holds it.

        Raises
        ------
        ImpactEvalError
            `results_not_found`, `results_not_json`, `results_schema`, `results_invalid`.
        """
        file = Path(path)
        file = file / "results.json" if file.is_dir() else file
        place = Place(file=file.name)
        if not file.is_file():
            raise ImpactEvalError(Finding.error("results_not_found", place, path=str(path)))
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError):
            raise ImpactEvalError(Finding.error("results_not_json", place)) from None
        return cls.from_dict(data, place)

    @classmethod
    def from_dict(cls, data: Any, place: Place | None = None) -> StudyResults:
        """Validate the content of a `results.json`."""
        found = data.get("schema") if isinstance(data, Mapping) else None
        if found != SCHEMA:
            raise ImpactEvalError(
                Finding.error("results_schema", place, found=str(found), expected=SCHEMA)
            )
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            keys = [".".join(map(str, e["loc"])) for e in error.errors(include_url=False)]
            raise ImpactEvalError(
                Finding.error("results_invalid", place, n=len(keys), keys=keys[:10])
            ) from None


def comparable(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return results without what two runs may differ in, to compare them."""
    provenance = {k: v for k, v in data["provenance"].items() if k not in UNREPEATABLE}
    return {**data, "provenance": provenance}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `results.json`."""
    return described(StudyResults.model_json_schema(by_alias=True), sys.modules[__name__], SCHEMA)
