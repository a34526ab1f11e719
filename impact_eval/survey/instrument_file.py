"""`Instrument`: a scale read from its file, which can be scored.

One TOML per instrument. It is read into frozen records, and all its faults are told at once.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from impact_eval.core.findings import Finding, ImpactEvalError, Place, nearest
from impact_eval.survey.catalogue import instrument_names, instrument_text
from impact_eval.survey.scale import (
    ChangeValue,
    CutOff,
    Item,
    Items,
    Missing,
    Norm,
    Response,
    Rights,
    Safeguard,
    Scale,
    Scoring,
    Subscale,
    frozen,
)
from impact_eval.survey.scores import Scores
from impact_eval.survey.scoring import score


@frozen
class Instrument(Scale):
    """A scale as data, with the verbs that read it and score a table by it.

    Examples
    --------
    >>> type(instrument("rses-fr")).__name__
    'Instrument'
    """

    def score(
        self,
        frame: pd.DataFrame,
        items: Items | None = None,
        *,
        order: str | None = None,
        licence_declared: bool = False,
    ) -> Scores:
        """Score a table; see `impact_eval.survey.scoring.score`."""
        return score(self, frame, items, order=order, licence_declared=licence_declared)

    @classmethod
    def read(cls, path: str | Path) -> Instrument:
        """Read a user's own instrument from a TOML beside the study; it is marked local.

        Raises
        ------
        ImpactEvalError
            `file_not_found`, `toml_syntax`, `unknown_key`, `missing_key`, `wrong_type`,
            `out_of_bounds`, and what does not hang together: all at once.
        """
        path = Path(path)
        if not path.is_file():
            raise ImpactEvalError(
                Finding.error("file_not_found", Place(file=path.name), path=path.name, nearest=None)
            )
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (UnicodeDecodeError, OSError) as error:
            raise ImpactEvalError(_syntax(path.name, error)) from None
        return parse_instrument(text, file=path.name, local=True)


def _syntax(file: str, error: Exception) -> Finding:
    return Finding.error("toml_syntax", Place(file=file), file=file, reason=str(error)[:200])


def parse_instrument(text: str, *, file: str, local: bool) -> Instrument:
    """Read an instrument from the text of its TOML; all faults are raised at once."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ImpactEvalError(_syntax(file, error)) from None
    if local:
        content = {"validated": False, "version": "1", "language": "any", "citation": "",
                   "construct": "local", **content, "local": True}  # fmt: skip
        content.setdefault("rights", {"wording": "B", "terms": "own"})
    try:
        return _ADAPTER.validate_python(content)
    except ValidationError as error:
        found = [_finding(fault, file) for fault in error.errors(include_url=False)]
        raise ImpactEvalError(found) from None
    except ImpactEvalError as error:
        placed = [
            Finding(
                f.code, f.severity, f.values, Place(file=file, key=f.place.key if f.place else None)
            )
            for f in error.findings
        ]
        raise ImpactEvalError(placed) from None


@lru_cache(maxsize=64)
def instrument(name: str) -> Instrument:
    """Return an instrument of the catalogue.

    Parameters
    ----------
    name : str
        One of `instrument_names()`, such as `rses-fr`.

    Raises
    ------
    ImpactEvalError
        `unknown_instrument`, with the nearest name.

    Examples
    --------
    >>> rses = instrument("rses-fr")
    >>> [name for name in rses.item_ids if rses.item(name).reversed][:2]
    ['failure', 'proud']
    """
    text = instrument_text(name)
    return parse_instrument(text, file=f"{name}.toml", local=False)


def instruments() -> tuple[Instrument, ...]:
    """Return every instrument of the catalogue, in alphabetical order."""
    return tuple(instrument(name) for name in instrument_names())


def _finding(fault: Any, file: str) -> Finding:
    """Turn one fault of the model into a finding with its key path."""
    path = "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in fault["loc"])
    key = path.lstrip(".")
    place = Place(file=file, key=key)
    kind, given = fault["type"], fault.get("input")
    found = str(given)[:60] if isinstance(given, (str, int, float, bool)) else ""
    if kind in {"missing", "missing_keyword_only_argument"}:
        return Finding.error("missing_key", place, key=key)
    if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
        known = _known_keys(fault["loc"])
        last = str(fault["loc"][-1])
        return Finding.error("unknown_key", place, key=key, name=last, nearest=nearest(last, known),
                             known=known)  # fmt: skip
    context = fault.get("ctx") or {}
    bounds = [context[b] for b in ("gt", "ge", "lt", "le", "min_length", "pattern") if b in context]
    if bounds:
        return Finding.error("out_of_bounds", place, key=key, found=found, bound=bounds[0],
                             rule=kind)  # fmt: skip
    if kind in {"enum", "literal_error"}:
        choices = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        return Finding.error("wrong_choice", place, key=key, found=found, known=choices,
                             nearest=nearest(found, choices))  # fmt: skip
    return Finding.error("wrong_type", place, key=key, found=found, expected=kind)


_PARTS: dict[str, Any] = {
    "items": Item, "responses": Response, "scoring": Scoring, "missing": Missing,
    "subscales": Subscale, "cutoffs": CutOff, "norms": Norm, "change": ChangeValue,
    "safeguards": Safeguard, "rights": Rights,
}  # fmt: skip


def _known_keys(location: tuple[int | str, ...]) -> tuple[str, ...]:
    owner: Any = Scale
    for part in location[:-1]:
        if isinstance(part, str):
            owner = _PARTS.get(part, owner)
    return tuple(owner.__dataclass_fields__)


_ADAPTER: TypeAdapter[Instrument] = TypeAdapter(Instrument)
