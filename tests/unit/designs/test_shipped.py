"""What is said of the shipped designs without loading them is what their classes say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.designs import designs
from impact_eval.designs.shipped import (
    FILE,
    options_text,
    read_from_classes,
    shipped_alone,
    shipped_options,
)
from impact_eval.designs.twfe import TwoWayFixedEffects
from impact_eval.pipeline.methods_declared import make_design
from impact_eval.pipeline.study_models import MethodPart
from impact_eval.stats.inference.covariances import covariance_from_text, covariances

# those for which a design is loaded come last: from then on the classes themselves are asked
METHODS = [
    '{ name = "callaway_santanna", options = { control_group = "never_treated", method = "dr" } }',
    '{ name = "callaway_santanna", options = { control_groop = "never_treated", method = "d" } }',
    '{ name = "callaway_santanna", options = { anticipation = -1 } }',
    '{ name = "callaway_santana" }',
    '{ name = "twfe", options = { window = [3, 1] } }',
    '{ name = "wald_did", options = { eligible = 3 } }',
    '{ name = "synthetic_did", options = { draws = 12.5 } }',
    '{ name = "did", options = { method = true } }',
    "{ name = 3 }",
    '{ name = "twfe", covariance = "CR2" }',
    '{ name = "callaway_santanna", covariance = "multiplier" }',
    '{ name = "twfe", options = { window = [1, 3] } }',
    '{ name = "twfe", options = { window = [-2, 3] } }',
    '{ name = "wald_did" }',
    '{ name = "wald_did", options = { eligible = "eligible" } }',
    '{ name = "synthetic_did", covariance = "HC2" }',
    '{ name = "did", covariance = "HC9" }',
    '{ name = "did", covariance = { name = "conley" } }',
]
READ = """
import json, sys
{before}
from impact_eval.pipeline.study import Study
told = [[f.to_dict() for f in Study.examine(folder)[1]] for folder in sys.argv[1:]]
print(json.dumps(told))
"""


def test_the_file_is_what_the_classes_say() -> None:
    written = FILE.read_text(encoding="utf-8")
    assert written == options_text(read_from_classes()), "run python -m impact_eval.designs.shipped"
    known = [design.info.name for design in designs.here("impact_eval.designs")]
    assert list(shipped_options()) == sorted(known)


def test_rules_are_read_whole() -> None:
    assert dict(shipped_options()) == read_from_classes()


@pytest.mark.parametrize("name", sorted(shipped_options()))
def test_a_design_that_may_not_refuse_is_made(name: str) -> None:
    """Without options, a design refuses what it needs and nothing else."""
    asked = shipped_options()[name]
    if asked.needed:
        with pytest.raises(TypeError):
            designs.get(name)()
    else:
        assert not asked.may_refuse(())
        designs.get(name)()


@pytest.mark.parametrize("name", sorted(shipped_options()))
def test_a_covariance_said_to_be_taken_is_taken(name: str) -> None:
    """And one that is not said to be, of a design without needs, is refused by the design."""
    asked = shipped_options()[name]
    for text in (
        *(f"HC{k}" for k in range(4)),
        *(f"CR{k}" for k in range(4)),
        *covariances.names(),
    ):
        method = MethodPart(name=name, covariance=text)
        if text in asked.taken:
            assert make_design(method).covariance == covariance_from_text(text)
        elif not asked.needed:
            with pytest.raises(ImpactEvalError):
                make_design(method)


def test_designs_once_loaded_are_asked_themselves() -> None:
    assert designs.names()
    assert not shipped_alone()


def test_the_same_is_told_with_and_without_the_designs(tmp_path: Path) -> None:
    folders = []
    for i, method in enumerate(METHODS):
        folder = tmp_path / f"study{i}"
        folder.mkdir()
        (folder / "study.toml").write_text(
            'schema = "impact-eval/study/1"\n'
            '[study]\nid = "a"\ntitle = "A"\nterritory = "01"\npillar = "emploi"\naction = "A"\n'
            'period = ["2022", "2023"]\n[data]\nfile = "gone.csv"\n'
            '[[outcomes]]\nid = "y"\nlabel = "Y"\ncolumn = "y"\nunit = "eur"\nprimary = true\n'
            f"method = {method}\n",
            encoding="utf-8",
        )
        folders.append(str(folder))
    told = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", READ.format(before=before), *folders],
                capture_output=True, text=True, check=True,
            ).stdout
        )
        for before in ("", "from impact_eval.designs import designs; designs.names()")
    ]  # fmt: skip
    assert told[0] == told[1]
    codes = {finding["code"] for findings in told[0] for finding in findings}
    assert codes >= {
        "unknown_method", "unknown_option_name", "unknown_option", "window_without_start",
        "option_out_of_range", "option_too_low", "option_not_whole", "option_missing",
        "option_wrong_kind", "covariance_not_offered",
    }  # fmt: skip


def test_findings_come_from_the_rules() -> None:
    """The refusal of a value is the one that the design itself gives."""
    rule = shipped_options()["twfe"].rules["window"]
    told = rule.fault((3, 1), method="twfe", name="window", place=None)
    with pytest.raises(ImpactEvalError) as refused:
        TwoWayFixedEffects(window=(3, 1))
    assert isinstance(told, Finding)
    assert told in refused.value.findings
