"""The words of a value account: its parties, its lines, its uncertain numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from impact_eval.report.blocks import Said, say
from impact_eval.report.wording import written
from impact_eval.results.account_records import AccountSection
from impact_eval.results.value import NumberNameRecord
from impact_eval.value.readouts.standing import ValueStanding

Labels = Mapping[str, Said]


@dataclass(frozen=True, slots=True)
class Names:
    """The words for lines and outcomes: the study's own where it has them, else the map's."""

    lines: Mapping[str, Said]
    outcomes: Mapping[str, Said]
    inputs: Mapping[str, Said] = field(default_factory=dict)

    def line(self, line: str) -> Said:
        """Return the name of a line."""
        return self.lines.get(line, line)

    def number(self, number: NumberNameRecord) -> Said:
        """Return an uncertain number in words: what it is, and of which line or outcome."""
        code = f"value_number.{number.what}"
        what: Said = say(code) if written(code) else number.what
        if number.outcome is not None:
            name = self.outcomes.get(number.outcome, number.outcome)
            return say("value_number.of", what=what, line=name)
        if number.input is not None:
            owner = self.inputs.get(number.input, number.input)
            return say("value_number.of", what=what, line=owner)
        if number.line is None:
            return what
        return say("value_number.of", what=what, line=self.line(number.line))


def names_of(section: AccountSection, labels: Labels) -> Names:
    """Return the words for the lines of a map and the outcomes they stand on.

    A line that counts those whom the action spares (an effect that falls, and is better so) keeps
    the words of its map: under those of the outcome it would say the contrary.
    """
    declared = section.value_map.lines
    spared = {
        own.line
        for own in section.quantities.lines
        if any(load.weight is not None and load.weight.startswith("-") for load in own.loads)
    }
    effects = Counter(line.estimate for line in declared)
    told = Counter(line.outcome for line in declared)
    whose = Counter((line.outcome, line.stakeholder) for line in declared)
    lines: dict[str, Said] = {}
    outcomes: dict[str, Said] = {}
    for line in declared:
        label = labels.get(line.estimate or "")
        own: Said = line.outcome
        if told[line.outcome] > 1 and whose[line.outcome, line.stakeholder] == 1:
            own = f"{line.outcome} ({line.stakeholder})"
        elif told[line.outcome] > 1:  # an identifier of ours holds the outcome already
            named = line.id.startswith(line.outcome)
            own = line.id if named else f"{line.outcome} ({line.id})"
        # several lines on one effect need their own names, to be told apart
        plain = label is None or effects[line.estimate] > 1 or line.id in spared
        lines[line.id] = own if plain or label is None else label
        if line.estimate:
            outcomes.setdefault(line.estimate, line.outcome if label is None else label)
    inputs = {item.id: item.description or item.stakeholder for item in section.value_map.inputs}
    twice = Counter(inputs.values())
    put_in = {key: name if twice[name] == 1 else f"{name} ({key})" for key, name in inputs.items()}
    return Names(MappingProxyType(lines), MappingProxyType(outcomes), MappingProxyType(put_in))


def agent_words(name: str) -> Said:
    """Return a party's name: that of the catalogue, or itself."""
    for code in (f"party.{name}", f"agent.{name}", f"label.{name}"):
        if written(code):
            return say(code)
    return name


def name_words(name: Said) -> Said:
    """Return a line's name; one that is a code of the catalogue has its words."""
    return agent_words(name) if isinstance(name, str) else name


def titled(title: Said, standing: ValueStanding) -> Said:
    """Return the title of an amount, with what it stands on where that is not established."""
    if standing is ValueStanding.ATTRIBUTED:
        return title
    return say(f"value.title_{standing.value}", what=title)
