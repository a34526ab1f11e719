"""Which old encoding a text is in, by the letters that it makes of its bytes.

Every byte means something in each of them: the wrong one turns « Année » into « AnnŽe », and the
heading that a study names is no longer there. The right one makes letters of French where the
others make signs in the middle of words.
"""

from __future__ import annotations

import re

OLD_ENCODINGS = (
    "cp1252",
    "mac_roman",
    "cp850",
)  # Windows, the Mac's Excel, DOS; first one if equal
_SMALL, _LARGE = "éèêëàâäçîïôöùûüœ", "ÉÈÊÀÂÇÎÔÙ"
_SAMPLE = 1_000_000  # bytes looked at
_FEWEST_NULLS = 0.4  # of every second byte, in a text of two bytes a sign


def old_encoding(content: bytes) -> str:
    """Return the encoding of a text that is not in Unicode.

    Parameters
    ----------
    content : bytes

    Examples
    --------
    >>> [old_encoding("Année;Né à Sète".encode(name)) for name in OLD_ENCODINGS]
    ['cp1252', 'mac_roman', 'cp850']
    """
    head = content[:_SAMPLE]
    scores = {encoding: _letters(head, encoding) for encoding in OLD_ENCODINGS}
    usual = OLD_ENCODINGS[0]
    return usual if scores[usual] >= 0 else max(OLD_ENCODINGS, key=lambda name: scores[name])


def _letters(content: bytes, encoding: str) -> int:
    """Return the French letters beside a plain one that an encoding makes, less the odd signs."""
    text = content.decode(encoding, errors="replace")
    small = re.findall(rf"(?<=[a-zA-Z])[{_SMALL}]|[{_SMALL}](?=[a-z])", text)
    large = re.findall(rf"(?<![a-z])[{_LARGE}](?=[a-zA-Z])", text)
    signs = re.findall(r"(?<=[a-z])[^\x00-\x7f\w’‘–—…\s·](?=[a-z])", text)
    other = re.findall(rf"(?<=[a-z])(?![{_SMALL}ñãõåøæßáíóúÿžš])[^\W\x00-\x7f]", text)
    return len(small) + len(large) - 2 * len(signs) - 2 * len(other)


def two_byte_encoding(content: bytes) -> str | None:
    """Return the UTF-16 of a text without its mark, by the nulls between its letters; or None.

    Examples
    --------
    >>> two_byte_encoding("id;age".encode("utf-16-le")), two_byte_encoding(b"id;age")
    ('utf-16-le', None)
    """
    head = content[:4096]
    if len(content) % 2 or len(head) < 4:
        return None
    even, odd = head[::2].count(0) / len(head[::2]), head[1::2].count(0) / len(head[1::2])
    if odd >= _FEWEST_NULLS and even == 0:
        return "utf-16-le"
    return "utf-16-be" if even >= _FEWEST_NULLS and odd == 0 else None
