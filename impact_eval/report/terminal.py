"""What may be printed on a terminal: text, never a command to the terminal.

A study file, a file's name or a column's heading may hold control characters; printed as they are,
they would change the title of a window, erase a line or write another one over a refusal.
"""

from __future__ import annotations

import re

# the controls but line feed and tab, the separators of lines, and what turns the reading direction
_COMMANDS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]"
)


def printable(text: str) -> str:
    r"""Return a text whose control characters are written out, as JSON writes them.

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
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
