"""The value section of results: the account and what is told of it, or why it is kept back."""

from __future__ import annotations

from typing import TypeAlias

from impact_eval.results.base import Code, Record


class ValueRefused(Record):
    """An account that may not be told."""

    not_applicable: Code
    """Code of the reason."""


ValueSection: TypeAlias = ValueRefused
