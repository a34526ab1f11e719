"""A questionnaire as a record: its questions in blocks that share their answers, in each language.

Where the rights do not allow the wording, its place is held by a numbered line to be filled. The
codes of the answers are those that the scale is scored by: what comes back needs no table of its
own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.pipeline.scale_words import answer_words, scale_title
from impact_eval.report.languages.language import language_codes
from impact_eval.report.texts import Texts
from impact_eval.survey.scale import Response, Scale, WordingClass

LONGEST_CODE = 20  # signs of a question code in LimeSurvey, letters and digits alone
_ROOM = 3  # kept in it for the number of a block


@dataclass(frozen=True, slots=True, kw_only=True)
class FormAnswer:
    """One answer: the code of the scale, and its label in each language."""

    code: int
    label: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormQuestion:
    """One question.

    Attributes
    ----------
    number : int
    item : str
        Its identity in the scale.
    text : mapping of language to str
        Its wording, or the line to be filled.
    asked_if : mapping of item to code
        Answers without which it is not asked.
    asked_unless : mapping of item to code
        Answers that, all together, end the questions before it.
    """

    number: int
    item: str
    text: Mapping[str, str]
    asked_if: Mapping[str, int]
    asked_unless: Mapping[str, int]

    @property
    def conditions(self) -> tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]:
        """When it is asked, to be held against another's."""
        return tuple(self.asked_if.items()), tuple(self.asked_unless.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class FormBlock:
    """Questions that follow one another and share their answers.

    Attributes
    ----------
    code : str
        Letters and digits: the question code of an array.
    questions : tuple of FormQuestion
    answers : tuple of FormAnswer
    """

    code: str
    questions: tuple[FormQuestion, ...]
    answers: tuple[FormAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleForm:
    """A questionnaire, before it is written in a format.

    Attributes
    ----------
    id : str
        That of the scale.
    title, instruction, source : mapping of language to str
    blocks : tuple of FormBlock
    looked_after : bool
        Whether an answer may call for help: the form then says where to find it.
    health : bool
    to_fill : int
        Questions whose wording is still to be copied, in the first language of the form.
    """

    id: str
    title: Mapping[str, str]
    instruction: Mapping[str, str]
    source: Mapping[str, str]
    blocks: tuple[FormBlock, ...]
    looked_after: bool
    health: bool
    to_fill: Mapping[str, int]


def scale_form(scale: Scale, *, licence_declared: bool = False) -> ScaleForm:
    """Return the questionnaire of a scale.

    Parameters
    ----------
    scale : Scale
    licence_declared : bool
        Whether the user holds the licence that the scale asks for.

    Raises
    ------
    ImpactEvalError
        `licence_needed`, `layout_refused`, `nothing_to_ask` for a method without questions.

    Examples
    --------
    >>> from impact_eval.survey import instrument
    >>> form = scale_form(instrument("rses-fr"))
    >>> [(block.code, len(block.questions), len(block.answers)) for block in form.blocks]
    [('RSESFR', 10, 4)]
    """
    _refuse(scale, licence_declared)
    spoken = {code: Texts(code) for code in language_codes()}
    instruction: dict[str, str] = dict(scale.instruction.items())
    default = {c: t.say("questionnaire.default_instruction") for c, t in spoken.items()}
    questions = [_question(scale, n, name, spoken) for n, name in enumerate(scale.item_ids, 1)]
    return ScaleForm(
        id=scale.id,
        title={code: scale_title(scale, texts) for code, texts in spoken.items()},
        instruction={code: instruction.get(code) or default[code] for code in spoken},
        source={} if not scale.citation else {
            code: t.say("questionnaire.source", citation=scale.citation)
            for code, t in spoken.items()
        },
        blocks=_blocks(scale, questions),
        looked_after=bool(scale.safeguards),
        health=scale.health,
        to_fill={
            code: sum(not scale.wording(name, code) for name in scale.item_ids) for code in spoken
        },
    )  # fmt: skip


def _refuse(scale: Scale, licence_declared: bool) -> None:
    wording = scale.rights.wording
    if wording is WordingClass.REFUSED:
        raise ImpactEvalError(Finding.error("layout_refused", instrument=scale.id))
    if wording is WordingClass.LICENCE and not licence_declared:
        raise ImpactEvalError(Finding.error("form_licence_needed", instrument=scale.id))
    if not scale.items:
        raise ImpactEvalError(Finding.error("nothing_to_ask", instrument=scale.id))


def _question(scale: Scale, number: int, name: str, spoken: Mapping[str, Texts]) -> FormQuestion:
    def told(texts: Texts) -> str:
        own = scale.wording(name, texts.language)
        if own:
            return own
        nowhere = texts.say("questionnaire.no_reference")
        reference = f"doi:{scale.doi}" if scale.doi else scale.citation.rstrip(".") or nowhere
        return texts.say("questionnaire.placeholder", number=number, reference=reference)

    text = {code: told(texts) for code, texts in spoken.items()}
    item = scale.item(name)
    return FormQuestion(number=number, item=name, text=text, asked_if=item.asked_if,
                        asked_unless=item.asked_unless)  # fmt: skip


def _blocks(scale: Scale, questions: Sequence[FormQuestion]) -> tuple[FormBlock, ...]:
    """Return the runs of questions that share their answers and when they are asked."""
    runs: list[tuple[tuple[FormAnswer, ...], list[FormQuestion]]] = []
    for question in questions:
        answers = _answers_of(scale, question.item)
        former = runs[-1] if runs else None
        same = former is not None and former[1][-1].conditions == question.conditions
        if former is not None and same and former[0] == answers:
            former[1].append(question)
        else:
            runs.append((answers, [question]))
    stem = re.sub(r"[^A-Z0-9]", "", scale.id.upper())
    stem = stem if stem[:1].isalpha() else f"Q{stem}"
    codes = [stem[:LONGEST_CODE]]
    if len(runs) > 1:
        codes = [f"{stem[: LONGEST_CODE - _ROOM]}Q{n}" for n in range(1, len(runs) + 1)]
    return tuple(
        FormBlock(code=code, questions=tuple(held), answers=answers)
        for code, (answers, held) in zip(codes, runs, strict=True)
    )


def _answers_of(scale: Scale, name: str) -> tuple[FormAnswer, ...]:
    """Return the answers of a question, lowest code first; a number where a step has no words."""
    own = scale.item(name).responses or scale.responses
    labelled = {answer.code: answer for answer in own}
    low, high = map(int, scale.bounds(name))
    # words at both ends alone leave the steps between them to their numbers
    ends = not labelled or (min(labelled) == low and max(labelled) == high)
    codes = range(low, high + 1) if ends else sorted(labelled)
    return tuple(
        FormAnswer(code=code, label={c: _label(code, labelled, c) for c in language_codes()})
        for code in codes
    )


def _label(code: int, labelled: Mapping[int, Response], language: str) -> str:
    answer = labelled.get(code)
    words = answer_words(answer, language) if answer is not None else ()
    return words[0] if words else str(code)
