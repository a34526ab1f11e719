"""Options are declared once: the same words refuse them, list them and check a study file."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest

from impact_eval import ImpactEvalError
from impact_eval.core.findings import Finding, FindingCollector, Place
from impact_eval.designs import Design, SyntheticDiD, check_options, designs
from impact_eval.designs.base import options_of
from impact_eval.designs.options import option as declared
from impact_eval.designs.options import rules_of
from impact_eval.designs.shipped import options_asked
from impact_eval.pipeline.method_checks import check_method, option_fault
from impact_eval.report.texts import render_error

BOUNDED = [
    (name, option)
    for name in designs.names()
    for option, rule in rules_of(designs.get(name)).items()
    if rule.one_of or rule.low is not None
]


def _at_file(name: str, option: str, value: Any) -> list[Finding]:
    """Return what the study file is told of an option."""
    asked = options_asked(designs.get(name))
    fault = option_fault(name, option, value, asked, Place(key="method.options"))
    return [] if fault is None else [fault]


def _default(name: str) -> Any:
    made: Any = designs.get(name)
    return made()


def test_the_list_of_options_is_that_of_the_fields() -> None:
    for name in designs.names():
        assert set(designs.get(name).info.options) == set(rules_of(designs.get(name)))
    assert designs.get("imputation").info.options["variance"] == (
        "bjs",
        "bjs_leave_out",
        "two_stage",
    )
    assert len(BOUNDED) > 25


@pytest.mark.parametrize(("name", "option"), BOUNDED)
def test_what_an_option_may_not_be_is_refused_the_same_at_every_door(
    name: str, option: str
) -> None:
    rule = rules_of(designs.get(name))[option]
    wrong: list[tuple[Any, str]] = [("no such choice", "unknown_option"), (7, "unknown_option")]
    if rule.low is not None:
        wrong = [(rule.low - 1, "option_too_low"), ("1", "option_not_number"),
                 (float("nan"), "option_not_number"), (True, "option_not_number")]  # fmt: skip
    for value, code in wrong:
        with pytest.raises(ImpactEvalError) as caught:
            replace(_default(name), **{option: value})
        assert caught.value.codes == (code,)
        (at_file,) = _at_file(name, option, value)
        assert at_file.code == code
        assert caught.value.findings[0].values == at_file.values


@pytest.mark.parametrize(("name", "option"), BOUNDED)
def test_what_an_option_may_be_is_taken(name: str, option: str) -> None:
    rule = rules_of(designs.get(name))[option]
    for value in rule.one_of or (rule.low,):
        made: Design = replace(_default(name), **{option: value})
        assert getattr(made, option) == value


def test_a_design_without_fields_has_no_option() -> None:
    class Bare:
        info = designs.get("callaway_santanna").info

    bare: Any = Bare
    assert rules_of(bare) == {}
    fault = option_fault("bare", "base", "universal", options_asked(bare), Place(key="method"))
    assert fault is not None
    assert fault.code == "unknown_option_name"


EVERY = [(name, option) for name in designs.names() for option in rules_of(designs.get(name))]
# what is of no kind that a text, a number, a yes or a pair may be, and its code
ALIEN: tuple[Any, ...] = ({"a": 1}, {1, 2}, object(), np.arange(3.0), (1, 2, 3), ("a", "b"), [])
# values of a kind, by the type of the field; what is not of a kind, with its code
NUMBERS: list[tuple[Any, str]] = [
    ("3", "option_not_number"), (True, "option_not_number"), (np.bool_(True), "option_not_number"),
    (float("nan"), "option_not_number"), (float("inf"), "option_not_number"),
    *((value, "option_not_number") for value in ALIEN),
]  # fmt: skip
FRACTIONS: list[tuple[Any, str]] = [
    (2.5, "option_not_whole"), (2.0, "option_not_whole"), (np.float64(3), "option_not_whole"),
]  # fmt: skip
PAIRS: list[tuple[Any, str]] = [
    *((value, "option_wrong_kind") for value in (3, "ab", True, (1,), (True, 2), (0, float("nan")),
                                                 ("0", 1), *ALIEN)),
    ((5, -1), "option_out_of_range"),
]  # fmt: skip
KINDS: dict[str, tuple[list[Any], list[tuple[Any, str]]]] = {
    "str": (["x"], [(value, "option_wrong_kind") for value in (3, 2.5, True, *ALIEN)]),
    "bool": ([True, False, np.bool_(False)],
             [(value, "option_wrong_kind") for value in (1, 0.0, "yes", *ALIEN)]),
    "int": ([3, np.int64(4)], NUMBERS + FRACTIONS),
    "float": ([3, 2.5, np.int64(4), np.float32(2.5)], NUMBERS),
    "tuple[int, int]": ([(-1, 2), [-1, 2], (0, 0), (np.int64(-1), 2)],
                        [*PAIRS, ((-1.5, 2), "option_wrong_kind"), ((-1, 2.0), "option_wrong_kind"),
                         ((None, 2), "option_wrong_kind")]),
    "tuple[float | None, float | None]": (
        [(-1, 2), [-1.5, 2], (None, 2), (-1, None), (None, None), (float("-inf"), 2)], PAIRS),
}  # fmt: skip


def _field(name: str, option: str) -> tuple[str, bool]:
    """Return the type that a field is written with, and whether it may be None."""
    kind: Any = designs.get(name)
    written = next(str(f.type) for f in fields(kind) if f.name == option)
    return written.removesuffix(" | None"), written.endswith(" | None") and written != "None"


def _codes(name: str, option: str, value: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a value is refused with, at the door of Python and at that of the study file."""
    told_at_file = _at_file(name, option, value)
    at_file = tuple(finding.code for finding in told_at_file)
    refused: ImpactEvalError | None = None
    try:
        replace(_default(name), **{option: value})
    except ImpactEvalError as error:
        refused = error
    if refused is None:
        return (), at_file
    values = [finding.values for finding in refused.findings]
    assert not at_file or values == [finding.values for finding in told_at_file]
    for language, repair in (("fr", "Pour corriger"), ("en", "To mend it")):
        told = render_error(refused, language)
        assert option in told
        assert told.count(repair) == len(refused.codes)
    return refused.codes, at_file


