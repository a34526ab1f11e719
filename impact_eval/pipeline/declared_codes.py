"""What says the meaning of the codes of a table: a questionnaire declared, a codebook beside.

A study names the columns as its file heads them, `G01Q02[SQ001]`; a questionnaire may name them
otherwise. The study's own names are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from impact_eval.data.beside import codebook_beside
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import DataPart

if TYPE_CHECKING:
    from impact_eval.data.codebook import Codebook


def declared_codebook(
    study: Study, part: DataPart, file: str, names: Iterable[str]
) -> Codebook | None:
    """Return the codebook of a table, or None when the reading finds it by itself.

    Parameters
    ----------
    study : Study
    part : DataPart
    file : str
        The table read, one of the part's.
    names : iterable of str
        Columns that the study names: they keep these names.
    """
    if part.codes is None:
        return None
    from impact_eval.data.codebook import Codebook

    book = Codebook.read(study.path(part.codes))
    beside = codebook_beside(study.path(file))
    if beside is not None:
        book = Codebook.read(beside).merged(book)
    return book.named_as(names)


def code_files(study: Study) -> tuple[Path, ...]:
    """Return the files that say what codes mean: those declared, and those beside the tables."""
    declared = study.declaration
    found: dict[Path, None] = {}
    for part in (declared.data, *(one.data for one in declared.instruments)):
        if part.codes is not None:
            found[study.path(part.codes)] = None
        for file, _ in part.tables:
            beside = codebook_beside(study.path(file))
            if beside is not None:
                found[beside] = None
    return tuple(found)
