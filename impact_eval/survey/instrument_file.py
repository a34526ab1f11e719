"""`Instrument`: a scale read from its file, which can be scored.

One TOML per instrument. It is read into frozen records, and all its faults are told at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.model_faults import model_faults
from impact_eval.core.shown import Shown, one_line
from impact_eval.core.toml_files import parse_toml, read_toml
from impact_eval.survey.catalogue import instrument_names, instrument_text
from impact_eval.survey.scale import CONFIG, LOCAL, OWN, Items, Scale
from impact_eval.survey.scores import Scores
from impact_eval.survey.scoring import score


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, config=CONFIG)
class Instrument(Shown, Scale):
    """A scale as data, with the verbs that read it, show it and score a table by it.

    Examples
    --------
    >>> instrument("gad-7")
    Instrument(gad-7, anxiety, items=7, low=0, high=21, direction=lower_is_better, rights=A)
    """

    def _line(self) -> str:
        return one_line(
            "Instrument",
            self.id,
            self.construct,
            items=len(self.items),
            low=self.scoring.low,
            high=self.scoring.high,
            direction=self.direction.value,
            rights=self.rights.wording.value,
            local=self.local or None,
        )

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
            `file_not_found`, `toml_syntax`, `toml_key_twice`, `toml_not_utf8`, `unknown_key`,
            `missing_key`, `wrong_type`, `out_of_bounds`, `bad_identifier`, and what does not
            hang together: all at once.
        """
        path = Path(path)
        if not path.is_file():
            raise ImpactEvalError(
                Finding.error("file_not_found", Place(file=path.name), path=path.name, nearest=None)
            )
        return _made(read_toml(path), file=path.name, local=True)


def parse_instrument(text: str, *, file: str, local: bool) -> Instrument:
    """Read an instrument from the text of its TOML; all faults are raised at once."""
    return _made(parse_toml(text, file), file=file, local=local)


def _made(content: Mapping[str, Any], *, file: str, local: bool) -> Instrument:
    if local:
        content = {"validated": False, "version": "1", "language": "any", "citation": "",
                   "construct": LOCAL, **content, "local": True}  # fmt: skip
        content = {"rights": {"wording": "B", "terms": OWN}, **content}
    try:
        return _ADAPTER.validate_python(content)
    except ValidationError as error:
        raise ImpactEvalError(model_faults(error, content, Instrument, file=file)) from None
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


_ADAPTER: TypeAdapter[Instrument] = TypeAdapter(Instrument)
