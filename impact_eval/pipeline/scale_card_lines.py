"""The card of a scale as lines of a terminal: what to ask, what it gives, what is not known."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from impact_eval.pipeline.scale_card import AskedItem, ScaleCard
from impact_eval.pipeline.scale_words import (
    answer_words,
    fact_words,
    own_word,
    rights_words,
    scale_title,
    stem_words,
)
from impact_eval.report.formats import LONGEST_LIST
from impact_eval.report.texts import Texts
from impact_eval.survey.fact_words import FactText
from impact_eval.survey.scale import (
    OWN,
    TOTAL,
    FactMark,
    Item,
    Response,
    Scoring,
    ScoringRule,
    WordingClass,
)

WIDTH = 80
_INDENT = "  "
_A_RUN = 3  # from the fourth number on, a run is told by its ends


def card_lines(card: ScaleCard, texts: Texts) -> list[str]:
    """Return the card of a scale as lines of at most 80 signs.

    Parameters
    ----------
    card : ScaleCard
    texts : Texts
    """
    scale = card.scale
    head = texts.say("scale_card.head", id=scale.id, title=scale_title(scale, texts))
    lines = [head, "=" * min(len(head), WIDTH)]
    for name, part in (
        ("measures", _measures(card, texts)),
        ("asked", _asked(card, texts)),
        ("answers", _answers(card, texts)),
        ("reversed", _reversed(card, texts)),
        ("score", _score(card, texts)),
        ("parts", _parts(card, texts)),
        ("cutoffs", _cutoffs(card, texts)),
        ("norms", _norms(card, texts)),
        ("change", _change(card, texts)),
        ("rights", _rights(card, texts)),
        ("health", _health(card, texts)),
        ("safeguard", _safeguard(card, texts)),
        ("known", _known(card, texts)),
        ("next", _next(card, texts)),
    ):
        told = [line for text in part for line in _folded(text)]
        if told:
            lines += ["", texts.say(f"scale_card.title.{name}").upper(), *told]
    return lines


def _folded(text: str) -> list[str]:
    """Fold a line under its own beginning, as a list is."""
    bare = text.lstrip(" ")
    start = _INDENT + " " * (len(text) - len(bare))
    return textwrap.wrap(
        bare, WIDTH, initial_indent=start, subsequent_indent=f"{start}{_INDENT}",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _marked(text: str, mark: FactMark, texts: Texts) -> str:
    """Say on the line itself that a fact was not read in its source."""
    return f"{text} {texts.say('scale_card.to_check')}" if mark is FactMark.MEMORY else text


def _measures(card: ScaleCard, texts: Texts) -> Iterator[str]:
    scale = card.scale
    described = f"instrument.{scale.id}.text"
    if not scale.local and described in texts:
        yield texts.say(described)
    apart = {part.direction for part in card.parts} - {scale.direction}
    if not apart:
        yield texts.say(f"scale_card.better.{scale.direction.value}")
        return
    for part in card.parts:
        yield texts.say(
            f"scale_card.part_better.{part.direction.value}", part=_part_first(part.id, card, texts)
        )


def _part(name: str, card: ScaleCard, texts: Texts) -> str:
    return own_word(card.scale, "part", name, texts)


def _part_first(name: str, card: ScaleCard, texts: Texts) -> str:
    """Return the name of a part as it begins a line."""
    told = _part(name, card, texts)
    return told if card.scale.local else _capital(told)


def _capital(text: str) -> str:
    """Return words as they begin a line."""
    return text[:1].upper() + text[1:]


def _asked(card: ScaleCard, texts: Texts) -> Iterator[str]:
    language = texts.language
    if not card.questions:
        yield texts.say("scale_card.asked.none")
        return
    said = card.instruction.get(language)
    if said:
        yield texts.say("scale_card.asked.instruction", text=said)
    if not card.ships[language]:
        yield _where_to_find(card, texts)
    for question in card.questions:
        yield _question(question, card, texts)
    yield texts.say("scale_card.asked.ids")
    if len(card.orders) > 1:
        names = [texts.say(f"scale_card.order.{order.name}") for order in card.orders]
        yield texts.say("scale_card.asked.orders", first=names[0], names=names)
    if any(q.asked_if or q.asked_unless for q in card.questions):
        yield texts.say("scale_card.asked.some_only")


def _where_to_find(card: ScaleCard, texts: Texts) -> str:
    scale = card.scale
    free = scale.rights.wording is WordingClass.SHIP
    lead = texts.say(f"scale_card.asked.{'other_language' if free else 'not_given'}")
    doi = texts.say("scale_card.asked.doi", doi=scale.doi) if scale.doi else ""
    holder = scale.rights.holder
    told = texts.say("scale_card.asked.holder", holder=fact_words(holder, texts)) if holder else ""
    return " ".join(filter(None, (lead, scale.citation, doi, told)))


def _question(question: AskedItem, card: ScaleCard, texts: Texts) -> str:
    told = question.text.get(texts.language) or stem_words(card.scale, question.id, texts)
    name = texts.say("scale_card.asked.id", id=question.id)
    if told is None:
        told = texts.say("scale_card.asked.unsaid", number=question.number)
    return f"{question.number}. {told} {name}"


def _numbers(numbers: Sequence[int], texts: Texts) -> str:
    """Write the numbers of questions, all of them: those that follow one another by their ends."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    told = []
    for first, last in runs:
        if last - first < _A_RUN:
            told += [str(n) for n in range(first, last + 1)]
        else:
            told.append(texts.say("scale_card.run", first=first, last=last))
    return ", ".join(told) if len(told) > LONGEST_LIST else str(texts.show(told))


