"""Files found beside others by their names: known without what reads tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

FORGOTTEN: Final = "oubli.json"  # in a study's folder: the people who asked to be left out
_CODEBOOK = ".codes.toml"  # `suivi.codes.toml` beside `suivi.xlsx` is its codebook


def codebook_beside(path: Path) -> Path | None:
    """Return the codebook that lies beside a table, `suivi.codes.toml`, or None.

    Whatever bears the name is one: what cannot be read is refused, never left out.
    """
    beside = path.with_name(path.stem + _CODEBOOK)
    return beside if os.path.lexists(beside) else None
