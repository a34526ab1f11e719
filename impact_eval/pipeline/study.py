"""`study.toml`: read, validate, and refuse with all faults at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place
from impact_eval.core.limits import STUDY_KB
from impact_eval.core.model_faults import model_faults
from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.core.shown import Shown, one_line
from impact_eval.core.toml_files import TomlCodes, read_toml
from impact_eval.core.vocabulary import RowsAre
from impact_eval.data.beside import FORGOTTEN
from impact_eval.data.headings import names_persons
from impact_eval.pipeline.study_checks import check_declaration
from impact_eval.pipeline.study_models import (
    DataPart,
    MethodPart,
    OutcomePart,
    StudyFile,
)
from impact_eval.results.disclosure.profiles import Profile, profile

if TYPE_CHECKING:
    from impact_eval.report.blocks import AnyBlock

# a study file is a page of text; anything larger is something else
_CODES = TomlCodes("study_not_toml", "study_not_utf8", "study_too_large", most=STUDY_KB)

STUDY: Final = "study.toml"


@dataclass(frozen=True, slots=True, repr=False)
class Study(Shown):
    """A validated study: the declaration, its folder, its hash.

    Parameters
    ----------
    declaration : StudyFile
        The study file, as frozen models.
    folder : Path
        The folder of the study file; every path of the study lies inside it.
    digest : str
        SHA-256 of the canonical declaration.
    name : str
        Name of the study file in its folder.

    Examples
    --------
    >>> Study.read("mon-action/study.toml")  # doctest: +SKIP
    """

    declaration: StudyFile
    folder: Path
    digest: str
    name: str = STUDY

    def _line(self) -> str:
        study, method = self.declaration.study.id, self.declaration.method
        outcomes = tuple(outcome.id for outcome in self.declaration.outcomes)
        name = None if method is None else method.name
        return one_line("Study", study, name, outcomes=outcomes)

    def _shown_blocks(self) -> list[AnyBlock]:
        """Return the declaration on a screen: whose, when, what is measured and how."""
        from impact_eval.pipeline.study_shown import study_card

        return study_card(self.declaration)

    def path(self, name: str) -> Path:
        """Return the path of a file of the study's folder."""
        return self.folder / name

    def method_of(self, outcome: OutcomePart) -> MethodPart | None:
        """Return the outcome's method, or the study's; without any, a score is described."""
        return outcome.method or self.declaration.method

    def declared_rows(self, part: DataPart) -> RowsAre | None:
        """Return what the study says the rows of a table are, or None when it says nothing."""
        if part.rows_are is not None:
            return RowsAre(part.rows_are)
        privacy = self.declaration.privacy
        main = part is self.declaration.data and "rows_are" in privacy.model_fields_set
        return RowsAre(privacy.rows_are) if main else None

    def rows_are(self, part: DataPart) -> RowsAre:
        """Return what the rows of a table are: people, unless the study says territories.

        A table's own `rows_are` counts first; `privacy.rows_are` speaks of the table `data` alone:
        who fills in a questionnaire is a person, even in a study of territories. A unit that is a
        person by its very heading (« enfant », « id_menage ») is protected as one in any case.
        """
        declared = self.declared_rows(part) or RowsAre.PEOPLE
        return RowsAre.PEOPLE if names_persons(part.roles.unit or "") else declared

    @property
    def profile(self) -> Profile:
        """The rules that what is published obeys: the producer's, with the study's threshold."""
        privacy = self.declaration.privacy
        rules = profile(privacy.profile)
        return rules if privacy.threshold is None else rules.with_threshold(privacy.threshold)

    @property
    def used_columns(self) -> frozenset[str]:
        """Columns of its tables that the study names."""
        from impact_eval.pipeline.columns_used import used_columns

        parts = [self.declaration.data, *(i.data for i in self.declaration.instruments)]
        return frozenset().union(
            *(used_columns(self.declaration, self.folder, part) for part in parts)
        )

    def smallest_effect_of(self, outcome: OutcomePart) -> float | None:
        """Return the smallest effect that would matter; the protocol's is the primary outcome's."""
        if outcome.smallest_effect is not None or not outcome.primary:
            return outcome.smallest_effect
        return self.declaration.protocol.smallest_effect

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """Read and validate a study file: all faults at once, each with its key path.

        Parameters
        ----------
        path : str or Path
            `study.toml`, or the folder that holds it.

        Raises
        ------
        ImpactEvalError
            `study_not_found`, `study_not_toml`, `unknown_key`, `missing_key`, `wrong_value`…
        """
        study, faults = cls.examine(path)
        if study is None or faults:
            raise ImpactEvalError(faults)
        return study

    @classmethod
    def examine(cls, path: str | Path) -> tuple[Study | None, tuple[Finding, ...]]:
        """Read a study file whatever is wrong with it; None when its form forbids to go on.

        Parameters
        ----------
        path : str or Path
            `study.toml`, or the folder that holds it.

        Returns
        -------
        Study or None
        tuple of Finding
            What is refused: a study with such faults may be opened, to tell those of its tables.

        Raises
        ------
        ImpactEvalError
            `study_not_found`, `study_not_toml`…
        """
        file = study_file(path)
        raw = read_toml(file, _CODES)
        faults = FindingCollector()
        declaration = _validate(raw, file.name, faults)
        check_declaration(raw, file.resolve().parent, faults)
        if declaration is None:
            return None, faults.findings
        folder = file.resolve().parent
        gone = _left_out(folder)  # who is left out is part of what a study is
        whole = _jsonable(raw) if gone is None else [_jsonable(raw), gone]
        digest = sha256(canonical_json(whole))
        return cls(declaration, folder, digest, file.resolve().name), faults.findings


def study_file(path: str | Path) -> Path:
    """Return the study file of a folder, or the file itself.

    Raises
    ------
    ImpactEvalError
        `study_not_found`.
    """
    file = Path(path)
    file = file / STUDY if file.is_dir() else file
    if not file.is_file():
        raise ImpactEvalError(
            Finding.error("study_not_found", Place(file=file.name), path=file.name)
        )
    return file


def _left_out(folder: Path) -> tuple[str, ...] | None:
    """Return the hashes of those who asked to be left out; what reads them is loaded only then."""
    if not (folder / FORGOTTEN).exists():
        return None
    from impact_eval.data.forgotten import Forgotten

    asked = Forgotten.read(folder)
    return None if asked is None else asked.people


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _validate(raw: Mapping[str, Any], file: str, faults: FindingCollector) -> StudyFile | None:
    try:
        return StudyFile.model_validate(raw)
    except ValidationError as error:
        faults.add(*model_faults(error, raw, StudyFile, file=file))
        return None
