"""LimeSurvey survey files (`.lss`): questions, sub-questions and answer labels as a codebook."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.limits import MILLION, QUESTIONNAIRE_ELEMENTS, QUESTIONNAIRE_MB
from impact_eval.data.cells import ColumnType
from impact_eval.data.codebook import Codebook, ColumnCode
from impact_eval.data.labels import LabelMap, MissingKind
from impact_eval.data.readers.reader import Reader, register_reader

if TYPE_CHECKING:
    from collections.abc import Iterable

_CHOICE = frozenset("L!O")
_ARRAY = frozenset("FH")
_POINTS = {"5": 5, "A": 5, "B": 10}
_MULTIPLE = frozenset("MP")
_TYPES = {"N": ColumnType.NUMBER, "D": ColumnType.DATE, "S": ColumnType.TEXT,
          "T": ColumnType.TEXT, "U": ColumnType.TEXT}  # fmt: skip
_OTHER = ("-oth-", "autre", "autre :", "other", "other:")  # the code, and what full answers say
_ANSWER_CODE = re.compile(r"A(?:O)?0*(\d+)")


@dataclass(frozen=True, slots=True)
class _Survey:
    """The tables of a survey file, each row a mapping of field to text."""

    tables: Mapping[str, list[Mapping[str, str]]]

    def rows(self, name: str) -> list[Mapping[str, str]]:
        return self.tables.get(name, [])

    def texts(self, table: str, key: str, field: str) -> dict[str, list[str]]:
        """Return the wordings of each question or answer, one per language, first ones first."""
        out: dict[str, list[str]] = {}
        for row in self.rows(table):
            text = plain_text(row.get(field, ""))
            if text and text not in out.setdefault(row.get(key, ""), []):
                out[row.get(key, "")].append(text)
        return out


def plain_text(marked: str) -> str:
    """Return the text of a wording written in HTML."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", marked))).strip()


def read_lss(path: Path) -> Codebook:
    """Read a LimeSurvey survey file into a codebook; columns the export lacks are no fault.

    Arrays give one column per sub-question, `RSES_SQ001` from `RSES[SQ001]`; answer codes such
    as `AO01` become 1.
    """
    survey = _parse(path)
    wordings = survey.texts("question_l10ns", "qid", "question")
    children: dict[str, list[Mapping[str, str]]] = {}
    parents: list[Mapping[str, str]] = []
    for row in (*survey.rows("questions"), *survey.rows("subquestions")):
        parent = row.get("parent_qid", "0")
        if parent in {"", "0"}:
            parents.append(row)
        else:
            children.setdefault(parent, []).append(row)
        own = plain_text(row.get("question", ""))
        if own:
            wordings.setdefault(row.get("qid", ""), []).append(own)
    answers = _answers(survey)
    columns: list[ColumnCode] = []
    seen: set[str] = set()
    for row in parents:
        for column in _question(row, children.get(row.get("qid", ""), []), wordings, answers):
            if column.name not in seen:
                seen.add(column.name)
                columns.append(column)
    return Codebook(columns=tuple(columns), source=path.name)


