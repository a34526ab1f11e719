"""The people of several tables in one spelling, before anything is carried from one to another."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from impact_eval.core.findings import Finding, FindingCollector
from impact_eval.core.vocabulary import LabelsAlike
from impact_eval.data.pseudonyms import label_text
from impact_eval.data.sample_labels import spell_labels


def people_in_one_spelling(
    frames: Sequence[pd.DataFrame], *, unit: str, alike: LabelsAlike
) -> tuple[list[pd.DataFrame], tuple[Finding, ...]]:
    """Return tables where each person is written in one way, and what was joined.

    What looks alike and was not declared one is left: it is refused once the tables are one.

    Parameters
    ----------
    frames : sequence of DataFrame
        One per wave.
    unit : str
        Column of the person.
    alike : LabelsAlike
        What labels that differ by case, accents or dashes are.

    Returns
    -------
    list of DataFrame, tuple of Finding
        `labels_merged`, `labels_joined`.

    Examples
    --------
    >>> entry, later = pd.DataFrame({"code": ["É1"]}), pd.DataFrame({"code": ["e1"]})
    >>> told, _ = people_in_one_spelling([entry, later], unit="code", alike=LabelsAlike.SAME)
    >>> told[1]["code"].tolist()
    ['É1']
    """
    if any(list(frame.columns).count(unit) != 1 for frame in frames):
        return list(frames), ()
    people = [frame[unit].map(label_text, na_action="ignore").astype("object") for frame in frames]
    together = pd.DataFrame({unit: pd.concat(people, ignore_index=True)})
    faults = FindingCollector()
    declared = LabelsAlike.SAME if alike is LabelsAlike.SAME else LabelsAlike.DIFFERENT
    spelled = spell_labels(together, {"unit": [unit]}, declared, faults)[unit]
    if not faults.findings:
        return list(frames), ()
    out, start = [], 0
    for frame in frames:
        labels = spelled.iloc[start : start + len(frame)].set_axis(frame.index)
        out.append(frame.assign(**{unit: labels}))
        start += len(frame)
    return out, faults.findings
