"""The value section of a results file, read alone: a part of a file, for tests of that part."""

from __future__ import annotations

from pydantic import TypeAdapter

from impact_eval.core.provenance import canonical_json
from impact_eval.results.account_records import AccountSection, ValueRefused, ValueSection

_SECTION: TypeAdapter[AccountSection | ValueRefused | None] = TypeAdapter(
    AccountSection | ValueRefused | None
)


def section_of(content: object) -> ValueSection | None:
    """Read a value section from JSON already parsed; None when the study has no value map."""
    return _SECTION.validate_json(canonical_json(content))