def _answers(card: ScaleCard, texts: Texts) -> Iterator[str]:
    scale = card.scale
    if not card.questions:
        return
    own = [question for question in card.questions if question.answers]
    if len(own) < len(card.questions):
        if scale.responses:
            yield from _codes(scale.responses, texts)
        low, high = scale.low, scale.high
        if len(scale.responses) < high - low + 1:
            yield texts.say("scale_card.answers.numbers", low=low, high=high)
    if scale.coded_both_ways:
        yield texts.say("scale_card.answers.both_ways")
    told: dict[tuple[Response, ...], list[int]] = {}
    for question in own:
        told.setdefault(question.answers, []).append(question.number)
    for answers, numbers in told.items():
        yield texts.say("scale_card.answers.own", n=len(numbers), numbers=_numbers(numbers, texts))
        yield from (f"{_INDENT}{line}" for line in _codes(answers, texts))


def _codes(answers: Sequence[Response], texts: Texts) -> Iterator[str]:
    for answer in answers:
        words = answer_words(answer, texts.language)
        code = texts.show(answer.code, "plain")
        kind = "labels" if words[1:] else "label"
        yield texts.say(f"scale_card.answers.{kind}", code=code, label=words[0] if words else code,
                        labels=" ; ".join(words[1:]))  # fmt: skip


def _reversed(card: ScaleCard, texts: Texts) -> Iterator[str]:
    turned = [order for order in card.orders if order.reversed]
    for order in turned:
        numbers = _numbers(order.reversed, texts)
        code = "one" if len(card.orders) == 1 else "by_order"
        name = texts.say(f"scale_card.order.{order.name}") if len(card.orders) > 1 else ""
        yield texts.say(f"scale_card.reversed.{code}", n=len(order.reversed),
                        numbers=numbers, order=name)  # fmt: skip
    if turned:
        yield texts.say("scale_card.reversed.as_ticked")


def _score(card: ScaleCard, texts: Texts) -> Iterator[str]:
    scale = card.scale
    names = [_part(name, card, texts) for name in scale.scoring.parts]
    if names:
        yield texts.say("scale_card.rule.parts", parts=names)
    yield from _scoring(scale.scoring, scale.total_items, card, texts)


def _scoring(
    scoring: Scoring, names: Sequence[str], card: ScaleCard, texts: Texts
) -> Iterator[str]:
    """Say the rule of a score, its range, and how many answers may be missing."""
    items = [card.scale.item(name) for name in names]
    yield texts.say(f"scale_card.rule.{scoring.rule.value}", function=scoring.function or "",
                    constant=scoring.constant,
                    source=_or_nothing(scoring.table_source, texts))  # fmt: skip
    if scoring.rule is ScoringRule.WEIGHTED:
        numbers = {q.id: q.number for q in card.questions}
        yield from (
            _INDENT + texts.say("scale_card.rule.weight", number=numbers[i.id], weight=i.weight)
            for i in items
        )
    if any(item.points for item in items):
        yield texts.say("scale_card.rule.points")
        yield from _points(items, card, texts)
    if scoring.factor != 1:
        yield texts.say("scale_card.rule.factor", factor=scoring.factor)
    if scoring.low is not None and scoring.high is not None:
        yield texts.say("scale_card.rule.range", low=scoring.low, high=scoring.high)
    missing = scoring.missing
    if missing is None:
        return
    lost, source = len(names) - missing.least, fact_words(missing.source, texts)
    if not lost:
        yield texts.say("scale_card.missing.none", source=source)
        return
    kind = "filled" if missing.prorate else "left"
    yield texts.say(f"scale_card.missing.{kind}", n=lost, least=missing.least, of=len(names),
                    source=source)  # fmt: skip


def _or_nothing(fact: FactText | None, texts: Texts) -> str:
    return "" if fact is None else fact_words(fact, texts)


def _points(items: Sequence[Item], card: ScaleCard, texts: Texts) -> Iterator[str]:
    """Say once the points of the answers, for all the questions that share them."""
    numbers = {q.id: q.number for q in card.questions}
    shared: dict[tuple[tuple[str, float], ...], list[int]] = {}
    for item in items:
        if item.points:
            shared.setdefault(tuple(item.points.items()), []).append(numbers[item.id])
    for points, held in shared.items():
        pairs = [
            texts.say("scale_card.rule.pair", code=code, points=value) for code, value in points
        ]
        told = texts.say("scale_card.rule.points_of", n=len(held), numbers=_numbers(held, texts),
                         pairs=pairs)  # fmt: skip
        yield _INDENT + told


