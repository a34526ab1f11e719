"""A questionnaire written in the format that the name of its file asks for, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError, Place, nearest
from impact_eval.core.whole_files import write_new
from impact_eval.pipeline.questionnaires.form import ScaleForm, scale_form
from impact_eval.pipeline.questionnaires.lss_form import lss_columns, render_lss
from impact_eval.pipeline.questionnaires.paper_form import render_paper
from impact_eval.pipeline.questionnaires.xls_form import render_xlsform, xls_columns
from impact_eval.report.languages.language import language_codes
from impact_eval.report.texts import Texts
from impact_eval.survey.scale import Scale


def _lss(form: ScaleForm, texts: Texts) -> str:
    return render_lss(form, texts)


def _xlsx(form: ScaleForm, texts: Texts) -> bytes:
    others = [Texts(code) for code in language_codes() if code != texts.language]
    return render_xlsform(form, [texts, *others])


def _nothing(_: ScaleForm) -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class FormFormat:
    """One format: how it is written, and the heading of each item in what comes back."""

    render: Callable[[ScaleForm, Texts], str | bytes]
    columns: Callable[[ScaleForm], Mapping[str, str]]


FORMATS: Mapping[str, FormFormat] = {
    ".lss": FormFormat(_lss, lss_columns),
    ".xlsx": FormFormat(_xlsx, xls_columns),
    ".docx": FormFormat(render_paper, _nothing),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenForm:
    """A questionnaire that was written.

    Attributes
    ----------
    path : Path
    columns : mapping of item to heading
        Of the exports of its tool; empty on paper.
    to_fill : int
        Questions whose wording is still to be copied.
    health : bool
    """

    path: Path
    columns: Mapping[str, str]
    to_fill: int
    health: bool

    def lines(self, texts: Texts) -> list[str]:
        """Return what was written and what is left to do."""
        told = [texts.say("questionnaire.written", path=str(self.path))]
        if self.to_fill:
            told.append(texts.say("questionnaire.to_fill"))
        if self.health:
            told.append(texts.say("questionnaire.health"))
        if self.columns:
            told += ["", texts.say("questionnaire.mapping"), "", "[instruments.items]"]
            told += [f'{item} = "{heading}"' for item, heading in self.columns.items()]
            told += ["", texts.say("questionnaire.codes", file=self.path.name)]
        return told


def write_questionnaire(
    scale: Scale, path: Path, texts: Texts, *, licence_declared: bool = False
) -> WrittenForm:
    """Write the questionnaire of a scale, whole or not at all; a file that exists is kept.

    Parameters
    ----------
    scale : Scale
    path : Path
        `.lss` for LimeSurvey, `.xlsx` for Kobo and ODK, `.docx` for paper.
    texts : Texts
        The language of the form; an XLSForm holds the others too.
    licence_declared : bool

    Raises
    ------
    ImpactEvalError
        `unknown_form_format`, `already_there`, and what `scale_form` refuses.
    """
    made = FORMATS.get(path.suffix.lower())
    if made is None:
        raise ImpactEvalError(
            Finding.error("unknown_form_format", Place(file=path.name), found=path.suffix,
                          nearest=nearest(path.suffix, list(FORMATS)), known=tuple(FORMATS))
        )  # fmt: skip
    form = scale_form(scale, licence_declared=licence_declared)
    write_new(path, made.render(form, texts))
    return WrittenForm(
        path=path,
        columns=made.columns(form),
        to_fill=form.to_fill[texts.language],
        health=form.health,
    )
