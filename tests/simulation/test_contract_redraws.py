"""The simulations of the contract battery, larger: every design, with and without clusters."""

from __future__ import annotations

import pytest

from impact_eval.designs import designs
from impact_eval.designs.contract import Example, example_of
from impact_eval.designs.contract.simulated import (
    hold_to_coverage,
    hold_to_size,
    hold_to_spread,
    hold_to_truth,
)
from impact_eval.designs.contract.table_redraws import draw_again

pytestmark = pytest.mark.long

TIMES = 5  # as many tables as the battery draws
CLUSTERED = [name for name in designs.names() if designs.get(name).info.clusters]


@pytest.mark.parametrize("name", designs.names())
def test_truth_error_size_and_coverage(name: str) -> None:
    design = designs.get(name)
    draws = draw_again(design, TIMES * example_of(design).draws)
    hold_to_truth(draws)
    hold_to_size(draws)
    hold_to_coverage(draws)
    if design.info.standard_error:
        hold_to_spread(draws)


@pytest.mark.parametrize("name", CLUSTERED)
def test_errors_of_units_that_share_a_noise(name: str) -> None:
    """With twenty clusters or so, the usual errors are right; their sizes are held elsewhere."""

    def tied(example: Example, seed: int) -> Example:
        return example.clustered(seed, shared=1.0)

    draws = draw_again(designs.get(name), 2 * example_of(designs.get(name)).draws, tied)
    hold_to_truth(draws)
    hold_to_spread(draws)
