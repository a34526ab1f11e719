"""Characters that nobody sees and that change what is read: what becomes of them on a page.

A text may turn the reading direction, hold letters of no width, or halves of characters. What
belongs to a language or a picture stays: joiners inside words and emoji, flags, no-break spaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# What no page can hold: Word and the web refuse them, and nobody reads them.
_CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff"
_HALVES = "\ud800-\udfff"
_TURNING = "\u202a-\u202e\u2066-\u2069"
_MARKS = "\u061c\u200e\u200f"
_EMPTY = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_ALONE = (  # a joiner that joins nothing, a variant of nothing
    r"(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
    r"|(?<![^\sA-Za-z])[\ufe00-\ufe0f]+"
)
_FLAG = "(?P<flag>\U0001f3f4[\U000e0020-\U000e007f]+)"
_HIDDEN = re.compile(
    f"{_FLAG}|(?P<half>[{_HALVES}])|(?P<turn>[{_TURNING}])|[{_CONTROLS}{_MARKS}{_EMPTY}]|{_ALONE}"
)
_SEEN = re.compile(f"{_FLAG}|[{_HALVES}{_TURNING}{_MARKS}{_EMPTY}]|{_ALONE}")


def without_hidden(text: str) -> str:
    r"""Return a text as a page may show it.

    What turns the reading direction is written out, a half of a character becomes the sign of
    what cannot be read, what has no width goes.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> without_hidden("une\x00 ac\u200btion"), without_hidden("perte\u202e de gain")
    ('une action', 'perte[U+202E] de gain')
    """

    def shown(found: re.Match[str]) -> str:
        if found["flag"]:
            return found[0]
        if found["half"]:
            return "\ufffd"
        return f"[U+{ord(found[0]):04X}]" if found["turn"] else ""

    return _settled(lambda told: _HIDDEN.sub(shown, told), text)


def each_hidden(text: str, written: Callable[[str], str]) -> str:
    r"""Return a text where each character that nobody sees is written in another way.

    Examples
    --------
    >>> each_hidden("ai\u200bde", lambda character: f"<{ord(character):x}>")
    'ai<200b>de'
    """

    def shown(found: re.Match[str]) -> str:
        return found[0] if found["flag"] else "".join(map(written, found[0]))

    return _settled(lambda told: _SEEN.sub(shown, told), text)


def _settled(change: Callable[[str], str], text: str) -> str:
    """Change a text until nothing moves: a joiner may lose what it joined."""
    if text.isascii():
        return change(text)
    while (changed := change(text)) != text:
        text = changed
    return text


def hidden_in(text: str) -> tuple[str, ...]:
    r"""Return the characters of a text that nobody sees, in order, as `U+202E`.

    Examples
    --------
    >>> hidden_in("ai\u200bde"), hidden_in("👩\u200d👧 à 5\u00a0%")
    (('U+200B',), ())
    """
    found = (match for match in _SEEN.finditer(text) if not match["flag"])
    return tuple(f"U+{ord(character):04X}" for match in found for character in match[0])
