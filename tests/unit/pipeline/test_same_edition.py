"""The same study computed again tells the same numbers: its own ledger is no other edition."""

from __future__ import annotations

import shutil
from pathlib import Path

from impact_eval import Study, evaluate
from impact_eval.pipeline.differences import differences
from impact_eval.pipeline.editions import record_release
from impact_eval.results.gate import release
from impact_eval.results.records import comparable


def test_a_second_run_on_the_same_inputs_differs_in_its_time_alone(
    root: Path, tmp_path: Path
) -> None:
    """The counts of one outcome are kept back here: what is close to them is rounded further only
    when another edition could be subtracted."""
    for name in ("study.toml", "suivi.xlsx"):
        shutil.copyfile(root / "datasets/association_avant_apres" / name, tmp_path / name)
    study = Study.read(tmp_path)
    first = release(evaluate(study)).results
    record_release(study, first)
    again = evaluate(study)
    assert any(entry.same_source for entry in again.earlier)
    second = release(again).results
    assert differences(comparable(first), comparable(second)) == []
