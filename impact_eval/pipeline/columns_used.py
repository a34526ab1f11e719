"""The columns of a study's tables that its file names: roles, outcomes, items, options."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.data.waves import WAVE
from impact_eval.pipeline.study_models import (
    CovariancePart,
    DataPart,
    InstrumentPart,
    MethodPart,
    StudyFile,
)
from impact_eval.survey.instrument_file import Instrument
from impact_eval.survey.instrument_file import instrument as shipped_instrument


def instrument_of(folder: Path, part: InstrumentPart) -> Instrument:
    """Return the scale of a questionnaire: the study's own definition, or the shipped one.

    Raises
    ------
    ImpactEvalError
        What `Instrument.read` refuses; `definition_of_another_scale`.
    """
    if part.definition is not None:
        own = Instrument.read(folder / part.definition)
        if own.id != part.scale:
            raise ImpactEvalError(
                Finding.error(
                    "definition_of_another_scale", file=part.definition, found=own.id,
                    name=part.scale,
                )
            )  # fmt: skip
        return own
    return shipped_instrument(part.scale)


def used_columns(study: StudyFile, folder: Path, part: DataPart) -> frozenset[str]:
    """Return the columns of a table that the study names: roles, outcomes, items, options."""
    used = {*role_columns(part), *_option_columns(study), WAVE}
    used |= set(part.link.support) if part.link is not None else set()
    if part is study.data:
        used |= {outcome.column for outcome in study.outcomes if outcome.column}
    for instrument in instruments_of(study, part):
        used |= {name for pair in instrument.items.items() for name in pair}
        used |= {*instrument.retrospective.values(), *instrument.nonresponse}
        used |= set(instrument.second_rating.values())
        used |= {instrument.wave} if instrument.wave else set()
        if not instrument.items:
            used |= set(instrument_of(folder, instrument).item_ids)
    return frozenset(used)


def role_columns(part: DataPart) -> set[str]:
    """Return the columns that hold the roles of a table."""
    found: set[str] = set()
    for _, value in part.roles:
        found |= {value} if isinstance(value, str) else set(value or ())
    return found


def _option_columns(study: StudyFile) -> set[str]:
    """Return the texts given to options of methods: some of them name columns."""
    methods = [study.method, *(outcome.method for outcome in study.outcomes)]
    found: set[str] = set()
    for method in methods:
        found |= set(_texts(method)) if method is not None else set()
    return found


def _texts(method: MethodPart) -> Iterable[str]:
    given = list(method.options.values())
    if isinstance(method.covariance, CovariancePart):
        given += method.covariance.options.values()
    for value in given:
        several = value if isinstance(value, tuple) else (value,)
        yield from (item for item in several if isinstance(item, str))


def instruments_of(study: StudyFile, part: DataPart) -> list[InstrumentPart]:
    """Return the questionnaires whose answers a table holds."""
    return [i for i in study.instruments if i.data is part]
