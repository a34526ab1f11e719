"""A questionnaire as the survey structure (`.lss`) that LimeSurvey imports.

Tables of rows, as its versions 3 to 6 read them: texts stand in the rows of the questions, each
with its language. Questions that share their answers are one array (type F), a lone one a list of
radio buttons (type L). The answer codes and assessment values are those of the scale.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from impact_eval.core.hidden import without_hidden
from impact_eval.pipeline.questionnaires.form import FormBlock, FormQuestion, ScaleForm
from impact_eval.report.texts import Texts

DB_VERSION = 363  # of the tables of LimeSurvey 3; later ones read them
PERSON = "CODE"
SURVEY, GROUP = 100001, 1  # the tool gives its own numbers
_PART = 1000  # sub-questions are numbered from it
_ARRAY, _LIST, _SHORT_TEXT = "F", "L", "S"

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # no XML holds them

Row = Mapping[str, object]


def render_lss(form: ScaleForm, texts: Texts) -> str:
    """Return the survey structure of a questionnaire in one language.

    Parameters
    ----------
    form : ScaleForm
    texts : Texts
    """
    language = texts.language
    questions = [_question(1, _SHORT_TEXT, PERSON, texts.say("questionnaire.code"), 1, language)]
    questions[0] = {**questions[0], "mandatory": "Y",
                    "help": _page(texts.say("questionnaire.code_hint"))}  # fmt: skip
    parts: list[Row] = []
    answers: list[Row] = []
    places = _places(form)
    for at, block in enumerate(form.blocks, start=2):
        lone = len(block.questions) == 1
        first = block.questions[0]
        asked = first.text[language] if lone else form.instruction[language]
        row = _question(at, _LIST if lone else _ARRAY, block.code, asked, at, language)
        questions.append({**row, "relevance": _relevance(first, places)})
        for order, question in enumerate(() if lone else block.questions, start=1):
            parts.append(_part(at, order, question, language))
        answers += _answer_rows(at, block, language)
    tables: list[tuple[str, Sequence[Row]]] = [
        ("answers", answers),
        ("groups", [_group(form, language)]),
        ("questions", questions),
        ("subquestions", parts),
        ("surveys", [_survey(language)]),
        ("surveys_languagesettings", [_settings(form, texts)]),
    ]
    body = "".join(_table(name, rows) for name, rows in tables if rows)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<document>\n'
        " <LimeSurveyDocType>Survey</LimeSurveyDocType>\n"
        f" <DBVersion>{DB_VERSION}</DBVersion>\n"
        f" <languages>\n  <language>{language}</language>\n </languages>\n{body}</document>\n"
    )


def lss_columns(form: ScaleForm) -> dict[str, str]:
    """Return the heading of each item in the exports of the tool, by answer codes.

    Parameters
    ----------
    form : ScaleForm
    """
    return {
        question.item: block.code if len(block.questions) == 1 else f"{block.code}[{_sq(order)}]"
        for block in form.blocks
        for order, question in enumerate(block.questions, start=1)
    }


def _sq(order: int) -> str:
    return f"SQ{order:03}"


def _places(form: ScaleForm) -> dict[str, str]:
    """Return how an expression of the tool names the answer to each item."""
    return {
        question.item: block.code if len(block.questions) == 1 else f"{block.code}_{_sq(order)}"
        for block in form.blocks
        for order, question in enumerate(block.questions, start=1)
    }


def _relevance(question: FormQuestion, places: Mapping[str, str]) -> str:
    def told(answers: Mapping[str, int]) -> str:
        return " and ".join(f'{places[item]}.NAOK == "{code}"' for item, code in answers.items())

    ends = told(question.asked_unless)
    parts = [told(question.asked_if), f"!({ends})" if ends else ""]
    return " and ".join(filter(None, parts)) or "1"


def _question(qid: int, kind: str, code: str, text: str, order: int, language: str) -> Row:
    return {
        "qid": qid, "parent_qid": 0, "sid": SURVEY, "gid": GROUP, "type": kind, "title": code,
        "question": _page(text), "preg": "", "help": "", "other": "N", "mandatory": "N",
        "question_order": order, "language": language, "scale_id": 0, "same_default": 0,
        "relevance": "1", "modulename": "",
    }  # fmt: skip


def _part(parent: int, order: int, question: FormQuestion, language: str) -> Row:
    row = _question(_PART * parent + order, "T", _sq(order), question.text[language], order,
                    language)  # fmt: skip
    return {**row, "parent_qid": parent}


def _answer_rows(qid: int, block: FormBlock, language: str) -> list[Row]:
    return [
        {"qid": qid, "code": answer.code, "answer": _page(answer.label[language]),
         "sortorder": order, "assessment_value": answer.code, "language": language, "scale_id": 0}
        for order, answer in enumerate(block.answers, start=1)
    ]  # fmt: skip


def _group(form: ScaleForm, language: str) -> Row:
    return {"gid": GROUP, "sid": SURVEY, "group_name": _page(form.title[language]),
            "group_order": 1, "description": "", "language": language, "randomization_group": "",
            "grelevance": ""}  # fmt: skip


def _survey(language: str) -> Row:
    """Answers are dated and not tied to a name: the personal code links the two dates."""
    return {"sid": SURVEY, "gsid": 1, "admin": "", "adminemail": "", "anonymized": "Y",
            "format": "A", "savetimings": "N", "language": language, "additional_languages": "",
            "datestamp": "Y", "usecookie": "N", "allowregister": "N", "allowsave": "N",
            "ipaddr": "N", "refurl": "N", "listpublic": "N", "publicstatistics": "N",
            "printanswers": "N", "assessments": "N", "showwelcome": "Y"}  # fmt: skip


def _settings(form: ScaleForm, texts: Texts) -> Row:
    language = texts.language
    ends = [texts.say("questionnaire.thanks")]
    if form.looked_after:
        ends.append(texts.say("questionnaire.help"))
    return {"surveyls_survey_id": SURVEY, "surveyls_language": language,
            "surveyls_title": _page(form.title[language]),
            "surveyls_description": _page(form.source.get(language, "")),
            "surveyls_welcometext": _page(form.instruction[language]),
            "surveyls_endtext": _paragraphs(ends), "surveyls_dateformat": 5,
            "surveyls_numberformat": 1}  # fmt: skip


def _paragraphs(texts: Sequence[str]) -> str:
    return "".join(f"<p>{_page(text)}</p>" for text in texts)


def _table(name: str, rows: Sequence[Row]) -> str:
    fields = "".join(f"   <fieldname>{field}</fieldname>\n" for field in rows[0])
    held = "".join(
        "   <row>\n"
        + "".join(f"    <{k}>{_cell(v)}</{k}>\n" for k, v in row.items())
        + "   </row>\n"
        for row in rows
    )
    return f" <{name}>\n  <fields>\n{fields}  </fields>\n  <rows>\n{held}  </rows>\n </{name}>\n"


def _cell(value: object) -> str:
    """Return a value as the tool keeps it; nothing of a text can end its own section."""
    text = without_hidden(_CONTROLS.sub(" ", str(value))).replace("]]>", "]]]]><![CDATA[>")
    return f"<![CDATA[{text}]]>"


def _page(text: str) -> str:
    """Return a text as the tool shows it: no mark-up, and no expression for it to compute."""
    return escape(text).replace("{", "{ ")
