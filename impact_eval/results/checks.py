"""Checks as records, one kind for each check: what it found, on which rows, or why it cannot.

A check of another package has no kind here: its status travels, its numbers stay inside until it
declares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias, get_args

from pydantic import Discriminator, Tag, TypeAdapter, WithJsonSchema

from impact_eval.core.findings import NotApplicable
from impact_eval.diagnostics.check import CheckResult, CheckStatus
from impact_eval.results.check_base import CheckBase, NoRow, NoValues
from impact_eval.results.checks_of_groups import (
    AttritionCheckRecord,
    BalanceCheck,
    ConfoundingCheck,
    OverlapCheck,
    RandomAssignmentCheck,
)
from impact_eval.results.checks_of_places import (
    BaconCheckRecord,
    FewClustersCheckRecord,
    LeaveOneOutCheck,
    NegativeWeightsCheck,
    SyntheticFitCheck,
)
from impact_eval.results.checks_of_time import (
    AnticipationCheck,
    CompositionCheck,
    HonestCheckRecord,
    PlaceboCheck,
    PretrendsCheck,
)
from impact_eval.results.finding_records import RefusalRecord
from impact_eval.results.parts import finite
from impact_eval.results.record_base import (
    Code,
    Record,
)
from impact_eval.results.value_names import Value

KINDS: tuple[type[CheckBase], ...] = (
    RandomAssignmentCheck,
    PretrendsCheck,
    HonestCheckRecord,
    LeaveOneOutCheck,
    PlaceboCheck,
    AnticipationCheck,
    CompositionCheck,
    BalanceCheck,
    OverlapCheck,
    AttritionCheckRecord,
    ConfoundingCheck,
    FewClustersCheckRecord,
    BaconCheckRecord,
    NegativeWeightsCheck,
    SyntheticFitCheck,
)
CODES = frozenset(
    str(code)
    for kind in KINDS
    for code in getattr(kind.model_fields["code"].annotation, "__args__", ())
)
# A schema reader must not take a check of ours for one of another package.
_NOT_OURS = {
    "type": "string",
    "pattern": r"^[a-z0-9][a-z0-9_.\-]*$",
    "maxLength": 80,
    "not": {"enum": sorted(CODES)},
}


class OtherCheck(CheckBase):
    """A check of another package: its status alone."""

    code: Annotated[Code, WithJsonSchema(_NOT_OURS)]
    """Name of the check; not one of ours."""
    values: NoValues | None
    """None."""
    rows: tuple[NoRow, ...]
    """None."""


def _kind_of(value: object) -> str:
    """Return the tag of a check: its code when it is one of ours, else `other`."""
    code = value.get("code") if isinstance(value, dict) else getattr(value, "code", None)
    return str(code) if code in CODES else "other"


AnyCheck: TypeAlias = Annotated[
    Annotated[RandomAssignmentCheck, Tag("random_assignment")]
    | Annotated[PretrendsCheck, Tag("pretrends")]
    | Annotated[HonestCheckRecord, Tag("honest_did")]
    | Annotated[LeaveOneOutCheck, Tag("leave_one_out")]
    | Annotated[PlaceboCheck, Tag("placebo")]
    | Annotated[AnticipationCheck, Tag("anticipation")]
    | Annotated[CompositionCheck, Tag("composition")]
    | Annotated[BalanceCheck, Tag("balance")]
    | Annotated[OverlapCheck, Tag("overlap")]
    | Annotated[AttritionCheckRecord, Tag("attrition")]
    | Annotated[ConfoundingCheck, Tag("confounding")]
    | Annotated[FewClustersCheckRecord, Tag("few_clusters")]
    | Annotated[BaconCheckRecord, Tag("bacon")]
    | Annotated[NegativeWeightsCheck, Tag("negative_weights")]
    | Annotated[SyntheticFitCheck, Tag("synthetic_fit")]
    | Annotated[OtherCheck, Tag("other")],
    Discriminator(_kind_of),
]

_ADAPTER: TypeAdapter[AnyCheck] = TypeAdapter(AnyCheck)
_BY_CODE: Mapping[str, type[CheckBase]] = {
    str(get_args(kind.model_fields["code"].annotation)[0]): kind for kind in KINDS
}


def _part(kind: type[CheckBase], name: str) -> type[Record]:
    """Return the record type of the values, or of the rows, of a kind of check."""
    found = [t for t in get_args(kind.model_fields[name].annotation) if t is not Ellipsis]
    for part in found:
        if isinstance(part, type) and issubclass(part, Record):
            return part
    return NoValues


def _held(part: type[Record], values: Mapping[str, Value]) -> dict[str, object]:
    """Return the values that a record declares; those that a check did not give are empty."""
    held: dict[str, object] = {}
    for name in part.model_fields:
        value = values.get(name)
        if isinstance(value, float):
            value = finite(value)
        held[name] = value
    return held


def check_of(result: CheckResult) -> AnyCheck:
    """Return the record of what a check found.

    Parameters
    ----------
    result : CheckResult
        A code that is not one of `CODES` keeps its status and loses its numbers.
    """
    kind = _BY_CODE.get(result.code, OtherCheck)
    absent = result.status is CheckStatus.NOT_APPLICABLE
    values, row = _part(kind, "values"), _part(kind, "rows")
    told = any(name in values.model_fields for name in result.values)
    known = kind is not OtherCheck
    refusal = (
        RefusalRecord.of(NotApplicable(result.reason, result.values))
        if absent and result.reason is not None
        else None
    )
    return _ADAPTER.validate_python(
        {
            "code": result.code,
            "status": result.status,
            "statistic": finite(result.statistic) if known else None,
            "p_value": finite(result.p_value) if known else None,
            "reason": result.reason,
            "refusal": refusal,
            "values": _held(values, result.values) if known and told else None,
            "rows": tuple(_held(row, r) for r in result.rows) if known else (),
        }
    )


class CheckRecord(Record):
    """A check of one outcome: its status, its statistic, or the reason there is none."""

    outcome: Code
    """Identifier of the outcome."""
    check: AnyCheck
    """What it found."""
