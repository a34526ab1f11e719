"""The checker's page: one row an output, its rules, its outcome, and a place to sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from impact_eval.report.html import page_environment, policy, style_sheet
from impact_eval.report.texts import Texts


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One output as the page shows it.

    Attributes
    ----------
    name, kind, status, summary, sha256 : str
    rules : sequence of str
        Codes of the rules applied.
    withheld : int
        Cells kept back in it.
    """

    name: str
    kind: str
    status: str
    summary: str
    rules: Sequence[str]
    withheld: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CheckPage:
    """What the page says of all the outputs: the study, the rules of the edition, the rows."""

    title: str
    profile: str
    threshold: int
    withheld: int
    rows: Sequence[CheckRow]

    @property
    def failed(self) -> int:
        """Outputs that do not pass."""
        return sum(row.status == "fail" for row in self.rows)

    @property
    def to_review(self) -> int:
        """Outputs that a person must look at."""
        return sum(row.status == "review" for row in self.rows)


def render_check_page(page: CheckPage, language: str) -> str:
    """Write the checker's page as one HTML file: no script, no network.

    Parameters
    ----------
    page : CheckPage
    language : {"fr", "en"}

    Returns
    -------
    str
        The same page and language give the same bytes.
    """
    texts = Texts(language)
    style = style_sheet("report.css") + "\n" + style_sheet("check.css")
    verdict = "fail" if page.failed else "review" if page.to_review else "pass"
    shown = (
        page_environment()
        .get_template("check.html.j2")
        .render(
            language=language,
            page=page,
            say=texts.say,
            style=Markup(style),
            policy=policy(style),
            verdict=texts.say(
                f"checker.verdict.{verdict}", n=page.failed if page.failed else page.to_review
            ),
            rows=[_row(row, texts) for row in page.rows],
        )
    )
    return str(shown).strip() + "\n"


def _row(row: CheckRow, texts: Texts) -> dict[str, str]:
    rules = ", ".join(texts.say(f"checker.rule.{rule}") for rule in row.rules)
    return {
        "name": row.name,
        "kind": texts.say(f"checker.kind.{row.kind}"),
        "status": row.status,
        "outcome": texts.say(f"checker.status.{row.status}"),
        "summary": row.summary,
        "rules": rules or texts.say("checker.no_rule"),
        "sha256": row.sha256,
    }
