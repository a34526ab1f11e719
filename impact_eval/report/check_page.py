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
    name, kind, status, sha256 : str
    withheld : int
        Numbers kept back in it.
    of_edition : bool
        Whether they are those of the whole edition, which it tells all together.
    found : sequence of (str, int, str)
        What the attack found: kinds of leaks, how many, and where.
    """

    name: str
    kind: str
    status: str
    withheld: int
    of_edition: bool
    found: Sequence[tuple[str, int, str]]
    sha256: str


@dataclass(frozen=True, slots=True)
class CheckPage:
    """What the page says of all the outputs: the study, the rules of the edition, the rows.

    Attributes
    ----------
    title, profile : str
    threshold, withheld : int
    rules : sequence of (str, int)
        Codes of all the rules, with what each kept back.
    reasons : sequence of str
        Codes of why a person must look at the whole edition.
    rows : sequence of CheckRow
    """

    title: str
    profile: str
    threshold: int
    withheld: int
    rules: Sequence[tuple[str, int]]
    reasons: Sequence[str]
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
    language : str

    Returns
    -------
    str
        The same page and language give the same bytes.
    """
    texts = Texts(language)
    style = style_sheet("report.css") + "\n" + style_sheet("check.css")
    shown = (
        page_environment()
        .get_template("check.html.j2")
        .render(
            language=language,
            page=page,
            say=texts.say,
            style=Markup(style),
            policy=policy(style),
            profile=texts.say(f"checker.profile_name.{page.profile}"),
            verdict=_verdict(page, texts),
            reasons=[texts.say(f"checker.reason.{reason}") for reason in page.reasons],
            rules=[_rule(rule, n, page, texts) for rule, n in page.rules],
            rows=[_row(row, texts) for row in page.rows],
        )
    )
    return str(shown).strip() + "\n"


def _verdict(page: CheckPage, texts: Texts) -> str:
    if page.failed:
        return texts.say("checker.verdict.fail", n=page.failed)
    if page.to_review:
        return texts.say("checker.verdict.review", n=page.to_review)
    return texts.say("checker.verdict.pass")


def _rule(rule: str, n: int, page: CheckPage, texts: Texts) -> dict[str, str]:
    return {
        "name": texts.say(f"checker.rule.{rule}"),
        "meaning": texts.say(f"checker.meaning.{rule}", threshold=page.threshold),
        "withheld": texts.say("checker.kept", n=n),
    }


def _row(row: CheckRow, texts: Texts) -> dict[str, str]:
    found = [
        texts.say(f"finding.leak_{kind}.text", n=n, where=where) for kind, n, where in row.found
    ]
    kept = "checker.kept_edition" if row.of_edition and row.withheld else "checker.kept"
    return {
        "name": row.name,
        "kind": texts.say(f"checker.kind.{row.kind}"),
        "withheld": texts.say(kept, n=row.withheld),
        "status": row.status,
        "outcome": texts.say(f"checker.status.{row.status}"),
        "found": " ".join(found),
        "sha256": row.sha256,
    }
