"""What not to conclude, and where the numbers come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from impact_eval.core.findings import Severity
from impact_eval.core.vocabulary import Unit as Vocabulary
from impact_eval.report.blocks import (
    AnyBlock,
    Column,
    Form,
    Heading,
    Limitation,
    Messages,
    Paragraph,
    Said,
    Table,
    Words,
    say,
)
from impact_eval.report.wording import (
    CAUSAL_FROM,
    LARGE_SHARE,
    Result,
    Verdict,
    assumption_clause,
    headline_results,
    of_territories,
    said,
    told,
    written,
)

Results = Mapping[str, Any]

MANY_OUTCOMES = 5
# what a corrected interval makes moot: `limits.few_corrected` says it instead
OF_USUAL_MARGIN = frozenset({"few_clusters", "few_treated_units", "few_treated_clusters"})
SAID_BY_LEVEL = frozenset({"no_comparison_group"})  # what the limits of the level already say


def limit_blocks(results: Results) -> list[AnyBlock]:
    """Return the limits in words: of the design, of the precision, of the data."""
    found = headline_results(results.get("estimates", ()))
    out: list[AnyBlock] = [
        Heading(level=2, words=say("report.section.limits"), anchor="limits"),
        Paragraph(words=(say("limits.intro"),)),
    ]
    limits = [_of_level(result) for result in _one_per_level(found)]
    limits += [limit for result in found[:1] for limit in _of_precision(result)]
    limits += [_large(result) for result in found if _is_large(result)]
    if len(found) >= MANY_OUTCOMES:
        limits.append(Limitation(words=say("limits.multiple", n=len(found))))
    corrected = _corrected(results)
    if corrected:
        limits.append(_few_corrected(next(iter(corrected.values()))))
    labels = {r["outcome"]: said(r.get("label") or r["outcome"]) for r in main_records(results)}
    findings = [f for f in results.get("findings", ()) if not _is_corrected(f, corrected)]
    limits += finding_limits(findings, labels)
    once = {told(limit.words): limit for limit in reversed(limits)}
    return [*out, *reversed(once.values())] if once else [*out, _no_limit()]


def _no_limit() -> Paragraph:
    return Paragraph(words=(say("limits.none"),))


def _one_per_level(found: Sequence[Result]) -> list[Result]:
    return list({result.level: result for result in reversed(found)}.values())[::-1]


def _of_level(result: Result) -> Limitation:
    level = result.level
    values = {"assumption": assumption_clause(result.method)} if level == CAUSAL_FROM else {}
    repair = f"limits.repair{level}"
    return Limitation(
        words=say(f"limits.level{level}", **values),
        repair=say(repair) if written(repair) else None,
    )


def _of_precision(result: Result) -> list[Limitation]:
    low, high = result.effect.conf_low, result.effect.conf_high
    if result.verdict is not Verdict.INCONCLUSIVE or low is None or high is None:
        return []
    ends = {
        name: result.unit.change(value, result.digits)
        for name, value in (("low", low), ("high", high))
    }
    return [Limitation(words=say("limits.imprecise", **ends), severity="info")]


def _is_large(result: Result) -> bool:
    estimate = result.effect.estimate
    share = result.unit.code == Vocabulary.SHARE
    return share and estimate is not None and abs(estimate) > LARGE_SHARE


def _large(result: Result) -> Limitation:
    return Limitation(
        words=say("limits.large", outcome=result.outcome, amount=result.amount()),
        repair=say("limits.large_repair"),
    )


def main_records(results: Results) -> list[Mapping[str, Any]]:
    """Return the records of the results announced, without their details."""
    return [r for r in results.get("estimates", ()) if r.get("role", "main") == "main"]


def _corrected(results: Results) -> dict[str, Mapping[str, Any]]:
    """Return, by outcome, the inference whose printed interval allows for few territories."""
    found = {}
    for outcome, entry in (results.get("dossier") or {}).items():
        inference = (entry or {}).get("inference") or {}
        announced = [r for r in inference.get("rows", ()) if r["status"] == "headline"]
        if any(row.get("conf_low") is not None for row in announced):
            found[outcome] = inference
    return found


def _few_corrected(inference: Mapping[str, Any]) -> Limitation:
    n, treated = inference["n_clusters"], inference["n_treated"]
    return Limitation(
        words=say("limits.few_corrected", n=n, treated=treated),
        repair=say("limits.few_corrected_repair"),
    )


def _is_corrected(finding: Mapping[str, Any], corrected: Mapping[str, Any]) -> bool:
    """Whether a warning on the usual margin of error is moot: another one is printed."""
    outcomes = finding.get("outcomes") or ()
    return finding["code"] in OF_USUAL_MARGIN and bool(outcomes) and set(outcomes) <= set(corrected)


def _about(words: Words, finding: Mapping[str, Any], labels: Mapping[str, Said]) -> Words:
    """Return words with the outcomes they are about, when they are not about all."""
    names = [labels[o] for o in finding.get("outcomes") or () if o in labels]
    if not names or len(names) == len(labels):
        return words
    return say("limits.about", words=words, names=names, n=len(names))


def finding_limits(
    findings: Sequence[Mapping[str, Any]], labels: Mapping[str, Said] | None = None
) -> list[Limitation]:
    """Return findings as limitations, the weightiest first; what only explains comes last."""
    order = [severity.value for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO)]
    out = []
    for data in sorted(findings, key=lambda f: order.index(f["severity"])):
        code, values = data["code"], dict(data.get("values", {}))
        if code in SAID_BY_LEVEL:
            continue
        repair = f"finding.{code}.repair"
        out.append(
            Limitation(
                words=_about(say(f"finding.{code}", **values), data, labels or {}),
                repair=say(repair, **values) if written(repair) else None,
                severity=data["severity"],
            )
        )
    return out


# ------------------------------------------------------------------ provenance


def provenance_blocks(results: Results) -> list[AnyBlock]:
    """Return where the numbers come from, and what was withheld."""
    record = results.get("provenance") or {}
    rows: list[tuple[Said, Said]] = []
    for key, name in (
        ("run_at", "run_at"),
        ("data_sha256", "data"),
        ("study_sha256", "study"),
        ("template_sha256", "template"),
    ):
        if record.get(key):
            rows.append((say(f"provenance.{name}"), _shown(key, str(record[key]))))
    if record.get("seed") is not None:
        rows.append((say("provenance.seed"), str(record["seed"])))
    for name, version in sorted((record.get("versions") or {}).items()):
        rows.append((say("provenance.version", name=name), str(version)))
    table = Table(
        caption=say("provenance.caption"),
        columns=(
            Column(key="item", label=say("provenance.item"), header=True),
            Column(key="value", label=say("provenance.value"), form=Form.TEXT),
        ),
        rows=tuple(rows),
    )
    return [
        Heading(level=2, words=say("report.section.provenance"), anchor="provenance"),
        Paragraph(words=(say("provenance.sentence"), say("provenance.verify"))),
        *([table] if rows else []),
        *_references(results),
        *disclosure_blocks(results.get("disclosure") or {}, results),
    ]


def _shown(key: str, value: str) -> Said:
    """Return a fingerprint cut to what an eye can compare (`results.json` has the whole), a day."""
    return value[:16] if key.endswith("sha256") else say("provenance.day", day=value)


def _references(results: Results) -> list[AnyBlock]:
    from impact_eval.core.findings import ImpactEvalError
    from impact_eval.designs import designs

    found: dict[str, None] = {}
    for record in results.get("estimates", ()):
        try:
            info = designs.get(record["estimate"]["method"]["name"]).info
        except ImpactEvalError:
            continue
        found.update(dict.fromkeys(f"doi:{doi}" for doi in info.references))
    if not found:
        return []
    return [Messages(title=say("provenance.references"), items=tuple(found))]


def disclosure_blocks(disclosure: Mapping[str, Any], results: Results) -> list[AnyBlock]:
    """Return the rule that protects people, and how many numbers it kept back."""
    privacy = results.get("study", {}).get("privacy") or {}
    threshold = disclosure.get("threshold") or privacy.get("threshold")
    if threshold is None:
        return []
    heading = Heading(level=3, words=say("report.section.disclosure"))
    withheld = disclosure.get("withheld", 0)
    if of_territories(results) and not withheld:
        return [heading, Paragraph(words=(say("disclosure.rule_territories"),))]
    sentence = (
        say("disclosure.sentence", n=withheld)
        if withheld
        else say("disclosure.sentence_none", threshold=threshold)
    )
    return [
        heading,
        Paragraph(words=(say("disclosure.rule", threshold=threshold), sentence)),
    ]
