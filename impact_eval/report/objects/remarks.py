"""What was noticed, on a screen: findings with their repair, reasons, answers of checks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from impact_eval.core.findings import Finding, NotApplicable, Scalar, Severity, Value
from impact_eval.diagnostics.check import CheckResult, CheckStatus
from impact_eval.report.blocks import AnyBlock, Limitation, Paragraph, Said, SayValue, say
from impact_eval.report.narrative_checks import check_finding
from impact_eval.report.typography import readable
from impact_eval.report.wording import pick, written
from impact_eval.results.checks import CODES, check_of

MOST = 3  # findings told in full; the object holds the others
LONGEST = 60  # characters of a name that comes from a file
_WEIGHT = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def noticed(findings: Sequence[Finding], most: int = MOST) -> list[AnyBlock]:
    """Return the findings of an object in words, the heaviest first, and how many are left."""
    if not findings:
        return []
    ordered = sorted(findings, key=lambda finding: _WEIGHT.index(finding.severity))
    out: list[AnyBlock] = [limitation(finding) for finding in ordered[:most]]
    left = len(ordered[most:])
    if left:
        out.append(Limitation(words=say("shown.more_findings", n=left), severity="info"))
    return out


def limitation(finding: Finding) -> Limitation:
    """Return a finding in words, with how to mend it; an unknown code is told with its values."""
    code, values = f"finding.{finding.code}", sayable(finding.values)
    return Limitation(
        words=say(code, **values),
        repair=say(f"{code}.repair", **values) if written(f"{code}.repair") else None,
        severity=finding.severity.value,
    )


def sayable(values: Mapping[str, Value]) -> dict[str, SayValue]:
    """Return values that a block can hold: what is not a finite number is not known."""
    return {
        name: tuple(map(_finite, value)) if isinstance(value, tuple) else _finite(value)
        for name, value in values.items()
    }


def _finite(value: Scalar) -> Scalar:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def named(name: str) -> str:
    """Return a name that comes from a file: what can be read of it, cut to what a line can hold."""
    told = readable(name)
    return told if len(told) <= LONGEST else f"{told[: LONGEST - 1]}…"


def known(text: str, *codes: str) -> Said:
    """Return the words of the first code that has some; else a name of the user's, as it is."""
    return next((say(code) for code in codes if written(code)), named(text))


def finding_card(finding: Finding) -> list[AnyBlock]:
    """Return one finding."""
    return [limitation(finding)]


def reason_card(reason: NotApplicable) -> list[AnyBlock]:
    """Return why something is not computed."""
    codes = (f"reason.{reason.reason}", f"finding.{reason.reason}")
    words = pick(*codes, codes[0], **sayable(reason.values))
    return [Paragraph(words=(say("checks.reason_na", reason=words),))]


def check_card(result: CheckResult) -> list[AnyBlock]:
    """Return the answer of a check: its name, its status, what it found."""
    code = result.code
    name = known(code, f"check.{code}.name", f"check.{code}", f"label.{code}")
    head = say("shown.check", check=name, status=say(f"checks.{result.status.value}"))
    if result.status is CheckStatus.NOT_APPLICABLE:  # the reason says it
        head = say("shown.check_absent", check=name)
    words: list[Said] = [head]
    if code in CODES:  # what another package's check found has no words here
        words.append(check_finding(check_of(result)))
    if result.rows:
        words.append(say("shown.rows", n=len(result.rows)))
    return [Paragraph(words=tuple(words))]


BUILDERS: Mapping[str, Callable[..., list[AnyBlock]]] = MappingProxyType(
    {
        "CheckResult": check_card,
        "Finding": finding_card,
        "NotApplicable": reason_card,
    }
)