@pytest.mark.parametrize(("name", "option"), EVERY)
def test_an_option_of_another_kind_is_refused_in_words_at_both_doors(
    name: str, option: str
) -> None:
    written, optional = _field(name, option)
    right, wrong = KINDS[written]
    rule = rules_of(designs.get(name))[option]
    if rule.one_of:
        wrong = [(value, "unknown_option") for value in (3, 2.5, True, *ALIEN)]
    none = () if optional else ("unknown_option" if rule.one_of else wrong[0][1],)
    assert _codes(name, option, None) == (none, none)
    for value, code in wrong:
        assert _codes(name, option, value) == ((code,), (code,)), repr(value)
    for value in rule.one_of or right:
        assert _codes(name, option, value) == ((), ()), repr(value)


def test_every_option_has_a_kind() -> None:
    for name, option in EVERY:
        kind = rules_of(designs.get(name))[option].kind
        written, optional = _field(name, option)
        assert kind is not None
        assert kind.optional == optional
        assert kind.pair == written.startswith("tuple")
        assert kind.of.__name__ in written


def test_numbers_of_numpy_are_recorded_as_plain_ones() -> None:
    made = SyntheticDiD(draws=np.int64(7))  # type: ignore[arg-type]
    assert json.loads(json.dumps(options_of(made)))["draws"] == 7


def test_a_design_whose_types_cannot_be_read_is_left_as_it_is() -> None:
    @dataclass(frozen=True)
    class Foreign:
        info = designs.get("twfe").info
        odd: NotThere | int = 3  # type: ignore[name-defined]  # noqa: F821
        low: float = declared(1.0, low=0)

        def __post_init__(self) -> None:
            check_options(self)  # type: ignore[arg-type]

    made: Any = Foreign
    assert made(odd="anything").odd == "anything"
    with pytest.raises(ImpactEvalError) as caught:  # what it declares still holds
        made(low=-1)
    assert caught.value.codes == ("option_too_low",)


def test_what_no_kind_says_is_left_to_the_design() -> None:
    @dataclass(frozen=True)
    class Foreign:
        info = designs.get("twfe").info
        names: tuple[str, ...] = ()
        either: int | str = 1
        number: int | float | None = 1

        def __post_init__(self) -> None:
            check_options(self)  # type: ignore[arg-type]

    made: Any = Foreign
    assert made(names=3, either=2.5, number=2.5).names == 3
    with pytest.raises(ImpactEvalError) as caught:
        made(number="a")
    assert caught.value.codes == ("option_not_number",)


def test_options_that_do_not_go_together_are_told_when_the_file_is_checked() -> None:
    faults = FindingCollector()
    options = {"specification": "event", "window": [1, 3]}
    check_method("method", {"name": "twfe", "options": options}, faults, "study.toml")
    assert [(f.code, f.place and f.place.key) for f in faults.findings] == [
        ("window_without_start", "method.options")
    ]


def test_an_option_that_a_design_cannot_do_without_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @dataclass(frozen=True)
    class Needing:
        info = designs.get("twfe").info
        column: str

    monkeypatch.setattr(designs, "get", lambda name: Needing)
    faults = FindingCollector()
    check_method("method", {"name": "twfe"}, faults, "study.toml")
    assert [finding.code for finding in faults.findings] == ["option_missing"]
