"""What may be printed on a terminal: text, never a command to the terminal.

A study file, a file's name or a column's heading may hold control characters; printed as they are,
they would change the title of a window, erase a line or write another one over a refusal.
"""

from __future__ import annotations

import json
import re

from impact_eval.core.hidden import each_hidden

# the controls but line feed and tab, and the separators of lines
_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def printable(text: str) -> str:
    r"""Return a text whose control and hidden characters are written out, as JSON writes them.

    Parameters
    ----------
    text : str
        Line feeds and tabs are kept.

    Returns
    -------
    str

    Examples
    --------
    >>> print(printable("\x1b[2Jdid"))
    \u001b[2Jdid
    """
    return each_hidden(_COMMANDS.sub(_written, text), _escaped)


def _written(found: re.Match[str]) -> str:
    return _escaped(found[0])


def _escaped(character: str) -> str:
    """Write a character as JSON does: in two halves when it is beyond the first plane."""
    if ord(character) > 0xFFFF:
        return json.dumps(character)[1:-1]
    return f"\\u{ord(character):04x}"
