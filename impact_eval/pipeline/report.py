"""`Report`: the sections of a study's report, as a notebook shows them."""

from __future__ import annotations

from collections.abc import Sequence

from impact_eval.core.shown import one_line
from impact_eval.pipeline.shown_kinds import INTERNAL_MIME, RESULTS_MIME
from impact_eval.report import narrative
from impact_eval.report.blocks import AnyBlock
from impact_eval.report.narrative_action import action_blocks
from impact_eval.report.narrative_codes import code_blocks
from impact_eval.report.narrative_dossier import dossier_blocks
from impact_eval.report.page import Page
from impact_eval.results.faults import Json
from impact_eval.results.gate import Edition, release
from impact_eval.results.records import StudyResults, untimed


class Published:
    """Results as the last cell leaves them: the runner writes them to `results.json`.

    When the study asks for it, the operator's own edition passes beside them, in a bundle that the
    runner takes out before anything is shipped.
    """

    def __init__(self, results: StudyResults, internal: StudyResults | None) -> None:
        self._results = results
        self._internal = internal

    def _repr_mimebundle_(self, **_: object) -> dict[str, Json]:
        bundle: dict[str, Json] = {
            RESULTS_MIME: self._results.to_dict(),
            "text/plain": "results.json",
        }
        if self._internal is not None:
            bundle[INTERNAL_MIME] = self._internal.to_dict()
        return bundle


class Report:
    """The report of a study, section by section.

    The results pass the disclosure gate first, and every section is made from what passed: what is
    withheld is withheld in the notebook, the reports, the tables and `results.json` alike. They are
    taken with the digits that `results.json` holds, so that each output can be made again from it.

    Parameters
    ----------
    results : StudyResults
    language : str, optional
        Of the preview only: blocks hold codes and values, and are exported in every language.

    Examples
    --------
    >>> Report(evaluate(study), "fr").summary()  # doctest: +SKIP
    """

    def __init__(self, results: StudyResults, language: str | None = None) -> None:
        self._whole = results
        passed = release(results).results
        written = results.disclosure.released  # read back, or passed by whoever calls
        self._results = passed if written else StudyResults.from_dict(passed.to_dict())
        self._language = language

    def __repr__(self) -> str:
        return one_line("Report", self._results.study.id, self._results.disclosure.edition)

    def _page(self, blocks: Sequence[AnyBlock]) -> Page:
        return Page(blocks, self._language)

    def title(self) -> Page:
        """Return the title alone, for a report of one section."""
        return self._page(narrative.title_blocks(self._results))

    def summary(self) -> Page:
        """Return the title, the decision-maker's page, and what the action and the question are."""
        return self._page(
            [
                *narrative.title_blocks(self._results),
                *narrative.summary_blocks(self._results),
                *action_blocks(self._results),
            ]
        )

    def flow(self) -> Page:
        """Return who was observed, and who left at each step."""
        return self._page(narrative.flow_blocks(self._results))

    def effects(self) -> Page:
        """Return the estimates of every outcome."""
        return self._page(narrative.effect_blocks(self._results))

    def checks(self) -> Page:
        """Return what was checked."""
        return self._page(narrative.check_blocks(self._results))

    def robustness(self) -> Page:
        """Return whether the results hold: few territories, other designs."""
        return self._page(dossier_blocks(self._results))

    def soft_outcomes(self) -> Page:
        """Return the scales."""
        return self._page(narrative.soft_outcome_blocks(self._results))

    def value(self) -> Page:
        """Return the account of social value."""
        return self._page(narrative.value_blocks(self._results))

    def limits(self) -> Page:
        """Return what must not be concluded."""
        return self._page(narrative.limit_blocks(self._results))

    def provenance(self) -> Page:
        """Return what each code of the questionnaires was taken for, and what made the results."""
        told = untimed(self._results)
        return self._page([*code_blocks(told), *narrative.provenance_blocks(told)])

    def publish(self) -> Published:
        """Return the content of `results.json`, for the runner."""
        asked = self._whole.study.privacy.internal_edition and not self._released
        internal = release(self._whole, Edition.INTERNAL).results if asked else None
        return Published(self._results, internal)

    @property
    def _released(self) -> bool:
        """Whether the results came already passed: no other edition can be made of them."""
        return self._whole.disclosure.released
