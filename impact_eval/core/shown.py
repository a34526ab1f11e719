"""What an object says of itself: one line of codes and numbers here, its words plugged in above."""

from __future__ import annotations

from typing import ClassVar, Protocol

LONGEST = 48  # characters of a name in a line of codes
LONGEST_PART = 160  # of a part, which may hold a name and its numbers
_SPACES = "\u00a0\u202f"  # the no-break spaces of French: no command to a terminal


class Renderer(Protocol):
    """What puts an object in words; plugged in by the door of the package."""

    def __call__(self, thing: Shown, language: str | None, *, html: bool) -> str:
        """Return a screen of text, or the same as a fragment of HTML for a notebook's cell."""
        ...


class Shown:
    """A noun that shows itself: `repr` in one line, `print` and a notebook in words.

    `repr` holds codes and numbers, so it reads the same in every language. `str`, `summary` and the
    view of JupyterLab are in the user's language; they are made by `renderer`, which the door sets,
    so that this floor holds no words. Without it they fall back to the line.

    Attributes
    ----------
    renderer : Renderer or None
        Shared by all nouns.
    """

    __slots__ = ()
    renderer: ClassVar[Renderer | None] = None

    def _line(self) -> str:
        """Return the line of `repr`; each noun writes its own."""
        return one_line(type(self).__name__)

    def __repr__(self) -> str:
        return self._line()

    def __str__(self) -> str:
        return self.summary()

    def summary(self, language: str | None = None) -> str:
        """Return a short text to read: at most 25 lines of at most 100 characters.

        Parameters
        ----------
        language : str, optional
            The user's by default: `IMPACT_EVAL_LANGUAGE`, else the system's, else French.

        Raises
        ------
        ImpactEvalError
            `unknown_language`.
        """
        show = Shown.renderer
        return repr(self) if show is None else show(self, language, html=False)

    def _repr_html_(self) -> str | None:
        """Return the same as HTML, for a notebook; None lets the notebook print the line."""
        show = Shown.renderer
        return None if show is None else show(self, None, html=True)


def one_line(kind: str, /, *parts: str | None, **values: object) -> str:
    r"""Write one line: `Kind(part, …, name=value, …)`; what is None is left out.

    Names come from files: they are cut short, and their control characters are written out, so that
    a line is one line and commands nothing to a terminal.

    Examples
    --------
    >>> one_line("Sample", "panel", units=12, unit="id", time=None)
    'Sample(panel, units=12, unit=id)'
    >>> one_line("Effect", "a\nb")
    'Effect(a\\u000ab)'
    """
    told = [name_of(part, LONGEST_PART) for part in parts if part]
    told += [f"{name}={_value(value)}" for name, value in values.items() if value is not None]
    return f"{kind}({', '.join(told)})"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number(value)
    if isinstance(value, (tuple, list)):
        return name_of("+".join(map(str, value)))
    return name_of(str(value))


def name_of(text: str, longest: int = LONGEST) -> str:
    """Return a name cut short, on one line, without control characters."""
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return "".join(c if c.isprintable() or c in _SPACES else f"\\u{ord(c):04x}" for c in cut)


def number(value: float | None) -> str:
    """Write a number with four significant digits; what is not there is `na`.

    Examples
    --------
    >>> number(-0.039771), number(None)
    ('-0.03977', 'na')
    """
    return "na" if value is None else f"{value:.4g}"


def interval(estimate: float | None, low: float | None, high: float | None) -> str:
    """Write an estimate and its interval.

    Examples
    --------
    >>> interval(-0.04, -0.0631, -0.0165)
    '-0.04 [-0.0631, -0.0165]'
    """
    ends = "" if low is None or high is None else f" [{number(low)}, {number(high)}]"
    return f"{number(estimate)}{ends}"
