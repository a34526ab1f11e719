"""What the door plugs into `FileHeadings`: a table of the catalogue by kind of file."""

from __future__ import annotations

from collections.abc import Mapping

from impact_eval.report.texts import Texts


def file_headings(kind: str, language: str) -> Mapping[str, str]:
    """Return the headings of a kind of file in a language.

    Parameters
    ----------
    kind : str
        A table of the catalogue: `workbook`.
    language : str
        A code of `language_codes`.

    Raises
    ------
    ImpactEvalError
        `unknown_language`.

    Examples
    --------
    >>> file_headings("workbook", "en")["sheet_totals"]
    'Totals'
    """
    texts, head = Texts(language), f"{kind}."
    return {
        code.removeprefix(head): texts.say(code) for code in texts.codes() if code.startswith(head)
    }
