"""`portfolio`: results of several studies, read together, to a consolidated report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from impact_eval.portfolio.portfolio import Portfolio
from impact_eval.portfolio.portfolio_record import PortfolioRecord
from impact_eval.report.html import render_html
from impact_eval.report.languages.language import formats_of, language_codes
from impact_eval.report.narrative_portfolio import portfolio_blocks


def consolidate_studies(
    patterns: Iterable[str | Path],
    *,
    outcome: str,
    output: str | Path,
    languages: Iterable[str] | None = None,
) -> tuple[Path, ...]:
    """Pool one outcome of several studies and write the report, whole or not at all.

    Parameters
    ----------
    patterns : iterable of str or Path
        `results.json` files, or patterns of them.
    outcome : str
        Identifier of the outcome.
    output : str or Path
        Folder to write.
    languages : iterable of str, optional
        Codes of `language_codes`; every language that is known by default.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ImpactEvalError
        What the portfolio refuses: unreadable files, an unknown outcome, nothing compatible.
    """
    found = Portfolio.read(patterns, leave_refused=True).pooling(outcome)
    blocks = portfolio_blocks(found)
    target = Path(output).resolve()
    partial = target.with_name(f".{target.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    text = json.dumps(
        PortfolioRecord.of(found).to_dict(), ensure_ascii=False, indent=1, allow_nan=False
    )
    (partial / "portfolio.json").write_text(text + "\n", encoding="utf-8")
    for language in language_codes() if languages is None else languages:
        page = render_html(blocks, {}, language)
        name = formats_of(language).report_file("html")
        (partial / name).write_text(page, encoding="utf-8", newline="\n")
    if target.exists():
        shutil.rmtree(target)
    partial.rename(target)
    return tuple(sorted(path for path in target.iterdir() if path.is_file()))
