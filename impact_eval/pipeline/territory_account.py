"""`portfolio`: results of several studies, read together, to a consolidated report."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from impact_eval.core.findings import Finding, ImpactEvalError, Place
from impact_eval.pipeline.run_folder import temporary_folder
from impact_eval.pipeline.scaffold import free_name
from impact_eval.portfolio.accounts_record import AccountsRecord
from impact_eval.portfolio.portfolio import Portfolio
from impact_eval.portfolio.portfolio_record import PortfolioRecord
from impact_eval.report.blocks import AnyBlock
from impact_eval.report.html import render_html
from impact_eval.report.languages.language import formats_of, language_codes
from impact_eval.report.narrative_portfolio import portfolio_blocks
from impact_eval.results.faults import Json


def consolidate_studies(
    patterns: Iterable[str | Path],
    *,
    outcome: str,
    output: str | Path,
    languages: Iterable[str] | None = None,
) -> tuple[Path, ...]:
    """Pool one outcome of several studies and write the report, whole or not at all.

    The accounts of the studies that have one are added, in the report and in `accounts.json`.

    Parameters
    ----------
    patterns : iterable of str or Path
        `results.json` files, or patterns of them.
    outcome : str
        Identifier of the outcome.
    output : str or Path
        Folder to write, absent or empty: nothing is ever replaced.
    languages : iterable of str, optional
        Codes of `language_codes`; every language that is known by default.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ImpactEvalError
        What the portfolio refuses: unreadable files, an unknown outcome, nothing compatible;
        `folder_not_empty`.
    """
    target = Path(os.path.realpath(output))
    _refuse_taken(target)
    portfolio = Portfolio.read(patterns, leave_refused=True)
    found, together = portfolio.pooling(outcome), portfolio.value()
    accounts = None if together is None else AccountsRecord.of(together)
    stored: dict[str, Json] = {"portfolio.json": PortfolioRecord.of(found).to_dict()}
    if accounts is not None:
        stored["accounts.json"] = accounts.to_dict()
    blocks = portfolio_blocks(found, accounts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(target.parent) as work:
        partial = work / "made"  # beside the mark of the folder
        partial.mkdir()
        return _written(stored, blocks, partial, target, languages)


def _written(
    stored: Mapping[str, Json], blocks: Sequence[AnyBlock], partial: Path, target: Path,
    languages: Iterable[str] | None,
) -> tuple[Path, ...]:  # fmt: skip
    """Write the files of a consolidation, then give the folder its name."""
    for name, data in stored.items():
        text = json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False)
        (partial / name).write_text(text + "\n", encoding="utf-8")
    for language in language_codes() if languages is None else languages:
        page = render_html(blocks, {}, language)
        name = formats_of(language).report_file("html")
        (partial / name).write_text(page, encoding="utf-8", newline="\n")
    _refuse_taken(target)
    if target.exists():
        target.rmdir()  # empty
    partial.rename(target)
    return tuple(sorted(path for path in target.iterdir() if path.is_file()))


def _refuse_taken(target: Path) -> None:
    """Refuse a place where something already stands."""
    taken = target.is_dir() and any(target.iterdir())
    if taken or (target.exists() and not target.is_dir()) or target.is_symlink():
        free = free_name(target).name
        raise ImpactEvalError(Finding.error("folder_not_empty", Place(file=target.name), free=free))
