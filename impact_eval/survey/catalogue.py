"""The instruments shipped with the library: their names and their text, one TOML each."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from impact_eval.core.findings import Finding, ImpactEvalError, nearest

_FOLDER = "instruments"


@lru_cache(maxsize=1)
def instrument_names() -> tuple[str, ...]:
    """Return the names of the catalogue, in alphabetical order, without reading the files."""
    folder = resources.files("impact_eval.survey").joinpath(_FOLDER)
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def instrument_text(name: str) -> str:
    """Return the TOML of an instrument of the catalogue; an unknown name is refused.

    Raises
    ------
    ImpactEvalError
        `unknown_instrument`, with the nearest name.
    """
    if name not in instrument_names():
        raise ImpactEvalError(
            Finding.error("unknown_instrument", name=name,
                          nearest=nearest(name, instrument_names()), known=instrument_names())
        )  # fmt: skip
    folder = resources.files("impact_eval.survey").joinpath(_FOLDER)
    return folder.joinpath(f"{name}.toml").read_text(encoding="utf-8")
