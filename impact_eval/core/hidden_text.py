"""Characters that no page, workbook or results file can hold, found where a file is read.

Control characters, halves of a character and marks of no text: what writes XML or UTF-8 refuses
them, long after they were read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SHOWN = "\ufffd"
HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0, 2.2


def shown_text(text: str) -> str:
    r"""Return a text whose hidden characters are replaced by a mark.

    Examples
    --------
    >>> shown_text("Pau\x1b[2J"), shown_text("Nîmes")
    ('Pau\ufffd[2J', 'Nîmes')
    """
    return HIDDEN.sub(SHOWN, text)


def hidden_key(content: object) -> str | None:
    r"""Return the key path of the first text of a content that holds a hidden character, or None.

    Parameters
    ----------
    content : object
        Nested mappings and lists, as TOML and JSON have them.

    Examples
    --------
    >>> hidden_key({"study": {"id": "a", "title": "Pau\x07"}}), hidden_key({"a": ["b"]})
    ('study.title', None)
    """
    held: list[tuple[str, object]] = [("", content)]
    while held:
        path, part = held.pop()
        if isinstance(part, str):
            if HIDDEN.search(part):
                return path
        elif isinstance(part, Mapping):
            for key, value in part.items():
                here = f"{path}.{key}" if path else str(key)
                if HIDDEN.search(str(key)):
                    return shown_text(here)
                held.append((here, value))
        elif isinstance(part, list):
            held.extend((f"{path}[{i}]", value) for i, value in enumerate(part))
    return None
