"""A date of the study file: a year, a month or a day, as people write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from impact_eval.core.dates import iso_date


def _date(value: object) -> str:
    found = iso_date(value)
    if found is None:
        raise PydanticCustomError("not_a_date", "not_a_date", {"found": str(value)[:60]})
    return found


Date = Annotated[str, BeforeValidator(_date), Field(json_schema_extra={"examples": ["2024-06"]})]
"""A year, a month or a day."""
