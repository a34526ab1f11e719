"""Answers that ask for someone to be looked after at once: told to the operator, to nobody else.

They are in no result, no report, no notebook that travels. Inside a notebook they pass in a bundle
of their own, which the runner takes out before anything is written; then they are a file beside the
study file, and lines on the terminal.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from impact_eval.core.findings import Finding, Place
from impact_eval.core.whole_files import write_whole
from impact_eval.report.texts import Texts, render_finding, user_language

if TYPE_CHECKING:
    from impact_eval.pipeline.soft import ScoredInstrument
    from impact_eval.pipeline.study import Study

OPERATOR_MIME = "application/vnd.impact-eval.operator+json"
OPERATOR_NOTE = "A-LIRE-PAR-L-OPERATEUR-NE-PAS-DIFFUSER.txt"
URGENT = frozenset({"safeguarding"})  # codes of the survey floor


def shareable(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings without those that are for the operator alone."""
    return tuple(finding for finding in findings if finding.code not in URGENT)


def urgent_findings(scored: Mapping[str, ScoredInstrument]) -> tuple[Finding, ...]:
    """Return the urgent answers of the questionnaires: which file, which column, how many answers.

    Parameters
    ----------
    scored : mapping of str to ScoredInstrument
    """
    found: list[Finding] = []
    for questionnaire in scored.values():
        file = questionnaire.part.data.file
        for finding in questionnaire.scores.findings:
            if finding.code not in URGENT:
                continue
            column = finding.place.column if finding.place is not None else None
            told = Finding.warning(
                "urgent_answers",
                Place(file=file, column=column),
                n=finding.values["n"],
                item=finding.values["item"],
                column=column,
                file=file,
            )
            if told not in found:  # two questionnaires may share a question
                found.append(told)
    return tuple(found)


def tell_operator(findings: tuple[Finding, ...]) -> None:
    """Tell urgent answers where a study is computed: in the notebook's own bundle, or in the log.

    In a notebook the runner takes the bundle out; elsewhere the log of this process writes the
    words on the terminal.
    """
    if not findings:
        return
    if not _displayed(findings):
        texts = Texts(user_language())
        for finding in findings:
            logging.getLogger("impact_eval").warning(render_finding(finding, texts))


def _displayed(findings: tuple[Finding, ...]) -> bool:
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError:
        return False
    if get_ipython() is None:
        return False
    content = {"findings": [finding.to_dict() for finding in findings]}
    codes = ", ".join(sorted({finding.code for finding in findings}))
    display({OPERATOR_MIME: content, "text/plain": codes}, raw=True)
    return True


def write_note(study: Study, findings: tuple[Finding, ...]) -> Path | None:
    """Write the operator's note beside the study file, whole or not at all, in its languages.

    Nothing is written without urgent answers; a note already there is left: only whoever read it
    may throw it away.

    Parameters
    ----------
    study : Study
    findings : tuple of Finding

    Returns
    -------
    Path or None
    """
    if not findings:
        return None
    note = study.path(OPERATOR_NOTE)
    write_whole(note, note_text(study, findings), private=True)
    return note


def note_text(study: Study, findings: tuple[Finding, ...]) -> str:
    """Return the words of the operator's note, in each language of the study."""
    day = dt.datetime.now(tz=dt.UTC).date().isoformat()
    pages = []
    for language in study.declaration.report.languages:
        texts = Texts(language)
        head = texts.say("operator_note.head", study=study.declaration.study.id, day=day)
        told = [texts.finding(finding) for finding in findings]
        lines = [f"- {said.text}" for said in told]
        repairs = dict.fromkeys(said.repair for said in told if said.repair)
        pages.append("\n".join([head, "", *lines, "", *repairs, texts.say("operator_note.foot")]))
    return "\n\n".join(pages) + "\n"
