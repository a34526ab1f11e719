"""Before the study: what it could see, whom to draw, in public.

Nothing here reads people's data or writes a file: numbers are declared, records are handed back.

>>> from impact_eval import plan
>>> round(plan.power(plan.TwoMeans(n_treated=64, n_comparison=64), effect=0.5).power, 4)
0.8015
"""

from impact_eval.plan.comparisons import (
    ClusteredMeans,
    PairedChange,
    Planned,
    RepeatedMeans,
    TwoMeans,
    TwoShares,
)
from impact_eval.plan.detection import Detection, power, size_needed, smallest_effect
from impact_eval.plan.draws import Draw, Quota, draw, draw_test, verify_draw
from impact_eval.plan.rollouts import Rollout, RolloutPower, rollout_power

__all__ = [
    "ClusteredMeans",
    "Detection",
    "Draw",
    "PairedChange",
    "Planned",
    "Quota",
    "RepeatedMeans",
    "Rollout",
    "RolloutPower",
    "TwoMeans",
    "TwoShares",
    "draw",
    "draw_test",
    "power",
    "rollout_power",
    "size_needed",
    "smallest_effect",
    "verify_draw",
]
