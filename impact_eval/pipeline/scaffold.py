"""`new`: a commented study file, ready to fill, in the user's language."""

from __future__ import annotations

import string
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.designs import designs
from impact_eval.report.languages.language import language_codes
from impact_eval.report.texts import Texts

ROLES = {
    "panel": 'unit = "id"\ntime = "annee"\ncohort = "annee_entree"',
    "cross_section": 'unit = "id"\ntreatment = "beneficiaire"',
    "repeated_cross_section": 'time = "annee"\ncohort = "annee_entree"',
}
BEFORE_AFTER = 'unit = "id"\ntime = "vague"'
HELP_AT = 28  # column where the help of a line starts


def start_study(folder: str | Path, *, design: str, language: str) -> tuple[Path, ...]:
    """Write a study file to fill; nothing that exists is overwritten.

    Parameters
    ----------
    folder : str or Path
        Made when it does not exist.
    design : str
        Registry name of the estimator.
    language : str
        Of the comments: a code of `language_codes`.

    Raises
    ------
    ImpactEvalError
        `unknown_name`, `study_exists`.
    """
    info = designs.get(design).info
    target = Path(folder)
    path = target / "study.toml"
    if path.exists():
        raise ImpactEvalError(Finding.error("study_exists", Place(file=path.name), path=str(path)))
    shapes = [shape.value for shape in info.shapes]
    shape = next(name for name in ROLES if name in shapes)
    texts = Texts(language)
    scaffold = Path(__file__).parent / "scaffolds" / "study.toml"
    filled = string.Template(scaffold.read_text(encoding="utf-8")).substitute(
        _help(texts),
        id=target.resolve().name.lower().replace(" ", "-"),
        roles=ROLES[shape] if info.assignment else BEFORE_AFTER,
        design=design,
        compares=texts.say(f"method.{design}.compares"),
        languages=", ".join(f'"{code}"' for code in language_codes()),
    )
    target.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(map(_aligned, filled.splitlines(True))), encoding="utf-8")
    return (path,)


def _help(texts: Texts) -> dict[str, str]:
    """Return the help of the file; as it is written: no-break spaces hinder who edits a file."""
    head = "scaffold."
    return {
        code.removeprefix(head): texts.source(code).many
        for code in texts.codes()
        if code.startswith(head)
    }


def _aligned(line: str) -> str:
    key, tab, told = line.partition("\t")
    return f"{key:<{HELP_AT}}{told}" if tab else line
