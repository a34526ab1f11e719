"""The kinds of what a cell of a template tells the run that executes it.

They are named apart from what executes a notebook: a kernel, which computes, loads none of it.
"""

from __future__ import annotations

from typing import Final

RESULTS_MIME: Final = "application/vnd.impact-eval.results+json"
INTERNAL_MIME: Final = "application/vnd.impact-eval.internal+json"  # never shipped
REFUSAL_MIME: Final = "application/vnd.impact-eval.refusal+json"
