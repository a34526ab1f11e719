"""What not to conclude, and where the numbers come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from impact_eval.core.findings import ImpactEvalError, Severity
from impact_eval.core.vocabulary import RowsAre
from impact_eval.core.vocabulary import Unit as Vocabulary
from impact_eval.designs import designs
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
from impact_eval.report.edition import INTERNAL, marked
from impact_eval.report.wording import (
    CAUSAL_FROM,
    LARGE_SHARE,
    Counted,
    Result,
    ZeroVerdict,
    assumption_clause,
    count_or_words,
    finding_code,
    headline_results,
    of_territories,
    one_text,
    said,
    spoken,
    written,
)
from impact_eval.results.finding_records import FindingRecord, NoticedRecord
from impact_eval.results.records import StudyResults
from impact_eval.results.study_records import InferenceRecord, Provenance

MANY_OUTCOMES = 5
ASKED = "asked"  # the margin printed is one asked for by name: not corrected for few
# what a corrected interval makes moot: `limits.few_corrected` says it instead
OF_USUAL_MARGIN = frozenset({"few_clusters", "few_treated_units", "few_treated_clusters"})
SAID_BY_LEVEL = frozenset({"no_comparison_group"})  # what the limits of the level already say


def limit_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return the limits in words: of the design, of the precision, of the data."""
    found = headline_results(results.estimates)
    out: list[AnyBlock] = [
        Heading(level=2, words=say("report.section.limits"), anchor="limits"),
        Paragraph(words=(say("limits.intro"),)),
    ]
    limits = [_of_level(result, found) for result in _one_per_level(found)]
    limits += [limit for result in found[:1] for limit in _of_precision(result)]
    limits += [_large(result) for result in found if _is_large(result)]
    if len(found) >= MANY_OUTCOMES:
        limits.append(Limitation(words=say("limits.multiple", n=len(found))))
    corrected = _corrected(results)
    limits += [
        _few_corrected(inference, results.of(outcome).clusters)
        for outcome, inference in list(corrected.items())[:1]
    ]
    labels = {record.outcome: said(record.label) for record in results.headlines}
    findings = [f for f in results.findings if not _is_corrected(f, corrected)]
    limits += finding_limits(findings, labels)
    once = {one_text(limit.words): limit for limit in reversed(limits)}
    out += list(reversed(once.values())) if once else [_no_limit()]
    return marked(out, results.disclosure)


def _no_limit() -> Paragraph:
    return Paragraph(words=(say("limits.none"),))


def _one_per_level(found: Sequence[Result]) -> list[Result]:
    return list({result.level: result for result in reversed(found)}.values())[::-1]


def _of_level(result: Result, found: Sequence[Result]) -> Limitation:
    """Return the limit of a level; where results have several, of whose it is."""
    level = result.level
    code, repair = f"limits.level{level}", f"limits.repair{level}"
    believed = level == CAUSAL_FROM
    words = say(code, assumption=assumption_clause(result.method)) if believed else say(code)
    names = [other.outcome for other in found if other.level == level]
    if len(names) < len(found):
        words = say("limits.about", words=words, names=names, n=len(names))
    return Limitation(words=words, repair=say(repair) if written(repair) else None)


def _of_precision(result: Result) -> list[Limitation]:
    low, high = result.effect.conf_low, result.effect.conf_high
    if result.verdict is not ZeroVerdict.INCONCLUSIVE or low is None or high is None:
        return []
    ends = [result.unit.change(value, result.digits) for value in (low, high)]
    words = say("limits.imprecise", low=ends[0], high=ends[1])
    return [Limitation(words=words, severity="info")]


def _is_large(result: Result) -> bool:
    estimate = result.effect.estimate
    share = result.unit.code == Vocabulary.SHARE
    return share and estimate is not None and abs(estimate) > LARGE_SHARE


def _large(result: Result) -> Limitation:
    return Limitation(
        words=say("limits.large", outcome=result.outcome, amount=result.amount()),
        repair=say("limits.large_repair"),
    )


def _corrected(results: StudyResults) -> dict[str, InferenceRecord]:
    """Return, by outcome, the inference whose printed interval allows for few territories."""
    found = {}
    for outcome, entry in results.dossier.items():
        inference = entry.inference
        if inference is None:
            continue
        announced = [row for row in inference.rows if row.status == "headline"]
        if any(row.conf_low is not None and row.method != ASKED for row in announced):
            found[outcome] = inference
    return found


def _few_corrected(inference: InferenceRecord, clusters: RowsAre) -> Limitation:
    people = "_people" if clusters is RowsAre.PEOPLE else ""
    how = "corrected" if inference.n_draws else "adjusted"
    return Limitation(
        words=say(
            f"limits.few_{how}{people}",
            n=count_or_words(inference.n_clusters),
            treated=count_or_words(inference.n_treated),
        ),
        repair=None if people else say("limits.few_corrected_repair"),
    )


