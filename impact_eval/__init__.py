"""impact_eval: measure the social impact of actions against poverty.

Everything public is reached from here and loaded when first used, so that importing costs little.

>>> import impact_eval as ie
>>> sorted(name for name in dir(ie) if name[0].islower())[:3]
['designs', 'diagnostics', 'evaluate']
"""

from __future__ import annotations

import sys

if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    # `python -m impact_eval…` in a folder that was received: nothing is imported from there
    del sys.path[0]

import importlib
from typing import TYPE_CHECKING, Any

from impact_eval.core.file_headings import FileHeadings
from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from impact_eval import designs, diagnostics, plan, survey, value
    from impact_eval.core.estimate import Effect, Estimate
    from impact_eval.core.findings import Finding, NotApplicable
    from impact_eval.core.noticed import FindingWarning
    from impact_eval.data.linkage import link
    from impact_eval.data.reading import read_table
    from impact_eval.data.sample import Sample
    from impact_eval.pipeline.evaluate import evaluate
    from impact_eval.pipeline.report import Report
    from impact_eval.pipeline.runner import run
    from impact_eval.pipeline.study import Study
    from impact_eval.pipeline.verification import verify
    from impact_eval.portfolio.portfolio import Portfolio
    from impact_eval.report.plotting import plot
    from impact_eval.report.texts import Texts
    from impact_eval.results.records import StudyResults
    from impact_eval.stats.inference.covariance import (
        Clustered,
        Conley,
        DriscollKraay,
        Homoskedastic,
        MultiplierBootstrap,
        Randomisation,
        Robust,
        WildBootstrap,
    )

__version__ = "0.1.0"

_ATTRIBUTES = {
    "Clustered": "impact_eval.stats.inference.covariance",
    "Conley": "impact_eval.stats.inference.covariance",
    "Effect": "impact_eval.core.estimate",
    "Estimate": "impact_eval.core.estimate",
    "Finding": "impact_eval.core.findings",
    "FindingWarning": "impact_eval.core.noticed",
    "NotApplicable": "impact_eval.core.findings",
    "Portfolio": "impact_eval.portfolio.portfolio",
    "Report": "impact_eval.pipeline.report",
    "Robust": "impact_eval.stats.inference.covariance",
    "WildBootstrap": "impact_eval.stats.inference.covariance",
    "Randomisation": "impact_eval.stats.inference.covariance",
    "MultiplierBootstrap": "impact_eval.stats.inference.covariance",
    "Homoskedastic": "impact_eval.stats.inference.covariance",
    "DriscollKraay": "impact_eval.stats.inference.covariance",
    "Sample": "impact_eval.data.sample",
    "Study": "impact_eval.pipeline.study",
    "StudyResults": "impact_eval.results.records",
    "Texts": "impact_eval.report.texts",
    "evaluate": "impact_eval.pipeline.evaluate",
    "link": "impact_eval.data.linkage",
    "plot": "impact_eval.report.plotting",
    "read_table": "impact_eval.data.reading",
    "run": "impact_eval.pipeline.runner",
    "verify": "impact_eval.pipeline.verification",
}
_MODULES = ("designs", "diagnostics", "plan", "survey", "value")

__all__ = [
    "Clustered",
    "Conley",
    "DriscollKraay",
    "Effect",
    "Estimate",
    "Finding",
    "FindingWarning",
    "Homoskedastic",
    "ImpactEvalError",
    "MultiplierBootstrap",
    "NotApplicable",
    "Portfolio",
    "Randomisation",
    "Report",
    "Robust",
    "Sample",
    "Study",
    "StudyResults",
    "Texts",
    "WildBootstrap",
    "__version__",
    "designs",
    "diagnostics",
    "evaluate",
    "link",
    "plan",
    "plot",
    "read_table",
    "run",
    "survey",
    "value",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _MODULES:
        return importlib.import_module(f"impact_eval.{name}")
    if name in _ATTRIBUTES:
        return getattr(importlib.import_module(_ATTRIBUTES[name]), name)
    raise AttributeError(name)


def __dir__() -> list[str]:
    return list(__all__)


def _say(error: ImpactEvalError) -> str:
    """Put an error in the user's words; the catalogues are loaded only then."""
    from impact_eval.report.texts import render_error, user_language

    return render_error(error, user_language())


def _show(thing: Shown, language: str | None, *, html: bool) -> str:
    """Put an object in the user's words; what shows it is loaded only then."""
    from impact_eval.report.objects.rendering import put_in_words

    return put_in_words(thing, language, html=html)


def _headings(kind: str, language: str) -> Mapping[str, str]:
    """Return the headings of a file in a language; the catalogues are loaded only then."""
    from impact_eval.report.heading_tables import file_headings

    return file_headings(kind, language)


ImpactEvalError.renderer = _say
Shown.renderer = _show
FileHeadings.source = _headings
