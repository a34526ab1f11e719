"""`verify`: hold a published folder against itself and against a second run.

Three words. Complete: every file is there and no other. Consistent: each file is what the results
make it. Stable: the same computation gives the same results. Nothing written in the folder is
trusted, and each difference says which file, and where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.machine_faults import machine_faults_told
from impact_eval.pipeline.checker import FILE as CONTROL
from impact_eval.pipeline.crate import FILE as CRATE
from impact_eval.pipeline.difference_records import MOST_TOLD, Aspect, Difference
from impact_eval.pipeline.edition_checks import (
    Checked,
    Remade,
    check_edition,
    recorded_asked,
    recorded_study,
    recorded_template,
    result_findings,
)
from impact_eval.pipeline.edition_files import NOTEBOOK, RESULTS, Asked
from impact_eval.pipeline.run_folder import temporary_folder
from impact_eval.pipeline.runner import run_apart
from impact_eval.pipeline.states import OUTPUT
from impact_eval.pipeline.study import Study
from impact_eval.results.records import StudyResults

_MARKS = (RESULTS, NOTEBOOK, CRATE, CONTROL)  # a folder that holds one of them is an edition
Again = Callable[[Study, str], StudyResults]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a published folder is, held against itself and against a second run.

    Attributes
    ----------
    complete : bool
        Every file of the edition is there, and no other.
    stable : bool or None
        A second run gives the same results but for `run_at`; None when the study is not at hand.
    consistent : bool
        Each file is the one that the results make.
    differences : tuple of Difference
        Each names the file, and the key path, the row and the column where they are known.
    """

    complete: bool
    stable: bool | None
    consistent: bool
    differences: tuple[Difference, ...]

    @property
    def verified(self) -> bool:
        """Whether all three hold, and are known to."""
        return self.complete and self.stable is True and self.consistent

    def of(self, aspect: Aspect) -> tuple[Difference, ...]:
        """Return the differences that deny one of the three words."""
        return tuple(one for one in self.differences if one.aspect is aspect)

    def to_dict(self) -> dict[str, Any]:
        """Return the verification as JSON."""
        return {
            "complete": self.complete,
            "stable": self.stable,
            "consistent": self.consistent,
            "differences": [one.to_dict() for one in self.differences],
        }


def verify(folder: str | Path, *, study: str | Path | None = None) -> Verification:
    """Hold an output folder against its own results, run its study again elsewhere, and compare.

    An edition received without its study is held against its own results alone.

    Parameters
    ----------
    folder : str or Path
        The output folder, or the study's folder, which stands for its output.
    study : str or Path, optional
        The study, when it is neither where the folder says nor in the folder above.

    Returns
    -------
    Verification
        A damaged file is a difference, never an error.

    Raises
    ------
    ImpactEvalError
        `results_not_found` when the folder is no edition, `study_not_found`, and what the study
        file is refused for.

    Examples
    --------
    >>> verify("mon-action/sortie")  # doctest: +SKIP
    """
    with machine_faults_told():
        published = output_folder(Path(folder))
        read = study_behind(published, study) if study else _study_at_hand(published)
        return verified(published, read)


def _study_at_hand(published: Path) -> Study | None:
    try:
        return study_behind(published)
    except ImpactEvalError as error:
        if error.codes == ("study_not_found",):
            return None
        raise


def verified(
    published: Path,
    study: Study | None,
    *,
    remade: Remade | None = None,
    again: Again | None = None,
) -> Verification:
    """Return the verification of an output folder, its study given or not.

    Parameters
    ----------
    published : Path
    study : Study or None
    remade, again : callable, optional
        Give the content of an edition, and the results of a second run; both are computed by
        default.
    """
    if study is None:
        asked = recorded_asked(published)
    else:
        asked = Asked.by(study, recorded_template(published))
    checked = check_edition(published, asked, remade)
    moved = () if study is None else _unstable(checked, study, asked, again or run_again)
    found = (*checked.differences, *moved)
    holds = {aspect: all(one.aspect is not aspect for one in found) for aspect in Aspect}
    stable = None if study is None else holds[Aspect.STABLE]
    ordered = tuple(one for aspect in Aspect for one in found if one.aspect is aspect)
    return Verification(holds[Aspect.COMPLETE], stable, holds[Aspect.CONSISTENT], ordered)