def _parts(card: ScaleCard, texts: Texts) -> Iterator[str]:
    numbers = {q.id: q.number for q in card.questions}
    for part in card.parts:
        held = [numbers[name] for name in part.items]
        yield texts.say("scale_card.part", part=_part_first(part.id, card, texts), n=len(held),
                        numbers=_numbers(held, texts))  # fmt: skip
        told = _scoring(part.scoring, part.items, card, texts)
        yield from (f"{_INDENT}{line}" for line in told if part.scoring.missing is not None)


def _cutoffs(card: ScaleCard, texts: Texts) -> Iterator[str]:
    """Say the bands, the source and the population once for those that share them."""
    former: tuple[str, FactText, FactText, int | None] | None = None
    for cut in card.scale.cutoffs:
        group = (cut.scale, cut.population, cut.source, cut.year)
        if group != former:
            people = _capital(fact_words(cut.population, texts))
            if cut.year is not None:
                people = texts.say("scale_card.of_part.year", people=people, year=str(cut.year))
            source = fact_words(cut.source, texts)
            head = texts.say("scale_card.cutoff.head", people=people, source=source)
            yield _of_part(head, cut.scale, card, texts)
            former = group
        low, high = (texts.show(end, "plain") for end in (cut.low, cut.high))
        kind = "both" if None not in (cut.low, cut.high) else "low" if cut.high is None else "high"
        name = own_word(card.scale, "band", cut.id, texts)
        told = texts.say(f"scale_card.cutoff.{kind}", low=low, high=high, name=name)
        told = texts.say("scale_card.cutoff.case", told=told) if cut.case else told
        yield _INDENT + _marked(told, cut.mark, texts)


def _of_part(line: str, part: str, card: ScaleCard, texts: Texts) -> str:
    """Say of which part of the scale a line speaks, where it is not the whole."""
    if part == TOTAL:
        return line
    return texts.say("scale_card.of_part.line", part=_part_first(part, card, texts), line=line)


def _norms(card: ScaleCard, texts: Texts) -> Iterator[str]:
    for norm in card.scale.norms:
        sd = "" if norm.sd is None else texts.say("scale_card.norm.sd", sd=norm.sd)
        people = "" if norm.n is None else texts.say("scale_card.norm.n", n=norm.n)
        told = texts.say(
            "scale_card.norm.mean", mean=norm.mean, sd=sd, people=people,
            population=_capital(fact_words(norm.population, texts)), year=str(norm.year),
            source=fact_words(norm.source, texts),
        )  # fmt: skip
        yield _marked(_of_part(told, norm.scale, card, texts), norm.mark, texts)


def _change(card: ScaleCard, texts: Texts) -> Iterator[str]:
    for value in card.scale.change:
        told = texts.say(f"scale_card.change.{value.kind.value}", value=value.value,
                         source=fact_words(value.source, texts))  # fmt: skip
        yield _marked(_of_part(told, value.scale, card, texts), value.mark, texts)


def _rights(card: ScaleCard, texts: Texts) -> Iterator[str]:
    rights = card.scale.rights
    yield texts.say("scale_card.rights.told", rights=rights_words(card.scale, texts))
    if rights.terms != OWN:
        terms = texts.say("scale_card.rights.terms", terms=fact_words(rights.terms, texts))
        yield _marked(terms, rights.mark, texts)
    if rights.holder:
        yield texts.say("scale_card.rights.holder", holder=fact_words(rights.holder, texts))
    if rights.wording is WordingClass.LICENCE:
        yield texts.say("scale_card.rights.declare")


def _health(card: ScaleCard, texts: Texts) -> Iterator[str]:
    if card.scale.health:
        yield texts.say("scale_card.health")


def _safeguard(card: ScaleCard, texts: Texts) -> Iterator[str]:
    numbers = {q.id: q.number for q in card.questions}
    for guard in card.scale.safeguards:
        yield texts.say("scale_card.safeguard", number=numbers[guard.item], above=guard.above,
                        source=fact_words(guard.source, texts))  # fmt: skip


def _known(card: ScaleCard, texts: Texts) -> Iterator[str]:
    scale = card.scale
    if scale.citation:
        yield texts.say("cli.instruments.citation", citation=scale.citation)
    if scale.doi:
        yield texts.say("scale_card.doi", doi=scale.doi)
    yield from (
        texts.say("cli.instruments.source", source=fact_words(source, texts))
        for source in scale.evidence
    )
    if not scale.validated:
        yield texts.say("scale_card.unproved")
    if card.scale.unchecked:
        yield texts.say("scale_card.unchecked", n=len(card.scale.unchecked))


def _next(card: ScaleCard, texts: Texts) -> Iterator[str]:
    refused = card.scale.rights.wording is WordingClass.REFUSED
    if card.questions and not refused:
        yield texts.say("scale_card.next", id=card.scale.id)
