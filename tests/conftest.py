"""Fixtures every test may use."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from oracle_count import oracle_count

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """Count the oracle tests, where the reports of all workers come together."""
    # Kernels and commands are started a hundred times: each would compile all of our modules again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(oracle_count(config, SHARED), "oracle-count")


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference results and real data; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder of reference results and real data is not beside the project")
    return SHARED


@pytest.fixture(scope="session")
def reference(shared: Path) -> Callable[[str], dict[str, Any]]:
    """Read a stored reference result: `reference("causal/did_mpdta_never_nocov")`."""

    def read(name: str) -> dict[str, Any]:
        return json.loads((shared / "reference" / f"{name}.json").read_text(encoding="utf-8"))

    return read


@pytest.fixture(scope="session")
def real_data(shared: Path) -> Callable[[str], pd.DataFrame]:
    """Read a real table: `real_data("causal/mpdta.csv")`; départements stay text."""

    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(shared / "data" / name, dtype={"dep": str})

    return read


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator of its own for each test."""
    return np.random.default_rng(20240101)
