"""`Report`: the sections of a study's report, as a notebook shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from impact_eval.data.disclosure import Gate
from impact_eval.pipeline.notebook import RESULTS_MIME
from impact_eval.pipeline.results import UNREPEATABLE, StudyResults
from impact_eval.report import narrative
from impact_eval.report.blocks import AnyBlock, Page
from impact_eval.report.narrative_dossier import dossier_blocks
from impact_eval.report.release import release


class Published:
    """Results as the last cell leaves them: the runner writes them to `results.json`."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {RESULTS_MIME: self._content, "text/plain": "results.json"}


class Report:
    """The report of a study, section by section.

    Every section passes the disclosure gate before it is shown: what is withheld is withheld in the
    notebook, the reports, the tables and `results.json` alike.

    Parameters
    ----------
    results : StudyResults
    language : {"fr", "en"}, optional
        Of the preview only: blocks hold codes and values, and are exported in every language.

    Examples
    --------
    >>> Report(evaluate(study), "fr").summary()  # doctest: +SKIP
    """

    def __init__(self, results: StudyResults, language: str | None = None) -> None:
        self._gate = Gate(threshold=results.threshold)
        self._content = self._gate.results(results.to_dict()).results
        self._language = language

    def _page(self, blocks: Sequence[AnyBlock]) -> Page:
        return Page(release(blocks, self._gate).blocks, self._language)

    def title(self) -> Page:
        """Return the title alone, for a report of one section."""
        return self._page(narrative.title_blocks(self._content))

    def summary(self) -> Page:
        """Return the title and the decision-maker's page."""
        title = narrative.title_blocks(self._content)
        return self._page([*title, *narrative.summary_blocks(self._content)])

    def flow(self) -> Page:
        """Return who was observed, and who left at each step."""
        return self._page(narrative.flow_blocks(self._content))

    def effects(self) -> Page:
        """Return the estimates of every outcome."""
        return self._page(narrative.effect_blocks(self._content))

    def checks(self) -> Page:
        """Return what was checked."""
        return self._page(narrative.check_blocks(self._content))

    def robustness(self) -> Page:
        """Return whether the results hold: few territories, other designs."""
        return self._page(dossier_blocks(self._content))

    def soft_outcomes(self) -> Page:
        """Return the scales."""
        return self._page(narrative.soft_outcome_blocks(self._content))

    def value(self) -> Page:
        """Return the account of social value."""
        return self._page(narrative.value_blocks(self._content))

    def limits(self) -> Page:
        """Return what must not be concluded."""
        return self._page(narrative.limit_blocks(self._content))

    def provenance(self) -> Page:
        """Return what made the results."""
        # when it ran is told by `results.json` alone: two runs print the same pages
        untimed = {k: v for k, v in self._content["provenance"].items() if k not in UNREPEATABLE}
        return self._page(narrative.provenance_blocks({**self._content, "provenance": untimed}))

    def publish(self) -> Published:
        """Return the content of `results.json`, for the runner."""
        return Published(self._content)
