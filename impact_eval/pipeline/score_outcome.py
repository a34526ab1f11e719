"""An outcome measured by a questionnaire: the column of its score, and who is compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.core.groupby import SeriesGroupBy

from impact_eval.core.findings import Finding, ImpactEvalError, Place, nearest
from impact_eval.pipeline.score_people import people_roles
from impact_eval.pipeline.study_models import DataPart, InstrumentPart, OutcomePart, RolesPart
from impact_eval.survey.instrument_file import Instrument
from impact_eval.survey.scale import TOTAL, ScoringRule

_BY_PERSON = ("cluster", "strata", "weights")  # roles that a person keeps from date to date
HELPED = "accompanied"  # the column added: who is helped, at the dates when they are


def column_of_score(part: OutcomePart, instrument: Instrument, columns: Mapping[str, str]) -> str:
    """Return the column of the score that an outcome is.

    Parameters
    ----------
    part : OutcomePart
    instrument : Instrument
    columns : mapping of str to str
        Of the total and of each part.

    Raises
    ------
    ImpactEvalError
        `unknown_scale` for a part that is not there; `never_added` for the total of answers that
        their authors never add.
    """
    place = Place(key=f"outcomes.{part.id}.part")
    parts = sorted(set(columns) - {TOTAL})
    if part.part is None:
        if instrument.scoring.rule is ScoringRule.NONE:
            raise ImpactEvalError(
                Finding.error("never_added", place, instrument=instrument.id, known=parts)
            )
        return columns[TOTAL]
    if part.part not in parts:
        raise ImpactEvalError(
            Finding.error("unknown_scale", place, scale=part.part,
                          nearest=nearest(part.part, parts), known=(TOTAL, *parts))
        )  # fmt: skip
    return columns[part.part]


def with_roles_of_study(
    frame: pd.DataFrame, part: InstrumentPart, main: pd.DataFrame, study: DataPart
) -> tuple[pd.DataFrame, DataPart]:
    """Return the answers with what the study's table says of the same people.

    A questionnaire rarely repeats who is accompanied, since when, and in which basin: the study's
    table says so, by person. A role that the questionnaire declares stays its own; one that changes
    from one date to the next for a person is not carried over. A date of entry means something
    where both tables have the same dates; elsewhere those accompanied are so after the first wave.

    Parameters
    ----------
    frame : DataFrame
        The scored answers.
    part : InstrumentPart
    main : DataFrame
        The study's table.
    study : DataPart
        Its roles.
    """
    own = part.data
    unit, key = own.roles.unit, study.roles.unit
    here = unit is not None and unit in frame.columns and key is not None and key in main.columns
    if own is study or not here or unit is None or key is None:
        return frame, own
    wanted = _lacking(own.roles, study.roles)
    by_person = main.dropna(subset=[key]).groupby(main[key].astype(str), sort=False)
    labels = frame[unit].astype(str)
    if not labels.isin(set(map(str, main[key].dropna()))).any():
        return frame, own  # other people, or other labels
    added: dict[str, str] = {}
    out = frame
    for name in dict.fromkeys(column for columns in wanted.values() for column in columns):
        if name not in main.columns or _changes(main[name], by_person[name]):
            continue
        added[name] = name if name not in frame.columns else f"{name}_"
        out = out.assign(**{added[name]: labels.map(by_person[name].first())})
    update: dict[str, object] = {
        role: _renamed(getattr(study.roles, role), added)
        for role, columns in wanted.items()
        if columns and set(columns) <= set(added)
    }
    if own.roles.cohort is None and own.roles.treatment is None and "cohort" not in update:
        accompanied = people_roles((own, out), (study, main), unit).accompanied
        if accompanied is not None:
            helped = out[unit].astype(str).map(accompanied.astype(float))
            out, added_role = _assigned(out, part, helped)
            update |= added_role
    out.attrs = frame.attrs
    return out, own.model_copy(update={"roles": own.roles.model_copy(update=update)})


def of_accompanied(
    frame: pd.DataFrame, part: InstrumentPart, main: pd.DataFrame, study: DataPart
) -> tuple[pd.DataFrame, DataPart] | None:
    """Return the answers of those accompanied, and their roles; None without two groups.

    A change without comparison is theirs: over both groups it would be nobody's.

    Parameters
    ----------
    frame, part, main, study
        As for `with_roles_of_study`.
    """
    unit = part.data.roles.unit
    if unit is None or unit not in frame.columns:
        return None
    accompanied = people_roles((part.data, frame), (study, main), unit).accompanied
    if accompanied is None:
        return None
    out, own = with_roles_of_study(frame, part, main, study)
    helped = out[unit].astype(str).map(accompanied.astype(float)) > 0
    kept = out[helped.to_numpy()]
    kept.attrs = frame.attrs
    all_helped = {"treatment": None, "cohort": None}  # nobody is left to be told from
    return kept, own.model_copy(update={"roles": own.roles.model_copy(update=all_helped)})


def _assigned(
    frame: pd.DataFrame, part: InstrumentPart, helped: pd.Series[Any]
) -> tuple[pd.DataFrame, dict[str, object]]:
    """Return who is helped as a role: from the second wave on; at one date, those who are.

    Somebody seen at the first wave alone keeps the group they were in: they are lost, not compared.
    """
    if part.waves is None or part.wave is None:
        return frame.assign(**{HELPED: helped}), {"treatment": HELPED}
    time = part.data.roles.time or part.wave
    seconds = frame.loc[frame[part.wave].astype(str) == part.waves[1], time].dropna().unique()
    if len(seconds) != 1:  # dates of each person: only the rows say when
        first = frame[part.wave].astype(str) == part.waves[0]
        return frame.assign(**{HELPED: helped.mask(first & helped.notna(), 0.0)}), {
            "treatment": HELPED
        }
    since = pd.Series(np.nan, index=frame.index, dtype=object)
    since[(helped > 0).to_numpy()] = seconds[0]
    kept = frame[helped.notna().to_numpy()]  # the study's table says nothing of the others
    return kept.assign(**{HELPED: since[kept.index]}), {"cohort": HELPED, "time": time}


def _changes(column: pd.Series[Any], by_person: SeriesGroupBy[Any, Any]) -> bool:
    """Whether a column differs between two rows of a person."""
    first = by_person.transform("first")
    return not bool(((column == first) | (column.isna() & first.isna())).all())


def _lacking(own: RolesPart, study: RolesPart) -> dict[str, tuple[str, ...]]:
    """Return the columns of the roles that the study's table has and the questionnaire lacks."""
    assigned = own.cohort is not None or own.treatment is not None
    same_dates = own.time is not None and own.time == study.time
    out = {}
    for role in (*_BY_PERSON, "covariates", *(("cohort",) if same_dates else ())):
        if getattr(own, role) or (assigned and role == "cohort"):
            continue
        given = getattr(study, role)
        out[role] = (given,) if isinstance(given, str) else tuple(given or ())
    return out


def _renamed(given: str | tuple[str, ...], added: Mapping[str, str]) -> str | tuple[str, ...]:
    return added[given] if isinstance(given, str) else tuple(added[name] for name in given)
