"""What an option is made of, read from the type of its field: a text, a number, two of them."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from impact_eval.core.findings import Finding, Place

_LONGEST: Final = 60
_PLAIN: Final = (bool, int, float, str)
# a type that is named under `TYPE_CHECKING`, or written for another release of Python
_UNREADABLE: Final = (NameError, AttributeError, TypeError, SyntaxError)


@dataclass(frozen=True, slots=True)
class Kind:
    """What an option is made of.

    Attributes
    ----------
    of : type
        `bool`, `int`, `float` or `str`; an `int` may stand for a `float`, never a `bool`.
    pair : bool
        Whether two are wanted, the first not above the second.
    open_ends : bool
        Whether one end of a pair may be missing.
    optional : bool
        Whether the option may be left out (`None`).
    """

    of: type
    pair: bool = False
    open_ends: bool = False
    optional: bool = False

    def fault(self, value: Any, *, method: str, name: str, place: Place | None) -> Finding | None:
        """Return why a value is not of this kind; None stands for one that is.

        The codes are `option_not_number`, `option_not_whole`, `option_wrong_kind`, and
        `option_out_of_range` for a pair whose second number is below the first.
        """
        if value is None and self.optional:
            return None
        if self.pair:
            return self._pair_fault(value, method=method, name=name, place=place)
        if _is(value, self.of):
            return None
        shown, code = str(value)[:_LONGEST], "option_wrong_kind"
        if self.of in (int, float):
            code = "option_not_whole" if _is(value, float) else "option_not_number"
            return Finding.error(code, place, option=name, name=shown, method=method)
        asked = "wanted.flag" if self.of is bool else "wanted.text"
        return Finding.error(code, place, option=name, name=shown, expected=asked, method=method)

    def _pair_fault(
        self, value: Any, *, method: str, name: str, place: Place | None
    ) -> Finding | None:
        ends = tuple(value) if isinstance(value, (tuple, list)) else ()
        if len(ends) != 2 or not all(self._is_end(end) for end in ends):
            asked = "wanted.whole_pair" if self.of is int else "wanted.pair"
            return Finding.error(
                "option_wrong_kind", place, option=name, name=str(value)[:_LONGEST],
                expected=asked, method=method,
            )  # fmt: skip
        low, high = ends
        if low is None or high is None or low <= high:
            return None
        return Finding.error(
            "option_out_of_range", place, option=name, value=high, low=low, high="∞"
        )

    def _is_end(self, value: Any) -> bool:
        """Whether a value may end a pair: a file, which has no word for None, may say infinity."""
        if value is None:
            return self.open_ends
        return _is(value, self.of) or (
            self.open_ends and isinstance(value, float) and math.isinf(value)
        )


def _is(value: Any, kind: type) -> bool:
    """Whether a value is of a kind; a number is finite, and true or false is none."""
    if kind is bool:
        return isinstance(value, (bool, *_of_numpy("bool_")))
    if kind is str:
        return isinstance(value, str)
    if isinstance(value, bool):
        return False
    if isinstance(value, (int, *_of_numpy("integer"))):
        return True
    real = isinstance(value, (float, *_of_numpy("floating")))
    return kind is float and real and math.isfinite(value)


def _of_numpy(name: str) -> tuple[type, ...]:
    """Return a class of numpy; none while it is not loaded, for no value can be of it then."""
    numpy = sys.modules.get("numpy")
    return () if numpy is None else (getattr(numpy, name),)


@lru_cache(maxsize=256)
def kinds_of(design: type) -> Mapping[str, Kind]:
    """Return what each option of a design is made of, by name, from the types of its fields.

    An option whose type says nothing that we know, and a design whose types cannot be read, are
    not in it: their values are left to the design.

    Examples
    --------
    >>> class Design:
    ...     draws: int | None = None
    >>> kinds_of(Design)["draws"]
    Kind(of=<class 'int'>, pair=False, open_ends=False, optional=True)
    """
    try:
        hints = get_type_hints(design)
    except _UNREADABLE:
        return MappingProxyType({})
    read = {name: _kind_of(hint) for name, hint in hints.items()}
    return MappingProxyType({name: kind for name, kind in read.items() if kind is not None})


def _kind_of(hint: Any) -> Kind | None:
    inside, optional = _without_none(hint)
    if inside in _PLAIN:
        return Kind(inside, optional=optional)
    ends = get_args(inside)
    if get_origin(inside) is tuple and len(ends) == 2 and ends[0] == ends[1]:
        end, open_ends = _without_none(ends[0])
        if end in (int, float):
            return Kind(end, pair=True, open_ends=open_ends, optional=optional)
    return None


def _without_none(hint: Any) -> tuple[Any, bool]:
    """Return a type without the None that it allows, and whether it allows it."""
    if get_origin(hint) not in (Union, UnionType):
        return hint, False
    parts = set(get_args(hint))
    kept = parts - {NoneType}
    if kept == {int, float}:  # the same as a float: a whole number may stand for one
        kept = {float}
    return (kept.pop() if len(kept) == 1 else hint), NoneType in parts
