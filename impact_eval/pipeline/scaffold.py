"""`new`: a commented study file, ready to fill, in the user's language."""

from __future__ import annotations

import string
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.core.whole_files import write_new
from impact_eval.designs import designs
from impact_eval.pipeline.study import STUDY
from impact_eval.pipeline.templates import resource_folder
from impact_eval.report.languages.language import language_codes
from impact_eval.report.texts import Texts

ROLES = {
    "panel": 'unit = "id"\ntime = "annee"\ncohort = "annee_entree"',
    "cross_section": 'unit = "id"\ntreatment = "beneficiaire"',
    "repeated_cross_section": 'time = "annee"\ncohort = "annee_entree"',
}
DEMO = "mobilite_bassins"
_SHOWN = 3  # names of what is there
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
    path = target / STUDY
    if path.exists() or path.is_symlink():
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
    write_new(path, "".join(map(_aligned, filled.splitlines(True))))
    return (path,)


def start_demo(folder: str | Path) -> tuple[Path, ...]:
    """Copy the emblematic example to a folder; a file that differs from it refuses the whole.

    Parameters
    ----------
    folder : str or Path
        Absent, empty, or holding the example as it was copied.

    Returns
    -------
    tuple of Path
        The files copied now.

    Raises
    ------
    ImpactEvalError
        `demo_differs`: a study of the user's, or the example with changes, is there.
    """
    target = Path(folder)
    source = resource_folder("_datasets", "datasets") / DEMO
    files = [path for path in sorted(source.iterdir()) if path.is_file()]
    there = sorted(entry.name for entry in target.iterdir()) if target.is_dir() else []
    # beside the example's own files stands only what a run of it made: its marks say whose
    differing = [
        path.name for path in files if path.name in there and not _same(path, target / path.name)
    ]
    foreign = [] if STUDY in there else there
    if differing or foreign or target.is_file() or (target.is_symlink() and not target.exists()):
        names = differing or foreign[:_SHOWN] or [target.name]
        raise ImpactEvalError(
            Finding.error("demo_differs", Place(file=target.name), names=names,
                          free=str(free_name(target)))
        )  # fmt: skip
    target.mkdir(parents=True, exist_ok=True)
    missing = [path for path in files if path.name not in there]
    for path in missing:
        write_new(target / path.name, path.read_bytes())
    return tuple(target / path.name for path in missing)


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and not other.is_symlink() and one.read_bytes() == other.read_bytes()


def free_name(folder: Path) -> Path:
    """Return a folder beside another that does not exist yet."""
    number, found = 2, folder
    while found.exists() or found.is_symlink():
        found, number = folder.with_name(f"{folder.name}-{number}"), number + 1
    return found


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
