"""Editions of a study: the ledger of what was published, and the operator's own edition beside it.

The ledger lies in the study folder. Two editions made from data that differ by a few people must
not be subtracted: what an earlier one told is given to the gate, which keeps back or coarsens what
would. The operator's edition is made from the same run, in a folder of its own, every page marked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.pipeline.states import OUTPUT
from impact_eval.pipeline.study import Study
from impact_eval.report.masthead import page_meta
from impact_eval.report.narrative import report_blocks
from impact_eval.results.disclosure.releases import ReleasedEdition, read_ledger, write_ledger
from impact_eval.results.disclosure.rounding import round_count
from impact_eval.results.gate import released_counts
from impact_eval.results.records import StudyResults, untimed
from impact_eval.results.study_records import ReleasedCount

INTERNAL = "interne"


def earlier_counts(study: Study, data_sha256: str) -> tuple[ReleasedCount, ...]:
    """Return the counts of people that earlier editions of a study published.

    Parameters
    ----------
    study : Study
    data_sha256 : str
        Fingerprint of the data as they are now.

    Raises
    ------
    ImpactEvalError
        `releases_damaged`, `releases_altered`.
    """
    ledger = read_ledger(study.folder)
    return tuple(
        ReleasedCount(
            key=key,
            count=count,
            same_source=entry.data == data_sha256 and entry.study == study.digest,
        )
        for entry in ledger.entries
        for key, count in entry.counts.items()
    )


def earlier_sha256(study: Study, data_sha256: str) -> str:
    """Return the hash of what editions from other data or another declaration published.

    The results of a run heed them: when they change, the same study and data may tell less.

    Parameters
    ----------
    study : Study
    data_sha256 : str
        Fingerprint of the data of the run.
    """
    told = {
        (count.key, count.count)
        for count in earlier_counts(study, data_sha256)
        if not count.same_source
    }
    return sha256(canonical_json(sorted(told)))


def record_release(study: Study, results: StudyResults) -> None:
    """Write in the ledger what an edition let out; one that tells nothing new adds no line."""
    base = study.profile.count_base
    counts = {key: round_count(n, base) for key, n in released_counts(results).items()}
    edition = ReleasedEdition(
        data=results.provenance.data_sha256, study=study.digest, counts=counts
    )
    ledger = read_ledger(study.folder)
    today = dt.datetime.now(tz=dt.UTC).date()
    write_ledger(ledger.with_entry(edition, day=today), study.folder)


def internal_folder(target: Path) -> Path:
    """Return the folder of the operator's own edition: beside the published one, never in it."""
    name = INTERNAL if target.name == OUTPUT else f"{target.name}-{INTERNAL}"
    return target.with_name(name)


def write_internal(
    results: StudyResults,
    folder: Path,
    languages: Sequence[str],
    formats: Sequence[str],
) -> None:
    """Write the operator's own edition: its report, every page marked, and its results.

    Parameters
    ----------
    results : StudyResults
        Of the internal edition.
    folder : Path
        Empty.
    languages, formats : sequences
        Of the report.
    """
    from impact_eval.pipeline.exporters import EXPORTERS

    results.write(folder)
    blocks = report_blocks(untimed(results))
    for kind in formats:
        for language in languages:
            exporter = EXPORTERS[kind](language=language)
            content = exporter.render(blocks, page_meta(results))
            path = folder / f"{INTERNAL}-{language}.{kind}"
            path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
