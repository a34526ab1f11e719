"""`new`: a commented study file, ready to fill, in the user's language."""

from __future__ import annotations

import string
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.designs import designs
from impact_eval.report.texts import Texts

ROLES = {
    "panel": 'unit = "id"\ntime = "annee"\ncohort = "annee_entree"',
    "cross_section": 'unit = "id"\ntreatment = "beneficiaire"',
    "repeated_cross_section": 'time = "annee"\ncohort = "annee_entree"',
}
BEFORE_AFTER = 'unit = "id"\ntime = "vague"'


def start_study(folder: str | Path, *, design: str, language: str) -> tuple[Path, ...]:
    """Write a study file to fill; nothing that exists is overwritten.

    Parameters
    ----------
    folder : str or Path
        Made when it does not exist.
    design : str
        Registry name of the estimator.
    language : {"fr", "en"}
        Of the comments.

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
    scaffold = Path(__file__).parent / "scaffolds" / f"study.{texts.language}.toml"
    text = string.Template(scaffold.read_text(encoding="utf-8")).substitute(
        id=target.resolve().name.lower().replace(" ", "-"),
        roles=ROLES[shape] if info.assignment else BEFORE_AFTER,
        design=design,
        compares=texts.say(f"method.{design}.compares"),
    )
    target.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return (path,)