def _parse(path: Path) -> _Survey:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    QUESTIONNAIRE_MB.refuse_beyond(path.stat().st_size // MILLION, path.name)
    content = path.read_bytes()
    QUESTIONNAIRE_ELEMENTS.refuse_beyond(content.count(b"</") + content.count(b"/>"), path.name)
    try:
        root = fromstring(content)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise ImpactEvalError(
            Finding.error("damaged_file", Place(file=path.name), file=path.name,
                          reason=str(error)[:200] or type(error).__name__)
        ) from None  # fmt: skip
    if root.find("questions") is None:
        raise ImpactEvalError(
            Finding.error("not_a_survey_file", Place(file=path.name), file=path.name)
        )
    return _Survey({part.tag: list(_rows(part)) for part in root})


def _rows(part: Element) -> Iterator[Mapping[str, str]]:
    rows: Iterable[Element] = part.iterfind("rows/row")
    for row in rows:
        yield {cell.tag: (cell.text or "").strip() for cell in row}


def _answers(survey: _Survey) -> dict[str, dict[str, list[str]]]:
    """Return the labels of each answer code of each question, in all languages."""
    translated = survey.texts("answer_l10ns", "aid", "answer")
    out: dict[str, dict[str, list[str]]] = {}
    for row in survey.rows("answers"):
        labels = out.setdefault(row.get("qid", ""), {}).setdefault(row.get("code", ""), [])
        own = plain_text(row.get("answer", ""))
        for text in (own, *translated.get(row.get("aid", ""), ())):
            if text and text not in labels:
                labels.append(text)
    return out


def number_codes(labels: Mapping[str, list[str]]) -> LabelMap:
    """Return labels by code, `AO01`… as 1… when every code is written so."""
    found = {code: _ANSWER_CODE.fullmatch(code) for code in labels}
    if labels and all(found.values()):
        pairs: dict[Any, list[str]] = {}
        for code, match in found.items():
            assert match is not None
            pairs[int(match[1])] = [*labels[code], code]
        return LabelMap.of(pairs)
    return LabelMap.of({code: names or [code] for code, names in labels.items()})


def _question(
    row: Mapping[str, str],
    parts: list[Mapping[str, str]],
    wordings: Mapping[str, list[str]],
    answers: Mapping[str, dict[str, list[str]]],
) -> Iterator[ColumnCode]:
    kind, title = row.get("type", ""), row.get("title", "")
    qid = row.get("qid", "")
    texts = wordings.get(qid, [])
    first = texts[0] if texts else None
    if kind in _MULTIPLE:
        options = {part.get("title", ""): wordings.get(part.get("qid", ""), []) for part in parts}
        if options:
            yield ColumnCode(name=title, sources=tuple(texts), type=ColumnType.MULTIPLE,
                             labels=LabelMap.of(options), other="other", optional=True,
                             title=first)  # fmt: skip
        return
    labels, declared = _scale(kind, answers.get(qid, {}))
    if not parts:
        labels, missing = _with_other(labels, row)
        yield ColumnCode(name=title, sources=tuple(texts), type=declared, labels=labels,
                         optional=True, title=first, missing=missing)  # fmt: skip
        return
    for part in parts:
        code = part.get("title", "")
        rows = wordings.get(part.get("qid", ""), [])
        spelled = tuple(f"{text} [{row_text}]" for text in texts for row_text in rows)
        yield ColumnCode(name=f"{title}_{code}", sources=(f"{title}[{code}]", *spelled),
                         type=declared, labels=labels, optional=True,
                         title=spelled[0] if spelled else first)  # fmt: skip


def _with_other(
    labels: LabelMap | None, row: Mapping[str, str]
) -> tuple[LabelMap | None, dict[str, MissingKind]]:
    """Return the answers of a question with « other »: no step of a scale, an option of a list."""
    if labels is None or row.get("other") != "Y":
        return labels, {}
    if all(isinstance(code, (int, float)) for code in labels.labels):
        return labels, dict.fromkeys(_OTHER, MissingKind.NOT_RECORDED)
    return LabelMap.of({**labels.labels, _OTHER[0]: _OTHER[1:]}), {}


def _scale(
    kind: str, answers: Mapping[str, list[str]]
) -> tuple[LabelMap | None, ColumnType | None]:
    """Return the labels and the type of a question of this kind."""
    if kind in _CHOICE | _ARRAY and answers:
        return number_codes(answers), ColumnType.CHOICE
    if kind in _POINTS:
        points = {str(i): [str(i)] for i in range(1, _POINTS[kind] + 1)}
        return LabelMap.of(points), ColumnType.CHOICE
    if kind == "Y":
        return LabelMap.of({1: ("Oui", "Yes", "Y", "O"), 0: ("Non", "No", "N")}), ColumnType.CHOICE
    return None, _TYPES.get(kind)


register_reader(Reader(name="limesurvey", forms=frozenset({".lss", ".xml"}), read_form=read_lss))
