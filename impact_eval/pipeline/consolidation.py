"""`portfolio`: results of several studies, read together, to a consolidated report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from impact_eval.core.provenance import stable
from impact_eval.core.vocabulary import Language
from impact_eval.portfolio.portfolio import Pooling, Portfolio
from impact_eval.report.html import render_html
from impact_eval.report.narrative_portfolio import portfolio_blocks

SCHEMA = "impact-eval/portfolio/1"


def consolidate(
    patterns: Iterable[str | Path],
    *,
    outcome: str,
    output: str | Path,
    languages: Iterable[Language] = tuple(Language),
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
    languages : iterable of Language

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ImpactEvalError
        What the portfolio refuses: unreadable files, an unknown outcome, nothing compatible.
    """
    found = Portfolio.read(patterns).pooling(outcome)
    blocks = portfolio_blocks(found)
    target = Path(output).resolve()
    partial = target.with_name(f".{target.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    text = json.dumps(portfolio_record(found), ensure_ascii=False, indent=1, allow_nan=False)
    (partial / "portfolio.json").write_text(text + "\n", encoding="utf-8")
    for language in languages:
        name = {Language.FRENCH: "rapport-fr.html", Language.ENGLISH: "report-en.html"}[language]
        page = render_html(blocks, {}, language.value)
        (partial / name).write_text(page, encoding="utf-8", newline="\n")
    if target.exists():
        shutil.rmtree(target)
    partial.rename(target)
    return tuple(sorted(path for path in target.iterdir() if path.is_file()))


def portfolio_record(found: Pooling) -> dict[str, Any]:
    """Return a pooled outcome as JSON: the numbers, who is in it, who is apart and why."""
    pooled = found.pooled
    numbers = {
        name: getattr(pooled, name)
        for name in (
            "estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "prediction_low",
            "prediction_high", "tau2", "i2", "q", "q_p_value", "k",
        )
    }  # fmt: skip
    record: dict[str, Any] = stable(
        {
            "schema": SCHEMA,
            "outcome": found.included[0].outcome,
            "unit": found.included[0].unit,
            "pooled": numbers,
            "studies": [
                {"study": entry.study, "territory": entry.territory, "evidence": entry.evidence,
                 "estimate": entry.effect.estimate, "std_error": entry.effect.std_error,
                 "weight": weight}
                for entry, weight in zip(found.included, pooled.weights.tolist(), strict=True)
            ],
            "left_apart": [
                {"study": e.entry.study, **e.reason.to_dict()} for e in found.excluded
            ],
        }
    )  # fmt: skip
    return record
