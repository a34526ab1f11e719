"""The researcher's reference: kernels that no door calls, what they are for, an example of each."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pages import write

SOURCE = Path(__file__).with_name("kernels.toml")
PAGE = "reference/generated/kernels.rst"
INTRO = (
    "Kernels take arrays and give frozen records; no command and no report calls these ones. Each",
    "has its tests and an example that runs. The rest of ``impact_eval.stats`` is reached from",
    "the designs, the scales, ``ie.plan`` and the diagnostics.",
)


def _room(room: dict[str, Any]) -> list[str]:
    title = room["title"]
    lines = [title, "-" * len(title), "", room["use"], ""]
    if "example" in room:
        lines += [".. code-block:: pycon", ""]
        lines += [f"   {line}".rstrip() for line in room["example"].strip().splitlines()]
        lines.append("")
    for kernel in room["kernels"]:
        lines += [f".. autofunction:: {kernel}", ""]
    return lines


def write_kernels() -> list[Path]:
    """Write the page of the kernels."""
    rooms = tomllib.loads(SOURCE.read_text(encoding="utf-8"))["room"]
    title = "Kernels for researchers"
    lines = [title, "=" * len(title), "", *INTRO, ""]
    for room in rooms:
        lines += _room(room)
    return [write(PAGE, lines)]
