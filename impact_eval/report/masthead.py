"""What the head of a report shows of a study, and the mark that its edition bears."""

from __future__ import annotations

from impact_eval.report.blocks import Masthead, say
from impact_eval.report.edition import edition_mark
from impact_eval.report.wording import said
from impact_eval.results.records import StudyResults


def page_meta(results: StudyResults) -> Masthead:
    """Return what `render_html`, `render_pdf` and `render_docx` take as `meta`.

    Parameters
    ----------
    results : StudyResults

    Returns
    -------
    dict
        Title, territory, contract, operator, pillar and period, those that are declared; `mark`,
        when the edition is for the operator alone.
    """
    study, mark = results.study, edition_mark(results.disclosure)
    meta: Masthead = {
        "title": said(study.title),
        "territory": study.territory
        if study.territory_name is None
        else said(study.territory_name),
        "contract": study.contract or "",
        "operator": study.operator or "",
        "pillar": say(f"label.pillar.{study.pillar.value}"),
        "period": study.period,
        "mark": mark or "",
    }
    return {name: value for name, value in meta.items() if value}
