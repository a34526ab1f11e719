"""The record of a draw, read and held against the people of the study.

A file alone proves nothing. What counts as a record is the one that `ie.plan.draw` makes, redone
here by SHA-256, or a table with a column that names the units and one that says what each was drawn
for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.plain_files import read_plain_text
from impact_eval.core.provenance import file_sha256
from impact_eval.data.pseudonyms import is_pseudonym, keyed_hash, label_text, session_key
from impact_eval.data.readers.reader import table_endings
from impact_eval.data.reading import read_table
from impact_eval.data.sample import Sample
from impact_eval.diagnostics.assignment_check import DrawRecord
from impact_eval.pipeline.study import Study
from impact_eval.plan.draws import verify_draw

_LARGEST = 100_000_000  # bytes of a record that is read


@dataclass(frozen=True, slots=True)
class DrawProof:
    """What the record of a draw says.

    Attributes
    ----------
    record : DrawRecord
        None declared, not readable as a draw, at odds with the data, or in agreement.
    findings : tuple of Finding
        `draw_record_unread`, `draw_record_wrong`, `draw_record_differs`.
    """

    record: DrawRecord
    findings: tuple[Finding, ...] = ()


def draw_proof(study: Study, sample: Sample) -> DrawProof:
    """Read the record of the draw that a study declares, and hold it against its people.

    Parameters
    ----------
    study : Study
    sample : Sample
        Of the outcome: its units, and who is treated among them.
    """
    name = study.declaration.protocol.draw_record
    if name is None:
        return DrawProof(DrawRecord.NONE)
    place = Place(file=name)
    drawn, faults = ([], False) if _is_data(study, name) else _recorded(study.path(name))
    if faults:
        return DrawProof(DrawRecord.DIFFERS, (Finding.warning("draw_record_wrong", place),))
    known = sample.treated is not None or sample.cohorts is not None
    if sample.unit_codes is None or not known or not drawn:
        return DrawProof(DrawRecord.UNREAD, (Finding.warning("draw_record_unread", place),))
    arms = _arms(sample)
    gaps = [_gap(waves, arms) for waves in drawn]
    least = min((gap for gap in gaps if gap is not None), default=None)
    if least is None:
        return DrawProof(DrawRecord.UNREAD, (Finding.warning("draw_record_unread", place),))
    if least:
        return DrawProof(DrawRecord.DIFFERS, (Finding.warning("draw_record_differs", place),))
    return DrawProof(DrawRecord.AGREES)


def _arms(sample: Sample) -> dict[str, bool]:
    """Return who is helped at one time or another, by unit, hidden."""
    assert sample.unit_codes is not None
    if sample.treated is not None:
        helped = sample.treated
    else:
        assert sample.cohorts is not None
        helped = np.isfinite(sample.cohorts)
    ever = np.bincount(sample.unit_codes, weights=helped, minlength=sample.n_units) > 0
    return dict(zip(map(_shown, sample.unit_labels), ever.tolist(), strict=True))


def _is_data(study: Study, name: str) -> bool:
    """Whether the record is the data themselves, or a copy of them: they say nothing of a draw."""
    tables = {study.path(file) for file, _ in study.declaration.data.tables}
    path = study.path(name)
    sizes = {table.stat().st_size for table in tables if table.is_file()}
    if not path.is_file() or path.stat().st_size not in sizes:
        return False
    own = file_sha256(path)
    return any(file_sha256(table) == own for table in tables if table.is_file())


def _shown(label: object) -> str:
    """Return a unit of the sample as the record's units are hidden: rank left out."""
    text = label_text(label)
    return text.split("-", 1)[1] if is_pseudonym(text) else keyed_hash(text.strip(), session_key())


def _recorded(path: Path) -> tuple[list[dict[str, str]], bool]:
    """Return what each unit was drawn for, once for each column that may say it; and any fault.

    Units are hidden as those of the study are: no name stays in memory longer than its line.
    """
    try:
        if path.stat().st_size > _LARGEST:
            return [], False
        if path.suffix.lower() == ".json":
            return _lottery(path)
        if path.suffix.lower() in table_endings():
            return list(_columns(path)), False
    except (ImpactEvalError, OSError, ValueError, RecursionError):
        return [], False
    return [], False


def _lottery(path: Path) -> tuple[list[dict[str, str]], bool]:
    record = json.loads(read_plain_text(path))
    if not isinstance(record, Mapping):
        return [], False
    codes = {finding.code for finding in verify_draw(record)}
    if "lottery_unreadable" in codes:
        return [], False
    if codes - {"lottery_unsigned", "lottery_signature_differs"}:  # who signed holds the key
        return [], True
    return [{_hidden(unit): str(wave) for unit, wave in record["waves"].items()}], False


def _columns(path: Path) -> Iterator[dict[str, str]]:
    """Yield, for each pair of columns of a table, what the second says of the first."""
    frame = read_table(path)
    for unit in frame.columns:
        names = frame[unit]
        if names.isna().any() or names.duplicated().any():
            continue
        hidden = [_hidden(name) for name in names]
        for arm in frame.columns:
            if arm != unit:
                yield dict(zip(hidden, frame[arm].astype(str), strict=True))


def _hidden(name: Any) -> str:
    return keyed_hash(label_text(name).strip(), session_key())


def _gap(drawn: Mapping[str, str], arms: Mapping[str, bool]) -> int | None:
    """Return how many units are not where a record drew them; None when it draws none of them.

    A word of the record stands for those helped or for those who wait: the one of most of its
    units. A record where one word stands for all drew nobody.
    """
    known = [(drawn[unit], arm) for unit, arm in arms.items() if unit in drawn]
    if 2 * len(known) < len(arms):
        return None
    helped: dict[str, list[bool]] = {}
    for word, arm in known:
        helped.setdefault(word, []).append(arm)
    stands = {word: 2 * sum(found) > len(found) for word, found in helped.items()}
    if len(set(stands.values())) < 2 or len(helped) > max(2, len(known) // 2):
        return None
    wrong = sum(stands[word] is not arm for word, arm in known)
    return wrong + len(arms) - len(known)