def _is_corrected(finding: NoticedRecord, corrected: Mapping[str, InferenceRecord]) -> bool:
    """Whether a warning on the usual margin of error is moot: another one is printed."""
    outcomes = finding.outcomes
    return finding.code in OF_USUAL_MARGIN and bool(outcomes) and set(outcomes) <= set(corrected)


def _about(words: Words, finding: FindingRecord, labels: Mapping[str, Said]) -> Words:
    """Return words with the outcomes they are about, when they are not about all."""
    outcomes = finding.outcomes if isinstance(finding, NoticedRecord) else ()
    names = [labels[o] for o in outcomes if o in labels]
    if not names or len(names) == len(labels):
        return words
    return say("limits.about", words=words, names=names, n=len(names))


def finding_limits(
    findings: Sequence[FindingRecord], labels: Mapping[str, Said] | None = None
) -> list[Limitation]:
    """Return findings as limitations, the weightiest first; what only explains comes last."""
    order = (Severity.ERROR, Severity.WARNING, Severity.INFO)
    out = []
    for finding in sorted(findings, key=lambda f: order.index(f.severity)):
        if finding.code in SAID_BY_LEVEL:
            continue
        repair, values = f"finding.{finding.code}.repair", spoken(finding.code, finding.values)
        out.append(
            Limitation(
                words=_about(
                    say(finding_code(finding.code, finding.values), **values), finding, labels or {}
                ),
                repair=say(repair, **values) if written(repair) else None,
                severity=finding.severity.value,
            )
        )
    return out


# ------------------------------------------------------------------ provenance


def provenance_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return where the numbers come from, and what was withheld."""
    rows = _made_by(results.provenance)
    table = Table(
        caption=say("provenance.caption"),
        columns=(
            Column(key="item", label=say("provenance.item"), header=True),
            Column(key="value", label=say("provenance.value"), form=Form.TEXT),
        ),
        rows=tuple(rows),
    )
    blocks: list[AnyBlock] = [
        Heading(level=2, words=say("report.section.provenance"), anchor="provenance"),
        Paragraph(words=(say("provenance.sentence"), say("provenance.verify"))),
        table,
        *_references(results),
        *disclosure_blocks(results),
    ]
    return marked(blocks, results.disclosure)


def _made_by(record: Provenance) -> list[tuple[Said, Said]]:
    """Return what made the result, line by line; a day that is not told has no line.

    Fingerprints are cut to what an eye can compare: `results.json` has the whole.
    """
    rows: list[tuple[Said, Said]] = []
    if record.run_at:
        rows.append((say("provenance.run_at"), say("provenance.day", day=record.run_at)))
    for name, digest in (
        ("data", record.data_sha256),
        ("study", record.study_sha256),
        ("template", record.template_sha256),
    ):
        if digest:
            rows.append((say(f"provenance.{name}"), digest[:16]))
    rows.append((say("provenance.seed"), str(record.seed)))
    for name, version in sorted(record.versions.items()):
        rows.append((say("provenance.version", name=name), version))
    return rows


def _references(results: StudyResults) -> list[AnyBlock]:
    found: dict[str, None] = {}
    for record in results.estimates:
        try:
            info = designs.get(record.estimate.method.name).info
        except ImpactEvalError:
            continue
        found.update(dict.fromkeys(f"doi:{doi}" for doi in info.references))
    if not found:
        return []
    return [Messages(title=say("provenance.references"), items=tuple(found))]


def disclosure_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return the rule that protects people, and how many numbers it kept back."""
    threshold, withheld = results.disclosure.threshold, results.disclosure.withheld
    heading = Heading(level=3, words=say("report.section.disclosure"))
    until = results.study.privacy.keep_until
    kept = () if until is None else (say("disclosure.kept_until", day=until),)
    if results.disclosure.edition == INTERNAL:
        return [heading, Paragraph(words=(say("disclosure.rule_internal"), *kept))]
    everything: tuple[Counted, ...] = (results.data, *results.estimates, *results.scores)
    if of_territories(*everything) and not withheld:
        return [heading, Paragraph(words=(say("disclosure.rule_territories"), *kept))]
    sentence = (
        say("disclosure.sentence", n=withheld)
        if withheld
        else say("disclosure.sentence_none", threshold=threshold)
    )
    words = [say("disclosure.rule", threshold=threshold), sentence]
    reason = results.study.privacy.reason
    if reason is not None:
        words.insert(1, say("disclosure.reason", reason=said(reason)))
    return [heading, Paragraph(words=(*words, *kept))]
