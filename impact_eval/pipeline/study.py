"""`study.toml`: read, validate, and refuse with all faults at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place, nearest
from impact_eval.core.provenance import canonical_json, sha256
from impact_eval.core.shown import Shown, one_line
from impact_eval.core.vocabulary import RowsAre
from impact_eval.data.headings import names_persons
from impact_eval.pipeline.study_checks import check_declaration
from impact_eval.pipeline.study_models import (
    AuthorText,
    DataPart,
    MethodPart,
    OutcomePart,
    StudyFile,
)
from impact_eval.results.disclosure.profiles import Profile, profile

if TYPE_CHECKING:
    from impact_eval.report.blocks import AnyBlock

MOST_BYTES = 1_000_000  # a study file is a page of text; anything larger is something else


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

    Examples
    --------
    >>> Study.read("mon-action/study.toml")  # doctest: +SKIP
    """

    declaration: StudyFile
    folder: Path
    digest: str

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
        """Return the outcome's method, or the study's; a score without its own is described."""
        if outcome.instrument is not None:
            return outcome.method
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
        file = Path(path)
        file = file / "study.toml" if file.is_dir() else file
        raw = _parse(file)
        faults = FindingCollector()
        declaration = _validate(raw, file.name, faults)
        check_declaration(raw, file.resolve().parent, faults)
        faults.raise_if_errors()
        assert declaration is not None
        return cls(declaration, file.resolve().parent, sha256(canonical_json(_jsonable(raw))))


def _parse(file: Path) -> dict[str, Any]:
    place = Place(file=file.name)
    if not file.is_file():
        raise ImpactEvalError(Finding.error("study_not_found", place, path=file.name))
    if file.stat().st_size > MOST_BYTES:
        raise ImpactEvalError(Finding.error("study_too_large", place, most=MOST_BYTES))
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ImpactEvalError(Finding.error("study_not_utf8", place, byte=error.start)) from None
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        row = int(line[1]) if line else None
        raise ImpactEvalError(
            Finding.error("study_not_toml", Place(file=file.name, row=row), line=row)
        ) from None


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
        told: set[str] = set()
        for detail in error.errors(include_url=False):
            if _is_echo(detail):
                continue
            finding = _finding(detail, file)
            assert finding.place is not None
            key = f"{finding.place.key}"
            if any(_same_place(key, other) for other in told):
                continue  # a text that may be bilingual fails twice at one place
            told.add(key)
            faults.add(finding)
        return None


def _is_echo(detail: ErrorDetails) -> bool:
    """Whether a fault only repeats another.

    A list is “too short” when one of its items is wrong; a table of two languages is “no text”.
    """
    given = detail.get("input")
    if detail["type"] == "too_short" and isinstance(given, (list, tuple)):
        return len(given) >= int(detail.get("ctx", {}).get("min_length", 0))
    return isinstance(given, Mapping) and detail["loc"][-1] in ("str", "constrained-str")


def _same_place(key: str, other: str) -> bool:
    return key == other or key.startswith((f"{other}.{AuthorText.__name__}", f"{other}.str"))


_UNION_MEMBERS = {"str", "constrained-str", AuthorText.__name__, "int", "float", "bool"}


def key_path(parts: Iterable[int | str]) -> str:
    """Return the path of a key as a person writes it: `outcomes[2].unit`, counted from 1."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part + 1}]"
        elif part not in _UNION_MEMBERS and not part.startswith("tuple["):
            path += f".{part}" if path else part
    return path


def _finding(detail: ErrorDetails, file: str) -> Finding:
    path = key_path(detail["loc"])
    place = Place(file=file, key=path)
    kind, context = detail["type"], detail.get("ctx", {})
    found = _shown(detail.get("input"))
    if kind == "extra_forbidden":
        name = str(detail["loc"][-1])
        known = _known_keys(detail["loc"])
        return Finding.error(
            "unknown_key", place, key=path, name=name, nearest=nearest(name, known), known=known
        )
    if kind == "missing":
        return Finding.error("missing_key", place, key=path)
    if kind in ("enum", "literal_error"):
        known = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        return Finding.error(
            "wrong_choice", place, key=path, found=found, nearest=nearest(found, known), known=known
        )
    if kind in _OWN_CODES:
        told = _shown(context.get("found", detail.get("input")))
        return Finding.error(kind, place, key=path, found=told)
    if kind == "string_pattern_mismatch":
        return Finding.error("blank_text", place, key=path)
    if kind == "too_long" and not isinstance(detail["input"], str):
        n, most = context["actual_length"], context["max_length"]
        return Finding.error("too_many_values", place, key=path, n=n, most=most)
    if kind in _BOUNDS:
        bound = next((context[b] for b in ("gt", "ge", "lt", "le", *_SIZES) if b in context), 0)
        return Finding.error("out_of_bounds", place, key=path, found=found, bound=bound, rule=kind)
    return Finding.error("wrong_type", place, key=path, found=found, expected=kind)


_OWN_CODES = frozenset(
    {
        "bad_identifier", "code_not_text", "column_or_instrument", "not_a_date",
        "threshold_needs_reason",
    }
)  # fmt: skip
_SIZES = ("min_length", "max_length")
_BOUNDS = frozenset(
    {
        "greater_than", "greater_than_equal", "less_than", "less_than_equal",
        "string_too_short", "string_too_long", "too_short", "too_long",
    }
)  # fmt: skip


def _shown(value: Any) -> str:
    text = "" if value and isinstance(value, (Mapping, list)) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys allowed beside an unknown one, by walking the models."""
    if AuthorText.__name__ in location:
        return list(AuthorText.model_fields)
    model: Any = StudyFile
    for part in location[:-1]:
        if isinstance(part, int) or part in _UNION_MEMBERS:
            continue
        field = next((f for n, f in model.model_fields.items() if part in (n, f.alias)), None)
        model = _model_in(field.annotation) if field is not None else None
        if model is None:
            return []
    return [info.alias or name for name, info in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None and found is not AuthorText:
            return found
    return None
