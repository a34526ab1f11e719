"""Codes that mean two things in two surveys: told, or refused with the question to ask."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.survey.answer_codes import Answers, ReadBy
from impact_eval.survey.code_checks import YES
from impact_eval.survey.scale import Scale

_WITH_REASON = 3  # yes, no for want of money, no for another reason


def tell_coded_both_ways(
    instrument: Scale,
    read: Mapping[str, Answers],
    columns: Mapping[str, str],
    faults: FindingCollector,
) -> None:
    """Tell which answer each code was taken for, where other surveys code the opposite way."""
    coded = [columns[name] for name, found in read.items() if found.by is ReadBy.CODE]
    if instrument.coded_both_ways and coded:
        words = [f"{r.code} = {(r.fr or r.en)[0]}" for r in instrument.responses if r.fr or r.en]
        faults.add(Finding.warning("coded_both_ways", Place(column=coded[0]), n=len(coded),
                                   columns=coded, instrument=instrument.id, pairs=words,
                                   column=coded[0]))  # fmt: skip


def refuse_no_without_reason(
    instrument: Scale,
    read: Mapping[str, Answers],
    columns: Mapping[str, str],
    faults: FindingCollector,
) -> None:
    """Refuse codes of a bare yes and no where the scale asks why not: not all go without for want.

    In some forms « Oui » is moreover the lack itself: « N'avez-vous pas les moyens de… ? ».
    """
    coded = {}
    for name, found in read.items():
        codes = sorted(instrument.labels(name).labels, key=float)
        said = instrument.labels(name).code_of(YES)
        if found.by is ReadBy.CODE and len(codes) == _WITH_REASON and said == codes[0]:
            coded[name] = codes[1:]
    seen = {float(code) for name in coded for code in np.unique(read[name].codes)}
    ends = {float(why[1]) for why in coded.values()}
    nos = {float(why[0]) for why in coded.values()}
    if coded and seen & nos and not seen & ends:
        named = [columns[name] for name in coded]
        words = instrument.labels(next(iter(coded))).labels
        faults.add(Finding.error("no_without_reason", Place(column=named[0]), n=len(named),
                                 columns=named, column=named[0],
                                 known=[names[0] for names in words.values()
                                        if names]))  # fmt: skip
        faults.raise_if_errors()
