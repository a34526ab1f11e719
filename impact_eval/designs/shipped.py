"""What the shipped designs ask of their options, as data: a study file is checked without them.

To know that an option is misspelt, loading a design and all that it computes with took more than
the rest of the answer. The file is written from the classes by
`python -m impact_eval.designs.shipped`; a test holds it to them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.registry import declared_elsewhere
from impact_eval.designs.option_kinds import Kind
from impact_eval.designs.options import COVARIANCE, OptionRule, rules_of

ENTRY_POINTS: Final = "impact_eval.designs"  # the group of the designs of other packages
FILE: Final = Path(__file__).with_name("shipped_options.json")
COVARIANCE_ENTRY_POINTS: Final = "impact_eval.covariances"
_COVARIANCES: Final = "impact_eval.stats.inference.covariances"
_REGISTRY: Final = "impact_eval.designs.base"
_PLAIN_CHECK: Final = "check_options"  # what a design calls that refuses by the rules alone
_KINDS: Final = MappingProxyType({kind.__name__: kind for kind in (bool, int, float, str)})


@dataclass(frozen=True, slots=True)
class ShippedOptions:
    """What a shipped design asks of its options.

    Attributes
    ----------
    rules : mapping of str to OptionRule
        By option, but the covariance.
    needed : tuple of str
        Options without a default.
    covariance : bool
        Whether its errors can be chosen.
    asks_more : bool
        Whether it refuses more than its rules say, such as options that do not go together.
    taken : tuple of str
        Covariances that it takes by their short names, `HC2`, its options at their defaults.
    """

    rules: Mapping[str, OptionRule]
    needed: tuple[str, ...]
    covariance: bool
    asks_more: bool
    taken: tuple[str, ...] = ()

    def takes(self, covariance: object, options: Collection[str]) -> bool:
        """Return whether a covariance is known to be taken; what is not known is to be tried."""
        return not options and covariance in self.taken and not _covariances_added()

    def may_refuse(self, options: Collection[str]) -> bool:
        """Return whether the design itself may refuse options that all passed their rules."""
        lacking = any(name not in options for name in self.needed)
        return lacking or (self.asks_more and bool(options))


def shipped_alone() -> bool:
    """Return whether the designs are those shipped, none of them loaded, so none added by hand."""
    return _REGISTRY not in sys.modules and not declared_elsewhere(ENTRY_POINTS)


def _covariances_added() -> bool:
    """Return whether a short name may mean the covariance of another package, or one of a user."""
    return _COVARIANCES in sys.modules or bool(declared_elsewhere(COVARIANCE_ENTRY_POINTS))


@lru_cache(maxsize=1)
def shipped_options() -> Mapping[str, ShippedOptions]:
    """Return what each shipped design asks of its options, by name, in alphabetical order.

    Examples
    --------
    >>> shipped_options()["twfe"].rules["window"].kind
    Kind(of=<class 'int'>, pair=True, open_ends=False, optional=True)
    """
    told = json.loads(FILE.read_text(encoding="utf-8"))
    return MappingProxyType({name: _options(design) for name, design in told.items()})


def _options(told: Mapping[str, Any]) -> ShippedOptions:
    rules = {name: _rule(rule) for name, rule in told["options"].items()}
    return ShippedOptions(
        rules,
        tuple(told["needed"]),
        covariance=told["covariance"],
        asks_more=told["asks_more"],
        taken=tuple(told["taken"]),
    )


def _rule(told: Mapping[str, Any]) -> OptionRule:
    kind = told["kind"]
    made = None if kind is None else Kind(**{**kind, "of": _KINDS[kind["of"]]})
    return OptionRule(tuple(told["one_of"]), told["low"], made, told["optional"])


def options_asked(design: type[Any]) -> ShippedOptions:
    """Return what a design asks of its options, read from its class."""
    own = fields(design) if is_dataclass(design) else ()
    needed = tuple(
        item.name
        for item in own
        if item.default is MISSING and item.default_factory is MISSING and item.name != COVARIANCE
    )
    check = getattr(design, "__post_init__", None)
    called = set() if check is None else set(check.__code__.co_names)
    return ShippedOptions(
        rules_of(design), needed, any(item.name == COVARIANCE for item in own),
        asks_more=bool(called - {_PLAIN_CHECK}), taken=() if needed else _taken(design),
    )  # fmt: skip


def _taken(design: type[Any]) -> tuple[str, ...]:
    """Return the short names of covariances that a design takes, as it says when it is made."""
    from impact_eval.stats.inference.covariances import covariance_from_text, covariances
    from impact_eval.stats.inference.covariances.corrections import CR
    from impact_eval.stats.inference.covariances.robust import HC

    found = []
    registered = sorted(kind.name for kind in covariances.here(_COVARIANCES))
    for text in (*map(str, HC), *map(str, CR), *registered):
        try:
            design(**{COVARIANCE: covariance_from_text(text)})
        except (ImpactEvalError, TypeError):  # not taken, or its errors cannot be chosen
            continue
        found.append(text)
    return tuple(found)


def options_text(asked: Mapping[str, ShippedOptions]) -> str:
    """Return the text of the file: stable, readable, one final line break."""
    told = {name: _told(design) for name, design in sorted(asked.items())}
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _told(design: ShippedOptions) -> dict[str, Any]:
    return {
        "options": {name: _told_rule(rule) for name, rule in design.rules.items()},
        "needed": list(design.needed),
        "covariance": design.covariance,
        "asks_more": design.asks_more,
        "taken": list(design.taken),
    }


def _told_rule(rule: OptionRule) -> dict[str, Any]:
    kind = rule.kind
    told = None
    if kind is not None:
        told = {item.name: getattr(kind, item.name) for item in fields(kind)}
        told["of"] = kind.of.__name__
    return {
        "one_of": list(rule.one_of), "low": rule.low, "kind": told, "optional": rule.optional,
    }  # fmt: skip


def read_from_classes() -> dict[str, ShippedOptions]:
    """Return what each design of this package asks of its options, read from the classes."""
    from impact_eval.designs import designs

    return {design.info.name: options_asked(design) for design in designs.here(__package__ or "")}


def main() -> None:
    """Write the file that is shipped."""
    FILE.write_text(options_text(read_from_classes()), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
