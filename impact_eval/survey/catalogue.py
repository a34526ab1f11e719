"""The instruments shipped with the library: one TOML each, read when asked for."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from impact_eval.core.findings import Finding, ImpactEvalError, nearest

if TYPE_CHECKING:
    from impact_eval.survey.scale import Instrument

_FOLDER = "instruments"


@lru_cache(maxsize=1)
def instrument_names() -> tuple[str, ...]:
    """Return the names of the catalogue, in alphabetical order, without reading the files."""
    folder = resources.files("impact_eval.survey").joinpath(_FOLDER)
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


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
    from impact_eval.survey.scale import parse_instrument

    if name not in instrument_names():
        raise ImpactEvalError(
            Finding.error("unknown_instrument", name=name,
                          nearest=nearest(name, instrument_names()), known=instrument_names())
        )  # fmt: skip
    file = f"{name}.toml"
    folder = resources.files("impact_eval.survey").joinpath(_FOLDER)
    text = folder.joinpath(file).read_text(encoding="utf-8")
    return parse_instrument(text, file=file, local=False)


def instruments() -> tuple[Instrument, ...]:
    """Return every instrument of the catalogue, in alphabetical order."""
    return tuple(instrument(name) for name in instrument_names())