def output_folder(folder: Path) -> Path:
    """Return the output folder that a path stands for.

    Raises
    ------
    ImpactEvalError
        `results_not_found` when no edition is there.
    """
    path = folder.resolve()
    if path.is_file():
        path = path.parent
    for place in (path, path / OUTPUT):
        if any((place / mark).is_file() for mark in _MARKS):
            return place
    raise ImpactEvalError(
        Finding.error("results_not_found", Place(file=folder.name), path=str(folder))
    )


def study_behind(published: Path, study: str | Path | None = None) -> Study:
    """Return the study of an output folder: the one given, recorded there, or in the folder above.

    Raises
    ------
    ImpactEvalError
        `study_not_found`, and what the study file is refused for.
    """
    if study is not None:
        return Study.read(study)
    recorded = recorded_study(published)
    return Study.read(published.parent if recorded is None else recorded)


def run_again(study: Study, template: str) -> StudyResults:
    """Run a study elsewhere and return its results."""
    with temporary_folder() as work:
        return run_apart(study.folder / study.name, work / "out", template).results


def _unstable(checked: Checked, study: Study, asked: Asked, again: Again) -> Iterator[Difference]:
    """Yield how a second run differs: why, when the inputs are others, else each value."""
    if checked.results is None:
        yield _moved(Finding.error("verify_nothing_to_compare", Place(file=RESULTS)))
        return
    try:
        second = again(study, asked.template)
    except ImpactEvalError as error:
        yield _moved(Finding.error("verify_run_refused", n=len(error.findings)))
        yield from map(_moved, error.findings)
        return
    reasons = list(changed_inputs(checked.results, second))
    values = result_findings(checked.results, second)
    if reasons:  # the inputs are others: each value that follows would say nothing more
        yield from map(_moved, reasons)
        n = sum(not _of_provenance(finding) for finding in values)
        if n:
            yield _moved(Finding.error("verify_values_moved", Place(file=RESULTS), n=n))
        return
    yield from map(_moved, values[:MOST_TOLD])
    if len(values) > MOST_TOLD:
        n = len(values) - MOST_TOLD
        yield _moved(Finding.error("verify_more", Place(file=RESULTS), file=RESULTS, n=n))


def _of_provenance(finding: Finding) -> bool:
    key = None if finding.place is None else finding.place.key
    return key is not None and key.startswith("provenance.")


def _moved(finding: Finding) -> Difference:
    return Difference(Aspect.STABLE, finding)


def changed_inputs(before: StudyResults, after: StudyResults) -> Iterator[Finding]:
    """Yield why two results may differ: other data, another study file, template or version.

    Parameters
    ----------
    before, after : StudyResults
    """
    one, other = before.provenance, after.provenance
    place = Place(file=RESULTS)
    if before.study.id != after.study.id:
        yield Finding.error(
            "verify_other_study", place, found=before.study.id, expected=after.study.id
        )
    if one.data_sha256 != other.data_sha256:
        yield Finding.error("verify_other_data", _at("data_sha256"))
    if one.study_sha256 != other.study_sha256:
        yield Finding.error("verify_other_declaration", _at("study_sha256"))
    if one.template_sha256 != other.template_sha256:
        yield Finding.error("verify_other_template", _at("template_sha256"))
    names = sorted(one.versions.keys() | other.versions.keys())
    moved = [name for name in names if one.versions.get(name) != other.versions.get(name)]
    if moved:
        yield Finding.error("verify_other_versions", _at("versions"), names=moved)
    if one.seed != other.seed:
        yield Finding.error("verify_other_seed", _at("seed"), found=one.seed, expected=other.seed)


def _at(key: str) -> Place:
    return Place(file=RESULTS, key=f"provenance.{key}")
