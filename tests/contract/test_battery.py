"""Every registered design, our own and those of plug-ins, against the contract battery."""

from __future__ import annotations

import pytest

from impact_eval.designs import designs
from impact_eval.designs.contract import CHECKS
from impact_eval.report.texts import Texts


@pytest.mark.parametrize("check", list(CHECKS))
@pytest.mark.parametrize("name", designs.names())
def test_battery(name: str, check: str) -> None:
    CHECKS[check](designs.get(name))


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", designs.names())
def test_every_code_has_words(name: str, language: str) -> None:
    info = designs.get(name).info
    texts = Texts(language)
    wanted = [f"method.{name}.{part}" for part in ("name", "compares", "believes", "breaks")]
    wanted += [f"assumption.{code}.text" for code in info.assumptions]
    wanted += [f"check.{code}.name" for code in info.checks]
    missing = [path for path in wanted if path not in texts]
    assert not missing
