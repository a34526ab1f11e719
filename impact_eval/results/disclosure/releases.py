"""The ledger of releases: what each edition of a study let out, so that two cannot be subtracted.

`publications.json` stays in the study folder. Each entry holds the hash of the one before and its
own, so that a line changed by hand or damaged is seen. There is no secret in it: it guards against
accidents, not against somebody who writes the whole chain again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.plain_files import read_plain
from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.core.whole_files import write_whole
from impact_eval.results.disclosure.suppression import far_apart

FILE = "publications.json"
SCHEMA: Final = "impact-eval/releases/1"
FIRST = "0" * 64  # what the first entry says came before

Digest: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# A place in the results: table, arm, outcome. No space and no accent: never a person's name.
Key: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/=\[\]-]{1,200}$")]
Count: TypeAlias = Annotated[int, Field(ge=0)]


class _LedgerPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ReleasedEdition(_LedgerPart):
    """What one edition is made from and lets out.

    Attributes
    ----------
    data : str
        Fingerprint of the data.
    study : str
        Digest of the study file.
    counts : mapping of str to int
        Released counts of people, by their place: table, arm, outcome.
    """

    data: Digest
    study: Digest
    counts: Mapping[Key, Count]

    def same_source(self, other: ReleasedEdition) -> bool:
        """Whether two editions come from the same data and the same study file."""
        return self.data == other.data and self.study == other.study


class ReleaseEntry(ReleasedEdition):
    """One edition that left, and its link to the one before.

    Attributes
    ----------
    edition : int
        1 for the first.
    day : date
    previous, hash : str
        Hash of the entry before; hash of this one's content, that link included.
    """

    edition: Annotated[int, Field(ge=1)]
    day: date
    previous: Digest
    hash: Digest

    def content_hash(self) -> str:
        """Return the hash of everything but the hash itself."""
        return sha256(canonical_json(self.model_dump(mode="json", exclude={"hash"})))


class Ledger(_LedgerPart):
    """The editions that left, in order.

    Attributes
    ----------
    format : str
    entries : tuple of ReleaseEntry

    Examples
    --------
    >>> edition = ReleasedEdition(data="a" * 64, study="b" * 64, counts={"flow/kept": 120})
    >>> once = Ledger().with_entry(edition, day=date(2025, 3, 1))
    >>> once.with_entry(edition, day=date(2025, 4, 1)) == once  # nothing new was let out
    True
    >>> later = edition.model_copy(update={"data": "c" * 64, "counts": {"flow/kept": 117}})
    >>> conflicts(once, later, 11)
    ('flow/kept',)
    """

    format: Literal["impact-eval/releases/1"] = Field(default=SCHEMA, alias="schema")
    entries: tuple[ReleaseEntry, ...] = ()

    def with_entry(self, edition: ReleasedEdition, *, day: date) -> Ledger:
        """Return the ledger with what an edition let out.

        Parameters
        ----------
        edition : ReleasedEdition
            Its `counts` are those that left, as they left.
        day : date

        Returns
        -------
        Ledger
            The same when an edition from the same data and study let out all of it already, so
            that running twice leaves the same bytes.
        """
        if any(_within(edition, entry) for entry in self.entries):
            return self
        entry = ReleaseEntry(
            edition=len(self.entries) + 1,
            day=day,
            data=edition.data,
            study=edition.study,
            counts=dict(edition.counts),
            previous=self.entries[-1].hash if self.entries else FIRST,
            hash=FIRST,
        )
        sealed = entry.model_copy(update={"hash": entry.content_hash()})
        return self.model_copy(update={"entries": (*self.entries, sealed)})

    def first_altered(self) -> int | None:
        """Return the number of the first entry that is not what was written; None when all are."""
        previous = FIRST
        for position, entry in enumerate(self.entries, start=1):
            linked = entry.previous == previous and entry.edition == position
            if not linked or entry.hash != entry.content_hash():
                return position
            previous = entry.hash
        return None

    def to_json(self) -> str:
        """Return the text of `publications.json`."""
        data = self.model_dump(mode="json", by_alias=True)
        return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _within(edition: ReleasedEdition, entry: ReleaseEntry) -> bool:
    """Whether an entry of the same source holds all that an edition lets out."""
    return edition.same_source(entry) and edition.counts.items() <= entry.counts.items()


def conflicts(ledger: Ledger, candidate: ReleasedEdition, threshold: int) -> tuple[str, ...]:
    """Return the counts that an earlier edition told with a few people more or less.

    Parameters
    ----------
    ledger : Ledger
    candidate : ReleasedEdition
        What would leave.
    threshold : int

    Returns
    -------
    tuple of str
        Keys whose count is 1 to `threshold - 1` away from what an earlier edition let out, sorted:
        to be withheld or told more coarsely. A count that an edition from the same data and study
        already let out, as it is, is no conflict: it tells nothing new.
    """
    out = []
    for key, count in candidate.counts.items():
        published = [entry for entry in ledger.entries if key in entry.counts]
        if any(candidate.same_source(e) and e.counts[key] == count for e in published):
            continue
        if not all(far_apart(count, e.counts[key], threshold=threshold) for e in published):
            out.append(key)
    return tuple(sorted(out))


def read_ledger(path: str | Path) -> Ledger:
    """Read the ledger of a study.

    Parameters
    ----------
    path : path
        `publications.json`, or the folder that holds it.

    Returns
    -------
    Ledger
        Empty when there is no such file: nothing was published yet.

    Raises
    ------
    ImpactEvalError
        `releases_damaged`: not such a file; `releases_altered`: an entry is not what was written.
    """
    file = _file(path)
    place = Place(file=file.name)
    try:
        ledger = Ledger.model_validate_json(read_plain(file))
    except FileNotFoundError:
        return Ledger()
    except (OSError, ValidationError, ImpactEvalError) as fault:
        raise ImpactEvalError(Finding.error("releases_damaged", place, file=file.name)) from fault
    if ledger.model_fields_set != set(Ledger.model_fields):  # {} is not an empty ledger
        raise ImpactEvalError(Finding.error("releases_damaged", place, file=file.name))
    altered = ledger.first_altered()
    if altered is not None:
        raise ImpactEvalError(
            Finding.error("releases_altered", place, file=file.name, edition=altered)
        )
    return ledger


def write_ledger(ledger: Ledger, path: str | Path) -> Path:
    """Write the ledger of a study, whole or not at all.

    Parameters
    ----------
    ledger : Ledger
    path : path
        `publications.json`, or the folder that will hold it.

    Returns
    -------
    Path
        The file; it is not touched when it already says the same, nor made for an empty ledger.

    Raises
    ------
    ImpactEvalError
        `releases_behind`: the file holds editions that this ledger does not know, another run
        having written meanwhile; and those of `read_ledger`.
    """
    file = _file(path)
    there = read_ledger(file)
    if there == ledger:
        return file
    if ledger.entries[: len(there.entries)] != there.entries:
        raise ImpactEvalError(
            Finding.error("releases_behind", Place(file=file.name), file=file.name)
        )
    write_whole(file, ledger.to_json())
    return file


def _file(path: str | Path) -> Path:
    given = Path(path)
    return given / FILE if given.is_dir() else given
